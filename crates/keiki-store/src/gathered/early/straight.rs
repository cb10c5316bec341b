//! A first load: of a record of which nothing was said, assertion and entry are its row.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::SchemaRef;
use keiki_model::dataset::Dataset;

use super::Ground;
use crate::batches::Snapshot;
use crate::error::Result;
use crate::heads::Ledger;
use crate::journal::{Journal, Writing, Written, assertions_table, entries_table};
use crate::plan::Changes;
use crate::scan::visible;
use crate::schema::{assertions_schema, entries_schema, plain};

/// The files of a first load in the making.
pub(super) struct Straight {
    batch_id: String,
    writing: Writing,
    entries: SchemaRef,
    assertions: SchemaRef,
    ground: Ground,
    same: Option<Same>,
    rows: u64,
}

/// Columns that hold the same in all rows, as long as the longest chunk so far.
struct Same {
    rows: usize,
    weights: ArrayRef,
    words: ArrayRef,
    /// Those behind these two, up to the key.
    others: Vec<ArrayRef>,
}

/// The files of a first load.
#[derive(Debug)]
pub(crate) struct Straightened {
    pub(super) ground: Ground,
    pub(crate) batch_id: String,
    pub(crate) written: Vec<Written>,
    pub(crate) ledger: Ledger,
}

impl Straightened {
    /// Takes them back.
    pub(crate) async fn discard(&self) -> Result<()> {
        for written in &self.written {
            written.clone().discard().await?;
        }
        Ok(())
    }
}

impl Straight {
    /// Tells whether nothing is known of any record of a dataset.
    pub(super) async fn can_be(
        journal: &Journal,
        dataset: &Dataset,
        snapshot: &Snapshot,
    ) -> Result<bool> {
        if snapshot.batches().iter().any(|b| b.dataset == dataset.name) {
            return Ok(false);
        }
        for table in [
            entries_table(&dataset.name),
            assertions_table(&dataset.name),
        ] {
            if let Some(table) = journal.table(&table).await?
                && !visible(&table, snapshot)?.is_empty()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn begin(journal: &Journal, dataset: &Dataset, ground: &Ground) -> Self {
        let batch_id = uuid::Uuid::new_v4().to_string();
        let entries = (entries_table(&dataset.name), entries_schema(dataset));
        let assertions = (assertions_table(&dataset.name), assertions_schema(dataset));
        Self {
            entries: plain(&entries.1),
            assertions: plain(&assertions.1),
            writing: Writing::begin(journal, &format!("{batch_id}.parquet"), entries, assertions),
            batch_id,
            ground: ground.clone(),
            same: None,
            rows: 0,
        }
    }

    /// Sends rows to be written. *Shape*: the dataset's journalled columns.
    pub(super) async fn add(&mut self, rows: &RecordBatch, keys: StringArray) -> Result<()> {
        let count = rows.num_rows();
        self.rows += count as u64;
        let same = match self.same.take() {
            Some(same) if same.rows >= count => same,
            _ => Same::new(count, &self.ground, &self.batch_id),
        };
        let keys: ArrayRef = Arc::new(keys);
        let with = |first: &ArrayRef, schema: &SchemaRef| {
            let behind = [first].into_iter().chain(&same.others);
            let behind = behind.map(|column| column.slice(0, count));
            let columns = rows.columns().iter().cloned().chain(behind);
            let columns = columns.chain([Arc::clone(&keys)]).collect();
            RecordBatch::try_new(Arc::clone(schema), columns)
        };
        let changes = Changes {
            entries: with(&same.weights, &self.entries)?,
            assertions: with(&same.words, &self.assertions)?,
        };
        self.same = Some(same);
        self.writing.write(changes).await
    }

    pub(super) async fn finish(self, ground: Ground) -> Result<Straightened> {
        Ok(Straightened {
            written: self.writing.finish().await?,
            ledger: Ledger {
                file: format!("{}.parquet", self.batch_id),
                rows: self.rows,
                source: ground.source.clone(),
                day: ground.day,
            },
            batch_id: self.batch_id,
            ground,
        })
    }
}

impl Same {
    fn new(rows: usize, ground: &Ground, batch_id: &str) -> Self {
        let texts = |text: &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(repeat_n(text, rows)))
        };
        let known = TimestampMicrosecondArray::from(vec![ground.known_at; rows]);
        Self {
            rows,
            weights: Arc::new(Int32Array::from(vec![1; rows])),
            words: texts("says"),
            others: vec![
                Arc::new(Date32Array::from(vec![ground.day; rows])),
                Arc::new(known.with_timezone("UTC")),
                Arc::new(Int64Array::from(vec![ground.seq + 1; rows])),
                texts(batch_id),
                texts(&ground.source),
            ],
        }
    }
}
