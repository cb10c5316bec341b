//! Rejected rows, values left unknown and days of plans kept, with place and reason.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use keiki_model::evidence::{Extent, Reason, RejectedRow};

use crate::batches::{Batch, Snapshot};
use crate::error::{Result, StoreError};
use crate::heads::{primitive, seqs, strings};
use crate::journal::{Journal, in_order};
use crate::schema::{BATCH_ID, RECORD_KEY, SEQ, SOURCE, WORD};
use crate::table::{FileWriter, Table};

/// The name of their table.
pub(crate) const TABLE: &str = "rejects";

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

pub(crate) fn schema() -> SchemaRef {
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

/// Writes rejects beside the entries of their batch, a part at a time; they show once the batch does.
pub(crate) struct Writer<'w> {
    journal: &'w Journal,
    file: &'w str,
    batch: &'w Batch,
    open: Option<(Table, FileWriter)>,
}

impl<'w> Writer<'w> {
    pub(crate) fn new(journal: &'w Journal, file: &'w str, batch: &'w Batch) -> Self {
        Self {
            journal,
            file,
            batch,
            open: None,
        }
    }

    /// Adds rows. The file is made with the first.
    pub(crate) async fn write(&mut self, outcome: Outcome, rejected: &[RejectedRow]) -> Result<()> {
        if rejected.is_empty() {
            return Ok(());
        }
        let batch = self.batch;
        let repeated = |text: &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(repeat_n(
                text,
                rejected.len(),
            )))
        };
        let reason = |row: &RejectedRow| {
            serde_json::to_string(&row.reason)
                .map_err(|e| StoreError::damaged(e.to_string(), e.to_string()))
        };
        let reasons: Vec<String> = rejected.iter().map(reason).collect::<Result<_>>()?;
        let places = rejected.iter();
        let places = places.map(|row| i64::try_from(row.row).unwrap_or(i64::MAX));
        let files = rejected.iter().map(|row| row.file.as_str());
        let keys = rejected.iter().map(|row| row.record_key.as_deref());
        let rows = RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(Int64Array::from(vec![batch.seq; rejected.len()])),
                repeated(&batch.batch_id),
                repeated(&batch.source),
                repeated(&batch.dataset),
                repeated(outcome.name()),
                Arc::new(StringArray::from_iter_values(files)),
                Arc::new(Int64Array::from_iter_values(places)),
                Arc::new(keys.collect::<StringArray>()),
                Arc::new(StringArray::from(reasons)),
            ],
        )?;
        let (_, writer) = if let Some(open) = &mut self.open {
            open
        } else {
            let root = &self.journal.root;
            let table = Table::open_or_create(root, TABLE, &schema()).await?;
            let writer = table.begin(self.file, &schema())?;
            self.open.insert((table, writer))
        };
        writer.write(&rows).await
    }

    /// Makes the file part of the table, if there is one.
    pub(crate) async fn finish(self) -> Result<()> {
        let Some((mut table, writer)) = self.open else {
            return Ok(());
        };
        let file = writer.finish().await?;
        table.append_written(&file).await
    }
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
