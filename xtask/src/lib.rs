//! The repository's own work: pages generated from the definitions, and the rules that it keeps as ordinary tests.

pub mod reference;

#[cfg(test)]
mod tidy;
