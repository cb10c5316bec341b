//! Renders measurements for people and programs: terminal tables, JSON and CSV, all from the same values; and draws the forms by
//! which evidence is asked for.

pub mod collection;
pub mod csv;
pub mod format;
pub mod formula;
pub mod json;
pub mod judgement;
pub mod scorecard;
pub mod sentence;
pub mod table;
pub mod workbook;
