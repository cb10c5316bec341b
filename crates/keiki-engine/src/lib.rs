//! Definitions and the journal become measurements; the only crate that opens a SQL engine.

pub mod expressions;
