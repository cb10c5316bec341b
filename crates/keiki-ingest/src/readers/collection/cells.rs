//! The cells of a workbook, sheet by sheet, each read once and within limits.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, Xlsx};
use jiff::civil::{Date, Time};
use keiki_model::calendar::day_of;
use keiki_model::collection::{OwnSheet, Value};

use super::{FilledCell, FormFault};
use crate::error::IngestError;
use crate::foreign;
use crate::limits::{FORM_BYTES, FORM_CELLS, FORM_SHEETS, FORM_UNPACKED_BYTES};
use crate::place::InputFile;
use crate::unpack;

type Book = Xlsx<Cursor<Vec<u8>>>;
type Cells = BTreeMap<u32, BTreeMap<u32, FilledCell>>;

/// The cells of a sheet in which something stands.
#[derive(Debug, Default)]
pub(super) struct Grid {
    pub(super) name: String,
    cells: Cells,
}

impl Grid {
    /// Tells whether nothing stands on it.
    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The first cell whose text fits. *Shape*: row and column, from 0.
    pub(super) fn find(&self, fits: impl Fn(&str) -> bool) -> Option<(u32, u32, &str)> {
        self.cells.iter().find_map(|(row, cells)| {
            cells.iter().find_map(|(column, cell)| match &cell.value {
                Value::Text(text) if fits(text) => Some((*row, *column, text.as_str())),
                _ => None,
            })
        })
    }

    /// The texts that stand in the row of a mark, right of it, put together.
    pub(super) fn right_of(&self, mark: &str) -> Option<String> {
        let (row, at, _) = self.find(|text| text == mark)?;
        let parts = self
            .row(row)
            .filter(|(column, _)| **column > at)
            .map(|(_, cell)| cell.value.evidence());
        Some(parts.collect())
    }

    /// The cells of a row.
    pub(super) fn row(&self, row: u32) -> impl Iterator<Item = (&u32, &FilledCell)> {
        self.cells.get(&row).into_iter().flatten()
    }

    /// The sheet as somebody's own, with everything on it.
    pub(super) fn as_own(&self) -> OwnSheet {
        let rows = self.cells.iter();
        let cells = rows.flat_map(|(row, cells)| {
            cells
                .iter()
                .map(|(column, cell)| (*row, *column, cell.value.clone()))
        });
        OwnSheet {
            name: self.name.clone(),
            cells: cells.collect(),
        }
    }

    /// The rows below one.
    pub(super) fn below(
        &self,
        row: u32,
    ) -> impl Iterator<Item = (u32, &BTreeMap<u32, FilledCell>)> {
        self.cells
            .range(row + 1..)
            .map(|(row, cells)| (*row, cells))
    }
}

/// Reads all sheets.
pub(super) fn read(file: &InputFile) -> Result<Vec<Grid>, FormFault> {
    let unreadable = |detail: String| FormFault::Unreadable {
        file: file.name.clone(),
        detail,
    };
    let too_large = || FormFault::TooLarge {
        file: file.name.clone(),
    };
    let fault = |error: IngestError| match error {
        IngestError::TooLarge { .. } => too_large(),
        error => unreadable(error.to_string()),
    };
    let bytes = unpack::whole(file, FORM_BYTES).map_err(fault)?;
    unpack::weigh(bytes.get_ref(), &file.name, FORM_UNPACKED_BYTES).map_err(fault)?;
    let broken = || unreadable(foreign::broken().en);
    let mut workbook: Book = foreign::guarded(|| Xlsx::new(bytes))
        .ok_or_else(broken)?
        .map_err(|error| unreadable(error.to_string()))?;
    let names: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .collect();
    if names.len() > FORM_SHEETS {
        return Err(too_large());
    }
    let mut grids = Vec::new();
    for name in names {
        let cells = foreign::guarded(|| sheet(&mut workbook, &name)).ok_or_else(broken)?;
        let cells = cells.map_err(|fault| match fault {
            SheetFault::Unreadable(detail) => unreadable(detail),
            SheetFault::TooMany => too_large(),
        })?;
        grids.push(Grid { name, cells });
    }
    Ok(grids)
}

enum SheetFault {
    Unreadable(String),
    TooMany,
}

/// Reads the cells of one sheet as a stream: a cell at the far end of the sheet makes no room for all between.
fn sheet(workbook: &mut Book, name: &str) -> Result<Cells, SheetFault> {
    let fault = |error: calamine::XlsxError| SheetFault::Unreadable(error.to_string());
    let mut cells = Cells::new();
    let mut count = 0;
    let mut reader = workbook.worksheet_cells_reader(name).map_err(fault)?;
    while let Some(cell) = reader.next_cell().map_err(fault)? {
        let value = value(cell.get_value());
        if value == Value::Empty {
            continue;
        }
        count += 1;
        if count > FORM_CELLS {
            return Err(SheetFault::TooMany);
        }
        let (row, column) = cell.get_position();
        let filled = FilledCell {
            value,
            is_formula: false,
        };
        cells.entry(row).or_default().insert(column, filled);
    }
    drop(reader);
    let mut reader = workbook.worksheet_cells_reader(name).map_err(fault)?;
    while let Some(cell) = reader.next_formula().map_err(fault)? {
        let (row, column) = cell.get_position();
        if !cell.get_value().is_empty()
            && let Some(filled) = cells.get_mut(&row).and_then(|row| row.get_mut(&column))
        {
            filled.is_formula = true;
        }
    }
    Ok(cells)
}

fn value(data: &DataRef<'_>) -> Value {
    match data {
        DataRef::Empty => Value::Empty,
        DataRef::Int(number) => Value::Number(number.to_string()),
        DataRef::Float(number) => Value::Number(number_text(*number)),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text_value(text)
        }
        DataRef::SharedString(text) => text_value(text),
        DataRef::Bool(flag) => Value::Boolean(*flag),
        DataRef::DateTime(moment) => moment_value(*moment),
        DataRef::Error(error) => Value::Fault(error.to_string()),
    }
}

fn text_value(text: &str) -> Value {
    if text.is_empty() {
        Value::Empty
    } else {
        Value::Text(text.to_owned())
    }
}

fn moment_value(moment: ExcelDateTime) -> Value {
    let serial = moment.as_f64();
    if !moment.is_datetime() || serial < 1.0 {
        return Value::Number(number_text(serial));
    }
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let small = |number: u8| i8::try_from(number).ok();
    let date = i16::try_from(year)
        .ok()
        .zip(small(month).zip(small(day)))
        .and_then(|(year, (month, day))| Date::new(year, month, day).ok());
    let time =
        small(hour)
            .zip(small(minute).zip(small(second)))
            .and_then(|(hour, (minute, second))| {
                Time::new(hour, minute, second, i32::from(milli) * 1_000_000).ok()
            });
    match (date, time) {
        (Some(date), Some(time)) if time == Time::midnight() => Value::Day(day_of(date)),
        (Some(date), Some(time)) => Value::Moment(date.to_datetime(time)),
        _ => Value::Number(number_text(serial)),
    }
}

/// A number as text with the fifteen digits that a spreadsheet shows; those behind are the noise of binary fractions.
pub(super) fn number_text(number: f64) -> String {
    const DIGITS: usize = 15;
    if !number.is_finite() {
        return number.to_string();
    }
    let scientific = format!("{number:.*e}", DIGITS - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let Ok(exponent) = exponent.parse::<i32>() else {
        return scientific;
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return "0".to_owned();
    }
    if !(-30..=40).contains(&exponent) {
        return scientific;
    }
    let text = match usize::try_from(exponent) {
        Ok(exponent) if exponent + 1 >= digits.len() => {
            format!("{digits}{}", "0".repeat(exponent + 1 - digits.len()))
        }
        Ok(exponent) => format!("{}.{}", &digits[..=exponent], &digits[exponent + 1..]),
        Err(_) => {
            let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
            format!("0.{}{digits}", "0".repeat(zeros))
        }
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::number_text;

    #[test]
    fn numbers_are_read_as_a_spreadsheet_shows_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (12.0, "12"),
            (-1200.0, "-1200"),
            (0.1 + 0.2, "0.3"),
            (1.1, "1.1"),
            (0.000_001, "0.000001"),
            (123_456_789.012_345, "123456789.012345"),
            (999_999_999_999_999.0, "999999999999999"),
            (1e20, "100000000000000000000"),
            (46_000.5, "46000.5"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }
}
