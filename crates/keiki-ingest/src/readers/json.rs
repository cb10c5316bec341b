//! Reads JSON: an array of objects, one object per line (NDJSON), or one object per file.
//!
//! *Source*: RFC 8259; one object per line as in <https://github.com/ndjson/ndjson-spec>. Nested
//! objects become columns with dotted names (`timeline.discovery.unit`), arrays their JSON text,
//! numbers their literal digits, null is null. Records are read one after another, each within
//! `Limits`. A record that cannot be read is rejected, and the rest goes on; an array that is cut
//! off is an error, because nobody knows what is missing. An empty array is a nil return.

pub(crate) mod flatten;
pub(crate) mod records;
mod scanner;

use keiki_model::evidence::Reason;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

/// Reads the files as one reading. Columns are the keys of all records together.
///
/// # Errors
/// A file cannot be read at all, is cut off, or has no records where the source says.
pub(crate) fn read(
    input: &[InputFile],
    source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    let limits = &context.limits;
    let path = source.format.records.as_deref();
    for file in input {
        rows.begin_file(&file.name);
        records::each(file, path, limits, &mut |row, record| {
            match record {
                Err(reason) => rows.reject(row, reason),
                Ok(record) => match flatten::stage(record, limits, rows)? {
                    Some(detail) => rows.reject(row, Reason::Unreadable { detail }),
                    None => rows.accept(row)?,
                },
            }
            Ok(())
        })?;
    }
    Ok(AbsentColumn::Null)
}
