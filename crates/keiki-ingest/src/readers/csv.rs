//! Reads comma-separated values with one header line.
//!
//! *Source*: RFC 4180; other separators and quotes, lines of a preamble before the header, and the
//! encodings of `encoding.rs`. A row that cannot be read is rejected and the rest goes on: too few or
//! too many fields, bytes that are not of the encoding, a NUL byte, a record or field over the limits. A file with its header only is a nil return.

mod header;
mod plain;
mod records;

use std::ops::Range;

use keiki_model::evidence::Reason;
use keiki_model::text::Text;
use memchr::memchr;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::limits::Limits;
use crate::place::InputFile;
use crate::readers::faults::foreign_column;
use crate::reading::Context;
use crate::source::Source;

use plain::Shape;
use records::{Fault, Fields, Records};

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
    let fault = |e| IngestError::io(&input.name, e);
    let header = header::open(input, &source.format)?;
    let layout = (header.separator, header.quote);
    let mut records = Records::new(header.reader, layout, limits.record_bytes, header.line);
    let mut fields = Fields::default();
    let first = records.next().map_err(fault)?;
    let first = first.ok_or_else(|| IngestError::EmptyFile {
        file: input.name.clone(),
    })?;
    if first.fault.is_some() {
        return Err(header::unusable(&input.name, header.line, limits));
    }
    // A text that programs put together may have a mark within.
    let bytes = first.bytes.strip_prefix(MARK).unwrap_or(first.bytes);
    let (bytes, ranges) = fields.part(bytes, layout);
    let names = ranges.iter().map(|range| &bytes[range.clone()]);
    let names = header::names(names, &input.name, (header.line, header.encoding))?;
    let columns = names
        .iter()
        .map(|name| builder.column(name))
        .collect::<Result<Vec<_>, _>>()?;
    if place == Place::Last {
        builder.complete_columns();
    }
    loop {
        let shape = Shape {
            columns: columns.len(),
            line_bytes: limits.record_bytes.min(limits.field_bytes),
            lines: builder.room(),
        };
        if let Some((line, rows)) = records.plain(shape).map_err(fault)? {
            builder.accept_plain(line, &rows, &columns)?;
            continue;
        }
        let Some(record) = records.next().map_err(fault)? else {
            break;
        };
        let reason = if let Some(fault) = record.fault {
            Some(fault_reason(fault, limits))
        } else {
            let fields = fields.part(record.bytes, record.layout(layout));
            stage(fields, (&columns, header.encoding), limits, builder)
        };
        match reason {
            Some(reason) => builder.reject(record.line, reason)?,
            None => builder.accept(record.line)?,
        }
    }
    if let Some(line) = records.open_end() {
        builder.end_openly(line);
    }
    Ok(())
}

/// The mark at the beginning of a text in UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Stages the fields of a record, or says why it cannot be read.
fn stage(
    (bytes, fields): (&[u8], &[Range<usize>]),
    (columns, encoding): (&[usize], &str),
    limits: &Limits,
    builder: &mut ExtractBuilder<'_>,
) -> Option<Reason> {
    if memchr(0, bytes).is_some() {
        return Some(unreadable(Text::new(
            "行にNUL文字があります",
            "a NUL byte stands in the row",
        )));
    }
    if fields.len() != columns.len() {
        return Some(Reason::RowShape {
            expected: columns.len(),
            found: fields.len(),
        });
    }
    // Bytes are looked at as a whole, and one by one only where something is wrong with them.
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    for (index, (range, column)) in fields.iter().zip(columns).enumerate() {
        if range.len() > limits.field_bytes {
            let (field, limit) = (index + 1, limits.field_bytes);
            return Some(unreadable(Text::new(
                format!("{field}列目が{limit}バイトを超えています"),
                format!("field {field} is longer than {limit} bytes"),
            )));
        }
        let read = match text.get(range.clone()) {
            Some(text) => Ok(text),
            None => std::str::from_utf8(&bytes[range.clone()]),
        };
        match read {
            Ok(text) => {
                let _first = builder.stage(*column, text);
            }
            Err(e) => {
                let byte = bytes[range.clone()].get(e.valid_up_to());
                let byte = byte.copied().unwrap_or_default();
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
