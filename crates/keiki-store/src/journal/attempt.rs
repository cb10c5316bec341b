//! One try at a commit: what a reading changes, taken against one snapshot, and how it is written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch};
use keiki_model::calendar::{BEGINNING, Day};
use keiki_model::dataset::{Dataset, DatasetKind, content_version};
use keiki_model::evidence::{Claim, Counts, Extent, Missing, Reason, RejectedRow};
use keiki_model::problem::{Place, Problem};
use keiki_model::timeline::Word;

use super::scope::{Scopes, scope_flags};
use super::sift::{Sifted, sift};
use super::{
    Journal, Receipt, Submission, assertions_table, entries_table, in_order, keys_of, only_columns,
};
use crate::batches::{Batch, Snapshot};
use crate::error::{Result, StoreError};
use crate::heads::strings;
use crate::plan::{
    Changes, History, Incoming, Output, Pick, Reading, Sieved, leave_out_all, plan_bucket,
};
use crate::rejects::{self, Outcome, StoredReject};
use crate::schema::{assertions_schema, entries_schema};
use crate::table::Table;
use crate::{derived, lookups};

/// The share of a source's records above which retirements wait for confirmation. *Units*: percent.
const RETIREMENT_LIMIT_PERCENT: u64 = 10;

/// One try at a commit, against one snapshot.
pub(super) struct Attempt<'a> {
    journal: &'a Journal,
    submission: &'a Submission,
    snapshot: &'a Snapshot,
    batch: Batch,
}

/// A record that a full reading left out, and what that says of it.
type LeftOut = (String, Option<Word<Pick>>);

/// What setting the rows against the heads left to do.
#[derive(Default)]
struct AgainstHeads {
    /// Keys whose rows came late.
    late: BTreeSet<String>,
    /// Bucket and key of each record that was left out.
    left_out: Vec<(usize, String)>,
    /// How many records of the source are alive and in scope.
    alive: u64,
    /// Rows whose time of knowledge is out of order.
    out_of_order: Vec<(u32, Reason)>,
    /// The heads that were read, and the number of their values.
    loaded: HashMap<usize, (RecordBatch, u32)>,
}

/// Everything that a commit writes.
pub(super) struct Prepared<'a> {
    submission: &'a Submission,
    pub(super) batch: Batch,
    /// Changes by dataset: the reading's own, then those of lookups and derived datasets.
    changes: Vec<(Arc<Dataset>, Changes)>,
    rejected: Vec<RejectedRow>,
    /// Days of approved plans that were kept although a row gives another.
    kept: Vec<RejectedRow>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
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
            mapping_version: mapping_version(submission),
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
    pub(super) fn is_replay(&self) -> bool {
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

    pub(super) fn replay(self) -> Receipt {
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
            kept: Vec::new(),
        }
    }

    pub(super) async fn prepare(mut self) -> Result<Prepared<'a>> {
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
        let reading = Arc::new(self.reading(&rejected));
        let mut counts = Counts {
            accepted: incoming.order.len() as u64,
            ..Counts::default()
        };
        let heads = self.journal.heads(dataset, self.snapshot).await?;
        let kept = self.keep_plans(&reading, &mut incoming, &heads).await?;
        let Sifted { incoming, buckets } = sift(
            &self.journal.expressions,
            &self.batch,
            &reading,
            incoming,
            heads,
        )
        .await?;
        let mut output = Output::new(dataset, &self.batch.source)?;
        let values = output.add_values(incoming.rows.clone())?;
        let mut against = set_against_heads(
            &reading,
            &incoming,
            values,
            buckets,
            &mut output,
            &mut counts,
        )?;
        rejected.extend(
            std::mem::take(&mut against.out_of_order)
                .into_iter()
                .map(|(row, reason)| self.reject(&incoming, row, reason)),
        );
        let late_word =
            self.leave_out(&reading, &mut against, &rejected, &mut output, &mut counts)?;
        let late = against.late;
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
        let changes = output.finish(dataset, self.batch.seq, &self.batch.batch_id)?;
        let mut prepared = Prepared {
            submission: self.submission,
            batch: self.batch,
            changes: vec![(Arc::clone(dataset), changes)],
            rejected,
            kept,
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

    /// Does what a full reading's leaving records out means. Returns the word for them, with the keys that need their history.
    fn leave_out(
        &self,
        reading: &Reading,
        against: &mut AgainstHeads,
        rejected: &[RejectedRow],
        output: &mut Output,
        counts: &mut Counts,
    ) -> Result<Option<(BTreeSet<String>, Word<Pick>)>> {
        // Rejected rows count as present, but assert nothing.
        let (present_rejected, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut against.left_out)
            .into_iter()
            .partition(|(_, key)| reading.rejected_keys.contains(key));
        let word = self.word_for_gone(&gone, against.alive, rejected, counts);
        let mut by_bucket: BTreeMap<usize, Vec<LeftOut>> = BTreeMap::new();
        for (bucket, key) in present_rejected {
            by_bucket.entry(bucket).or_default().push((key, None));
        }
        for (bucket, key) in gone {
            by_bucket.entry(bucket).or_default().push((key, word));
        }
        let mut late_gone = BTreeSet::new();
        for (bucket, keys) in by_bucket {
            let (rows, head_values) = &against.loaded[&bucket];
            late_gone.extend(leave_out_all(reading, &keys, (rows, *head_values), output)?);
        }
        Ok(word.map(|word| (late_gone, word)))
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
        let mut said = Vec::new();
        for rows in self.assertions().await? {
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
        let scopes = Scopes::new(
            self.journal.expressions.as_ref(),
            dataset,
            self.snapshot,
            &scope_rows,
        )?;
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

    /// What the dataset's sources have said so far, in the order of their commits.
    pub(super) async fn assertions(&self) -> Result<Vec<RecordBatch>> {
        let dataset = &self.submission.dataset.name;
        let table = self.journal.assertions(dataset).await?;
        let rows = self
            .journal
            .read_visible(table.as_ref(), self.snapshot, 0, self.snapshot.seq())
            .await?;
        in_order(rows)
    }

    fn reading(&self, rejected: &[RejectedRow]) -> Reading {
        let dataset = &self.submission.dataset;
        let of_dataset = || {
            self.snapshot
                .batches()
                .iter()
                .filter(|b| b.dataset == dataset.name)
        };
        let mut precedence = self.snapshot.precedence(&dataset.name);
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
        let mut places = evidence.places.clone();
        places.resize(count, 0);
        let mut incoming = Incoming {
            rows: rows.clone(),
            keys,
            days,
            known,
            places,
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
        scope_flags(
            self.journal.expressions.as_ref(),
            &self.submission.dataset,
            &self.batch,
            rows,
        )
    }

    pub(super) fn submission(&self) -> &Submission {
        self.submission
    }

    pub(super) fn reject(&self, incoming: &Incoming, row: u32, reason: Reason) -> RejectedRow {
        RejectedRow {
            file: self
                .submission
                .files
                .first()
                .map(|file| file.name.clone())
                .unwrap_or_default(),
            row: incoming.places[row as usize],
            record_key: Some(incoming.keys.value(row as usize).to_owned()),
            reason,
        }
    }
}

/// Sets the rows that may say something new, bucket by bucket, against what was said last of their records.
fn set_against_heads(
    reading: &Reading,
    incoming: &Incoming,
    values: u32,
    buckets: Vec<(usize, Sieved)>,
    output: &mut Output,
    counts: &mut Counts,
) -> Result<AgainstHeads> {
    let mut against = AgainstHeads::default();
    for (bucket, sieved) in buckets {
        counts.unchanged += sieved.unchanged;
        against.alive += sieved.alive;
        if sieved.rows.is_empty() && sieved.heads.num_rows() == 0 {
            continue;
        }
        let head_values = output.add_values(only_columns(&sieved.heads, &reading.dataset)?)?;
        let result = plan_bucket(
            reading,
            incoming,
            values,
            &sieved.rows,
            (&sieved.heads, head_values),
            &sieved.in_scope,
            output,
        )?;
        counts.changed += result.counts.changed;
        counts.unchanged += result.counts.unchanged;
        counts.accepted -= result.out_of_order.len() as u64;
        against.out_of_order.extend(result.out_of_order);
        against.late.extend(result.late);
        let left_out = result.left_out.into_iter().map(|(key, _)| (bucket, key));
        against.left_out.extend(left_out);
        against.alive += result.alive;
        against.loaded.insert(bucket, (sieved.heads, head_values));
    }
    Ok(against)
}

/// The version of what the rows are read by: the source's mapping, and the plans that bind them if there are any.
fn mapping_version(submission: &Submission) -> String {
    if submission.frozen_plans.is_empty() {
        return submission.mapping_version.clone();
    }
    let (mapping, plans) = (&submission.mapping_version, &submission.frozen_plans);
    content_version(&format!("{mapping} {plans:?}"))
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

impl Prepared<'_> {
    /// Writes everything but the commit itself.
    pub(super) async fn write(&self, journal: &Journal) -> Result<()> {
        let file = format!("{}.parquet", self.batch.batch_id);
        for (dataset, changes) in &self.changes {
            if changes.entries.num_rows() > 0 {
                let schema = entries_schema(dataset);
                let mut table =
                    Table::open_or_create(&journal.root, &entries_table(&dataset.name), &schema)
                        .await?;
                table.append(&file, &changes.entries).await?;
            }
            if changes.assertions.num_rows() > 0 {
                let schema = assertions_schema(dataset);
                let mut table =
                    Table::open_or_create(&journal.root, &assertions_table(&dataset.name), &schema)
                        .await?;
                table.append(&file, &changes.assertions).await?;
            }
        }
        let unknown = self
            .submission
            .evidence
            .left_unknown
            .iter()
            .map(|row| (Outcome::LeftUnknown, row));
        let kept = self.kept.iter().map(|row| (Outcome::Kept, row));
        let rejected = self.rejected.iter().map(|row| (Outcome::Rejected, row));
        let stored: Vec<StoredReject> = rejected
            .chain(unknown)
            .chain(kept)
            .map(|(outcome, row)| StoredReject::new(&self.batch, outcome, row))
            .collect();
        rejects::write(journal, &file, &stored).await
    }

    /// Brings the heads up to this commit. They are a cache: should this fail, the next ingest replays what is missing.
    pub(super) async fn write_heads(&self, journal: &Journal) -> Result<()> {
        let snapshot = journal.snapshot().await?;
        let with_heads = self
            .changes
            .iter()
            .filter(|(dataset, _)| dataset.kind != DatasetKind::Derived);
        for (dataset, _) in with_heads {
            let heads = journal.heads(dataset, &snapshot).await?;
            heads.write(snapshot.seq()).await?;
        }
        Ok(())
    }

    pub(super) fn receipt(&self) -> Receipt {
        Receipt {
            seq: Some(self.batch.seq),
            counts: self.batch.counts,
            rejected: self.rejected.clone(),
            left_unknown: self.submission.evidence.left_unknown.clone(),
            kept: self.kept.clone(),
        }
    }
}
