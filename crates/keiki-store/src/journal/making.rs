//! A commit in the making: the groups of its rows one after another, then what a full reading left out, then what came late.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use keiki_model::evidence::{Counts, Missing, OpenEnd, RejectedRow, Wait};
use keiki_model::text::Text;
use keiki_model::timeline::Word;
use tokio::runtime::Handle;

use super::attempt::Attempt;
use super::group::{Done, LeftOut, Work, groups};
use super::scope::Scopes;
use super::writing::{Writing, Written};
use super::{assertions_table, entries_table, only_columns};
use crate::batches::Batch;
use crate::error::{Result, StoreError};
use crate::gathered::{RejectedRows, Taken};
use crate::heads::{Heads, Renewed};
use crate::lookups::Fill;
use crate::parallel;
use crate::plan::{Changes, History, Incoming, Output, Pick, leave_out_all};
use crate::schema::{assertions_schema, entries_schema};

/// The share of a source's records above which retirements wait for confirmation. *Units*: percent.
const RETIREMENT_LIMIT_PERCENT: u64 = 10;

/// How many of the records whose retirement waits are listed.
const HELD_LISTED: usize = 1_000;

/// Groups of rows that came late, or of heads of records that were left out, that are held before they are worked on or
/// read again.
const HELD_GROUPS: usize = 4;

/// Groups of that many times the rows that are meant for one are worked on one by one.
const LARGE_GROUPS: usize = 4;

/// A commit in the making.
pub(super) struct Making {
    attempt: Arc<Attempt>,
    work: Arc<Work>,
    files: Writing,
    /// What is written, at hand for the datasets that follow this one.
    own: Option<Vec<Changes>>,
    counts: Counts,
    /// Rows that the journal does not take.
    rejected: RejectedRows,
    kept: Vec<RejectedRow>,
    alive: u64,
    left_out: Vec<LeftOut>,
    /// Records whose retirement waits, the first of them.
    held: Vec<String>,
    wait: Option<Wait>,
    late: Vec<Incoming>,
    renewed: Renewed,
}

/// A commit that is worked out.
pub(super) struct Made {
    pub(super) written: Vec<Written>,
    pub(super) own: Option<Changes>,
    pub(super) counts: Counts,
    pub(super) rejected: RejectedRows,
    pub(super) kept: Vec<RejectedRow>,
    pub(super) held: Vec<String>,
    pub(super) wait: Option<Wait>,
    pub(super) heads: Heads,
    pub(super) renewed: Renewed,
}

impl Making {
    pub(super) async fn new(attempt: &Arc<Attempt>, is_followed: bool) -> Result<Self> {
        let (journal, submission) = (attempt.journal(), attempt.submission());
        let dataset = &submission.dataset;
        let early = attempt.rows().early.as_ref().and_then(Taken::alongside);
        let heads = match early {
            Some(early) => early.heads(journal, dataset, attempt.snapshot()).await?,
            None => journal.heads(dataset, attempt.snapshot()).await?,
        };
        let unchanged = early.map_or(0, |early| early.unchanged);
        let work = Work {
            attempt: Arc::clone(attempt),
            reading: attempt.reading(),
            fill: Fill::read(journal, attempt.snapshot(), (dataset, &submission.datasets)).await?,
            heads,
        };
        let file = format!("{}.parquet", attempt.batch().batch_id);
        let entries = (entries_table(&dataset.name), entries_schema(dataset));
        let assertions = (assertions_table(&dataset.name), assertions_schema(dataset));
        Ok(Self {
            attempt: Arc::clone(attempt),
            work: Arc::new(work),
            files: Writing::begin(journal, &file, entries, assertions),
            own: is_followed.then(Vec::new),
            counts: Counts {
                accepted: unchanged,
                unchanged,
                ..Counts::default()
            },
            rejected: RejectedRows::new(journal.tokens().spill_folder()),
            kept: Vec::new(),
            alive: unchanged,
            left_out: Vec::new(),
            held: Vec::new(),
            wait: None,
            late: Vec::new(),
            renewed: Renewed::default(),
        })
    }

    pub(super) async fn make(mut self) -> Result<Made> {
        let extent = self.attempt.submission().extent;
        let groups = groups(self.attempt.rows(), &self.work.heads, extent);
        {
            let (work, runtime) = (Arc::clone(&self.work), Handle::current());
            let rows = self.attempt.rows();
            let largest = groups.iter().map(|group| rows.count_of(group)).max();
            // A bucket that is a group by itself may be large; then the memory of one must do.
            let is_large = largest.is_some_and(|largest| largest > LARGE_GROUPS * rows.group_rows);
            let threads = if is_large {
                1
            } else {
                parallel::threads_for(self.attempt.journal())
            };
            let count = groups.len();
            let mut done = parallel::in_order(count, threads, move |number| {
                work.group(&groups[number], &runtime)
            });
            while let Some(group) = done.next().await {
                self.take(group?).await?;
            }
        }
        let gone = self.leave_out().await?;
        let late = std::mem::take(&mut self.late);
        self.take_late(&late, gone).await?;
        self.finish().await
    }

    async fn finish(mut self) -> Result<Made> {
        let rows = self.attempt.rows();
        self.rejected.sort_listed(|listed| rows.in_order(listed));
        rows.in_order(&mut self.kept);
        self.counts.rejected = rows.rejected.count() + self.rejected.count();
        let own = self.own.map(|own| Changes::joined(&own)).transpose()?;
        let written = self.files.finish().await?;
        let work = Arc::into_inner(self.work).ok_or_else(|| {
            StoreError::stopped(Text::new(
                "記帳を別の処理がまだ続けています",
                "a thread still works on the commit",
            ))
        })?;
        Ok(Made {
            written,
            own,
            counts: self.counts,
            rejected: self.rejected,
            kept: self.kept,
            held: self.held,
            wait: self.wait,
            heads: work.heads,
            renewed: self.renewed,
        })
    }

    /// Takes what became of a group.
    async fn take(&mut self, group: Done) -> Result<()> {
        self.counts.accepted += group.counts.accepted;
        self.counts.changed += group.counts.changed;
        self.counts.unchanged += group.counts.unchanged;
        self.rejected.add(group.rejected)?;
        self.kept.extend(group.kept);
        self.alive += group.alive;
        let heads = |left: &LeftOut| left.heads.as_ref().map_or(0, RecordBatch::num_rows);
        let held: usize = self.left_out.iter().map(heads).sum();
        for mut left in group.left_out {
            if held > self.held_rows() {
                left.heads = None;
            }
            self.left_out.push(left);
        }
        self.renewed.extend(group.heads);
        if let Some(changes) = group.changes {
            self.write(changes).await?;
        }
        self.late.extend(group.late);
        if self.late.iter().map(|late| late.order.len()).sum::<usize>() > self.held_rows() {
            let late = std::mem::take(&mut self.late);
            self.take_late(&late, None).await?;
        }
        Ok(())
    }

    fn held_rows(&self) -> usize {
        HELD_GROUPS * self.attempt.rows().group_rows
    }

    async fn write(&mut self, changes: Changes) -> Result<()> {
        if let Some(own) = &mut self.own {
            own.push(changes.clone());
        }
        self.files.write(changes).await
    }

    /// Ends what was worked out beside the groups.
    async fn add(&mut self, output: Output) -> Result<()> {
        let batch = self.attempt.batch();
        let dataset = &self.attempt.submission().dataset;
        let changes = output.finish(dataset, batch.seq, &batch.batch_id)?;
        let heads = &self.work.heads;
        let said = crate::heads::Said::default();
        heads
            .renew(&mut self.renewed, &changes.assertions, said)
            .await?;
        self.write(changes).await
    }

    fn output(&self) -> Result<Output> {
        Output::new(&self.work.reading.dataset, &self.work.reading.source)
    }

    /// Does what a full reading's leaving records out means. Returns the word for them, with the keys that need their history.
    async fn leave_out(&mut self) -> Result<Option<(BTreeSet<String>, Word<Pick>)>> {
        // Rejected rows count as present, but assert nothing.
        let mut present = self.rejected_of_left_out()?;
        present.extend(self.not_missing().await?);
        let all = self.left_out.iter().flat_map(|left| &left.keys);
        let gone = all.filter(|key| !present.contains(*key)).count() as u64;
        let word = self.word_for_gone(gone)?;
        if self.counts.retirements_held > 0 {
            let keys = self.left_out.iter().flat_map(|left| &left.keys);
            let held = keys.filter(|key| !present.contains(*key)).cloned();
            self.held = held
                .collect::<BTreeSet<String>>()
                .into_iter()
                .take(HELD_LISTED)
                .collect();
        }
        let mut late_gone = BTreeSet::new();
        let mut output = self.output()?;
        let mut rows = 0;
        for left in std::mem::take(&mut self.left_out) {
            let heads = match left.heads {
                Some(heads) => heads,
                None => self.work.heads.bucket(left.bucket).await?,
            };
            rows += heads.num_rows();
            let reading = &self.work.reading;
            let values = output.add_values(only_columns(&heads, &reading.dataset)?)?;
            let keys: Vec<_> = left
                .keys
                .into_iter()
                .map(|key| {
                    let word = word.filter(|_| !present.contains(&key));
                    (key, word)
                })
                .collect();
            late_gone.extend(leave_out_all(
                reading,
                &keys,
                (&heads, values),
                &mut output,
            )?);
            if rows > self.attempt.rows().group_rows {
                let full = std::mem::replace(&mut output, self.output()?);
                self.add(full).await?;
                rows = 0;
            }
        }
        self.add(output).await?;
        Ok(word.map(|word| (late_gone, word)))
    }

    /// The keys of records that were left out and that the reading does not miss, by what was said of them for its day.
    async fn not_missing(&mut self) -> Result<Vec<String>> {
        let unsure = self.left_out.iter().flat_map(|left| &left.unsure);
        let unsure: HashSet<&str> = unsure.map(String::as_str).collect();
        if unsure.is_empty() || self.attempt.submission().missing == Missing::Keep {
            return Ok(Vec::new());
        }
        let (attempt, reading) = (&self.attempt, &self.work.reading);
        let mut output = self.output()?;
        let said = Said::read(attempt, &unsure, &mut output).await?;
        let batches = attempt.snapshot().batches();
        let history = History::new(&said.rows, batches, &reading.dataset.name)?;
        let in_scope = |batch: &Batch, pick: Pick| said.scopes.contains(batch, pick);
        let would_hold = |pick: Pick| said.scopes.contains(attempt.batch(), pick);
        let is_there = |key: &&str| !history.misses(reading, key, &would_hold, &in_scope, &output);
        Ok(unsure
            .into_iter()
            .filter(is_there)
            .map(str::to_owned)
            .collect())
    }

    /// The keys of rejected rows that are about records that no accepted row is about.
    fn rejected_of_left_out(&self) -> Result<HashSet<String>> {
        let keys = self.left_out.iter().flat_map(|left| &left.keys);
        let left_out: HashSet<&String> = keys.collect();
        let mut found = HashSet::new();
        if left_out.is_empty() {
            return Ok(found);
        }
        for rejected in [&self.attempt.rows().rejected, &self.rejected] {
            for number in 0..rejected.slice_count() {
                let rows = rejected.slice(number)?;
                let keys = rows.iter().filter_map(|row| row.record_key.as_ref());
                found.extend(keys.filter(|key| left_out.contains(key)).cloned());
            }
        }
        Ok(found)
    }

    /// What leaving records out does, after the safeguards: nothing is retired where a file seems to be cut off, a key was
    /// unreadable or too many would go.
    fn word_for_gone(&mut self, count: u64) -> Result<Option<Word<Pick>>> {
        let submission = self.attempt.submission();
        let word = match submission.missing {
            Missing::Keep => return Ok(None),
            Missing::Retire => Word::Ended,
            Missing::Withdraw => Word::Silent,
        };
        if count > 0 && !submission.is_missing_confirmed {
            self.wait = self.why_wait(count)?;
        }
        if self.wait.is_some() {
            self.counts.retirements_held = count;
            return Ok(None);
        }
        self.counts.retired = count;
        Ok(Some(word))
    }

    /// Why the retirement of so many records has to wait, if it has.
    fn why_wait(&self, count: u64) -> Result<Option<Wait>> {
        if let Some(end) = self.cut_off()? {
            return Ok(Some(Wait::OpenEnd(end)));
        }
        let rejected = [&self.attempt.rows().rejected, &self.rejected];
        if rejected.iter().any(|rows| rows.has_unreadable()) {
            return Ok(Some(Wait::UnreadableKey));
        }
        let is_too_many = count * 100 > self.alive * RETIREMENT_LIMIT_PERCENT;
        Ok(is_too_many.then_some(Wait::TooMany {
            limit_percent: RETIREMENT_LIMIT_PERCENT,
        }))
    }

    /// Where a file seems to be cut off: its last line does not end, though it did before, or holds no row that can be used.
    fn cut_off(&self) -> Result<Option<OpenEnd>> {
        let rows = self.attempt.rows();
        let Some(first) = rows.open_ends.first() else {
            return Ok(None);
        };
        if !self.attempt.ends_openly() {
            return Ok(Some(first.clone()));
        }
        for number in 0..rows.rejected.slice_count() {
            let rejected = rows.rejected.slice(number)?;
            let is_rejected = |end: &&OpenEnd| {
                let of_end = |row: &RejectedRow| row.row == end.row && row.file == end.file;
                rejected.iter().any(of_end)
            };
            if let Some(end) = rows.open_ends.iter().find(is_rejected) {
                return Ok(Some(end.clone()));
            }
        }
        Ok(None)
    }

    /// Sets rows that came late, and records left out of a late reading, against the whole history of their records.
    async fn take_late(
        &mut self,
        late: &[Incoming],
        gone: Option<(BTreeSet<String>, Word<Pick>)>,
    ) -> Result<()> {
        let incoming = Incoming::joined(&self.work.reading.dataset, late)?;
        let (gone, word) = gone.map_or((BTreeSet::new(), None), |(keys, word)| (keys, Some(word)));
        let mut rows_by_key: HashMap<&str, Vec<u32>> = HashMap::new();
        for row in &incoming.order {
            let key = incoming.keys.value(*row as usize);
            rows_by_key.entry(key).or_default().push(*row);
        }
        let keys: HashSet<&str> = rows_by_key
            .keys()
            .copied()
            .chain(gone.iter().map(String::as_str))
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let attempt = Arc::clone(&self.attempt);
        let mut output = self.output()?;
        let values = output.add_values(incoming.rows.clone())?;
        let said = Said::read(&attempt, &keys, &mut output).await?;
        let (snapshot, dataset) = (attempt.snapshot(), &attempt.submission().dataset);
        let history = History::new(&said.rows, snapshot.batches(), &dataset.name)?;
        let in_scope = |batch: &Batch, pick: Pick| said.scopes.contains(batch, pick);
        let missing_from = |pick: Pick| said.scopes.contains(attempt.batch(), pick);
        let reading = &self.work.reading;
        let commit = (attempt.batch().seq, &missing_from as &dyn Fn(Pick) -> bool);
        let mut late_keys: Vec<&str> = rows_by_key.keys().copied().collect();
        late_keys.sort_unstable();
        for key in late_keys {
            let said_now: Vec<_> = rows_by_key[key]
                .iter()
                .map(|row| {
                    let at = *row as usize;
                    let says = Word::Says((values, *row));
                    (Some(*row), says, incoming.days[at], incoming.known[at])
                })
                .collect();
            let said_count = said_now.len() as u64;
            let (out_of_order, changed) =
                history.take(reading, key, &said_now, commit, &in_scope, &mut output);
            self.counts.changed += changed;
            self.counts.unchanged += said_count - changed - out_of_order.len() as u64;
            self.counts.accepted -= out_of_order.len() as u64;
            let rejected = out_of_order.into_iter();
            self.rejected
                .add(rejected.map(|(row, reason)| attempt.reject(&incoming, row, reason)))?;
        }
        for key in gone.iter().filter(|_| word.is_some()) {
            let word = word.unwrap_or(Word::Silent);
            let said_now = [(None, word, reading.as_of, reading.known_at)];
            history.take(reading, key, &said_now, commit, &in_scope, &mut output);
        }
        self.add(output).await
    }
}

/// What was said so far of some records.
pub(super) struct Said {
    /// Rows, and the number of their values.
    pub(super) rows: Vec<(RecordBatch, u32)>,
    pub(super) scopes: Scopes,
}

impl Said {
    pub(super) async fn read(
        attempt: &Attempt,
        keys: &HashSet<&str>,
        output: &mut Output,
    ) -> Result<Self> {
        let dataset = &attempt.submission().dataset;
        let shape = crate::heads::heads_schema(dataset);
        let mut rows = Vec::new();
        let mut plain_rows: HashMap<u32, RecordBatch> = HashMap::new();
        for said in attempt.assertions_of(keys).await? {
            let plain = only_columns(&crate::table::conform(&said, &shape)?, dataset)?;
            let number = output.add_values(plain.clone())?;
            plain_rows.insert(number, plain);
            rows.push((said, number));
        }
        let expressions = attempt.journal().expressions.as_ref();
        let earlier = attempt.snapshot().batches().iter();
        let batches = earlier.chain([attempt.batch()]);
        let scopes = Scopes::new(expressions, dataset, batches, &plain_rows)?;
        Ok(Self { rows, scopes })
    }
}
