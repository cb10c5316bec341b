//! Opens text files and reads their lines without ever holding more of one than a limit.

use std::io::{BufRead, Cursor, Read};

use keiki_model::problem::Place;
use keiki_model::text::Text;
use memchr::memchr;

use crate::encoding::{self, Decoded, Encoding, SAMPLE_BYTES};
use crate::error::IngestError;
use crate::place::InputFile;
use crate::unpack;

/// A text that is open, as UTF-8.
pub(crate) struct Opened {
    /// The text behind its byte order mark, if it has one.
    pub(crate) reader: Box<dyn BufRead>,
    /// The name of the encoding that it had.
    pub(crate) encoding: &'static str,
}

/// Opens a text.
///
/// # Errors
/// It cannot be read, or holds nothing.
pub(crate) fn open_text(input: &InputFile) -> Result<Opened, IngestError> {
    open_by(input, |sample| Ok(encoding::find(sample, input.encoding)))
}

/// Opens an XML document, in the encoding that it declares.
///
/// # Errors
/// As `open_text`; and nobody knows the encoding.
pub(crate) fn open_xml(input: &InputFile) -> Result<Box<dyn BufRead>, IngestError> {
    let opened = open_by(input, |sample| {
        encoding::find_declared(sample, input.encoding).map_err(|found| IngestError::Encoding {
            place: Place::file(&input.name),
            found: Box::new(Text::quoted(found)),
        })
    });
    Ok(opened?.reader)
}

/// Opens a text in the encoding that its beginning shows.
fn open_by(
    input: &InputFile,
    find: impl Fn(&[u8]) -> Result<(Encoding, usize), IngestError>,
) -> Result<Opened, IngestError> {
    let mut bytes = unpack::open(input)?;
    let mut sample = Vec::new();
    bytes
        .by_ref()
        .take(SAMPLE_BYTES as u64)
        .read_to_end(&mut sample)
        .map_err(|e| IngestError::io(&input.name, e))?;
    if sample.is_empty() {
        return Err(IngestError::EmptyFile {
            file: input.name.clone(),
        });
    }
    let (encoding, mark) = find(&sample)?;
    sample.drain(..mark);
    let all = Cursor::new(sample).chain(bytes);
    let reader: Box<dyn BufRead> = if encoding == encoding_rs::UTF_8 {
        Box::new(all)
    } else {
        Box::new(Decoded::new(all, encoding))
    };
    Ok(Opened {
        reader,
        encoding: encoding.name(),
    })
}

/// Opens a text whose encoding matters to nobody.
///
/// # Errors
/// As `open_text`.
pub(crate) fn open(input: &InputFile) -> Result<Box<dyn BufRead>, IngestError> {
    open_text(input).map(|opened| opened.reader)
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
        let end = memchr(b'\n', chunk);
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
