//! The program: configuration, use cases, and the command line over them.

pub mod cli;
pub mod config;
pub mod environment;
pub mod error;
pub mod messages;
pub mod operations;
pub mod progress;
pub mod words;
