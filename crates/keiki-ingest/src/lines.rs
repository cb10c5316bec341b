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

/// Some lines of a text, each with its end, as they stand in it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// The number of the first, from 1.
    pub(crate) first_line: u64,
    /// How many they are.
    pub(crate) lines: usize,
}

impl Block {
    /// The lines with their numbers, without their ends.
    pub(crate) fn each(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = self.bytes.as_slice();
        let lines = std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = memchr(b'\n', rest);
            let line = &rest[..end.unwrap_or(rest.len())];
            rest = &rest[(line.len() + 1).min(rest.len())..];
            Some(line.strip_suffix(b"\r").unwrap_or(line))
        });
        (self.first_line..).zip(lines)
    }
}

/// Cuts a text into blocks of so many lines or bytes; of a line that is longer than the limit it holds only enough to tell.
pub(crate) struct Blocks<R> {
    reader: R,
    line_bytes: usize,
    most: (usize, usize),
    next_line: u64,
}

impl<R: BufRead> Blocks<R> {
    pub(crate) fn new(reader: R, line_bytes: usize, most: (usize, usize)) -> Self {
        Self {
            reader,
            line_bytes,
            most,
            next_line: 1,
        }
    }

    /// The next block; `None` at the end of the text.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<Block>> {
        // A longer line shows as such also where a carriage return ends what is kept of it.
        let longest = self.line_bytes.saturating_add(2);
        let (most_lines, most_bytes) = self.most;
        let mut bytes = Vec::new();
        let mut lines = 0;
        let mut line_start = 0;
        while lines < most_lines && (bytes.len() < most_bytes || line_start < bytes.len()) {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            let end = memchr(b'\n', chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let room = longest.saturating_sub(bytes.len() - line_start);
            bytes.extend_from_slice(&part[..part.len().min(room)]);
            if end.is_some() {
                bytes.push(b'\n');
                lines += 1;
                line_start = bytes.len();
            }
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
        }
        lines += usize::from(line_start < bytes.len());
        let first_line = self.next_line;
        self.next_line += lines as u64;
        Ok((lines > 0).then_some(Block {
            bytes,
            first_line,
            lines,
        }))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// The lines that `next` finds, with their numbers.
    fn one_by_one(text: &[u8], limit: usize) -> Vec<(u64, Line, Vec<u8>)> {
        let mut reader = text;
        let mut line = Vec::new();
        let mut found = Vec::new();
        loop {
            match next(&mut reader, limit, &mut line).expect("memory can be read") {
                Line::End => return found,
                how => found.push((found.len() as u64 + 1, how, line.clone())),
            }
        }
    }

    fn by_blocks(text: &[u8], limit: usize, most: (usize, usize)) -> Vec<(u64, Line, Vec<u8>)> {
        let mut blocks = Blocks::new(BufReader::with_capacity(3, text), limit, most);
        let mut found = Vec::new();
        while let Some(block) = blocks.next().expect("memory can be read") {
            assert_eq!(block.each().count(), block.lines);
            found.extend(block.each().map(|(number, line)| {
                if line.len() > limit {
                    (number, Line::TooLong, line[..limit].to_vec())
                } else {
                    (number, Line::Whole, line.to_vec())
                }
            }));
        }
        found
    }

    proptest::proptest! {
        #[test]
        fn blocks_hold_the_lines_that_are_read_one_by_one(
            text in "[ab\r\n]{0,40}",
            limit in 1..6_usize,
            most in (1..4_usize, 1..10_usize),
        ) {
            let text = text.as_bytes();
            proptest::prop_assert_eq!(by_blocks(text, limit, most), one_by_one(text, limit));
        }
    }
}
