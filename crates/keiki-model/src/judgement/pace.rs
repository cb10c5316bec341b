//! How a value stands on the way to a target that is due later.

use super::{Frame, Observation, Pace, periods_until};
use crate::calendar::date_of;
use crate::fraction::Fraction;

/// The way from the last value to the day on which the target is due; `None` where it is due now.
pub(super) fn pace(run: &[Observation], frame: &Frame<'_>) -> Option<Pace> {
    let (last, due_on) = (run.last()?, frame.due_on?);
    let value = last.value?;
    let periods_left = periods_until(last, due_on);
    let target = frame.target?;
    let missing = target.at_least.and_then(|bound| less(bound, value));
    let needed = missing.map(|missing| missing.max(Fraction::whole(0)));
    Some(Pace {
        due_on: date_of(due_on).to_string().into(),
        periods_left,
        by_now: frame.by_now,
        ahead_by: frame.by_now.and_then(|by_now| less(value, by_now)),
        needed_per_period: needed.and_then(|of| of.divided_by(i128::from(periods_left.max(1)))),
        brought_per_period: brought(run),
    })
}

/// What the periods of the run have brought on average.
fn brought(run: &[Observation]) -> Option<Fraction> {
    let mut known = run
        .iter()
        .enumerate()
        .filter_map(|(at, one)| Some((at, one.value?)));
    let (first, from) = known.next()?;
    let (last, to) = known.next_back()?;
    less(to, from)?.divided_by(i128::try_from(last - first).ok()?)
}

fn less(of: Fraction, subtracted: Fraction) -> Option<Fraction> {
    of.plus(subtracted.times(Fraction::whole(-1))?)
}
