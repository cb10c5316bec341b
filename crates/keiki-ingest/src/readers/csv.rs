//! Reads comma-separated values with one header line.
//!
//! *Source*: RFC 4180; other separators and quotes, lines of a preamble before the header, and the
//! encodings of `encoding.rs`. A row that cannot be read is rejected and the rest goes on: too few or
//! too many fields, bytes that are not of the encoding, a NUL byte, a record or field over the limits. A file with its header only is a nil return.

mod guard;
mod header;

use csv::{ByteRecord, ReaderBuilder, Terminator};
use keiki_model::evidence::Reason;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::limits::Limits;
use crate::place::InputFile;
use crate::readers::faults::foreign_column;
use crate::reading::Context;
use crate::source::Source;

use guard::{Fault, RecordGuard};

/// Reads the files as one reading. Columns are those of all headers together.
///
/// # Errors
/// A file cannot be read at all, or has no header that can be used.
pub(crate) fn read(
    input: &[InputFile],
    source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    for (number, file) in input.iter().enumerate() {
        let place = if number + 1 == input.len() {
            Place::Last
        } else {
            Place::Before
        };
        rows.begin_file(&file.name);
        read_file(file, place, source, &context.limits, rows)?;
    }
    Ok(AbsentColumn::Fault)
}

/// Whether further files, and with them columns, may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Last,
}

/// Reads one file.
fn read_file(
    input: &InputFile,
    place: Place,
    source: &Source,
    limits: &Limits,
    builder: &mut ExtractBuilder<'_>,
) -> Result<(), IngestError> {
    let fault = |e: csv::Error| match e.into_kind() {
        csv::ErrorKind::Io(e) => IngestError::io(&input.name, e),
        other => IngestError::internal(&format!("{other:?}")),
    };
    let header = header::open(input, &source.format)?;
    let guard = RecordGuard::new(
        header.reader,
        (header.separator, header.quote),
        limits.record_bytes,
        header.line,
    );
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(header.separator)
        .quote(header.quote.unwrap_or(b'"'))
        .quoting(header.quote.is_some())
        .terminator(Terminator::Any(b'\n'))
        .from_reader(guard);
    let mut record = ByteRecord::new();
    if !reader.read_byte_record(&mut record).map_err(fault)? {
        return Err(IngestError::EmptyFile {
            file: input.name.clone(),
        });
    }
    if reader
        .get_mut()
        .start(0)
        .is_some_and(|start| start.fault.is_some())
    {
        return Err(header::unusable(&input.name, header.line, limits));
    }
    let names = header::names(&record, &input.name, (header.line, header.encoding))?;
    let columns = names
        .iter()
        .map(|name| builder.column(name))
        .collect::<Result<Vec<_>, _>>()?;
    if place == Place::Last {
        builder.complete_columns();
    }
    let mut line = header.line;
    while reader.read_byte_record(&mut record).map_err(fault)? {
        let offset = record.position().map_or(0, csv::Position::byte);
        let start = reader.get_mut().start(offset);
        line = start.map_or(line + 1, |start| start.line);
        let reason = match start.and_then(|start| start.fault) {
            Some(fault) => Some(fault_reason(fault, limits)),
            None => stage(
                &record,
                (columns.as_slice(), header.encoding),
                limits,
                builder,
            ),
        };
        match reason {
            Some(reason) => builder.reject(line, reason),
            None => builder.accept(line)?,
        }
    }
    Ok(())
}

/// Stages the fields of a record, or says why it cannot be read.
fn stage(
    record: &ByteRecord,
    (columns, encoding): (&[usize], &str),
    limits: &Limits,
    builder: &mut ExtractBuilder<'_>,
) -> Option<Reason> {
    if record.as_slice().contains(&0) {
        return Some(unreadable(Text::new(
            "行にNUL文字があります",
            "a NUL byte stands in the row",
        )));
    }
    if record.len() != columns.len() {
        return Some(Reason::RowShape {
            expected: columns.len(),
            found: record.len(),
        });
    }
    for (index, (field, column)) in record.iter().zip(columns).enumerate() {
        if field.len() > limits.field_bytes {
            return Some(unreadable(Text::new(
                format!(
                    "{}列目が{}バイトを超えています",
                    index + 1,
                    limits.field_bytes
                ),
                format!(
                    "field {} is longer than {} bytes",
                    index + 1,
                    limits.field_bytes
                ),
            )));
        }
        match std::str::from_utf8(field) {
            Ok(text) => {
                let _first = builder.stage(*column, text);
            }
            Err(e) => {
                let byte = field.get(e.valid_up_to()).copied().unwrap_or_default();
                return Some(unreadable(foreign_column(index + 1, byte, encoding)));
            }
        }
    }
    None
}

fn fault_reason(fault: Fault, limits: &Limits) -> Reason {
    unreadable(match fault {
        Fault::TooLong => {
            let limit = limits.record_bytes;
            Text::new(
                format!("{limit}バイトを超えています(引用符が閉じていない可能性があります)"),
                format!("longer than {limit} bytes; perhaps a quotation mark is not closed"),
            )
        }
        Fault::OpenQuote => Text::new(
            "引用符が開いたまま閉じていません",
            "a quotation mark is opened and never closed",
        ),
    })
}

fn unreadable(detail: Text) -> Reason {
    Reason::Unreadable { detail }
}
