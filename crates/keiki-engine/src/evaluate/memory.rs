//! Measurements that are remembered from request to request, with all that they were computed from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keiki_model::calendar::Day;
use keiki_model::kpi::{Indicator, Kpi};
use keiki_model::org::Arrangement;

use super::{Footing, People, Slot, Window};
use crate::keep::Contents;
use crate::measurements::Part;
use crate::plan::Plan;
use crate::reported::ReportedFigures;

/// All that the measurements of an indicator in one period are a function of, but for the instant of knowledge and the
/// journal version that they carry. What never changes within an engine is left out.
pub(super) struct Inputs {
    pub(super) plan: Arc<Plan>,
    pub(super) slot: Slot,
    pub(super) wanted: Arc<Vec<bool>>,
    /// Per measure, what its cube holds of the period.
    pub(super) contents: Vec<Contents>,
    /// Per measure, where its evidence counts.
    pub(super) footings: Vec<Arc<Footing>>,
    pub(super) people: Option<Arc<Vec<i64>>>,
    pub(super) reported: Arc<ReportedFigures>,
    /// Where cases are seen through windows, those, by the number of the calendar.
    pub(super) windows: Vec<Window>,
}

impl PartialEq for Inputs {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |(one, other): (&Arc<Footing>, &Arc<Footing>)| {
            one.covered == other.covered && one.timing == other.timing
        };
        Arc::ptr_eq(&self.plan, &other.plan)
            && self.slot == other.slot
            && self.contents == other.contents
            && self.windows == other.windows
            && self.wanted == other.wanted
            && self.footings.len() == other.footings.len()
            && self.footings.iter().zip(&other.footings).all(is_same)
            && self.people == other.people
            && Arc::ptr_eq(&self.reported, &other.reported)
    }
}

/// The measurements of one period with what they were computed from.
struct Remembered {
    inputs: Inputs,
    part: Part,
}

/// Remembers the last measurements of each indicator.
#[derive(Default)]
pub(crate) struct Memory {
    by_indicator: Mutex<ByIndicator>,
    reported: Mutex<Arc<ReportedFigures>>,
    people: Mutex<People>,
    /// By the day of the tree, the day on which it is seen, and the hierarchy: that is all that they depend on.
    arrangements: Mutex<HashMap<Arranged, Arc<Arrangement>>>,
}

/// By the KPI's number and the indicator's code.
type ByIndicator = HashMap<(u32, String), Arc<Vec<Remembered>>>;

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

    /// The people of each period: the very lists of before, if they are the same, which are compared for every indicator.
    pub(super) fn same_people(&self, fresh: People) -> People {
        let mut known = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != fresh {
            *known = fresh;
        }
        known.clone()
    }

    /// What is remembered of periods, where it was computed from the same. *Shape*: as `inputs`.
    pub(super) fn recall(
        &self,
        (kpi, indicator): (&Kpi, &Indicator),
        inputs: &[Option<Inputs>],
    ) -> Vec<Option<Part>> {
        let known = {
            let memory = self.by_indicator.lock();
            let memory = memory.unwrap_or_else(PoisonError::into_inner);
            let known = memory.get(&(kpi.no, indicator.code.clone()));
            known.map(Arc::clone).unwrap_or_default()
        };
        let find = |(at, inputs): (usize, &Option<Inputs>)| {
            let inputs = inputs.as_ref()?;
            // Mostly the same periods are asked for again.
            let mut all = known.get(at).into_iter().chain(&*known);
            let found = all.find(|known| known.inputs == *inputs)?;
            Some(Arc::clone(&found.part))
        };
        inputs.iter().enumerate().map(find).collect()
    }

    /// Remembers periods in the place of all that were remembered of an indicator.
    pub(super) fn keep(
        &self,
        (kpi, indicator): (&Kpi, &Indicator),
        inputs: Vec<Option<Inputs>>,
        parts: &[Part],
    ) {
        let known = inputs.into_iter().zip(parts).filter_map(|(inputs, part)| {
            Some(Remembered {
                inputs: inputs?,
                part: Arc::clone(part),
            })
        });
        let mut memory = self
            .by_indicator
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        memory.insert((kpi.no, indicator.code.clone()), Arc::new(known.collect()));
    }
}
