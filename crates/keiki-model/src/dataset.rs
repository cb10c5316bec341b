//! A dataset: a typed kind of evidence with its key, columns and rules.

mod identity;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use sha2::{Digest, Sha256};

use crate::calendar::parse_day;
use crate::document::{Located, Node, read_document};
use crate::fraction::Fraction;
use crate::problem::{Place, Problem};
use crate::text::Text;

pub use identity::{IdentityForm, IdentityRule, IdentityValidity, MINTED, is_minted};

/// The column that says which org unit a record belongs to.
pub const ORG_UNIT: &str = "org_unit";

/// The dataset of reported figures, which every workspace has.
pub const REPORTED_FIGURES: &str = "reported_figures";

/// Separates the ids of a record that names several org units.
pub const ORG_UNIT_SEPARATOR: char = ';';

/// Names that a dataset's columns cannot have: the journal's own.
pub const RESERVED: [&str; 8] = [
    "weight",
    "effective_on",
    "known_at",
    "seq",
    "batch_id",
    "source",
    "record_key",
    "word",
];

/// Says how a record lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetKind {
    /// Columns change through time.
    Register,
    /// One happening that becomes better known; a new version replaces the old from its beginning.
    Fact,
    /// Distinct things of another dataset's stock; written with that dataset's commits.
    Derived,
}

/// Says whether and how records name org units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgUnits {
    /// Reference data of the whole workspace.
    None,
    /// One org unit per record.
    One,
    /// One or several, separated by `;`.
    Several,
}

/// The type of a column. Floating-point numbers do not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Any text.
    Text,
    /// A whole number (64 bits).
    Integer,
    /// An exact decimal.
    Decimal {
        /// Number of digits in all, up to 38.
        precision: u8,
        /// Number of digits after the point.
        scale: i8,
    },
    /// A calendar date.
    Date,
    /// An instant in UTC, in microseconds.
    Instant,
    /// True or false.
    Boolean,
}

impl ColumnType {
    /// Reads a type as definitions write it. `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "text" => Self::Text,
            "integer" => Self::Integer,
            "date" => Self::Date,
            "instant" => Self::Instant,
            "boolean" => Self::Boolean,
            _ => {
                let inner = text.strip_prefix("decimal(")?.strip_suffix(')')?;
                let (precision, scale) = inner.split_once(',')?;
                let precision: u8 = precision.trim().parse().ok()?;
                let scale: i8 = scale.trim().parse().ok()?;
                if !(1..=38).contains(&precision) || !(0..=precision.cast_signed()).contains(&scale)
                {
                    return None;
                }
                Self::Decimal { precision, scale }
            }
        })
    }

    /// The Arrow type that holds it.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            Self::Date => DataType::Date32,
            Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Boolean => DataType::Boolean,
        }
    }

    /// Tells whether a text, as definitions write values, is a value of this type.
    #[must_use]
    pub fn takes(self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Integer => text.parse::<i64>().is_ok(),
            Self::Decimal { precision, scale } => {
                let digits = text.trim_start_matches('-');
                let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
                Fraction::parse_decimal(text).is_some()
                    && part.len() <= usize::from(scale.unsigned_abs())
                    && whole.len() + usize::from(scale.unsigned_abs()) <= usize::from(precision)
            }
            Self::Date => parse_day(text).is_some(),
            Self::Instant => text.parse::<jiff::Timestamp>().is_ok(),
            Self::Boolean => matches!(text, "true" | "false"),
        }
    }

    /// The name as definitions write it.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Integer => "integer".into(),
            Self::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
            Self::Date => "date".into(),
            Self::Instant => "instant".into(),
            Self::Boolean => "boolean".into(),
        }
    }
}

/// Fills a column from another dataset's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The dataset that is looked up.
    pub dataset: String,
    /// The column that is taken over.
    pub column: String,
    /// This dataset's columns whose values are the other's key, in the order of that key.
    pub key: Vec<String>,
    /// Where the definition names it.
    pub place: Place,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name in SQL, Rust, JSON and CSV.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
    /// Whether a row without it is rejected.
    pub required: bool,
    /// Whether it names a person: replaced by a random token before it is journalled.
    pub personal: bool,
    /// Whether a change of it makes an entry.
    pub journalled: bool,
    /// The closed list of its values; empty where it is open.
    pub values: Vec<String>,
    /// Where it is looked up.
    pub lookup: Option<Lookup>,
    /// Heading.
    pub title: Text,
    /// What it holds.
    pub description: Text,
}

/// A rule over a row: where it is false, the row is rejected, or accepted without the value that is in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRule {
    /// A boolean SQL expression over the columns; NULL passes.
    pub require: Located,
    /// What to tell who broke it.
    pub message: Text,
    /// The column whose value is then unknown, where the rest of the row holds without it.
    pub unknown: Option<Located>,
}

/// How a derived dataset comes from a stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distinct {
    /// The dataset whose records support it.
    pub dataset: Located,
    /// The column whose distinct values it counts.
    pub by: Located,
    /// Which records support it (SQL); absent is all.
    pub filter: Option<Located>,
    /// First day of support (SQL date).
    pub from: Option<Located>,
    /// First day no longer (SQL date), null = never.
    pub until: Option<Located>,
}

/// The columns that hold a plan: what an approved baseline freezes, and where a date goes that was moved later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanColumns {
    /// The day that the approved baseline plan has for the item; null = the baseline does not hold it.
    pub baseline: String,
    /// The day that a revision of the plan has for it.
    pub revision: String,
}

/// A dataset's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Name, the same as the file's and the journal table's.
    pub name: String,
    /// How its records live.
    pub kind: DatasetKind,
    /// Title.
    pub title: Text,
    /// What it holds.
    pub description: Text,
    /// The columns that identify a record.
    pub key: Vec<String>,
    /// Whether records name org units.
    pub org_units: OrgUnits,
    /// Days after which evidence is stale on a cut day.
    pub freshness_days: i32,
    /// The columns in the order of the definition.
    pub columns: Vec<Column>,
    /// The rules that each row keeps.
    pub rules: Vec<RowRule>,
    /// Set for derived datasets.
    pub distinct: Option<Distinct>,
    /// Set where records are items of a plan.
    pub plan: Option<PlanColumns>,
    /// By what rows without a key are known to be about the same thing, the weightiest first; empty = by nothing.
    pub identity: Vec<IdentityRule>,
    /// Content hash of the definition, hexadecimal, 16 characters.
    pub version: String,
    /// The file it was read from.
    pub file: String,
}

impl Dataset {
    /// Finds a column by name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns that the journal holds.
    pub fn journalled(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.journalled)
    }

    /// The schema of accepted rows: the journalled columns, all nullable.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .journalled()
            .map(|c| Field::new(&c.name, c.kind.arrow(), true))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// Tells whether any column names a person.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.columns.iter().any(|column| column.personal)
    }

    /// Tells whether a record's key names a person.
    #[must_use]
    pub fn key_is_personal(&self) -> bool {
        let is_personal = |key: &String| self.column(key).is_some_and(|column| column.personal);
        self.key.iter().any(is_personal)
    }
}

/// Returns the content hash that versions a definition: the first 16 hexadecimal characters of its SHA-256.
#[must_use]
pub fn content_version(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    crate::text::hexadecimal(&digest[..8])
}

/// Reads a dataset definition.
///
/// # Errors
/// Every fault of the file, each with its place.
pub fn read_dataset(file: &str, text: &str) -> Result<Dataset, Vec<Problem>> {
    read_document(file, text, |node| dataset(node, file, text))
}

fn dataset(node: &Node<'_>, file: &str, text: &str) -> Option<Dataset> {
    let kinds = [
        ("register", DatasetKind::Register),
        ("fact", DatasetKind::Fact),
        ("derived", DatasetKind::Derived),
    ];
    let name = node.located("name");
    let kind = node.required_choice("kind", &kinds);
    let title = node.required_text("title");
    let description = node.required_text("description");
    let freshness_days = node.required_integer("freshness_days");
    let several = node.flag("several_org_units");
    let mut key = node.strings("key");
    let distinct = node.table("distinct").and_then(|table| distinct(&table));
    let mut columns: Vec<Column> = node
        .tables("columns")
        .iter()
        .filter_map(|(name, table)| column(name, table))
        .collect();
    let rules: Vec<RowRule> = node.list("rules").iter().filter_map(rule).collect();
    let plan = node
        .table("plan")
        .and_then(|table| plan(&table, &columns, kind));
    let identity = identity::rules(node);
    identity::check(node, &identity, &columns, &key, kind);
    let Some(name) = name else {
        node.report(
            Problem::new(
                node.place(),
                Text::new("項目 `name` がありません", "missing key `name`"),
            )
            .hint(Text::new(
                "`name = \"…\"` を加えてください",
                "add `name = \"…\"`",
            )),
        );
        return None;
    };
    check_name(node, &name, file);
    if kind? == DatasetKind::Derived {
        let Some(distinct) = &distinct else {
            node.report(
                Problem::new(
                    node.place(),
                    Text::new(
                        "派生データ種別には表 `[distinct]` が必要です",
                        "a derived dataset needs the table `[distinct]`",
                    ),
                )
                .hint(Text::new(
                    "dataset、by、from、until を持つ [distinct] を加えてください",
                    "add [distinct] with dataset, by, from and until",
                )),
            );
            return None;
        };
        columns = derived_columns(&distinct.by.value);
        key = vec![distinct.by.value.clone()];
    } else if key.is_empty() {
        node.report(
            Problem::new(
                node.place_of("key"),
                Text::new("データ種別にはキーが必要です", "a dataset needs a key"),
            )
            .hint(Text::new(
                "レコードを特定する列を `key = [\"…\"]` に書いてください",
                "add `key = [\"…\"]`, the columns that identify a record",
            )),
        );
    }
    require_key(node, &key, &mut columns);
    check_unknown(node, &rules, &columns);
    let org_units = match columns.iter_mut().find(|column| column.name == ORG_UNIT) {
        None => OrgUnits::None,
        Some(column) => {
            column.required = true;
            if several {
                OrgUnits::Several
            } else {
                OrgUnits::One
            }
        }
    };
    Some(Dataset {
        name: name.value,
        kind: kind?,
        title: title?,
        description: description?,
        key,
        org_units,
        freshness_days: i32::try_from(freshness_days?).unwrap_or(i32::MAX),
        columns,
        rules,
        distinct,
        plan,
        identity,
        version: content_version(text),
        file: file.to_owned(),
    })
}

/// What a rule takes as unknown is a column that may be empty.
fn check_unknown(node: &Node<'_>, rules: &[RowRule], columns: &[Column]) {
    for unknown in rules.iter().filter_map(|rule| rule.unknown.as_ref()) {
        let named = columns.iter().find(|column| column.name == unknown.value);
        if named.is_some_and(|column| !column.required && column.lookup.is_none()) {
            continue;
        }
        node.report(
            Problem::new(
                unknown.place.clone(),
                Text::new(
                    format!("`{}` は不明にできる列ではありません", unknown.value),
                    format!("`{}` is no column that may be unknown", unknown.value),
                ),
            )
            .hint(Text::new(
                "必須でなく、他から参照もされない列を指定してください。行ごと取込エラーとするなら `unknown` を消してください",
                "name a column that is neither required nor looked up, or leave `unknown` out to reject the row",
            )),
        );
    }
}

/// The columns of the key are never empty.
fn require_key(node: &Node<'_>, key: &[String], columns: &mut [Column]) {
    for part in key {
        match columns.iter_mut().find(|column| column.name == *part) {
            Some(column) => column.required = true,
            None => node.report(Problem::new(
                node.place_of("key"),
                Text::new(
                    format!("キーに存在しない列があります: `{part}`"),
                    format!("the key names a column that does not exist: `{part}`"),
                ),
            )),
        }
    }
}

fn check_name(node: &Node<'_>, name: &Located, file: &str) {
    let stem = file
        .rsplit('/')
        .next()
        .unwrap_or(file)
        .trim_end_matches(".toml");
    let plain = name
        .value
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if name.value != stem || !plain || name.value.is_empty() {
        node.report(
            Problem::new(
                name.place.clone(),
                Text::new(
                    format!("名前がファイル名と一致しません: `{}`", name.value),
                    format!("the name does not fit the file: `{}`", name.value),
                ),
            )
            .hint(Text::new(
                "ファイル名と同じ名前(英小文字、数字、下線)にしてください",
                "use the file's name: lower-case letters, digits and underscores",
            )),
        );
    }
}

fn distinct(table: &Node<'_>) -> Option<Distinct> {
    let dataset = table.located("dataset");
    let by = table.located("by");
    let distinct = Distinct {
        filter: table.located("where"),
        from: table.located("from"),
        until: table.located("until"),
        dataset: dataset.unwrap_or_default(),
        by: by.unwrap_or_default(),
    };
    table.finish();
    for (key, value) in [("dataset", &distinct.dataset), ("by", &distinct.by)] {
        if value.value.is_empty() {
            table.report(Problem::new(
                table.place(),
                Text::new(
                    format!("項目 `{key}` がありません"),
                    format!("missing key `{key}`"),
                ),
            ));
            return None;
        }
    }
    Some(distinct)
}

fn plan(table: &Node<'_>, columns: &[Column], kind: Option<DatasetKind>) -> Option<PlanColumns> {
    let (baseline, revision) = (table.located("baseline"), table.located("revision"));
    table.finish();
    let has_units = columns.iter().any(|column| column.name == ORG_UNIT);
    if kind == Some(DatasetKind::Derived) || !has_units {
        table.report(
            Problem::new(
                table.place(),
                Text::new(
                    "計画を持てるのは、組織の列があるデータ種別だけです",
                    "only a dataset with org units holds a plan",
                ),
            )
            .hint(Text::new(
                format!("[plan] を外すか、列 `{ORG_UNIT}` を加えてください"),
                format!("take [plan] away, or add the column `{ORG_UNIT}`"),
            )),
        );
    }
    for (key, named) in [("baseline", &baseline), ("revision", &revision)] {
        let Some(named) = named else {
            table.report(
                Problem::new(
                    table.place(),
                    Text::new(
                        format!("項目 `{key}` がありません"),
                        format!("missing key `{key}`"),
                    ),
                )
                .hint(Text::new(
                    "[plan] には日付の列を二つ(baseline と revision)指定します",
                    "[plan] names two date columns: baseline and revision",
                )),
            );
            continue;
        };
        let is_fit = columns.iter().any(|column| {
            column.name == named.value
                && column.kind == ColumnType::Date
                && column.journalled
                && column.lookup.is_none()
        });
        if !is_fit {
            let message = Text::new(
                format!("この列には計画を保持できません: `{}`", named.value),
                format!("a plan cannot be kept in this column: `{}`", named.value),
            );
            table.report(Problem::new(named.place.clone(), message).hint(Text::new(
                "証跡台帳に記帳される日付型の列(参照列を除く)を指定してください",
                "name a column of the type date that is journalled and not looked up",
            )));
        }
    }
    let (baseline, revision) = (baseline?, revision?);
    if baseline.value == revision.value {
        table.report(
            Problem::new(
                revision.place,
                Text::new(
                    "基準計画と改訂が同じ列です",
                    "the baseline and its revision are one column",
                ),
            )
            .hint(Text::new(
                "改訂は基準計画と並べて保持するため、別の列を指定してください",
                "a revision stands beside the baseline; give it a column of its own",
            )),
        );
    }
    Some(PlanColumns {
        baseline: baseline.value,
        revision: revision.value,
    })
}

/// The columns of a derived dataset: the thing, its org units, and the interval in which support is above zero.
fn derived_columns(by: &str) -> Vec<Column> {
    let make = |name: &str, kind, title: Text| Column {
        name: name.to_owned(),
        kind,
        required: true,
        personal: false,
        journalled: true,
        values: Vec::new(),
        lookup: None,
        description: title.clone(),
        title,
    };
    vec![
        make(by, ColumnType::Text, Text::new("対象", "Thing")),
        make(ORG_UNIT, ColumnType::Text, Text::new("組織", "Org unit")),
        make(
            "held_from",
            ColumnType::Date,
            Text::new("開始日", "Held from"),
        ),
        make(
            "held_until",
            ColumnType::Date,
            Text::new("終了日(当日を含まない)", "Held until (exclusive)"),
        ),
    ]
}

fn rule(node: &Node<'_>) -> Option<RowRule> {
    let require = node.located("require");
    let message = node.required_text("message");
    let unknown = node.located("unknown");
    node.finish();
    if require.is_none() {
        node.report(Problem::new(
            node.place(),
            Text::new("項目 `require` がありません", "missing key `require`"),
        ));
    }
    Some(RowRule {
        require: require?,
        message: message?,
        unknown,
    })
}

fn column(name: &str, node: &Node<'_>) -> Option<Column> {
    let kind = node.located("type");
    let required = node.flag("required");
    let personal = node.flag("personal");
    let journalled = !node.has("journalled") || node.flag("journalled");
    let values = node.strings("values");
    let title = node.required_text("title");
    let description = node.required_text("description");
    let lookup = node.table("lookup").map(|table| {
        let found = Lookup {
            dataset: table.required_string("dataset").unwrap_or_default(),
            column: table.required_string("column").unwrap_or_default(),
            key: table.strings("key"),
            place: table.place(),
        };
        table.finish();
        found
    });
    node.finish();
    let Some(kind) = kind else {
        node.report(
            Problem::new(
                node.place(),
                Text::new(
                    format!("列 `{name}` に型がありません"),
                    format!("column `{name}` has no type"),
                ),
            )
            .hint(types()),
        );
        return None;
    };
    let parsed = ColumnType::parse(&kind.value);
    if parsed.is_none() {
        let hint = match kind.value.as_str() {
            "float" | "double" | "real" | "number" => Text::new(
                "数値は正確に扱うため、integer または decimal(精度,小数桁)を使ってください(例: decimal(12,2))",
                "figures are exact: use integer or decimal(precision,scale), for example decimal(12,2)",
            ),
            _ => types(),
        };
        node.report(
            Problem::new(
                kind.place,
                Text::new(
                    format!("列 `{name}` の型がありません: `{}`", kind.value),
                    format!("column `{name}` has an unknown type: `{}`", kind.value),
                ),
            )
            .hint(hint),
        );
    }
    if RESERVED.contains(&name) {
        node.report(
            Problem::new(
                node.place(),
                Text::new(
                    format!("`{name}` は証跡台帳自体の列です"),
                    format!("`{name}` is a column of the journal itself"),
                ),
            )
            .hint(Text::new(
                format!(
                    "列に別の名前を付けてください(証跡台帳の列: {})",
                    RESERVED.join(", ")
                ),
                format!(
                    "give the column another name; the journal's own are {}",
                    RESERVED.join(", ")
                ),
            )),
        );
    }
    if personal && parsed.is_some_and(|kind| kind != ColumnType::Text) {
        node.report(
            Problem::new(
                node.place_of("personal"),
                Text::new(
                    format!("個人情報の列 `{name}` が text 型ではありません"),
                    format!("personal column `{name}` is not text"),
                ),
            )
            .hint(Text::new(
                "トークンに置き換えられるのは text 型だけです",
                "only text can be replaced by a token",
            )),
        );
    }
    Some(Column {
        name: name.to_owned(),
        kind: parsed?,
        required,
        personal,
        journalled,
        values,
        lookup,
        title: title?,
        description: description?,
    })
}

/// The types that columns may have.
fn types() -> Text {
    Text::new(
        "型は text、integer、decimal(精度,小数桁)、date、instant、boolean です",
        "types are text, integer, decimal(precision,scale), date, instant, boolean",
    )
}
