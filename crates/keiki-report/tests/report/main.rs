//! Charts, and the editions of a statement that come from one report.

mod charts;
mod editions;
mod group;
