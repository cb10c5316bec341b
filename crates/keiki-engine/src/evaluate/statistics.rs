//! Indicators that read histograms: quantiles, shares within a limit, extremes, days late.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Formula, Indicator};
use keiki_model::measurement::{Group, Statistics};
use keiki_model::tally::Tally;

use super::Figure;
use super::amounts::{View, bins};
use super::counts::{Counts, Sweep, Value};
use super::survival::{Window, survival};
use super::survival_window;
use crate::cube::Cube;
use crate::engine::Knowledge;
use crate::plan::MeasurePlan;
use crate::timing::Span;

/// Indicators that read one histogram, with what they read.
pub(super) struct Reading<'r> {
    /// Several only where all are quantiles.
    pub(super) indicators: &'r [&'r Indicator],
    pub(super) cube: &'r Cube,
    pub(super) measure: usize,
    pub(super) knowledge: &'r Knowledge,
    pub(super) zone: &'r TimeZone,
}

/// The figures of such indicators in several periods. *Shape*: indicator, view, node; no figures where nothing can be read.
pub(super) fn figures(reading: &Reading<'_>, views: &[&View<'_>]) -> Vec<Vec<Vec<Figure>>> {
    let mut figures = vec![vec![Vec::new(); views.len()]; reading.indicators.len()];
    let Some(first) = views.first() else {
        return figures;
    };
    let is_survival = |one: &&Indicator| matches!(one.formula, Formula::SurvivalMedian(_));
    let is_survival = reading.indicators.iter().any(is_survival);
    let bins_of = |view: &View<'_>| bins(&reading.cube.axis, view.plan, view.timing());
    let mut order: Vec<usize> = (0..views.len())
        .filter(|at| bins_of(views[*at]).iter().any(Option::is_some))
        .collect();
    // Where entities lag, their spans are in order among fiscal periods and among months, and not across both.
    let lags = |at: &usize| !views[*at].timing().is_uniform();
    order.sort_by_key(|at| (lags(at), views[*at].footing.slot.cut));
    let is_same = |a: &usize, b: &usize| lags(a) == lags(b) && !(is_survival && lags(a));
    for part in order.chunk_by(is_same) {
        let in_order: Vec<&View<'_>> = part.iter().map(|at| views[*at]).collect();
        if is_survival {
            for (at, of_view) in part.iter().zip(survival(reading, &in_order)) {
                figures[0][*at] = of_view;
            }
            continue;
        }
        let mut sweep = Sweep::new(reading.cube, reading.measure, first.plan);
        for (at, view) in part.iter().zip(in_order) {
            let bins = bins_of(view);
            sweep.advance(|unit| bins[view.number_of(unit)].as_ref());
            let found = reading.of_slot(view, sweep.units());
            for (of_indicator, found) in figures.iter_mut().zip(found) {
                of_indicator[*at] = found;
            }
        }
    }
    figures
}

impl Reading<'_> {
    /// The windows through which cases are seen in a period, by the number of the calendar.
    pub(super) fn windows(&self, view: &View<'_>) -> Vec<Window> {
        let window = |span: &Span| survival_window(span.cut, self.knowledge, self.zone);
        view.spans().iter().map(window).collect()
    }

    /// *Shape*: indicator, node.
    fn of_slot(&self, view: &View<'_>, units: &[Counts]) -> Vec<Vec<Figure>> {
        let Some(first) = self.indicators.first() else {
            return Vec::new();
        };
        match &first.formula {
            Formula::Quantile { .. } => self.quantiles(view, units),
            Formula::ShareWithin { limit, .. } => vec![share_within(view, *limit, units)],
            Formula::Lowest(_) => self.extremes(view, units, |e| e.lowest),
            Formula::Highest(_) => self.extremes(view, units, |e| e.highest),
            Formula::Latest(_) => self.extremes(view, units, |e| e.latest.1),
            Formula::DaysLate(_) => vec![days_late(view, units)],
            Formula::SurvivalMedian(_)
            | Formula::Ratio { .. }
            | Formula::Sum(_)
            | Formula::Mean(_)
            | Formula::Entities(_) => Vec::new(),
        }
    }

    /// All quantiles of the same counts: what costs most, adding these up, is done once for all.
    fn quantiles(&self, view: &View<'_>, units: &[Counts]) -> Vec<Vec<Figure>> {
        let plan = view.plan;
        let parts = by_group(units, |values| {
            let value = |((_, first, second), count): &(Value, i64)| {
                (plan.value_of((*first, *second)), *count)
            };
            let tally = Tally::new(values.iter().map(value).collect());
            (!tally.counts().is_empty()).then_some(tally)
        });
        self.by_node(view, &parts, sum_of, |indicator, whole| {
            let Formula::Quantile { at, .. } = &indicator.formula else {
                return None;
            };
            let part = |value: i128| i64::try_from(value).unwrap_or(1);
            let (doubled, n) =
                whole.quantile_doubled(part(at.numerator()), part(at.denominator()))?;
            Some((in_unit(plan, doubled, 2, indicator)?, n))
        })
    }

    fn extremes(
        &self,
        view: &View<'_>,
        units: &[Counts],
        pick: fn(&Extremes) -> i64,
    ) -> Vec<Vec<Figure>> {
        let parts = by_group(units, |values| Extremes::new(view.plan, values));
        let whole = |parts: &[&Extremes]| parts.iter().copied().copied().reduce(Extremes::with);
        self.by_node(view, &parts, whole, |indicator, whole| {
            let whole = whole.as_ref()?;
            let value = in_unit(view.plan, pick(whole), 1, indicator)?;
            Some((value, whole.total))
        })
    }

    /// Puts the parts of each node's org units together, group by group in the order of their names. *Shape*: indicator, node.
    fn by_node<'p, P, W>(
        &self,
        view: &View<'_>,
        parts: &'p [Vec<(u16, P)>],
        whole: impl Fn(&[&'p P]) -> W,
        result: impl Fn(&Indicator, &W) -> Option<(Fraction, i64)>,
    ) -> Vec<Vec<Figure>> {
        let names = self.cube.groups.list();
        let name = |group: u16| names.get(usize::from(group)).map_or("", String::as_str);
        let by_node = view.units_by_node();
        let mut figures: Vec<Vec<Figure>> = self
            .indicators
            .iter()
            .map(|_| Vec::with_capacity(by_node.len()))
            .collect();
        for units in by_node {
            let mut groups: Vec<(u16, Vec<&'p P>)> = Vec::new();
            for (group, part) in units.iter().flat_map(|unit| &parts[*unit]) {
                match groups.iter_mut().find(|(of, _)| of == group) {
                    Some((_, parts)) => parts.push(part),
                    None => groups.push((*group, vec![part])),
                }
            }
            groups.sort_by_key(|(group, _)| name(*group));
            let wholes = groups.iter();
            let wholes: Vec<(u16, W)> = wholes.map(|(of, parts)| (*of, whole(parts))).collect();
            for (figures, indicator) in figures.iter_mut().zip(self.indicators) {
                let results = wholes.iter().filter_map(|(group, whole)| {
                    let (value, n) = result(indicator, whole)?;
                    Some((name(*group), value, i128::from(n)))
                });
                figures.push(grouped(results.collect(), view.plan.group.is_some()));
            }
        }
        figures
    }
}

fn sum_of<'p>(parts: &[&'p Tally]) -> Cow<'p, Tally> {
    Tally::sum(parts.iter().copied())
}

/// What each org unit's counts come to, by group; nothing where the group has none.
fn by_group<P>(
    units: &[Counts],
    part: impl Fn(&[(Value, i64)]) -> Option<P>,
) -> Vec<Vec<(u16, P)>> {
    let of_unit = |counts: &Counts| {
        let groups = counts.values().chunk_by(|a, b| a.0.0 == b.0.0);
        groups
            .filter_map(|values| Some((values[0].0.0, part(values)?)))
            .collect()
    };
    units.iter().map(of_unit).collect()
}

/// A value in steps of the measure's resolution, in the indicator's unit.
fn in_unit(
    plan: &MeasurePlan,
    steps: i64,
    halves: i128,
    indicator: &Indicator,
) -> Option<Fraction> {
    let value = Fraction::new(
        i128::from(steps) * i128::from(plan.step),
        plan.divisor * halves,
    )?;
    value.divided_by(indicator.unit.divisor())
}

/// Makes the figure of results by group: a value only where there is one group, since groups are never mixed.
fn grouped(results: Vec<(&str, Fraction, i128)>, is_grouped: bool) -> Figure {
    let n: i128 = results.iter().map(|(_, _, n)| n).sum();
    let value = match results.as_slice() {
        [(_, value, _)] => Some(*value),
        _ => None,
    };
    let groups = if is_grouped {
        results
            .into_iter()
            .map(|(name, value, n)| Group {
                name: name.to_owned(),
                value,
                n,
            })
            .collect()
    } else {
        Vec::new()
    };
    Figure {
        value,
        n: Some(n),
        is_nothing: n == 0,
        statistics: Statistics {
            groups,
            ..Statistics::default()
        },
        ..Figure::default()
    }
}

fn share_within(view: &View<'_>, limit: i64, units: &[Counts]) -> Vec<Figure> {
    let limit = i128::from(limit) * view.plan.divisor;
    let limit = limit.div_euclid(i128::from(view.plan.step.max(1)));
    let of_unit = |counts: &Counts| {
        let (mut within, mut all) = (0_i128, 0_i128);
        for ((_, first, second), count) in counts.values() {
            all += i128::from(*count);
            if i128::from(view.plan.value_of((*first, *second))) <= limit {
                within += i128::from(*count);
            }
        }
        (within, all)
    };
    let parts: Vec<(i128, i128)> = units.iter().map(of_unit).collect();
    let of_node = |units: &[usize]| {
        let (within, all) = units
            .iter()
            .map(|unit| parts[*unit])
            .fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        Figure {
            value: Fraction::new(within, all),
            numerator: Some(Fraction::whole(within)),
            denominator: Some(Fraction::whole(all)),
            n: Some(all),
            is_nothing: all == 0,
            ..Figure::default()
        }
    };
    view.units_by_node().map(of_node).collect()
}

/// The outermost of the values in force, in steps.
#[derive(Debug, Clone, Copy)]
struct Extremes {
    lowest: i64,
    highest: i64,
    /// The last day, and the value of that day; of several on one day, the lowest.
    latest: (i64, i64),
    total: i64,
}

impl Extremes {
    fn new(plan: &MeasurePlan, values: &[(Value, i64)]) -> Option<Self> {
        let one = |((_, first, second), count): &(Value, i64)| {
            let value = plan.value_of((*first, *second));
            Self {
                lowest: value,
                highest: value,
                latest: (*first, value),
                total: *count,
            }
        };
        let present = values.iter().filter(|(_, count)| *count != 0);
        present.map(one).reduce(Self::with)
    }

    fn with(self, other: Self) -> Self {
        let latest = match self.latest.0.cmp(&other.latest.0) {
            std::cmp::Ordering::Less => other.latest,
            std::cmp::Ordering::Greater => self.latest,
            std::cmp::Ordering::Equal => (self.latest.0, self.latest.1.min(other.latest.1)),
        };
        Self {
            lowest: self.lowest.min(other.lowest),
            highest: self.highest.max(other.highest),
            latest,
            total: self.total + other.total,
        }
    }
}

/// Days from the oldest date in force to its org unit's cut day; nothing where none is in force.
fn days_late(view: &View<'_>, units: &[Counts]) -> Vec<Figure> {
    let of_unit = |(unit, counts): (usize, &Counts)| {
        let cut = view.spans()[view.number_of(unit)].cut;
        let present = counts.values().iter().filter(|(_, count)| *count != 0);
        let mut dates =
            present.map(|((_, first, second), _)| view.plan.value_of((*first, *second)));
        // Without groups, and without a day beside the value, values are in order.
        let is_in_order = view.plan.group.is_none() && !view.plan.keeps_day;
        let oldest = if is_in_order {
            dates.next()
        } else {
            dates.min()
        };
        oldest.map(|oldest| ((i64::from(cut) - oldest).max(0), counts.total()))
    };
    let parts: Vec<Option<(i64, i64)>> = units.iter().enumerate().map(of_unit).collect();
    let of_node = |units: &[usize]| {
        let parts = units.iter().filter_map(|unit| parts[*unit]);
        let whole = parts.reduce(|a, b| (a.0.max(b.0), a.1 + b.1));
        let days = whole.map(|(days, _)| Fraction::whole(i128::from(days)));
        Figure {
            value: days,
            n: Some(whole.map_or(0, |(_, total)| i128::from(total))),
            is_nothing: days.is_none(),
            ..Figure::default()
        }
    };
    view.units_by_node().map(of_node).collect()
}
