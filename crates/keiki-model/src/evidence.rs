//! What an ingest hands to the journal: accepted rows, rejected rows with their reasons, and what the reading claims to cover.

mod wording;

use arrow::array::{Date32Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use serde::{Deserialize, Serialize};

use crate::text::{self, Text};

/// Accepted rows of one reading, typed, with the dataset's journalled columns (its `schema()`).
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The rows. *Shape*: one column per journalled column of the dataset, in its order.
    pub rows: RecordBatch,
    /// Per row, where it stood in the source: line of a text file, or number of the record, from 1.
    pub places: Vec<u64>,
    /// The files of the rows, as the user knows them, each with the number of its rows here; the rows are in that order.
    /// Rows past these are of a file that nobody knows.
    pub files: Vec<(String, usize)>,
    /// Per row, the day from which its values hold, in days since 1970-01-01; absent = the reading's as-of day.
    pub effective_on: Option<Date32Array>,
    /// Per row, when it became known (loads of history only), UTC microseconds.
    pub known_at: Option<TimestampMicrosecondArray>,
    /// Per row, its order among versions of one record with the same `known_at`.
    pub version_order: Option<Int64Array>,
    /// Rows that broke a rule.
    pub rejected: Vec<RejectedRow>,
    /// Values of accepted rows that the source does not state well enough to use, and why; they are null, never zero.
    pub left_unknown: Vec<RejectedRow>,
    /// Files of lines whose last line does not end.
    pub open_ends: Vec<OpenEnd>,
}

/// The last line of a file that does not end as lines do: what should follow may be cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenEnd {
    /// The file, as the user knows it.
    pub file: String,
    /// The line of the last record, from 1.
    pub row: u64,
}

/// Says why the retirements of a full export wait for a person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Wait {
    /// A file seems to be cut off.
    OpenEnd(OpenEnd),
    /// The key of a rejected row is unreadable, so that nobody knows which record it is about.
    UnreadableKey,
    /// More of the source's records would go than the limit.
    TooMany {
        /// The limit. *Units*: percent.
        limit_percent: u64,
    },
}

/// A row that broke a rule, kept with place and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// The file, as the user knows it.
    pub file: String,
    /// Line of a text file, or number of the record, from 1.
    pub row: u64,
    /// The record's key where it could be read; a rejected row counts as present.
    pub record_key: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// A value of a rejected row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The dataset's column.
    pub column: String,
    /// What was taken from the row; absent = nothing stood there.
    pub value: Option<String>,
}

/// Stands before the SQL of a scope in which a row is not.
pub const BY_SQL: &str = "not: ";

/// Says why a row was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// A required column is empty.
    MissingValue {
        /// The dataset's column.
        column: String,
    },
    /// A value is not of the column's type.
    WrongType {
        /// The dataset's column.
        column: String,
        /// The column's type.
        expected: String,
        /// What stood there.
        found: String,
        /// Why it does not fit, and how to mend it, where that is not plain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Box<Text>>,
    },
    /// A value is not in the column's closed list.
    NotListed {
        /// The dataset's column.
        column: String,
        /// What stood there.
        found: String,
        /// The values of the list, separated by commas.
        expected: String,
    },
    /// A rule of the dataset does not hold.
    RuleBroken {
        /// The rule's own message, Japanese.
        ja: String,
        /// The rule's own message, English.
        en: String,
        /// The rule itself, as SQL.
        #[serde(default)]
        rule: String,
        /// The cells that it reads, as they were taken.
        #[serde(default)]
        cells: Vec<Cell>,
    },
    /// Another row of the same reading has this key and other values.
    DuplicateKey {
        /// The key.
        key: String,
        /// The row that was accepted.
        first_row: u64,
    },
    /// The row has too few or too many fields.
    RowShape {
        /// Number of fields in the header.
        expected: usize,
        /// Number of fields in the row.
        found: usize,
    },
    /// The row is longer than the limit, or cannot be read at all.
    Unreadable {
        /// Why.
        #[serde(deserialize_with = "text::said")]
        detail: Text,
    },
    /// The mapping's expression cannot be computed for this row.
    Expression {
        /// The dataset's column.
        column: String,
        /// Why, in English, from the SQL engine.
        detail: String,
    },
    /// A time of knowledge lies in the future or before the record's latest.
    KnowledgeTime {
        /// The row's time.
        found: String,
        /// What it must not precede or follow.
        limit: String,
    },
    /// The source does not state the value, or not well enough to use it.
    NotStated {
        /// The dataset's column, which is null.
        column: String,
        /// Why, Japanese.
        ja: String,
        /// Why, English.
        en: String,
    },
    /// The row lies outside the scope that the source states.
    OutsideScope {
        /// What lies outside; after [`BY_SQL`] what the scope asks for.
        found: String,
    },
    /// The row gives another baseline day than the plan that was approved.
    PlanFrozen {
        /// The dataset's column, which keeps its value.
        column: String,
        /// The fiscal year whose plan is approved, as `FY2026`.
        fiscal_year: String,
        /// The day that the row gives; absent = none.
        found: Option<String>,
        /// The day of the baseline; absent = the item is not part of it.
        kept: Option<String>,
        /// The column that takes the row's day as a revision.
        revision: String,
    },
}

impl Reason {
    /// The stable code of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingValue { .. } => "missing_value",
            Self::WrongType { .. } => "wrong_type",
            Self::NotListed { .. } => "not_listed",
            Self::RuleBroken { .. } => "rule_broken",
            Self::DuplicateKey { .. } => "duplicate_key",
            Self::RowShape { .. } => "row_shape",
            Self::Unreadable { .. } => "unreadable",
            Self::Expression { .. } => "expression",
            Self::KnowledgeTime { .. } => "knowledge_time",
            Self::NotStated { .. } => "not_stated",
            Self::OutsideScope { .. } => "outside_scope",
            Self::PlanFrozen { .. } => "plan_frozen",
        }
    }

    /// The column that is at fault, where there is one.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::MissingValue { column }
            | Self::WrongType { column, .. }
            | Self::NotListed { column, .. }
            | Self::NotStated { column, .. }
            | Self::PlanFrozen { column, .. }
            | Self::Expression { column, .. } => Some(column),
            Self::RuleBroken { cells, .. } => cells.first().map(|cell| cell.column.as_str()),
            _ => None,
        }
    }

    /// The rule that was broken, as SQL.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::RuleBroken { rule, .. } if !rule.is_empty() => Some(rule),
            _ => None,
        }
    }

    /// The cells at fault, with what stood there.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let cell = |column: &String, value: Option<&String>| Cell {
            column: column.clone(),
            value: value.cloned(),
        };
        match self {
            Self::RuleBroken { cells, .. } => cells.clone(),
            Self::WrongType { column, found, .. } | Self::NotListed { column, found, .. } => {
                vec![cell(column, Some(found))]
            }
            Self::MissingValue { column } => vec![cell(column, None)],
            Self::PlanFrozen { column, found, .. } => vec![cell(column, found.as_ref())],
            _ => Vec::new(),
        }
    }
}

/// What a full export means by leaving a record out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// Nothing.
    Keep,
    /// The record is no more.
    Retire,
    /// The source no longer speaks of it; another source's values return.
    Withdraw,
}

/// Says whether a reading holds every record of the source's scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// Every record in scope is in it.
    Full,
    /// Only some are.
    Part,
}

/// The scope of a source: which records a full export would hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scope {
    /// Ids of the org units in scope, with all below them; empty = all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub org_units: Vec<String>,
    /// A boolean SQL expression over the dataset's columns; absent = all.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
}

/// A reading's claim to hold everything of an org unit: coverage, also where there is nothing to hold (nil return).
///
/// *Units*: `from` and `until` in days since 1970-01-01, both inclusive; `known_from` in UTC microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The org unit; it and all below it are covered.
    pub org_unit: String,
    /// First day that the evidence speaks for.
    pub from: i32,
    /// Last day that it speaks for.
    pub until: i32,
    /// When the claim became known.
    pub known_from: i64,
    /// For how many days more it speaks, where its source says that these are fewer than the dataset's. *Units*: days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_days: Option<i32>,
}

impl Claim {
    /// The last day on which it is fresh, in a dataset whose readings speak for so many days more.
    #[must_use]
    pub fn fresh_until(&self, freshness_days: i32) -> i32 {
        let own = self.fresh_days.unwrap_or(freshness_days);
        self.until.saturating_add(own.min(freshness_days))
    }
}

/// What an ingest did, by count of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Rows that were accepted (changed, unchanged and new).
    pub accepted: u64,
    /// Records that are new or changed.
    pub changed: u64,
    /// Rows that said what was known already.
    pub unchanged: u64,
    /// Records that ended or were withdrawn because a full export no longer holds them.
    pub retired: u64,
    /// Records whose retirement waits for confirmation.
    pub retirements_held: u64,
    /// Rows that broke a rule.
    pub rejected: u64,
}

/// Joins the parts of a record's key into one text, escaping the separator.
#[must_use]
pub fn join_key<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut key = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            key.push('|');
        }
        for c in part.chars() {
            if matches!(c, '|' | '\\') {
                key.push('\\');
            }
            key.push(c);
        }
    }
    key
}
