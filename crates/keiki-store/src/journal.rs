//! The journal: takes readings in, one visible commit each, and says what is in it.

mod attempt;
mod freeze;
mod group;
mod judge;
mod making;
mod scope;
mod tables;
mod unite;
mod writing;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Schema};
use keiki_model::calendar::Day;
use keiki_model::dataset::Dataset;
use keiki_model::document::Located;
use keiki_model::evidence::{Claim, Counts, Extent, Missing, RejectedRow, Scope, Wait, join_key};
use keiki_model::expression::Expressions;
use keiki_model::problem::Problem;
use keiki_model::text::Text;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use crate::batches::{Batches, RawReference, Snapshot};
use crate::copying::FORMAT_FILE;
use crate::error::{Result, StoreError};
use crate::gathered::{Gathered, Settled};
use crate::heads::Heads;
use crate::identity::Merge;
use crate::parallel::together;
use crate::place::{Place, Reading};
use crate::table::Table;
use crate::tokens::Tokens;
use attempt::Attempt;
pub(crate) use attempt::is_followed;
pub use freeze::FrozenPlan;
pub(crate) use freeze::replaced;
use tables::Tables;
pub(crate) use writing::{Writing, Written};

/// The newest journal format that this program reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// How often a commit is tried when other ingests commit first.
const ATTEMPTS: u32 = 40;

#[derive(Debug, Serialize, Deserialize)]
struct Format {
    format: u32,
}

/// A journal at an address.
#[derive(Clone)]
pub struct Journal {
    pub(crate) place: Arc<Place>,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Path,
    pub(crate) expressions: Arc<dyn Expressions>,
    pub(crate) tokens: Tokens,
    /// The batch list as it was last read; only what came since is read again.
    list: Arc<Mutex<Option<Batches>>>,
    tables: Arc<Tables>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("root", &self.place.url().as_str())
            .finish_non_exhaustive()
    }
}

/// A reading of a source, to be taken in.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// All datasets of the workspace, for lookups and derived datasets.
    pub datasets: Vec<Arc<Dataset>>,
    /// The source's name.
    pub source: String,
    /// Content hash of the source's definition.
    pub mapping_version: String,
    /// Precedence among the dataset's sources; lower wins.
    pub precedence: i32,
    /// The day that the reading speaks for.
    pub as_of: Day,
    /// The instant of the ingest, UTC microseconds; no earlier than any batch before it, or it is moved there.
    pub now: i64,
    /// The last close, UTC microseconds: what a history states to have been known by then counts as known right after it, so that
    /// what is asked for as known at the close stays what was closed; the least instant where nothing is closed.
    pub closed_at: i64,
    /// Whether it holds every record of its scope.
    pub extent: Extent,
    /// What leaving a record out means.
    pub missing: Missing,
    /// The source's scope.
    pub scope: Scope,
    /// The org units of the scope with all below them; empty = all.
    pub scope_units: Vec<String>,
    /// What it covers; a claim's `known_from` of `i64::MIN` stands for the batch's own instant.
    pub claims: Vec<Claim>,
    /// The rows.
    pub evidence: Gathered,
    /// The files read.
    pub files: Vec<RawReference>,
    /// SHA-256 over the files.
    pub content_sha256: String,
    /// The approved plans of the dataset: their baseline stays as the journal has it.
    pub frozen_plans: Vec<FrozenPlan>,
    /// Whether retirements that wait for confirmation are confirmed.
    pub is_missing_confirmed: bool,
    /// The journal version that somebody looked at who agreed to it: where another came meanwhile, nothing is committed. `None` =
    /// whatever came.
    pub as_seen: Option<i64>,
    /// Who runs it.
    pub author: String,
}

/// What became of a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The commit; `None` for a replay, which adds nothing.
    pub seq: Option<i64>,
    /// What was counted.
    pub counts: Counts,
    /// Rows that were rejected, by the reader or by the journal; of very many the first.
    pub rejected: Vec<RejectedRow>,
    /// Values left unknown.
    pub left_unknown: Vec<RejectedRow>,
    /// Days of approved plans that were kept although the row gives another.
    pub kept: Vec<RejectedRow>,
    /// Records whose retirement waits for confirmation, the first of them in order.
    pub held: Vec<String>,
    /// Why they wait.
    pub wait: Option<Wait>,
    /// Records that were thereby found to be one, in a commit of its own.
    pub merged: Vec<Merge>,
}

impl Journal {
    /// Makes a journal at an address where there is none yet; opens it where there is.
    ///
    /// # Errors
    /// The address cannot be used, or the journal is of a newer format.
    pub async fn create(
        root: &Url,
        expressions: Arc<dyn Expressions>,
        tokens: Tokens,
    ) -> Result<Self> {
        let place = Place::open(root, &Reading::default())?;
        Box::pin(Self::create_at(&place, expressions, tokens)).await
    }

    /// As `create`, at a place that is open.
    ///
    /// # Errors
    /// As `create`.
    pub async fn create_at(
        place: &Place,
        expressions: Arc<dyn Expressions>,
        tokens: Tokens,
    ) -> Result<Self> {
        let open = || Self::open_at(place, Arc::clone(&expressions), tokens.clone());
        let journal = match open().await {
            Err(StoreError::NoJournal(_)) => {
                let format = serde_json::to_vec(&Format { format: FORMAT })
                    .map_err(|e| StoreError::damaged(e.to_string(), e.to_string()))?;
                let path = place.prefix().clone().join(FORMAT_FILE);
                place.store().put(&path, format.into()).await?;
                open().await?
            }
            found => found?,
        };
        let batches = Batches::open_or_create(place).await?;
        journal.keep_list(batches).await;
        Ok(journal)
    }

    /// Opens a journal.
    ///
    /// # Errors
    /// There is none, or it is of a newer format.
    pub async fn open(
        root: &Url,
        expressions: Arc<dyn Expressions>,
        tokens: Tokens,
    ) -> Result<Self> {
        let place = Place::open(root, &Reading::default())?;
        Box::pin(Self::open_at(&place, expressions, tokens)).await
    }

    /// As `open`, at a place that is open.
    ///
    /// # Errors
    /// As `open`.
    pub async fn open_at(
        place: &Place,
        expressions: Arc<dyn Expressions>,
        tokens: Tokens,
    ) -> Result<Self> {
        is_readable(place).await?;
        Ok(Self {
            store: Arc::clone(place.store()),
            prefix: place.prefix().clone(),
            place: Arc::new(place.clone()),
            expressions,
            tokens,
            list: Arc::default(),
            tables: Arc::default(),
        })
    }

    /// The committed batches now.
    ///
    /// # Errors
    /// The batch list cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(self.list().await?.1)
    }

    /// The batch list, read up to now, and what it holds.
    pub(crate) async fn list(&self) -> Result<(Batches, Snapshot)> {
        let mut kept = self.list.lock().await;
        let (batches, snapshot) = if let Some(mut batches) = kept.take() {
            let ((), snapshot) = futures::try_join!(is_readable(&self.place), batches.snapshot())?;
            (batches, snapshot)
        } else {
            let mut batches = Batches::open_or_create(&self.place).await?;
            let snapshot = batches.shown().await?;
            (batches, snapshot)
        };
        self.tables.looked();
        *kept = Some(batches.clone());
        Ok((batches, snapshot))
    }

    /// A table, read since it was last asked what is visible; `None` if there is none.
    pub(crate) async fn table(&self, name: &str) -> Result<Option<Table>> {
        self.tables.get(&self.place, name).await
    }

    /// Opens the tables of the entries of datasets together, so that a scan of any of them finds its own open.
    ///
    /// # Errors
    /// The log of one cannot be read.
    pub async fn open_entries(&self, datasets: &[&Dataset]) -> Result<()> {
        let names = datasets.iter().map(|dataset| entries_table(&dataset.name));
        self.open_all(names.collect()).await
    }

    /// As `open_entries`, with what their sources said.
    pub(crate) async fn open_tables(&self, datasets: &[Arc<Dataset>]) -> Result<()> {
        let names = datasets.iter().flat_map(|dataset| {
            let name = &dataset.name;
            [entries_table(name), assertions_table(name)]
        });
        self.open_all(names.collect()).await
    }

    async fn open_all(&self, names: Vec<String>) -> Result<()> {
        let opened = names
            .into_iter()
            .map(|name| async move { self.table(&name).await.map(drop) });
        together(self.place.at_once(), opened).await?;
        Ok(())
    }

    /// A table as `table` gives it, or made where there is none.
    pub(crate) async fn table_or_new(&self, name: &str, schema: &Schema) -> Result<Table> {
        if let Some(table) = self.table(name).await? {
            return Ok(table);
        }
        let table = Table::open_or_create(&self.place, name, schema).await?;
        self.keep(name, &table).await;
        Ok(table)
    }

    /// Keeps a table as it is known now, so that it need not be read again.
    pub(crate) async fn keep(&self, name: &str, table: &Table) {
        self.tables.keep(name, table).await;
    }

    /// How many files a table has, as far as it was read here.
    pub(crate) async fn files_known(&self, name: &str) -> Result<usize> {
        match self.tables.known(name).await {
            Some(table) => Ok(table.files()?.len()),
            None => Ok(0),
        }
    }

    /// Keeps the batch list as it is known now.
    pub(crate) async fn keep_list(&self, batches: Batches) {
        let mut kept = self.list.lock().await;
        if kept
            .as_ref()
            .is_none_or(|kept| kept.version() <= batches.version())
        {
            *kept = Some(batches);
        }
    }

    /// Tells whether each request to where it lies costs time.
    #[must_use]
    pub fn is_far(&self) -> bool {
        self.place.is_far()
    }

    /// The table of tokens and keys.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Takes a reading in: accepted rows are in, rejected rows are kept, and all of it is visible by one commit.
    ///
    /// # Errors
    /// Nothing of the reading is visible when this fails.
    pub async fn commit(&self, submission: Submission) -> Result<Receipt> {
        Box::pin(self.take_in(submission)).await
    }

    async fn take_in(&self, submission: Submission) -> Result<Receipt> {
        let rows = submission
            .evidence
            .settled(self, &submission.dataset, submission.as_of);
        let rows = Box::pin(rows).await?;
        let submission = Arc::new(submission);
        for turn in 0..ATTEMPTS {
            // Only files that no table has been told of may be taken back.
            let early = (turn == 0).then_some(rows.as_ref());
            let listed = self.list().await.and_then(|(batches, snapshot)| {
                match submission.as_seen.filter(|seen| *seen != snapshot.seq()) {
                    Some(seen) => Err(StoreError::NotAsSeen(seen)),
                    None => Ok((batches, snapshot)),
                }
            });
            let (mut batches, snapshot) = Box::pin(or_taken_back(listed, early)).await?;
            let attempt = Attempt::new(self, &submission, &rows, &snapshot);
            let attempt = Box::pin(or_taken_back(attempt, early)).await?;
            if attempt.is_replay() {
                let receipt = attempt.replay();
                return self.united(receipt, &submission).await;
            }
            let prepared = Box::pin(attempt.prepare()).await;
            let mut prepared = Box::pin(or_taken_back(prepared, early)).await?;
            let written = Box::pin(prepared.write(self)).await;
            let committed = match written {
                Ok(()) => batches.commit(&prepared.batch).await,
                Err(error) => Err(error),
            };
            match committed {
                Ok(Ok(())) => self.keep_list(batches).await,
                Ok(Err(_)) => {
                    prepared.discard_heads().await?;
                    continue;
                }
                Err(error) => {
                    // What went wrong matters more than what could not be cleared away after it.
                    let _cleared = prepared.discard_heads().await;
                    return Err(error);
                }
            }
            // The commit stands. Heads are a cache: should they fail to be written, the next ingest replays what is missing.
            if let Err(error) = Box::pin(prepared.write_heads(self)).await {
                tracing::warn!(%error, "the heads could not be brought up to date; the next ingest will do it");
            }
            let receipt = prepared.receipt();
            return self.united(receipt, &submission).await;
        }
        Err(StoreError::Contended(ATTEMPTS))
    }

    /// Makes records one that the reading shows to be one. The reading stands whatever becomes of that; the next one does it.
    async fn united(&self, mut receipt: Receipt, submission: &Submission) -> Result<Receipt> {
        receipt.merged = Box::pin(self.unite(submission)).await?;
        Ok(receipt)
    }

    /// Commits what a test or a tool wrote half: writes entries that belong to no commit, as a killed ingest would.
    #[doc(hidden)]
    pub async fn commit_but_die_before_visible(&self, submission: Submission) -> Result<()> {
        let snapshot = self.snapshot().await?;
        let rows = submission
            .evidence
            .settled(self, &submission.dataset, submission.as_of);
        let rows = rows.await?;
        let attempt = Attempt::new(self, &Arc::new(submission), &rows, &snapshot)?;
        Box::pin(attempt.prepare()).await?.write(self).await
    }

    /// Opens the table of a dataset's entries if there is one.
    pub(crate) async fn entries(&self, dataset: &str) -> Result<Option<Table>> {
        self.table(&entries_table(dataset)).await
    }

    /// Opens the table of what a dataset's sources said, if there is one.
    pub(crate) async fn assertions(&self, dataset: &str) -> Result<Option<Table>> {
        self.table(&assertions_table(dataset)).await
    }

    /// Reads rows of visible files whose commit lies in `after+1..=until`.
    pub(crate) async fn read_visible(
        &self,
        table: Option<&Table>,
        snapshot: &Snapshot,
        after: i64,
        until: i64,
    ) -> Result<Vec<RecordBatch>> {
        let Some(table) = table else {
            return Ok(Vec::new());
        };
        // In the order of their first commits.
        let shown = crate::scan::visible(table, snapshot)?.into_iter();
        let wanted = shown.filter(|file| file.last_seq > after && file.first_seq <= until);
        let read = wanted.map(|file| async move { table.read(&file.path).await });
        let mut found = Vec::new();
        for rows in together(self.place.at_once(), read).await?.concat() {
            let rows = within(&rows, after, until)?;
            if rows.num_rows() > 0 {
                found.push(rows);
            }
        }
        Ok(found)
    }

    /// Opens the heads of a dataset, brought up to the snapshot.
    pub(crate) async fn heads(&self, dataset: &Dataset, snapshot: &Snapshot) -> Result<Heads> {
        let heads = self.heads_as_kept(dataset, snapshot).await?;
        if heads.ledger().is_none() {
            return Ok(heads);
        }
        match self.assertions(&dataset.name).await? {
            Some(table) => Box::pin(heads.part(&table, &self.tokens.spill_folder())).await,
            None => Ok(heads.emptied()),
        }
    }

    /// Opens the heads of a dataset, brought up to the snapshot; rows of the ledger may be among them that are in no bucket.
    pub(crate) async fn heads_as_kept(
        &self,
        dataset: &Dataset,
        snapshot: &Snapshot,
    ) -> Result<Heads> {
        let mut heads = Heads::open(Arc::clone(&self.store), &self.prefix, dataset).await?;
        if let Some(ledger) = heads.ledger() {
            let table = self.assertions(&dataset.name).await?;
            let shown = match &table {
                Some(table) => crate::scan::visible(table, snapshot)?,
                None => Vec::new(),
            };
            if !shown.iter().any(|file| file.path == ledger.file) {
                // It was put together with others, or never became visible.
                heads = heads.emptied();
            }
        }
        let touched = snapshot.batches().iter().rev().any(|b| b.seq > heads.seq());
        if touched {
            let table = self.assertions(&dataset.name).await?;
            let later = self
                .read_visible(table.as_ref(), snapshot, heads.seq(), snapshot.seq())
                .await?;
            heads.replay(&in_order(later)?)?;
        }
        Ok(heads)
    }
}

/// Makes sure that there is a journal of a format that this program knows.
async fn is_readable(place: &Place) -> Result<()> {
    let path = place.prefix().clone().join(FORMAT_FILE);
    let found = match place.store().get(&path).await {
        Ok(found) => found.bytes().await?,
        Err(object_store::Error::NotFound { .. }) => {
            return Err(StoreError::NoJournal(place.url().to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    let format: Format = serde_json::from_slice(&found).map_err(|e| {
        StoreError::damaged(
            format!("journal.json を読めません: {e}"),
            format!("journal.json cannot be read: {e}"),
        )
    })?;
    if format.format > FORMAT {
        return Err(StoreError::NewerFormat {
            file: path.to_string(),
            found: format.format,
            known: FORMAT,
        });
    }
    Ok(())
}

/// Brings rows of several files into the order of their commits.
pub(crate) fn in_order(batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>> {
    let mut parts: BTreeMap<i64, Vec<RecordBatch>> = BTreeMap::new();
    for rows in batches {
        let seqs = crate::heads::seqs(&rows)?;
        let mut start = 0;
        while start < rows.num_rows() {
            let seq = seqs.value(start);
            let mut end = start + 1;
            while end < rows.num_rows() && seqs.value(end) == seq {
                end += 1;
            }
            parts
                .entry(seq)
                .or_default()
                .push(rows.slice(start, end - start));
            start = end;
        }
    }
    Ok(parts.into_values().flatten().collect())
}

fn within(rows: &RecordBatch, after: i64, until: i64) -> Result<RecordBatch> {
    let seqs = crate::heads::seqs(rows)?;
    if seqs.iter().flatten().all(|seq| seq > after && seq <= until) {
        return Ok(rows.clone());
    }
    let keep: BooleanArray = seqs
        .iter()
        .map(|seq| seq.map(|seq| seq > after && seq <= until))
        .collect();
    Ok(arrow::compute::filter_record_batch(rows, &keep)?)
}

pub(crate) fn entries_table(dataset: &str) -> String {
    format!("entries/{dataset}")
}

pub(crate) fn assertions_table(dataset: &str) -> String {
    format!("assertions/{dataset}")
}

/// Evaluates an expression of a definition over rows that have the dataset's columns.
pub(crate) fn evaluate(
    expressions: &dyn Expressions,
    sql: &Located,
    dataset: &Dataset,
    rows: &RecordBatch,
) -> Result<arrow::array::ArrayRef> {
    let compiled = expressions
        .compile(&sql.value, &dataset.schema())
        .map_err(|error| StoreError::Definition(error.into_problem(sql)))?;
    compiled.evaluate(rows).map_err(|message| {
        StoreError::Definition(Problem::new(
            sql.place.clone(),
            Text::new(
                format!("式を計算できません: {message}"),
                format!("the expression cannot be computed: {message}"),
            ),
        ))
    })
}

/// The journalled columns alone.
pub(crate) fn only_columns(rows: &RecordBatch, dataset: &Dataset) -> Result<RecordBatch> {
    crate::table::conform(rows, &dataset.schema())
}

/// Tells whether a key of one part is written as it is.
fn is_plain_key(part: &str) -> bool {
    !part.bytes().any(|byte| matches!(byte, b'|' | b'\\'))
}

/// Tells whether all keys of one part are written as they are.
fn are_plain_keys(keys: &StringArray) -> bool {
    // Counted, so without a branch for each byte; other texts may lie in the same memory.
    let bytes = keys.value_data().iter();
    let special = bytes.filter(|byte| matches!(byte, b'|' | b'\\')).count();
    special == 0 || keys.iter().flatten().all(is_plain_key)
}

/// The keys of rows.
pub(crate) fn keys_of(rows: &RecordBatch, dataset: &Dataset) -> Result<StringArray> {
    let parts: Vec<StringArray> = dataset
        .key
        .iter()
        .map(|name| {
            let column = rows.column_by_name(name).ok_or_else(|| {
                StoreError::damaged(
                    format!("行にキーの列 {name} がありません"),
                    format!("rows have no key column {name}"),
                )
            })?;
            Ok(arrow::compute::cast(column, &DataType::Utf8)?
                .as_string::<i32>()
                .clone())
        })
        .collect::<Result<_>>()?;
    if let [only] = parts.as_slice()
        && only.null_count() == 0
        && are_plain_keys(only)
    {
        return Ok(only.clone());
    }
    Ok((0..rows.num_rows())
        .map(|row| Some(join_key(parts.iter().map(|part| part.value(row)))))
        .collect())
}

/// Passes on what was made; where it could not be, what was written while rows were read is taken back first.
async fn or_taken_back<T>(made: Result<T>, early: Option<&Settled>) -> Result<T> {
    if made.is_err()
        && let Some(rows) = early
    {
        // What went wrong matters more than what could not be cleared away after it.
        let _cleared = rows.discard_early().await;
    }
    made
}
