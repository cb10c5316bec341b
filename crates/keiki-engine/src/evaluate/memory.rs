//! Measurements that are remembered from request to request, with all that they were computed from.

use std::collections::HashMap;
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
    people: Counted,
}

/// The people of each unit in one period; absent where no headcount is known.
#[derive(Clone)]
pub(super) struct Counted(pub(super) Option<Arc<Vec<i64>>>);

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
    /// Of how many periods the measurements of an indicator are remembered.
    periods: usize,
    by_indicator: Mutex<ByIndicator>,
    reported: Mutex<Arc<ReportedFigures>>,
    /// Those that were asked for last come first.
    grounds: Mutex<Vec<Grounds>>,
    /// Each list once.
    wanted: Mutex<Vec<Arc<Vec<bool>>>>,
    /// Those that were counted last come last.
    people: Mutex<Vec<RememberedPeople>>,
    /// By the day of the tree, the day on which it is seen, and the hierarchy: that is all that they depend on.
    arrangements: Mutex<HashMap<Arranged, Arc<Arrangement>>>,
}

/// By the KPI's number and the indicator's code.
type ByIndicator = HashMap<(u32, String), Arc<Vec<Arc<Remembered>>>>;

type Arranged = (Day, Day, Option<usize>);

/// How many arrangements are remembered at most.
const ARRANGEMENTS: usize = 512;

/// Of how many periods it is remembered at most how many people there were.
const PERIODS_OF_PEOPLE: usize = 512;

/// Of how many requests of different periods it is remembered where evidence counts in them.
const GROUNDS: usize = 8;

/// How many lists of nodes that are wanted are remembered at most.
const WANTED: usize = 64;

impl Memory {
    pub(crate) fn new(periods: usize) -> Self {
        Self {
            periods,
            ..Self::default()
        }
    }

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

    /// Lists of the nodes that are wanted: of each the very one of before, if there was one with the same.
    pub(super) fn same_wanted(&self, fresh: Vec<Arc<Vec<bool>>>) -> Vec<Arc<Vec<bool>>> {
        let mut known = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |fresh| {
            if let Some(same) = known.iter().find(|known| **known == fresh) {
                return Arc::clone(same);
            }
            if known.len() >= WANTED {
                known.clear();
            }
            known.push(Arc::clone(&fresh));
            fresh
        };
        fresh.into_iter().map(same).collect()
    }

    /// What it rests on where evidence counts, of each dataset the very one of before, if that is the same. What is remembered of
    /// datasets that this request does not read stays.
    pub(super) fn grounds<'u>(
        &self,
        (plan, slots, today): (&Arc<Plan>, &[Slot], Day),
        fresh: impl Iterator<Item = (Option<Claims>, &'u [String])>,
    ) -> Vec<Arc<Ground>> {
        let mut all = self.grounds.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |known: &Grounds| {
            Arc::ptr_eq(&known.plan, plan) && known.slots == slots && known.today == today
        };
        let known = match all.iter().position(is_same) {
            Some(at) => all.remove(at),
            None => Grounds {
                plan: Arc::clone(plan),
                slots: slots.to_vec(),
                today,
                by_dataset: HashMap::new(),
            },
        };
        all.insert(0, known);
        all.truncate(GROUNDS);
        let by_dataset = &mut all[0].by_dataset;
        let of_dataset = |(position, (claims, units)): (usize, (Option<Claims>, &[String]))| {
            let Some(claims) = claims else {
                return Arc::default();
            };
            if let Some(known) = by_dataset.get(&position)
                && known.is_of(&claims, units)
            {
                return Arc::clone(known);
            }
            let ground = Arc::new(Ground::new(Some(claims), units));
            by_dataset.insert(position, Arc::clone(&ground));
            ground
        };
        fresh.enumerate().map(of_dataset).collect()
    }

    /// The people of a period, where they are remembered and `is_same` says that they were counted from the same.
    pub(super) fn people(&self, is_same: impl Fn(&Sources) -> bool) -> Option<Counted> {
        let known = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.iter().find(|known| is_same(&known.sources))?;
        Some(known.people.clone())
    }

    /// Remembers the people of a period in the place of those that were remembered of it, and gives the very list of before, if it
    /// is the same.
    pub(super) fn keep_people(&self, sources: Sources, people: Counted) -> Counted {
        let mut known = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known
            .iter()
            .position(|known| known.sources.are_of_same_period(&sources));
        let before = before.map(|at| known.remove(at).people);
        let people = before
            .filter(|before| before.0 == people.0)
            .unwrap_or(people);
        if known.len() >= PERIODS_OF_PEOPLE {
            known.remove(0);
        }
        known.push(RememberedPeople {
            sources,
            people: people.clone(),
        });
        people
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

    /// Remembers periods of an indicator. Those that were remembered before stay, as far as there is room; what was measured of the
    /// same periods does not.
    pub(super) fn keep(
        &self,
        (kpi, indicator): (&Kpi, &Indicator),
        mut periods: Vec<Arc<Remembered>>,
    ) {
        periods.truncate(self.periods);
        let mut memory = self
            .by_indicator
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = memory.entry((kpi.no, indicator.code.clone())).or_default();
        let fresh = periods.len();
        for old in known.iter() {
            let mut others = periods[..fresh].iter();
            let is_other = others.all(|one| !one.is_in_place_of(old));
            if is_other && periods.len() < self.periods {
                periods.push(Arc::clone(old));
            }
        }
        *known = Arc::new(periods);
    }
}

impl Remembered {
    /// Tells whether it is of the same period and org units as another.
    fn is_in_place_of(&self, other: &Self) -> bool {
        let (own, others) = (&self.inputs, &other.inputs);
        own.sources.are_of_same_period(&others.sources) && own.wanted == others.wanted
    }

    pub(super) fn new(inputs: Inputs, part: &Part) -> Self {
        let part = Arc::clone(part);
        Self { inputs, part }
    }
}
