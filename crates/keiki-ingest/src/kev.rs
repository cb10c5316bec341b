//! Reads CISA's catalogue of known exploited vulnerabilities (KEV), as CSV or JSON.
//!
//! *Source*: <https://www.cisa.gov/known-exploited-vulnerabilities-catalog> and its JSON schema;
//! the two forms have the same columns (`cveID`, `dateAdded`, `dueDate`, …). Dates are calendar
//! dates, `knownRansomwareCampaignUse` is `Known` or `Unknown`. Entries whose due date lies before
//! the date added exist; the dataset's row rule rejects them. The limits are those of the kinds csv
//! and json.

use std::io::BufRead;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::lines;
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;
use crate::{csv, json};

/// The mapping into the dataset `exploited_vulnerabilities`.
pub(crate) const PRESET: &str = include_str!("kev/preset.toml");

/// The path of the records in the catalogue's JSON.
const RECORDS: &str = "vulnerabilities";

/// Reads the files as one reading; all are CSV or all are JSON, as the first shows.
///
/// # Errors
/// As the kinds csv and json.
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
        Some(b'{') if source.format.records.is_none() => {
            let mut source = source.clone();
            source.format.records = Some(RECORDS.to_owned());
            json::read(input, &source, context, rows)
        }
        Some(b'{' | b'[') => json::read(input, source, context, rows),
        _ => csv::read(input, source, context, rows),
    }
}
