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
mod walk;

use std::collections::BTreeSet;

use keiki_model::evidence::Reason;
use keiki_model::problem::Place;
use keiki_model::text::Text;

use crate::enclosing::Enclosing;
use crate::error::IngestError;
use crate::extract::{AbsentColumn, Extract, ExtractBuilder, Lines};
use crate::limits::Limits;
use crate::lines::{self, Blocks};
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
        if path.is_none() && rows.leaves_lines() && records::holds_lines(file, limits)? {
            leave_lines(file, limits, rows)?;
            continue;
        }
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
                Found::Record(row, record) => {
                    if record.is_ok() {
                        enclosing.stage(rows)?;
                    }
                    push(row, record, limits, rows)?;
                }
            }
            Ok(())
        })?;
    }
    Ok(AbsentColumn::Null)
}

/// Takes a record, or rejects it.
fn push(
    row: u64,
    record: Result<&[u8], Reason>,
    limits: &Limits,
    rows: &mut ExtractBuilder<'_>,
) -> Result<(), IngestError> {
    let reason = match record {
        Ok(record) => {
            flatten::stage(record, limits, rows)?.map(|detail| Reason::Unreadable { detail })
        }
        Err(reason) => Some(reason),
    };
    match reason {
        Some(reason) => rows.reject(row, reason),
        None => rows.accept(row),
    }
}

/// Leaves the lines of a file, each an object, to be read on other threads.
fn leave_lines(
    file: &InputFile,
    limits: &Limits,
    rows: &mut ExtractBuilder<'_>,
) -> Result<(), IngestError> {
    let most = (limits.chunk_rows, limits.chunk_bytes);
    let mut blocks = Blocks::new(lines::open(file)?, limits.record_bytes, most);
    while let Some(block) = blocks.next().map_err(|e| IngestError::io(&file.name, e))? {
        rows.leave(block)?;
    }
    Ok(())
}

/// Reads lines that were left. The columns of what comes out are in the order of their names.
///
/// # Errors
/// More columns than the limit.
pub(crate) fn read_lines(
    lines: Lines,
    nulls: &[String],
    limits: &Limits,
) -> Result<Extract, IngestError> {
    let Lines {
        block,
        files,
        first_row,
    } = lines;
    let whole = Limits {
        chunk_rows: usize::MAX,
        chunk_bytes: usize::MAX,
        ..limits.clone()
    };
    let wanted = BTreeSet::new();
    let mut read = None;
    let mut take = |extract: Extract| {
        read = Some(extract);
        Ok(())
    };
    let mut rows = ExtractBuilder::new(nulls, &whole, &wanted, &mut take);
    rows.go_on(files, first_row);
    for (row, line) in block.each() {
        if let Some(record) = records::of_line(line, limits) {
            push(row, record, limits, &mut rows)?;
        }
    }
    rows.finish()?;
    let mut extract = read.ok_or_else(|| IngestError::internal(&"no rows were handed on"))?;
    let schema = extract.batch.schema();
    let mut order: Vec<usize> = (0..schema.fields().len()).collect();
    order.sort_by_key(|number| schema.field(*number).name());
    let sorted = extract.batch.project(&order);
    extract.batch = sorted.map_err(|e| IngestError::internal(&e))?;
    Ok(extract)
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
