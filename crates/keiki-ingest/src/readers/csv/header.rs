//! Finds the header of a file: behind the preamble, with the separator that it shows.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read};

use csv::ByteRecord;
use keiki_model::problem::Place;

use crate::error::IngestError;
use crate::format::Format;
use crate::limits::Limits;
use crate::lines::{self, Line};
use crate::place::InputFile;

/// A file that is read up to its header.
pub(super) struct Header {
    /// The file from the header on.
    pub(super) reader: Chain<Cursor<Vec<u8>>, BufReader<File>>,
    /// What separates its fields.
    pub(super) separator: u8,
    /// The header's line, from 1.
    pub(super) line: u64,
}

/// Opens a file and reads up to its header.
///
/// # Errors
/// There is no header, or it is longer than a record may be.
pub(super) fn open(
    input: &InputFile,
    format: &Format,
    limits: &Limits,
) -> Result<Header, IngestError> {
    let mut reader = lines::open(input)?;
    let mut head = Vec::new();
    let mut line = 0;
    let mut preamble = format.preamble_lines;
    loop {
        let found = lines::next(&mut reader, limits.record_bytes, &mut head);
        line += 1;
        match found.map_err(|e| IngestError::io(&input.name, e))? {
            Line::End => {
                return Err(IngestError::EmptyFile {
                    file: input.name.clone(),
                });
            }
            _ if preamble > 0 => preamble -= 1,
            Line::TooLong => {
                let detail = format!("longer than {} bytes", limits.record_bytes);
                return Err(IngestError::Header {
                    place: place(input, line),
                    detail,
                });
            }
            Line::Whole if head.iter().all(u8::is_ascii_whitespace) => {}
            Line::Whole => break,
        }
    }
    let separator = format.separator.unwrap_or_else(|| detect(&head));
    head.push(b'\n');
    Ok(Header {
        reader: Cursor::new(head).chain(reader),
        separator,
        line,
    })
}

/// Returns the separator that stands most often outside quotes; a comma where none does.
fn detect(header: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in header {
        quoted ^= *byte == b'"';
        if !quoted
            && let Some((_, count)) = counts.iter_mut().find(|(separator, _)| separator == byte)
        {
            *count += 1;
        }
    }
    counts
        .iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(separator, _)| *separator)
}

/// Reads the names of the columns. A column without a name is called after its number.
///
/// # Errors
/// Two columns have the same name, or the header is not UTF-8.
pub(super) fn names(
    record: &ByteRecord,
    file: &str,
    line: u64,
) -> Result<Vec<String>, IngestError> {
    let place = Place {
        file: file.to_owned(),
        line: usize::try_from(line).unwrap_or(0),
        column: 0,
    };
    let mut names = Vec::with_capacity(record.len());
    let mut seen = HashMap::new();
    for (index, field) in record.iter().enumerate() {
        let name = std::str::from_utf8(field).map_err(|e| {
            let byte = field.get(e.valid_up_to()).copied().unwrap_or_default();
            let found = format!("byte 0x{byte:02X} in column {} of the header", index + 1);
            IngestError::Encoding {
                place: place.clone(),
                found,
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

fn place(input: &InputFile, line: u64) -> Place {
    Place {
        file: input.name.clone(),
        line: usize::try_from(line).unwrap_or(0),
        column: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_the_one_that_the_header_shows_outside_quotes() {
        assert_eq!(detect(b"a;b;\"c,d,e,f\""), b';');
        assert_eq!(detect(b"a\tb"), b'\t');
        assert_eq!(detect(b"single"), b',');
        assert_eq!(detect(b"a,b;c"), b',');
    }
}
