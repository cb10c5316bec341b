//! Measurements that are remembered from request to request, with all that they were computed from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keiki_model::kpi::{Formula, Indicator, Kpi};
use keiki_model::measurement::Measurement;

use super::{Evaluation, MeasurePlace, Slot, View, Window, survival_window};
use crate::keep::CubeVersion;
use crate::plan::Plan;
use crate::reported::ReportedFigures;

/// All that the measurements of an indicator are a function of, but for the instant of knowledge and the journal version
/// that they carry. What never changes within an engine is left out.
pub(super) struct Inputs {
    plan: Arc<Plan>,
    slots: Vec<Slot>,
    wanted: Vec<Vec<bool>>,
    cubes: Vec<CubeVersion>,
    /// *Shape*: slot, measure, node.
    covered: Vec<Vec<Vec<bool>>>,
    people: Vec<Option<Vec<i64>>>,
    reported: Arc<ReportedFigures>,
    /// Where cases are seen through windows, those.
    windows: Vec<Window>,
}

impl PartialEq for Inputs {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan)
            && self.slots == other.slots
            && self.wanted == other.wanted
            && self.cubes == other.cubes
            && self.covered == other.covered
            && self.people == other.people
            && self.reported == other.reported
            && self.windows == other.windows
    }
}

impl Inputs {
    /// Collects what an indicator's measurements rest on; `None` where a cube is not one that is kept.
    pub(super) fn new(
        evaluation: &Evaluation<'_>,
        indicator: &Indicator,
        places: &[(u32, MeasurePlace)],
        views: &[Vec<&View<'_>>],
        wanted: &[Vec<bool>],
    ) -> Option<Self> {
        let sees_cases = matches!(indicator.formula, Formula::SurvivalMedian(_));
        let zone = &evaluation.engine.setting.zone;
        let slots = evaluation.slots.iter().filter(|_| sees_cases);
        Some(Self {
            plan: Arc::clone(&evaluation.plan),
            slots: evaluation.slots.clone(),
            wanted: wanted.to_vec(),
            cubes: places
                .iter()
                .map(|(_, place)| evaluation.cubes[place.0].as_ref()?.version.clone())
                .collect::<Option<_>>()?,
            covered: views
                .iter()
                .map(|views| views.iter().map(|view| view.covered.clone()).collect())
                .collect(),
            people: evaluation.people.clone(),
            reported: Arc::clone(&evaluation.reported),
            windows: slots
                .map(|slot| survival_window(slot.cut, &evaluation.knowledge, zone))
                .collect(),
        })
    }
}

/// Measurements with what they were computed from.
struct Remembered {
    inputs: Inputs,
    measurements: Vec<Measurement>,
}

/// Remembers the last measurements of each indicator.
#[derive(Default)]
pub(crate) struct Memory(Mutex<HashMap<(u32, String), Arc<Remembered>>>);

impl Memory {
    /// Fills in what is remembered, if it was computed from the same; tells whether it was.
    pub(super) fn recall(
        &self,
        (kpi, indicator): (&Kpi, &Indicator),
        inputs: &Inputs,
        part: &mut [Option<Measurement>],
        renew: impl Fn(&Measurement) -> Measurement,
    ) -> bool {
        let key = (kpi.no, indicator.code.clone());
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = memory.get(&key).filter(|found| found.inputs == *inputs);
        let Some(found) = found.cloned() else {
            return false;
        };
        drop(memory);
        for (place, one) in part.iter_mut().zip(&found.measurements) {
            *place = Some(renew(one));
        }
        true
    }

    pub(super) fn keep(
        &self,
        (kpi, indicator): (&Kpi, &Indicator),
        inputs: Inputs,
        part: &[Option<Measurement>],
    ) {
        let remembered = Remembered {
            inputs,
            measurements: part.iter().flatten().cloned().collect(),
        };
        let key = (kpi.no, indicator.code.clone());
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.insert(key, Arc::new(remembered));
    }
}
