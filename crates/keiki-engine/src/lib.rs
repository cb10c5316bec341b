//! Definitions and the journal become measurements; the only crate that opens a SQL engine.

mod accumulate;
mod axis;
#[cfg(feature = "cluster")]
pub mod cluster;
mod coverage;
mod cube;
mod dates;
mod derive;
mod engine;
mod error;
mod evaluate;
mod explain;
pub mod expressions;
mod keep;
mod kept;
mod measurements;
mod plan;
mod query;
mod read;
mod reported;
mod rows;
mod timing;

pub use derive::{Derivation, Outline, Own};
pub use engine::{Engine, Request, Setting, Structure};
pub use error::{Dimension, EngineError};
pub use explain::{
    Against, Comparison, Detail, Difference, Explanation, Part, Question, ReportedTotal, Row,
    TotalDifference,
};
pub use measurements::Measurements;
pub use reported::TotalInPlace;
