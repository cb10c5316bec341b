//! How long things took, for the charts of a statement: the counts behind medians, and the curves behind medians of survival.

use std::sync::Arc;

use keiki_model::durations::{Durations, Form};
use keiki_model::kpi::{Formula, Indicator, Kpi, Unit};
use keiki_model::survival::Span;
use keiki_model::tally::Tally;

use super::amounts::{View, bins};
use super::counts::{Sweep, Value};
use super::statistics::Reading;
use super::survival::cases_through;
use super::{Evaluation, MeasurePlace};

/// Tells whether an indicator is a median of durations, or of how long cases stay open.
pub(crate) fn is_of_durations(indicator: &Indicator) -> bool {
    let is_time = matches!(indicator.unit, Unit::Hours | Unit::Days);
    let is_median = indicator.formula.kind() == "median";
    is_time && (is_median || matches!(indicator.formula, Formula::SurvivalMedian(_)))
}

impl Evaluation<'_> {
    /// The durations behind the medians of the KPIs, for each node of the first period. Measures with groups have none: groups are
    /// never mixed.
    pub(crate) fn durations(&self, kpis: &[Arc<Kpi>]) -> Vec<Durations> {
        let indicators = kpis
            .iter()
            .flat_map(|kpi| kpi.indicators.iter().map(move |one| (kpi, one)));
        let of_time = indicators.filter(|(_, one)| is_of_durations(one));
        let mut found = Vec::new();
        for (kpi, indicator) in of_time {
            let places = self.places_of(kpi, indicator);
            let Some((_, place)) = places.first() else {
                continue;
            };
            if self.plan.measure(*place).group.is_none() {
                self.durations_of((kpi, indicator), *place, &mut found);
            }
        }
        found
    }

    fn durations_of(
        &self,
        (kpi, indicator): (&Kpi, &Indicator),
        place: MeasurePlace,
        found: &mut Vec<Durations>,
    ) {
        let views = self.views(kpi.no, place);
        let (Some(view), Some(filled)) = (views.first(), self.cubes[place.0].as_ref()) else {
            return;
        };
        let indicators = [indicator];
        let reading = Reading {
            indicators: &indicators,
            cube: &filled.cube,
            measure: place.1,
            knowledge: &self.knowledge,
            zone: &self.engine.setting.zone,
        };
        let forms = match indicator.formula {
            Formula::SurvivalMedian(_) => curves(&reading, view),
            _ => distributions(&reading, view),
        };
        for (node, form) in self.tree(0).nodes().iter().zip(forms) {
            if !form.is_empty() {
                found.push(Durations {
                    no: kpi.no,
                    indicator: indicator.code.as_str().into(),
                    org_unit: node.id.as_str().into(),
                    form,
                });
            }
        }
    }
}

/// The counts by duration. *Shape*: node.
fn distributions(reading: &Reading<'_>, view: &View<'_>) -> Vec<Form> {
    let bins = bins(&reading.cube.axis, view.plan, view.timing());
    let mut sweep = Sweep::new(reading.cube, reading.measure, view.plan);
    sweep.advance(|unit| bins[view.number_of(unit)].as_ref());
    let of_unit = |counts: &super::counts::Counts| {
        let value = |((_, first, second), count): &(Value, i64)| {
            (view.plan.value_of((*first, *second)), *count)
        };
        Tally::new(counts.values().iter().map(value).collect())
    };
    let parts: Vec<Tally> = sweep.units().iter().map(of_unit).collect();
    let of_node = |units: &[usize]| {
        let whole = Tally::sum(units.iter().map(|unit| &parts[*unit]));
        let step = view.plan.step.max(1);
        let seconds = |(steps, count): &(i64, i64)| (steps.saturating_mul(step), *count);
        let counts: Vec<(i64, i64)> = whole.counts().iter().map(seconds).collect();
        Form::distribution(&counts)
    };
    view.units_by_node().map(of_node).collect()
}

/// The curves of cases still open. *Shape*: node.
fn curves(reading: &Reading<'_>, view: &View<'_>) -> Vec<Form> {
    let (parts, step_seconds) = cases_through(reading, view);
    let of_node = |units: &[usize]| {
        let spans: Vec<Span> = units.iter().flat_map(|unit| parts[*unit].clone()).collect();
        Form::survival(&spans, step_seconds)
    };
    view.units_by_node().map(of_node).collect()
}
