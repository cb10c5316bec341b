//! Indicators that read histograms: quantiles, shares within a limit, extremes, days late, survival.

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, date_of};
use keiki_model::fraction::Fraction;
use keiki_model::histogram::quantile_doubled;
use keiki_model::kpi::Indicator;
use keiki_model::measurement::{Group, Statistics};
use keiki_model::survival::{MINIMUM_AT_RISK, Median, Span, median};

use super::Figure;
use super::amounts::View;
use crate::accumulate::OPEN;
use crate::plan::MeasurePlan;

/// A value in steps of the measure's resolution, in the indicator's unit.
fn in_unit(view: &View<'_>, steps: i64, halves: i128, indicator: &Indicator) -> Option<Fraction> {
    let value = Fraction::new(
        i128::from(steps) * i128::from(view.plan.step),
        view.plan.divisor * halves,
    )?;
    value.divided_by(indicator.unit.divisor())
}

type Values = Vec<(i64, i64)>;

/// The net counts of one group's pairs, in order. *Shape*: (day or value, value or 0) to count.
type Counts = Vec<((i64, i64), i64)>;

/// The values with their net counts, by group in the order of their names; what nets to nothing is left out.
fn by_group<'v>(view: &View<'v>, node: usize) -> Vec<(&'v str, Counts)> {
    let mut cells = view.cells(node);
    cells.sort_unstable_by_key(|(cell, ..)| (cell.group, cell.first, cell.second));
    let mut groups: Vec<(u16, &str, Counts)> = Vec::new();
    for (cell, weight, name) in cells {
        if groups
            .last()
            .is_none_or(|(number, ..)| *number != cell.group)
        {
            groups.push((cell.group, name, Vec::new()));
        }
        let Some((_, _, counts)) = groups.last_mut() else {
            continue;
        };
        let pair = (cell.first, cell.second);
        match counts.last_mut() {
            Some((last, count)) if *last == pair => *count += weight,
            _ => counts.push((pair, weight)),
        }
    }
    let mut named: Vec<(&str, Counts)> = groups
        .into_iter()
        .map(|(_, name, mut counts)| {
            counts.retain(|(_, count)| *count > 0);
            (name, counts)
        })
        .filter(|(_, counts)| !counts.is_empty())
        .collect();
    named.sort_by_key(|(name, _)| *name);
    named
}

fn counts(values: &Counts) -> i128 {
    values.iter().map(|(_, count)| i128::from(*count)).sum()
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

pub(super) fn quantile(
    view: &View<'_>,
    node: usize,
    at: Fraction,
    indicator: &Indicator,
) -> Figure {
    let groups = by_group(view, node);
    let part = |value: i128| i64::try_from(value).unwrap_or(1);
    let results = groups
        .iter()
        .filter_map(|(group, values)| {
            let mut list: Values = values
                .iter()
                .map(|(pair, count)| (view.plan.value_of(*pair), *count))
                .collect();
            let (doubled, n) =
                quantile_doubled(&mut list, part(at.numerator()), part(at.denominator()))?;
            Some((*group, in_unit(view, doubled, 2, indicator)?, i128::from(n)))
        })
        .collect();
    grouped(results, view.plan.group.is_some())
}

pub(super) fn share_within(view: &View<'_>, node: usize, limit: i64) -> Figure {
    let limit = i128::from(limit) * view.plan.divisor;
    let limit = limit.div_euclid(i128::from(view.plan.step.max(1)));
    let (mut within, mut all) = (0_i128, 0_i128);
    for (cell, weight, _) in view.cells(node) {
        all += i128::from(weight);
        let value = view.plan.value_of((cell.first, cell.second));
        within += if i128::from(value) <= limit {
            i128::from(weight)
        } else {
            0
        };
    }
    Figure {
        value: Fraction::new(within, all),
        numerator: Some(Fraction::whole(within)),
        denominator: Some(Fraction::whole(all)),
        n: Some(all),
        is_nothing: all == 0,
        ..Figure::default()
    }
}

/// Which of the values in force is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extreme {
    Lowest,
    Highest,
    /// That of the last day; of several on one day, the lowest.
    Latest,
}

pub(super) fn extreme(
    view: &View<'_>,
    node: usize,
    which: Extreme,
    indicator: &Indicator,
) -> Figure {
    let groups = by_group(view, node);
    let results = groups
        .iter()
        .filter_map(|(group, values)| {
            let value_of = |(pair, _): &((i64, i64), i64)| view.plan.value_of(*pair);
            let value = match which {
                Extreme::Lowest => values.iter().map(value_of).min(),
                Extreme::Highest => values.iter().map(value_of).max(),
                Extreme::Latest => {
                    let last = values.iter().map(|(pair, _)| pair.0).max()?;
                    values
                        .iter()
                        .filter(|(pair, _)| pair.0 == last)
                        .map(value_of)
                        .min()
                }
            }?;
            Some((*group, in_unit(view, value, 1, indicator)?, counts(values)))
        })
        .collect();
    grouped(results, view.plan.group.is_some())
}

/// Days from the oldest date in force to the cut day; nothing where none is in force.
pub(super) fn days_late(view: &View<'_>, node: usize, cut: Day) -> Figure {
    let groups = by_group(view, node);
    let oldest = groups
        .iter()
        .flat_map(|(_, values)| values)
        .map(|(pair, _)| view.plan.value_of(*pair))
        .min();
    let n: i128 = groups.iter().map(|(_, values)| counts(values)).sum();
    let days = oldest.map(|oldest| Fraction::whole(i128::from((i64::from(cut) - oldest).max(0))));
    Figure {
        value: days,
        n: Some(n),
        is_nothing: days.is_none(),
        ..Figure::default()
    }
}

/// The window through which cases are seen. Days for dates, seconds for instants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    days: (i64, i64),
    seconds: (i64, i64),
}

impl Window {
    /// From the start of a day until before another, or until the instant of knowledge if that comes first.
    pub(crate) fn new(first: Day, end: Day, known_at: i64, zone: &TimeZone) -> Self {
        let start_of = |day: Day| {
            let midnight = date_of(day).to_datetime(jiff::civil::Time::midnight());
            zone.to_ambiguous_timestamp(midnight)
                .compatible()
                .map_or(0, jiff::Timestamp::as_second)
        };
        let known = known_at.div_euclid(1_000_000) + 1;
        Self {
            days: (i64::from(first), i64::from(end)),
            seconds: (start_of(first), start_of(end).min(known)),
        }
    }

    /// Begin and end in the steps in which a measure keeps its cases: days for dates, else so many seconds.
    fn in_steps(&self, plan: &MeasurePlan) -> (i64, i64) {
        if plan.is_dated {
            return self.days;
        }
        let step = plan.step.max(1);
        let (begin, end) = self.seconds;
        (
            begin.div_euclid(step),
            end.div_euclid(step) + i64::from(end.rem_euclid(step) != 0),
        )
    }

    /// Tells whether a case is at risk at any time in the window.
    pub(crate) fn sees(&self, plan: &MeasurePlan, onset: i64, finish: Option<i64>) -> bool {
        let (begin, end) = self.in_steps(plan);
        Span::through(begin, end, onset, finish, 1).is_some()
    }
}

pub(super) fn survival(
    view: &View<'_>,
    node: usize,
    window: &Window,
    indicator: &Indicator,
) -> Figure {
    let step = view.plan.step.max(1);
    let is_days = view.plan.is_dated;
    let (begin, end) = window.in_steps(view.plan);
    // Cells of one unit are net already, and those of several units add.
    let (mut spans, mut open, mut oldest) = (Vec::new(), 0_i128, None);
    for (cell, count, _) in view.cells(node) {
        let onset = cell.first;
        let finish = (cell.second != OPEN).then_some(cell.second);
        if onset < end && finish.is_none_or(|finish| finish >= end) {
            open += i128::from(count);
            oldest = oldest.max(Some(end - onset));
        }
        spans.extend(Span::through(begin, end, onset, finish, count));
    }
    let n: i128 = spans.iter().map(|span| i128::from(span.count)).sum();
    let seconds = |steps: i64| {
        let seconds = i128::from(steps) * i128::from(if is_days { 86_400 } else { step });
        Fraction::whole(seconds).divided_by(indicator.unit.divisor())
    };
    let (value, is_too_few) = match median(&spans, MINIMUM_AT_RISK) {
        Median::At(age) => (seconds(age), false),
        Median::TooFew => (None, true),
        // Fewer cases than the minimum can never reach a median that is trusted.
        Median::NotReached => (None, n < i128::from(MINIMUM_AT_RISK)),
    };
    Figure {
        value,
        n: Some(n),
        is_nothing: n == 0,
        is_too_few,
        statistics: Statistics {
            open: Some(open),
            open_age_max: oldest.and_then(seconds),
            ..Statistics::default()
        },
        ..Figure::default()
    }
}
