//! What is to be done for each indicator: what it reads, and in which periods nothing is remembered of it.

use std::collections::HashMap;
use std::sync::Arc;

use keiki_model::kpi::{Formula, Indicator, Kpi};
use keiki_model::parallel::in_parallel;

use super::amounts::View;
use super::memory::{Inputs, Remembered};
use super::sources::Resting;
use super::{Evaluation, MeasurePlace, Views, Window, survival_window};
use crate::measurements::Part;

/// One indicator: what it needs, and what is remembered of it.
pub(super) struct Work<'k> {
    pub(super) of: (&'k Kpi, &'k Indicator),
    pub(super) places: Vec<(u32, MeasurePlace)>,
    /// What the figures that are left to do will be of. *Shape*: slot; none where nothing is to be remembered.
    pub(super) inputs: Vec<Option<Inputs>>,
    /// *Shape*: slot.
    pub(super) recalled: Vec<Option<Arc<Remembered>>>,
}

impl Work<'_> {
    /// The slots of which nothing is remembered.
    pub(super) fn missing(&self) -> Vec<usize> {
        let slots = 0..self.recalled.len();
        slots
            .filter(|slot| self.recalled[*slot].is_none())
            .collect()
    }

    /// The measurements that are remembered.
    pub(super) fn remembered(&self) -> Vec<Part> {
        let recalled = self.recalled.iter().flatten();
        recalled.map(|known| Arc::clone(&known.part)).collect()
    }

    /// What is to be remembered, with the measurements of all slots.
    pub(super) fn into_remembered(self, parts: &[Part]) -> Vec<Arc<Remembered>> {
        let slots = self.recalled.into_iter().zip(self.inputs).zip(parts);
        let slots = slots.filter_map(|((recalled, inputs), part)| {
            recalled.or_else(|| Some(Arc::new(Remembered::new(inputs?, part))))
        });
        slots.collect()
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
pub(super) fn by_kpi(work: Vec<(usize, Work<'_>)>) -> Vec<Vec<(usize, Work<'_>)>> {
    let mut by_kpi: Vec<Vec<(usize, Work<'_>)>> = Vec::new();
    for (at, work) in work {
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
                let resting = Resting {
                    places: &places,
                    footings: &footings,
                };
                let windows = |slot| self.windows(of.1, slot);
                let recalled = memory.recall(of, self.slots.len(), |slot, known| {
                    self.still_gives(&known.sources, resting, slot)
                        && known.windows.iter().copied().eq(windows(slot))
                        && known.wanted == wanted[slot]
                        && known.people == self.people[slot]
                        && Arc::ptr_eq(&known.reported, &self.reported)
                });
                let inputs = |(slot, recalled): (usize, &Option<_>)| {
                    let sources = match recalled {
                        Some(_) => None,
                        None => self.sources(resting, slot),
                    };
                    Some(Inputs {
                        sources: sources?,
                        wanted: Arc::clone(&wanted[slot]),
                        people: self.people[slot].clone(),
                        reported: Arc::clone(&self.reported),
                        windows: windows(slot).collect(),
                    })
                };
                (recalled.iter().enumerate().map(inputs).collect(), recalled)
            }
        };
        Work {
            of,
            places,
            inputs,
            recalled,
        }
    }

    /// The windows through which the cases of an indicator are seen in a period, by the number of the calendar; none where it has no cases.
    fn windows(&self, indicator: &Indicator, slot: usize) -> impl Iterator<Item = Window> {
        let sees_cases = matches!(indicator.formula, Formula::SurvivalMedian(_));
        let zone = &self.engine.setting.zone;
        let spans = self.timings[slot].spans().iter();
        spans
            .filter(move |_| sees_cases)
            .map(|span| survival_window(span.cut, &self.knowledge, zone))
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
