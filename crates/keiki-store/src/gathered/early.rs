//! Rows that are worked on while the rest of their reading is still read: a first load goes straight into its files, and of a later
//! one what says nothing new is dropped. Decision 0110.
//!
//! Both rest on what the reading is expected to be and on the journal as it is when it begins. Where it turns out otherwise, the
//! reading is gathered again without.

mod alongside;
mod hashes;
mod straight;

use std::sync::Arc;

use keiki_model::calendar::{BEGINNING, Day};
use keiki_model::dataset::{Dataset, DatasetKind};
use keiki_model::evidence::{Evidence, Extent, Scope};

use crate::batches::Snapshot;
use crate::error::{Result, StoreError};
use crate::heads::hash_of;
use crate::journal::{Journal, Submission, is_followed, keys_of};
use crate::lookups::Fill;
use alongside::Alongside;
pub(crate) use alongside::Matter;
use hashes::Hashes;
use straight::Straight;
pub(crate) use straight::Straightened;

/// What a reading is expected to be when it is committed: of all records, without scope, days or history of its own.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The source's name.
    pub source: String,
    /// Whether it holds every record.
    pub extent: Extent,
    /// The instant of the ingest, UTC microseconds.
    pub now: i64,
    /// All datasets of the workspace.
    pub datasets: Vec<Arc<Dataset>>,
}

/// On what the work rests.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    source: String,
    extent: Extent,
    as_of: Day,
    /// The day from which rows hold.
    day: Day,
    /// The last commit, and when the next one becomes known.
    seq: i64,
    known_at: i64,
}

/// The rows of a reading in the making, as far as they are worked on already.
pub(super) struct Early {
    dataset: Arc<Dataset>,
    ground: Ground,
    fill: Fill,
    hashes: Hashes,
    way: Way,
}

enum Way {
    Straight(Box<Straight>),
    Alongside(Box<Alongside>),
}

/// What became of rows that were worked on while they were read.
#[derive(Debug)]
pub(crate) enum Taken {
    /// They are in files.
    Straight(Straightened),
    /// Those that say nothing new are dropped.
    Alongside(Matter),
}

impl Taken {
    /// The batch in whose files they are.
    pub(crate) fn batch_id(&self) -> Option<&str> {
        match self {
            Self::Straight(straight) => Some(&straight.batch_id),
            Self::Alongside(_) => None,
        }
    }

    /// What is left of those that were held against a former reading.
    pub(crate) fn alongside(&self) -> Option<&Matter> {
        match self {
            Self::Straight(_) => None,
            Self::Alongside(matter) => Some(matter),
        }
    }

    /// Tells whether the reading is what was expected, and the journal what it was.
    pub(crate) fn fits(&self, submission: &Submission, snapshot: &Snapshot) -> bool {
        let ground = match self {
            Self::Straight(straight) => &straight.ground,
            Self::Alongside(matter) => &matter.ground,
        };
        ground.seq == snapshot.seq()
            && ground.known_at == submission.now.max(snapshot.known_at())
            && ground.source == submission.source
            && ground.extent == submission.extent
            && ground.as_of == submission.as_of
            && submission.scope == Scope::default()
            && submission.scope_units.is_empty()
    }
}

impl std::fmt::Debug for Early {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let early = &mut f.debug_struct("Early");
        early.field("ground", &self.ground).finish_non_exhaustive()
    }
}

impl Early {
    /// Begins where a reading of the dataset can be worked on while it is read.
    pub(super) async fn begin(
        journal: &Journal,
        dataset: &Arc<Dataset>,
        as_of: Day,
        expected: &Expected,
    ) -> Result<Option<Self>> {
        let is_plain = dataset.kind != DatasetKind::Derived
            && dataset.plan.is_none()
            && dataset.minted_column().is_none()
            && !dataset.is_personal();
        if !is_plain || is_followed(&dataset.name, &expected.datasets) {
            return Ok(None);
        }
        let snapshot = journal.snapshot().await?;
        let ground = Ground {
            source: expected.source.clone(),
            extent: expected.extent,
            as_of,
            day: match dataset.kind {
                DatasetKind::Register => as_of,
                _ => BEGINNING,
            },
            seq: snapshot.seq(),
            known_at: expected.now.max(snapshot.known_at()),
        };
        let way = if Straight::can_be(journal, dataset, &snapshot).await? {
            Way::Straight(Box::new(Straight::begin(journal, dataset, &ground)))
        } else if let Some(alongside) =
            Alongside::begin(journal, dataset, &snapshot, &ground).await?
        {
            Way::Alongside(Box::new(alongside))
        } else {
            return Ok(None);
        };
        let of = (dataset.as_ref(), expected.datasets.as_slice());
        Ok(Some(Self {
            dataset: Arc::clone(dataset),
            fill: Fill::read(journal, &snapshot, of).await?,
            hashes: Hashes::new(journal.tokens().spill_folder()),
            ground,
            way,
        }))
    }

    /// Works on the rows of a chunk. Returns what is left of it to be gathered.
    ///
    /// # Errors
    /// `GatherAgain` where the rows are not what was expected.
    pub(super) async fn add(&mut self, chunk: Evidence) -> Result<Evidence> {
        let has_own = chunk.effective_on.is_some()
            || chunk.known_at.is_some()
            || chunk.version_order.is_some();
        if has_own {
            return Err(StoreError::GatherAgain);
        }
        if chunk.rows.num_rows() == 0 {
            return Ok(chunk);
        }
        let keys = keys_of(&chunk.rows, &self.dataset)?;
        let hashes: Vec<u64> = keys.iter().flatten().map(hash_of).collect();
        let rows = self.fill.apply(&self.dataset, chunk.rows.clone())?;
        self.hashes.add(&keys, &hashes)?;
        let left = match &mut self.way {
            Way::Straight(straight) => {
                straight.add(&rows, keys).await?;
                alongside::none_of(chunk)
            }
            Way::Alongside(alongside) => {
                let is_known = alongside.sort_out(&rows, &keys, &hashes).await?;
                alongside::without(chunk, &is_known)?
            }
        };
        Ok(left)
    }

    /// Ends the work.
    ///
    /// # Errors
    /// `GatherAgain` where two rows may be about one record.
    pub(super) async fn finish(self) -> Result<Taken> {
        let Self {
            hashes,
            way,
            ground,
            ..
        } = self;
        let counting = tokio::task::spawn_blocking(move || hashes.may_repeat());
        match way {
            Way::Straight(straight) => {
                let straight = straight.finish(ground).await?;
                let repeats = counting.await.map_err(StoreError::stopped);
                match repeats.and_then(|found| found) {
                    Ok(false) => Ok(Taken::Straight(straight)),
                    otherwise => {
                        // Why it ends matters more than what could not be cleared away after it.
                        let _cleared = straight.discard().await;
                        otherwise.and(Err(StoreError::GatherAgain))
                    }
                }
            }
            Way::Alongside(alongside) => {
                let matter = alongside.finish(ground).await?;
                if counting.await.map_err(StoreError::stopped)?? {
                    return Err(StoreError::GatherAgain);
                }
                Ok(Taken::Alongside(matter))
            }
        }
    }

    /// Takes back what was written.
    pub(super) async fn discard(self) -> Result<()> {
        match self.way {
            Way::Straight(straight) => straight.finish(self.ground).await?.discard().await,
            Way::Alongside(_) => Ok(()),
        }
    }
}
