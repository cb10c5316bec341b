//! Finds a table in the cells of a sheet, and makes rows of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use keiki_model::evidence::Reason;
use keiki_model::problem::Place;
use keiki_model::text::Text;

use crate::convert::UNREADABLE;
use crate::error::IngestError;
use crate::extract::{Columns, ExtractBuilder};
use crate::format::Format;
use crate::limits::Limits;

use super::cells::{self, Area};
use super::value::Value;

/// Rows in which a header is looked for.
const LOOKED_AT: usize = 200;

/// A row in the making: its number from 0, and its cells by column.
#[derive(Debug, Default)]
struct Row {
    number: u32,
    cells: BTreeMap<u32, String>,
}

/// A table in the making.
pub(super) struct Table<'t> {
    file: &'t str,
    format: &'t Format,
    area: Area,
    limits: &'t Limits,
    /// Whether further tables may have further columns.
    all_columns: Columns,
    row: Row,
    /// Of a row below the header: whether it holds anything, and what is wrong with it.
    is_filled: bool,
    fault: Option<Text>,
    /// Rows before the header is known.
    waiting: Vec<Row>,
    /// The numbers of the builder's columns by those of the sheet, once the header is known.
    columns: Option<BTreeMap<u32, usize>>,
}

impl<'t> Table<'t> {
    pub(super) fn new(
        file: &'t str,
        format: &'t Format,
        area: Area,
        limits: &'t Limits,
        all_columns: Columns,
    ) -> Self {
        Self {
            file,
            format,
            area,
            limits,
            all_columns,
            row: Row::default(),
            is_filled: false,
            fault: None,
            waiting: Vec::new(),
            columns: None,
        }
    }

    /// Takes the next cell.
    pub(super) fn cell(
        &mut self,
        row: u32,
        column: u32,
        value: Value<'_>,
        rows: &mut ExtractBuilder<'_>,
    ) -> Result<(), IngestError> {
        if !self.area.contains(row, column) {
            return Ok(());
        }
        if row != self.row.number {
            self.complete_row(rows)?;
            self.row.number = row;
        }
        let text = match value {
            Value::Text(text) => text,
            Value::Fault(found) => {
                let name = cells::name(row, column);
                Cow::Owned(format!("{UNREADABLE}{found} ({name})"))
            }
        };
        if self.columns.is_some() {
            self.stage((row, column), &text, rows);
        } else {
            self.row.cells.insert(column, text.trim().to_owned());
        }
        Ok(())
    }

    /// Ends the table.
    pub(super) fn finish(mut self, rows: &mut ExtractBuilder<'_>) -> Result<(), IngestError> {
        self.complete_row(rows)?;
        if self.columns.is_none() {
            self.find_header(rows)?;
        }
        Ok(())
    }

    fn complete_row(&mut self, rows: &mut ExtractBuilder<'_>) -> Result<(), IngestError> {
        if self.columns.is_some() {
            return self.end_row(rows);
        }
        let row = std::mem::take(&mut self.row);
        if row.cells.is_empty() {
            return Ok(());
        }
        self.waiting.push(row);
        if self.waiting.len() == LOOKED_AT {
            self.find_header(rows)?;
        }
        Ok(())
    }

    /// Finds the header among the rows that wait, and makes rows of those below it.
    fn find_header(&mut self, rows: &mut ExtractBuilder<'_>) -> Result<(), IngestError> {
        let waiting = std::mem::take(&mut self.waiting);
        let depth = self.format.header_rows.max(1);
        let first = header_at(
            &waiting,
            depth,
            self.format.preamble_lines,
            self.area.first_row,
        )
        .ok_or_else(|| IngestError::EmptyFile {
            file: self.file.to_owned(),
        })?;
        let top = waiting[first].number;
        let below = top.saturating_add(u32::try_from(depth).unwrap_or(u32::MAX));
        let header: Vec<&Row> = waiting[first..]
            .iter()
            .take_while(|row| row.number < below)
            .collect();
        let names = flattened(&header, top, depth);
        self.columns = Some(self.columns_of(&names, top, rows)?);
        if self.all_columns == Columns::Complete {
            rows.complete_columns();
        }
        for row in waiting.iter().filter(|row| row.number >= below) {
            self.row.number = row.number;
            for (column, text) in &row.cells {
                self.stage((row.number, *column), text, rows);
            }
            self.end_row(rows)?;
        }
        Ok(())
    }

    fn columns_of(
        &self,
        names: &BTreeMap<u32, String>,
        top: u32,
        rows: &mut ExtractBuilder<'_>,
    ) -> Result<BTreeMap<u32, usize>, IngestError> {
        let mut seen: HashMap<&str, u32> = HashMap::new();
        let mut columns = BTreeMap::new();
        for (number, name) in names {
            let place = Place {
                file: self.file.to_owned(),
                line: usize::try_from(top).unwrap_or(0) + 1,
                column: 0,
            };
            if name.starts_with(UNREADABLE) {
                let error = name.trim_start_matches(UNREADABLE);
                let detail = Text::new(
                    format!("列の名前がエラー値です: {error}"),
                    format!("a name is an error: {error}"),
                );
                return Err(IngestError::Header {
                    place,
                    detail: Box::new(detail),
                });
            }
            if let Some(first) = seen.insert(name, *number) {
                return Err(IngestError::DuplicateHeader {
                    place,
                    name: name.clone(),
                    first: first as usize + 1,
                    second: *number as usize + 1,
                });
            }
            columns.insert(*number, rows.column(name)?);
        }
        Ok(columns)
    }

    /// Stages a cell of a row of the evidence.
    fn stage(&mut self, (row, column): (u32, u32), text: &str, rows: &mut ExtractBuilder<'_>) {
        let columns = self.columns.as_ref();
        let Some(number) = columns.and_then(|columns| columns.get(&column)) else {
            return;
        };
        let cell = || cells::name(row, column);
        let detail = if text.trim().len() > self.limits.field_bytes {
            let (cell, limit) = (cell(), self.limits.field_bytes);
            Text::new(
                format!("セル{cell}が{limit}バイトを超えています"),
                format!("cell {cell} is longer than {limit} bytes"),
            )
        } else if text.contains('\0') {
            let cell = cell();
            Text::new(
                format!("セル{cell}にNUL文字があります"),
                format!("cell {cell} holds a NUL character"),
            )
        } else {
            self.is_filled = true;
            let _first = rows.stage(*number, text);
            return;
        };
        self.fault.get_or_insert(detail);
    }

    /// Ends a row of the evidence.
    fn end_row(&mut self, rows: &mut ExtractBuilder<'_>) -> Result<(), IngestError> {
        let place = u64::from(self.row.number) + 1;
        let is_filled = std::mem::take(&mut self.is_filled);
        match self.fault.take() {
            Some(detail) => rows.reject(place, Reason::Unreadable { detail }),
            None if is_filled => rows.accept(place),
            None => Ok(()),
        }
    }
}

/// Finds the first row of the header: the stated one, or the first that is followed closely enough by
/// what a header of so many rows is made of.
fn header_at(rows: &[Row], depth: usize, preamble: Option<usize>, first_row: u32) -> Option<usize> {
    if let Some(lines) = preamble {
        let top = first_row.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        return rows.iter().position(|row| row.number >= top);
    }
    let fullest = rows.iter().map(|row| row.cells.len()).max()?;
    let is_header = |first: &usize| {
        let part = rows.get(*first..*first + depth).unwrap_or_default();
        let follow = part
            .windows(2)
            .all(|pair| pair[1].number == pair[0].number + 1);
        let mut filled: Vec<u32> = part
            .iter()
            .flat_map(|row| row.cells.keys().copied())
            .collect();
        filled.sort_unstable();
        filled.dedup();
        let is_part = |row: &Row| depth == 1 || row.cells.len() > 1;
        part.len() == depth && follow && part.iter().all(is_part) && filled.len() * 2 > fullest
    };
    (0..rows.len()).find(is_header)
}

/// The names of the columns: those of the rows of the header, one above the other. A cell that is merged
/// over several columns stands in the first of them only, so that it is repeated over the names below.
fn flattened(header: &[&Row], top: u32, depth: usize) -> BTreeMap<u32, String> {
    let empty = BTreeMap::new();
    let row_at = |offset: usize| {
        let number = top.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
        let found = header.iter().find(|row| row.number == number);
        found.map_or(&empty, |row| &row.cells)
    };
    let mut columns: Vec<u32> = header
        .iter()
        .flat_map(|row| row.cells.keys().copied())
        .collect();
    columns.sort_unstable();
    columns.dedup();
    columns
        .into_iter()
        .map(|column| {
            let mut parts: Vec<&str> = Vec::new();
            for offset in 0..depth {
                let cells = row_at(offset);
                let own = cells.get(&column);
                let has_below =
                    (offset + 1..depth).any(|below| row_at(below).contains_key(&column));
                let spread = || cells.range(..column).next_back().map(|(_, text)| text);
                let text = own.or_else(|| has_below.then(spread).flatten());
                if let Some(text) = text.filter(|text| parts.last() != Some(&text.as_str())) {
                    parts.push(text);
                }
            }
            let name = parts.join(" ");
            (
                column,
                name.split_whitespace().collect::<Vec<_>>().join(" "),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u32, cells: &[(u32, &str)]) -> Row {
        Row {
            number,
            cells: cells
                .iter()
                .map(|(c, text)| (*c, (*text).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn a_header_is_found_under_titles() {
        let rows = [
            row(0, &[(0, "Assets")]),
            row(1, &[(0, "as of"), (1, "2026-04-01")]),
            row(3, &[(0, "id"), (1, "name"), (2, "unit"), (3, "kind")]),
            row(4, &[(0, "1"), (1, "x"), (2, "HD"), (3, "h")]),
        ];
        assert_eq!(header_at(&rows, 1, None, 0), Some(2));
        assert_eq!(header_at(&rows, 1, Some(1), 0), Some(1));
        assert_eq!(header_at(&[], 1, None, 0), None);
    }

    #[test]
    fn merged_cells_of_a_header_stand_over_all_their_columns() {
        let upper = row(1, &[(0, "ID"), (1, "場所"), (3, "備考")]);
        let lower = row(2, &[(1, "棟"), (2, "階")]);
        let names = flattened(&[&upper, &lower], 1, 2);
        let names: Vec<&str> = names.values().map(String::as_str).collect();
        assert_eq!(names, ["ID", "場所 棟", "場所 階", "備考"]);
        let rows = [
            row(0, &[(0, "一覧")]),
            upper,
            lower,
            row(3, &[(0, "1"), (1, "A"), (2, "2"), (3, "x")]),
        ];
        assert_eq!(header_at(&rows, 2, None, 0), Some(1));
    }
}
