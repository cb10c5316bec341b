//! Writes fetched rows as a JSON array of objects, which the JSON reader takes up; an array that was
//! not ended is no evidence.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::limits::Quantity;
use crate::place::InputFile;

use super::error::FetchError;
use super::{Amount, Request};

/// The file to which rows are written.
pub(crate) struct RowsFile<'r> {
    request: &'r Request<'r>,
    system: String,
    name: String,
    path: PathBuf,
    out: BufWriter<File>,
    count: usize,
    bytes: usize,
}

impl<'r> RowsFile<'r> {
    /// Begins a file of rows.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn create(
        request: &'r Request<'r>,
        system: &str,
        name: &str,
    ) -> Result<Self, FetchError> {
        let path = request.folder.join(name);
        let file = File::create(&path).map_err(FetchError::file(&path))?;
        let mut rows = Self {
            request,
            system: system.to_owned(),
            name: format!("{}:{name}", request.source),
            path,
            out: BufWriter::new(file),
            count: 0,
            bytes: 0,
        };
        rows.write(b"[")?;
        Ok(rows)
    }

    /// Adds a row. Breaks once there are as many as were asked for.
    ///
    /// # Errors
    /// More rows or bytes than the limits, or it cannot be written.
    pub(crate) fn push(&mut self, row: &Map<String, Value>) -> Result<ControlFlow<()>, FetchError> {
        let text = serde_json::to_string(row).map_err(|e| FetchError::unusable(&self.system, e))?;
        self.push_text(&text)
    }

    /// Adds a row that is JSON already, as it is.
    ///
    /// # Errors
    /// As for `push`.
    pub(crate) fn push_text(&mut self, row: &str) -> Result<ControlFlow<()>, FetchError> {
        let limits = self.request.limits;
        if self.count >= limits.row_count {
            let limit = limits.row_count as u64;
            return Err(FetchError::limit(&self.system, Quantity::Rows, limit));
        }
        self.bytes += row.len();
        if self.bytes > limits.fetch_bytes {
            let limit = limits.fetch_bytes as u64;
            return Err(FetchError::limit(&self.system, Quantity::Bytes, limit));
        }
        // The bracket stands beside the first row: a row on a line of its own would be taken for NDJSON.
        self.write(if self.count == 0 { b"" } else { b",\n" })?;
        self.write(row.as_bytes())?;
        self.count += 1;
        Ok(match self.request.amount {
            Amount::Sample(wanted) if self.count >= wanted => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    }

    /// Ends the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn finish(mut self) -> Result<InputFile, FetchError> {
        self.write(b"]\n")?;
        self.out.flush().map_err(FetchError::file(&self.path))?;
        Ok(InputFile::new(self.name, self.path))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.out
            .write_all(bytes)
            .map_err(FetchError::file(&self.path))
    }
}
