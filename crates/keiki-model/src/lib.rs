//! What Keiki means: definitions, calendar, organisation, the journal's rules, measures and statistics, free of I/O and clocks.

pub mod business_days;
pub mod calendar;
pub mod calendars;
pub mod catalogue;
pub mod codes;
pub mod collection;
pub mod dataset;
pub mod document;
pub mod evidence;
pub mod expression;
pub mod fraction;
pub mod histogram;
pub mod kpi;
pub mod measurement;
pub mod name;
pub mod org;
pub mod problem;
pub mod programme;
pub mod proportion;
pub mod repeats;
pub mod statement;
pub mod status;
pub mod survival;
pub mod tally;
pub mod text;
pub mod timeline;
