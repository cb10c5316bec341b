//! A column of text in the making.

use std::ops::Range;

use arrow::array::StringArray;
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::{PlainRows, trimmed};
use crate::error::IngestError;

/// A column in the making. It may be shorter than the chunk: what is missing is null. No value is the empty text, which is
/// null.
pub(super) struct ColumnBuilder {
    pub(super) name: String,
    text: Vec<u8>,
    /// Where the value of each row ends in `text`.
    pub(super) ends: Vec<i32>,
    /// The row that gave it a value last, counted from 1 through all chunks.
    pub(super) staged_in: u64,
}

impl ColumnBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: Vec::new(),
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
        self.text.extend_from_slice(value.as_bytes());
        self.push_end();
    }

    #[inline]
    fn push_end(&mut self) {
        self.ends
            .push(i32::try_from(self.text.len()).expect("a chunk is far smaller than 2 GiB"));
    }

    /// Sets a field of rows that follow so many others. Returns how many bytes the values have.
    pub(super) fn extend(
        &mut self,
        before: usize,
        rows: &PlainRows<'_>,
        field: usize,
        nulls: &[String],
    ) -> usize {
        self.pad(before);
        let first = self.text.len();
        self.ends.reserve(rows.count());
        for place in rows.fields(field) {
            append(&mut self.text, rows.text, tidy(rows.text, place, nulls));
            self.push_end();
        }
        self.text.len() - first
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
            Buffer::from_vec(text),
            Some(nulls).filter(|nulls| nulls.null_count() > 0),
        )
        .map_err(|e| IngestError::internal(&e))
    }
}

/// The part of a value that is left without the space around it; none of one that means null.
#[inline]
fn tidy(text: &[u8], place: Range<usize>, nulls: &[String]) -> Range<usize> {
    let value = &text[place.clone()];
    let ends = (value.first(), value.last());
    let is_tidy = match ends {
        (Some(first), Some(last)) => first.is_ascii_graphic() && last.is_ascii_graphic(),
        _ => true,
    };
    if is_tidy && nulls.is_empty() {
        return place;
    }
    let value = std::str::from_utf8(value).unwrap_or_default();
    let left = trimmed(value);
    let start = place.start + value.len() - value.trim_start().len();
    if left.is_empty() || nulls.iter().any(|null| null == left) {
        return start..start;
    }
    start..start + left.len()
}

/// Appends part of a text. A short one is copied together with what stands behind it, which takes no call, and cut.
#[inline]
fn append(out: &mut Vec<u8>, text: &[u8], place: Range<usize>) {
    if !append_short::<16>(out, text, &place) && !append_short::<64>(out, text, &place) {
        out.extend_from_slice(&text[place]);
    }
}

#[inline]
fn append_short<const BYTES: usize>(out: &mut Vec<u8>, text: &[u8], place: &Range<usize>) -> bool {
    let piece = text[place.start..].first_chunk::<BYTES>();
    let Some(piece) = piece.filter(|_| place.len() <= BYTES) else {
        return false;
    };
    let behind = out.len() + place.len();
    out.extend_from_slice(piece);
    out.truncate(behind);
    true
}
