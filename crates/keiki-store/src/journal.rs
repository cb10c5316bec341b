//! The journal: takes readings in, one visible commit each, and says what is in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use keiki_model::calendar::{BEGINNING, Day};
use keiki_model::dataset::{Dataset, DatasetKind, ORG_UNIT, ORG_UNIT_SEPARATOR};
use keiki_model::document::Located;
use keiki_model::evidence::{
    Claim, Counts, Evidence, Extent, Missing, Reason, RejectedRow, Scope, join_key,
};
use keiki_model::expression::Expressions;
use keiki_model::problem::{Place, Problem};
use keiki_model::timeline::Word;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::batches::{Batch, Batches, RawReference, Snapshot};
use crate::error::{Result, StoreError};
use crate::heads::{Heads, bucket_of, strings};
use crate::plan::{Changes, History, Incoming, Output, Pick, Reading, leave_out_all, plan_bucket};
use crate::rejects::{self, Outcome, StoredReject};
use crate::schema::{assertions_schema, entries_schema};
use crate::table::{Retries, Table};
use crate::tokens::Tokens;
use crate::{derived, lookups};

/// The newest journal format that this program reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// How often a commit is tried when other ingests commit first.
const ATTEMPTS: u32 = 40;

/// The share of a source's records above which retirements wait for confirmation. *Units*: percent.
const RETIREMENT_LIMIT_PERCENT: u64 = 10;

#[derive(Debug, Serialize, Deserialize)]
struct Format {
    format: u32,
}

/// A journal at an address.
pub struct Journal {
    pub(crate) root: Url,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Path,
    pub(crate) expressions: Arc<dyn Expressions>,
    pub(crate) tokens: Tokens,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("root", &self.root.as_str())
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
    pub evidence: Evidence,
    /// The files read.
    pub files: Vec<RawReference>,
    /// SHA-256 over the files.
    pub content_sha256: String,
    /// Whether retirements that wait for confirmation are confirmed.
    pub is_missing_confirmed: bool,
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
    /// Rows that were rejected, by the reader or by the journal.
    pub rejected: Vec<RejectedRow>,
    /// Values left unknown.
    pub left_unknown: Vec<RejectedRow>,
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
        let (store, prefix) = open_store(root)?;
        let path = prefix.clone().join("journal.json");
        if let Err(object_store::Error::NotFound { .. }) = store.head(&path).await {
            let format = serde_json::to_vec(&Format { format: FORMAT })
                .map_err(|e| StoreError::Damaged(e.to_string()))?;
            store.put(&path, format.into()).await?;
        }
        let journal = Self::open(root, expressions, tokens).await?;
        Batches::open_or_create(root).await?;
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
        let (store, prefix) = open_store(root)?;
        let found = match store.get(&prefix.clone().join("journal.json")).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(StoreError::NoJournal(root.to_string()));
            }
            Err(error) => return Err(error.into()),
        };
        let format: Format = serde_json::from_slice(&found)
            .map_err(|e| StoreError::Damaged(format!("journal.json cannot be read: {e}")))?;
        if format.format > FORMAT {
            return Err(StoreError::NewerFormat {
                found: format.format,
                known: FORMAT,
            });
        }
        Ok(Self {
            root: root.clone(),
            store,
            prefix,
            expressions,
            tokens,
        })
    }

    /// The committed batches now.
    ///
    /// # Errors
    /// The batch list cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Batches::open_or_create(&self.root).await?.snapshot().await
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
        let mut submission = submission;
        self.tokens
            .replace_personal_values(&submission.dataset, &mut submission.evidence)
            .await?;
        let mut batches = Batches::open_or_create(&self.root).await?;
        for _ in 0..ATTEMPTS {
            let snapshot = batches.snapshot().await?;
            let attempt = Attempt::new(self, &submission, &snapshot)?;
            if attempt.is_replay() {
                return Ok(attempt.replay());
            }
            let prepared = attempt.prepare().await?;
            prepared.write(self).await?;
            if batches.commit(&prepared.batch).await?.is_err() {
                continue;
            }
            prepared.write_heads(self).await?;
            return Ok(prepared.receipt());
        }
        Err(StoreError::Contended(ATTEMPTS))
    }

    /// Commits what a test or a tool wrote half: writes entries that belong to no commit, as a killed ingest would.
    #[doc(hidden)]
    pub async fn commit_but_die_before_visible(&self, submission: Submission) -> Result<()> {
        let snapshot = self.snapshot().await?;
        let attempt = Attempt::new(self, &submission, &snapshot)?;
        attempt.prepare().await?.write(self).await
    }

    /// Opens the table of a dataset's entries if there is one.
    pub(crate) async fn entries(&self, dataset: &str) -> Result<Option<Table>> {
        Table::open(&self.root, &entries_table(dataset)).await
    }

    /// Opens the table of what a dataset's sources said, if there is one.
    pub(crate) async fn assertions(&self, dataset: &str) -> Result<Option<Table>> {
        Table::open(&self.root, &assertions_table(dataset)).await
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
        let mut found: Vec<(i64, RecordBatch)> = Vec::new();
        for file in crate::scan::visible(table, snapshot)? {
            if file.last_seq <= after || file.first_seq > until {
                continue;
            }
            for rows in table.read(&file.path).await? {
                let rows = within(&rows, after, until)?;
                if rows.num_rows() > 0 {
                    found.push((file.first_seq, rows));
                }
            }
        }
        found.sort_by_key(|(seq, _)| *seq);
        Ok(found.into_iter().map(|(_, rows)| rows).collect())
    }

    /// Opens the heads of a dataset, brought up to the snapshot.
    pub(crate) async fn heads(&self, dataset: &Dataset, snapshot: &Snapshot) -> Result<Heads> {
        let mut heads = Heads::open(Arc::clone(&self.store), &self.prefix, dataset).await?;
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

/// Opens the object store at an address and the path of the journal in it.
fn open_store(root: &Url) -> Result<(Arc<dyn ObjectStore>, Path)> {
    if root.scheme() == "file"
        && let Ok(path) = root.to_file_path()
    {
        std::fs::create_dir_all(&path).map_err(crate::error::on_file(&path))?;
    }
    let (store, prefix) = object_store::parse_url(root)?;
    Ok((Arc::from(store), prefix))
}

pub(crate) fn entries_table(dataset: &str) -> String {
    format!("entries/{dataset}")
}

pub(crate) fn assertions_table(dataset: &str) -> String {
    format!("assertions/{dataset}")
}

/// One try at a commit, against one snapshot.
struct Attempt<'a> {
    journal: &'a Journal,
    submission: &'a Submission,
    snapshot: &'a Snapshot,
    batch: Batch,
}

/// Everything that a commit writes.
struct Prepared<'a> {
    submission: &'a Submission,
    batch: Batch,
    /// Changes by dataset: the reading's own, then those of lookups and derived datasets.
    changes: Vec<(Arc<Dataset>, Changes)>,
    rejected: Vec<RejectedRow>,
}

impl<'a> Attempt<'a> {
    fn new(
        journal: &'a Journal,
        submission: &'a Submission,
        snapshot: &'a Snapshot,
    ) -> Result<Self> {
        let known_at = submission.now.max(snapshot.known_at());
        let own = snapshot
            .batches()
            .iter()
            .rev()
            .find(|b| b.source == submission.source && b.dataset == submission.dataset.name);
        if let Some(own) = own.filter(|own| own.precedence != submission.precedence) {
            let problem = Problem::new(
                Place::file(format!("sources/{}.toml", submission.source)),
                format!(
                    "the precedence of a source cannot change once it has journalled: {} to {}",
                    own.precedence, submission.precedence
                ),
            );
            return Err(StoreError::Definition(problem.hint(
                "give it the precedence that it had; records are resolved by it",
            )));
        }
        let claims = submission
            .claims
            .iter()
            .map(|claim| Claim {
                known_from: if claim.known_from == i64::MIN {
                    known_at
                } else {
                    claim.known_from
                },
                ..claim.clone()
            })
            .collect();
        let batch = Batch {
            seq: snapshot.seq() + 1,
            batch_id: uuid::Uuid::new_v4().to_string(),
            source: submission.source.clone(),
            dataset: submission.dataset.name.clone(),
            as_of: submission.as_of,
            known_at,
            extent: submission.extent,
            missing: submission.missing,
            scope: submission.scope.clone(),
            scope_units: submission.scope_units.clone(),
            has_own_days: submission.evidence.effective_on.is_some(),
            precedence: submission.precedence,
            mapping_version: submission.mapping_version.clone(),
            dataset_version: submission.dataset.version.clone(),
            content_sha256: submission.content_sha256.clone(),
            files: submission.files.clone(),
            claims,
            counts: Counts::default(),
            author: submission.author.clone(),
        };
        Ok(Self {
            journal,
            submission,
            snapshot,
            batch,
        })
    }

    /// A replay is the same reading as the last one of its source; after another reading it is a new assertion.
    fn is_replay(&self) -> bool {
        let last = self
            .snapshot
            .batches()
            .iter()
            .rev()
            .find(|b| b.source == self.batch.source && b.dataset == self.batch.dataset);
        last.is_some_and(|last| {
            last.is_same_reading(&self.batch)
                && !(self.submission.is_missing_confirmed && last.counts.retirements_held > 0)
        })
    }

    fn replay(self) -> Receipt {
        let counts = Counts {
            accepted: self.submission.evidence.rows.num_rows() as u64,
            unchanged: self.submission.evidence.rows.num_rows() as u64,
            rejected: self.submission.evidence.rejected.len() as u64,
            ..Counts::default()
        };
        Receipt {
            seq: None,
            counts,
            rejected: self.submission.evidence.rejected.clone(),
            left_unknown: self.submission.evidence.left_unknown.clone(),
        }
    }

    async fn prepare(mut self) -> Result<Prepared<'a>> {
        let dataset = &self.submission.dataset;
        crate::evolution::fit(self.journal, dataset, self.snapshot).await?;
        let mut rejected = self.submission.evidence.rejected.clone();
        let filled = lookups::fill(self.journal, self.snapshot, self.submission).await?;
        let (mut incoming, outside) = self.incoming(&filled)?;
        rejected.extend(outside);
        let future = reject_future(&mut incoming, self.batch.known_at);
        rejected.extend(
            future
                .into_iter()
                .map(|(row, reason)| self.reject(&incoming, row, reason)),
        );
        let reading = self.reading(&rejected);
        let heads = self.journal.heads(dataset, self.snapshot).await?;
        let mut output = Output::new(dataset)?;
        let values = output.add_values(incoming.rows.clone())?;
        let mut rows_by_bucket: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for row in &incoming.order {
            rows_by_bucket
                .entry(bucket_of(incoming.keys.value(*row as usize)))
                .or_default()
                .push(*row);
        }
        let mut buckets: BTreeSet<usize> = rows_by_bucket.keys().copied().collect();
        if reading.extent == Extent::Full {
            buckets.extend(heads.filled());
        }
        let mut counts = Counts {
            accepted: incoming.order.len() as u64,
            ..Counts::default()
        };
        let (mut late, mut left_out, mut alive) = (BTreeSet::new(), Vec::new(), 0);
        let mut loaded: HashMap<usize, (RecordBatch, u32)> = HashMap::new();
        for bucket in buckets {
            let rows = heads.bucket(bucket).await?;
            let head_values = output.add_values(only_columns(&rows, dataset)?)?;
            let in_scope = if reading.extent == Extent::Full {
                self.in_scope(&rows)?
            } else {
                Vec::new()
            };
            let own = rows_by_bucket
                .get(&bucket)
                .map_or(&[] as &[u32], Vec::as_slice);
            let result = plan_bucket(
                &reading,
                &incoming,
                values,
                own,
                (&rows, head_values),
                &in_scope,
                &mut output,
            )?;
            counts.changed += result.counts.changed;
            counts.unchanged += result.counts.unchanged;
            counts.accepted -= result.out_of_order.len() as u64;
            rejected.extend(
                result
                    .out_of_order
                    .into_iter()
                    .map(|(row, reason)| self.reject(&incoming, row, reason)),
            );
            late.extend(result.late);
            left_out.extend(result.left_out.into_iter().map(|(key, _)| (bucket, key)));
            alive += result.alive;
            loaded.insert(bucket, (rows, head_values));
        }
        // Rejected rows count as present, but assert nothing.
        let (present_rejected, gone): (Vec<_>, Vec<_>) = left_out
            .into_iter()
            .partition(|(_, key)| reading.rejected_keys.contains(key));
        let word = self.word_for_gone(&gone, alive, &rejected, &mut counts);
        let mut by_bucket: BTreeMap<usize, Vec<(String, Option<Word<Pick>>)>> = BTreeMap::new();
        for (bucket, key) in present_rejected {
            by_bucket.entry(bucket).or_default().push((key, None));
        }
        for (bucket, key) in gone {
            by_bucket.entry(bucket).or_default().push((key, word));
        }
        let mut late_gone = BTreeSet::new();
        for (bucket, keys) in by_bucket {
            let (rows, head_values) = &loaded[&bucket];
            late_gone.extend(leave_out_all(
                &reading,
                &keys,
                (rows, *head_values),
                &mut output,
            )?);
        }
        let late_word = word.map(|word| (late_gone, word));
        self.take_late(
            &reading,
            &incoming,
            values,
            &late,
            late_word,
            &mut output,
            &mut counts,
            &mut rejected,
        )
        .await?;
        counts.rejected = rejected.len() as u64;
        self.batch.counts = counts;
        let changes = output.finish(
            dataset,
            &self.batch.source,
            self.batch.seq,
            &self.batch.batch_id,
        )?;
        let mut prepared = Prepared {
            submission: self.submission,
            batch: self.batch,
            changes: vec![(Arc::clone(dataset), changes)],
            rejected,
        };
        lookups::follow(
            self.journal,
            self.snapshot,
            self.submission,
            &prepared.batch,
            &mut prepared.changes,
        )
        .await?;
        derived::follow(
            self.journal,
            self.snapshot,
            self.submission,
            &prepared.batch,
            &mut prepared.changes,
        )
        .await?;
        Ok(prepared)
    }

    /// What leaving records out does, after the safeguards: nothing is retired where a key was unreadable or too many would go.
    fn word_for_gone(
        &self,
        gone: &[(usize, String)],
        alive: u64,
        rejected: &[RejectedRow],
        counts: &mut Counts,
    ) -> Option<Word<Pick>> {
        let word = match self.submission.missing {
            Missing::Keep => return None,
            Missing::Retire => Word::Ended,
            Missing::Withdraw => Word::Silent,
        };
        let count = gone.len() as u64;
        let is_unreadable = rejected.iter().any(|row| row.record_key.is_none());
        let is_too_many = count * 100 > alive * RETIREMENT_LIMIT_PERCENT;
        if count > 0 && (is_unreadable || is_too_many) && !self.submission.is_missing_confirmed {
            counts.retirements_held = count;
            return None;
        }
        counts.retired = count;
        Some(word)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one commit in the making"
    )]
    async fn take_late(
        &self,
        reading: &Reading,
        incoming: &Incoming,
        values: u32,
        late: &BTreeSet<String>,
        gone: Option<(BTreeSet<String>, Word<Pick>)>,
        output: &mut Output,
        counts: &mut Counts,
        rejected: &mut Vec<RejectedRow>,
    ) -> Result<()> {
        let gone_keys = gone
            .as_ref()
            .map(|(keys, _)| keys.clone())
            .unwrap_or_default();
        let keys: HashSet<&str> = late.iter().chain(&gone_keys).map(String::as_str).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let dataset = &self.submission.dataset;
        let table = self.journal.assertions(&dataset.name).await?;
        let rows = self
            .journal
            .read_visible(table.as_ref(), self.snapshot, 0, self.snapshot.seq())
            .await?;
        let mut said = Vec::new();
        for rows in in_order(rows)? {
            let of = strings(&rows, crate::schema::RECORD_KEY)?;
            let keep: BooleanArray = of
                .iter()
                .map(|key| key.map(|key| keys.contains(key)))
                .collect();
            let rows = arrow::compute::filter_record_batch(&rows, &keep)?;
            if rows.num_rows() > 0 {
                let plain = only_columns(
                    &crate::table::conform(&rows, &crate::heads::heads_schema(dataset))?,
                    dataset,
                )?;
                said.push((rows, plain));
            }
        }
        let mut with_values = Vec::new();
        let mut scope_rows: HashMap<u32, RecordBatch> = HashMap::new();
        for (rows, plain) in said {
            let number = output.add_values(plain.clone())?;
            scope_rows.insert(number, plain);
            with_values.push((rows, number));
        }
        let scopes = Scopes::new(self.journal, dataset, self.snapshot, &scope_rows)?;
        let history = History::new(&with_values, self.snapshot.batches(), &dataset.name)?;
        let in_scope = |batch: &Batch, pick: Pick| scopes.contains(batch, pick);
        let mut rows_by_key: HashMap<&str, Vec<u32>> = HashMap::new();
        for row in &incoming.order {
            let key = incoming.keys.value(*row as usize);
            if late.contains(key) {
                rows_by_key.entry(key).or_default().push(*row);
            }
        }
        for key in late {
            let rows = rows_by_key.remove(key.as_str()).unwrap_or_default();
            let said_now: Vec<_> = rows
                .into_iter()
                .map(|row| {
                    (
                        Some(row),
                        Word::Says((values, row)),
                        incoming.days[row as usize],
                        incoming.known[row as usize],
                    )
                })
                .collect();
            let said_count = said_now.len() as u64;
            let (out_of_order, changed) =
                history.take(reading, key, &said_now, self.batch.seq, &in_scope, output);
            counts.changed += changed;
            counts.unchanged += said_count - changed - out_of_order.len() as u64;
            counts.accepted -= out_of_order.len() as u64;
            rejected.extend(
                out_of_order
                    .into_iter()
                    .map(|(row, reason)| self.reject(incoming, row, reason)),
            );
        }
        if let Some((keys, word)) = gone {
            for key in keys {
                let said_now = [(None, word, reading.as_of, reading.known_at)];
                history.take(reading, &key, &said_now, self.batch.seq, &in_scope, output);
            }
        }
        Ok(())
    }

    fn reading(&self, rejected: &[RejectedRow]) -> Reading {
        let dataset = &self.submission.dataset;
        let of_dataset = || {
            self.snapshot
                .batches()
                .iter()
                .filter(|b| b.dataset == dataset.name)
        };
        let mut precedence: HashMap<String, i32> = of_dataset()
            .map(|b| (b.source.clone(), b.precedence))
            .collect();
        precedence.insert(self.submission.source.clone(), self.submission.precedence);
        Reading {
            dataset: Arc::clone(dataset),
            source: self.submission.source.clone(),
            as_of: self.submission.as_of,
            known_at: self.batch.known_at,
            extent: self.submission.extent,
            has_own_days: self.batch.has_own_days,
            rejected_keys: rejected
                .iter()
                .filter_map(|row| row.record_key.clone())
                .collect(),
            precedence,
            last_full_as_of: of_dataset()
                .filter(|b| b.extent == Extent::Full)
                .map(|b| b.as_of)
                .max()
                .unwrap_or(Day::MIN),
        }
    }

    /// Puts keys, days and times beside the rows, and takes out rows that lie outside the stated scope.
    fn incoming(&self, rows: &RecordBatch) -> Result<(Incoming, Vec<RejectedRow>)> {
        let evidence = &self.submission.evidence;
        let dataset = &self.submission.dataset;
        let keys = keys_of(rows, dataset)?;
        let count = rows.num_rows();
        let days = match &evidence.effective_on {
            _ if dataset.kind != DatasetKind::Register => vec![BEGINNING; count],
            Some(days) => days
                .iter()
                .map(|day| day.unwrap_or(self.batch.as_of))
                .collect(),
            None => vec![self.batch.as_of; count],
        };
        let known = match &evidence.known_at {
            Some(known) => known
                .iter()
                .map(|at| at.unwrap_or(self.batch.known_at))
                .collect(),
            None => vec![self.batch.known_at; count],
        };
        let mut order: Vec<u32> = (0..u32::try_from(count).unwrap_or(u32::MAX)).collect();
        if evidence.known_at.is_some()
            || evidence.effective_on.is_some()
            || evidence.version_order.is_some()
        {
            let version = evidence.version_order.as_ref();
            order.sort_by_key(|row| {
                let row = *row as usize;
                (
                    known[row],
                    days[row],
                    version.map_or(0, |v| if v.is_valid(row) { v.value(row) } else { 0 }),
                    row,
                )
            });
        }
        let mut incoming = Incoming {
            rows: rows.clone(),
            keys,
            days,
            known,
            order,
        };
        let inside = self.in_scope(rows)?;
        let outside: Vec<u32> = incoming
            .order
            .iter()
            .copied()
            .filter(|row| !inside[*row as usize])
            .collect();
        let rejected = outside
            .iter()
            .map(|row| {
                self.reject(
                    &incoming,
                    *row,
                    Reason::OutsideScope {
                        found: incoming.keys.value(*row as usize).to_owned(),
                    },
                )
            })
            .collect();
        incoming.order.retain(|row| inside[*row as usize]);
        Ok((incoming, rejected))
    }

    fn in_scope(&self, rows: &RecordBatch) -> Result<Vec<bool>> {
        scope_flags(self.journal, &self.submission.dataset, &self.batch, rows)
    }

    fn reject(&self, incoming: &Incoming, row: u32, reason: Reason) -> RejectedRow {
        let place = self
            .submission
            .evidence
            .places
            .get(row as usize)
            .copied()
            .unwrap_or(0);
        RejectedRow {
            file: self
                .submission
                .files
                .first()
                .map(|file| file.name.clone())
                .unwrap_or_default(),
            row: place,
            record_key: Some(incoming.keys.value(row as usize).to_owned()),
            reason,
        }
    }
}

/// Tells for each row whether it lies in the scope of a batch.
fn scope_flags(
    journal: &Journal,
    dataset: &Dataset,
    batch: &Batch,
    rows: &RecordBatch,
) -> Result<Vec<bool>> {
    let mut inside = vec![true; rows.num_rows()];
    if !batch.scope_units.is_empty() {
        let units: HashSet<&str> = batch.scope_units.iter().map(String::as_str).collect();
        let of = strings(rows, ORG_UNIT)?;
        for (flag, unit) in inside.iter_mut().zip(&of) {
            *flag = unit
                .is_some_and(|unit| unit.split(ORG_UNIT_SEPARATOR).any(|id| units.contains(id)));
        }
    }
    if let Some(sql) = &batch.scope.predicate {
        let found = evaluate(journal, &located(sql, &batch.source), dataset, rows)?;
        let found = found.as_boolean_opt().ok_or_else(|| {
            StoreError::Definition(Problem::new(
                Place::file(format!("sources/{}.toml", batch.source)),
                "the scope's `where` is not a condition",
            ))
        })?;
        for (flag, holds) in inside.iter_mut().zip(found) {
            *flag = *flag && holds.unwrap_or(false);
        }
    }
    Ok(inside)
}

fn located(sql: &str, source: &str) -> Located {
    Located {
        value: sql.to_owned(),
        place: Place::file(format!("sources/{source}.toml")),
    }
}

/// Evaluates an expression of a definition over rows that have the dataset's columns.
pub(crate) fn evaluate(
    journal: &Journal,
    sql: &Located,
    dataset: &Dataset,
    rows: &RecordBatch,
) -> Result<arrow::array::ArrayRef> {
    let compiled = journal
        .expressions
        .compile(&sql.value, &dataset.schema())
        .map_err(|error| StoreError::Definition(error.into_problem(sql)))?;
    compiled.evaluate(rows).map_err(|message| {
        StoreError::Definition(Problem::new(
            sql.place.clone(),
            format!("the expression cannot be computed: {message}"),
        ))
    })
}

/// The scopes of all full readings, evaluated once over the history.
struct Scopes {
    flags: HashMap<(i64, u32), Vec<bool>>,
}

impl Scopes {
    fn new(
        journal: &Journal,
        dataset: &Dataset,
        snapshot: &Snapshot,
        rows: &HashMap<u32, RecordBatch>,
    ) -> Result<Self> {
        let mut flags = HashMap::new();
        let mut by_scope: HashMap<(String, Vec<String>, u32), Vec<bool>> = HashMap::new();
        for batch in snapshot
            .batches()
            .iter()
            .filter(|b| b.dataset == dataset.name && b.extent == Extent::Full)
        {
            for (number, rows) in rows {
                let key = (
                    batch.scope.predicate.clone().unwrap_or_default(),
                    batch.scope_units.clone(),
                    *number,
                );
                let found = if let Some(found) = by_scope.get(&key) {
                    found.clone()
                } else {
                    let found = scope_flags(journal, dataset, batch, rows)?;
                    by_scope.insert(key, found.clone());
                    found
                };
                flags.insert((batch.seq, *number), found);
            }
        }
        Ok(Self { flags })
    }

    fn contains(&self, batch: &Batch, pick: Pick) -> bool {
        self.flags
            .get(&(batch.seq, pick.0))
            .and_then(|flags| flags.get(pick.1 as usize))
            .copied()
            .unwrap_or(false)
    }
}

fn reject_future(incoming: &mut Incoming, limit: i64) -> Vec<(u32, Reason)> {
    let known = &incoming.known;
    let future: Vec<u32> = incoming
        .order
        .iter()
        .copied()
        .filter(|row| known[*row as usize] > limit)
        .collect();
    incoming.order.retain(|row| known[*row as usize] <= limit);
    future
        .into_iter()
        .map(|row| {
            (
                row,
                crate::plan::knowledge_reason(incoming.known[row as usize], limit),
            )
        })
        .collect()
}

/// The journalled columns alone.
pub(crate) fn only_columns(rows: &RecordBatch, dataset: &Dataset) -> Result<RecordBatch> {
    crate::table::conform(rows, &dataset.schema())
}

/// The keys of rows.
pub(crate) fn keys_of(rows: &RecordBatch, dataset: &Dataset) -> Result<StringArray> {
    let parts: Vec<StringArray> = dataset
        .key
        .iter()
        .map(|name| {
            let column = rows
                .column_by_name(name)
                .ok_or_else(|| StoreError::Damaged(format!("rows have no key column {name}")))?;
            Ok(arrow::compute::cast(column, &DataType::Utf8)?
                .as_string::<i32>()
                .clone())
        })
        .collect::<Result<_>>()?;
    Ok((0..rows.num_rows())
        .map(|row| Some(join_key(parts.iter().map(|part| part.value(row)))))
        .collect())
}

impl Prepared<'_> {
    /// Writes everything but the commit itself.
    async fn write(&self, journal: &Journal) -> Result<()> {
        let file = format!("{}.parquet", self.batch.batch_id);
        for (dataset, changes) in &self.changes {
            if changes.entries.num_rows() > 0 {
                let schema = entries_schema(dataset);
                let mut table =
                    Table::open_or_create(&journal.root, &entries_table(&dataset.name), &schema)
                        .await?;
                append(&mut table, &file, &changes.entries).await?;
            }
            if changes.assertions.num_rows() > 0 {
                let schema = assertions_schema(dataset);
                let mut table =
                    Table::open_or_create(&journal.root, &assertions_table(&dataset.name), &schema)
                        .await?;
                append(&mut table, &file, &changes.assertions).await?;
            }
        }
        let unknown = self
            .submission
            .evidence
            .left_unknown
            .iter()
            .map(|row| (Outcome::LeftUnknown, row));
        let rejected = self.rejected.iter().map(|row| (Outcome::Rejected, row));
        let stored: Vec<StoredReject> = rejected
            .chain(unknown)
            .map(|(outcome, row)| StoredReject::new(&self.batch, outcome, row))
            .collect();
        rejects::write(journal, &file, &stored).await
    }

    /// Brings the heads up to this commit. They are a cache: should this fail, the next ingest replays what is missing.
    async fn write_heads(&self, journal: &Journal) -> Result<()> {
        let snapshot = journal.snapshot().await?;
        let with_heads = self
            .changes
            .iter()
            .filter(|(dataset, _)| dataset.kind != DatasetKind::Derived);
        for (dataset, _) in with_heads {
            let heads = journal.heads(dataset, &snapshot).await?;
            heads.write(snapshot.seq(), &[]).await?;
        }
        Ok(())
    }

    fn receipt(&self) -> Receipt {
        Receipt {
            seq: Some(self.batch.seq),
            counts: self.batch.counts,
            rejected: self.rejected.clone(),
            left_unknown: self.submission.evidence.left_unknown.clone(),
        }
    }
}

/// Adds a file; entries of other batches may be added at the same time.
async fn append(table: &mut Table, file: &str, rows: &RecordBatch) -> Result<()> {
    match table.append(file, rows, Retries::Some).await? {
        Ok(()) => Ok(()),
        Err(_) => Err(StoreError::Contended(1)),
    }
}
