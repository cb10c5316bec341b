//! What measures give in a period, by what it came from: as long as that is the same, so is all that is computed of it.

use std::sync::Arc;

use super::amounts::{Bins, Footing, bins_of};
use super::{Evaluation, MeasurePlace, Slot, SlotFootings};
use crate::keep::{Contents, History};
use crate::plan::Plan;

/// Measures with where their evidence counts.
#[derive(Clone, Copy)]
pub(super) struct Resting<'r> {
    pub(super) places: &'r [(u32, MeasurePlace)],
    /// *Shape*: as `places`.
    pub(super) footings: &'r [SlotFootings],
}

/// What measures gave in one period.
pub(super) struct Sources {
    plan: Arc<Plan>,
    slot: Slot,
    /// Per measure, what its cube held of the period.
    contents: Vec<Contents>,
    /// Per measure, where its evidence counted.
    footings: Vec<Arc<Footing>>,
}

impl Sources {
    pub(super) fn are_of_same_period(&self, other: &Self) -> bool {
        self.slot == other.slot
    }
}

impl Evaluation<'_> {
    /// Collects what measures give in a period; `None` where a cube is not one that is kept.
    pub(super) fn sources(&self, of: Resting<'_>, slot: usize) -> Option<Sources> {
        let contents = of.places.iter().map(|(_, place)| {
            let history = self.history(*place)?;
            Some(history.contents(place.1, self.ranges(*place, slot)))
        });
        let footings = of.footings.iter();
        Some(Sources {
            plan: Arc::clone(&self.plan),
            slot: self.slots[slot],
            contents: contents.collect::<Option<_>>()?,
            footings: footings.map(|of| Arc::clone(&of[slot])).collect(),
        })
    }

    fn history(&self, place: MeasurePlace) -> Option<&History> {
        self.cubes[place.0].as_ref()?.history.as_deref()
    }

    /// The bins in which a measure counts for a period.
    fn ranges(&self, place: MeasurePlace, slot: usize) -> impl Iterator<Item = Bins> {
        let of_span = move |span| {
            let cube = &self.cubes[place.0].as_ref()?.cube;
            bins_of(&cube.axis, self.plan.measure(place), span)
        };
        self.timings[slot].spans().iter().filter_map(of_span)
    }

    /// Tells whether measures still give what they gave, without collecting it.
    pub(super) fn still_gives(&self, known: &Sources, of: Resting<'_>, slot: usize) -> bool {
        let holds = |((_, place), known): (&(u32, MeasurePlace), &Contents)| {
            let mut history = self.history(*place).into_iter();
            history.any(|history| history.still_holds(known, place.1, self.ranges(*place, slot)))
        };
        let counts = |(of, known): (&SlotFootings, &Arc<Footing>)| {
            let now = &of[slot];
            let is_same = || now.covered == known.covered && now.timing == known.timing;
            Arc::ptr_eq(now, known) || is_same()
        };
        Arc::ptr_eq(&self.plan, &known.plan)
            && self.slots[slot] == known.slot
            && of.places.len() == known.contents.len()
            && of.places.iter().zip(&known.contents).all(holds)
            && of.footings.iter().zip(&known.footings).all(counts)
    }
}
