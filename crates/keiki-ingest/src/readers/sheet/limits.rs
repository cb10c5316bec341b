//! What is checked of a workbook before it is opened: the older forms are held in memory as a whole, every cell between the first
//! and the last, and a cell may say of itself that it stands there a million times.

mod xls;

use std::io::{BufReader, Cursor, Read};

use keiki_model::text::Text;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use crate::error::IngestError;
use crate::limits::{HELD_CELLS, Quantity, WORKBOOK_BYTES, XLS_BYTES};

/// What a file of the form `.xls` begins with: a compound file.
///
/// *Source*: MS-CFB, section 2.2.
const COMPOUND: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

/// The part of an `OpenDocument` spreadsheet that holds its tables.
const CONTENT: &str = "content.xml";

/// Checks the bytes of a workbook.
///
/// # Errors
/// It is larger than its form can be held in memory, or would be read for ever.
pub(super) fn check(bytes: &[u8], file: &str) -> Result<(), IngestError> {
    let too_large = |what, limit| IngestError::TooLarge {
        file: file.to_owned(),
        what,
        limit,
    };
    if bytes.starts_with(&COMPOUND) && bytes.len() > XLS_BYTES {
        return Err(too_large(Quantity::XlsBytes, XLS_BYTES));
    }
    if bytes.starts_with(&COMPOUND) {
        match xls::cells(bytes, HELD_CELLS) {
            None => return Err(endless(file)),
            Some(cells) if cells > HELD_CELLS => {
                return Err(too_large(Quantity::HeldCells, HELD_CELLS));
            }
            Some(_) => {}
        }
    }
    if !bytes.starts_with(b"PK") {
        return Ok(());
    }
    // What is no archive, or no document, is for the reader of workbooks to say.
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        return Ok(());
    };
    let Ok(content) = archive.by_name(CONTENT) else {
        return Ok(());
    };
    let reader = Reader::from_reader(BufReader::new(content.take(WORKBOOK_BYTES as u64)));
    if cells(reader) > HELD_CELLS {
        return Err(too_large(Quantity::HeldCells, HELD_CELLS));
    }
    Ok(())
}

/// The error for a workbook whose parts name one another in a circle.
fn endless(file: &str) -> IngestError {
    IngestError::Sheet {
        file: file.to_owned(),
        detail: Box::new(Text::new(
            "ブックが壊れています(内部の参照が循環しており、終わりまで読めません)",
            "the workbook is damaged: its parts point to one another in a circle and never end",
        )),
        hint: Box::new(Text::new(
            "表計算ソフトで開き、.xlsxで保存し直してください。開けなければ、もう一度出力してください",
            "open it in a spreadsheet program and save it as .xlsx; if it cannot be opened, export it again",
        )),
    }
}

/// How many cells the tables have from the first to the last that is filled, repeated ones counted as often as they are; a little
/// more where they are not filled to the same width. Stops past the limit.
fn cells<R: std::io::BufRead>(mut reader: Reader<R>) -> usize {
    let mut count = Count::default();
    let mut buffer = Vec::new();
    while count.all <= HELD_CELLS {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => count.begin(&start),
            Ok(Event::Empty(start)) => {
                count.begin(&start);
                count.end(start.local_name().as_ref());
            }
            Ok(Event::End(end)) => count.end(end.local_name().as_ref()),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    count.all
}

#[derive(Default)]
struct Count {
    all: usize,
    /// Of the row: cells up to the last that is filled, and empty ones behind it.
    row: usize,
    empty: usize,
    row_repeats: usize,
    /// Empty rows since the last that is filled.
    empty_rows: usize,
    width: usize,
}

impl Count {
    fn begin(&mut self, start: &BytesStart<'_>) {
        match start.local_name().as_ref() {
            "table" => (self.empty_rows, self.width) = (0, 0),
            "table-row" => {
                (self.row, self.empty) = (0, 0);
                self.row_repeats = repeats(start, "number-rows-repeated");
            }
            "table-cell" | "covered-table-cell" => {
                let repeats = repeats(start, "number-columns-repeated");
                let is_filled = start.attributes().flatten().any(|attribute| {
                    let name = attribute.key.local_name();
                    matches!(name.as_ref(), "value-type" | "formula")
                });
                if is_filled {
                    self.row = self.row.saturating_add(self.empty).saturating_add(repeats);
                    self.empty = 0;
                } else {
                    self.empty = self.empty.saturating_add(repeats);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if name != "table-row" {
            return;
        }
        if self.row == 0 {
            self.empty_rows = self.empty_rows.saturating_add(self.row_repeats);
            return;
        }
        self.width = self.width.max(self.row);
        let rows = self.row_repeats.saturating_add(self.empty_rows);
        self.empty_rows = 0;
        self.all = self.all.saturating_add(rows.saturating_mul(self.width));
    }
}

fn repeats(start: &BytesStart<'_>, name: &str) -> usize {
    let mut attributes = start.attributes().flatten();
    let found = attributes.find(|attribute| attribute.key.local_name().as_ref() == name);
    found
        .and_then(|attribute| attribute.value.parse().ok())
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(table: &str) -> usize {
        let text = format!("<o:doc xmlns:t=\"t\" xmlns:o=\"o\"><t:table>{table}</t:table></o:doc>");
        cells(Reader::from_reader(text.as_bytes()))
    }

    #[test]
    fn repeated_cells_count_as_often_as_they_stand_there() {
        let row = "<t:table-row><t:table-cell o:value-type=\"string\"/></t:table-row>";
        assert_eq!(count(row), 1);
        let wide = "<t:table-row t:number-rows-repeated=\"1000\"><t:table-cell t:number-columns-repeated=\"2000\" \
                    o:value-type=\"string\"></t:table-cell></t:table-row>";
        assert_eq!(count(wide), 2_000_000);
        // Programs fill the rest of a sheet with cells that are empty.
        let tail = "<t:table-row t:number-rows-repeated=\"1048576\"><t:table-cell t:number-columns-repeated=\"16384\"/></t:table-row>";
        assert_eq!(count(&format!("{row}{tail}")), 1);
        assert!(count(&format!("{row}{tail}{row}")) > 1_000_000);
    }
}
