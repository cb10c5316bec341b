//! The plain reference: records in memory and loops. No engine, no journal, no signed entries.

use std::collections::BTreeMap;

use keiki_model::calendar::Day;
use keiki_model::evidence::Missing;
use keiki_model::fraction::Fraction;

/// A register's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thing {
    pub(crate) unit: String,
    pub(crate) kind: String,
    pub(crate) is_ok: Option<bool>,
    pub(crate) amount: Option<i64>,
    pub(crate) from: Option<Day>,
    pub(crate) until: Option<Day>,
}

/// A fact's values; it may name several org units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) units: Vec<String>,
    pub(crate) opened: Option<Day>,
    pub(crate) closed: Option<Day>,
    pub(crate) minutes: Option<i64>,
}

/// What a source says from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Values(Thing),
    Ended,
    Silent,
}

#[derive(Debug, Clone)]
struct Assertion {
    day: Day,
    known_at: i64,
    seq: i64,
    said: Said,
}

/// One reading of the register.
#[derive(Debug, Clone)]
pub(crate) struct ThingBatch {
    pub(crate) source: &'static str,
    pub(crate) as_of: Day,
    pub(crate) known_at: i64,
    pub(crate) seq: i64,
    pub(crate) rows: Vec<(String, Day, Thing)>,
    pub(crate) is_full: bool,
    pub(crate) missing: Missing,
}

/// One reading of the facts.
#[derive(Debug, Clone)]
pub(crate) struct CaseBatch {
    pub(crate) source: &'static str,
    pub(crate) known_at: i64,
    pub(crate) seq: i64,
    pub(crate) rows: Vec<(String, Case)>,
    pub(crate) is_full: bool,
    pub(crate) missing: Missing,
}

/// Sources in order of precedence.
pub(crate) const SOURCES: [&str; 2] = ["first", "second"];

/// When a version of a case became known, by which commit, and what it says.
type CaseVersion = (i64, i64, Option<Case>);

#[derive(Debug, Default)]
pub(crate) struct Reference {
    things: BTreeMap<(String, String), Vec<Assertion>>,
    cases: BTreeMap<(String, String), Vec<CaseVersion>>,
    /// Org unit covered from the beginning until a day, known at an instant, by commit and dataset.
    pub(crate) claims: Vec<(&'static str, String, Day, i64, i64)>,
    /// Org units: id, parent, from, until.
    pub(crate) units: Vec<(String, Option<String>, Day, Option<Day>)>,
}

/// Where the reader stands: day, instant of knowledge, commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) day: Day,
    pub(crate) known_at: i64,
    pub(crate) seq: i64,
    /// The local date of the instant of knowledge.
    pub(crate) today: Day,
}

impl Reference {
    pub(crate) fn new(units: Vec<(String, Option<String>, Day, Option<Day>)>) -> Self {
        Self {
            units,
            ..Self::default()
        }
    }

    pub(crate) fn take_things(&mut self, batch: &ThingBatch) {
        for (key, day, thing) in &batch.rows {
            let said = self
                .things
                .entry((batch.source.to_owned(), key.clone()))
                .or_default();
            said.push(Assertion {
                day: *day,
                known_at: batch.known_at,
                seq: batch.seq,
                said: Said::Values(thing.clone()),
            });
        }
        if !batch.is_full || batch.missing == Missing::Keep {
            return;
        }
        let word = if batch.missing == Missing::Retire {
            Said::Ended
        } else {
            Said::Silent
        };
        for ((source, key), said) in &mut self.things {
            if source != batch.source || batch.rows.iter().any(|(present, ..)| present == key) {
                continue;
            }
            let is_alive = matches!(last(said, batch.as_of, i64::MAX, i64::MAX), Said::Values(_));
            if is_alive {
                said.push(Assertion {
                    day: batch.as_of,
                    known_at: batch.known_at,
                    seq: batch.seq,
                    said: word.clone(),
                });
            }
        }
    }

    pub(crate) fn take_cases(&mut self, batch: &CaseBatch) {
        for (key, case) in &batch.rows {
            let versions = self
                .cases
                .entry((batch.source.to_owned(), key.clone()))
                .or_default();
            versions.push((batch.known_at, batch.seq, Some(case.clone())));
        }
        if !batch.is_full || batch.missing == Missing::Keep {
            return;
        }
        for ((source, key), versions) in &mut self.cases {
            if source == batch.source && !batch.rows.iter().any(|(present, _)| present == key) {
                versions.push((batch.known_at, batch.seq, None));
            }
        }
    }

    /// The things in force at a point.
    pub(crate) fn things(&self, at: Point) -> Vec<Thing> {
        let mut keys: Vec<&String> = self.things.keys().map(|(_, key)| key).collect();
        keys.sort();
        keys.dedup();
        let mut found = Vec::new();
        for key in keys {
            for source in SOURCES {
                let Some(said) = self.things.get(&(source.to_owned(), key.clone())) else {
                    continue;
                };
                match last(said, at.day, at.known_at, at.seq) {
                    Said::Silent => {}
                    Said::Ended => break,
                    Said::Values(thing) => {
                        found.push(thing);
                        break;
                    }
                }
            }
        }
        found
    }

    /// The cases as known at a point.
    pub(crate) fn cases(&self, at: Point) -> Vec<Case> {
        let mut keys: Vec<&String> = self.cases.keys().map(|(_, key)| key).collect();
        keys.sort();
        keys.dedup();
        let mut found = Vec::new();
        for key in keys {
            for source in SOURCES {
                let Some(versions) = self.cases.get(&(source.to_owned(), key.clone())) else {
                    continue;
                };
                let known = versions
                    .iter()
                    .rfind(|(known_at, seq, _)| *known_at <= at.known_at && *seq <= at.seq);
                if let Some((_, _, Some(case))) = known {
                    found.push(case.clone());
                    break;
                }
            }
        }
        found
    }

    /// The unit and all above it on a day; empty if the unit does not exist then.
    pub(crate) fn path(&self, unit: &str, day: Day) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = Some(unit);
        while let Some(id) = at {
            let row = self.units.iter().find(|(i, _, from, until)| {
                i == id && *from <= day && until.is_none_or(|u| day < u)
            });
            let Some((id, parent, ..)) = row else { break };
            path.push(id.clone());
            at = parent.as_deref();
        }
        path
    }

    /// Tells whether somebody covers the unit on a day.
    pub(crate) fn is_covered(
        &self,
        dataset: &str,
        unit: &str,
        on: Day,
        freshness: i32,
        at: Point,
    ) -> bool {
        let path = self.path(unit, at.day);
        self.claims
            .iter()
            .any(|(of, claimed, until, known_at, seq)| {
                *of == dataset
                    && *known_at <= at.known_at
                    && *seq <= at.seq
                    && on <= (*until).min(at.today) + freshness
                    && path.contains(claimed)
            })
    }

    /// Tells whether a record of some units counts at a node: once, if any covered unit lies below it.
    pub(crate) fn counts(
        &self,
        units: &[String],
        node: &str,
        at: Point,
        is_covered: &dyn Fn(&str) -> bool,
    ) -> bool {
        units
            .iter()
            .any(|unit| is_covered(unit) && self.path(unit, at.day).iter().any(|id| id == node))
    }
}

/// A row holds from its day until the same source's next assertion; on one day the later commit wins.
fn last(said: &[Assertion], day: Day, known_at: i64, seq: i64) -> Said {
    let mut found: Option<&Assertion> = None;
    for assertion in said {
        let is_known =
            assertion.day <= day && assertion.known_at <= known_at && assertion.seq <= seq;
        if is_known && found.is_none_or(|f| (f.day, f.seq) <= (assertion.day, assertion.seq)) {
            found = Some(assertion);
        }
    }
    found.map_or(Said::Silent, |assertion| assertion.said.clone())
}

/// Tells whether a thing counts on a day between its own dates.
pub(crate) fn is_in(from: Option<Day>, until: Option<Day>, day: Day) -> bool {
    from.is_some_and(|from| from <= day) && until.is_none_or(|until| day < until)
}

pub(crate) fn ratio(above: i128, below: i128) -> Option<Fraction> {
    Fraction::new(above, below)
}

/// The least value with at least the share `numerator/denominator` at or below it.
pub(crate) fn quantile(values: &[i64], numerator: usize, denominator: usize) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * numerator).div_ceil(denominator).max(1);
    sorted.get(rank - 1).copied()
}

pub(crate) fn median(values: &[i64]) -> Option<Fraction> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let n = sorted.len();
    if n == 0 {
        return None;
    }
    Fraction::new(
        i128::from(sorted[(n - 1) / 2]) + i128::from(sorted[n / 2]),
        2,
    )
}

/// What survival says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Survival {
    At(i64),
    TooFew,
    NotReached,
}

/// Kaplan-Meier with delayed entry and right-censoring, age by age. Each case has an onset, a finish, and the window
/// `[begin, end)` through which it is seen.
pub(crate) fn survival(cases: &[(Day, Option<Day>, (Day, Day))], minimum: usize) -> Survival {
    let mut spans: Vec<(i64, i64, bool)> = Vec::new();
    for (onset, finish, (begin, end)) in cases {
        let (begin, end) = (*begin, *end);
        if *onset >= end || finish.is_some_and(|f| f < begin) {
            continue;
        }
        let entry = i64::from((begin - onset).max(0));
        let done = finish.is_some_and(|f| f < end);
        let exit = i64::from(finish.filter(|_| done).unwrap_or(end) - onset);
        if entry == exit && exit > 0 {
            continue;
        }
        spans.push((entry, exit, done));
    }
    let mut ages: Vec<i64> = spans.iter().filter(|s| s.2).map(|s| s.1).collect();
    ages.sort_unstable();
    ages.dedup();
    let (mut above, mut below) = (1_i128, 1_i128);
    for age in ages {
        let at_risk = spans
            .iter()
            .filter(|(a, x, _)| (*a < age || (*a == 0 && age == 0)) && *x >= age)
            .count();
        if at_risk < minimum {
            return Survival::TooFew;
        }
        let finished = spans
            .iter()
            .filter(|(_, x, done)| *done && *x == age)
            .count();
        above *= (at_risk - finished) as i128;
        below *= at_risk as i128;
        if above * 2 <= below {
            return Survival::At(age);
        }
    }
    if spans.len() < minimum {
        Survival::TooFew
    } else {
        Survival::NotReached
    }
}
