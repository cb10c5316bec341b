//! What a reader of any kind hands on, a chunk at a time: text columns, the place of each row, and the
//! rows that could not be read.

mod column;
mod handed;
mod plain;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};
use keiki_model::evidence::Reason;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::limits::{Limits, Quantity};
use crate::lines::Block;
use column::ColumnBuilder;
pub(crate) use handed::{AbsentColumn, Columns, Extract, LeftUnknown, Lines, RowPlace, Take};
pub(crate) use plain::PlainRows;

/// Begins the names of fields that stand around records.
const AROUND: &str = "$.";

/// How many columns that nobody asked for are noted.
const UNREAD_SHOWN: usize = 200;

/// Puts a reading together, row by row: values are staged, then the row is accepted or rejected as a
/// whole. Whenever a chunk is full, it is handed on.
pub(crate) struct ExtractBuilder<'a> {
    nulls: &'a [String],
    limits: &'a Limits,
    wanted: &'a BTreeSet<String>,
    take: &'a mut (dyn Take + 'a),
    unread: BTreeSet<String>,
    /// Whether the mapping asks for fields that stand around records, and how many levels of them are open.
    wants_around: bool,
    held: usize,
    columns: Vec<ColumnBuilder>,
    numbers: HashMap<String, usize>,
    /// The column that was asked for last.
    last_column: usize,
    /// Text that is staged.
    staged_bytes: usize,
    /// Number of the row that is being read, rejected ones included.
    row: u64,
    /// Text in the chunk.
    bytes: usize,
    files: Arc<Vec<String>>,
    places: Vec<RowPlace>,
    rejected: Vec<(RowPlace, Reason)>,
    left_unknown: Vec<LeftUnknown>,
    open_ends: Vec<RowPlace>,
    first_row: usize,
    are_columns: Columns,
}

impl<'a> ExtractBuilder<'a> {
    pub(crate) fn new(
        nulls: &'a [String],
        limits: &'a Limits,
        wanted: &'a BTreeSet<String>,
        take: &'a mut (dyn Take + 'a),
    ) -> Self {
        Self {
            nulls,
            limits,
            wanted,
            take,
            unread: BTreeSet::new(),
            wants_around: wanted.iter().any(|name| name.starts_with(AROUND)),
            held: 0,
            columns: Vec::new(),
            numbers: HashMap::new(),
            last_column: 0,
            staged_bytes: 0,
            row: 0,
            bytes: 0,
            files: Arc::default(),
            places: Vec::new(),
            rejected: Vec::new(),
            left_unknown: Vec::new(),
            open_ends: Vec::new(),
            first_row: 0,
            are_columns: Columns::Growing,
        }
    }

    /// Goes on in the last of some files, behind so many rows.
    pub(crate) fn go_on(&mut self, files: Arc<Vec<String>>, first_row: usize) {
        self.files = files;
        self.first_row = first_row;
    }

    /// Whether lines can be left to be read by whoever takes them.
    pub(crate) fn leaves_lines(&self) -> bool {
        self.take.takes_lines()
    }

    /// Leaves lines of the file to be read by whoever takes them.
    ///
    /// # Errors
    /// Whoever takes them fails.
    pub(crate) fn leave(&mut self, block: Block) -> Result<(), IngestError> {
        if !self.places.is_empty() || !self.rejected.is_empty() {
            self.hand_on()?;
        }
        let first_row = self.first_row;
        self.first_row += block.lines;
        self.take.lines(Lines {
            block,
            files: Arc::clone(&self.files),
            first_row,
        })
    }

    /// The number of rows that are accepted.
    pub(crate) fn row_count(&self) -> usize {
        self.first_row + self.places.len()
    }

    /// Returns the number of a column if the mapping may ask for it: a document of many fields costs
    /// what is used of it.
    ///
    /// # Errors
    /// More columns than the limit.
    pub(crate) fn wanted_column(&mut self, name: &str) -> Result<Option<usize>, IngestError> {
        if self.known_column(name).is_some() || self.wanted.contains(name) {
            return self.column(name).map(Some);
        }
        if self.unread.len() < UNREAD_SHOWN && !self.unread.contains(name) {
            self.unread.insert(name.to_owned());
        }
        Ok(None)
    }

    /// Columns that the evidence has and the mapping does not ask for, which were not kept.
    pub(crate) fn unread(&self) -> impl Iterator<Item = &String> {
        self.unread.iter()
    }

    /// Holds the text that stands around records against the limit of a record.
    ///
    /// # Errors
    /// It is more.
    pub(crate) fn check_around(&self, bytes: usize) -> Result<(), IngestError> {
        if bytes > self.limits.record_bytes {
            return Err(self.too_large(Quantity::AroundBytes, self.limits.record_bytes));
        }
        Ok(())
    }

    /// Gives a value to a column of all accepted rows from a row on; where the column has one in
    /// any of them, that one is meant.
    ///
    /// # Errors
    /// Some of the rows are handed on already.
    pub(crate) fn fill(
        &mut self,
        number: usize,
        from: usize,
        value: &str,
    ) -> Result<(), IngestError> {
        let value = value.trim();
        if value.is_empty() || self.nulls.iter().any(|null| null == value) {
            return Ok(());
        }
        let rows = self.places.len();
        let Some(from) = from.checked_sub(self.first_row) else {
            return Err(self.too_large(Quantity::HeldRows, self.limits.held_rows));
        };
        let bytes = value.len() * rows.saturating_sub(from);
        if self.bytes + bytes > self.limits.held_bytes * 2 {
            return Err(self.too_large(Quantity::HeldBytes, self.limits.held_bytes));
        }
        let column = &mut self.columns[number];
        if column.ends.len() <= from {
            for row in from..rows {
                column.push(row, value);
            }
            self.bytes += bytes;
        }
        Ok(())
    }

    /// Begins a file; the rows that follow are its.
    pub(crate) fn begin_file(&mut self, name: &str) {
        Arc::make_mut(&mut self.files).push(name.to_owned());
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
        if let Some(number) = self.known_column(name) {
            self.last_column = number;
            return Ok(number);
        }
        let number = self.columns.len();
        if number >= self.limits.column_count {
            return Err(self.too_large(Quantity::Columns, self.limits.column_count));
        }
        self.numbers.insert(name.to_owned(), number);
        self.columns.push(ColumnBuilder::new(name));
        self.last_column = number;
        Ok(number)
    }

    /// The number of a column that there is already.
    fn known_column(&self, name: &str) -> Option<usize> {
        // Records mostly name their fields in the order of the record before.
        let next = self.last_column + 1;
        let likely = if next < self.columns.len() { next } else { 0 };
        if self.columns.get(likely).is_some_and(|c| c.name == name) {
            return Some(likely);
        }
        self.numbers.get(name).copied()
    }

    /// Says that no further column will come. A fault of the mapping then shows with the first chunk and
    /// not only at the end of the files.
    pub(crate) fn complete_columns(&mut self) {
        self.are_columns = Columns::Complete;
    }

    /// Stages a value for the row that is being read. Returns false if the row has one for this
    /// column already.
    #[must_use]
    #[inline]
    pub(crate) fn stage(&mut self, number: usize, value: &str) -> bool {
        let column = &mut self.columns[number];
        let row = self.row + 1;
        if column.staged_in == row {
            return false;
        }
        column.staged_in = row;
        let value = trimmed(value);
        if !value.is_empty() && !self.nulls.iter().any(|null| null == value) {
            column.push(self.places.len(), value);
            self.staged_bytes += value.len();
        }
        true
    }

    /// Accepts the row that was staged, and hands the chunk on if it is full.
    ///
    /// # Errors
    /// More rows than the limit, or whoever takes the chunk fails.
    pub(crate) fn accept(&mut self, row: u64) -> Result<(), IngestError> {
        if self.first_row + self.places.len() >= self.limits.row_count {
            return Err(self.too_large(Quantity::Rows, self.limits.row_count));
        }
        self.bytes += std::mem::take(&mut self.staged_bytes);
        self.places.push(self.place(row));
        self.row += 1;
        self.hand_on_if_full()
    }

    /// How many rows can be accepted before the chunk is full or there are too many.
    pub(crate) fn room(&self) -> usize {
        let rows = self.places.len() + self.rejected.len();
        let left = self.limits.row_count.saturating_sub(self.row_count());
        self.limits.chunk_rows.saturating_sub(rows).min(left)
    }

    /// Accepts rows for which there is room, the first of which stands in that line, and hands the chunk on if it is full.
    /// `columns` are the numbers of their fields' columns, none of them twice.
    ///
    /// # Errors
    /// Whoever takes the chunk fails.
    pub(crate) fn accept_plain(
        &mut self,
        line: u64,
        rows: &PlainRows<'_>,
        columns: &[usize],
    ) -> Result<(), IngestError> {
        let before = self.places.len();
        for (field, number) in columns.iter().enumerate() {
            self.bytes += self.columns[*number].extend(before, rows, field, self.nulls);
        }
        let first = self.place(line);
        let places = (line..).take(rows.count());
        self.places
            .extend(places.map(|row| RowPlace { row, ..first }));
        self.row += rows.count() as u64;
        self.hand_on_if_full()
    }

    fn hand_on_if_full(&mut self) -> Result<(), IngestError> {
        let rows = self.places.len() + self.rejected.len();
        let (most_rows, most_bytes) = if self.held > 0 {
            (self.limits.held_rows, self.limits.held_bytes)
        } else {
            (self.limits.chunk_rows, self.limits.chunk_bytes)
        };
        if rows >= most_rows || self.bytes >= most_bytes {
            self.hand_on()?;
        }
        Ok(())
    }

    /// Holds rows back, as far as limits allow, until they are released as often as they are held:
    /// fields that stand behind them may be theirs.
    pub(crate) fn hold(&mut self) {
        self.held += usize::from(self.wants_around);
    }

    /// Ends what `hold` began.
    ///
    /// # Errors
    /// Whoever takes the chunk fails.
    pub(crate) fn release(&mut self) -> Result<(), IngestError> {
        self.held = self.held.saturating_sub(1);
        self.hand_on_if_full()
    }

    /// Rejects the row that is being read, and hands the chunk on if it is full.
    ///
    /// # Errors
    /// Whoever takes the chunk fails.
    pub(crate) fn reject(&mut self, row: u64, reason: Reason) -> Result<(), IngestError> {
        let number = self.places.len();
        for column in &mut self.columns {
            column.cut(number);
        }
        self.staged_bytes = 0;
        self.left_unknown.retain(|left| left.row < number);
        self.rejected.push((self.place(row), reason));
        self.row += 1;
        self.hand_on_if_full()
    }

    /// Notes that a value of the row that is being read is not stated well enough to use.
    pub(crate) fn leave_unknown(&mut self, column: &'static str, why: Text) {
        let row = self.places.len();
        self.left_unknown.push(LeftUnknown { row, column, why });
    }

    /// Notes that the file that is being read stops within its last line.
    pub(crate) fn end_openly(&mut self, row: u64) {
        self.open_ends.push(self.place(row));
    }

    /// The error for more than a limit in the file that is being read.
    pub(crate) fn too_large(&self, what: Quantity, limit: usize) -> IngestError {
        IngestError::TooLarge {
            file: self.file_name().to_owned(),
            what,
            limit,
        }
    }

    /// Ends the reading: hands on what is left, be it no row at all.
    ///
    /// # Errors
    /// Whoever takes the chunk fails.
    pub(crate) fn finish(mut self) -> Result<(), IngestError> {
        self.hand_on()
    }

    fn hand_on(&mut self) -> Result<(), IngestError> {
        let places = std::mem::take(&mut self.places);
        let rows = places.len();
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            fields.push(Field::new(&column.name, DataType::Utf8, true));
            arrays.push(Arc::new(column.take(rows)?));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch =
            RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
                .map_err(|e| IngestError::internal(&e))?;
        let first_row = self.first_row;
        self.first_row += rows;
        self.bytes = 0;
        self.take.rows(Extract {
            batch,
            files: Arc::clone(&self.files),
            places,
            rejected: std::mem::take(&mut self.rejected),
            left_unknown: std::mem::take(&mut self.left_unknown),
            open_ends: std::mem::take(&mut self.open_ends),
            first_row,
            columns: self.are_columns,
        })
    }
}

/// A value without the space around it, which most have not.
#[inline]
pub(crate) fn trimmed(value: &str) -> &str {
    match value.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => value,
        _ => value.trim(),
    }
}
