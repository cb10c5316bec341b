//! The Kaplan-Meier median of how long cases stay open, open cases included.

use std::borrow::Cow;

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

/// At which ages cases come under observation and leave it. It is all that the median needs, and it adds up: the ages of
/// several sets of cases are those of each, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ages {
    /// What happens at each age from 0 on, as far as `PLACES` reaches.
    near: Vec<Change>,
    /// What happens at other ages, in any order; an age may come several times.
    far: Vec<(i64, Change)>,
    /// Number of cases at risk from the start.
    from_start: i64,
    total: i64,
}

/// What happens at one age. It bears on the risk sets of greater ages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Change {
    /// By how much the number at risk changes.
    at_risk: i64,
    /// How many finish.
    finished: i64,
}

impl Change {
    fn add(&mut self, other: Self) {
        self.at_risk += other.at_risk;
        self.finished += other.finished;
    }
}

/// Ages below this have a place each, which is cheaper than putting them in order.
const PLACES: usize = 1 << 10;

impl Ages {
    /// Collects the ages of spans; what happens at ages beyond the horizon, at which none of the cases that it is added up
    /// with finishes, bears on no median and is counted only.
    #[must_use]
    pub fn new(spans: impl Iterator<Item = Span>, horizon: i64) -> Self {
        let mut ages = Self::default();
        for span in spans {
            ages.add(span, horizon);
        }
        ages
    }

    /// Forgets all cases, and keeps the room for others.
    pub fn clear(&mut self) {
        self.near.clear();
        self.far.clear();
        (self.from_start, self.total) = (0, 0);
    }

    /// Adds the ages of a span, as `new` does.
    pub fn add(&mut self, span: Span, horizon: i64) {
        let count = span.count;
        self.total += count;
        if span.entry == 0 {
            self.from_start += count;
        } else if span.entry <= horizon {
            self.at(span.entry, count, 0);
        }
        if span.is_finished {
            self.at(span.exit, -count, count);
        } else if span.exit <= horizon {
            self.at(span.exit, -count, 0);
        }
    }

    fn at(&mut self, age: i64, at_risk: i64, finished: i64) {
        let change = Change { at_risk, finished };
        match usize::try_from(age) {
            Ok(place) if place < PLACES => {
                if self.near.len() <= place {
                    self.near.resize(place + 1, Change::default());
                }
                self.near[place].add(change);
            }
            _ => self.far.push((age, change)),
        }
    }

    /// Adds all ages of others.
    pub fn add_all(&mut self, others: &Self) {
        if self.near.len() < others.near.len() {
            self.near.resize(others.near.len(), Change::default());
        }
        for (sum, change) in self.near.iter_mut().zip(&others.near) {
            sum.add(*change);
        }
        self.far.extend_from_slice(&others.far);
        self.from_start += others.from_start;
        self.total += others.total;
    }

    /// Counts cases that come under observation beyond the horizon.
    pub fn add_beyond(&mut self, count: i64) {
        self.total += count;
    }

    /// Adds cases that are at risk from the start and leave observation beyond the horizon.
    pub fn add_throughout(&mut self, count: i64) {
        self.from_start += count;
        self.total += count;
    }

    /// Number of cases.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.total
    }
}

/// Returns the Kaplan-Meier median of all cases together, with delayed entry and right-censoring.
///
/// *Units*: as the ages'. *Source*: left truncation as in Klein and Moeschberger, Survival Analysis, 2nd ed., section 4.6.
#[must_use]
pub fn median<'a>(parts: impl Iterator<Item = &'a Ages>, minimum: i64) -> Median {
    let mut parts = parts;
    let mut whole = parts.next().map(Cow::Borrowed).unwrap_or_default();
    for part in parts {
        whole.to_mut().add_all(part);
    }
    let at_risk = whole.from_start;
    let near = (0..).zip(whole.near.iter().copied());
    if whole.far.is_empty() {
        return walk(near, at_risk, minimum);
    }
    let mut far = whole.far.clone();
    far.extend(near);
    far.sort_unstable_by_key(|(age, _)| *age);
    let same_age = far.chunk_by(|a, b| a.0 == b.0).map(|changes| {
        let mut sum = Change::default();
        for (_, change) in changes {
            sum.add(*change);
        }
        (changes[0].0, sum)
    });
    walk(same_age, at_risk, minimum)
}

/// Goes from age to age, ascending, until half of the cases are finished.
fn walk(changes: impl Iterator<Item = (i64, Change)>, mut at_risk: i64, minimum: i64) -> Median {
    let mut survival = Survival::default();
    for (age, change) in changes {
        if change.finished > 0 {
            if at_risk < minimum {
                return Median::TooFew;
            }
            survival.step(at_risk, change.finished);
            if survival.is_at_most_half() {
                return Median::At(age);
            }
        }
        at_risk += change.at_risk;
    }
    Median::NotReached
}

/// The product of (at risk - finished) / at risk, kept as factors and compared exactly when it is near one half.
struct Survival {
    factors: Vec<(i64, i64)>,
    nearly: f64,
}

impl Default for Survival {
    fn default() -> Self {
        Self {
            factors: Vec::new(),
            nearly: 1.0,
        }
    }
}

impl Survival {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearby number only decides when the exact product is needed"
    )]
    fn step(&mut self, at_risk: i64, finished: i64) {
        self.factors.push((at_risk - finished, at_risk));
        self.nearly *= (at_risk - finished) as f64 / at_risk as f64;
    }

    fn is_at_most_half(&self) -> bool {
        if (self.nearly - 0.5).abs() > 1e-6 {
            return self.nearly < 0.5;
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
        let spans = cases
            .iter()
            .filter_map(|(onset, finish)| Span::through(0, 100, *onset, *finish, 1));
        Ages::new(spans, 100)
    }

    fn median_of(ages: &Ages, minimum: i64) -> Median {
        median(std::iter::once(ages), minimum)
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
        assert_eq!(median_of(&spans, 1), Median::NotReached);
        assert_eq!(median_of(&spans, 6), Median::TooFew);
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
        assert_eq!(median_of(&spans, 3), Median::At(8));
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

    #[test]
    fn parts_near_and_far_and_cut_at_the_horizon_have_the_median_of_the_whole() {
        for scale in [1, 10_000] {
            let cases: Vec<(i64, Option<i64>)> = (0..60)
                .map(|i| {
                    let onset = i * 37 % 90 - 20;
                    let finish = (i % 3 > 0).then(|| onset + i * 11 % 40);
                    (onset * scale, finish.map(|finish| finish * scale))
                })
                .collect();
            let ages = |cases: &[(i64, Option<i64>)], horizon: i64| {
                let through =
                    |case: &(i64, Option<i64>)| Span::through(0, 100 * scale, case.0, case.1, 1);
                Ages::new(cases.iter().filter_map(through), horizon)
            };
            let whole = ages(&cases, i64::MAX);
            let (left, right) = cases.split_at(23);
            let parts = [ages(left, 39 * scale), ages(right, 39 * scale)];
            assert_eq!(median_of(&whole, 5), Median::At(30 * scale));
            assert_eq!(median(parts.iter(), 5), median_of(&whole, 5));
            assert_eq!(parts[0].total() + parts[1].total(), whole.total());
        }
    }
}
