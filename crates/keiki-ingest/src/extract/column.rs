//! A column of text in the making.

use arrow::array::StringArray;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::error::IngestError;

/// A column in the making. It may be shorter than the chunk: what is missing is null.
pub(super) struct ColumnBuilder {
    pub(super) name: String,
    text: String,
    /// Where the value of each row ends in `text`.
    pub(super) ends: Vec<i32>,
    is_valid: Vec<bool>,
    pub(super) staged_in: Option<u64>,
}

impl ColumnBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: String::new(),
            ends: Vec::new(),
            is_valid: Vec::new(),
            staged_in: None,
        }
    }

    fn end(&self) -> i32 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Sets the value of the row of that number.
    pub(super) fn push(&mut self, row: usize, value: &str) {
        self.pad(row);
        self.text.push_str(value);
        self.ends
            .push(i32::try_from(self.text.len()).expect("a chunk is far smaller than 2 GiB"));
        self.is_valid.push(true);
    }

    /// Takes the last value back.
    pub(super) fn pop(&mut self) {
        self.ends.pop();
        self.is_valid.pop();
        self.text
            .truncate(usize::try_from(self.end()).expect("ends are positive"));
    }

    /// Fills up with nulls to a number of rows.
    fn pad(&mut self, rows: usize) {
        if self.ends.len() < rows {
            let end = self.end();
            self.ends.resize(rows, end);
            self.is_valid.resize(rows, false);
        }
    }

    /// Hands out the values of so many rows, and is empty.
    pub(super) fn take(&mut self, rows: usize) -> Result<StringArray, IngestError> {
        self.pad(rows);
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        let is_valid = std::mem::take(&mut self.is_valid);
        let nulls = is_valid
            .contains(&false)
            .then(|| NullBuffer::from(is_valid));
        let text = std::mem::take(&mut self.text);
        self.text.reserve(text.len());
        StringArray::try_new(
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Buffer::from_vec(text.into_bytes()),
            nulls,
        )
        .map_err(|e| IngestError::internal(&e))
    }
}
