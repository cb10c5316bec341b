//! The program: configuration, use cases, and the command line and web pages over them.

// Whether a page's answer may go from thread to thread is asked of all that it waits for, down to the engine's plans.
#![recursion_limit = "256"]

pub mod cli;
pub mod config;
pub mod environment;
pub mod error;
pub mod messages;
pub mod operations;
pub mod progress;
pub mod web;
pub mod words;
