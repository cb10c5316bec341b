//! What an ingest hands to the journal: accepted rows, rejected rows with their reasons, and what the reading claims to cover.

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

    /// The reason in words, with what is known of how to mend it.
    #[must_use]
    pub fn message(&self) -> Text {
        match self {
            Self::WrongType { why: Some(why), .. } => {
                let said = self.said();
                Text::new(
                    format!("{}({})", said.ja, why.ja),
                    format!("{}: {}", said.en, why.en),
                )
            }
            _ => self.said(),
        }
    }

    /// How to mend it, where that is not plain.
    #[must_use]
    pub fn hint(&self) -> Option<Text> {
        Some(match self {
            Self::WrongType { why: Some(why), .. } => why.as_ref().clone(),
            Self::WrongType { expected, .. } => Text::new(
                format!("{expected}型の値に直すか、[format] に書き方を指定してください"),
                format!("write a value of {expected}, or state in [format] how it is written"),
            ),
            Self::MissingValue { column } => Text::new(
                format!("出力元で値を補うか、取得元の [columns] で {column} の値を与えてください"),
                format!(
                    "fill it in where the evidence is from, or give `{column}` a value in the source's [columns]"
                ),
            ),
            Self::NotListed { .. } => Text::new(
                "取得元の [columns] で、選択肢の値に置き換えてください(case … when … then …)",
                "map it to a value of the list in the source's [columns] (case … when … then …)",
            ),
            Self::DuplicateKey { .. } => Text::new(
                "どちらか一方だけを送ってください。時点の異なる行であれば effective_on を対応付けてください",
                "send one of the two; if they hold from different days, map effective_on",
            ),
            Self::RowShape { .. } => Text::new(
                "行が途中で切れているか、値の中に区切り文字や改行があります。値を引用符で囲んで出力し直してください",
                "the row is cut off, or a separator or line break stands in a value; export it again, with values in quotes",
            ),
            Self::Unreadable { .. } => Text::new(
                "引用符と文字コードを確かめ、出力し直してください",
                "check quotation marks and encoding, and export the row again",
            ),
            Self::Expression { column, .. } => Text::new(
                format!("取得元の [columns] の {column} の式か、元の値を直してください"),
                format!(
                    "correct the expression of `{column}` in the source's [columns], or the value"
                ),
            ),
            Self::OutsideScope { .. } => Text::new(
                "取得元の [scope] を広げるか、出力から行を除いてください",
                "widen [scope] of the source, or leave the row out of the export",
            ),
            Self::RuleBroken { .. }
            | Self::KnowledgeTime { .. }
            | Self::NotStated { .. }
            | Self::PlanFrozen { .. } => return None,
        })
    }

    /// What is wrong alone.
    #[must_use]
    pub fn said(&self) -> Text {
        match self {
            Self::MissingValue { column } => Text::new(
                format!("「{column}」は必須ですが、空です"),
                format!("`{column}` is required, found nothing"),
            ),
            Self::WrongType {
                column,
                expected,
                found,
                ..
            } => Text::new(
                format!("「{column}」は{expected}型の値が必要ですが、「{found}」が入っています"),
                format!("`{column}` should be {expected}, found `{found}`"),
            ),
            Self::NotListed {
                column,
                found,
                expected,
            } => Text::new(
                format!("「{column}」の値「{found}」は選択肢にありません(選択肢: {expected})"),
                format!("`{column}` should be one of {expected}, found `{found}`"),
            ),
            Self::RuleBroken { ja, en, .. } | Self::NotStated { ja, en, .. } => Text::new(ja, en),
            Self::DuplicateKey { key, first_row } => Text::new(
                format!("キー「{key}」が{first_row}行目と重複し、値が異なります"),
                format!("key `{key}` was already given in row {first_row} with other values"),
            ),
            Self::RowShape { expected, found } => Text::new(
                format!("列数が見出しと一致しません(見出し{expected}列、この行{found}列)"),
                format!("the row should have {expected} fields like the header, found {found}"),
            ),
            Self::Unreadable { detail } => Text::new(
                format!("行を読み取れません({})", detail.ja),
                format!("unreadable row: {}", detail.en),
            ),
            Self::Expression { column, detail } => Text::new(
                format!("「{column}」の式を計算できません({detail})"),
                format!("`{column}` cannot be computed: {detail}"),
            ),
            Self::KnowledgeTime { found, limit } => Text::new(
                format!("認識時点「{found}」が許される範囲の外です(基準: {limit})"),
                format!("time of knowledge `{found}` is out of order; the limit is {limit}"),
            ),
            Self::OutsideScope { found } => Text::new(
                format!("取得元が宣言した範囲の外の行です({found})"),
                format!("the row lies outside the source's stated scope: {found}"),
            ),
            Self::PlanFrozen {
                column,
                fiscal_year,
                found,
                kept,
                revision,
            } => frozen(
                column,
                fiscal_year,
                (found.as_deref(), kept.as_deref()),
                revision,
            ),
        }
    }
}

/// What became of a day that an approved plan does not take.
fn frozen(
    column: &str,
    fiscal_year: &str,
    (found, kept): (Option<&str>, Option<&str>),
    revision: &str,
) -> Text {
    match (found, kept) {
        (Some(found), Some(kept)) => Text::new(
            format!(
                "{fiscal_year}の基準計画は承認済みのため、「{column}」は{kept}のままとします。{found}は改訂であり、「{revision}」が空欄の行ではそこに記入します"
            ),
            format!(
                "the plan of {fiscal_year} is approved: `{column}` stays {kept}; {found} is a revision and goes to `{revision}` unless the row gives one"
            ),
        ),
        (Some(found), None) => Text::new(
            format!(
                "{fiscal_year}の基準計画は承認済みで、この項目は含まれていません。「{column}」は空欄とします。{found}は改訂であり、「{revision}」が空欄の行ではそこに記入します"
            ),
            format!(
                "the plan of {fiscal_year} is approved and does not hold this item: `{column}` stays empty; {found} is a revision and goes to `{revision}` unless the row gives one"
            ),
        ),
        (None, kept) => {
            let kept = kept.unwrap_or("-");
            Text::new(
                format!(
                    "{fiscal_year}の基準計画は承認済みのため、「{column}」は行で空欄でも{kept}のままとします"
                ),
                format!(
                    "the plan of {fiscal_year} is approved: `{column}` stays {kept}, although the row leaves it empty"
                ),
            )
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
