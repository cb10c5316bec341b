//! Reads JSON: an array of objects, one object per line (NDJSON), or one object per file.
//!
//! *Source*: RFC 8259; one object per line as in <https://github.com/ndjson/ndjson-spec>. Nested
//! objects become columns with dotted names (`timeline.discovery.unit`), arrays their JSON text,
//! numbers their literal digits, null is null. Records are read one after another, each within
//! `Limits`. A record that cannot be read is rejected, and the rest goes on; an array that is cut
//! off is an error, because nobody knows what is missing. An empty array is a nil return.
//!
//! With a path of records, lists of lists are unfolded, and each record has the fields of the objects
//! around it too, named from the root: `$.ArtifactName`, `$.Results.Target`. Such a field may stand
//! before or behind the records; one that is longer than the limit of a field is left out.

pub(crate) mod flatten;
mod path;
mod plain;
pub(crate) mod records;
mod scanner;

use keiki_model::evidence::Reason;
use keiki_model::problem::Place;
use keiki_model::text::Text;

use crate::enclosing::Enclosing;
use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

use flatten::Sink;
use records::Found;

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
        let mut enclosing = Enclosing::default();
        records::each(file, path, limits, &mut |found| {
            match found {
                Found::Open => enclosing.open(rows),
                Found::Close => enclosing.close(rows)?,
                Found::Around(name, text) => {
                    let mut around = Around {
                        enclosing: &mut enclosing,
                        builder: &mut *rows,
                    };
                    if let Some(found) = flatten::value(text, name, limits, &mut around)? {
                        return Err(IngestError::Syntax {
                            place: Place::file(&file.name),
                            expected: Box::new(Text::new(
                                format!("`{name}` の値"),
                                format!("a value of `{name}`"),
                            )),
                            found: Box::new(found),
                        });
                    }
                }
                Found::Record(row, Err(reason)) => rows.reject(row, reason)?,
                Found::Record(row, Ok(record)) => {
                    enclosing.stage(rows)?;
                    match flatten::stage(record, limits, rows)? {
                        Some(detail) => rows.reject(row, Reason::Unreadable { detail })?,
                        None => rows.accept(row)?,
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(AbsentColumn::Null)
}

/// Takes fields that stand around records.
struct Around<'a, 'b, 'l> {
    enclosing: &'a mut Enclosing,
    builder: &'b mut ExtractBuilder<'l>,
}

impl Sink for Around<'_, '_, '_> {
    fn take(&mut self, name: &str, value: &str) -> Result<bool, IngestError> {
        self.enclosing.add(name, value, self.builder)?;
        Ok(true)
    }
}
