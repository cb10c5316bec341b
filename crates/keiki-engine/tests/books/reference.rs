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

/// What of a reading bears on the records that it leaves out.
#[derive(Debug, Clone)]
pub(crate) struct Leaving {
    pub(crate) is_full: bool,
    pub(crate) missing: Missing,
    /// Org units in scope; empty = all.
    pub(crate) scope: Vec<String>,
    /// Keys of rows that were rejected: they count as present.
    pub(crate) rejected: Vec<String>,
    /// Whether a person has said that what is missing is gone.
    pub(crate) is_confirmed: bool,
}

impl Leaving {
    pub(crate) fn is_in_scope(&self, units: &[String]) -> bool {
        self.scope.is_empty() || units.iter().any(|unit| self.scope.contains(unit))
    }
}

/// One reading of the register. *Shape*: rows in the order in which they are taken, each with its day and when it became known.
#[derive(Debug, Clone)]
pub(crate) struct ThingBatch {
    pub(crate) source: &'static str,
    pub(crate) as_of: Day,
    pub(crate) known_at: i64,
    pub(crate) seq: i64,
    pub(crate) rows: Vec<(String, Day, i64, Thing)>,
    pub(crate) leaving: Leaving,
}

/// One reading of the facts.
#[derive(Debug, Clone)]
pub(crate) struct CaseBatch {
    pub(crate) source: &'static str,
    pub(crate) known_at: i64,
    pub(crate) seq: i64,
    pub(crate) rows: Vec<(String, i64, Case)>,
    pub(crate) leaving: Leaving,
}

/// A total that an org unit reported in the place of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) indicator: &'static str,
    pub(crate) unit: String,
    pub(crate) period: &'static str,
    pub(crate) numerator: i64,
    pub(crate) denominator: i64,
    pub(crate) known_at: i64,
    pub(crate) seq: i64,
}

/// Sources in order of precedence. The last is a log, whose rows say themselves when they became known.
pub(crate) const SOURCES: [&str; 3] = ["first", "second", "log"];

/// Where evidence goes that no org unit of the tree takes.
pub(crate) const UNASSIGNED: &str = "unassigned";

/// An org unit on the days from `from` on and before `until`.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) id: &'static str,
    pub(crate) parent: Option<&'static str>,
    pub(crate) kind: &'static str,
    pub(crate) from: Day,
    pub(crate) until: Option<Day>,
    pub(crate) successor: Option<&'static str>,
}

impl Unit {
    pub(crate) fn is_entity(&self) -> bool {
        self.kind != "department"
    }

    fn exists(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

/// When a version of a case became known, by which commit, and what it says.
type CaseVersion = (i64, i64, Option<Case>);

#[derive(Debug, Default)]
pub(crate) struct Reference {
    things: BTreeMap<(String, String), Vec<Assertion>>,
    cases: BTreeMap<(String, String), Vec<CaseVersion>>,
    /// Org unit covered from the beginning until a day, known at an instant, by commit and dataset.
    pub(crate) claims: Vec<(&'static str, String, Day, i64, i64)>,
    pub(crate) totals: Vec<Total>,
    pub(crate) units: Vec<Unit>,
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
    pub(crate) fn new(units: Vec<Unit>) -> Self {
        Self {
            units,
            ..Self::default()
        }
    }

    /// Takes a reading. Returns how many records are gone by it, or would be if a person said so.
    pub(crate) fn take_things(&mut self, batch: &ThingBatch) -> usize {
        for (key, day, known_at, thing) in &batch.rows {
            let of_source = (batch.source.to_owned(), key.clone());
            self.things.entry(of_source).or_default().push(Assertion {
                day: *day,
                known_at: *known_at,
                seq: batch.seq,
                said: Said::Values(thing.clone()),
            });
        }
        let leaving = &batch.leaving;
        if !leaving.is_full || leaving.missing == Missing::Keep {
            return 0;
        }
        let word = if leaving.missing == Missing::Retire {
            Said::Ended
        } else {
            Said::Silent
        };
        let mut gone = 0;
        for ((source, key), said) in &mut self.things {
            let is_present = batch.rows.iter().any(|(present, ..)| present == key)
                || leaving.rejected.contains(key);
            if source != batch.source || is_present {
                continue;
            }
            // It is gone where the source spoke of it on that day, as something in scope.
            let Said::Values(thing) = last(said, batch.as_of, i64::MAX, i64::MAX) else {
                continue;
            };
            if !leaving.is_in_scope(std::slice::from_ref(&thing.unit)) {
                continue;
            }
            gone += 1;
            if leaving.is_confirmed {
                said.push(Assertion {
                    day: batch.as_of,
                    known_at: batch.known_at,
                    seq: batch.seq,
                    said: word.clone(),
                });
            }
        }
        gone
    }

    /// Takes a reading. Returns how many cases are withdrawn by it, or would be if a person said so.
    pub(crate) fn take_cases(&mut self, batch: &CaseBatch) -> usize {
        for (key, known_at, case) in &batch.rows {
            let of_source = (batch.source.to_owned(), key.clone());
            let versions = self.cases.entry(of_source).or_default();
            versions.push((*known_at, batch.seq, Some(case.clone())));
        }
        let leaving = &batch.leaving;
        if !leaving.is_full || leaving.missing == Missing::Keep {
            return 0;
        }
        let mut gone = 0;
        for ((source, key), versions) in &mut self.cases {
            let is_present = batch.rows.iter().any(|(present, ..)| present == key)
                || leaving.rejected.contains(key);
            if source != batch.source || is_present {
                continue;
            }
            let Some(case) = version(versions, i64::MAX, i64::MAX) else {
                continue;
            };
            if !leaving.is_in_scope(&case.units) {
                continue;
            }
            gone += 1;
            if leaving.is_confirmed {
                versions.push((batch.known_at, batch.seq, None));
            }
        }
        gone
    }

    /// The latest instant at which anything became known of a record; of one source, or of all.
    pub(crate) fn latest_known(
        &self,
        dataset: &str,
        key: &str,
        source: Option<&str>,
    ) -> Option<i64> {
        let is_it = |of: &(String, String)| of.1 == key && source.is_none_or(|s| s == of.0);
        if dataset == "things" {
            let said = self.things.iter().filter(|(of, _)| is_it(of));
            return said
                .flat_map(|(_, said)| said)
                .map(|said| said.known_at)
                .max();
        }
        let versions = self.cases.iter().filter(|(of, _)| is_it(of));
        versions
            .flat_map(|(_, said)| said)
            .map(|(known_at, ..)| *known_at)
            .max()
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
                if let Some(case) = version(versions, at.known_at, at.seq) {
                    found.push(case);
                    break;
                }
            }
        }
        found
    }

    /// The org units on a day.
    pub(crate) fn units_on(&self, day: Day) -> Vec<&Unit> {
        self.units.iter().filter(|unit| unit.exists(day)).collect()
    }

    /// The unit that takes the evidence of another on a day: itself, else its successor, else nobody.
    pub(crate) fn taker(&self, unit: &str, day: Day) -> String {
        let mut at = unit;
        for _ in 0..=self.units.len() {
            if self.units.iter().any(|of| of.id == at && of.exists(day)) {
                return at.to_owned();
            }
            let rows = self.units.iter().filter(|of| of.id == at);
            match rows.filter_map(|of| of.successor).next_back() {
                Some(successor) => at = successor,
                None => break,
            }
        }
        UNASSIGNED.to_owned()
    }

    /// The unit that takes the evidence of another on a day, and all above it.
    pub(crate) fn path(&self, unit: &str, day: Day) -> Vec<String> {
        let mut path = vec![self.taker(unit, day)];
        if path[0] == UNASSIGNED {
            let root = self
                .units_on(day)
                .into_iter()
                .find(|of| of.parent.is_none());
            path.extend(root.map(|root| root.id.to_owned()));
            return path;
        }
        while let Some(parent) = self
            .units
            .iter()
            .find(|of| of.id == path[path.len() - 1] && of.exists(day))
            .and_then(|of| of.parent)
        {
            path.push(parent.to_owned());
        }
        path
    }

    /// Tells whether a unit follows the calendar of another on a day: if that is at or above it, and while it is nowhere, as it
    /// did last, or will first.
    pub(crate) fn follows(&self, unit: &str, other: &str, day: Day) -> bool {
        let mut days: Vec<Day> = self.units.iter().map(|of| of.from).collect();
        days.extend(self.units.iter().filter_map(|of| of.until));
        days.sort_unstable();
        let before = days.iter().rev().filter(|of| **of <= day);
        let after = days.iter().filter(|of| **of > day);
        let at = before
            .chain(after)
            .find(|of| self.taker(unit, **of) != UNASSIGNED);
        at.is_some_and(|at| self.path(unit, *at).iter().any(|id| id == other))
    }

    /// Tells whether somebody covers the unit on a day. What nobody can be asked for is covered wherever anything is.
    pub(crate) fn is_covered(
        &self,
        dataset: &str,
        unit: &str,
        on: Day,
        freshness: i32,
        at: Point,
    ) -> bool {
        let path = self.path(unit, at.day);
        path[0] == UNASSIGNED
            || self
                .claims
                .iter()
                .any(|(of, claimed, until, known_at, seq)| {
                    *of == dataset
                        && *known_at <= at.known_at
                        && *seq <= at.seq
                        && on <= (*until).min(at.today) + freshness
                        && path.contains(&self.taker(claimed, at.day))
                })
    }

    /// The totals in force for an indicator and period: of several of one unit, the one that became known last.
    pub(crate) fn totals_of(&self, indicator: &str, period: &str, at: Point) -> Vec<&Total> {
        let mut found: BTreeMap<&str, &Total> = BTreeMap::new();
        for total in &self.totals {
            let is_known = total.known_at <= at.known_at && total.seq <= at.seq;
            if is_known && total.indicator == indicator && total.period == period {
                found.insert(&total.unit, total);
            }
        }
        let exists = |unit: &str| self.taker(unit, at.day) == unit;
        found
            .into_values()
            .filter(|total| exists(&total.unit))
            .collect()
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

/// A version holds from its beginning until a later one is known.
fn version(versions: &[CaseVersion], known_at: i64, seq: i64) -> Option<Case> {
    let mut found: Option<&CaseVersion> = None;
    for version in versions {
        let is_known = version.0 <= known_at && version.1 <= seq;
        if is_known && found.is_none_or(|f| (f.0, f.1) <= (version.0, version.1)) {
            found = Some(version);
        }
    }
    found.and_then(|(_, _, case)| case.clone())
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
pub(crate) fn survival(
    cases: &[(Day, Option<Day>, (Day, Day))],
    minimum: usize,
) -> (Survival, usize) {
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
            return (Survival::TooFew, spans.len());
        }
        let finished = spans
            .iter()
            .filter(|(_, x, done)| *done && *x == age)
            .count();
        above *= (at_risk - finished) as i128;
        below *= at_risk as i128;
        if above * 2 <= below {
            return (Survival::At(age), spans.len());
        }
    }
    let outcome = if spans.len() < minimum {
        Survival::TooFew
    } else {
        Survival::NotReached
    };
    (outcome, spans.len())
}
