//! The program: configuration, use cases, and the command line and web pages over them.

pub mod cli;
pub mod config;
pub mod environment;
pub mod error;
pub mod messages;
pub mod operations;
pub mod progress;
pub mod web;
pub mod words;
