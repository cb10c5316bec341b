//! Opens text files and reads their lines without ever holding more of one than a limit.

use std::fs::File;
use std::io::{BufRead, BufReader};

use keiki_model::problem::Place;

use crate::error::IngestError;
use crate::place::InputFile;

const BUFFER_BYTES: usize = 64 << 10;

/// Opens a file behind its byte order mark, if it has one.
///
/// # Errors
/// It cannot be read, holds nothing, or is UTF-16.
pub(crate) fn open(input: &InputFile) -> Result<BufReader<File>, IngestError> {
    let file = File::open(&input.path).map_err(|e| IngestError::io(&input.name, e))?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    let start = reader
        .fill_buf()
        .map_err(|e| IngestError::io(&input.name, e))?;
    if start.is_empty() {
        return Err(IngestError::EmptyFile {
            file: input.name.clone(),
        });
    }
    if start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF") {
        let place = Place {
            file: input.name.clone(),
            line: 1,
            column: 1,
        };
        return Err(IngestError::Encoding {
            place,
            found: "UTF-16".into(),
        });
    }
    if start.starts_with(b"\xEF\xBB\xBF") {
        reader.consume(3);
    }
    Ok(reader)
}

/// Says how a line came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// It is in the buffer, without its end.
    Whole,
    /// It is longer than the limit; the buffer holds its beginning, the rest was skipped.
    TooLong,
    /// There is no further line.
    End,
}

/// Reads one line into `buffer`.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn next(
    reader: &mut impl BufRead,
    limit: usize,
    buffer: &mut Vec<u8>,
) -> std::io::Result<Line> {
    buffer.clear();
    let mut length = 0_usize;
    let mut any = false;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        length += part.len();
        let room = limit.saturating_add(1).saturating_sub(buffer.len());
        buffer.extend_from_slice(&part[..part.len().min(room)]);
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    if buffer.last() == Some(&b'\r') {
        buffer.pop();
        length -= 1;
    }
    if length > limit {
        buffer.truncate(limit);
        return Ok(Line::TooLong);
    }
    Ok(if any { Line::Whole } else { Line::End })
}
