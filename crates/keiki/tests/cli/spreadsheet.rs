//! A workbook as somebody edits it: read, changed and saved by another program than the one that made it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use calamine::{Data, Reader, Xlsx, open_workbook};
use rust_xlsxwriter::{Format, Formula, Workbook};

/// The value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Number(f64),
    /// A date or time, as days since 1900.
    Moment(f64),
    Formula(&'static str, &'static str),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

type Place = (u32, u16);

/// A sheet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) cells: BTreeMap<Place, Cell>,
}

/// A workbook.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spreadsheet {
    pub(crate) sheets: Vec<Sheet>,
}

impl Spreadsheet {
    pub(crate) fn open(path: &Path) -> Self {
        let mut workbook: Xlsx<_> = open_workbook(path).expect("the workbook can be opened");
        let names = workbook.sheet_names();
        let sheets = names
            .into_iter()
            .map(|name| {
                let range = workbook.worksheet_range(&name).expect("the sheet is there");
                let (top, left) = range.start().unwrap_or_default();
                let cells = range
                    .used_cells()
                    .map(|(row, column, data)| {
                        let row = top + u32::try_from(row).expect("few rows");
                        let column =
                            u16::try_from(left).expect("few") + u16::try_from(column).expect("few");
                        ((row, column), cell(data))
                    })
                    .collect();
                Sheet { name, cells }
            })
            .collect();
        Self { sheets }
    }

    /// Saves the values, without any of the form's looks, rules and protection.
    pub(crate) fn save(&self, path: &Path) -> PathBuf {
        let mut workbook = Workbook::new();
        let moment = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
        for of in &self.sheets {
            let sheet = workbook.add_worksheet();
            sheet.set_name(&of.name).expect("a name that Excel takes");
            for ((row, column), cell) in &of.cells {
                let written = match cell {
                    Cell::Text(text) => sheet.write_string(*row, *column, text),
                    Cell::Number(number) => sheet.write_number(*row, *column, *number),
                    Cell::Moment(serial) => {
                        sheet.write_number_with_format(*row, *column, *serial, &moment)
                    }
                    Cell::Formula(formula, result) => {
                        let formula = Formula::new(formula).set_result(*result);
                        sheet.write_formula(*row, *column, formula)
                    }
                };
                written.expect("the cell can be written");
            }
        }
        workbook.save(path).expect("the workbook can be written");
        path.to_owned()
    }

    /// The sheet of a dataset, whatever its name.
    pub(crate) fn of(&mut self, dataset: &str) -> &mut Sheet {
        let mark = format!("keiki-dataset {dataset} ");
        let found = self.sheets.iter_mut().find(|sheet| {
            let mut cells = sheet.cells.values();
            cells.any(|cell| matches!(cell, Cell::Text(text) if text.starts_with(&mark)))
        });
        found.expect("the form has a sheet of the dataset")
    }
}

/// The formulas in the sheets of a workbook that hold what users entered.
pub(crate) fn formulas(path: &Path) -> Vec<String> {
    let mut workbook: Xlsx<_> = open_workbook(path).expect("the workbook can be opened");
    let mut found = Vec::new();
    for name in workbook.sheet_names() {
        let range = workbook
            .worksheet_formula(&name)
            .expect("the sheet is there");
        let formulas = range.used_cells().map(|(_, _, formula)| formula.clone());
        found.extend(formulas.filter(|formula| !formula.is_empty()));
    }
    found
}

fn cell(data: &Data) -> Cell {
    match data {
        Data::String(text) => Cell::Text(text.clone()),
        Data::Float(number) => Cell::Number(*number),
        Data::DateTime(moment) => Cell::Moment(moment.as_f64()),
        other => Cell::Text(other.to_string()),
    }
}

impl Sheet {
    fn find(&self, text: &str) -> Place {
        let found = self
            .cells
            .iter()
            .find(|(_, cell)| matches!(cell, Cell::Text(found) if found == text));
        *found
            .unwrap_or_else(|| unreachable!("{} has no {text}", self.name))
            .0
    }

    /// The place of a value: the row of records, from 0, and the column by the name that the program reads.
    pub(crate) fn place(&self, row: u32, column: &str) -> Place {
        let header = self.find("keiki-header").0;
        (header + 1 + row, self.find(column).1)
    }

    pub(crate) fn get(&self, row: u32, column: &str) -> Option<&Cell> {
        self.cells.get(&self.place(row, column))
    }

    pub(crate) fn set(&mut self, row: u32, column: &str, value: impl Into<Cell>) {
        self.cells.insert(self.place(row, column), value.into());
    }

    /// Enters a row of texts and numbers.
    pub(crate) fn enter(&mut self, row: u32, values: &[(&str, Cell)]) {
        for (column, value) in values {
            self.set(row, column, value.clone());
        }
    }

    /// Empties a row of records.
    pub(crate) fn empty(&mut self, row: u32) {
        let at = self.find("keiki-header").0 + 1 + row;
        self.cells.retain(|(row, _), _| *row != at);
    }

    pub(crate) fn answer(&mut self, answer: &str) {
        let row = self.find("keiki-answer").0;
        self.cells.insert((row, 2), answer.into());
    }

    /// Moves every cell: `to` says where each row and column goes.
    pub(crate) fn rearrange(&mut self, to: impl Fn(Place) -> Place) {
        let cells = std::mem::take(&mut self.cells);
        self.cells = cells
            .into_iter()
            .map(|(place, cell)| (to(place), cell))
            .collect();
    }

    /// The rows of records by column name, as the program names them.
    pub(crate) fn records(&self) -> Vec<BTreeMap<String, Cell>> {
        let (names_row, mark) = *self
            .cells
            .iter()
            .find(|(_, cell)| matches!(cell, Cell::Text(text) if text.starts_with("keiki-dataset")))
            .expect("the sheet has a dataset")
            .0;
        let header = self.find("keiki-header").0;
        let last = self.cells.keys().map(|(row, _)| *row).max().unwrap_or(0);
        let mut records = Vec::new();
        for row in header + 1..=last {
            let mut record = BTreeMap::new();
            for ((at, column), name) in &self.cells {
                let Cell::Text(name) = name else { continue };
                if *at == names_row
                    && *column != mark
                    && let Some(cell) = self.cells.get(&(row, *column))
                    && *cell != Cell::Text(String::new())
                {
                    record.insert(name.clone(), cell.clone());
                }
            }
            if !record.is_empty() {
                records.push(record);
            }
        }
        records
    }
}
