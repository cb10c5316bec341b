//! A table larger than a file, dealt out by record: what one entry brings in and a later one takes out comes into the same file.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

use crate::error::Result;
use crate::gathered::Spill;
use crate::heads::{BUCKETS, by_bucket};
use crate::scan::EntryFile;
use crate::schema::plain;
use crate::table::{Table, conform};

/// Rows in a temporary file, by part. *Shape*: the parts of a record's rows are one.
pub(super) struct Parted {
    spill: Spill,
    schema: SchemaRef,
    parts: usize,
}

/// A table is dealt out again where this part of its rows, at least, came since it was.
const WORTH_PARTING: u64 = 8;

/// Tells whether files are worth being dealt out: they do not fit into one, and records may lie in several.
pub(super) fn is_worth_parting(files: &[EntryFile], file_rows: u64) -> bool {
    let total: u64 = files.iter().map(|file| file.rows).sum();
    let like = |one: &EntryFile| {
        let alike = files
            .iter()
            .filter(|file| (file.first_seq, file.last_seq) == (one.first_seq, one.last_seq));
        alike.map(|file| file.rows).sum::<u64>()
    };
    let together = files.iter().map(like).max().unwrap_or(0);
    total > file_rows && (total - together) * WORTH_PARTING >= total
}

impl Parted {
    /// Reads files and deals their rows out to parts of about so many rows.
    pub(super) async fn new(
        table: &Table,
        files: &[EntryFile],
        schema: &SchemaRef,
        folder: &Path,
        file_rows: u64,
    ) -> Result<Self> {
        let total: u64 = files.iter().map(|file| file.rows).sum();
        let parts = usize::try_from(total.div_ceil(file_rows.max(1))).unwrap_or(BUCKETS);
        let parts = parts.clamp(1, BUCKETS);
        let texts = plain(schema);
        let mut spill = Spill::create(folder, SchemaRef::clone(&texts))?;
        for file in files {
            for rows in table.read(&file.path).await? {
                let (_, buckets) = by_bucket(conform(&rows, &texts)?)?;
                for of_part in
                    buckets.chunk_by(|(a, _), (b, _)| a * parts / BUCKETS == b * parts / BUCKETS)
                {
                    let rows = concat_batches(&texts, of_part.iter().map(|(_, rows)| rows))?;
                    spill.write(of_part[0].0 * parts / BUCKETS, &rows, std::iter::empty())?;
                }
            }
        }
        Ok(Self {
            spill,
            schema: SchemaRef::clone(schema),
            parts,
        })
    }

    /// How many parts there are.
    pub(super) fn len(&self) -> usize {
        self.parts
    }

    /// The rows of a part, in the order in which they were read.
    pub(super) fn rows(&self, part: usize) -> Result<RecordBatch> {
        let rows = self.spill.read(part)?;
        let rows = rows.iter().map(|rows| conform(rows, &self.schema));
        let rows = rows.collect::<Result<Vec<_>>>()?;
        Ok(concat_batches(&self.schema, &rows)?)
    }
}
