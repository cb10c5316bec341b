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
            None => {
                let circle = Text::new(
                    "内部の参照が循環しており、終わりまで読めません",
                    "its parts point to one another in a circle and never end",
                );
                return Err(damaged(file, &circle));
            }
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
    let content = content.take(WORKBOOK_BYTES as u64 + 1);
    match weight(Reader::from_reader(BufReader::new(content))) {
        Some(weight) if weight.cells > HELD_CELLS => {
            Err(too_large(Quantity::HeldCells, HELD_CELLS))
        }
        Some(weight) if weight.bytes > WORKBOOK_BYTES => {
            Err(too_large(Quantity::UnpackedBytes, WORKBOOK_BYTES))
        }
        Some(_) => Ok(()),
        None => Err(damaged(
            file,
            &Text::new(
                "表の内容が壊れているか、途中で終わっています",
                "its tables are not well formed, or have no end",
            ),
        )),
    }
}

/// The error for a workbook that its reader would follow for ever.
fn damaged(file: &str, why: &Text) -> IngestError {
    IngestError::Sheet {
        file: file.to_owned(),
        detail: Box::new(Text::new(
            format!("ブックが壊れています({})", why.ja),
            format!("the workbook is damaged: {}", why.en),
        )),
        hint: Box::new(Text::new(
            "表計算ソフトで開き、.xlsxで保存し直してください。開けなければ、もう一度出力してください",
            "open it in a spreadsheet program and save it as .xlsx; if it cannot be opened, export it again",
        )),
    }
}

/// What a reader of the tables holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weight {
    /// Cells from the first to the last that is filled, repeated ones counted as often as they are; a little more where rows are not
    /// filled to the same width.
    cells: usize,
    /// Bytes of what stands in cells, repeated ones counted as often as they are.
    bytes: usize,
}

/// What the tables weigh; stops past a limit. *Shape*: `None` where the text ends before its tables do, or no element fits to its
/// beginning, since the reader of workbooks would wait for the end of a table for ever.
fn weight<R: std::io::BufRead>(mut reader: Reader<R>) -> Option<Weight> {
    let mut count = Count::default();
    let mut buffer = Vec::new();
    while count.all <= HELD_CELLS && count.bytes <= WORKBOOK_BYTES {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => {
                count.depth += 1;
                count.begin(&start);
            }
            Ok(Event::Empty(start)) => {
                count.begin(&start);
                count.end(start.local_name().as_ref());
            }
            Ok(Event::End(end)) => {
                count.depth = count.depth.checked_sub(1)?;
                count.end(end.local_name().as_ref());
            }
            Ok(Event::Text(text)) => count.add_bytes(text.len()),
            Ok(Event::GeneralRef(name)) => count.add_bytes(name.len()),
            Ok(Event::Eof) if count.depth == 0 => break,
            Ok(Event::Eof) | Err(_) => {
                let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
                if position <= WORKBOOK_BYTES {
                    return None;
                }
                // It is longer than it may be, which is the better reason.
                count.bytes = position;
            }
            Ok(_) => {}
        }
    }
    Some(Weight {
        cells: count.all,
        bytes: count.bytes,
    })
}

#[derive(Default)]
struct Count {
    /// Elements that have begun and not ended.
    depth: usize,
    all: usize,
    bytes: usize,
    /// Of the row: cells up to the last that is filled, and empty ones behind it.
    row: usize,
    empty: usize,
    row_bytes: usize,
    row_repeats: usize,
    /// Of the cell.
    cell_bytes: usize,
    cell_repeats: usize,
    /// Empty rows since the last that is filled.
    empty_rows: usize,
    width: usize,
}

impl Count {
    fn begin(&mut self, start: &BytesStart<'_>) {
        match start.local_name().as_ref() {
            "table" => (self.empty_rows, self.width) = (0, 0),
            "table-row" => {
                (self.row, self.empty, self.row_bytes) = (0, 0, 0);
                self.row_repeats = repeats(start, "number-rows-repeated");
            }
            "table-cell" | "covered-table-cell" => {
                // What its attributes say is held too.
                self.cell_bytes = start.len();
                self.cell_repeats = repeats(start, "number-columns-repeated");
                let is_filled = start.attributes().flatten().any(|attribute| {
                    let name = attribute.key.local_name();
                    matches!(name.as_ref(), "value-type" | "formula")
                });
                if is_filled {
                    let filled = self.empty.saturating_add(self.cell_repeats);
                    self.row = self.row.saturating_add(filled);
                    self.empty = 0;
                } else {
                    self.empty = self.empty.saturating_add(self.cell_repeats);
                }
            }
            // Spaces are written as their number.
            "s" => self.add_bytes(repeats(start, "c")),
            "tab" | "line-break" | "p" => self.add_bytes(1),
            _ => {}
        }
    }

    fn add_bytes(&mut self, bytes: usize) {
        self.cell_bytes = self.cell_bytes.saturating_add(bytes);
    }

    fn end(&mut self, name: &str) {
        match name {
            "table-cell" | "covered-table-cell" => {
                let bytes = self.cell_bytes.saturating_mul(self.cell_repeats);
                self.row_bytes = self.row_bytes.saturating_add(bytes);
                self.cell_bytes = 0;
            }
            "table-row" if self.row == 0 => {
                self.empty_rows = self.empty_rows.saturating_add(self.row_repeats);
            }
            "table-row" => {
                self.width = self.width.max(self.row);
                let rows = self.row_repeats.saturating_add(self.empty_rows);
                self.empty_rows = 0;
                self.all = self.all.saturating_add(rows.saturating_mul(self.width));
                let bytes = self.row_bytes.saturating_mul(self.row_repeats);
                self.bytes = self.bytes.saturating_add(bytes);
            }
            _ => {}
        }
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

    fn weigh(table: &str) -> Option<Weight> {
        let text = format!("<o:doc xmlns:t=\"t\" xmlns:o=\"o\"><t:table>{table}</t:table></o:doc>");
        weight(Reader::from_reader(text.as_bytes()))
    }

    fn count(table: &str) -> usize {
        weigh(table).expect("the table ends").cells
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

    #[test]
    fn what_stands_in_a_cell_counts_as_often_as_the_cell() {
        let cell = |text: &str| {
            format!(
                "<t:table-row t:number-rows-repeated=\"100\"><t:table-cell t:number-columns-repeated=\"200\" \
                 o:value-type=\"string\"><x:p>{text}</x:p></t:table-cell></t:table-row>"
            )
        };
        let bytes = |text: &str| weigh(&cell(text)).expect("the table ends").bytes;
        assert_eq!(bytes("0123456789") - bytes(""), 10 * 100 * 200);
        assert_eq!(bytes("<x:s x:c=\"5000\"/>") - bytes(""), 5000 * 100 * 200);
        let marks = bytes("&lt;&lt;<x:tab/><x:line-break/>") - bytes("");
        assert!(marks >= 4 * 100 * 200, "{marks}");
    }

    #[test]
    fn a_table_without_its_end_is_not_weighed() {
        for table in ["<t:table>", "</t:table-row>", "<t:table-row><t:table-cell>"] {
            assert_eq!(weigh(table), None, "{table}");
        }
        assert_eq!(weight(Reader::from_reader("<t:table>".as_bytes())), None);
    }
}
