//! Finds the header of a file: behind the preamble, with the separator and quotes that it shows.
//!
//! What the source does not state is found in the first lines. A first line of several fields that all
//! hold something is the header, unless most lines show twice as many fields. Else the separator is the
//! one that gives most of them the same number of fields, of several the one that gives more, and the
//! header the first line of which three quarters of that many fields are filled; titles and the like
//! above it are not. Fields stand in single quotes where the header does and no double quote is anywhere.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Chain, Cursor, Read};

use keiki_model::problem::Place;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::format::{Format, Quote};
use crate::limits::Limits;
use crate::lines;
use crate::place::InputFile;

/// How much of a file shows how it is laid out.
const HEAD_BYTES: usize = 64 << 10;

/// How many lines of it are looked at.
const LOOKED_AT: usize = 200;

/// The separators that are known without being stated, the likelier first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A file that is read up to its header.
pub(super) struct Header {
    /// The file from the header on.
    pub(super) reader: Chain<Cursor<Vec<u8>>, Box<dyn BufRead>>,
    /// What separates its fields.
    pub(super) separator: u8,
    /// What stands around its fields.
    pub(super) quote: Option<u8>,
    /// The header's line, from 1.
    pub(super) line: u64,
    /// The name of the file's encoding.
    pub(super) encoding: &'static str,
}

/// Opens a file and reads up to its header.
///
/// # Errors
/// There is no header.
pub(super) fn open(input: &InputFile, format: &Format) -> Result<Header, IngestError> {
    let mut text = lines::open_text(input)?;
    let mut head = Vec::new();
    text.reader
        .by_ref()
        .take(HEAD_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(|e| IngestError::io(&input.name, e))?;
    let Layout {
        start,
        line,
        separator,
        quote,
    } = layout(&head, format).ok_or_else(|| IngestError::EmptyFile {
        file: input.name.clone(),
    })?;
    head.drain(..start);
    Ok(Header {
        reader: Cursor::new(head).chain(text.reader),
        separator,
        quote,
        line,
        encoding: text.encoding,
    })
}

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    /// Where the header begins.
    start: usize,
    /// Its line, from 1.
    line: u64,
    separator: u8,
    quote: Option<u8>,
}

/// Finds out how a file is laid out; `None` if there is no line that could be a header.
fn layout(head: &[u8], format: &Format) -> Option<Layout> {
    let (skipped, first_line) = skip(head, format.preamble_lines.unwrap_or(0));
    let records = records(&head[skipped..], first_line, format.quote);
    let first = records.first()?;
    let own = first.separator(format.separator);
    let likely = match format.separator {
        Some(separator) => (separator, usual(&records, separator)),
        None => SEPARATORS
            .into_iter()
            .map(|separator| (separator, usual(&records, separator)))
            // Of equals the first, which is the likelier.
            .rev()
            .max_by_key(|(_, (fields, lines))| (*lines, *fields))?,
    };
    let (separator, (fields, lines)) = likely;
    let is_outweighed =
        lines >= 3 && lines * 2 > records.len() && fields >= 2 * first.count_of(own);
    // A title over a table that was saved with all its columns fills few of them, a header nearly all.
    let is_header = |record: &&Record| record.filled_of(separator) * 4 >= fields * 3;
    let (separator, header) = if first.is_whole(own) && !is_outweighed {
        (own, first)
    } else if format.preamble_lines.is_some() {
        (separator, first)
    } else {
        (separator, records.iter().find(is_header).unwrap_or(first))
    };
    let quote = match format.quote {
        Some(Quote::Sign(sign)) => Some(sign),
        Some(Quote::Absent) => None,
        None if header.is_in_single_quotes && !head.contains(&b'"') => Some(b'\''),
        None => Some(b'"'),
    };
    Some(Layout {
        start: skipped + header.start,
        line: header.line,
        separator,
        quote,
    })
}

/// Skips lines. Returns the offset behind them, and the line that begins there.
fn skip(head: &[u8], lines: usize) -> (usize, u64) {
    let mut ends = head.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut offset = 0;
    for _ in 0..lines {
        offset = ends.next().map_or(head.len(), |(at, _)| at + 1);
    }
    (offset, 1 + lines as u64)
}

/// A record of the head, with its fields counted for each separator.
struct Record {
    start: usize,
    line: u64,
    /// Per separator, how many fields there are and how many hold something.
    fields: BTreeMap<u8, (usize, usize)>,
    is_in_single_quotes: bool,
}

impl Record {
    fn of(line: &[u8], start: usize, number: u64, quote: u8) -> Self {
        let counted = SEPARATORS
            .iter()
            .map(|separator| (*separator, fields(line, *separator, quote)));
        Self {
            start,
            line: number,
            fields: counted.collect(),
            is_in_single_quotes: line.len() > 1 && line.starts_with(b"'") && line.ends_with(b"'"),
        }
    }

    fn count_of(&self, separator: u8) -> usize {
        self.fields.get(&separator).map_or(1, |(count, _)| *count)
    }

    /// What separates its fields: the stated separator, or the one that stands in it most often.
    fn separator(&self, stated: Option<u8>) -> u8 {
        stated.unwrap_or_else(|| {
            let separators = SEPARATORS.into_iter().rev();
            separators
                .max_by_key(|separator| self.count_of(*separator))
                .unwrap_or(b',')
        })
    }

    /// Tells whether it has several fields and all of them hold something, as those of a header do.
    fn is_whole(&self, separator: u8) -> bool {
        let count = self.count_of(separator);
        count > 1 && self.filled_of(separator) == count
    }

    fn filled_of(&self, separator: u8) -> usize {
        self.fields.get(&separator).map_or(1, |(_, filled)| *filled)
    }
}

/// Counts the fields of a record, and those that hold something.
fn fields(line: &[u8], separator: u8, quote: u8) -> (usize, usize) {
    let mut count = 1;
    let mut filled = 0;
    let mut is_filled = false;
    let mut is_quoted = false;
    for byte in line {
        if *byte == quote {
            is_quoted = !is_quoted;
        } else if *byte == separator && !is_quoted {
            count += 1;
            filled += usize::from(is_filled);
            is_filled = false;
        } else {
            is_filled |= !byte.is_ascii_whitespace();
        }
    }
    (count, filled + usize::from(is_filled))
}

/// The records at the beginning of a text that are not blank; one that is cut off is not among them,
/// unless it is the only one.
fn records(text: &[u8], first_line: u64, quote: Option<Quote>) -> Vec<Record> {
    let quote = match quote {
        Some(Quote::Sign(sign)) => sign,
        Some(Quote::Absent) => 0,
        None => b'"',
    };
    let mut records = Vec::new();
    let (mut start, mut line, mut number) = (0, first_line, first_line);
    let mut is_quoted = false;
    for (at, byte) in text.iter().enumerate() {
        is_quoted ^= *byte == quote;
        number += u64::from(*byte == b'\n');
        if *byte == b'\n' && !is_quoted {
            push(&mut records, text, start..at, (line, quote));
            (start, line) = (at + 1, number);
            if records.len() == LOOKED_AT {
                return records;
            }
        }
    }
    if records.is_empty() || text.len() < HEAD_BYTES / 2 {
        push(&mut records, text, start..text.len(), (line, quote));
    }
    records
}

fn push(
    records: &mut Vec<Record>,
    text: &[u8],
    range: std::ops::Range<usize>,
    (line, quote): (u64, u8),
) {
    let start = range.start;
    let record = text[range].trim_ascii_end();
    if !record.iter().all(u8::is_ascii_whitespace) {
        records.push(Record::of(record, start, line, quote));
    }
}

/// The number of fields that most records have, two at least, and how many have it; of equals the
/// one that comes first, since a header stands above what is broken below it.
fn usual(records: &[Record], separator: u8) -> (usize, usize) {
    let mut lines: BTreeMap<usize, (usize, Reverse<usize>)> = BTreeMap::new();
    for (number, record) in records.iter().enumerate() {
        let seen = lines.entry(record.count_of(separator));
        seen.or_insert((0, Reverse(number))).0 += 1;
    }
    lines.remove(&1);
    let most = lines.into_iter().max_by_key(|(_, seen)| *seen);
    most.map_or((1, 0), |(fields, (lines, _))| (fields, lines))
}

/// Reads the names of the columns. A column without a name is called after its number.
///
/// # Errors
/// Two columns have the same name, or the header is not UTF-8.
pub(super) fn names<'f>(
    fields: impl Iterator<Item = &'f [u8]>,
    file: &str,
    (line, encoding): (u64, &str),
) -> Result<Vec<String>, IngestError> {
    let place = Place {
        file: file.to_owned(),
        line: usize::try_from(line).unwrap_or(0),
        column: 0,
    };
    let mut names = Vec::new();
    let mut seen = HashMap::new();
    for (index, field) in fields.enumerate() {
        let name = std::str::from_utf8(field).map_err(|e| {
            let byte = field.get(e.valid_up_to()).copied().unwrap_or_default();
            let number = index + 1;
            let found = match encoding {
                "UTF-8" => Text::new(
                    format!("見出しの{number}列目にUTF-8ではないバイトがあります(0x{byte:02X})"),
                    format!("byte 0x{byte:02X} in column {number} of the header is not UTF-8"),
                ),
                other => Text::new(
                    format!("見出しの{number}列目に{other}として読めない文字があります"),
                    format!("column {number} of the header holds what is not {other}"),
                ),
            };
            IngestError::Encoding {
                place: place.clone(),
                found: Box::new(found),
            }
        })?;
        let name = match name.trim() {
            "" => format!("column_{}", index + 1),
            name => name.to_owned(),
        };
        if let Some(first) = seen.insert(name.clone(), index + 1) {
            return Err(IngestError::DuplicateHeader {
                place,
                name,
                first,
                second: index + 1,
            });
        }
        names.push(name);
    }
    Ok(names)
}

/// The header is longer than a record may be, or a quotation mark in it is never closed.
pub(super) fn unusable(file: &str, line: u64, limits: &Limits) -> IngestError {
    IngestError::Header {
        place: Place {
            file: file.to_owned(),
            line: usize::try_from(line).unwrap_or(0),
            column: 0,
        },
        detail: Box::new(Text::new(
            format!(
                "{}バイトを超えているか、引用符が閉じていません",
                limits.record_bytes
            ),
            format!(
                "longer than {} bytes, or a quotation mark in it is not closed",
                limits.record_bytes
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (u64, char, Option<char>) {
        let layout = layout(text.as_bytes(), &Format::default()).expect("there is a header");
        (
            layout.line,
            char::from(layout.separator),
            layout.quote.map(char::from),
        )
    }

    #[test]
    fn the_separator_is_the_one_that_the_lines_show_outside_quotes() {
        for (text, separator) in [
            ("a;b;\"c,d,e,f\"", ';'),
            ("a\tb", '\t'),
            ("single", ','),
            ("a,b;c", ','),
            ("a|b|c\n1|2|x;y", '|'),
            ("name\taddress\nx\t1, a, b\ny\t2, a, b\n", '\t'),
        ] {
            assert_eq!(found(text), (1, separator, Some('"')), "{text}");
        }
    }

    #[test]
    fn titles_above_the_header_are_no_header() {
        for (text, line) in [
            ("Assets of JP1\n\nid,name,unit\n1,x,HD\n2,y,HD\n", 3),
            (
                "Assets,,,\nas of,2026-04-01,,\n,,,\nid,name,unit,kind\n1,x,HD,h\n",
                4,
            ),
            (
                "by tool, v2\nid;name;unit;kind\n1;x;HD;h\n2;x;HD;h\n3;x;HD;h\n",
                2,
            ),
            ("exported by tool\nid;name;unit\n", 2),
            ("id,name\n1,x\n", 1),
            ("\n\nid,name\n", 3),
            ("id\n1\n2\n", 1),
            ("id,name,unit\n1\n2\n3\n", 1),
        ] {
            assert_eq!(found(text).0, line, "{text}");
        }
    }

    #[test]
    fn single_quotes_are_quotes_where_the_header_stands_in_them() {
        assert_eq!(found("'id','name'\n'1','a,b'\n").2, Some('\''));
        assert_eq!(found("id,name\n1,it's\n").2, Some('"'));
    }
}
