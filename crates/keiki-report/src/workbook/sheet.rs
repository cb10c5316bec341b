//! A sheet that is one list: columns with headings, and a row for each thing.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use rust_xlsxwriter::{FormatAlign, Formula, Worksheet, utility::row_col_to_cell};

use super::style::Style;
use super::{Column, FIRST, Result, begin, data, end, fit, headings, number};
use crate::report::Report;

/// A cell of a list.
pub(super) enum Cell {
    /// A whole number.
    Whole(i128),
    /// A text.
    Text(String),
    /// A value of a unit; unknown is blank.
    Value(Option<Fraction>, Unit),
    /// An approximation in a unit; unknown is blank.
    About(Option<f64>, Unit),
    /// What stands in one column over what stands in another, computed by the workbook.
    Share {
        /// The column above the line, counted from the first.
        above: u16,
        /// The column below it.
        below: u16,
        /// What comes out; blank where there is nothing below the line.
        value: Option<Fraction>,
    },
}

/// A list.
pub(super) struct List<'l> {
    /// Name and title.
    pub(super) name: &'l str,
    /// Its columns.
    pub(super) columns: Vec<Column>,
    /// Its rows.
    pub(super) rows: Vec<Vec<Cell>>,
}

impl List<'_> {
    /// Draws the list on a sheet of its own.
    pub(super) fn draw(mut self, report: &Report<'_>, style: &Style) -> Result<Worksheet> {
        let mut sheet = Worksheet::new();
        let heading = begin(report, style, &mut sheet, (self.name, self.name))?;
        let is_number = |cell: &Cell| !matches!(cell, Cell::Text(_));
        for (column, cell) in self.columns.iter_mut().zip(self.rows.iter().flatten()) {
            if is_number(cell) {
                column.side = FormatAlign::Right;
            }
        }
        headings(&mut sheet, heading, &self.columns, style)?;
        let mut last = heading;
        for (row, cells) in (heading + 1..).zip(&self.rows) {
            let texts = self.columns.iter().zip(cells);
            let texts = texts.filter_map(|(column, cell)| match cell {
                Cell::Text(text) => Some((text.as_str(), column.width)),
                _ => None,
            });
            fit(&mut sheet, row, texts)?;
            for (at, cell) in (FIRST..).zip(cells) {
                write(&mut sheet, (row, at), cell, style)?;
            }
            last = row;
        }
        if self.rows.is_empty() {
            last = heading + 1;
            let nothing = report.say("該当なし", "none");
            sheet.write_string_with_format(last, FIRST, nothing, &style.soft())?;
        }
        end(report, &mut sheet, (heading, last), self.columns.len())?;
        Ok(sheet)
    }
}

fn write(sheet: &mut Worksheet, (row, at): (u32, u16), cell: &Cell, style: &Style) -> Result<()> {
    match cell {
        Cell::Whole(value) => {
            let value = Fraction::whole(*value);
            number(sheet, (row, at), Some(value), &style.part(None))?;
        }
        Cell::Text(text) => {
            sheet.write_string_with_format(row, at, text, &style.text())?;
        }
        Cell::Value(value, unit) => number(sheet, (row, at), *value, &style.bound(*unit))?,
        Cell::About(value, unit) => {
            match value {
                Some(value) => {
                    sheet.write_number_with_format(row, at, *value, &style.about(*unit))?
                }
                None => sheet.write_blank(row, at, &style.about(*unit))?,
            };
        }
        Cell::Share {
            above,
            below,
            value,
        } => {
            let format = style.bound(Unit::Ratio);
            let Some(value) = value else {
                return number(sheet, (row, at), None, &format);
            };
            let formula = format!(
                "={}/{}",
                row_col_to_cell(row, FIRST + above),
                row_col_to_cell(row, FIRST + below)
            );
            let formula = Formula::new(formula).set_result(data(*value).to_string());
            sheet.write_formula_with_format(row, at, formula, &format)?;
        }
    }
    Ok(())
}
