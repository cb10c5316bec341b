//! Rejected rows, values left unknown and days of plans kept, with place and reason.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use keiki_model::evidence::{Extent, Reason, RejectedRow};

use crate::batches::{Batch, Snapshot};
use crate::error::{Result, StoreError};
use crate::heads::{primitive, seqs, strings};
use crate::journal::{Journal, in_order};
use crate::schema::{BATCH_ID, RECORD_KEY, SEQ, SOURCE, WORD};
use crate::table::Table;

const TABLE: &str = "rejects";

/// What became of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not accepted.
    Rejected,
    /// It was accepted with a value left null.
    LeftUnknown,
    /// It was accepted, and a day of an approved plan stayed as it was.
    Kept,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::LeftUnknown => "left_unknown",
            Self::Kept => "kept",
        }
    }
}

/// A rejected row, a value left unknown or a day kept, with the batch that it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReject {
    /// The commit.
    pub seq: i64,
    /// The batch.
    pub batch_id: String,
    /// The source.
    pub source: String,
    /// The dataset.
    pub dataset: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The row, its place and the reason.
    pub row: RejectedRow,
}

impl StoredReject {
    pub(crate) fn new(batch: &Batch, outcome: Outcome, row: &RejectedRow) -> Self {
        Self {
            seq: batch.seq,
            batch_id: batch.batch_id.clone(),
            source: batch.source.clone(),
            dataset: batch.dataset.clone(),
            outcome,
            row: row.clone(),
        }
    }
}

/// What became of a rejected row afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// Nothing: it is still out.
    Open,
    /// A later batch brought the record in.
    Mended {
        /// The commit.
        seq: i64,
    },
    /// A later reading of the same evidence took its place: rejected again, or without the row.
    Replaced {
        /// The commit.
        seq: i64,
    },
}

fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        Field::new(SEQ, DataType::Int64, false),
        text(BATCH_ID),
        text(SOURCE),
        text("dataset"),
        text("outcome"),
        text("file"),
        Field::new("row", DataType::Int64, true),
        text(RECORD_KEY),
        text("reason"),
    ]))
}

/// Writes rejects beside the entries of their batch; they show once the batch does.
pub(crate) async fn write(journal: &Journal, file: &str, rejects: &[StoredReject]) -> Result<()> {
    if rejects.is_empty() {
        return Ok(());
    }
    let text = |f: &dyn Fn(&StoredReject) -> Option<String>| -> Arc<dyn Array> {
        Arc::new(rejects.iter().map(f).collect::<StringArray>())
    };
    let reasons: Vec<String> = rejects
        .iter()
        .map(|r| {
            serde_json::to_string(&r.row.reason)
                .map_err(|e| StoreError::damaged(e.to_string(), e.to_string()))
        })
        .collect::<Result<_>>()?;
    let rows = RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(Int64Array::from_iter_values(rejects.iter().map(|r| r.seq))),
            text(&|r| Some(r.batch_id.clone())),
            text(&|r| Some(r.source.clone())),
            text(&|r| Some(r.dataset.clone())),
            text(&|r| Some(r.outcome.name().to_owned())),
            text(&|r| Some(r.row.file.clone())),
            Arc::new(Int64Array::from_iter_values(
                rejects
                    .iter()
                    .map(|r| i64::try_from(r.row.row).unwrap_or(i64::MAX)),
            )),
            text(&|r| r.row.record_key.clone()),
            Arc::new(StringArray::from(reasons)),
        ],
    )?;
    let mut table = Table::open_or_create(&journal.root, TABLE, &schema()).await?;
    table.append(file, &rows).await
}

impl Journal {
    /// Lists rejected rows, values left unknown and days kept, in order of commit and place.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn rejects(&self, snapshot: &Snapshot) -> Result<Vec<StoredReject>> {
        let table = Table::open(&self.root, TABLE).await?;
        let mut found = Vec::new();
        for rows in self
            .read_visible(table.as_ref(), snapshot, 0, snapshot.seq())
            .await?
        {
            let texts = |name: &str| strings(&rows, name);
            let (ids, sources, datasets) = (texts(BATCH_ID)?, texts(SOURCE)?, texts("dataset")?);
            let (outcomes, files, keys, reasons) = (
                texts("outcome")?,
                texts("file")?,
                texts(RECORD_KEY)?,
                texts("reason")?,
            );
            let numbers = primitive::<arrow::datatypes::Int64Type>(&rows, "row")?;
            let seqs = seqs(&rows)?;
            for row in 0..rows.num_rows() {
                let reason: Reason = serde_json::from_str(reasons.value(row)).map_err(|e| {
                    StoreError::damaged(
                        format!("取込エラーの理由を読めません: {e}"),
                        format!("a reason cannot be read: {e}"),
                    )
                })?;
                found.push(StoredReject {
                    seq: seqs.value(row),
                    batch_id: ids.value(row).to_owned(),
                    source: sources.value(row).to_owned(),
                    dataset: datasets.value(row).to_owned(),
                    outcome: match outcomes.value(row) {
                        "rejected" => Outcome::Rejected,
                        "kept" => Outcome::Kept,
                        _ => Outcome::LeftUnknown,
                    },
                    row: RejectedRow {
                        file: files.value(row).to_owned(),
                        row: u64::try_from(numbers.value(row)).unwrap_or(0),
                        record_key: keys.is_valid(row).then(|| keys.value(row).to_owned()),
                        reason,
                    },
                });
            }
        }
        found.sort_by(|a, b| (a.seq, &a.row.file, a.row.row).cmp(&(b.seq, &b.row.file, b.row.row)));
        Ok(found)
    }

    /// Says of each reject what became of the row; a value left unknown or a day kept is as it is, which is open.
    ///
    /// # Errors
    /// What was said cannot be read.
    pub async fn afterwards(
        &self,
        snapshot: &Snapshot,
        rejects: &[StoredReject],
    ) -> Result<Vec<Afterwards>> {
        let wanted = rejects.iter().filter(|r| r.outcome == Outcome::Rejected);
        let mut by_dataset: HashMap<&str, HashSet<&str>> = HashMap::new();
        for reject in wanted {
            let keys = by_dataset.entry(&reject.dataset).or_default();
            keys.extend(reject.row.record_key.as_deref());
        }
        let mut said = HashMap::new();
        for (dataset, keys) in by_dataset {
            said.insert(dataset, self.said_of(snapshot, dataset, &keys).await?);
        }
        let again: HashSet<(i64, &str)> = rejects
            .iter()
            .filter(|r| r.outcome == Outcome::Rejected)
            .filter_map(|r| Some((r.seq, r.row.record_key.as_deref()?)))
            .collect();
        let batches = snapshot.batches();
        Ok(rejects
            .iter()
            .map(|reject| match said.get(reject.dataset.as_str()) {
                Some(said) if reject.outcome == Outcome::Rejected => {
                    afterwards(reject, batches, said, &again)
                }
                _ => Afterwards::Open,
            })
            .collect())
    }

    /// What was said of some records of a dataset.
    async fn said_of(
        &self,
        snapshot: &Snapshot,
        dataset: &str,
        keys: &HashSet<&str>,
    ) -> Result<Said> {
        let table = self.assertions(dataset).await?;
        let said = self
            .read_visible(table.as_ref(), snapshot, 0, snapshot.seq())
            .await?;
        let mut found = Said::default();
        for rows in in_order(said)? {
            let (of, sources, words) = (
                strings(&rows, RECORD_KEY)?,
                strings(&rows, SOURCE)?,
                strings(&rows, WORD)?,
            );
            let numbers = seqs(&rows)?;
            for row in 0..rows.num_rows() {
                let (key, word) = (of.value(row), words.value(row));
                if word == "absent" || !keys.contains(key) {
                    continue;
                }
                let is_said = word == "says";
                if is_said {
                    let seqs = found.seqs.entry(key.to_owned()).or_default();
                    seqs.insert(numbers.value(row));
                }
                let by = (key.to_owned(), sources.value(row).to_owned());
                found.speaks.insert(by, is_said);
            }
        }
        Ok(found)
    }
}

/// What was said of records: in which commits, and by whom it is still.
#[derive(Debug, Default)]
struct Said {
    seqs: HashMap<String, BTreeSet<i64>>,
    speaks: HashMap<(String, String), bool>,
}

fn afterwards(
    reject: &StoredReject,
    batches: &[Batch],
    said: &Said,
    again: &HashSet<(i64, &str)>,
) -> Afterwards {
    let key = reject.row.record_key.as_deref();
    let later = batches
        .iter()
        .filter(|batch| batch.seq > reject.seq && batch.dataset == reject.dataset);
    for batch in later {
        let seq = batch.seq;
        let is_own = batch.source == reject.source;
        if is_own && key.is_some_and(|key| again.contains(&(seq, key))) {
            return Afterwards::Replaced { seq };
        }
        let is_said = |key: &str| said.seqs.get(key).is_some_and(|seqs| seqs.contains(&seq));
        if key.is_some_and(is_said) {
            return Afterwards::Mended { seq };
        }
        let reads_again = batch.extent == Extent::Full
            || batch.files.iter().any(|file| file.name == reject.row.file);
        if is_own && reads_again {
            // A row that says what was known already is accepted without a word.
            let speaks = |key: &str| {
                let by = (key.to_owned(), reject.source.clone());
                said.speaks.get(&by).copied().unwrap_or(false)
            };
            return if key.is_some_and(speaks) {
                Afterwards::Mended { seq }
            } else {
                Afterwards::Replaced { seq }
            };
        }
    }
    Afterwards::Open
}
