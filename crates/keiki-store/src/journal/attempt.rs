//! One try at a commit: what a reading changes, taken against one snapshot, and how it is written.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use keiki_model::calendar::Day;
use keiki_model::dataset::{Dataset, DatasetKind, content_version};
use keiki_model::evidence::{Claim, Counts, Extent, Reason, RejectedRow};
use keiki_model::problem::{Place, Problem};
use keiki_model::text::Text;

use super::making::Making;
use super::writing::Written;
use super::{Journal, Receipt, Submission, assertions_table, entries_table, in_order};
use crate::batches::{Batch, Snapshot};
use crate::error::{Result, StoreError};
use crate::gathered::{RejectedRows, Settled, Straightened, Taken};
use crate::heads::{Heads, Renewed, strings};
use crate::parallel::together;
use crate::plan::{Changes, Incoming, Reading};
use crate::rejects::{self, Outcome};
use crate::schema::{RECORD_KEY, assertions_schema, entries_schema};
use crate::{derived, lookups};

/// Files of assertions that are looked through at a time; of each, a part is in memory.
const FILES_AT_ONCE: usize = 8;

/// One try at a commit, against one snapshot.
pub(super) struct Attempt {
    journal: Journal,
    submission: Arc<Submission>,
    rows: Arc<Settled>,
    snapshot: Snapshot,
    batch: Batch,
}

/// Everything that a commit writes.
pub(super) struct Prepared {
    rows: Arc<Settled>,
    pub(super) batch: Batch,
    /// The files of the reading's own entries and assertions.
    written: Vec<Written>,
    /// Changes of datasets that look this one up or are derived from it.
    changes: Vec<(Arc<Dataset>, Changes)>,
    /// The heads of the dataset as they were, and what is new.
    heads: Heads,
    renewed: Renewed,
    /// Rows that the journal did not take.
    rejected: RejectedRows,
    /// Days of approved plans that were kept although a row gives another.
    kept: Vec<RejectedRow>,
}

impl Attempt {
    pub(super) fn new(
        journal: &Journal,
        submission: &Arc<Submission>,
        rows: &Arc<Settled>,
        snapshot: &Snapshot,
    ) -> Result<Self> {
        let known_at = submission.now.max(snapshot.known_at());
        if rows
            .early
            .as_ref()
            .is_some_and(|early| !early.fits(submission, snapshot))
        {
            return Err(StoreError::GatherAgain);
        }
        let own = snapshot
            .batches()
            .iter()
            .rev()
            .find(|b| b.source == submission.source && b.dataset == submission.dataset.name);
        if let Some(own) = own.filter(|own| own.precedence != submission.precedence) {
            let problem = Problem::new(
                Place::file(format!("sources/{}.toml", submission.source)),
                Text::new(
                    format!(
                        "記帳した後に取得元の優先順位は変えられません: {} から {}",
                        own.precedence, submission.precedence
                    ),
                    format!(
                        "the precedence of a source cannot change once it has journalled: {} to {}",
                        own.precedence, submission.precedence
                    ),
                ),
            );
            return Err(StoreError::Definition(problem.hint(Text::new(
                "元の優先順位に戻してください。レコードはこの順位で定まります",
                "give it the precedence that it had; records are resolved by it",
            ))));
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
            batch_id: match rows.early.as_ref().and_then(Taken::batch_id) {
                Some(id) => id.to_owned(),
                None => uuid::Uuid::new_v4().to_string(),
            },
            source: submission.source.clone(),
            dataset: submission.dataset.name.clone(),
            as_of: submission.as_of,
            known_at,
            extent: submission.extent,
            missing: submission.missing,
            scope: submission.scope.clone(),
            scope_units: submission.scope_units.clone(),
            has_own_days: rows.summary.has_own_days,
            precedence: submission.precedence,
            mapping_version: mapping_version(submission),
            dataset_version: submission.dataset.version.clone(),
            content_sha256: submission.content_sha256.clone(),
            files: submission.files.clone(),
            claims,
            counts: Counts::default(),
            held: Vec::new(),
            wait: None,
            open_ends: Some(rows.open_ends.clone()),
            minted: rows.minted,
            merges: Vec::new(),
            separations: Vec::new(),
            author: submission.author.clone(),
        };
        Ok(Self {
            journal: journal.clone(),
            submission: Arc::clone(submission),
            rows: Arc::clone(rows),
            snapshot: snapshot.clone(),
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
            accepted: self.rows.summary.rows,
            unchanged: self.rows.summary.rows,
            rejected: self.rows.rejected.count(),
            ..Counts::default()
        };
        Receipt {
            seq: None,
            counts,
            rejected: self.rows.rejected.listed().to_vec(),
            left_unknown: self.rows.left_unknown.clone(),
            kept: Vec::new(),
            held: Vec::new(),
            wait: None,
            merged: Vec::new(),
        }
    }

    /// Works out what the reading changes, and writes it; nothing of that shows yet.
    pub(super) async fn prepare(self) -> Result<Prepared> {
        let dataset = Arc::clone(&self.submission.dataset);
        crate::evolution::fit(&self.journal, &dataset, &self.snapshot).await?;
        let is_followed = is_followed(&dataset.name, &self.submission.datasets);
        if let Some(Taken::Straight(straight)) = &self.rows.early {
            return self.with_written(straight).await;
        }
        let attempt = Arc::new(self);
        let made = Making::new(&attempt, is_followed).await?.make().await?;
        let mut batch = attempt.batch.clone();
        batch.counts = made.counts;
        batch.held = made.held;
        batch.wait = made.wait;
        let mut changes = Vec::new();
        if let Some(own) = made.own {
            changes.push((Arc::clone(&dataset), own));
            let (journal, snapshot) = (&attempt.journal, &attempt.snapshot);
            let submission = &attempt.submission;
            lookups::follow(journal, snapshot, submission, &batch, &mut changes).await?;
            derived::follow(journal, snapshot, submission, &batch, &mut changes).await?;
            changes.remove(0);
        }
        Ok(Prepared {
            rows: Arc::clone(&attempt.rows),
            batch,
            written: made.written,
            changes,
            heads: made.heads,
            renewed: made.renewed,
            rejected: made.rejected,
            kept: made.kept,
        })
    }

    /// What was written while it was read is all that there is to write.
    async fn with_written(&self, straight: &Straightened) -> Result<Prepared> {
        let journal = &self.journal;
        let dataset = &self.submission.dataset;
        let heads = Heads::open(Arc::clone(&journal.store), &journal.prefix, dataset).await?;
        let mut batch = self.batch.clone();
        batch.counts = Counts {
            accepted: straight.ledger.rows,
            changed: straight.ledger.rows,
            rejected: self.rows.rejected.count(),
            ..Counts::default()
        };
        Ok(Prepared {
            rows: Arc::clone(&self.rows),
            batch,
            written: straight.written.clone(),
            changes: Vec::new(),
            heads: heads.emptied(),
            renewed: match straight.ledger.rows {
                0 => Renewed::default(),
                _ => Renewed::of_ledger(straight.ledger.clone()),
            },
            rejected: RejectedRows::new(journal.tokens().spill_folder()),
            kept: Vec::new(),
        })
    }

    /// What the dataset's sources have said so far of some records, in the order of their commits.
    pub(super) async fn assertions_of(&self, keys: &HashSet<&str>) -> Result<Vec<RecordBatch>> {
        let Some(table) = self
            .journal
            .assertions(&self.submission.dataset.name)
            .await?
        else {
            return Ok(Vec::new());
        };
        // In the order of their first commits.
        let shown = crate::scan::visible(&table, &self.snapshot)?.into_iter();
        let table = &table;
        let read = shown.map(|file| async move {
            let mut found = Vec::new();
            let mut keep_wanted = |rows: &RecordBatch| {
                let of = strings(rows, RECORD_KEY)?;
                let keep: BooleanArray = of
                    .iter()
                    .map(|key| key.map(|key| keys.contains(key)))
                    .collect();
                if keep.true_count() > 0 {
                    found.push(arrow::compute::filter_record_batch(rows, &keep)?);
                }
                Ok(())
            };
            table.each(&file.path, &mut keep_wanted).await?;
            Ok(found)
        });
        in_order(together(FILES_AT_ONCE, read).await?.concat())
    }

    pub(super) fn reading(&self) -> Reading {
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
            has_own_knowledge: self.rows.summary.known_at.is_some(),
            has_each_key_once: self.rows.has_each_key_once,
            precedence,
            last_full_as_of: of_dataset()
                .filter(|b| b.extent == Extent::Full)
                .map(|b| b.as_of)
                .max()
                .unwrap_or(Day::MIN),
            last_known_at: of_dataset().map(|b| b.known_at).max().unwrap_or(i64::MIN),
        }
    }

    /// Tells whether the source's texts are known to end within their last line: none of its full readings ended it, or
    /// a person has confirmed what such a reading left out since.
    pub(super) fn ends_openly(&self) -> bool {
        let is_of_source = |batch: &&Batch| {
            batch.source == self.batch.source
                && batch.dataset == self.batch.dataset
                && batch.extent == Extent::Full
        };
        let batches = self.snapshot.batches().iter().rev();
        for batch in batches.filter(is_of_source) {
            match &batch.open_ends {
                Some(ends) if ends.is_empty() => return false,
                Some(_) if batch.counts.retired > 0 => return true,
                _ => {}
            }
        }
        true
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(super) fn submission(&self) -> &Submission {
        &self.submission
    }

    pub(super) fn rows(&self) -> &Settled {
        &self.rows
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(super) fn batch(&self) -> &Batch {
        &self.batch
    }

    pub(super) fn reject(&self, incoming: &Incoming, row: u32, reason: Reason) -> RejectedRow {
        let first = self.submission.files.first().map(|file| file.name.as_str());
        RejectedRow {
            file: self
                .rows
                .file(incoming.files[row as usize])
                .or(first)
                .unwrap_or_default()
                .to_owned(),
            row: incoming.places[row as usize],
            record_key: Some(incoming.keys.value(row as usize).to_owned()),
            reason,
        }
    }
}

/// Tells whether other datasets follow what the reading changes, so that it has to be at hand for them.
pub(crate) fn is_followed(name: &str, datasets: &[Arc<Dataset>]) -> bool {
    datasets.iter().any(|other| {
        let looks_up = other.columns.iter().any(|column| {
            column
                .lookup
                .as_ref()
                .is_some_and(|lookup| lookup.dataset == name)
        });
        looks_up
            || other
                .distinct
                .as_ref()
                .is_some_and(|distinct| distinct.dataset.value == name)
    })
}

/// The version of what the rows are read by: the source's mapping, and the plans that bind them if there are any.
fn mapping_version(submission: &Submission) -> String {
    if submission.frozen_plans.is_empty() {
        return submission.mapping_version.clone();
    }
    let (mapping, plans) = (&submission.mapping_version, &submission.frozen_plans);
    content_version(&format!("{mapping} {plans:?}"))
}

/// Makes changes part of the tables of their datasets.
pub(super) async fn append(
    journal: &Journal,
    file: &str,
    changes: &[(Arc<Dataset>, Changes)],
) -> Result<()> {
    let parts = changes.iter().flat_map(|(dataset, changes)| {
        let (name, schema) = (entries_table(&dataset.name), entries_schema(dataset));
        let entries = (name, schema, &changes.entries);
        let (name, schema) = (assertions_table(&dataset.name), assertions_schema(dataset));
        [entries, (name, schema, &changes.assertions)]
    });
    let parts = parts.filter(|(_, _, rows)| rows.num_rows() > 0);
    let appended = parts.map(|(name, schema, rows)| async move {
        let mut table = journal.table_or_new(&name, &schema).await?;
        table.append(file, rows, &schema).await?;
        journal.keep(&name, &table).await;
        Ok(())
    });
    together(journal.place.at_once(), appended).await?;
    Ok(())
}

impl Prepared {
    /// Makes everything but the commit itself part of the tables.
    pub(super) async fn write(&mut self, journal: &Journal) -> Result<()> {
        let file = format!("{}.parquet", self.batch.batch_id);
        let written = self.written.drain(..);
        let written = written.map(|written| written.append(journal));
        together(journal.place.at_once(), written).await?;
        append(journal, &file, &self.changes).await?;
        let mut writer = rejects::Writer::new(journal, &file, &self.batch);
        for rejected in [&self.rows.rejected, &self.rejected] {
            for number in 0..rejected.slice_count() {
                let rows = rejected.slice(number)?;
                writer.write(Outcome::Rejected, &rows).await?;
            }
        }
        let unknown = &self.rows.left_unknown;
        writer.write(Outcome::LeftUnknown, unknown).await?;
        writer.write(Outcome::Kept, &self.kept).await?;
        writer.finish().await
    }

    /// Brings the heads up to this commit. They are a cache: should this fail, the next ingest replays what is missing.
    pub(super) async fn write_heads(&self, journal: &Journal) -> Result<()> {
        self.heads.install(self.batch.seq, &self.renewed).await?;
        let with_heads = self
            .changes
            .iter()
            .filter(|(dataset, _)| dataset.kind != DatasetKind::Derived);
        let snapshot = journal.snapshot().await?;
        for (dataset, _) in with_heads {
            let heads = journal.heads(dataset, &snapshot).await?;
            heads.write(snapshot.seq()).await?;
        }
        Ok(())
    }

    /// Clears away the heads of a commit that came to nothing.
    pub(super) async fn discard_heads(&self) -> Result<()> {
        self.heads.discard(&self.renewed).await
    }

    pub(super) fn receipt(&self) -> Receipt {
        Receipt {
            seq: Some(self.batch.seq),
            counts: self.batch.counts,
            rejected: [self.rows.rejected.listed(), self.rejected.listed()].concat(),
            left_unknown: self.rows.left_unknown.clone(),
            kept: self.kept.clone(),
            held: self.batch.held.clone(),
            wait: self.batch.wait.clone(),
            merged: Vec::new(),
        }
    }
}
