//! Rows by bucket in a temporary file that has no name: it is gone when it is closed, also where the program is killed.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::error::{Result, on_file};
use crate::heads::BUCKETS;

/// A temporary file with blocks of rows, each of one bucket.
#[derive(Debug)]
pub(super) struct Spill {
    folder: PathBuf,
    file: Mutex<File>,
    /// Per bucket, offset and length of its blocks, in order.
    blocks: Vec<Vec<(u64, usize)>>,
    end: u64,
}

impl Spill {
    /// Opens an empty one in a folder, which is made where there is none.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(on_file(folder))?;
        let file = tempfile::tempfile_in(folder).map_err(on_file(folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            file: Mutex::new(file),
            blocks: vec![Vec::new(); BUCKETS],
            end: 0,
        })
    }

    /// Adds rows of one bucket.
    pub(super) fn write(&mut self, bucket: usize, rows: &RecordBatch) -> Result<()> {
        let mut block = Vec::new();
        let mut writer = StreamWriter::try_new(&mut block, &rows.schema())?;
        writer.write(rows)?;
        writer.finish()?;
        drop(writer);
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&block).map_err(on_file(&self.folder))?;
        self.blocks[bucket].push((self.end, block.len()));
        self.end += block.len() as u64;
        Ok(())
    }

    /// Reads the rows of a bucket, in the order in which they were added.
    pub(super) fn read(&self, bucket: usize) -> Result<Vec<RecordBatch>> {
        let mut rows = Vec::new();
        for (offset, length) in &self.blocks[bucket] {
            let mut block = vec![0; *length];
            {
                let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(*offset))
                    .and_then(|_| file.read_exact(&mut block))
                    .map_err(on_file(&self.folder))?;
            }
            for batch in StreamReader::try_new(Cursor::new(block), None)? {
                rows.push(batch?);
            }
        }
        Ok(rows)
    }
}
