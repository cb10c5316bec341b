//! What can go wrong when figures are computed.

use keiki_model::calendar::Period;
use keiki_model::problem::Problem;
use keiki_model::text::{Language, Text, Wording};
use keiki_store::StoreError;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The SQL engine failed.
    #[error("the journal cannot be evaluated: {0}")]
    Sql(Box<datafusion::error::DataFusionError>),
    /// Arrow refused an operation.
    #[error("rows cannot be evaluated: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A definition does not fit the data.
    #[error("{0}")]
    Definition(Problem),
    /// A user's query is wrong.
    #[error("the query cannot be run: {}", .0.en)]
    Query(Box<Text>),
    /// There is no such KPI.
    #[error("unknown KPI: {0}")]
    UnknownKpi(String),
    /// The KPI has no such indicator.
    #[error("KPI {no} has no indicator: {found}")]
    UnknownIndicator {
        /// The KPI.
        no: u32,
        /// What was asked for.
        found: String,
        /// The indicators that it has.
        known: Vec<String>,
    },
    /// There is no such org unit on the cut day.
    #[error("unknown org unit: {found}")]
    UnknownOrgUnit {
        /// What was asked for.
        found: String,
        /// The nearest that exists.
        near: Option<String>,
    },
    /// There is no such hierarchy.
    #[error("unknown hierarchy: {found}")]
    UnknownHierarchy {
        /// What was asked for.
        found: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The period begins after the instant of knowledge, or does not exist.
    #[error("the period cannot be measured as known at that instant: {}", .0.en)]
    NotMeasurable(Box<Text>),
    /// A value is greater than a histogram holds.
    #[error("a value of measure `{measure}` is beyond the limit of 2^39: {value}")]
    ValueTooLarge {
        /// The measure.
        measure: String,
        /// The value.
        value: i128,
    },
    /// A file is not there that the journal's log names.
    #[error("a file of the journal is missing: {0}")]
    MissingFile(String),
    /// A cluster did not measure.
    #[error("the cluster could not measure: {}", .why.en)]
    Cluster {
        /// Why.
        why: Box<Text>,
        /// How to mend it, where that is known.
        hint: Option<Box<Text>>,
    },
    /// More org units or groups than the cube's axes hold.
    #[error("more than 65,000 {}", .0.words().en)]
    TooMany(Dimension),
}

/// What a cube counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Org units.
    OrgUnits,
    /// Groups of a measure.
    Groups,
}

impl Dimension {
    fn words(self) -> Text {
        match self {
            Self::OrgUnits => Text::new("組織", "org units"),
            Self::Groups => Text::new("区分", "groups"),
        }
    }
}

impl EngineError {
    pub(crate) fn query(why: impl Wording) -> Self {
        Self::Query(Box::new(why.into_text()))
    }

    pub(crate) fn stopped(why: &impl std::fmt::Display) -> Self {
        Self::query(Text::new(
            format!("処理が停止しました: {why}"),
            format!("a part of the work stopped: {why}"),
        ))
    }

    pub(crate) fn no_column(of: &Text, name: &str) -> Self {
        Self::query(Text::new(
            format!("{}に列 {name} がありません", of.ja),
            format!("{} lack the column {name}", of.en),
        ))
    }

    pub(crate) fn not_measurable(period: Period) -> Self {
        Self::NotMeasurable(Box::new(Text::quoted(period)))
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> Text {
        let ja = match self {
            Self::Store(error) => return error.message(),
            Self::Sql(error) => format!("証跡台帳を集計できません: {error}"),
            Self::Arrow(error) => format!("行を計算できません: {error}"),
            Self::Definition(problem) => problem.said(Language::Ja),
            Self::Query(why) => format!("問い合わせを実行できません: {}", why.ja),
            Self::UnknownKpi(found) => format!("KPIがありません: {found}"),
            Self::UnknownIndicator { no, found, .. } => {
                format!("KPI {no} に指標がありません: {found}")
            }
            Self::UnknownOrgUnit { found, .. } => format!("組織がありません: {found}"),
            Self::UnknownHierarchy { found, .. } => format!("階層がありません: {found}"),
            Self::NotMeasurable(period) => {
                format!("その認識時点では、対象期間を測定できません: {}", period.ja)
            }
            Self::ValueTooLarge { measure, value } => {
                format!("測定量 `{measure}` の値が上限(2の39乗)を超えています: {value}")
            }
            Self::MissingFile(path) => format!("証跡台帳のファイルがありません: {path}"),
            Self::Cluster { why, .. } => format!("クラスターで測定できませんでした: {}", why.ja),
            Self::TooMany(of) => format!("{}が65,000を超えています", of.words().ja),
        };
        Text::new(ja, self.to_string())
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Option<Text> {
        let hint = match self {
            Self::Store(error) => return error.hint(),
            Self::Definition(problem) => return problem.hint.as_deref().cloned(),
            Self::UnknownKpi(_) => Text::new(
                "`keiki catalogue` でKPIの一覧を確かめてください",
                "`keiki catalogue` lists the KPIs",
            ),
            Self::UnknownIndicator { known, .. } => {
                let known = known.join(", ");
                Text::new(format!("指標: {known}"), format!("indicators: {known}"))
            }
            Self::UnknownOrgUnit {
                near: Some(near), ..
            } => Text::new(
                format!("{near} のことですか"),
                format!("did you mean {near}?"),
            ),
            Self::UnknownOrgUnit { .. } => Text::new(
                "組織とその有効期間は org.csv にあります",
                "org.csv lists the org units and their dates",
            ),
            Self::UnknownHierarchy { known, .. } => {
                let known = known.join(", ");
                Text::new(
                    format!("フォルダ hierarchies にある階層: {known}"),
                    format!("those in the folder hierarchies: {known}"),
                )
            }
            Self::NotMeasurable(_) => Text::new(
                "より前の対象期間か、より後の --known-at を指定してください",
                "choose an earlier period or a later --known-at",
            ),
            Self::MissingFile(_) => Text::new(
                "`keiki compact` と同時だった場合は、もう一度実行してください。そうでなければ `keiki verify` で台帳を確かめてください",
                "if `keiki compact` ran meanwhile, run this again; if not, check the journal with `keiki verify`",
            ),
            Self::Cluster {
                hint: Some(hint), ..
            } => hint.as_ref().clone(),
            Self::Cluster { hint: None, .. } => Text::new(
                "`keiki scheduler` と `keiki worker` が動作しているか、トークンと版が同じかを確かめてください。engine = \"local\" にすれば、このコンピューターだけで測定できます",
                "look whether `keiki scheduler` and `keiki worker` run, with the same token and version; with engine = \"local\" this computer measures alone",
            ),
            Self::Query(_) => Text::new(
                "表はデータ種別と `batches` です。`keiki sql \"show tables\"` で確かめてください",
                "tables are the datasets and `batches`; see `keiki sql \"show tables\"`",
            ),
            _ => return None,
        };
        Some(hint)
    }
}

impl From<datafusion::error::DataFusionError> for EngineError {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        Self::Sql(Box::new(error))
    }
}

/// The result of the engine's functions.
pub(crate) type Result<T> = std::result::Result<T, EngineError>;
