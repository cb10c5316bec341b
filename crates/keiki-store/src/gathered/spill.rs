//! Rows by bucket in a temporary file that has no name: it is gone when it is closed, also where the program is killed.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::error::{Result, on_file};
use crate::heads::{BUCKETS, fold, unfold};

/// A temporary file with blocks of rows, each of one bucket.
#[derive(Debug)]
pub(crate) struct Spill {
    folder: PathBuf,
    schema: SchemaRef,
    file: Mutex<File>,
    /// Per bucket, its blocks in order.
    blocks: Vec<Vec<Block>>,
    end: u64,
}

/// Rows of one bucket: where the hashes of their keys and days stand, and the rows behind them.
#[derive(Debug, Clone, Copy)]
struct Block {
    offset: u64,
    hashes: usize,
    rows: usize,
}

impl Spill {
    /// Opens an empty one in a folder, which is made where there is none.
    pub(crate) fn create(folder: &Path, schema: SchemaRef) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(on_file(folder))?;
        let file = tempfile::tempfile_in(folder).map_err(on_file(folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            schema,
            file: Mutex::new(file),
            blocks: vec![Vec::new(); BUCKETS],
            end: 0,
        })
    }

    /// Adds rows of one bucket, and the hashes of their keys and days.
    pub(crate) fn write(
        &mut self,
        bucket: usize,
        rows: &RecordBatch,
        hashes: impl Iterator<Item = u64>,
    ) -> Result<()> {
        let mut block: Vec<u8> = hashes.flat_map(u64::to_le_bytes).collect();
        let hashes = block.len();
        let rows = fold(rows)?;
        let mut writer = StreamWriter::try_new(&mut block, &rows.schema())?;
        writer.write(&rows)?;
        writer.finish()?;
        drop(writer);
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&block).map_err(on_file(&self.folder))?;
        self.blocks[bucket].push(Block {
            offset: self.end,
            hashes,
            rows: block.len() - hashes,
        });
        self.end += block.len() as u64;
        Ok(())
    }

    /// Reads the rows of a bucket, in the order in which they were added.
    pub(crate) fn read(&self, bucket: usize) -> Result<Vec<RecordBatch>> {
        let mut rows = Vec::new();
        for block in &self.blocks[bucket] {
            let bytes = self.bytes(block.offset + block.hashes as u64, block.rows)?;
            for batch in StreamReader::try_new(Cursor::new(bytes), None)? {
                rows.push(unfold(&batch?, &self.schema)?);
            }
        }
        Ok(rows)
    }

    /// Reads the hashes of the keys and days of a bucket's rows.
    pub(crate) fn hashes(&self, bucket: usize) -> Result<Vec<u64>> {
        let mut hashes = Vec::new();
        for block in &self.blocks[bucket] {
            let bytes = self.bytes(block.offset, block.hashes)?;
            let words = bytes.chunks_exact(size_of::<u64>());
            hashes.extend(words.filter_map(|word| Some(u64::from_le_bytes(word.try_into().ok()?))));
        }
        Ok(hashes)
    }

    fn bytes(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(on_file(&self.folder))?;
        Ok(bytes)
    }
}
