//! The batch list: one row per commit, which alone makes a batch visible.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    AsArray, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use keiki_model::calendar::Day;
use keiki_model::evidence::{Claim, Counts, Extent, Missing, OpenEnd, Scope, Wait};
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::identity::{Merge, Separation};
use crate::parallel::together;
use crate::place::Place;
use crate::schema::{BATCH_ID, KNOWN_AT, SEQ, SOURCE, instant};
use crate::table::{Conflict, DataFile, Retention, Table};

/// The table of what is visible.
pub(crate) const TABLE: &str = "batches";

/// One committed reading of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The number of its commit: the journal version that it made.
    pub seq: i64,
    /// Its identity.
    pub batch_id: String,
    /// The source.
    pub source: String,
    /// The dataset.
    pub dataset: String,
    /// The day that the reading speaks for.
    pub as_of: Day,
    /// When it became known, UTC microseconds.
    pub known_at: i64,
    /// Whether it held every record of its scope.
    pub extent: Extent,
    /// What leaving a record out meant.
    pub missing: Missing,
    /// Its scope.
    #[serde(default)]
    pub scope: Scope,
    /// Org units of the scope with all below them on the as-of day; empty = all.
    #[serde(default)]
    pub scope_units: Vec<String>,
    /// Whether its rows carried days of their own, so that being in it asserts nothing about the as-of day.
    #[serde(default)]
    pub has_own_days: bool,
    /// Precedence among the dataset's sources; lower wins.
    pub precedence: i32,
    /// Content hash of the source's definition.
    pub mapping_version: String,
    /// Content hash of the dataset's definition.
    pub dataset_version: String,
    /// SHA-256 over the files read.
    pub content_sha256: String,
    /// The files read.
    #[serde(default)]
    pub files: Vec<RawReference>,
    /// What it covers.
    #[serde(default)]
    pub claims: Vec<Claim>,
    /// What it did.
    pub counts: Counts,
    /// Records whose retirement waits for confirmation, the first of them in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<String>,
    /// Why it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// Its files whose last line did not end; `None` where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_ends: Option<Vec<OpenEnd>>,
    /// Rows whose key was made from an identifier, since nobody knew their record by a key of its own.
    #[serde(default)]
    pub minted: u64,
    /// Records that it found to be others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merges: Vec<Merge>,
    /// Merges that it took back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub separations: Vec<Separation>,
    /// Who ran it.
    #[serde(default)]
    pub author: String,
}

/// A file that a batch read, and where its bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawReference {
    /// The file as the user knows it.
    pub name: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// Where it is kept, within the journal.
    pub path: String,
    /// Whether it is encrypted with the batch's key.
    #[serde(default)]
    pub is_encrypted: bool,
}

impl Batch {
    /// Tells whether another reading would be a replay of this one.
    #[must_use]
    pub fn is_same_reading(&self, other: &Self) -> bool {
        self.source == other.source
            && self.dataset == other.dataset
            && self.scope == other.scope
            && self.as_of == other.as_of
            && self.mapping_version == other.mapping_version
            && self.content_sha256 == other.content_sha256
            && self.timeless_claims().eq(other.timeless_claims())
    }
}

impl Batch {
    /// What it covers, whenever it was said.
    fn timeless_claims(&self) -> impl Iterator<Item = Claim> {
        self.claims.iter().map(|claim| Claim {
            known_from: if claim.known_from == self.known_at {
                i64::MIN
            } else {
                claim.known_from
            },
            ..claim.clone()
        })
    }
}

/// The committed batches at one moment, in order of `seq`.
#[derive(Debug, Clone)]
pub struct Snapshot {
    batches: Arc<Vec<Batch>>,
    by_id: Arc<HashMap<String, i64>>,
}

impl Snapshot {
    fn new(mut batches: Vec<Batch>) -> Self {
        batches.sort_by_key(|batch| batch.seq);
        let by_id = batches
            .iter()
            .map(|batch| (batch.batch_id.clone(), batch.seq))
            .collect();
        Self {
            batches: Arc::new(batches),
            by_id: Arc::new(by_id),
        }
    }

    /// The batches in order.
    #[must_use]
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// The journal version: the number of the last commit, 0 if there is none.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.batches.last().map_or(0, |batch| batch.seq)
    }

    /// The number of a batch's commit; `None` if it belongs to no commit.
    #[must_use]
    pub fn seq_of(&self, batch_id: &str) -> Option<i64> {
        self.by_id.get(batch_id).copied()
    }

    /// The precedence of each source of a dataset; lower wins.
    #[must_use]
    pub(crate) fn precedence(&self, dataset: &str) -> HashMap<String, i32> {
        self.batches
            .iter()
            .filter(|batch| batch.dataset == dataset)
            .map(|batch| (batch.source.clone(), batch.precedence))
            .collect()
    }

    /// The latest instant of knowledge.
    #[must_use]
    pub fn known_at(&self) -> i64 {
        self.batches
            .iter()
            .map(|batch| batch.known_at)
            .max()
            .unwrap_or(i64::MIN)
    }
}

/// The table of batches.
#[derive(Debug, Clone)]
pub(crate) struct Batches {
    table: Table,
    /// What the files hold that were read; a file never changes.
    read: HashMap<String, Arc<Vec<Batch>>>,
    /// What these files together hold.
    last: Option<Snapshot>,
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(SEQ, DataType::Int64, false),
        Field::new(BATCH_ID, DataType::Utf8, false),
        Field::new(SOURCE, DataType::Utf8, false),
        Field::new("dataset", DataType::Utf8, false),
        Field::new("as_of", DataType::Date32, false),
        Field::new(KNOWN_AT, instant(), false),
        Field::new("details", DataType::Utf8, false),
    ]))
}

impl Batches {
    pub(crate) async fn open_or_create(place: &Place) -> Result<Self> {
        Ok(Self {
            table: Table::open_or_create(place, TABLE, &schema()).await?,
            read: HashMap::new(),
            last: None,
        })
    }

    /// Reads the newest list: the files that were not read before.
    pub(crate) async fn snapshot(&mut self) -> Result<Snapshot> {
        self.table.refresh().await?;
        self.shown().await
    }

    /// The list as far as its log was read.
    pub(crate) async fn shown(&mut self) -> Result<Snapshot> {
        let files = self.table.files()?;
        let is_read = |file: &DataFile| self.read.contains_key(&file.path);
        if let Some(last) = &self.last
            && files.len() == self.read.len()
            && files.iter().all(is_read)
        {
            return Ok(last.clone());
        }
        let this = &*self;
        let read = files.into_iter().map(|file| async move {
            let batches = match this.read.get(&file.path) {
                Some(known) => Arc::clone(known),
                None => Arc::new(this.read_file(&file.path).await?),
            };
            Ok((file.path, batches))
        });
        let read = together(this.table.at_once(), read).await?;
        self.read = read.into_iter().collect();
        let all = self
            .read
            .values()
            .flat_map(|batches| batches.iter().cloned());
        let snapshot = Snapshot::new(all.collect());
        self.last = Some(snapshot.clone());
        Ok(snapshot)
    }

    async fn read_file(&self, path: &str) -> Result<Vec<Batch>> {
        let mut batches = Vec::new();
        for rows in self.table.read(path).await? {
            let details = rows
                .column_by_name("details")
                .map(|c| arrow::compute::cast(c, &DataType::Utf8))
                .transpose()?;
            let details = details.ok_or_else(|| {
                StoreError::damaged(
                    "取込の一覧に明細がありません",
                    "the batch list has no details",
                )
            })?;
            for text in details.as_string::<i32>().iter().flatten() {
                batches.push(serde_json::from_str(text).map_err(|e| {
                    StoreError::damaged(
                        format!("取込の記録を読めません: {e}"),
                        format!("a batch cannot be read: {e}"),
                    )
                })?);
            }
        }
        Ok(batches)
    }

    /// Commits a batch right after the state last read; fails with a conflict if another commit came between.
    pub(crate) async fn commit(
        &mut self,
        batch: &Batch,
    ) -> Result<std::result::Result<(), Conflict>> {
        let rows = rows(std::slice::from_ref(batch))?;
        let file = format!("{}.parquet", batch.batch_id);
        let committed = self.table.append_next(&file, &rows).await?;
        if committed.is_ok() {
            self.read.insert(file, Arc::new(vec![batch.clone()]));
            self.last = None;
        }
        Ok(committed)
    }

    /// The table as it was last read.
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The version of the list as it was last read.
    pub(crate) fn version(&self) -> Option<u64> {
        self.table.version()
    }

    /// Puts the list into one file.
    pub(crate) async fn compact(&mut self) -> Result<()> {
        let snapshot = self.snapshot().await?;
        let files = self.table.files()?;
        if files.len() > 1 {
            let name = format!("compacted-{}.parquet", uuid::Uuid::new_v4());
            let add = self.table.write(&name, &rows(snapshot.batches())?).await?;
            // A conflict only means that there is more to compact next time.
            let _lost = self.table.replace(&files, vec![add]).await?;
        }
        Ok(())
    }

    /// How many files the list consists of.
    pub(crate) fn file_count(&self) -> Result<usize> {
        Ok(self.table.files()?.len())
    }

    pub(crate) async fn vacuum(&mut self, retention: Retention) -> Result<usize> {
        self.table.vacuum(retention).await
    }
}

fn rows(batches: &[Batch]) -> Result<RecordBatch> {
    let text = |f: fn(&Batch) -> &str| StringArray::from_iter_values(batches.iter().map(f));
    let details: Vec<String> = batches
        .iter()
        .map(|batch| {
            serde_json::to_string(batch).map_err(|e| {
                StoreError::damaged(
                    format!("取込の記録を書き込めません: {e}"),
                    format!("a batch cannot be written: {e}"),
                )
            })
        })
        .collect::<Result<_>>()?;
    Ok(RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(Int64Array::from_iter_values(batches.iter().map(|b| b.seq))),
            Arc::new(text(|b| &b.batch_id)),
            Arc::new(text(|b| &b.source)),
            Arc::new(text(|b| &b.dataset)),
            Arc::new(Date32Array::from_iter_values(
                batches.iter().map(|b| b.as_of),
            )),
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(batches.iter().map(|b| b.known_at))
                    .with_timezone("UTC"),
            ),
            Arc::new(StringArray::from_iter_values(details)),
        ],
    )?)
}
