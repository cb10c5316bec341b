//! Rejected rows of one reading: the first of them in memory, the others, where they are many, in a temporary file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use keiki_model::evidence::RejectedRow;

use crate::error::{Result, StoreError, on_file};

/// So many of them are listed at once, and are in memory; who wants the others finds them in the journal.
const LISTED: usize = 50_000;

/// Rows that are written, and read again, at a time.
const SLICE_ROWS: usize = 8_192;

/// Rejected rows of one reading.
#[derive(Debug, Clone)]
pub(crate) struct RejectedRows {
    folder: PathBuf,
    listed: Vec<RejectedRow>,
    /// Rows after those that are listed, not yet in the file.
    held: Vec<RejectedRow>,
    file: Option<Arc<Mutex<File>>>,
    /// Offset and length of the slices in the file.
    slices: Vec<(u64, usize)>,
    end: u64,
    written: u64,
    has_unreadable: bool,
}

impl RejectedRows {
    /// None yet; a temporary file would be made in `folder`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            listed: Vec::new(),
            held: Vec::new(),
            file: None,
            slices: Vec::new(),
            end: 0,
            written: 0,
            has_unreadable: false,
        }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub(crate) fn add(&mut self, rows: impl IntoIterator<Item = RejectedRow>) -> Result<()> {
        for row in rows {
            self.has_unreadable |= row.record_key.is_none();
            if self.listed.len() < LISTED {
                self.listed.push(row);
                continue;
            }
            self.held.push(row);
            if self.held.len() == SLICE_ROWS {
                self.spill()?;
            }
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        let file = if let Some(file) = &self.file {
            Arc::clone(file)
        } else {
            std::fs::create_dir_all(&self.folder).map_err(on_file(&self.folder))?;
            let file = tempfile::tempfile_in(&self.folder).map_err(on_file(&self.folder))?;
            Arc::clone(self.file.insert(Arc::new(Mutex::new(file))))
        };
        let slice = serde_json::to_vec(&self.held).map_err(|e| damaged(&e))?;
        file.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&slice)
            .map_err(on_file(&self.folder))?;
        self.slices.push((self.end, slice.len()));
        self.end += slice.len() as u64;
        self.written += self.held.len() as u64;
        self.held.clear();
        Ok(())
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        (self.listed.len() + self.held.len()) as u64 + self.written
    }

    /// Whether the key of any could not be read.
    pub(crate) fn has_unreadable(&self) -> bool {
        self.has_unreadable
    }

    /// The first of them.
    pub(crate) fn listed(&self) -> &[RejectedRow] {
        &self.listed
    }

    /// Brings those that are listed into an order.
    pub(crate) fn sort_listed(&mut self, sort: impl FnOnce(&mut [RejectedRow])) {
        sort(&mut self.listed);
    }

    /// How many slices `slice` knows.
    pub(crate) fn slice_count(&self) -> usize {
        self.slices.len() + 2
    }

    /// A part of all rows.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub(crate) fn slice(&self, number: usize) -> Result<std::borrow::Cow<'_, [RejectedRow]>> {
        if number == 0 {
            return Ok(self.listed.as_slice().into());
        }
        let (Some((offset, length)), Some(file)) = (self.slices.get(number - 1), &self.file) else {
            return Ok(self.held.as_slice().into());
        };
        let mut slice = vec![0; *length];
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(*offset))
            .and_then(|_| file.read_exact(&mut slice))
            .map_err(on_file(&self.folder))?;
        let rows: Vec<RejectedRow> = serde_json::from_slice(&slice).map_err(|e| damaged(&e))?;
        Ok(rows.into())
    }
}

fn damaged(error: &serde_json::Error) -> StoreError {
    StoreError::damaged(
        format!("取込エラー行を保存できません: {error}"),
        format!("rejected rows cannot be kept: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use keiki_model::evidence::Reason;

    #[test]
    fn many_rows_come_back_in_the_order_in_which_they_were_added() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut rows = RejectedRows::new(folder.path().join("spill"));
        let count = LISTED + SLICE_ROWS * 2 + 7;
        let row = |number: usize| RejectedRow {
            file: "a.csv".to_owned(),
            row: number as u64,
            record_key: (number != 3).then(|| number.to_string()),
            reason: Reason::MissingValue {
                column: "name".to_owned(),
            },
        };
        for number in 0..count {
            rows.add([row(number)]).expect("it can be kept");
        }
        assert_eq!(rows.count(), count as u64);
        assert!(rows.has_unreadable());
        let mut found = 0;
        for slice in 0..rows.slice_count() {
            for kept in rows.slice(slice).expect("it can be read").as_ref() {
                assert_eq!(*kept, row(found));
                found += 1;
            }
        }
        assert_eq!(found, count);
    }
}
