//! What a series of values says beyond its last one: change, trend, pace and forecast.
//!
//! *Units*: what a figure is made of stays exact; statistics about figures (intervals, slopes, forecasts) are approximations and are
//! floating point. They are shown beside figures and enter none. *Source*: decision 0038.

mod backtest;
mod change;
mod data;
mod forecast;
mod pace;
mod slope;

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, Day, Month, Period, parse_day};
use crate::fraction::Fraction;
use crate::kpi::{Direction, Indicator, Target, Unit};
use crate::measurement::{Basis, Measurement};
use crate::name::Name;

pub use backtest::{Backtest, Trial, backtest};
pub use forecast::FORECAST_HISTORY;
pub use slope::SLOPE_HISTORY;

/// How many periods before the last one are worth reading: three years of months.
pub const HISTORY: u16 = 36;

/// How many periods ahead forecasts are tried.
pub const PERIODS_TRIED: u32 = 6;

/// One value of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The period.
    pub period: Period,
    /// The day at which it was cut.
    pub cut_on: Day,
    /// The value; unknown is `None`.
    pub value: Option<Fraction>,
    /// Successes and trials, where the figure is a sample's ratio.
    pub sample: Option<(i128, i128)>,
    /// The day on which the target is due, where that is later than the cut day.
    pub due_on: Option<Day>,
}

impl Observation {
    /// What a measurement contributes. A reference value, which nobody can trace, contributes none.
    #[must_use]
    pub fn of(measurement: &Measurement, indicator: &Indicator) -> Option<Self> {
        let sample = || {
            let above = measurement.numerator?;
            Some((above.numerator() / above.denominator(), measurement.n?))
        };
        let is_known = !matches!(measurement.basis, Basis::Reference | Basis::Withheld);
        Some(Self {
            period: Period::parse(&measurement.period).ok()?,
            cut_on: parse_day(&measurement.cut_on)?,
            value: measurement.value.filter(|_| is_known),
            sample: sample().filter(|_| is_known && indicator.is_sample),
            due_on: measurement.grounds.due_on,
        })
    }
}

/// What a series is judged by, beside its values.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'f> {
    /// The fiscal calendar.
    pub calendar: &'f Calendar,
    /// Which way is better.
    pub direction: Direction,
    /// Whether values are shares, which lie between 0 and 1 where no plan is exceeded.
    pub bounds: Bounds,
    /// The target of the last value.
    pub target: Option<Target>,
    /// The day on which it is due, where that is later than the last cut day.
    pub due_on: Option<Day>,
    /// The value that the pace asks for by the last cut day.
    pub by_now: Option<Fraction>,
}

impl<'f> Frame<'f> {
    /// The frame of a measurement, which is the last of its series.
    #[must_use]
    pub fn of(measurement: &Measurement, indicator: &Indicator, calendar: &'f Calendar) -> Self {
        Self {
            calendar,
            direction: indicator.direction,
            bounds: Bounds::of(indicator.unit),
            target: measurement.target,
            due_on: measurement.grounds.due_on,
            by_now: measurement.grounds.pace,
        }
    }
}

/// Which values there can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounds {
    /// From 0 to 1; beyond 1 only where the series has been beyond it.
    Share,
    /// From 0.
    FromZero,
}

impl Bounds {
    /// Those of a unit.
    #[must_use]
    pub fn of(unit: Unit) -> Self {
        match unit {
            Unit::Ratio => Self::Share,
            _ => Self::FromZero,
        }
    }
}

/// What a movement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It moved the right way, by more than noise.
    Better,
    /// It moved the wrong way, by more than noise.
    Worse,
    /// It moved by more than noise, and neither way is better.
    Moved,
    /// What moved is no more than noise.
    WithinNoise,
    /// There is too little history to tell.
    TooLittleHistory,
}

/// By what a change is told from noise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Yardstick {
    /// 95 % interval of the difference of two samples (Newcombe).
    Interval {
        /// Its lower end.
        low: f64,
        /// Its upper end.
        high: f64,
    },
    /// The upper limit of the movements from one period to the next (process behaviour chart).
    UsualMovement {
        /// What a movement has to exceed.
        limit: f64,
    },
    /// Nothing: there is too little history.
    Nothing,
}

/// How the last value differs from an earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The earlier period.
    pub against: Name,
    /// By how much, in the indicator's unit.
    pub by: Fraction,
    /// What it was held against.
    pub yardstick: Yardstick,
    /// What it means.
    pub verdict: Verdict,
}

/// Where a series is heading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// The first period that it rests on.
    pub since: Name,
    /// How many values it rests on.
    pub n: usize,
    /// The median slope. *Units*: the indicator's, per period.
    pub slope_per_period: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// The two-sided probability of a rank correlation with time this strong if there were no trend.
    pub probability: f64,
    /// What it means.
    pub verdict: Verdict,
}

/// How a value stands on the way to a target that is due later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// When the target is due.
    pub due_on: Name,
    /// Periods until then.
    pub periods_left: u32,
    /// What the way asks for by now.
    pub by_now: Option<Fraction>,
    /// How far the value is ahead of that; below zero where it is behind.
    pub ahead_by: Option<Fraction>,
    /// What each period until then has to bring to reach the bound of the target; zero where it is reached.
    pub needed_per_period: Option<Fraction>,
    /// What the periods since the beginning of the year or cycle have brought on average.
    pub brought_per_period: Option<Fraction>,
}

/// How a forecast stands to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlook {
    /// The whole interval meets it.
    Likely,
    /// The middle of the interval meets it, and not all of it.
    RatherLikely,
    /// A part of the interval meets it, and not the middle.
    RatherUnlikely,
    /// No part of the interval meets it.
    Unlikely,
}

/// What is to be expected on the day on which the target is due, or at the fiscal year's end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The day.
    pub on: Name,
    /// How many periods ahead.
    pub periods_ahead: u32,
    /// How many values it rests on.
    pub n: usize,
    /// The value to be expected.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// The values to be expected in each period until then, with their intervals, the last one included.
    pub path: Vec<(f64, f64, f64)>,
    /// The model, as the literature writes it.
    pub model: String,
    /// How it stands to the target, where there is one.
    pub outlook: Option<Outlook>,
}

/// What a series of values says beyond its last one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Judgement {
    /// Against the period before.
    pub previous: Option<Change>,
    /// Against the same period a year ago.
    pub year_before: Option<Change>,
    /// Where it is heading.
    pub trend: Option<Trend>,
    /// How it stands on its way to the target.
    pub pace: Option<Pace>,
    /// What is to be expected.
    pub forecast: Option<Forecast>,
}

/// The observations of an indicator through periods, in their order; a period without a measurement is a gap.
#[must_use]
pub fn observe<'m>(
    periods: impl IntoIterator<Item = (Period, Option<&'m Measurement>)>,
    indicator: &Indicator,
    calendar: &Calendar,
) -> Vec<Observation> {
    let of_period = |(period, found): (Period, Option<&Measurement>)| {
        let known = found.and_then(|one| Observation::of(one, indicator));
        known.or_else(|| {
            Some(Observation {
                period,
                cut_on: period.months(calendar)?.1.last_day(),
                value: None,
                sample: None,
                due_on: None,
            })
        })
    };
    periods.into_iter().filter_map(of_period).collect()
}

/// Judges the last value of a series. The values are in order, one for each period, without gaps between periods.
#[must_use]
pub fn judge_series(observations: &[Observation], frame: &Frame<'_>) -> Judgement {
    if observations.last().is_none_or(|last| last.value.is_none()) {
        return Judgement::default();
    }
    let run = run_of(observations, frame.calendar);
    Judgement {
        trend: slope::trend(run, frame.direction),
        pace: pace::pace(run, frame),
        forecast: forecast::forecast(run, frame),
        ..judge_changes(observations, frame)
    }
}

/// Tells how the last value differs from the period before and from the same period a year ago, and nothing beyond.
#[must_use]
pub fn judge_changes(observations: &[Observation], frame: &Frame<'_>) -> Judgement {
    let Some(last) = observations.last().filter(|last| last.value.is_some()) else {
        return Judgement::default();
    };
    let run = run_of(observations, frame.calendar);
    let since = observations.len() - run.len();
    let earlier = || {
        let wanted = year_before(last.period)?;
        observations.iter().find(|one| one.period == wanted)
    };
    // What is usual is told from earlier years and cycles too.
    let usual = change::movements(observations, |until| {
        run_of(until, frame.calendar).len() == 1
    });
    let change = |of: Option<&Observation>| change::change(&usual, of?, last, frame.direction);
    let before = observations.len().checked_sub(2);
    Judgement {
        previous: change(before.filter(|at| *at >= since).map(|at| &observations[at])),
        year_before: change(earlier()),
        ..Judgement::default()
    }
}

/// The last observations that belong together: what adds up through a year, and what is due at the end of a year or cycle, begins
/// anew with it.
#[must_use]
pub fn run_of<'o>(observations: &'o [Observation], calendar: &Calendar) -> &'o [Observation] {
    let Some((last, before)) = observations.split_last() else {
        return observations;
    };
    let is_end = || {
        let previous = before.last().and_then(|one| one.due_on);
        previous.filter(|due_on| *due_on == last.cut_on)
    };
    let alike = match (last.due_on.or_else(is_end), last.period) {
        (Some(due_on), _) => trailing(before, |one| one.due_on == Some(due_on)),
        (None, Period::YearToDate(_)) => {
            let start = calendar.fiscal_year_start(last.cut_on);
            trailing(before, |one| one.cut_on >= start)
        }
        (None, _) => before.len(),
    };
    &observations[before.len() - alike..]
}

fn trailing(observations: &[Observation], is_alike: impl Fn(&Observation) -> bool) -> usize {
    let alike = observations.iter().rev().take_while(|one| is_alike(one));
    alike.count()
}

/// The same period a year ago, where that is not the one before.
fn year_before(period: Period) -> Option<Period> {
    match period {
        Period::Month(month) => Some(Period::Month(month.plus(-12))),
        Period::YearToDate(month) => Some(Period::YearToDate(month.plus(-12))),
        Period::Quarter(year, part) => Some(Period::Quarter(year - 1, part)),
        Period::Half(year, part) => Some(Period::Half(year - 1, part)),
        Period::Year(_) => None,
    }
}

/// How many months one period of a kind takes.
fn months_of(period: Period) -> i32 {
    match period {
        Period::Month(_) | Period::YearToDate(_) => 1,
        Period::Quarter(..) => 3,
        Period::Half(..) => 6,
        Period::Year(_) => 12,
    }
}

/// How many periods lie between the one cut on a day and a later day.
fn periods_until(last: &Observation, day: Day) -> u32 {
    let months = Month::of(day).0 - Month::of(last.cut_on).0;
    let periods = (months + months_of(last.period) - 1).div_euclid(months_of(last.period));
    u32::try_from(periods).unwrap_or(0)
}

/// Which way a movement goes that is more than noise.
fn verdict_of(rises: bool, direction: Direction) -> Verdict {
    match (direction, rises) {
        (Direction::None, _) => Verdict::Moved,
        (Direction::Higher, true) | (Direction::Lower, false) => Verdict::Better,
        (Direction::Higher, false) | (Direction::Lower, true) => Verdict::Worse,
    }
}

#[cfg(test)]
mod tests;
