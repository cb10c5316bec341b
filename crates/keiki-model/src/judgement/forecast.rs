//! What is to be expected at the fiscal year's end, by exponential smoothing.

use augurs::ets::AutoETS;
use augurs::prelude::{Fit, Predict};

use super::{Bounds, Forecast, Frame, Observation, Outlook, periods_until};
use crate::calendar::{Day, date_of};
use crate::fraction::Fraction;
use crate::kpi::Target;

/// How many values a forecast has to rest on: the least that smoothing with a trend can be fitted to is seven.
pub const FORECAST_HISTORY: usize = 8;

/// The share of outcomes that the interval is meant to hold.
const LEVEL: f64 = 0.95;

/// What is to be expected on the day on which the target is due, or else at the end of the fiscal year; `None` with too little
/// history, without movement, or on that day.
pub(super) fn forecast(run: &[Observation], frame: &Frame<'_>) -> Option<Forecast> {
    let last = run.last()?;
    let year_end = frame.calendar.fiscal_year_end(last.cut_on);
    let on: Day = frame.due_on.unwrap_or(year_end);
    let ahead = periods_until(last, on);
    let values = unbroken(run);
    let Smoothed { path, model } = smooth(&values, ahead, frame.bounds)?;
    let (value, low, high) = *path.last()?;
    Some(Forecast {
        on: date_of(on).to_string().into(),
        periods_ahead: ahead,
        n: values.len(),
        value,
        interval: (low, high),
        path,
        model,
        outlook: frame
            .target
            .map(|target| outlook(target, (low, value, high))),
    })
}

/// The values since the last gap: smoothing needs every period.
fn unbroken(run: &[Observation]) -> Vec<f64> {
    let known = run.iter().rev().map_while(|one| one.value);
    let mut values: Vec<f64> = known.map(Fraction::to_f64).collect();
    values.reverse();
    values
}

/// Values to be expected.
pub(super) struct Smoothed {
    /// Value, lower and upper end for each period.
    pub(super) path: Vec<(f64, f64, f64)>,
    pub(super) model: String,
}

/// Fits the exponential smoothing models with additive errors, without season, to the values, and takes the best by its
/// corrected information criterion.
///
/// *Source*: Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing (2008), doi:10.1007/978-3-540-71918-2.
pub(super) fn smooth(values: &[f64], ahead: u32, bounds: Bounds) -> Option<Smoothed> {
    let first = values.first()?;
    let is_level = values
        .iter()
        .all(|value| (value - first).abs() < f64::EPSILON);
    if ahead == 0 || values.len() < FORECAST_HISTORY || is_level {
        return None;
    }
    let fitted = AutoETS::new(1, "AZN").ok()?.fit(values).ok()?;
    let expected = fitted.predict(usize::try_from(ahead).ok()?, LEVEL).ok()?;
    let interval = expected.intervals?;
    let highest = match bounds {
        Bounds::Share => values.iter().copied().fold(1.0, f64::max),
        Bounds::FromZero => f64::INFINITY,
    };
    let within = |value: f64| value.clamp(0.0, highest);
    let ends = interval.lower.iter().zip(&interval.upper);
    let path: Vec<(f64, f64, f64)> = expected
        .point
        .iter()
        .zip(ends)
        .map(|(value, (low, high))| (within(*value), within(*low), within(*high)))
        .collect();
    let is_number = |(value, low, high): &(f64, f64, f64)| {
        value.is_finite() && low.is_finite() && high.is_finite()
    };
    let model = format!("ETS({})", fitted.model().model_type());
    path.iter()
        .all(is_number)
        .then_some(Smoothed { path, model })
}

/// How an interval stands to a target.
fn outlook(target: Target, (low, value, high): (f64, f64, f64)) -> Outlook {
    let meets = |value: f64| {
        let above = target.at_least.is_none_or(|bound| value >= bound.to_f64());
        above && target.at_most.is_none_or(|bound| value <= bound.to_f64())
    };
    let reaches_into = target.at_least.is_none_or(|bound| high >= bound.to_f64())
        && target.at_most.is_none_or(|bound| low <= bound.to_f64());
    match (meets(low) && meets(high), meets(value), reaches_into) {
        (true, ..) => Outlook::Likely,
        (_, true, _) => Outlook::RatherLikely,
        (_, _, true) => Outlook::RatherUnlikely,
        _ => Outlook::Unlikely,
    }
}
