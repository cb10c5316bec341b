//! The code that reads evidence, one module for each form; what a form means is for the kinds of
//! source to say.

pub mod collection;
pub(crate) mod csv;
mod csv_or_json;
mod faults;
mod icalendar;
pub(crate) mod json;
mod lynis;
mod parquet;
mod redmine;
mod sheet;
mod veris;
mod xml;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;
use crate::unpack::Archives;

/// Names the code that reads a kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reader {
    /// Separated text with a header.
    Csv,
    /// An array, lines of objects, or one object per file.
    Json,
    /// Either, as the first byte shows.
    CsvOrJson,
    /// Issues of Redmine with their journals.
    Redmine,
    /// Incident reports in VERIS JSON.
    Veris,
    /// Elements of XML.
    Xml,
    /// Events of a calendar.
    Icalendar,
    /// Tests in a report of Lynis.
    Lynis,
    /// A sheet of a workbook.
    Sheet,
    /// Columns with types of their own.
    Parquet,
    /// Collection workbooks.
    Collection,
}

/// The keys of `[format]` for separated text.
const CSV_KEYS: [&str; 4] = ["encoding", "separator", "quote", "preamble_lines"];
/// The keys of `[format]` for sheets.
const SHEET_KEYS: [&str; 4] = ["sheet", "range", "preamble_lines", "header_rows"];
/// The keys of `[format]` for JSON.
const JSON_KEYS: [&str; 2] = ["encoding", "records"];
/// The keys of `[format]` for XML.
const XML_KEYS: [&str; 3] = ["encoding", "records", "keys"];

impl Reader {
    /// Every reader by the name that a kind gives it.
    pub const ALL: [(&'static str, Self); 11] = [
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("csv_or_json", Self::CsvOrJson),
        ("redmine", Self::Redmine),
        ("veris", Self::Veris),
        ("xml", Self::Xml),
        ("icalendar", Self::Icalendar),
        ("lynis", Self::Lynis),
        ("sheet", Self::Sheet),
        ("parquet", Self::Parquet),
        ("collection", Self::Collection),
    ];

    /// The keys of `[format]` that it takes beside those of every reader.
    #[must_use]
    pub fn format_keys(self) -> Vec<&'static str> {
        match self {
            Self::Csv => CSV_KEYS.to_vec(),
            Self::Json | Self::Redmine | Self::Veris => JSON_KEYS.to_vec(),
            Self::Xml => XML_KEYS.to_vec(),
            Self::Parquet => JSON_KEYS[1..].to_vec(),
            Self::Icalendar | Self::Lynis | Self::Collection => Vec::new(),
            Self::CsvOrJson => [&CSV_KEYS[..], &JSON_KEYS[1..]].concat(),
            Self::Sheet => SHEET_KEYS.to_vec(),
        }
    }

    /// Whether files that are archives by their form are opened.
    pub(crate) fn archives(self) -> Archives {
        match self {
            Self::Sheet | Self::Collection => Archives::Kept,
            _ => Archives::Opened,
        }
    }

    /// Reads the files and pushes their rows. Returns what it means that a column is in none of the
    /// records.
    ///
    /// # Errors
    /// What makes the reading as a whole unusable.
    pub(crate) fn read(
        self,
        input: &[InputFile],
        source: &Source,
        context: &Context<'_>,
        rows: &mut ExtractBuilder<'_>,
    ) -> Result<AbsentColumn, IngestError> {
        match self {
            Self::Csv => csv::read(input, source, context, rows),
            Self::Json => json::read(input, source, context, rows),
            Self::CsvOrJson => csv_or_json::read(input, source, context, rows),
            Self::Redmine => redmine::read(input, source, context, rows),
            Self::Veris => veris::read(input, source, context, rows),
            Self::Xml => xml::read(input, source, context, rows),
            Self::Icalendar => icalendar::read(input, source, context, rows),
            Self::Lynis => lynis::read(input, source, context, rows),
            Self::Sheet => sheet::read(input, source, context, rows),
            Self::Parquet => parquet::read(input, source, context, rows),
            Self::Collection => collection::read(input, source, rows),
        }
    }
}
