//! What is kept between two looks: the workspace as long as its files stay as they are, and what was measured as long as nothing
//! came in that could move it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use keiki_model::calendar::{Day, Month, Period};
use keiki_store::{Batch, StoreError};
use tokio::sync::{Notify, OnceCell};

use super::Books;
use super::editions::EditionKey;
use super::figures::{Board, Sheet, SheetKey};
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};
use crate::operations::coverage::Owed;
use crate::operations::explain::Explained;
use crate::operations::rejects::StillOut;
use crate::operations::statement::{CloseStatus, Revision};

/// For how long what was found on disk is taken to be so. *Units*: microseconds.
const FRESH_MICROS: i64 = 2_000_000;
/// How many periods are kept measured, and how many sheets drawn.
const BOARDS_MOST: usize = 24;
const SHEETS_MOST: usize = 200;
/// How many opened figures are kept, with all their records, and how many closes.
const OPENINGS_MOST: usize = 8;
const CLOSES_MOST: usize = 12;
/// How many documents are kept.
const EDITIONS_MOST: usize = 12;
/// How many lists of what is owed, and of rows that are out.
const LISTS_MOST: usize = 2;

/// What figures depend on beside the period. Two moments with the same stamp show the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Stamp {
    /// How often the workspace was loaded.
    load: u64,
    /// The journal version.
    seq: i64,
    /// The last event of the book of statements, and of the book of remarks.
    statements: Option<i64>,
    remarks: Option<i64>,
}

impl Stamp {
    /// The journal version.
    pub(super) fn seq(&self) -> i64 {
        self.seq
    }
}

/// Which measured period is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct BoardKey {
    stamp: Stamp,
    period: Period,
    revision: Option<u32>,
    known_at: Option<i64>,
}

/// Which opened figure is meant: on what, KPI, indicator, org unit, period, and what it is pinned to.
pub(super) type OpeningKey = (Stamp, u32, String, String, Period, Option<i64>);

/// The last few things of a kind.
#[derive(Debug)]
pub(super) struct Shelf<K, V> {
    most: usize,
    kept: Mutex<HashMap<K, Arc<V>>>,
}

impl<K: std::hash::Hash + Eq, V> Shelf<K, V> {
    fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::default(),
        }
    }

    /// What is kept.
    pub(super) fn find(&self, key: &K) -> Option<Arc<V>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).cloned()
    }

    /// Keeps something; the shelf is cleared where it is full.
    pub(super) fn put(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&value));
        value
    }
}

/// The kept things.
#[derive(Debug)]
pub(super) struct Kept {
    /// The books, and when they were found to be so.
    books: tokio::sync::Mutex<(Arc<Books>, i64)>,
    boards: Mutex<HashMap<BoardKey, Arc<OnceCell<Arc<Board>>>>>,
    /// What readers see of them.
    pub(super) sheets: Shelf<SheetKey, Sheet>,
    /// The same as documents.
    pub(super) editions: Shelf<EditionKey, Vec<u8>>,
    /// Figures that were opened to their records.
    pub(super) openings: Shelf<OpeningKey, Explained>,
    /// How far closes are.
    pub(super) closes: Shelf<(Stamp, Period, Day), CloseStatus>,
    /// What every org unit owes.
    pub(super) owed: Shelf<(Stamp, Day), Vec<Owed>>,
    /// Which rows are out.
    pub(super) rejects: Shelf<Stamp, StillOut>,
    /// Wakes who measures beforehand, once something was written.
    pub(super) written: Notify,
}

impl Kept {
    pub(super) async fn new(workspace: Workspace, now: i64) -> Result<Self> {
        let books = Arc::new(read(workspace, 1).await?);
        Ok(Self {
            books: tokio::sync::Mutex::new((books, now)),
            boards: Mutex::default(),
            sheets: Shelf::new(SHEETS_MOST),
            editions: Shelf::new(EDITIONS_MOST),
            openings: Shelf::new(OPENINGS_MOST),
            closes: Shelf::new(CLOSES_MOST),
            owed: Shelf::new(LISTS_MOST),
            rejects: Shelf::new(LISTS_MOST),
            written: Notify::new(),
        })
    }

    /// The books as they are now, or were a moment ago.
    pub(super) async fn books(&self, root: &Path, now: i64) -> Result<Arc<Books>> {
        let mut held = self.books.lock().await;
        let (before, seen_at) = &*held;
        if (0..FRESH_MICROS).contains(&(now - seen_at)) {
            return Ok(Arc::clone(before));
        }
        // They are held until others are there: loads are numbered from them, and who waits here may fail or leave.
        let books = renewed(root, before).await?;
        // Somebody else may have written: the command line, or another server.
        if before.stamp != books.stamp {
            self.written.notify_one();
        }
        *held = (Arc::clone(&books), now);
        Ok(books)
    }

    /// Forgets that the books were looked at just now, since something was written.
    pub(super) async fn look_again(&self) {
        let mut held = self.books.lock().await;
        held.1 = i64::MIN / 2;
        self.written.notify_one();
    }

    /// A measured period: kept, or measured now. Who asks for the same meanwhile waits for the same; who leaves does not end it.
    pub(super) async fn board(
        &self,
        books: &Arc<Books>,
        (period, revision, known_at): (Period, Revision, Option<i64>),
        now: i64,
    ) -> Result<Arc<Board>> {
        let key = BoardKey {
            stamp: books.stamp.clone(),
            period,
            revision: match revision {
                Revision::Open => None,
                Revision::Last => Some(u32::MAX),
                Revision::Number(number) => Some(number),
            },
            known_at,
        };
        let cell = {
            let mut boards = self.boards.lock().unwrap_or_else(PoisonError::into_inner);
            if boards.len() >= BOARDS_MOST && !boards.contains_key(&key) {
                boards.retain(|kept, _| kept.stamp == key.stamp);
                if boards.len() >= BOARDS_MOST {
                    boards.clear();
                }
            }
            Arc::clone(boards.entry(key).or_default())
        };
        let books = Arc::clone(books);
        let work = tokio::spawn(async move {
            let made = cell.get_or_try_init(|| async {
                match known_at {
                    Some(known_at) => Board::as_known(books, period, known_at, now).await,
                    None => Board::make(books, period, revision, now).await,
                }
            });
            made.await.map(Arc::clone)
        });
        work.await.map_err(Error::stopped)?
    }
}

/// The books as they are on disk: the same where nothing moved.
async fn renewed(root: &Path, books: &Arc<Books>) -> Result<Arc<Books>> {
    let load = books.stamp.load;
    if !books.workspace.is_as_on_disk() {
        let root = root.to_owned();
        // Every definition is compiled: work for a thread of its own.
        let loaded = tokio::task::spawn_blocking(move || Workspace::load(&root));
        let workspace = loaded.await.map_err(Error::stopped)??;
        return Ok(Arc::new(read(workspace, load + 1).await?));
    }
    let (stamp, batches) = stamped(&books.workspace, load).await?;
    if stamp == books.stamp {
        return Ok(Arc::clone(books));
    }
    let closed = closed(&books.workspace).await?;
    Ok(Arc::new(Books {
        workspace: Arc::clone(&books.workspace),
        stamp,
        latest: latest(&batches),
        closed,
        batches,
    }))
}

async fn read(workspace: Workspace, load: u64) -> Result<Books> {
    let (stamp, batches) = stamped(&workspace, load).await?;
    let closed = closed(&workspace).await?;
    Ok(Books {
        workspace: Arc::new(workspace),
        stamp,
        latest: latest(&batches),
        closed,
        batches,
    })
}

async fn stamped(workspace: &Workspace, load: u64) -> Result<(Stamp, Vec<Batch>)> {
    let (seq, batches) = match workspace.journal(Opening::Existing).await {
        Ok(journal) => {
            let snapshot = journal.snapshot().await?;
            (snapshot.seq(), snapshot.batches().to_vec())
        }
        Err(Error::Store(StoreError::NoJournal(_))) => (0, Vec::new()),
        Err(error) => return Err(error),
    };
    let stamp = Stamp {
        load,
        seq,
        statements: workspace.statements().await?.last_number().await?,
        remarks: workspace.remarks().await?.last_number().await?,
    };
    Ok((stamp, batches))
}

/// The month of the latest evidence.
fn latest(batches: &[Batch]) -> Option<Month> {
    let days = batches.iter().map(|batch| batch.as_of);
    days.max().map(Month::of)
}

/// The periods that have a closed statement, the latest last.
async fn closed(workspace: &Workspace) -> Result<Vec<Period>> {
    let closed = workspace.statements().await?.closed().await?;
    let calendar = &workspace.settings.calendar;
    let mut periods: Vec<Period> = closed
        .iter()
        .filter_map(|head| Period::parse(&head.period).ok())
        .collect();
    periods.sort_by_key(|period| {
        let months = period.months(calendar);
        months.map(|(first, last)| (last, std::cmp::Reverse(first)))
    });
    periods.dedup();
    Ok(periods)
}
