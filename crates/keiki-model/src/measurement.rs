//! A measurement: one indicator for one org unit and period, with all that belongs to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::calendar::Day;
use crate::fraction::Fraction;
use crate::kpi::{CoveredBy, Target, Unit};
use crate::name::Name;
use crate::status::Status;
use crate::text::Text;

/// Digits after the point that data formats carry.
pub const DATA_DIGITS: u32 = 12;

/// Which org units' evidence a figure rests on, by number of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// Units whose evidence is there and fresh.
    pub covered: u32,
    /// Units that owe it.
    pub expected: u32,
    /// The same by people, where headcounts are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headcount: Option<Headcount>,
}

/// Coverage by number of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headcount {
    /// People of the units whose evidence is there.
    pub covered: i64,
    /// People of all units that owe it.
    pub expected: i64,
}

impl Coverage {
    /// The share that is covered, by units or by people; by units where no headcount is known.
    #[must_use]
    pub fn share(&self, by: CoveredBy) -> Option<Fraction> {
        let people = self
            .headcount
            .filter(|people| by == CoveredBy::Headcount && people.expected > 0);
        match people {
            Some(people) => Fraction::new(i128::from(people.covered), i128::from(people.expected)),
            None => Fraction::new(i128::from(self.covered), i128::from(self.expected)),
        }
    }
}

/// Whether a unit's figure holds the entities below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// It and all below it.
    #[default]
    Consolidated,
    /// It with its departments, without the entities below.
    StandAlone,
}

/// What a figure is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Rows of evidence.
    Rows,
    /// In part or whole, totals that somebody reported.
    Reported,
    /// A percentage alone, which is shown and never rolled up.
    Reference,
    /// Withheld, since it speaks of few people or would tell of few by subtraction.
    Withheld,
    /// As it was reported before: what became known since is of few people.
    Held,
}

/// Results that are kept apart by group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The group.
    pub name: String,
    /// Its value, in the indicator's unit.
    pub value: Fraction,
    /// How many records.
    pub n: i128,
}

/// Further figures about a measurement.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Records for which the predicate or the value is unknown.
    pub unknown: i128,
    /// Records that would count but have no date.
    pub undated: i128,
    /// 95 % interval of a sample's ratio.
    #[serde(with = "exact")]
    pub interval: Option<(f64, f64)>,
    /// Cases open at the end.
    pub open: Option<i128>,
    /// Age of the oldest open case, in the indicator's unit.
    pub open_age_max: Option<Fraction>,
    /// Items that keep the target from being met.
    pub unmet: Option<i128>,
    /// Items that are not done and whose own deadline is still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<i128>,
    /// Results by group.
    pub groups: Vec<Group>,
}

/// An exception that is approved for a time: from a target, or from a KPI altogether.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Why.
    pub reason: Text,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// The first day on which it no longer holds.
    pub until: Option<Day>,
}

/// What a status was chosen by, beside value, target and coverage.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Grounds {
    /// The share of covered units below which nothing is met.
    pub coverage_at_least: Option<Fraction>,
    /// How far a value may miss the target and be near.
    pub near_margin: Option<Fraction>,
    /// The day on which the target is due, where that is later than the cut day.
    pub due_on: Option<Day>,
    /// The share of the target that the pace asks for by the cut day, where it is not due yet.
    pub pace: Option<Fraction>,
    /// The fewest records of a sample.
    pub minimum_n: i128,
    /// Org units that owe evidence and have not reported, by id.
    pub missing: Vec<String>,
    /// The waiver in force.
    pub waiver: Option<Exception>,
    /// Why the KPI does not concern the org unit, where the programme says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exception>,
}

/// The months that stand for a period in an entity with a fiscal year of its own, where they are not those of the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPeriod {
    /// The entity.
    pub org_unit: Name,
    /// Its first month; `None` where it has none in this period.
    pub first: Option<Name>,
    /// The month with which it ends.
    pub last: Name,
    /// How many months that is before the group's.
    pub lag_months: i32,
}

/// By which rule an org unit that owes evidence has reported, where no claim covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageRule {
    /// It has not. Statements that do not say by which rule they were closed were closed by this one.
    ByClaims,
    /// It has once all of its own parts have. *Source*: decision 0106.
    #[default]
    ByParts,
}

impl CoverageRule {
    /// The rule of statements that name none.
    #[must_use]
    pub fn of_old() -> Self {
        Self::ByClaims
    }

    /// Tells whether it is the one that is not named.
    #[must_use]
    pub fn is_of_old(&self) -> bool {
        *self == Self::of_old()
    }
}

/// One indicator for one org unit and period. A pure function of definition, journal version, known at, period, org tree of
/// its cut day and parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The KPI.
    pub no: u32,
    /// The KPI's dotted number.
    pub code: Name,
    /// The indicator.
    pub indicator: Name,
    /// Whether it is a companion.
    pub is_companion: bool,
    /// The org unit.
    pub org_unit: Name,
    /// The hierarchy along which it is rolled up; `None` = the org tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hierarchy: Option<Name>,
    /// Whether it holds the entities below the unit.
    pub scope: Scope,
    /// The day of the org tree, where that is not the cut day.
    pub tree_on: Option<Name>,
    /// The period as written.
    pub period: Name,
    /// The day at which it is measured.
    pub cut_on: Name,
    /// Entities in it whose own fiscal year lags behind the group's, with what stands for the period.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_periods: Vec<OwnPeriod>,
    /// The instant of knowledge, RFC 3339.
    pub known_at: Name,
    /// The value; unknown is `None`, never a number.
    pub value: Option<Fraction>,
    /// Its unit.
    pub unit: Unit,
    /// Above the line, in the measure's own unit (seconds for durations).
    pub numerator: Option<Fraction>,
    /// Below it.
    pub denominator: Option<Fraction>,
    /// Records behind it.
    pub n: Option<i128>,
    /// The target.
    pub target: Option<Target>,
    /// How it stands.
    pub status: Status,
    /// What it rests on.
    pub coverage: Coverage,
    /// Rows, reported totals, or a reference value.
    pub basis: Basis,
    /// Content hash of the definition.
    pub definition_version: Name,
    /// The journal version.
    pub journal_version: i64,
    /// Further figures: nearly always those of the measurement before, and shared with it.
    pub statistics: Arc<Statistics>,
    /// What the status was chosen by.
    pub grounds: Arc<Grounds>,
}

/// Floating-point numbers as text, which comes back to the last bit.
mod exact {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "the form that serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<(f64, f64)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let texts = value.map(|(low, high)| (low.to_string(), high.to_string()));
        texts.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<(f64, f64)>, D::Error> {
        let texts = Option::<(String, String)>::deserialize(deserializer)?;
        let read = |text: &str| text.parse().map_err(serde::de::Error::custom);
        texts
            .map(|(low, high)| Ok((read(&low)?, read(&high)?)))
            .transpose()
    }
}

fn number(value: Fraction) -> Value {
    serde_json::from_str(&value.to_short_decimal(DATA_DIGITS)).unwrap_or(Value::Null)
}

fn optional(value: Option<Fraction>) -> Value {
    value.map_or(Value::Null, number)
}

fn count(value: i128) -> Value {
    serde_json::from_str(&value.to_string()).unwrap_or(Value::Null)
}

impl Measurement {
    /// What its value rests on, as it is marked where the value is shown. Where there is no value, nothing rests on totals or on
    /// an earlier report, and nothing is marked; that a value is withheld is said in its place.
    #[must_use]
    pub fn basis_of_value(&self) -> Option<Basis> {
        let is_marked = self.value.is_some() || matches!(self.basis, Basis::Rows | Basis::Withheld);
        is_marked.then_some(self.basis)
    }

    /// The measurement as data. *Units*: ratios 0..=1; others as `unit` says; unknown is null.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let target = self.target.map(|target| {
            let mut bounds = Map::new();
            bounds.extend(
                target
                    .at_least
                    .map(|bound| ("at_least".to_owned(), number(bound))),
            );
            bounds.extend(
                target
                    .at_most
                    .map(|bound| ("at_most".to_owned(), number(bound))),
            );
            Value::Object(bounds)
        });
        json!({
            "no": self.no,
            "code": self.code,
            "indicator": self.indicator,
            "companion": self.is_companion,
            "org_unit": self.org_unit,
            "hierarchy": self.hierarchy,
            "scope": self.scope,
            "tree_on": self.tree_on,
            "period": self.period,
            "cut_on": self.cut_on,
            "own_periods": self.own_periods,
            "known_at": self.known_at,
            "value": optional(self.value),
            "unit": self.unit.name(),
            "numerator": optional(self.numerator),
            "denominator": optional(self.denominator),
            "n": self.n.map_or(Value::Null, count),
            "target": target,
            "status": self.status.code(),
            "coverage": self.coverage,
            "basis": self.basis,
            "definition_version": self.definition_version,
            "journal_version": self.journal_version,
            "stats": self.statistics.to_json(),
        })
    }
}

impl Statistics {
    fn to_json(&self) -> Value {
        let mut stats: BTreeMap<&str, Value> = BTreeMap::new();
        stats.insert("unknown", count(self.unknown));
        if self.undated != 0 {
            stats.insert("undated", count(self.undated));
        }
        if let Some((low, high)) = self.interval {
            stats.insert("interval", json!([low, high]));
        }
        if let Some(open) = self.open {
            stats.insert("open", count(open));
        }
        if let Some(age) = self.open_age_max {
            stats.insert("open_age_max", number(age));
        }
        if let Some(unmet) = self.unmet {
            stats.insert("unmet", count(unmet));
        }
        if let Some(pending) = self.pending {
            stats.insert("pending", count(pending));
        }
        if !self.groups.is_empty() {
            let groups: Vec<Value> = self
                .groups
                .iter()
                .map(|group| json!({ "group": group.name, "value": number(group.value), "n": count(group.n) }))
                .collect();
            stats.insert("groups", Value::Array(groups));
        }
        json!(stats)
    }
}
