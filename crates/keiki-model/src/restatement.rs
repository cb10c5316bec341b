//! What differs between two statements of a period: how far, what moved it, why, and whether it matters.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::fraction::Fraction;
use crate::kpi::Unit;
use crate::measurement::Measurement;
use crate::name::Name;
use crate::statement::{Place, Restated};
use crate::status::Status;
use crate::text::Text;

/// Why a figure differs from what was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// What had been said of a record turned out to be wrong.
    Error,
    /// Evidence came after the close.
    LateEvidence,
    /// A definition, target, parameter or applicability changed.
    DefinitionChange,
    /// The org tree changed.
    Reorganisation,
    /// A total that stood in the place of rows was replaced.
    Estimate,
}

impl Cause {
    const ALL: [(Self, &'static str, &'static str, &'static str); 5] = [
        (Self::Error, "error", "誤り", "error"),
        (
            Self::LateEvidence,
            "late_evidence",
            "証跡の遅れ",
            "late evidence",
        ),
        (
            Self::DefinitionChange,
            "definition_change",
            "定義等の変更",
            "definition change",
        ),
        (
            Self::Reorganisation,
            "reorganisation",
            "組織再編",
            "reorganisation",
        ),
        (Self::Estimate, "estimate", "見積りの確定", "estimate"),
    ];

    fn row(self) -> (&'static str, &'static str, &'static str) {
        let row = Self::ALL.iter().find(|row| row.0 == self);
        row.map_or(("", "", ""), |row| (row.1, row.2, row.3))
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().map(|row| row.0)
    }

    /// The word in data.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// The word on screen.
    #[must_use]
    pub fn title(self) -> Text {
        Text::new(self.row().1, self.row().2)
    }
}

/// The way from one figure to the other in three steps, which add up to the whole difference exactly: first what became known
/// since, then definitions, targets and programme, then the org tree. A part is `None` where a figure on the way is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bridge {
    /// What evidence that became known since moved.
    pub evidence: Option<Fraction>,
    /// What definitions and programme moved after that.
    pub definitions: Option<Fraction>,
    /// What the org tree moved after that.
    pub tree: Option<Fraction>,
}

impl Bridge {
    /// The way over the figures in between.
    #[must_use]
    pub fn over(stations: [Option<Fraction>; 4]) -> Self {
        let step = |from: Option<Fraction>, to: Option<Fraction>| {
            to?.plus(from?.times(Fraction::whole(-1))?)
        };
        let [before, evidence, definitions, after] = stations;
        Self {
            evidence: step(before, evidence),
            definitions: step(evidence, definitions),
            tree: step(definitions, after),
        }
    }

    /// Whether no more than one of the parts is a difference.
    #[must_use]
    pub fn is_of_one_step(&self) -> bool {
        let steps = [self.evidence, self.definitions, self.tree];
        let zero = Some(Fraction::whole(0));
        steps.iter().filter(|step| **step != zero).count() < 2
    }

    /// The whole difference.
    #[must_use]
    pub fn whole(&self) -> Option<Fraction> {
        self.evidence?.plus(self.definitions?)?.plus(self.tree?)
    }
}

/// From where on a difference matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Materiality {
    /// Of ratios: a difference of this much. *Units*: 0..=1.
    pub ratio: Fraction,
    /// Of all other figures: a difference of this share of what was reported. *Units*: 0..=1.
    pub relative: Fraction,
    /// Of single KPIs: a difference of this much, in the indicator's unit.
    pub by_kpi: BTreeMap<u32, Fraction>,
}

impl Materiality {
    /// Tells whether a difference matters: it is as large as the threshold or larger, the status is another, or one of the two
    /// figures is unknown.
    #[must_use]
    pub fn is_reached(&self, restated: &Restated) -> bool {
        let (Some(before), Some(after)) = (&restated.before, &restated.after) else {
            return true;
        };
        if before.status != after.status || before.unit != after.unit {
            return true;
        }
        let (Some(was), Some(moved)) = (before.value, restated.moved_by()) else {
            return before.value != after.value;
        };
        let threshold = match self.by_kpi.get(&before.no) {
            Some(own) => Some(*own),
            None if before.unit == Unit::Ratio => Some(self.ratio),
            None => absolute(was).times(self.relative),
        };
        let moved = absolute(moved);
        moved != Fraction::whole(0) && threshold.is_none_or(|threshold| moved >= threshold)
    }
}

fn absolute(value: Fraction) -> Fraction {
    if value.numerator() < 0 {
        value.times(Fraction::whole(-1)).unwrap_or(value)
    } else {
        value
    }
}

/// A figure that differs from what was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The KPI.
    pub no: u32,
    /// The indicator.
    pub indicator: Name,
    /// Whether it is a companion.
    pub is_companion: bool,
    /// The org unit.
    pub org_unit: Name,
    /// The unit of the values.
    pub unit: Unit,
    /// As it was reported; absent = it was not, or was unknown.
    pub before: Option<Fraction>,
    /// As it is now.
    pub after: Option<Fraction>,
    /// How it stood; absent = it was not reported.
    pub status_before: Option<Status>,
    /// How it stands.
    pub status_after: Option<Status>,
    /// What moved it.
    pub bridge: Bridge,
    /// Why, as the entries and editions show it.
    pub causes: BTreeSet<Cause>,
    /// Whether it matters.
    pub is_material: bool,
    /// Whether it is of few people: the figure is shown as it was before, and nothing else is said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_of_few: bool,
}

impl Difference {
    /// Takes everything away but the place.
    pub fn withhold(&mut self) {
        (self.before, self.after) = (None, None);
        (self.status_before, self.status_after) = (None, None);
        self.bridge = Bridge::default();
        self.causes.clear();
        self.is_material = false;
        self.is_of_few = true;
    }

    /// Puts a difference together; `None` where there is a figure in neither.
    #[must_use]
    pub fn of(
        restated: &Restated,
        bridge: Bridge,
        causes: BTreeSet<Cause>,
        is_material: bool,
    ) -> Option<Self> {
        let one = restated.after.as_ref().or(restated.before.as_ref())?;
        let value = |one: &Option<Measurement>| one.as_ref().and_then(|one| one.value);
        Some(Self {
            no: one.no,
            indicator: one.indicator.clone(),
            is_companion: one.is_companion,
            org_unit: one.org_unit.clone(),
            unit: one.unit,
            before: value(&restated.before),
            after: value(&restated.after),
            status_before: restated.before.as_ref().map(|one| one.status),
            status_after: restated.after.as_ref().map(|one| one.status),
            bridge,
            causes,
            is_material,
            is_of_few: false,
        })
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        (self.no, self.indicator.clone(), self.org_unit.clone())
    }

    /// How far the value moved; `None` where one of the two is unknown.
    #[must_use]
    pub fn moved_by(&self) -> Option<Fraction> {
        self.after?.plus(self.before?.times(Fraction::whole(-1))?)
    }
}

/// What a later revision restates, as it was when that was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restatement {
    /// The revision that it differs from.
    pub of_revision: u32,
    /// The cause that was stated when the period was opened again.
    pub stated: Option<Cause>,
    /// Every figure that differs.
    pub differences: Vec<Difference>,
}

impl Restatement {
    /// The amount of the restatement: how many indicators of one org unit differ materially, and how many of no weight.
    /// Companions are left out.
    #[must_use]
    pub fn count(&self, org_unit: &str) -> (usize, usize) {
        let of_unit = self.differences.iter();
        let (material, others): (Vec<&Difference>, Vec<&Difference>) = of_unit
            .filter(|one| !one.is_companion && one.org_unit == *org_unit)
            .partition(|one| one.is_material);
        (material.len(), others.len())
    }

    /// The differences of one org unit's indicators, the material ones first.
    #[must_use]
    pub fn of_unit(&self, org_unit: &str) -> Vec<&Difference> {
        let of_unit = self.differences.iter();
        let mut found: Vec<&Difference> = of_unit
            .filter(|one| !one.is_companion && one.org_unit == *org_unit)
            .collect();
        found.sort_by_key(|one| (!one.is_material, one.no));
        found
    }

    /// How many indicators differ for each cause, all org units together. A figure with two causes counts at both.
    #[must_use]
    pub fn by_cause(&self) -> BTreeMap<Cause, usize> {
        let mut found = BTreeMap::new();
        let indicators = self.differences.iter().filter(|one| !one.is_companion);
        for cause in indicators.flat_map(|one| &one.causes) {
            *found.entry(*cause).or_default() += 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_parts_add_up_to_the_whole_difference_exactly() {
        let third = |n: i128| Fraction::new(n, 3);
        let bridge = Bridge::over([third(1), third(2), Fraction::new(5, 7), third(4)]);
        assert_eq!(bridge.whole(), third(3));
        let unknown = Bridge::over([third(1), None, third(2), third(2)]);
        assert_eq!(
            (unknown.evidence, unknown.definitions, unknown.whole()),
            (None, None, None)
        );
        assert_eq!(unknown.tree, Some(Fraction::whole(0)));
    }
}
