//! Renders measurements for people and programs: terminal tables, JSON and CSV, all from the same values; a statement as PDF,
//! Excel workbook and HTML, all from one report; and draws the forms by which evidence is asked for.

pub mod chart;
pub mod collection;
pub mod csv;
pub mod format;
pub mod formula;
pub mod html;
pub mod json;
pub mod judgement;
mod looks;
pub mod oscal;
pub mod parquet;
pub mod pdf;
pub mod report;
pub mod scorecard;
pub mod sentence;
pub mod table;
pub mod workbook;
