//! Where the evidence for measures counts, and their amounts there.

use std::sync::{Arc, PoisonError};

use keiki_model::org::{Arrangement, Tree};

use super::amounts::{Footing, Places, View, views};
use super::{Evaluation, MeasurePlace, SlotFootings, Speaking};
use crate::plan::ClockPlan;

impl Evaluation<'_> {
    /// The amounts of a measure in each period, masked by coverage and by whom the KPI concerns.
    pub(crate) fn views(&self, kpi: u32, place: MeasurePlace) -> Vec<View<'_>> {
        let all: Vec<usize> = (0..self.slots.len()).collect();
        self.views_in(kpi, place, &all)
    }

    pub(super) fn views_in(&self, kpi: u32, place: MeasurePlace, slots: &[usize]) -> Vec<View<'_>> {
        let cube = self.cubes[place.0].as_ref().map(|filled| &*filled.cube);
        let footings = self.footings(kpi, place);
        let footings = slots.iter().map(|slot| Arc::clone(&footings[*slot]));
        views(cube, place.1, self.plan.measure(place), footings.collect())
    }

    /// Where the evidence for a measure counts. *Shape*: slot.
    pub(super) fn footings(&self, kpi: u32, place: MeasurePlace) -> SlotFootings {
        let speaking = match self.plan.measure(place).clock {
            ClockPlan::Flow { .. } => Speaking::Throughout,
            ClockPlan::Stock { .. } | ClockPlan::Spell { .. } => Speaking::OnCutDay,
        };
        let programme = &self.engine.setting.programme;
        let alone = Some(kpi).filter(|kpi| programme.may_leave_out(*kpi));
        let cell = {
            let mut known = self.footings.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry((place.0, alone, speaking)).or_default())
        };
        let footings = cell.get_or_init(|| Arc::new(self.new_footings(kpi, place.0, speaking)));
        Arc::clone(footings)
    }

    fn new_footings<'s>(
        &'s self,
        kpi: u32,
        dataset: usize,
        speaking: Speaking,
    ) -> Vec<Arc<Footing>> {
        let cube = self.cubes[dataset].as_ref().map(|filled| &*filled.cube);
        let places = self.places[dataset].get_or_init(|| {
            let mut known: Vec<(&Tree, Arc<Places>)> = Vec::new();
            let of_slot = |arrangement: &'s Arc<Arrangement>| {
                let tree = arrangement.main();
                let mut same = known.iter();
                if let Some((_, places)) = same.find(|(other, _)| other.shares_nodes_with(tree)) {
                    return Arc::clone(places);
                }
                let places = Arc::new(Places::new(cube, tree));
                known.push((tree, Arc::clone(&places)));
                places
            };
            self.arrangements.iter().map(of_slot).collect()
        });
        let of_slot = |at: usize| {
            let (arrangement, timing) = (&self.arrangements[at], &self.timings[at]);
            let tree = arrangement.main();
            let covered = match &self.claims[dataset] {
                None => vec![false; tree.nodes().len()],
                Some(claims) => timing.flags(|span| match speaking {
                    Speaking::Throughout => claims.throughout(tree, span.months, span.cut),
                    Speaking::OnCutDay => claims.on(tree, span.cut),
                }),
            };
            let concerned = self.engine.setting.programme.concerned(kpi, tree);
            let covered = covered.into_iter().zip(concerned);
            Arc::new(Footing::new(
                self.slots[at],
                Arc::clone(arrangement),
                Arc::clone(&places[at]),
                Arc::clone(timing),
                covered.map(|(covered, is)| covered && is).collect(),
            ))
        };
        (0..self.slots.len()).map(of_slot).collect()
    }
}
