//! Where the evidence for measures counts, and their amounts there.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use keiki_model::org::{Arrangement, Tree};

use super::amounts::{Footing, Places, View, views};
use super::{Evaluation, Footings, MeasurePlace, SlotFootings, Speaking};
use crate::coverage::Claims;
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
        let ground = &self.grounds[place.0];
        ground.footings((alone, speaking), || {
            self.new_footings(kpi, ground, speaking)
        })
    }

    fn new_footings(&self, kpi: u32, ground: &Ground, speaking: Speaking) -> Vec<Arc<Footing>> {
        let places = ground.places(&self.arrangements);
        let of_slot = |at: usize| {
            let (arrangement, timing) = (&self.arrangements[at], &self.timings[at]);
            let tree = arrangement.main();
            let covered = match &ground.claims {
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

/// What it rests on where the evidence of a dataset counts in some periods, and where that is, once it was found out.
#[derive(Default)]
pub(super) struct Ground {
    claims: Option<Claims>,
    /// The org units of the cube.
    units: Vec<String>,
    /// Where these are. *Shape*: slot.
    places: OnceLock<Vec<Arc<Places>>>,
    footings: Mutex<Footings>,
}

impl Ground {
    pub(super) fn new(claims: Option<Claims>, units: &[String]) -> Self {
        Self {
            claims,
            units: units.to_vec(),
            ..Self::default()
        }
    }

    /// Tells whether it is of the same claims and org units.
    pub(super) fn is_of(&self, claims: &Claims, units: &[String]) -> bool {
        self.claims.as_ref() == Some(claims) && self.units == units
    }

    /// Where evidence counts for some KPIs, made where it is not known. Others do not wait for that.
    fn footings(
        &self,
        of: (Option<u32>, Speaking),
        make: impl FnOnce() -> Vec<Arc<Footing>>,
    ) -> SlotFootings {
        let footings = {
            let mut known = self.footings.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(of).or_default())
        };
        Arc::clone(footings.get_or_init(|| Arc::new(make())))
    }

    fn places<'a>(&self, arrangements: &'a [Arc<Arrangement>]) -> &[Arc<Places>] {
        self.places.get_or_init(|| {
            let mut known: Vec<(&Tree, Arc<Places>)> = Vec::new();
            let of_slot = |arrangement: &'a Arc<Arrangement>| {
                let tree = arrangement.main();
                let mut same = known.iter();
                if let Some((_, places)) = same.find(|(other, _)| other.shares_nodes_with(tree)) {
                    return Arc::clone(places);
                }
                let places = Arc::new(Places::new(&self.units, tree));
                known.push((tree, Arc::clone(&places)));
                places
            };
            arrangements.iter().map(of_slot).collect()
        })
    }
}
