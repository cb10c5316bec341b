//! Reads what publishers offer as CSV or JSON, whichever came: all files of a reading are what the
//! first shows.
//!
//! JSON begins with `{` or `[`. The limits are those of the readers csv and json.

use std::io::BufRead;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::lines;
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

use super::{csv, json};

/// Reads the files as one reading.
///
/// # Errors
/// As the readers csv and json.
pub(crate) fn read(
    input: &[InputFile],
    source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    let Some(first) = input.first() else {
        return csv::read(input, source, context, rows);
    };
    let mut reader = lines::open(first)?;
    let start = reader
        .fill_buf()
        .map_err(|e| IngestError::io(&first.name, e))?;
    match start.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => json::read(input, source, context, rows),
        _ => csv::read(input, source, context, rows),
    }
}
