//! Rows that stand on end in a text, with a field for each column.

use std::ops::Range;

/// Rows of as many fields as there are columns, as they stand in a text. *Source*: decision 0118.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PlainRows<'r> {
    /// *Shape*: UTF-8 up to the end of the last row.
    pub(crate) text: &'r [u8],
    /// Where each field ends, row by row.
    pub(crate) ends: &'r [usize],
    /// How many fields each row has.
    pub(crate) columns: usize,
    /// How many bytes end a row; between two fields there is one.
    pub(crate) mark_bytes: usize,
}

impl PlainRows<'_> {
    /// How many they are.
    pub(crate) fn count(&self) -> usize {
        self.ends.len() / self.columns
    }

    /// Where a field stands, row by row.
    pub(super) fn fields(&self, number: usize) -> impl Iterator<Item = Range<usize>> {
        let mut row = 0;
        let rows = self.ends.chunks_exact(self.columns);
        rows.map(move |ends| {
            let start = match number {
                0 => row,
                _ => ends[number - 1] + 1,
            };
            row = ends[self.columns - 1] + self.mark_bytes;
            start..ends[number]
        })
    }
}
