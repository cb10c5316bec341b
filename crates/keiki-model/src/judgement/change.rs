//! Whether two values differ by more than noise.

use super::{Change, Observation, Verdict, Yardstick, verdict_of};
use crate::fraction::Fraction;
use crate::kpi::Direction;
use crate::proportion::newcombe_interval;

/// How many movements are needed to tell which are usual.
const MOVEMENTS: usize = 5;

/// The upper limit of moving ranges of two, in medians of them. *Source*: Wheeler and Chambers, Understanding Statistical
/// Process Control, 3rd edition (2010), table of factors for the median moving range: 3.865.
const LIMIT_IN_MEDIANS: f64 = 3.865;

/// The same in means of them. *Source*: as above, the factor for the average moving range: 3.268.
const LIMIT_IN_MEANS: f64 = 3.268;

/// Holds the last value against an earlier one; `None` where that one has no value. `usual` are the movements before it.
pub(super) fn change(
    usual: &[f64],
    earlier: &Observation,
    last: &Observation,
    direction: Direction,
) -> Option<Change> {
    let back = earlier.value?.times(Fraction::whole(-1))?;
    let by = last.value?.plus(back)?;
    let yardstick = match (last.sample, earlier.sample) {
        (Some(last), Some(earlier)) => of_samples(last, earlier),
        _ => of_movements(usual),
    };
    let rises = by > Fraction::whole(0);
    let verdict = match yardstick {
        _ if by == Fraction::whole(0) => Verdict::WithinNoise,
        Yardstick::Nothing => Verdict::TooLittleHistory,
        Yardstick::Interval { low, high } if low > 0.0 || high < 0.0 => {
            verdict_of(rises, direction)
        }
        Yardstick::UsualMovement { limit } if by.to_f64().abs() > limit => {
            verdict_of(rises, direction)
        }
        _ => Verdict::WithinNoise,
    };
    Some(Change {
        against: earlier.period.to_string().into(),
        by,
        yardstick,
        verdict,
    })
}

fn of_samples(last: (i128, i128), earlier: (i128, i128)) -> Yardstick {
    newcombe_interval(last, earlier).map_or(Yardstick::Nothing, |(low, high)| Yardstick::Interval {
        low,
        high,
    })
}

/// The movements from one period to the next, the last one left out: it is what is judged. Where the series begins anew, the step
/// from the end of one year or cycle to the beginning of the next is none.
pub(super) fn movements(
    history: &[Observation],
    begins_anew: impl Fn(&[Observation]) -> bool,
) -> Vec<f64> {
    let mut found = Vec::new();
    let mut previous: Option<f64> = None;
    for at in 0..history.len().saturating_sub(1) {
        if begins_anew(&history[..=at]) {
            previous = None;
        }
        let Some(value) = history[at].value.map(Fraction::to_f64) else {
            continue;
        };
        found.extend(previous.map(|previous| (value - previous).abs()));
        previous = Some(value);
    }
    found
}

/// The limit of movements that are usual.
fn of_movements(usual: &[f64]) -> Yardstick {
    if usual.len() < MOVEMENTS {
        return Yardstick::Nothing;
    }
    let mut movements = usual.to_vec();
    movements.sort_by(f64::total_cmp);
    let median = super::slope::median(&movements);
    // Where it mostly stays as it is, the median is nothing, and the mean tells what is usual.
    let limit = if median > 0.0 {
        LIMIT_IN_MEDIANS * median
    } else {
        LIMIT_IN_MEANS * mean(&movements)
    };
    Yardstick::UsualMovement { limit }
}

#[expect(clippy::cast_precision_loss, reason = "a series has few values")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
