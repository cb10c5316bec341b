//! Turns evidence files into accepted, typed rows and rejected rows, each with its place and
//! reason.
//!
//! It knows no clock, no environment and no SQL engine: the caller passes the compiler of mapping
//! expressions, and what connectors run in. Only `live` reaches a network. Bad evidence is data here, never an error; an error means that the
//! reading as a whole cannot be used.

mod checks;
mod chunk;
mod columns;
mod convert;
mod enclosing;
mod encoding;
mod extract;
mod filter;
mod foreign;
mod identity;
mod lines;
mod mapping;
mod unpack;
mod whole;

pub mod error;
pub mod format;
pub mod kind;
pub mod limits;
#[cfg_attr(not(feature = "live"), path = "offline.rs")]
pub mod live;
pub mod original;
pub mod place;
pub mod readers;
pub mod reading;
pub mod sample;
pub mod schedule;
pub mod source;

pub use error::IngestError;
pub use kind::{Kind, Kinds};
pub use limits::Limits;
pub use place::InputFile;
pub use readers::collection;
pub use reading::{Context, read_chunks, read_evidence};
pub use source::{Source, read_source};
