//! A column of text in the making.

use arrow::array::StringArray;
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::error::IngestError;

/// A column in the making. It may be shorter than the chunk: what is missing is null. No value is the empty text, which is
/// null.
pub(super) struct ColumnBuilder {
    pub(super) name: String,
    text: String,
    /// Where the value of each row ends in `text`.
    pub(super) ends: Vec<i32>,
    /// The row that gave it a value last, counted from 1 through all chunks.
    pub(super) staged_in: u64,
}

impl ColumnBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: String::new(),
            ends: Vec::new(),
            staged_in: 0,
        }
    }

    fn end(&self) -> i32 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Sets the value of the row of that number.
    #[inline]
    pub(super) fn push(&mut self, row: usize, value: &str) {
        if self.ends.len() < row {
            self.pad(row);
        }
        self.text.push_str(value);
        self.ends
            .push(i32::try_from(self.text.len()).expect("a chunk is far smaller than 2 GiB"));
    }

    /// Takes values back that are behind so many rows.
    pub(super) fn cut(&mut self, rows: usize) {
        if self.ends.len() > rows {
            self.ends.truncate(rows);
            self.text
                .truncate(usize::try_from(self.end()).expect("ends are positive"));
        }
    }

    /// Fills up with nulls to a number of rows.
    fn pad(&mut self, rows: usize) {
        if self.ends.len() < rows {
            let end = self.end();
            self.ends.resize(rows, end);
        }
    }

    /// Hands out the values of so many rows, and is empty.
    pub(super) fn take(&mut self, rows: usize) -> Result<StringArray, IngestError> {
        self.pad(rows);
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        let is_valid = |row: usize| offsets[row] < offsets[row + 1];
        let nulls = NullBuffer::new(BooleanBuffer::collect_bool(rows, is_valid));
        let text = std::mem::take(&mut self.text);
        self.text.reserve(text.len());
        StringArray::try_new(
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Buffer::from_vec(text.into_bytes()),
            Some(nulls).filter(|nulls| nulls.null_count() > 0),
        )
        .map_err(|e| IngestError::internal(&e))
    }
}
