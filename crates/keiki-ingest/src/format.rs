//! How the values of a source are written, as its `[format]` says.

mod definition;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use keiki_model::document::Located;

use crate::encoding::Encoding;
pub(crate) use definition::read;

/// How the values of a source are written.
#[derive(Debug, Clone, Default)]
pub struct Format {
    /// CSV: what separates fields; `None` = as the header shows.
    pub separator: Option<u8>,
    /// CSV: what stands around fields; `None` = as the first lines show.
    pub quote: Option<Quote>,
    /// Lines, or rows of a sheet, before the header; `None` = as they show.
    pub preamble_lines: Option<usize>,
    /// Rows of which the header consists.
    pub header_rows: usize,
    /// Text: its encoding; `None` = as the file shows.
    pub encoding: Option<Encoding>,
    /// Spreadsheets: the name of the sheet, or a pattern; `None` = the only visible one.
    pub sheet: Option<String>,
    /// Spreadsheets: the cells that are read, as `B3:H200`; `None` = all.
    pub range: Option<Located>,
    /// Where the name of a file holds the day that it speaks for.
    pub as_of: Option<String>,
    /// Texts that mean null; the empty text always does.
    pub nulls: Vec<String>,
    /// Forms of dates, tried in order; empty = the defaults.
    pub dates: Vec<TimeForm>,
    /// Forms of instants, tried in order; empty = the defaults.
    pub instants: Vec<TimeForm>,
    /// The zone of instants without one; `None` = the workspace's.
    pub zone: Option<TimeZone>,
    /// JSON: dotted path of the array of records; XML: path of the elements that are records.
    pub records: Option<String>,
    /// XML: elements that an attribute names, as `tag@name`.
    pub keys: Vec<String>,
    /// What it means that a reading has several rows of one record.
    pub repeated: Repeated,
    /// What people write into numbers.
    pub numbers: Numbers,
    /// What becomes of full-width letters and digits in texts.
    pub width: Width,
    /// How single columns of the dataset are written, by name, where they differ.
    pub columns: BTreeMap<String, Self>,
}

/// What stands around fields of separated text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// This sign.
    Sign(u8),
    /// Nothing: every sign stands for itself.
    Absent,
}

/// A form of dates or instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeForm {
    /// `2026-04-01`; for instants RFC 3339 and a date with a time of day.
    Iso,
    /// What can only be one day: the year first, or a Japanese era.
    Japanese,
    /// Days of a spreadsheet, a fraction being the time of day.
    Excel(Epoch),
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    /// As the pattern says.
    Stated(String),
}

/// Where a spreadsheet begins to count days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epoch {
    /// Day 1 is 1900-01-01.
    Of1900,
    /// Day 0 is 1904-01-01.
    Of1904,
}

/// What people write into numbers beside digits, a sign and a point.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// What separates thousands.
    pub thousands: Option<char>,
    /// What stands before the fraction; `None` = a point.
    pub decimal: Option<char>,
    /// What a percent sign means.
    pub percent: Option<Percent>,
    /// Signs of currencies, before or behind the number.
    pub currency: Vec<String>,
    /// How negative numbers are marked beside a sign before them.
    pub negatives: Vec<Negative>,
    /// The unit of all values, whether they carry it or not.
    pub unit: Option<Unit>,
}

/// What a percent sign means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Percent {
    /// `95%` is 0.95.
    Ratio,
    /// `95%` is 95.
    Points,
}

/// A mark of negative numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negative {
    /// `(1,200)`
    Brackets,
    /// `△1,200`
    White,
    /// `▲1,200`
    Black,
    /// `1,200-`
    Behind,
}

/// A unit in which values are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// As a value may carry it, for example `千円`.
    pub text: String,
    /// The power of ten by which it multiplies.
    pub exponent: i32,
}

/// What becomes of full-width letters and digits in texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Width {
    /// They stay.
    #[default]
    AsIs,
    /// They become half-width: `ＪＰ１` is `JP1`.
    Half,
}

/// Says what it means that a reading has several rows of one record and day that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeated {
    /// They contradict each other: the first is accepted, the others are rejected.
    #[default]
    Reject,
    /// The format says one thing in several places: the first is accepted and stands for all.
    First,
}

/// The keys that every reader takes.
pub const COMMON_KEYS: [&str; 14] = [
    "repeated",
    "as_of",
    "null",
    "date",
    "instant",
    "zone",
    "width",
    "thousands",
    "decimal",
    "percent",
    "currency",
    "negative",
    "unit",
    "columns",
];
