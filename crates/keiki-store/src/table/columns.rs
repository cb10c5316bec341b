//! The columns of a group of rows in the making: each is encoded as its values come. Of one that holds the same in all rows only
//! the value is kept, and what the group before it made of it serves again. Decision 0090.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, FieldRef};
use bytes::{Buf, Bytes};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::Result;

/// A column of a group of rows in the making.
pub(super) struct Column {
    pub(super) number: usize,
    field: FieldRef,
    writer: ArrowColumnWriter,
    state: State,
}

/// What the rows of a column hold so far.
enum State {
    /// There are none.
    Empty,
    /// The same, none of which is encoded yet.
    Same(Same),
    /// Several values, all of them encoded.
    Several,
}

/// Rows that all hold the same.
struct Same {
    value: ArrayRef,
    rows: usize,
    /// The last of them.
    last: ArrayRef,
}

impl Same {
    /// Tells whether rows are the last ones again, in memory and not only by their values.
    fn is_last(&self, rows: &ArrayRef) -> bool {
        self.last.len() >= rows.len()
            && self.last.data_type() == rows.data_type()
            && self
                .last
                .slice(0, rows.len())
                .to_data()
                .ptr_eq(&rows.to_data())
    }
}

/// A column that is complete.
pub(super) enum Ended<'k> {
    /// It was encoded; with the value where it is one, and how often that is there.
    New(Box<ArrowColumnChunk>, Option<(ArrayRef, usize)>),
    /// It is as in a group before it.
    Known(&'k Known),
}

/// A column that holds the same in all rows, as it stands in a file.
pub(super) struct Known {
    value: ArrayRef,
    rows: usize,
    encoded: Encoded,
    group: Arc<RowGroupMetaData>,
}

impl Column {
    pub(super) fn new(number: usize, field: &FieldRef, writer: ArrowColumnWriter) -> Self {
        Self {
            number,
            field: Arc::clone(field),
            writer,
            state: State::Empty,
        }
    }

    /// About what it costs to add rows: texts more than numbers, and what is the same in all of them next to nothing.
    pub(super) fn weight(&self, rows: &ArrayRef) -> usize {
        match rows.data_type() {
            _ if matches!(self.state, State::Same(..)) || rows.null_count() == rows.len() => 1,
            DataType::Utf8 => {
                let offsets = rows.as_string::<i32>().value_offsets();
                let ends = (offsets.first(), offsets.last());
                let (first, last) = (ends.0.copied().unwrap_or(0), ends.1.copied().unwrap_or(0));
                8 * rows.len() + usize::try_from(last - first).unwrap_or(0)
            }
            _ => 4 * rows.len(),
        }
    }

    /// Adds rows.
    pub(super) fn add(&mut self, rows: &ArrayRef) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        if let State::Same(same) = &mut self.state
            && same.is_last(rows)
        {
            same.rows += rows.len();
            return Ok(());
        }
        let value = match &self.state {
            State::Several => None,
            _ => only_value(rows),
        };
        let before = std::mem::replace(&mut self.state, State::Several);
        let same = |value, before| {
            State::Same(Same {
                value,
                rows: before + rows.len(),
                last: Arc::clone(rows),
            })
        };
        self.state = match (before, value) {
            (State::Empty, Some(value)) => same(value, 0),
            (State::Same(known), Some(value)) if *known.value == *value => same(value, known.rows),
            (before, _) => {
                if let State::Same(known) = before {
                    self.write_same(&known.value, known.rows)?;
                }
                self.write(rows)?;
                State::Several
            }
        };
        Ok(())
    }

    /// Ends it; `before` is what is known from groups before.
    pub(super) fn end(mut self, before: Option<&Known>) -> Result<Ended<'_>> {
        let same = match std::mem::replace(&mut self.state, State::Several) {
            State::Same(same) => Some((same.value, same.rows)),
            State::Empty | State::Several => None,
        };
        if let Some((value, rows)) = &same {
            let is_known = |known: &&Known| known.rows == *rows && *known.value == **value;
            if let Some(known) = before.filter(is_known) {
                return Ok(Ended::Known(known));
            }
            self.write_same(value, *rows)?;
        }
        Ok(Ended::New(Box::new(self.writer.close()?), same))
    }

    /// The bytes that it will take, about.
    pub(super) fn estimated_bytes(&self) -> usize {
        self.writer.get_estimated_total_bytes()
    }

    fn write_same(&mut self, value: &ArrayRef, count: usize) -> Result<()> {
        /// Rows that are made of a value at a time.
        const ROWS: usize = 32 << 10;
        let mut left = count;
        let rows = take(value, &UInt32Array::from(vec![0; left.min(ROWS)]), None)?;
        while left > 0 {
            let part = rows.slice(0, left.min(ROWS));
            left -= part.len();
            self.write(&part)?;
        }
        Ok(())
    }

    fn write(&mut self, rows: &ArrayRef) -> Result<()> {
        for leaf in compute_leaves(&self.field, rows)? {
            self.writer.write(&leaf)?;
        }
        Ok(())
    }
}

impl Known {
    /// Takes what stands of a column in a group of rows. `bytes` are those of the file from a place in it on.
    pub(super) fn new(
        (value, rows): (ArrayRef, usize),
        number: usize,
        group: &Arc<RowGroupMetaData>,
        (start, bytes): (u64, &[u8]),
    ) -> Self {
        let (first, length) = group.column(number).byte_range();
        let from = usize::try_from(first.saturating_sub(start)).unwrap_or(usize::MAX);
        let own = bytes.get(from..).unwrap_or_default();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Self {
            value,
            rows,
            encoded: Encoded {
                first,
                // A copy, so that not all of the group stays in memory with it.
                bytes: Bytes::copy_from_slice(&own[..length.min(own.len())]),
            },
            group: Arc::clone(group),
        }
    }

    /// Where it stands, and what is known of it.
    pub(super) fn column(&self, number: usize) -> (&Encoded, ColumnCloseResult) {
        (&self.encoded, closed(&self.group, number))
    }
}

/// What is known of a column of a group of rows that stands in a file.
pub(super) fn closed(group: &RowGroupMetaData, number: usize) -> ColumnCloseResult {
    let metadata = group.column(number).clone();
    ColumnCloseResult {
        bytes_written: u64::try_from(metadata.compressed_size()).unwrap_or(0),
        rows_written: u64::try_from(group.num_rows()).unwrap_or(0),
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    }
}

/// The value that all rows hold, as a column of one row.
fn only_value(rows: &ArrayRef) -> Option<ArrayRef> {
    let others = rows.len().checked_sub(1)?;
    // Each is what the one before it is.
    let is_one = rows.slice(0, others) == rows.slice(1, others);
    // A copy, so that the rows do not stay in memory with it.
    let first = || take(rows, &UInt32Array::from(vec![0]), None).ok();
    is_one.then(first).flatten()
}

/// Bytes of a file, from a place in it on.
pub(super) struct Encoded {
    pub(super) first: u64,
    pub(super) bytes: Bytes,
}

impl Encoded {
    fn from(&self, start: u64) -> Bytes {
        let start = usize::try_from(start.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.bytes.slice(start.min(self.bytes.len())..)
    }
}

impl Length for Encoded {
    fn len(&self) -> u64 {
        self.first + self.bytes.len() as u64
    }
}

impl ChunkReader for Encoded {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(self.from(start).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let bytes = self.from(start);
        Ok(bytes.slice(..length.min(bytes.len())))
    }
}

/// Of so many rows at least it is asked whether their texts repeat.
const ASKED_ROWS: usize = 4 << 10;

/// The columns of text whose first rows show that hardly a value is there twice: to look for one in a dictionary costs time
/// and saves nothing.
pub(super) fn unlike(rows: &RecordBatch) -> Vec<String> {
    if rows.num_rows() < ASKED_ROWS {
        return Vec::new();
    }
    let names = rows.schema();
    let columns = names.fields().iter().zip(rows.columns());
    let is_unlike = |column: &ArrayRef| {
        let Some(texts) = column.as_string_opt::<i32>() else {
            return false;
        };
        let asked: Vec<&str> = texts.iter().take(ASKED_ROWS).flatten().collect();
        let different: HashSet<&str> = asked.iter().copied().collect();
        different.len() * 2 > asked.len()
    };
    columns
        .filter(|(_, column)| is_unlike(column))
        .map(|(field, _)| field.name().clone())
        .collect()
}
