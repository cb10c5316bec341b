//! Measurements that are remembered from request to request, with all that they were computed from.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use keiki_model::calendar::Day;
use keiki_model::kpi::{Indicator, Kpi};
use keiki_model::org::Arrangement;

use super::footings::Ground;
use super::sources::Sources;
use super::{Slot, Window};
use crate::coverage::Claims;
use crate::measurements::Part;
use crate::plan::Plan;
use crate::reported::ReportedFigures;

/// All that the measurements of an indicator in one period are a function of, but for the instant of knowledge and the
/// journal version that they carry. What never changes within an engine is left out.
pub(super) struct Inputs {
    pub(super) sources: Sources,
    pub(super) wanted: Arc<Vec<bool>>,
    pub(super) people: Option<Arc<Vec<i64>>>,
    pub(super) reported: Arc<ReportedFigures>,
    /// Where cases are seen through windows, those, by the number of the calendar.
    pub(super) windows: Vec<Window>,
}

/// The measurements of one period with what they were computed from.
pub(super) struct Remembered {
    inputs: Inputs,
    pub(super) part: Part,
}

/// How many people each unit had in one period, with what that was computed from.
struct RememberedPeople {
    sources: Sources,
    people: Option<Arc<Vec<i64>>>,
}

/// What it rests on where evidence counts in some periods, by the dataset's position.
struct Grounds {
    plan: Arc<Plan>,
    slots: Vec<Slot>,
    today: Day,
    by_dataset: HashMap<usize, Arc<Ground>>,
}

/// Remembers the last measurements of each indicator.
#[derive(Default)]
pub(crate) struct Memory {
    by_indicator: Mutex<ByIndicator>,
    reported: Mutex<Arc<ReportedFigures>>,
    grounds: Mutex<Option<Grounds>>,
    /// *Shape*: slot that was asked for last.
    wanted: Mutex<Vec<Arc<Vec<bool>>>>,
    /// *Shape*: slot that was asked for last.
    people: Mutex<Vec<RememberedPeople>>,
    /// By the day of the tree, the day on which it is seen, and the hierarchy: that is all that they depend on.
    arrangements: Mutex<HashMap<Arranged, Arc<Arrangement>>>,
}

/// By the KPI's number and the indicator's code.
type ByIndicator = HashMap<(u32, String), Arc<Vec<Arc<Remembered>>>>;

type Arranged = (Day, Day, Option<usize>);

/// How many arrangements are remembered at most.
const ARRANGEMENTS: usize = 512;

impl Memory {
    /// The arrangement of a period, made if it is not remembered.
    pub(super) fn arrangement(
        &self,
        slot: &Slot,
        make: impl FnOnce() -> Arc<Arrangement>,
    ) -> Arc<Arrangement> {
        let arrangements = self.arrangements.lock();
        let mut arrangements = arrangements.unwrap_or_else(PoisonError::into_inner);
        let key = (slot.tree_on, slot.cut, slot.hierarchy);
        if arrangements.len() >= ARRANGEMENTS && !arrangements.contains_key(&key) {
            arrangements.clear();
        }
        Arc::clone(arrangements.entry(key).or_insert_with(make))
    }

    /// The figures that were reported: the very ones of before, if they are the same.
    pub(super) fn same_reported(&self, fresh: ReportedFigures) -> Arc<ReportedFigures> {
        let mut known = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if **known != fresh {
            *known = Arc::new(fresh);
        }
        Arc::clone(&known)
    }

    /// The nodes that are wanted of each period: the very lists of before, if they are the same.
    pub(super) fn same_wanted(&self, fresh: Vec<Arc<Vec<bool>>>) -> Vec<Arc<Vec<bool>>> {
        let mut known = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != fresh {
            *known = fresh;
        }
        known.clone()
    }

    /// What it rests on where evidence counts, of each dataset the very one of before, if that is the same. Datasets that are not
    /// read, which nobody has claims about, stay remembered.
    pub(super) fn grounds<'u>(
        &self,
        (plan, slots, today): (&Arc<Plan>, &[Slot], Day),
        fresh: impl Iterator<Item = (Option<Claims>, &'u [String])>,
    ) -> Vec<Arc<Ground>> {
        let mut known = self.grounds.lock().unwrap_or_else(PoisonError::into_inner);
        known.take_if(|known| {
            !(Arc::ptr_eq(&known.plan, plan) && known.slots == slots && known.today == today)
        });
        let known = known.get_or_insert_with(|| Grounds {
            plan: Arc::clone(plan),
            slots: slots.to_vec(),
            today,
            by_dataset: HashMap::new(),
        });
        let of_dataset = |(position, (claims, units)): (usize, (Option<Claims>, &[String]))| {
            if claims.is_none() {
                return Arc::default();
            }
            let ground = known.by_dataset.entry(position).or_default();
            if !ground.is_of(claims.as_ref(), units) {
                *ground = Arc::new(Ground::new(claims, units));
            }
            Arc::clone(ground)
        };
        fresh.enumerate().map(of_dataset).collect()
    }

    /// The people of the periods of which they are remembered and `is_same` says that they were counted from the same, by the
    /// slot.
    pub(super) fn people(
        &self,
        is_same: impl Fn(usize, &Sources) -> bool,
    ) -> BTreeMap<usize, Option<Arc<Vec<i64>>>> {
        let known = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.iter().enumerate();
        known
            .filter(|(slot, known)| is_same(*slot, &known.sources))
            .map(|(slot, known)| (slot, known.people.clone()))
            .collect()
    }

    /// Remembers the people of periods in the place of all that were remembered.
    pub(super) fn keep_people(
        &self,
        counted: impl Iterator<Item = (Sources, Option<Arc<Vec<i64>>>)>,
    ) {
        let counted = counted.map(|(sources, people)| RememberedPeople { sources, people });
        let counted = counted.collect();
        *self.people.lock().unwrap_or_else(PoisonError::into_inner) = counted;
    }

    /// What is remembered of periods, where `is_same` says that it was computed from the same. *Shape*: slot, of which there are so
    /// many.
    pub(super) fn recall(
        &self,
        (kpi, indicator): (&Kpi, &Indicator),
        slots: usize,
        is_same: impl Fn(usize, &Inputs) -> bool,
    ) -> Vec<Option<Arc<Remembered>>> {
        let known = {
            let memory = self.by_indicator.lock();
            let memory = memory.unwrap_or_else(PoisonError::into_inner);
            let known = memory.get(&(kpi.no, indicator.code.clone()));
            known.map(Arc::clone).unwrap_or_default()
        };
        let find = |slot: usize| {
            // Mostly the same periods are asked for again.
            let mut all = known.get(slot).into_iter().chain(&*known);
            all.find(|known| is_same(slot, &known.inputs)).cloned()
        };
        (0..slots).map(find).collect()
    }

    /// Remembers periods in the place of all that were remembered of an indicator.
    pub(super) fn keep(&self, (kpi, indicator): (&Kpi, &Indicator), periods: Vec<Arc<Remembered>>) {
        let mut memory = self
            .by_indicator
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        memory.insert((kpi.no, indicator.code.clone()), Arc::new(periods));
    }
}

impl Remembered {
    pub(super) fn new(inputs: Inputs, part: &Part) -> Self {
        let part = Arc::clone(part);
        Self { inputs, part }
    }
}
