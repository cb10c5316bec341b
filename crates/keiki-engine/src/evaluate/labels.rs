//! The names that measurements carry, each made once.

use std::sync::Arc;

use keiki_model::calendar::{Day, date_of};
use keiki_model::kpi::{Indicator, Kpi};
use keiki_model::measurement::OwnPeriod;
use keiki_model::name::Name;

use super::{At, Evaluation, Slot};
use crate::measurements::Heading;
use crate::timing::Timing;

/// The names that measurements carry.
pub(super) struct Labels {
    slots: Vec<SlotLabels>,
    /// What stands for the period in entities that lag. *Shape*: slot, then node; nothing where none does.
    own_periods: Vec<Vec<Vec<OwnPeriod>>>,
    hierarchy: Option<Name>,
}

/// The names of one period.
struct SlotLabels {
    period: Name,
    /// By the number of the calendar.
    cut_on: Arc<[Name]>,
    tree_on: Option<Name>,
    /// Ids of the org units, the same list where trees do not differ. *Shape*: node.
    units: Arc<[Name]>,
}

/// The names that the measurements of one indicator carry.
pub(super) struct IndicatorLabels<'l> {
    all: &'l Labels,
    code: Name,
    indicator: Name,
    definition_version: Name,
}

impl Labels {
    pub(super) fn new(evaluation: &Evaluation<'_>) -> Self {
        let day = |day: Day| Name::from(date_of(day).to_string());
        let of_slot = |((slot, timing), units): ((&Slot, &Arc<Timing>), Arc<[Name]>)| SlotLabels {
            period: slot.period.to_string().into(),
            cut_on: timing.spans().iter().map(|span| day(span.cut)).collect(),
            tree_on: (slot.tree_on != slot.cut).then(|| day(slot.tree_on)),
            units,
        };
        let slots = evaluation.slots.iter().zip(&evaluation.timings);
        let slots = slots.zip(units_of(evaluation)).map(of_slot);
        Self {
            slots: slots.collect(),
            own_periods: (0..evaluation.slots.len())
                .map(|slot| evaluation.own_periods(slot))
                .collect(),
            hierarchy: evaluation.hierarchy().map(|of| of.name.as_str().into()),
        }
    }

    pub(super) fn of(&self, kpi: &Kpi, indicator: &Indicator) -> IndicatorLabels<'_> {
        IndicatorLabels {
            all: self,
            code: kpi.code.as_str().into(),
            indicator: indicator.code.as_str().into(),
            definition_version: kpi.version.as_str().into(),
        }
    }
}

/// The ids of the org units of each period.
fn units_of(evaluation: &Evaluation<'_>) -> Vec<Arc<[Name]>> {
    let mut found: Vec<Arc<[Name]>> = Vec::new();
    for arrangement in &evaluation.arrangements {
        let ids = arrangement.tree().nodes().iter().map(|node| &*node.id);
        let same = found
            .iter()
            .rev()
            .find(|known| known.iter().map(|id| &**id).eq(ids.clone()));
        let units = same.map_or_else(|| ids.map(Name::from).collect(), Arc::clone);
        found.push(units);
    }
    found
}

impl IndicatorLabels<'_> {
    pub(super) fn period(&self, slot: usize) -> &str {
        &self.all.slots[slot].period
    }

    /// What all measurements of the indicator in a period say.
    pub(super) fn heading(
        &self,
        (kpi, indicator): (&Kpi, &Indicator),
        (number, slot): (usize, &Slot),
    ) -> Heading {
        let of_slot = &self.all.slots[number];
        Heading {
            no: kpi.no,
            code: self.code.clone(),
            indicator: self.indicator.clone(),
            is_companion: indicator.is_companion,
            hierarchy: self.all.hierarchy.clone(),
            scope: slot.scope,
            tree_on: of_slot.tree_on.clone(),
            period: of_slot.period.clone(),
            cut_on: Arc::clone(&of_slot.cut_on),
            unit: indicator.unit,
            definition_version: self.definition_version.clone(),
            units: Arc::clone(&of_slot.units),
        }
    }

    /// The entities that lag, of those whom the KPI concerns.
    pub(super) fn own_periods_at(&self, at: &At<'_>) -> Vec<OwnPeriod> {
        let Some(all) = self.all.own_periods[at.slot_index].get(at.node) else {
            return Vec::new();
        };
        let is_concerned = |own: &&OwnPeriod| {
            let node = at.tree().position(&own.org_unit);
            node.is_none_or(|node| at.concerned.nodes[node])
        };
        all.iter().filter(is_concerned).cloned().collect()
    }
}

impl Evaluation<'_> {
    /// Per node, the entities at or below it, or above it, that lag behind the group in a period.
    fn own_periods(&self, slot: usize) -> Vec<Vec<OwnPeriod>> {
        let (timing, arrangement) = (&self.timings[slot], &self.arrangements[slot]);
        if timing.is_uniform() {
            return Vec::new();
        }
        let (tree, main) = (arrangement.tree(), arrangement.main());
        let mut found = vec![Vec::new(); tree.nodes().len()];
        let spans = timing.spans();
        for (number, span) in spans
            .iter()
            .enumerate()
            .filter(|(_, one)| **one != spans[0])
        {
            let Some(entity) = self.engine.setting.calendars.entity(number) else {
                continue;
            };
            let month = |month: keiki_model::calendar::Month| Name::from(month.to_string());
            let (first, last) = span.months;
            let own = OwnPeriod {
                org_unit: entity.into(),
                first: (first <= last).then(|| month(first)),
                last: month(last),
                lag_months: spans[0].months.1.0 - last.0,
            };
            let mut nodes = vec![false; found.len()];
            for unit in (0..main.nodes().len()).filter(|unit| timing.number_of(*unit) == number) {
                let taker = Some(arrangement.taker(unit));
                for node in std::iter::successors(taker, |at| tree.nodes()[*at].parent) {
                    nodes[node] = true;
                }
            }
            for (node, _) in nodes.iter().enumerate().filter(|(_, is)| **is) {
                found[node].push(own.clone());
            }
        }
        found
    }
}
