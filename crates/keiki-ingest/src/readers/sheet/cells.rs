//! Hands on the cells of a sheet that hold something, row by row, and says where cells are.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use calamine::{Data, DataRef, Reader as _, Sheets};
use keiki_model::document::Located;
use keiki_model::problem::Problem;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::foreign;

use super::value::{self, Value};

/// A workbook that is held in memory.
pub(super) type Workbook = Sheets<Stoppable>;

/// The bytes of a workbook, which can no longer be read once it is known to hold too much.
#[derive(Clone)]
pub(super) struct Stoppable {
    bytes: Cursor<Arc<[u8]>>,
    is_stopped: Arc<AtomicBool>,
}

impl Stoppable {
    pub(super) fn new(bytes: Arc<[u8]>) -> Self {
        Self {
            bytes: Cursor::new(bytes),
            is_stopped: Arc::default(),
        }
    }

    /// Ends all reading of these bytes.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}

impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_stopped.load(Ordering::Relaxed) {
            return Err(io::Error::other("too much is in it"));
        }
        self.bytes.read(buffer)
    }
}

impl Seek for Stoppable {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// Takes a cell by its row and column, both from 0.
type Visit<'v> = dyn FnMut(u32, u32, Value<'_>) -> Result<(), IngestError> + 'v;

/// Hands on every cell that holds something, in the order of the file.
///
/// # Errors
/// The sheet cannot be read, or the visit fails.
pub(super) fn each(
    workbook: &mut Workbook,
    sheet: &str,
    file: &str,
    visit: &mut Visit<'_>,
) -> Result<(), IngestError> {
    let fault = |why: Text| IngestError::Sheet {
        file: file.to_owned(),
        detail: Box::new(Text::new(
            format!("シートを読めません({})", why.ja),
            format!("the sheet cannot be read: {}", why.en),
        )),
        hint: Box::new(Text::new(
            "作成したソフトで開き、保存し直してください",
            "open and save it again with the program that it comes from",
        )),
    };
    let broken = || fault(foreign::broken());
    match workbook {
        Sheets::Xlsx(book) => {
            let cells = foreign::guarded(|| book.worksheet_cells_reader(sheet));
            let mut cells = cells
                .ok_or_else(broken)?
                .map_err(|e| fault(Text::quoted(e)))?;
            loop {
                let cell = foreign::guarded(|| cells.next_cell()).ok_or_else(broken)?;
                let Some(cell) = cell.map_err(|e| fault(Text::quoted(e)))? else {
                    break;
                };
                let (row, column) = cell.get_position();
                give(row, column, cell.get_value(), visit)?;
            }
        }
        Sheets::Xlsb(book) => {
            let cells = foreign::guarded(|| book.worksheet_cells_reader(sheet));
            let mut cells = cells
                .ok_or_else(broken)?
                .map_err(|e| fault(Text::quoted(e)))?;
            loop {
                let cell = foreign::guarded(|| cells.next_cell()).ok_or_else(broken)?;
                let Some(cell) = cell.map_err(|e| fault(Text::quoted(e)))? else {
                    break;
                };
                let (row, column) = cell.get_position();
                give(row, column, cell.get_value(), visit)?;
            }
        }
        other => {
            let range = foreign::guarded(|| other.worksheet_range(sheet));
            let range = range
                .ok_or_else(broken)?
                .map_err(|e| fault(Text::quoted(e)))?;
            let (first_row, first_column) = range.start().unwrap_or_default();
            for (row, column, data) in range.used_cells() {
                let row = first_row.saturating_add(u32::try_from(row).unwrap_or(u32::MAX));
                let column = first_column.saturating_add(u32::try_from(column).unwrap_or(u32::MAX));
                give(row, column, &borrowed(data), visit)?;
            }
        }
    }
    Ok(())
}

fn give(
    row: u32,
    column: u32,
    data: &DataRef<'_>,
    visit: &mut Visit<'_>,
) -> Result<(), IngestError> {
    match value::of(data) {
        Some(value) => visit(row, column, value),
        None => Ok(()),
    }
}

fn borrowed(data: &Data) -> DataRef<'_> {
    match data {
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::String(value) => DataRef::SharedString(value),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::DateTimeIso(value) => DataRef::DateTimeIso(value.clone()),
        Data::DurationIso(value) => DataRef::DurationIso(value.clone()),
        Data::Error(value) => DataRef::Error(value.clone()),
        Data::Empty => DataRef::Empty,
    }
}

/// The name of a cell, such as `B7`.
pub(super) fn name(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut left = u64::from(column) + 1;
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    let letters: String = letters.iter().rev().collect();
    format!("{letters}{}", u64::from(row) + 1)
}

/// The cells of a sheet that are read, all bounds inclusive and from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) first_row: u32,
    pub(super) last_row: u32,
    pub(super) first_column: u32,
    pub(super) last_column: u32,
}

impl Default for Area {
    fn default() -> Self {
        Self {
            first_row: 0,
            last_row: u32::MAX,
            first_column: 0,
            last_column: u32::MAX,
        }
    }
}

impl Area {
    /// Reads `B3:H200`, or `B3:H` down to the last row.
    ///
    /// # Errors
    /// It is no such range.
    pub(super) fn read(range: &Located) -> Result<Self, IngestError> {
        Self::parse(&range.value).ok_or_else(|| {
            let message = Text::new(
                format!("セルの範囲ではありません: `{}`", range.value),
                format!("not a range of cells: `{}`", range.value),
            );
            let problem = Problem::new(range.place.clone(), message);
            IngestError::Definition {
                problems: vec![problem.hint(Text::new(
                    "B3:H200、または最終行までなら B3:H のように書いてください",
                    "write it as B3:H200, or B3:H down to the last row",
                ))],
            }
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once(':')?;
        let (first_column, first_row) = cell(from.trim())?;
        let (last_column, last_row) = cell(until.trim())?;
        let area = Self {
            first_row: first_row?,
            last_row: last_row.unwrap_or(u32::MAX),
            first_column,
            last_column,
        };
        let is_sound = first_column <= last_column && area.first_row <= area.last_row;
        is_sound.then_some(area)
    }

    /// Tells whether a cell is in it.
    pub(super) fn contains(self, row: u32, column: u32) -> bool {
        (self.first_row..=self.last_row).contains(&row)
            && (self.first_column..=self.last_column).contains(&column)
    }
}

/// Reads the name of a cell, or of a column.
fn cell(text: &str) -> Option<(u32, Option<u32>)> {
    let text = text.replace('$', "").to_ascii_uppercase();
    let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let (letters, digits) = text.split_at(letters);
    if !(1..=3).contains(&letters.len()) {
        return None;
    }
    let column = letters
        .bytes()
        .fold(0, |sum, letter| sum * 26 + u32::from(letter - b'A') + 1);
    let row = match digits {
        "" => None,
        digits => Some(digits.parse::<u32>().ok()?.checked_sub(1)?),
    };
    Some((column - 1, row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_as_a_spreadsheet_does() {
        assert_eq!(name(6, 1), "B7");
        assert_eq!(name(0, 25), "Z1");
        assert_eq!(name(0, 26), "AA1");
        assert_eq!(name(1_048_575, 16_383), "XFD1048576");
    }

    #[test]
    fn a_range_has_two_corners() {
        let area = Area::parse("b3:$H$200").expect("it is a range");
        assert_eq!((area.first_row, area.last_row), (2, 199));
        assert_eq!((area.first_column, area.last_column), (1, 7));
        assert_eq!(
            Area::parse("A1:C").map(|area| area.last_row),
            Some(u32::MAX)
        );
        for wrong in ["B3", "3:4", "H3:B4", "B4:H3", "B0:C1", "ABCD1:E2", ""] {
            assert_eq!(Area::parse(wrong), None, "{wrong}");
        }
    }
}
