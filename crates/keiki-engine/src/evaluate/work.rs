//! What is to be done for each indicator: what it reads, and in which periods nothing is remembered of it.

use std::collections::HashMap;
use std::sync::Arc;

use keiki_model::kpi::{Formula, Indicator, Kpi};
use keiki_model::parallel::in_parallel;

use super::amounts::{View, bins};
use super::memory::Inputs;
use super::{Evaluation, MeasurePlace, SlotFootings, Views, survival_window};
use crate::measurements::Part;

/// One indicator: what it needs, and what is remembered of it.
pub(super) struct Work<'k> {
    pub(super) of: (&'k Kpi, &'k Indicator),
    pub(super) places: Vec<(u32, MeasurePlace)>,
    /// *Shape*: slot; empty where nothing is remembered.
    pub(super) inputs: Vec<Option<Inputs>>,
    /// *Shape*: slot.
    pub(super) recalled: Vec<Option<Part>>,
}

impl Work<'_> {
    /// The slots of which nothing is remembered.
    pub(super) fn missing(&self) -> Vec<usize> {
        let slots = 0..self.recalled.len();
        slots
            .filter(|slot| self.recalled[*slot].is_none())
            .collect()
    }

    /// How many figures are left to do.
    pub(super) fn count(&self, wanted: &[Arc<Vec<bool>>]) -> usize {
        let slots = self.missing().into_iter().map(|slot| &wanted[slot]);
        let nodes = slots.map(|nodes| nodes.iter().filter(|is| **is).count());
        nodes.sum()
    }

    /// The measure whose histogram is read, if any is.
    pub(super) fn place_of_counts(&self) -> Option<MeasurePlace> {
        let formula = &self.of.1.formula;
        let reads_counts =
            formula.needs_histogram() || matches!(formula, Formula::SurvivalMedian(_));
        let (_, place) = self.places.first().filter(|_| reads_counts)?;
        Some(*place)
    }

    /// What takes long has the first turn.
    fn turn(&self) -> u8 {
        match &self.of.1.formula {
            Formula::SurvivalMedian(_) => 0,
            formula if formula.needs_histogram() => 1,
            _ => 2,
        }
    }

    /// Tells whether its figures come of the same sums as those of other work.
    fn goes_with(&self, other: &Self) -> bool {
        let is_quantile = |work: &Self| matches!(work.of.1.formula, Formula::Quantile { .. });
        is_quantile(self)
            && is_quantile(other)
            && self.place_of_counts() == other.place_of_counts()
            && self.missing() == other.missing()
    }
}

/// How many figures are worth starting threads for.
const WORTH_THREADS: usize = 1 << 11;

/// Does work of so many figures in all, on several threads where that is worth it.
pub(super) fn dealt_out<T: Send, R: Send>(
    figures: usize,
    items: Vec<T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    if figures < WORTH_THREADS {
        return items.into_iter().map(work).collect();
    }
    in_parallel(items, work)
}

/// Work with its place among all, by KPI, and the KPIs with what takes long first, so that threads end together.
pub(super) fn by_kpi(work: Vec<Work<'_>>) -> Vec<Vec<(usize, Work<'_>)>> {
    let mut by_kpi: Vec<Vec<(usize, Work<'_>)>> = Vec::new();
    for (at, work) in work.into_iter().enumerate() {
        match by_kpi.last_mut() {
            Some(of_kpi) if of_kpi[0].1.of.0.no == work.of.0.no => of_kpi.push((at, work)),
            _ => by_kpi.push(vec![(at, work)]),
        }
    }
    by_kpi.sort_by_key(|of_kpi| of_kpi.iter().map(|(_, work)| work.turn()).min());
    by_kpi
}

/// What goes together put together, and what takes long first.
pub(super) fn grouped(work: Vec<(usize, Work<'_>)>) -> Vec<Vec<(usize, Work<'_>)>> {
    let mut groups: Vec<Vec<(usize, Work<'_>)>> = Vec::new();
    for (at, work) in work {
        match groups.iter_mut().find(|group| group[0].1.goes_with(&work)) {
            Some(group) => group.push((at, work)),
            None => groups.push(vec![(at, work)]),
        }
    }
    groups.sort_by_key(|group| group[0].1.turn());
    groups
}

impl Evaluation<'_> {
    /// What is left to do for an indicator.
    pub(super) fn work<'k>(
        &self,
        of: (&'k Kpi, &'k Indicator),
        wanted: &[Arc<Vec<bool>>],
    ) -> Work<'k> {
        let places = self.places_of(of.0, of.1);
        let (inputs, recalled) = match &self.engine.memory {
            None => (Vec::new(), vec![None; self.slots.len()]),
            Some(memory) => {
                let footings = places.iter();
                let footings: Vec<_> = footings
                    .map(|(kpi, place)| self.footings(*kpi, *place))
                    .collect();
                let resting = (places.as_slice(), footings.as_slice());
                let slots = 0..self.slots.len();
                let inputs: Vec<Option<Inputs>> = slots
                    .map(|slot| self.inputs(of.1, resting, slot, &wanted[slot]))
                    .collect();
                let recalled = memory.recall(of, &inputs);
                (inputs, recalled)
            }
        };
        Work {
            of,
            places,
            inputs,
            recalled,
        }
    }

    /// Collects what an indicator's measurements in a period rest on; `None` where a cube is not one that is kept.
    fn inputs(
        &self,
        indicator: &Indicator,
        (places, footings): (&[(u32, MeasurePlace)], &[SlotFootings]),
        slot: usize,
        wanted: &Arc<Vec<bool>>,
    ) -> Option<Inputs> {
        let contents = places.iter().map(|(_, place)| {
            let filled = self.cubes[place.0].as_ref()?;
            let (axis, timing) = (&filled.cube.axis, &self.timings[slot]);
            let ranges = bins(axis, self.plan.measure(*place), timing);
            Some(filled.history.as_ref()?.contents(place.1, ranges))
        });
        let sees_cases = matches!(indicator.formula, Formula::SurvivalMedian(_));
        let zone = &self.engine.setting.zone;
        let spans = self.timings[slot].spans().iter().filter(|_| sees_cases);
        Some(Inputs {
            plan: Arc::clone(&self.plan),
            slot: self.slots[slot],
            wanted: Arc::clone(wanted),
            contents: contents.collect::<Option<_>>()?,
            footings: footings.iter().map(|of| Arc::clone(&of[slot])).collect(),
            people: self.people[slot].clone(),
            reported: Arc::clone(&self.reported),
            windows: spans
                .map(|span| survival_window(span.cut, &self.knowledge, zone))
                .collect(),
        })
    }

    /// The views that are needed for what is left to do, where that is so many figures.
    pub(super) fn views_for(&self, work: &[(usize, Work<'_>)], figures: usize) -> Views<'_> {
        let mut needed: HashMap<(u32, MeasurePlace), Vec<bool>> = HashMap::new();
        for (_, work) in work {
            for place in &work.places {
                let slots = needed.entry(*place);
                let slots = slots.or_insert_with(|| vec![false; self.slots.len()]);
                for (is_needed, recalled) in slots.iter_mut().zip(&work.recalled) {
                    *is_needed |= recalled.is_none();
                }
            }
        }
        let needed = needed.into_iter();
        let needed: Vec<_> = needed.filter(|(_, slots)| slots.contains(&true)).collect();
        dealt_out(figures, needed, |((kpi, place), needed)| {
            let slots: Vec<usize> = (0..needed.len()).filter(|slot| needed[*slot]).collect();
            let mut views: Vec<Option<View<'_>>> = needed.iter().map(|_| None).collect();
            for (slot, view) in slots.iter().zip(self.views_in(kpi, place, &slots)) {
                views[*slot] = Some(view);
            }
            (place, views)
        })
        .into_iter()
        .collect()
    }

    /// The measures that an indicator needs: those of its formula, then those beside it.
    pub(super) fn places_of(&self, kpi: &Kpi, indicator: &Indicator) -> Vec<(u32, MeasurePlace)> {
        let named = indicator.measures().into_iter();
        named
            .filter_map(|name| Some((kpi.no, self.plan.place(kpi.no, name)?)))
            .collect()
    }
}
