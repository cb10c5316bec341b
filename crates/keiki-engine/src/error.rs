//! What can go wrong when figures are computed.

use keiki_model::problem::Problem;
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
    #[error("the query cannot be run: {0}")]
    Query(String),
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
    #[error("the period cannot be measured as known at that instant: {0}")]
    NotMeasurable(String),
    /// A value is greater than a histogram holds.
    #[error("a value of measure `{measure}` is beyond the limit of 2^39: {value}")]
    ValueTooLarge {
        /// The measure.
        measure: String,
        /// The value.
        value: i128,
    },
    /// More org units or groups than the cube's axes hold.
    #[error("more than 65,000 {0}")]
    TooMany(&'static str),
}

impl EngineError {
    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Definition(problem) => problem.hint.as_ref().map(|hint| hint.en.clone()),
            Self::UnknownKpi(_) => Some("`keiki catalogue` lists the KPIs".into()),
            Self::UnknownIndicator { known, .. } => {
                Some(format!("indicators: {}", known.join(", ")))
            }
            Self::UnknownOrgUnit {
                near: Some(near), ..
            } => Some(format!("did you mean {near}?")),
            Self::UnknownOrgUnit { .. } => {
                Some("org.csv lists the org units and their dates".into())
            }
            Self::UnknownHierarchy { known, .. } => Some(format!(
                "those in the folder hierarchies: {}",
                known.join(", ")
            )),
            Self::NotMeasurable(_) => Some("choose an earlier period or a later --known-at".into()),
            Self::Query(_) => Some(
                "tables are the datasets and `batches`; see `keiki sql \"show tables\"`".into(),
            ),
            _ => None,
        }
    }
}

impl From<datafusion::error::DataFusionError> for EngineError {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        Self::Sql(Box::new(error))
    }
}

/// The result of the engine's functions.
pub(crate) type Result<T> = std::result::Result<T, EngineError>;
