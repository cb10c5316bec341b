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
use crate::parallel::together;
use crate::schema::{BATCH_ID, RECORD_KEY, SEQ, SOURCE, WORD};
use crate::table::{FileWriter, Table};

/// Of how many datasets it is read at a time what was said.
const DATASETS_AT_ONCE: usize = 4;

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
            let table = self.journal.table_or_new(TABLE, &schema()).await?;
            let writer = table.begin(self.file, &schema(), &rows)?;
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
        table.append_written(&file).await?;
        self.journal.keep(TABLE, &table).await;
        Ok(())
    }
}

/// Rejects as they are stored, in order of commit and place; each is taken out when it is wanted.
#[derive(Debug)]
pub struct StoredRejects {
    parts: Vec<Stored>,
    /// The part and the row of each.
    order: Vec<(usize, usize)>,
}

/// The columns of a part.
#[derive(Debug)]
struct Stored {
    seqs: Int64Array,
    batch_ids: StringArray,
    sources: StringArray,
    datasets: StringArray,
    outcomes: StringArray,
    files: StringArray,
    rows: Int64Array,
    keys: StringArray,
    reasons: StringArray,
}

impl Stored {
    fn read(rows: &RecordBatch) -> Result<Self> {
        let texts = |name: &str| strings(rows, name);
        Ok(Self {
            seqs: seqs(rows)?.clone(),
            batch_ids: texts(BATCH_ID)?,
            sources: texts(SOURCE)?,
            datasets: texts("dataset")?,
            outcomes: texts("outcome")?,
            files: texts("file")?,
            rows: primitive::<arrow::datatypes::Int64Type>(rows, "row")?.clone(),
            keys: texts(RECORD_KEY)?,
            reasons: texts("reason")?,
        })
    }

    fn outcome(&self, row: usize) -> Outcome {
        match self.outcomes.value(row) {
            "rejected" => Outcome::Rejected,
            "kept" => Outcome::Kept,
            _ => Outcome::LeftUnknown,
        }
    }
}

impl StoredRejects {
    fn new(parts: Vec<Stored>) -> Self {
        let rows = parts.iter().enumerate();
        let mut order: Vec<(usize, usize)> = rows
            .flat_map(|(part, stored)| (0..stored.seqs.len()).map(move |row| (part, row)))
            .collect();
        order.sort_by_key(|(part, row)| {
            let stored = &parts[*part];
            let (seqs, files, rows) = (&stored.seqs, &stored.files, &stored.rows);
            (seqs.value(*row), files.value(*row), rows.value(*row))
        });
        Self { parts, order }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The one at a position.
    ///
    /// # Errors
    /// It is damaged.
    pub fn get(&self, position: usize) -> Result<StoredReject> {
        let (part, row) = self.order[position];
        let stored = &self.parts[part];
        let reason: Reason = serde_json::from_str(stored.reasons.value(row)).map_err(|e| {
            StoreError::damaged(
                format!("取込エラーの理由を読めません: {e}"),
                format!("a reason cannot be read: {e}"),
            )
        })?;
        let keys = &stored.keys;
        Ok(StoredReject {
            seq: stored.seqs.value(row),
            batch_id: stored.batch_ids.value(row).to_owned(),
            source: stored.sources.value(row).to_owned(),
            dataset: stored.datasets.value(row).to_owned(),
            outcome: stored.outcome(row),
            row: RejectedRow {
                file: stored.files.value(row).to_owned(),
                row: u64::try_from(stored.rows.value(row)).unwrap_or(0),
                record_key: keys.is_valid(row).then(|| keys.value(row).to_owned()),
                reason,
            },
        })
    }

    /// Those that were rejected and whose key could be read: commit, dataset and key.
    fn rejected_keys(&self) -> impl Iterator<Item = (i64, &str, &str)> {
        self.order.iter().filter_map(|(part, row)| {
            let (stored, row) = (&self.parts[*part], *row);
            let is_out = stored.outcome(row) == Outcome::Rejected && stored.keys.is_valid(row);
            is_out.then(|| {
                (
                    stored.seqs.value(row),
                    stored.datasets.value(row),
                    stored.keys.value(row),
                )
            })
        })
    }
}

/// What came after rejects: what was said of their records, and which were rejected again.
#[derive(Debug, Default)]
pub struct Aftermath {
    said: HashMap<String, Said>,
    again: HashSet<(i64, String)>,
    batches: Vec<Batch>,
}

impl Aftermath {
    /// Notes which records were rejected, and in which commit.
    fn note<'k>(
        &mut self,
        keys: impl Iterator<Item = (i64, &'k str, &'k str)>,
        by_dataset: &mut HashMap<String, HashSet<String>>,
    ) {
        for (seq, dataset, key) in keys {
            if !by_dataset.contains_key(dataset) {
                by_dataset.insert(dataset.to_owned(), HashSet::new());
            }
            if let Some(of) = by_dataset.get_mut(dataset) {
                of.insert(key.to_owned());
            }
            self.again.insert((seq, key.to_owned()));
        }
    }

    /// Says what became of the row; a value left unknown or a day kept is as it is, which is open.
    #[must_use]
    pub fn of(&self, reject: &StoredReject) -> Afterwards {
        match self.said.get(&reject.dataset) {
            Some(said) if reject.outcome == Outcome::Rejected => {
                afterwards(reject, &self.batches, said, &self.again)
            }
            _ => Afterwards::Open,
        }
    }
}

impl Journal {
    /// Lists rejected rows, values left unknown and days kept, in order of commit and place.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn rejects(&self, snapshot: &Snapshot) -> Result<Vec<StoredReject>> {
        let stored = self.rejects_of(snapshot, 1, snapshot.seq()).await?;
        (0..stored.len()).map(|at| stored.get(at)).collect()
    }

    /// The rejects of the commits from one to another, both among them.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn rejects_of(
        &self,
        snapshot: &Snapshot,
        first: i64,
        last: i64,
    ) -> Result<StoredRejects> {
        let table = self.table(TABLE).await?;
        let rows = self
            .read_visible(table.as_ref(), snapshot, first - 1, last)
            .await?;
        let parts = rows.iter().map(Stored::read).collect::<Result<_>>()?;
        Ok(StoredRejects::new(parts))
    }

    /// The commits that rejected rows, left values unknown or kept days.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn rejecting(&self, snapshot: &Snapshot) -> Result<Vec<Batch>> {
        let Some(table) = self.table(TABLE).await? else {
            return Ok(Vec::new());
        };
        let files = crate::scan::visible(&table, snapshot)?;
        let batches = snapshot.batches().iter();
        let has_any = |batch: &&Batch| {
            let mut files = files.iter();
            files.any(|file| file.first_seq <= batch.seq && batch.seq <= file.last_seq)
        };
        Ok(batches.filter(has_any).cloned().collect())
    }

    /// Says of each reject what became of the row.
    ///
    /// # Errors
    /// What was said cannot be read.
    pub async fn afterwards(
        &self,
        snapshot: &Snapshot,
        rejects: &[StoredReject],
    ) -> Result<Vec<Afterwards>> {
        let wanted = rejects.iter().filter(|r| r.outcome == Outcome::Rejected);
        let keys = wanted.filter_map(|reject| {
            let key = reject.row.record_key.as_deref()?;
            Some((reject.seq, reject.dataset.as_str(), key))
        });
        let mut aftermath = Aftermath::default();
        let mut by_dataset: HashMap<String, HashSet<String>> = HashMap::new();
        aftermath.note(keys, &mut by_dataset);
        self.learn(snapshot, &mut aftermath, by_dataset).await?;
        Ok(rejects.iter().map(|reject| aftermath.of(reject)).collect())
    }

    /// What came after all rejects that there are, a commit at a time.
    ///
    /// # Errors
    /// What was said cannot be read.
    pub async fn aftermath(&self, snapshot: &Snapshot) -> Result<Aftermath> {
        let mut aftermath = Aftermath::default();
        let mut by_dataset: HashMap<String, HashSet<String>> = HashMap::new();
        for batch in self.rejecting(snapshot).await? {
            let stored = self.rejects_of(snapshot, batch.seq, batch.seq).await?;
            aftermath.note(stored.rejected_keys(), &mut by_dataset);
        }
        self.learn(snapshot, &mut aftermath, by_dataset).await?;
        Ok(aftermath)
    }

    async fn learn(
        &self,
        snapshot: &Snapshot,
        aftermath: &mut Aftermath,
        by_dataset: HashMap<String, HashSet<String>>,
    ) -> Result<()> {
        let looks = by_dataset.into_iter().map(|(dataset, keys)| async move {
            let said = self.said_of(snapshot, &dataset, &keys).await?;
            Ok((dataset, said))
        });
        let said = together(DATASETS_AT_ONCE, looks).await?;
        aftermath.said.extend(said);
        aftermath.batches = snapshot.batches().to_vec();
        Ok(())
    }

    /// What was said of some records of a dataset.
    async fn said_of(
        &self,
        snapshot: &Snapshot,
        dataset: &str,
        keys: &HashSet<String>,
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
    again: &HashSet<(i64, String)>,
) -> Afterwards {
    let key = reject.row.record_key.as_deref();
    let later = batches
        .iter()
        .filter(|batch| batch.seq > reject.seq && batch.dataset == reject.dataset);
    for batch in later {
        let seq = batch.seq;
        let is_own = batch.source == reject.source;
        if is_own && key.is_some_and(|key| again.contains(&(seq, key.to_owned()))) {
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
