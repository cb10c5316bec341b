//! The median of how long cases stay open, node by node and period by period.

mod cases;
mod pool;
mod scale;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, date_of};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::Indicator;
use keiki_model::measurement::Statistics;
use keiki_model::survival::{MINIMUM_AT_RISK, Median, Span};

use cases::{Case, Cases, Windows};
use pool::Pool;

use super::statistics::Reading;
use super::{Figure, View};

use crate::plan::MeasurePlan;

/// The window through which cases are seen. Days for dates, seconds for instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The survival medians of several periods, whose views come in the order of their cut days. Where org units do not all have the
/// same windows, there is but one period.
pub(super) fn survival(reading: &Reading<'_>, views: &[&View<'_>]) -> Vec<Vec<Figure>> {
    let Some(indicator) = reading.indicators.first() else {
        return Vec::new();
    };
    let windows = windows(reading, views);
    let cases = Cases::new(&reading.cube.histograms[reading.measure], &windows);
    let nodes = views.iter().map(|view| view.units_by_node().len());
    let mut figures: Vec<Vec<Figure>> = nodes.map(|nodes| vec![Figure::default(); nodes]).collect();
    for node in 0..figures.iter().map(Vec::len).max().unwrap_or(0) {
        let has_node = |figures: &Vec<Figure>| node < figures.len();
        let with_node = (0..views.len()).filter(|view| has_node(&figures[*view]));
        let with_node: Vec<usize> = with_node.collect();
        let mut pool = Pool::new(&cases, &windows, &ever(&with_node, views, node));
        for view in with_node {
            pool.show(views[view].units_of(node), view);
            figures[view][node] = figure(&mut pool, views[view].plan, indicator);
        }
    }
    figures
}

/// The windows through which the cases of each org unit are seen in several periods.
fn windows(reading: &Reading<'_>, views: &[&View<'_>]) -> Windows {
    let sights = views.iter().map(|view| {
        let windows = reading.windows(view);
        let mut sights = windows.iter().map(|window| window.in_steps(view.plan));
        if view.timing().is_uniform() {
            sights.next().into_iter().collect::<Vec<_>>()
        } else {
            sights.collect()
        }
    });
    let sights: Vec<Vec<_>> = sights.collect();
    let watches = sights.iter().map(Vec::len).max().unwrap_or(0);
    let watch = |watch: usize| sights.iter().map(|of_view| of_view[watch]).collect();
    let number = |unit: usize| match views.first() {
        Some(view) if watches > 1 => view.number_of(unit),
        _ => 0,
    };
    let units = 0..reading.cube.units.list().len();
    Windows {
        watches: (0..watches).map(watch).collect(),
        of_units: units.map(number).collect(),
    }
}

/// The org units that count at a node in any of the views, ascending.
fn ever(with_node: &[usize], views: &[&View<'_>], node: usize) -> Vec<usize> {
    let mut lists: Vec<&[usize]> = with_node
        .iter()
        .map(|view| views[*view].units_of(node))
        .collect();
    lists.dedup();
    let mut units = lists.concat();
    if lists.len() > 1 {
        units.sort_unstable();
        units.dedup();
    }
    units
}

/// The cases of each org unit as they are seen in a period, and the seconds of a step of their ages. *Shape*: unit.
pub(super) fn cases_through(reading: &Reading<'_>, view: &View<'_>) -> (Vec<Vec<Span>>, i64) {
    let histogram = &reading.cube.histograms[reading.measure];
    let windows = reading.windows(view);
    let of_unit = |unit: usize| {
        let sight = windows[view.number_of(unit)].in_steps(view.plan);
        let cases = histogram.of_unit(unit).iter().map(Case::new);
        cases.filter_map(|case| case.through(sight)).collect()
    };
    let units = 0..reading.cube.units.list().len();
    (units.map(of_unit).collect(), step_seconds(view.plan))
}

fn step_seconds(plan: &MeasurePlan) -> i64 {
    if plan.is_dated {
        86_400
    } else {
        plan.step.max(1)
    }
}

/// The figure of all cases that a pool shows.
fn figure(pool: &mut Pool<'_>, plan: &MeasurePlan, indicator: &Indicator) -> Figure {
    let step = step_seconds(plan);
    let seconds = |steps: i64| {
        Fraction::whole(i128::from(steps) * i128::from(step)).divided_by(indicator.unit.divisor())
    };
    let n = pool.total();
    let (value, is_too_few) = match pool.median() {
        Median::At(age) => (seconds(age), false),
        Median::TooFew => (None, true),
        // Fewer cases than the minimum can never reach a median that is trusted.
        Median::NotReached => (None, n < MINIMUM_AT_RISK),
    };
    Figure {
        value,
        n: Some(i128::from(n)),
        is_nothing: n == 0,
        is_too_few,
        statistics: Statistics {
            open: Some(i128::from(pool.open())),
            open_age_max: pool.oldest().and_then(seconds),
            ..Statistics::default()
        },
        ..Figure::default()
    }
}
