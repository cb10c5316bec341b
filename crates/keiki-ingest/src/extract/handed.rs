//! What is handed on: rows as they stood in their files, or lines that are yet to be read.

use std::sync::Arc;

use arrow::array::RecordBatch;
use keiki_model::evidence::Reason;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::lines::Block;

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
    /// Number of the row in its chunk, from 0.
    pub(crate) row: usize,
    /// The dataset's column.
    pub(crate) column: &'static str,
    /// Why.
    pub(crate) why: Text,
}

/// Says whether further chunks may have further columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    /// They may.
    Growing,
    /// All columns of the reading are known.
    Complete,
}

/// Some rows of a reading as they stood in its files.
#[derive(Debug)]
pub(crate) struct Extract {
    /// *Shape*: every column is nullable text without surrounding space; empty is null. A column that one
    /// chunk has all later ones have too, at the same place.
    pub(crate) batch: RecordBatch,
    /// The files so far, as the user knows them.
    pub(crate) files: Arc<Vec<String>>,
    /// Per row of the batch, where it stood.
    pub(crate) places: Vec<RowPlace>,
    /// The rows that could not be read.
    pub(crate) rejected: Vec<(RowPlace, Reason)>,
    /// Values that are null because they are not stated well enough.
    pub(crate) left_unknown: Vec<LeftUnknown>,
    /// The last lines of files that do not end.
    pub(crate) open_ends: Vec<RowPlace>,
    /// How many rows of the reading come before.
    pub(crate) first_row: usize,
    /// Whether further chunks may have further columns.
    pub(crate) columns: Columns,
}

/// Lines of a file, each with a record, as they stand in it: whoever takes them reads them, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) block: Block,
    /// The files so far, as the user knows them; the lines are of the last.
    pub(crate) files: Arc<Vec<String>>,
    /// How many rows of the reading come before at most.
    pub(crate) first_row: usize,
}

/// Takes what is read of a reading, a chunk at a time; what it fails with ends the reading.
pub(crate) trait Take {
    /// Takes rows.
    fn rows(&mut self, extract: Extract) -> Result<(), IngestError>;

    /// Whether it takes lines too, and reads them itself.
    fn takes_lines(&self) -> bool {
        false
    }

    /// Takes lines that are not read yet.
    fn lines(&mut self, lines: Lines) -> Result<(), IngestError> {
        drop(lines);
        Err(IngestError::internal(&"nobody reads the lines"))
    }
}

impl<F: FnMut(Extract) -> Result<(), IngestError>> Take for F {
    fn rows(&mut self, extract: Extract) -> Result<(), IngestError> {
        self(extract)
    }
}
