//! One figure, computed the long way round.

use keiki_model::calendar::{Day, Month};
use keiki_model::fraction::Fraction;
use keiki_model::measurement::Measurement;
use keiki_model::status::Status;

use super::{CASES_FRESHNESS, History, STRANGER, THINGS_FRESHNESS, UNITS};
use crate::reference::{self, Case, Point, Survival, Thing, Total, is_in};

pub(super) const INDICATORS: [&str; 17] = [
    "thing_ok_ratio",
    "thing_amount_sum",
    "thing_amount_mean",
    "thing_amount_median",
    "thing_amount_lowest",
    "thing_amount_highest",
    "thing_amount_latest",
    "thing_days_late",
    "thing_entities",
    "thing_this_year_count",
    "case_flow_opened_count",
    "case_flow_minutes_mean",
    "case_flow_minutes_median",
    "case_flow_minutes_p90",
    "case_flow_minutes_within_120",
    "case_open_count",
    "case_open_survival_median",
];

/// All of a measurement that the reference knows. *Units*: `n` is 0 where nothing was counted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    value: Option<Fraction>,
    numerator: Option<Fraction>,
    denominator: Option<Fraction>,
    n: i128,
    status: Status,
    coverage: (u32, u32),
}

/// What there is to say of a figure before it is held against a target.
#[derive(Debug, Default)]
struct Parts {
    value: Option<Fraction>,
    above: Option<i128>,
    below: Option<i128>,
    n: i128,
    is_nothing: bool,
    /// Whether there is something whose value is not known.
    is_unknown: bool,
    is_too_few: bool,
}

impl Expected {
    /// What a measurement says.
    pub(super) fn found(m: &Measurement) -> Self {
        let shows_nothing = matches!(m.status, Status::NoData | Status::NotApplicable);
        Self {
            value: m.value,
            numerator: m.numerator,
            denominator: m.denominator,
            // Where nothing is known there is no count either.
            n: match m.n {
                Some(_) if shows_nothing => i128::MIN,
                n => n.unwrap_or(0),
            },
            status: m.status,
            coverage: (m.coverage.covered, m.coverage.expected),
        }
    }

    /// Computes a figure.
    pub(super) fn new(
        history: &History,
        (indicator, node, period): (&str, &str, &str),
        months: (Month, Month),
        at: Point,
    ) -> Self {
        let is_fiscal = period.starts_with("FY") || period.ends_with("YTD");
        let sight = Sight {
            history,
            indicator,
            node,
            at,
            months,
            // So many months before the group's those of B end.
            lag: history
                .own_first_month
                .filter(|_| is_fiscal)
                .map_or(0, |first| 4 - first),
        };
        let totals = history.reference.totals_of(indicator, period, at);
        sight.expected(&totals)
    }
}

/// One figure as it is looked at.
struct Sight<'s> {
    history: &'s History,
    indicator: &'s str,
    node: &'s str,
    at: Point,
    months: (Month, Month),
    lag: i32,
}

impl Sight<'_> {
    fn path(&self, unit: &str) -> Vec<String> {
        self.history.reference.path(unit, self.at.day)
    }

    /// Tells whether a unit is another or lies below it.
    fn is_within(&self, unit: &str, outer: &str) -> bool {
        self.path(unit).iter().any(|id| id == outer)
    }

    fn is_entity(&self, id: &str) -> bool {
        let units = self.history.reference.units_on(self.at.day);
        units.iter().any(|unit| unit.id == id && unit.is_entity())
    }

    /// The months that stand for the period in a unit.
    fn months_of(&self, unit: &str) -> (Month, Month) {
        let lag = if self.is_within(unit, "B") {
            self.lag
        } else {
            0
        };
        (self.months.0.plus(-lag), self.months.1.plus(-lag))
    }

    fn cut_of(&self, unit: &str) -> Day {
        self.months_of(unit).1.last_day().min(self.at.today)
    }

    /// The days of the period for what several units share: the group's, unless all of them follow B.
    fn days_of(&self, units: &[String]) -> (Day, Day) {
        let unit = if units.iter().all(|unit| self.is_within(unit, "B")) {
            units[0].as_str()
        } else {
            "G"
        };
        (self.months_of(unit).0.first_day(), self.cut_of(unit))
    }

    /// Tells whether the evidence of a unit is there by what its sources claim.
    fn is_covered(&self, unit: &str) -> bool {
        let (reference, at) = (&self.history.reference, self.at);
        if !self.indicator.starts_with("case") {
            return reference.is_covered("things", unit, self.cut_of(unit), THINGS_FRESHNESS, at);
        }
        let months = self.months_of(unit);
        let cuts: Vec<Day> = if self.indicator.starts_with("case_flow") {
            (months.0.0..=months.1.0)
                .map(|m| Month(m).last_day().min(self.cut_of(unit)))
                .collect()
        } else {
            vec![self.cut_of(unit)]
        };
        cuts.into_iter()
            .all(|cut| reference.is_covered("cases", unit, cut, CASES_FRESHNESS, at))
    }

    /// The units that owe evidence at the node.
    fn owing(&self) -> Vec<String> {
        if self.is_entity(self.node) {
            let units = self.history.reference.units_on(self.at.day);
            let owing = units.iter().filter(|unit| unit.is_entity());
            let owing = owing.filter(|unit| self.is_within(unit.id, self.node));
            return owing.map(|unit| unit.id.to_owned()).collect();
        }
        // A department has no entities to count.
        if self.indicator == "thing_entities" {
            return Vec::new();
        }
        vec![self.node.to_owned()]
    }

    /// Each thing with the day on which its unit is seen.
    fn all_things(&self) -> Vec<(Thing, Day)> {
        let mut all = Vec::new();
        for unit in UNITS.iter().chain([&STRANGER]) {
            let day = self.cut_of(unit);
            let point = Point { day, ..self.at };
            let things = self.history.reference.things(point).into_iter();
            all.extend(
                things
                    .filter(|t| t.unit == **unit)
                    .map(|thing| (thing, day)),
            );
        }
        all
    }

    /// Each case with the first and last day of those whom it befell.
    fn all_cases(&self) -> Vec<(Case, (Day, Day))> {
        let cases = self.history.reference.cases(self.at).into_iter();
        cases
            .map(|case| {
                let days = self.days_of(&case.units);
                (case, days)
            })
            .collect()
    }

    fn expected(&self, totals: &[&Total]) -> Expected {
        let is_below = |total: &&&Total| self.is_within(&total.unit, self.node);
        let below: Vec<&Total> = totals.iter().filter(is_below).copied().collect();
        // What a unit reports holds what the units below it report.
        let is_outermost = |total: &&Total| {
            let holds = |other: &&Total| {
                other.unit != total.unit && self.is_within(&total.unit, &other.unit)
            };
            !below.iter().any(holds)
        };
        let within: Vec<&Total> = below.iter().filter(|t| is_outermost(t)).copied().collect();
        let is_own = within.iter().any(|total| total.unit == self.node);
        let is_above =
            |total: &&Total| total.unit != self.node && self.is_within(self.node, &total.unit);
        let is_divided = !is_own && totals.iter().any(is_above);
        let bearing: Vec<&Total> = if is_own {
            within.clone()
        } else {
            let bears = |total: &&&Total| is_above(total) || is_below(total);
            totals.iter().filter(bears).copied().collect()
        };
        let owing = self.owing();
        let covered = owing
            .iter()
            .filter(|unit| self.answers(unit, &bearing))
            .count();
        let parts = if is_divided {
            Parts {
                is_nothing: true,
                ..Parts::default()
            }
        } else if within.is_empty() {
            self.parts(&within)
        } else {
            self.with_totals(&within)
        };
        held_against_target(self.indicator, &parts, (covered, owing.len()))
    }

    /// Tells whether a unit has answered: by its claims, by a total, or because all of its departments have (the entities below
    /// it, where it has none) and it has nothing of its very own.
    fn answers(&self, unit: &str, totals: &[&Total]) -> bool {
        if self.is_covered(unit) || totals.iter().any(|total| self.is_within(unit, &total.unit)) {
            return true;
        }
        let units = self.history.reference.units_on(self.at.day);
        let below: Vec<_> = units.iter().filter(|of| of.parent == Some(unit)).collect();
        let has_departments = below.iter().any(|of| !of.is_entity());
        let parts = || {
            below
                .iter()
                .filter(|of| !has_departments || !of.is_entity())
        };
        parts().next().is_some()
            && parts().all(|of| self.answers(of.id, totals))
            && !self.has_own_evidence(unit)
    }

    /// Tells whether something that the indicator counts names this very unit.
    fn has_own_evidence(&self, unit: &str) -> bool {
        let is_it = |name: &String| self.path(name)[0] == unit;
        if !self.indicator.starts_with("case") {
            let things = self.all_things();
            let mut own = things.iter().filter(|(thing, _)| is_it(&thing.unit));
            return own.any(|(thing, day)| self.looks_at(thing, *day));
        }
        self.all_cases().iter().any(|(case, days)| {
            let is_seen = match self.indicator {
                "case_flow_opened_count" => happened(case.opened, *days),
                "case_open_count" => is_in(case.opened, case.closed, days.1),
                // Cases in a survival are in no bin.
                "case_open_survival_median" => false,
                _ => happened(case.closed, *days),
            };
            is_seen && case.units.iter().any(is_it)
        })
    }

    /// Tells whether an indicator over things looks at one of them.
    fn looks_at(&self, thing: &Thing, day: Day) -> bool {
        match self.indicator {
            "thing_amount_latest" | "thing_days_late" => is_in(thing.from, thing.until, day),
            "thing_entities" => thing.is_ok != Some(false) && is_in(thing.from, thing.until, day),
            "thing_this_year_count" => is_in(thing.from, self.year_end(thing), day),
            _ => true,
        }
    }

    /// Tells whether a record of some units counts at the node, beside totals that replace those of their units.
    fn counts(&self, units: &[String], totals: &[&Total]) -> bool {
        let is_seen = |unit: &str| {
            let is_replaced = totals.iter().any(|total| self.is_within(unit, &total.unit));
            !is_replaced && self.is_covered(unit)
        };
        let reference = &self.history.reference;
        reference.counts(units, self.node, self.at, &is_seen)
    }

    fn with_totals(&self, totals: &[&Total]) -> Parts {
        let rest = self.parts(totals);
        let numerator: i128 = totals.iter().map(|t| i128::from(t.numerator)).sum();
        let denominator: i128 = totals.iter().map(|t| i128::from(t.denominator)).sum();
        if self.indicator.ends_with("_sum") || self.indicator.ends_with("_count") {
            let value = rest
                .value
                .and_then(|sum| sum.plus(Fraction::whole(numerator)));
            return Parts {
                value,
                ..Parts::default()
            };
        }
        let above = rest.above.unwrap_or(0) + numerator;
        quotient(above, rest.below.unwrap_or(0) + denominator)
    }

    /// What the records that count come to.
    fn parts(&self, totals: &[&Total]) -> Parts {
        if self.indicator.starts_with("case") {
            let mut cases = self.all_cases();
            cases.retain(|(case, _)| self.counts(&case.units, totals));
            return self.parts_of_cases(&cases);
        }
        let all = self.all_things();
        if self.indicator == "thing_entities" {
            return self.entities(&all);
        }
        let counts = |thing: &Thing| self.counts(std::slice::from_ref(&thing.unit), totals);
        let things: Vec<_> = all.into_iter().filter(|(thing, _)| counts(thing)).collect();
        self.parts_of_things(&things)
    }

    fn parts_of_things(&self, things: &[(Thing, Day)]) -> Parts {
        let in_force = || {
            things
                .iter()
                .filter(|(t, day)| is_in(t.from, t.until, *day))
        };
        let amounts: Vec<i64> = things.iter().filter_map(|(t, _)| t.amount).collect();
        let of_amounts = |value: Option<Fraction>| Parts {
            is_unknown: amounts.len() < things.len(),
            ..of_values(value, amounts.len())
        };
        match self.indicator {
            "thing_ok_ratio" => {
                let ok = in_force().filter(|(t, _)| t.is_ok == Some(true)).count();
                quotient(ok as i128, things.len() as i128)
            }
            "thing_amount_sum" => sum(amounts.iter().sum(), amounts.len()),
            "thing_amount_mean" => Parts {
                is_unknown: amounts.len() < things.len(),
                ..quotient(
                    amounts.iter().map(|a| i128::from(*a)).sum(),
                    amounts.len() as i128,
                )
            },
            "thing_amount_median" => of_amounts(reference::median(&amounts)),
            "thing_amount_lowest" => of_amounts(amounts.iter().min().map(|a| whole(*a))),
            "thing_amount_highest" => of_amounts(amounts.iter().max().map(|a| whole(*a))),
            "thing_amount_latest" => {
                let dated: Vec<(Day, i64)> = in_force()
                    .filter_map(|(t, _)| Some((t.from?, t.amount?)))
                    .collect();
                let last = dated.iter().map(|d| d.0).max();
                let of_last = dated.iter().filter(|d| Some(d.0) == last);
                Parts {
                    is_unknown: dated.len() < in_force().count(),
                    ..of_values(of_last.map(|d| d.1).min().map(whole), dated.len())
                }
            }
            "thing_days_late" => {
                let late: Vec<i64> = in_force()
                    .filter_map(|(t, day)| Some(i64::from(*day - t.from?)))
                    .collect();
                of_values(late.iter().max().map(|days| whole(*days)), late.len())
            }
            "thing_this_year_count" => {
                let is_this_year = |(t, day): &&(Thing, Day)| is_in(t.from, self.year_end(t), *day);
                let count = things.iter().filter(is_this_year).count();
                sum(i64::try_from(count).unwrap_or(0), count)
            }
            other => unreachable!("no reference for {other}"),
        }
    }

    /// The first day after the fiscal year in which a thing begins, by the calendar that its unit follows then.
    fn year_end(&self, thing: &Thing) -> Option<Day> {
        let on = thing.from?;
        let reference = &self.history.reference;
        let own = self.history.own_first_month;
        let own = own.filter(|_| reference.follows(&thing.unit, "B", on));
        let first_month = own.unwrap_or(4);
        let month = Month::of(on);
        let year = if month.number() < first_month {
            month.year() - 1
        } else {
            month.year()
        };
        Some(Month((year + 1) * 12 + first_month - 1).first_day())
    }

    /// Entities with a good thing of their own, over entities.
    fn entities(&self, all: &[(Thing, Day)]) -> Parts {
        let owing = self.owing();
        let has_good = |entity: &&String| {
            all.iter().any(|(thing, day)| {
                let is_good = thing.is_ok == Some(true) && is_in(thing.from, thing.until, *day);
                let path = self.path(&thing.unit);
                let own = path.iter().find(|id| self.is_entity(id));
                is_good && self.is_covered(&thing.unit) && own == Some(*entity)
            })
        };
        let with = owing.iter().filter(has_good).count();
        quotient(with as i128, owing.len() as i128)
    }

    fn parts_of_cases(&self, cases: &[(Case, (Day, Day))]) -> Parts {
        let closed: Vec<&Case> = cases
            .iter()
            .filter(|(c, days)| happened(c.closed, *days))
            .map(|(c, _)| c)
            .collect();
        let minutes: Vec<i64> = closed.iter().filter_map(|c| c.minutes).collect();
        let is_unknown = minutes.len() < closed.len();
        let of_minutes = |parts: Parts| Parts {
            is_unknown,
            ..parts
        };
        match self.indicator {
            "case_flow_opened_count" => {
                let opened = cases.iter().filter(|(c, days)| happened(c.opened, *days));
                let count = opened.count();
                sum(i64::try_from(count).unwrap_or(0), count)
            }
            "case_flow_minutes_mean" => of_minutes(quotient(
                minutes.iter().map(|m| i128::from(*m)).sum(),
                minutes.len() as i128,
            )),
            "case_flow_minutes_median" => {
                of_minutes(of_values(reference::median(&minutes), minutes.len()))
            }
            "case_flow_minutes_p90" => of_minutes(of_values(
                reference::quantile(&minutes, 9, 10).map(whole),
                minutes.len(),
            )),
            "case_flow_minutes_within_120" => {
                let within = minutes.iter().filter(|m| **m <= 120).count();
                of_minutes(quotient(within as i128, minutes.len() as i128))
            }
            "case_open_count" => {
                let open = cases
                    .iter()
                    .filter(|(c, days)| is_in(c.opened, c.closed, days.1));
                let count = open.count();
                sum(i64::try_from(count).unwrap_or(0), count)
            }
            "case_open_survival_median" => {
                let window = |day: Day| (Month::of(day).plus(-11).first_day(), day + 1);
                let spans: Vec<(Day, Option<Day>, (Day, Day))> = cases
                    .iter()
                    .filter_map(|(c, days)| Some((c.opened?, c.closed, window(days.1))))
                    .collect();
                let (outcome, n) = reference::survival(&spans, 5);
                let value = match outcome {
                    Survival::At(age) => Some(whole(age)),
                    Survival::TooFew | Survival::NotReached => None,
                };
                Parts {
                    is_too_few: outcome == Survival::TooFew,
                    ..of_values(value, n)
                }
            }
            other => unreachable!("no reference for {other}"),
        }
    }
}

fn happened(on: Option<Day>, days: (Day, Day)) -> bool {
    on.is_some_and(|on| days.0 <= on && on <= days.1)
}

fn whole(value: i64) -> Fraction {
    Fraction::whole(i128::from(value))
}

fn sum(value: i64, n: usize) -> Parts {
    Parts {
        value: Some(whole(value)),
        n: n as i128,
        ..Parts::default()
    }
}

fn quotient(above: i128, below: i128) -> Parts {
    Parts {
        value: reference::ratio(above, below),
        above: Some(above),
        below: Some(below),
        n: below,
        is_nothing: below == 0,
        ..Parts::default()
    }
}

fn of_values(value: Option<Fraction>, n: usize) -> Parts {
    Parts {
        value,
        n: n as i128,
        is_nothing: n == 0,
        ..Parts::default()
    }
}

/// Chooses the status, and takes away what must not be shown with it.
fn held_against_target(
    indicator: &str,
    parts: &Parts,
    (covered, owing): (usize, usize),
) -> Expected {
    let share = |above, below| Fraction::new(above, below).expect("nothing is divided by zero");
    let has_target = indicator == "thing_ok_ratio";
    let status = if owing == 0 {
        Status::NotApplicable
    } else if covered == 0 {
        Status::NoData
    } else if covered * 2 < owing {
        Status::Provisional
    } else if parts.is_nothing && parts.is_unknown {
        Status::NoData
    } else if parts.is_nothing {
        Status::NoneOccurred
    } else if parts.is_too_few {
        Status::TooFew
    } else if !has_target {
        Status::NoTarget
    } else {
        match parts.value {
            None => Status::NoData,
            Some(value) if value >= share(6, 10) => Status::Met,
            Some(value) if value >= share(5, 10) => Status::Near,
            Some(_) => Status::Missed,
        }
    };
    let coverage = (
        u32::try_from(covered).unwrap_or(u32::MAX),
        u32::try_from(owing).unwrap_or(u32::MAX),
    );
    if matches!(status, Status::NotApplicable | Status::NoData) {
        return Expected {
            value: None,
            numerator: None,
            denominator: None,
            n: 0,
            status,
            coverage,
        };
    }
    Expected {
        value: parts.value,
        numerator: parts.above.map(Fraction::whole),
        denominator: parts.below.map(Fraction::whole),
        n: parts.n,
        status,
        coverage,
    }
}
