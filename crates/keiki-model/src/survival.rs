//! The Kaplan-Meier median of how long cases stay open, open cases included.

use num_bigint::BigUint;

use crate::tally::Tally;

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

/// At which ages cases come under observation and leave it. It is all that the median needs, and it adds up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ages {
    /// Ages at which they enter the risk set.
    pub entered: Tally,
    /// Ages at which they are finished.
    pub finished: Tally,
    /// Ages at which they are last seen open.
    pub censored: Tally,
}

impl Ages {
    /// Collects the ages of spans.
    #[must_use]
    pub fn new(spans: &[Span]) -> Self {
        let exits = |finished: bool| {
            let of = spans.iter().filter(|span| span.is_finished == finished);
            Tally::new(of.map(|span| (span.exit, span.count)).collect())
        };
        Self {
            entered: Tally::new(spans.iter().map(|span| (span.entry, span.count)).collect()),
            finished: exits(true),
            censored: exits(false),
        }
    }

    /// Adds up the ages of several sets of cases.
    #[must_use]
    pub fn sum<'a>(parts: impl Iterator<Item = &'a Self> + Clone) -> Self {
        Self {
            entered: Tally::sum(parts.clone().map(|part| &part.entered)),
            finished: Tally::sum(parts.clone().map(|part| &part.finished)),
            censored: Tally::sum(parts.map(|part| &part.censored)),
        }
    }

    /// Number of cases.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.entered.total()
    }
}

/// Returns the Kaplan-Meier median with delayed entry and right-censoring.
///
/// *Units*: as the ages'. *Source*: left truncation as in Klein and Moeschberger, Survival Analysis, 2nd ed., section 4.6.
#[must_use]
pub fn median(ages: &Ages, minimum: i64) -> Median {
    let mut entries = ages.entered.counts().iter().peekable();
    let mut censored = ages.censored.counts().iter().peekable();
    let (mut entered, mut left) = (0, 0);
    let mut survival = Survival::default();
    for (age, finished) in ages.finished.counts().iter().copied() {
        while let Some((_, count)) = entries.next_if(|(entry, _)| *entry < age || *entry == 0) {
            entered += count;
        }
        while let Some((_, count)) = censored.next_if(|(exit, _)| *exit < age) {
            left += count;
        }
        let at_risk = entered - left;
        left += finished;
        if finished > 0 {
            if at_risk < minimum {
                return Median::TooFew;
            }
            survival.step(at_risk, finished);
            if survival.is_at_most_half() {
                return Median::At(age);
            }
        }
    }
    Median::NotReached
}

/// The product of (at risk - finished) / at risk, kept as factors and compared exactly when it is near one half.
#[derive(Default)]
struct Survival {
    factors: Vec<(i64, i64)>,
    logarithm: f64,
}

impl Survival {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the logarithm only decides when the exact product is needed"
    )]
    fn step(&mut self, at_risk: i64, finished: i64) {
        self.factors.push((at_risk - finished, at_risk));
        self.logarithm += ((at_risk - finished) as f64 / at_risk as f64).ln();
    }

    fn is_at_most_half(&self) -> bool {
        let distance = self.logarithm + std::f64::consts::LN_2;
        if distance.abs() > 1e-6 {
            return distance < 0.0;
        }
        let product = |pick: fn(&(i64, i64)) -> i64| {
            self.factors.iter().fold(BigUint::from(1_u8), |p, f| {
                p * BigUint::from(pick(f).unsigned_abs())
            })
        };
        product(|f| f.0) * 2_u8 <= product(|f| f.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(cases: &[(i64, Option<i64>)]) -> Ages {
        let spans: Vec<Span> = cases
            .iter()
            .filter_map(|(onset, finish)| Span::through(0, 100, *onset, *finish, 1))
            .collect();
        Ages::new(&spans)
    }

    #[test]
    fn more_than_half_open_has_no_median() {
        let spans = seen(&[
            (0, Some(4)),
            (0, Some(4)),
            (0, Some(8)),
            (0, None),
            (0, None),
            (0, None),
            (0, None),
        ]);
        assert_eq!(median(&spans, 1), Median::NotReached);
        assert_eq!(median(&spans, 6), Median::TooFew);
    }

    #[test]
    fn the_median_counts_open_cases_as_not_yet_finished() {
        let spans = seen(&[
            (0, Some(4)),
            (0, Some(4)),
            (0, Some(8)),
            (0, Some(9)),
            (0, Some(9)),
            (0, None),
        ]);
        assert_eq!(median(&spans, 3), Median::At(8));
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
}
