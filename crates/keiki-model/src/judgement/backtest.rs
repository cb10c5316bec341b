//! How good forecasts would have been: each made from what came before, and held against what came.

use super::forecast::{FORECAST_HISTORY, smooth};
use super::{Bounds, Observation};
use crate::fraction::Fraction;
use crate::name::Name;

/// One forecast that was held against what came.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The last period that the forecast knew.
    pub from: Name,
    /// The period that it was for.
    pub of: Name,
    /// How many periods ahead.
    pub periods_ahead: u32,
    /// What was to be expected.
    pub expected: f64,
    /// Its 95 % interval.
    pub interval: (f64, f64),
    /// What came.
    pub came: Fraction,
    /// What the last value before would have missed it by.
    pub error_of_last_value: f64,
}

impl Trial {
    /// By how much the forecast missed.
    #[must_use]
    pub fn error(&self) -> f64 {
        (self.expected - self.came.to_f64()).abs()
    }

    /// Whether what came lies in the interval.
    #[must_use]
    pub fn is_hit(&self) -> bool {
        let came = self.came.to_f64();
        let slack = 1e-9;
        self.interval.0 - slack <= came && came <= self.interval.1 + slack
    }
}

/// All trials of a series.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Backtest {
    /// In the order in which they would have been made.
    pub trials: Vec<Trial>,
}

impl Backtest {
    /// The mean of what forecasts missed by, and what the last value would have missed by; `None` without trials.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "there are few trials")]
    pub fn mean_errors(&self) -> Option<(f64, f64)> {
        let count = self.trials.len() as f64;
        let sum = |of: fn(&Trial) -> f64| self.trials.iter().map(of).sum::<f64>() / count;
        (count > 0.0).then(|| (sum(Trial::error), sum(|trial| trial.error_of_last_value)))
    }

    /// How many trials came to lie in their interval.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.trials.iter().filter(|trial| trial.is_hit()).count()
    }
}

/// Forecasts each value from those before it, one to so many periods ahead. The values are one run: they belong together and have no
/// gaps between periods.
#[must_use]
pub fn backtest(run: &[Observation], bounds: Bounds, ahead_most: u32) -> Backtest {
    let mut trials = Vec::new();
    let unbroken: Vec<(&Observation, Fraction)> = {
        let known = run.iter().rev().map_while(|one| Some((one, one.value?)));
        let mut known: Vec<_> = known.collect();
        known.reverse();
        known
    };
    for known in FORECAST_HISTORY..unbroken.len() {
        let (before, after) = unbroken.split_at(known);
        let values: Vec<f64> = before.iter().map(|(_, value)| value.to_f64()).collect();
        let Some(smoothed) = smooth(&values, ahead_most, bounds) else {
            continue;
        };
        let (from, last) = (before[known - 1].0.period, values[known - 1]);
        for (ahead, ((value, low, high), (one, came))) in
            (1_u32..).zip(smoothed.path.into_iter().zip(after))
        {
            trials.push(Trial {
                from: from.to_string().into(),
                of: one.period.to_string().into(),
                periods_ahead: ahead,
                expected: value,
                interval: (low, high),
                came: *came,
                error_of_last_value: (last - came.to_f64()).abs(),
            });
        }
    }
    Backtest { trials }
}
