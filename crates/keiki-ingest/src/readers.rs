//! The code that reads evidence, one module for each form; what a form means is for the kinds of
//! source to say.

pub(crate) mod csv;
mod csv_or_json;
pub(crate) mod json;
mod veris;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

/// Names the code that reads a kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reader {
    /// Separated text with a header.
    Csv,
    /// An array, lines of objects, or one object per file.
    Json,
    /// Either, as the first byte shows.
    CsvOrJson,
    /// Incident reports in VERIS JSON.
    Veris,
}

/// The keys of `[format]` for separated text.
const CSV_KEYS: [&str; 2] = ["separator", "preamble_lines"];
/// The keys of `[format]` for JSON.
const JSON_KEYS: [&str; 1] = ["records"];

impl Reader {
    /// Every reader by the name that a kind gives it.
    pub const ALL: [(&'static str, Self); 4] = [
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("csv_or_json", Self::CsvOrJson),
        ("veris", Self::Veris),
    ];

    /// The keys of `[format]` that it takes beside those of every reader.
    #[must_use]
    pub fn format_keys(self) -> Vec<&'static str> {
        match self {
            Self::Csv => CSV_KEYS.to_vec(),
            Self::Json | Self::Veris => JSON_KEYS.to_vec(),
            Self::CsvOrJson => [&CSV_KEYS[..], &JSON_KEYS[..]].concat(),
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
            Self::Veris => veris::read(input, source, context, rows),
        }
    }
}
