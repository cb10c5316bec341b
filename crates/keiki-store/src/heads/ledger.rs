//! Heads that are rows of the ledger: what a first load says is in its file of assertions already, and is not written a second
//! time. Who needs the heads by bucket has them put there first. Decision 0110.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use keiki_model::calendar::Day;
use keiki_model::dataset::Dataset;
use object_store::ObjectStore;
use object_store::path::Path as ObjectPath;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tokio::runtime::Handle;

use super::{BUCKETS, Heads, Manifest, by_bucket};
use crate::error::Result;
use crate::gathered::Spill;
use crate::parallel;
use crate::table::Table;

/// A file of assertions whose rows are the heads of a source: each says something of a record of its own, and nothing was said
/// before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// The file, in the table of assertions.
    pub(crate) file: String,
    pub(crate) rows: u64,
    pub(crate) source: String,
    /// The day from which all of its rows hold.
    pub(crate) day: Day,
}

/// Rows of the ledger that are held in memory while they are put into buckets; more go to a temporary file. *Units*: bytes.
const MEMORY_BYTES: usize = 128 << 20;

impl Heads {
    /// Tells whether the list of a dataset's heads names a file of the ledger. No heads are read for that.
    pub(crate) async fn are_of_ledger(
        store: &dyn ObjectStore,
        root: &ObjectPath,
        dataset: &Dataset,
    ) -> Result<bool> {
        let folder = super::root(root).join(dataset.name.as_str());
        Ok(Manifest::read(store, &folder).await?.ledger.is_some())
    }

    /// The file of the ledger whose rows are heads.
    pub(crate) fn ledger(&self) -> Option<&Ledger> {
        self.manifest.ledger.as_ref()
    }

    /// Tells whether so much lies over the rows of the ledger that all of it is to be put into buckets.
    pub(crate) fn are_much(&self) -> bool {
        super::is_much(&self.manifest)
    }

    /// The later rows that stand over others.
    pub(crate) fn over(&self) -> impl Iterator<Item = &RecordBatch> {
        self.later.values().flatten()
    }

    /// The heads without anything, to be built anew.
    pub(crate) fn emptied(self) -> Self {
        let manifest = Manifest {
            shape: self.manifest.shape,
            ..Manifest::default()
        };
        Self {
            manifest,
            later: std::collections::HashMap::new(),
            unwritten: Vec::new(),
            ..self
        }
    }

    /// Takes the place of heads of the ledger by those of them that matter to a commit: the others are as its rows have them.
    /// *Shape*: the schema of heads.
    pub(crate) fn stand_on(&mut self, matter: &[RecordBatch]) -> Result<()> {
        self.stands_on_some = true;
        for rows in matter.iter().rev() {
            for (bucket, rows) in by_bucket(rows.clone())?.1 {
                self.later.entry(bucket).or_default().insert(0, rows);
            }
        }
        Ok(())
    }

    /// Puts the rows of the ledger into the files of their buckets, so that any bucket can be had. *Shape*: `table` holds the
    /// assertions.
    pub(crate) async fn part(mut self, table: &Table, folder: &Path) -> Result<Self> {
        let Some(ledger) = self.manifest.ledger.take() else {
            return Ok(self);
        };
        let mut parts = Parts {
            held: vec![Vec::new(); BUCKETS],
            bytes: 0,
            spill: None,
            folder,
        };
        let mut rows = table.rows_of(&ledger.file).await?;
        while let Some(rows) = rows.next().await? {
            parts.add(crate::table::conform(&rows, &self.schema)?)?;
        }
        let Parts { held, spill, .. } = parts;
        let heads = Arc::new(self);
        let (shared, runtime) = (Arc::clone(&heads), Handle::current());
        let written = parallel::each(BUCKETS, move |bucket| {
            let mut rows = match &spill {
                Some(spill) => spill.read(bucket)?,
                None => Vec::new(),
            };
            rows.extend(held[bucket].iter().cloned());
            if rows.is_empty() {
                return Ok(None);
            }
            let rows = concat_batches(&shared.schema, &rows)?;
            let written = runtime.block_on(shared.write_bucket(bucket, &rows))?;
            Ok(Some((bucket, written)))
        })
        .await?;
        let mut manifest = heads.manifest.clone();
        for (bucket, (file, rows)) in written.into_iter().flatten() {
            manifest.buckets.insert(bucket, file);
            manifest.rows.insert(bucket, rows);
        }
        heads.write_manifest(manifest.seq, manifest.clone()).await?;
        let heads = Arc::into_inner(heads).ok_or_else(stopped)?;
        Ok(Self { manifest, ..heads })
    }
}

fn stopped() -> crate::error::StoreError {
    crate::error::StoreError::stopped(keiki_model::text::Text::new(
        "現況表を別の処理がまだ書いています",
        "a thread still writes the heads",
    ))
}

/// Rows on their way into their buckets.
struct Parts<'f> {
    held: Vec<Vec<RecordBatch>>,
    bytes: usize,
    spill: Option<Spill>,
    folder: &'f Path,
}

impl Parts<'_> {
    fn add(&mut self, rows: RecordBatch) -> Result<()> {
        let (rows, buckets) = by_bucket(rows)?;
        self.bytes += rows
            .columns()
            .iter()
            .map(Array::get_array_memory_size)
            .sum::<usize>();
        for (bucket, rows) in buckets {
            self.held[bucket].push(rows);
        }
        if self.bytes > MEMORY_BYTES {
            self.bytes = 0;
            for (bucket, held) in self.held.iter_mut().enumerate() {
                let Some(first) = held.first() else { continue };
                let schema = first.schema();
                let rows = concat_batches(&schema, held.iter())?;
                if self.spill.is_none() {
                    self.spill = Some(Spill::create(self.folder, schema)?);
                }
                if let Some(spill) = &mut self.spill {
                    spill.write(bucket, &rows, std::iter::empty())?;
                }
                held.clear();
            }
        }
        Ok(())
    }
}
