//! What a reader of any kind hands on: text columns, the place of each row, and the rows that could
//! not be read.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use keiki_model::evidence::Reason;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::limits::Limits;

/// Says where a row stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowPlace {
    /// Number of the file, from 0.
    pub(crate) file: u32,
    /// Line of a text file, or number of the record, from 1.
    pub(crate) row: u64,
}

/// Says what it means that a column is in none of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AbsentColumn {
    /// The format names its columns, so that the mapping is wrong.
    Fault,
    /// The format leaves out what is null.
    Null,
}

/// A value that the source does not state well enough to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftUnknown {
    /// Number of the row in the extract, from 0.
    pub(crate) row: usize,
    /// The dataset's column.
    pub(crate) column: &'static str,
    /// Why.
    pub(crate) why: Text,
}

/// The rows of a reading as they stood in its files.
#[derive(Debug)]
pub(crate) struct Extract {
    /// *Shape*: every column is nullable text without surrounding space; empty is null.
    pub(crate) batch: RecordBatch,
    /// The files, as the user knows them.
    pub(crate) files: Vec<String>,
    /// Per row of the batch, where it stood.
    pub(crate) places: Vec<RowPlace>,
    /// The rows that could not be read.
    pub(crate) rejected: Vec<(RowPlace, Reason)>,
    /// Values that are null because they are not stated well enough.
    pub(crate) left_unknown: Vec<LeftUnknown>,
    /// What a column that is not there means.
    pub(crate) absent: AbsentColumn,
}

/// Puts an `Extract` together, row by row: values are staged, then the row is accepted or rejected
/// as a whole.
pub(crate) struct ExtractBuilder<'a> {
    nulls: &'a [String],
    limits: &'a Limits,
    columns: Vec<ColumnBuilder>,
    numbers: HashMap<String, usize>,
    arena: String,
    staged: Vec<(usize, Range<usize>)>,
    files: Vec<String>,
    places: Vec<RowPlace>,
    rejected: Vec<(RowPlace, Reason)>,
    left_unknown: Vec<LeftUnknown>,
}

struct ColumnBuilder {
    name: String,
    values: StringBuilder,
    staged_in: Option<u64>,
}

impl<'a> ExtractBuilder<'a> {
    pub(crate) fn new(nulls: &'a [String], limits: &'a Limits) -> Self {
        Self {
            nulls,
            limits,
            columns: Vec::new(),
            numbers: HashMap::new(),
            arena: String::new(),
            staged: Vec::new(),
            files: Vec::new(),
            places: Vec::new(),
            rejected: Vec::new(),
            left_unknown: Vec::new(),
        }
    }

    /// Begins a file; the rows that follow are its.
    pub(crate) fn begin_file(&mut self, name: &str) {
        self.files.push(name.to_owned());
    }

    fn file_name(&self) -> &str {
        self.files.last().map_or("", String::as_str)
    }

    fn place(&self, row: u64) -> RowPlace {
        let file = u32::try_from(self.files.len().saturating_sub(1)).unwrap_or(u32::MAX);
        RowPlace { file, row }
    }

    /// Returns the number of a column, which is made where it is new.
    ///
    /// # Errors
    /// More columns than the limit.
    pub(crate) fn column(&mut self, name: &str) -> Result<usize, IngestError> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let number = self.columns.len();
        if number >= self.limits.column_count {
            return Err(self.too_large("columns", self.limits.column_count));
        }
        self.numbers.insert(name.to_owned(), number);
        let values = StringBuilder::new();
        self.columns.push(ColumnBuilder {
            name: name.to_owned(),
            values,
            staged_in: None,
        });
        Ok(number)
    }

    /// Stages a value for the row that is being read. Returns false if the row has one for this
    /// column already.
    #[must_use]
    pub(crate) fn stage(&mut self, column: usize, value: &str) -> bool {
        let row = self.places.len() as u64 + self.rejected.len() as u64;
        if self.columns[column].staged_in.replace(row) == Some(row) {
            return false;
        }
        let value = value.trim();
        if !value.is_empty() && !self.nulls.iter().any(|null| null == value) {
            let start = self.arena.len();
            self.arena.push_str(value);
            self.staged.push((column, start..self.arena.len()));
        }
        true
    }

    /// Accepts the row that was staged and returns its number.
    ///
    /// # Errors
    /// More rows or more text than the limits.
    pub(crate) fn accept(&mut self, row: u64) -> Result<usize, IngestError> {
        let number = self.places.len();
        if number >= self.limits.row_count {
            return Err(self.too_large("rows", self.limits.row_count));
        }
        for (column, range) in self.staged.drain(..) {
            let values = &mut self.columns[column].values;
            if values.values_slice().len() + range.len() > self.limits.column_bytes {
                let file = self.files.last().cloned().unwrap_or_default();
                let limit = self.limits.column_bytes;
                return Err(IngestError::TooLarge {
                    file,
                    what: "bytes in one column",
                    limit,
                });
            }
            pad(values, number);
            values.append_value(&self.arena[range]);
        }
        self.arena.clear();
        self.places.push(self.place(row));
        Ok(number)
    }

    /// Rejects the row that is being read.
    pub(crate) fn reject(&mut self, row: u64, reason: Reason) {
        self.staged.clear();
        self.arena.clear();
        self.rejected.push((self.place(row), reason));
    }

    /// Notes that a value of an accepted row is not stated well enough to use.
    pub(crate) fn leave_unknown(&mut self, row: usize, column: &'static str, why: Text) {
        self.left_unknown.push(LeftUnknown { row, column, why });
    }

    fn too_large(&self, what: &'static str, limit: usize) -> IngestError {
        IngestError::TooLarge {
            file: self.file_name().to_owned(),
            what,
            limit,
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// The columns do not make a batch.
    pub(crate) fn finish(self, absent: AbsentColumn) -> Result<Extract, IngestError> {
        let rows = self.places.len();
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for mut column in self.columns {
            pad(&mut column.values, rows);
            fields.push(Field::new(column.name, DataType::Utf8, true));
            arrays.push(Arc::new(column.values.finish()));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch =
            RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
                .map_err(|e| IngestError::internal(&e))?;
        Ok(Extract {
            batch,
            files: self.files,
            places: self.places,
            rejected: self.rejected,
            left_unknown: self.left_unknown,
            absent,
        })
    }
}

/// Fills a column with nulls up to a number of rows.
fn pad(values: &mut StringBuilder, rows: usize) {
    use arrow::array::ArrayBuilder as _;
    let missing = rows.saturating_sub(values.len());
    if missing > 0 {
        values.append_nulls(missing);
    }
}
