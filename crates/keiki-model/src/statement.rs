//! Statements: all measurements of a period, closed by somebody, numbered, and never changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::durations::Durations;
use crate::fraction::Fraction;
use crate::measurement::{CoverageRule, Measurement};
use crate::name::Name;
use crate::remark::Remarks;
use crate::restatement::Restatement;
use crate::status::Status;
use crate::text::Text;

/// What stood in the way of a close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Obstacle {
    /// Org units owe evidence for a KPI and have not sent it.
    Missing {
        /// The KPI.
        kpi: u32,
        /// The org units, by id.
        org_units: Vec<String>,
    },
    /// Rows were rejected and nothing came in their place.
    Rejected {
        /// The source.
        source: String,
        /// How many.
        rows: u64,
    },
    /// Evidence names org units that nobody knows.
    Unassigned {
        /// The KPI.
        kpi: u32,
    },
    /// Evidence came, and is too old for the period.
    Overdue {
        /// The dataset.
        dataset: String,
        /// The org units, by id.
        org_units: Vec<String>,
    },
    /// A KPI has no figure for the whole, although nobody owes evidence.
    NoData {
        /// The KPI.
        kpi: u32,
    },
    /// A source could not be read, and was not since.
    Failed {
        /// The source.
        source: String,
        /// Why.
        reason: Text,
    },
    /// A figure missed its target, or is behind its plan, and nobody said why.
    Unexplained {
        /// The KPI.
        kpi: u32,
        /// The indicator.
        indicator: Name,
        /// The org unit, by id.
        org_unit: Name,
    },
    /// Nobody stands by a company's figures.
    Uncertified {
        /// The company, by id.
        org_unit: Name,
        /// Who is to.
        person: String,
        /// Who did, before the figures changed.
        lapsed: Option<String>,
    },
}

/// A closed period. Revision 0 holds figures that were put before a board before Keiki kept the books.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The period as written.
    pub period: Name,
    /// 1 for the first close; 0 for figures of the time before.
    pub revision: u32,
    /// When it was closed, UTC microseconds; it holds what was known then.
    pub closed_at: i64,
    /// Who closed it.
    pub closed_by: String,
    /// Who agreed, where something stood in the way.
    pub agreed_by: Option<String>,
    /// Why it was closed all the same, or what is restated.
    pub reason: Option<String>,
    /// The journal version.
    pub journal_version: i64,
    /// The edition of the definitions, the org tree and the programme; `None` in revision 0.
    pub edition: Option<i64>,
    /// The hash of that edition, by which a change of it is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition_sha256: Option<String>,
    /// The hash of the list of the journal's files with their hashes, by which a change of any of them is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_sha256: Option<String>,
    /// By which rule org units have reported.
    #[serde(
        default = "CoverageRule::of_old",
        skip_serializing_if = "CoverageRule::is_of_old"
    )]
    pub coverage_rule: CoverageRule,
    /// What stood in the way.
    pub obstacles: Vec<Obstacle>,
    /// What was said of its figures, what is done about them, and what the board asked for.
    #[serde(default, skip_serializing_if = "Remarks::is_empty")]
    pub remarks: Remarks,
    /// What it restates; absent in the first revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restatement: Option<Restatement>,
    /// How long things took, for the charts of time KPIs that are not about people; statements of before this was kept have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub durations: Vec<Durations>,
    /// Every measurement.
    pub measurements: Vec<Measurement>,
}

impl Statement {
    /// A statement behind which there are no books: revision 0, without figures.
    #[must_use]
    pub fn without_books(period: &str, at: i64) -> Self {
        Self {
            period: period.into(),
            revision: 0,
            closed_at: at,
            closed_by: String::new(),
            agreed_by: None,
            reason: None,
            journal_version: 0,
            edition: None,
            edition_sha256: None,
            journal_sha256: None,
            coverage_rule: CoverageRule::default(),
            obstacles: Vec::new(),
            remarks: Remarks::default(),
            restatement: None,
            durations: Vec::new(),
            measurements: Vec::new(),
        }
    }
}

/// The place of a measurement in a statement: KPI, indicator, org unit.
pub type Place = (u32, Name, Name);

/// A figure that differs between two statements of a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Restated {
    /// Where it stands.
    pub place: Place,
    /// As the earlier one has it; absent = not in it.
    pub before: Option<Measurement>,
    /// As the later one has it.
    pub after: Option<Measurement>,
}

impl Restated {
    /// How far the value moved; `None` where one of them has none.
    #[must_use]
    pub fn moved_by(&self) -> Option<Fraction> {
        let value = |one: &Option<Measurement>| one.as_ref().and_then(|one| one.value);
        let back = value(&self.before)?.times(Fraction::whole(-1))?;
        value(&self.after)?.plus(back)
    }
}

/// What of a measurement a reader would call changed: not the instant and the commit that it carries.
fn figure(one: &Measurement) -> (Parts, Status, (u32, u32), bool) {
    (
        [one.value, one.numerator, one.denominator],
        one.status,
        (one.coverage.covered, one.coverage.expected),
        one.is_held(),
    )
}

/// Value, what is above and what is below the line.
type Parts = [Option<Fraction>; 3];

/// Lists the figures that differ between two sets of measurements of one period, in the order of the later set.
#[must_use]
pub fn restated(before: &[Measurement], after: &[Measurement]) -> Vec<Restated> {
    let place = |one: &Measurement| (one.no, one.indicator.clone(), one.org_unit.clone());
    let mut earlier: BTreeMap<Place, &Measurement> =
        before.iter().map(|one| (place(one), one)).collect();
    let mut found = Vec::new();
    for one in after {
        let before = earlier.remove(&place(one));
        if before.is_none_or(|before| figure(before) != figure(one)) {
            found.push(Restated {
                place: place(one),
                before: before.cloned(),
                after: Some(one.clone()),
            });
        }
    }
    found.extend(earlier.into_iter().map(|(place, one)| Restated {
        place,
        before: Some(one.clone()),
        after: None,
    }));
    found
}
