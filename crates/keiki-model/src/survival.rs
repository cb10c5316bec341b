//! The Kaplan-Meier median of how long cases stay open, open cases included.

use num_bigint::BigUint;

/// The fewest cases at risk below which no median is given.
pub const MINIMUM_AT_RISK: i64 = 5;

/// A case as seen through a window of time. *Units*: ages in the measure's resolution, since the case's onset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Age at which it enters the risk set: 0, or its age when the window begins (delayed entry).
    pub entry: i64,
    /// Age at which it leaves: finished, or censored at the window's end.
    pub exit: i64,
    /// Whether it finished within the window; otherwise it is right-censored.
    pub is_finished: bool,
    /// How many such cases.
    pub count: i64,
}

impl Span {
    /// Sees a case with its onset and finish (`None` = open) through the window `[begin, end)`; `None` if it is not in it.
    #[must_use]
    pub fn through(
        begin: i64,
        end: i64,
        onset: i64,
        finish: Option<i64>,
        count: i64,
    ) -> Option<Self> {
        if onset >= end || finish.is_some_and(|finish| finish < begin) {
            return None;
        }
        let finished = finish.filter(|finish| *finish < end);
        let entry = (begin - onset).max(0);
        let exit = finished.unwrap_or(end) - onset;
        // A case that finishes at the very instant at which the window begins was never at risk in it.
        if entry == exit && exit > 0 {
            return None;
        }
        Some(Self {
            entry,
            exit,
            is_finished: finished.is_some(),
            count,
        })
    }
}

/// The median, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Median {
    /// Half of the cases are finished at this age.
    At(i64),
    /// Fewer cases than the minimum were at risk before the median was reached.
    TooFew,
    /// More than half of the cases were still open at the greatest age seen.
    NotReached,
}

/// An age at which cases finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The age. *Units*: as the spans'.
    pub age: i64,
    /// How many are at risk at this age: what enters or leaves at an age bears on greater ages only.
    pub at_risk: i64,
    /// How many finish, at least one.
    pub finished: i64,
}

/// Returns the Kaplan-Meier median of cases, with delayed entry and right-censoring, from the ages at which any finish, in
/// ascending order. It is gone through again only where the share still open is so near to one half that it must be exact.
///
/// *Units*: as the ages'. *Source*: left truncation as in Klein and Moeschberger, Survival Analysis, 2nd ed., section 4.6.
#[must_use]
pub fn median(events: &(impl Iterator<Item = Event> + Clone), minimum: i64) -> Median {
    let mut open = Open::default();
    for event in events.clone() {
        if event.at_risk < minimum {
            return Median::TooFew;
        }
        open.step(event);
        let is_at_most_half = open
            .is_at_most_half()
            .unwrap_or_else(|| comes_to_at_most_half(events.clone().take(open.steps)));
        if is_at_most_half {
            return Median::At(event.age);
        }
    }
    Median::NotReached
}

/// Nearly the share of cases still open: the product of (at risk - finished) / at risk.
struct Open {
    nearly: f64,
    steps: usize,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            nearly: 1.0,
            steps: 0,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the nearby number only decides when the exact product is needed"
)]
impl Open {
    fn step(&mut self, event: Event) {
        let left = event.at_risk - event.finished;
        self.nearly *= left as f64 / event.at_risk as f64;
        self.steps += 1;
    }

    /// Tells whether it is at most one half; `None` where it is too near to tell. A quotient and a product are each off by at
    /// most 2^-53 of themselves, so that the whole is off by less than 2^-51 for each step.
    fn is_at_most_half(&self) -> Option<bool> {
        let off = (self.steps + 1) as f64 * f64::EPSILON * 2.0;
        let above = self.nearly - 0.5;
        (above.abs() > off).then_some(above < 0.0)
    }
}

/// Tells exactly whether the product of (at risk - finished) / at risk is at most one half.
fn comes_to_at_most_half(events: impl Iterator<Item = Event>) -> bool {
    // As long as none enters and none is censored, what is left at one age is at risk at the next.
    let (mut above, mut below): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
    for event in events {
        let (at_risk, left) = (event.at_risk, event.at_risk - event.finished);
        let (at_risk, left) = (at_risk.unsigned_abs(), left.unsigned_abs());
        match above.last_mut() {
            Some(last) if *last == at_risk => *last = left,
            _ => {
                above.push(left);
                below.push(at_risk);
            }
        }
    }
    product(&above) * 2_u8 <= product(&below)
}

/// Multiplies halves, so that long numbers meet long ones.
fn product(factors: &[u64]) -> BigUint {
    match factors {
        [] => BigUint::from(1_u8),
        [only] => BigUint::from(*only),
        _ => {
            let (left, right) = factors.split_at(factors.len() / 2);
            product(left) * product(right)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The ages at which spans finish, one by one.
    fn events(spans: &[Span]) -> Vec<Event> {
        let finished: BTreeSet<i64> = spans
            .iter()
            .filter(|span| span.is_finished)
            .map(|span| span.exit)
            .collect();
        let count = |is_it: &dyn Fn(&Span) -> bool| -> i64 {
            let those = spans.iter().filter(|span| is_it(span));
            those.map(|span| span.count).sum()
        };
        let event = |age: i64| Event {
            age,
            at_risk: count(&|span| (span.entry == 0 || span.entry < age) && span.exit >= age),
            finished: count(&|span| span.is_finished && span.exit == age),
        };
        finished.into_iter().map(event).collect()
    }

    fn median_of(cases: &[(i64, Option<i64>)], minimum: i64) -> Median {
        let through = |case: &(i64, Option<i64>)| Span::through(0, 100, case.0, case.1, 1);
        let spans: Vec<Span> = cases.iter().filter_map(through).collect();
        median(&events(&spans).into_iter(), minimum)
    }

    #[test]
    fn more_than_half_open_has_no_median() {
        let cases = [
            (0, Some(4)),
            (0, Some(4)),
            (0, Some(8)),
            (0, None),
            (0, None),
            (0, None),
            (0, None),
        ];
        assert_eq!(median_of(&cases, 1), Median::NotReached);
        assert_eq!(median_of(&cases, 6), Median::TooFew);
    }

    #[test]
    fn the_median_counts_open_cases_as_not_yet_finished() {
        let cases = [
            (0, Some(4)),
            (0, Some(4)),
            (0, Some(8)),
            (0, Some(9)),
            (0, Some(9)),
            (0, None),
        ];
        assert_eq!(median_of(&cases, 3), Median::At(8));
    }

    #[test]
    fn a_case_open_when_the_window_begins_enters_at_its_age() {
        let span = Span::through(10, 20, 4, Some(15), 1);
        assert_eq!(
            span,
            Some(Span {
                entry: 6,
                exit: 11,
                is_finished: true,
                count: 1
            })
        );
        assert_eq!(Span::through(10, 20, 4, Some(9), 1), None);
        assert_eq!(Span::through(10, 20, 4, Some(10), 1), None);
        assert_eq!(Span::through(10, 20, 20, None, 1), None);
    }

    /// Cases of which one finishes at each age, and one enters and one is censored where `stays` says so.
    fn one_by_one(at_risk: i64, stays: impl Fn(i64) -> bool) -> Vec<Event> {
        let mut left = at_risk;
        let event = |age: i64| {
            let event = Event {
                age,
                at_risk: left,
                finished: 1,
            };
            left -= i64::from(!stays(age));
            event
        };
        (0..at_risk - 5).map(event).collect()
    }

    #[test]
    fn a_share_of_exactly_one_half_is_the_median_however_many_steps_lead_there() {
        for half in [5, 50, 5_000] {
            let events = one_by_one(2 * half, |_| false);
            assert_eq!(
                median(&events.into_iter(), 1),
                Median::At(half - 1),
                "{half}"
            );
        }
    }

    #[test]
    fn the_nearby_share_says_no_other_than_the_exact_one() {
        for many in [20, 300, 2_000] {
            let events = one_by_one(many, |age| age % 3 == 0);
            let exact = (1..=events.len()).find(|steps| {
                let first = events[..*steps].iter();
                let (above, below) = first.fold((1_u8.into(), 1_u8.into()), |(above, below), e| {
                    let part = |number: i64| BigUint::from(number.unsigned_abs());
                    (
                        above * part(e.at_risk - e.finished),
                        below * part(e.at_risk),
                    )
                });
                let (above, below): (BigUint, BigUint) = (above, below);
                above * 2_u8 <= below
            });
            let found = exact.map_or(Median::NotReached, |steps| {
                Median::At(events[steps - 1].age)
            });
            assert_eq!(median(&events.clone().into_iter(), 1), found, "{many}");
            for steps in 1..events.len().min(400) {
                let first = events[..steps].iter().copied();
                let is_at_most_half = exact.is_some_and(|exact| exact <= steps);
                assert_eq!(comes_to_at_most_half(first), is_at_most_half, "{steps}");
            }
        }
    }
}
