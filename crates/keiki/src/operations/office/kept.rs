//! What is kept between two looks: the workspace as long as its files stay as they are, and what was measured as long as nothing
//! came in that could move it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keiki_model::calendar::{Day, Month, Period, local_day};
use keiki_model::statement::Place;
use keiki_store::{Batch, ClosedHead, StoreError, Troubles};
use tokio::sync::{Notify, OnceCell};

use super::Books;
use super::editions::EditionKey;
use super::figures::{Board, Sheet, SheetKey};
use super::restating::Found;
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};
use crate::operations::coverage::Owed;
use crate::operations::explain::Explained;
use crate::operations::rejects::StillOut;
use crate::operations::report::Memory;
use crate::operations::statement::{CloseStatus, Revision};

/// For how long what was found on disk is taken to be so. *Units*: microseconds.
const FRESH_MICROS: u64 = 2_000_000;
/// How many periods are kept measured, and of how many org units altogether: fewer periods of a group with very many.
const BOARDS_MOST: usize = 24;
const BOARDS_LEAST: usize = 2;
const BOARD_UNITS_MOST: usize = 12_000;
/// How many periods a board shows, and of how many measurements are remembered at most.
const PERIODS_OF_BOARD: usize = 13;
const PERIODS_MOST: usize = 36;
/// How many of them as they were known at an instant: such a board shares nothing with those of other instants.
const INSTANTS_MOST: usize = 4;
/// How many sheets are kept drawn.
const SHEETS_MOST: usize = 200;
/// How many opened figures are kept, with all their records, and how many closes.
const OPENINGS_MOST: usize = 8;
const CLOSES_MOST: usize = 12;
/// How many ways between two figures.
const BRIDGES_MOST: usize = 24;
/// How many documents are kept.
const EDITIONS_MOST: usize = 12;
/// How many lists of what is owed, and of rows that are out.
const LISTS_MOST: usize = 2;

/// What figures depend on beside the period. Two moments with the same stamp show the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Stamp {
    /// The day: up to it a period that has not ended is measured, and on it evidence is fresh or not.
    today: Day,
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

/// Measured periods, each of which may still be on its way.
type Boards = HashMap<BoardKey, Arc<OnceCell<Arc<Board>>>>;

/// Which opened figure is meant: on what, KPI, indicator, org unit, period, and what it is pinned to.
pub(super) type OpeningKey = (Stamp, u32, String, String, Period, Option<i64>);

/// The last few things of a kind.
#[derive(Debug)]
pub(super) struct Shelf<K, V> {
    most: usize,
    kept: Mutex<Held<K, V>>,
}

/// What a shelf holds, and what all of it weighs.
#[derive(Debug)]
struct Held<K, V> {
    things: HashMap<K, Arc<V>>,
    weight: usize,
}

impl<K: std::hash::Hash + Eq, V> Shelf<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::new(Held {
                things: HashMap::new(),
                weight: 0,
            }),
        }
    }

    /// What is kept.
    pub(super) fn find(&self, key: &K) -> Option<Arc<V>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.things.get(key).cloned()
    }

    /// Keeps something; the shelf is cleared where it is full.
    pub(super) fn put(&self, key: K, value: V) -> Arc<V> {
        self.put_heavy(key, value, 1)
    }

    /// Keeps something that weighs as much as so many others.
    pub(super) fn put_heavy(&self, key: K, value: V, weight: usize) -> Arc<V> {
        let value = Arc::new(value);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.weight + weight > self.most {
            kept.things.clear();
            kept.weight = 0;
        }
        kept.things.insert(key, Arc::clone(&value));
        kept.weight += weight;
        value
    }
}

/// The kept things.
#[derive(Debug)]
pub(super) struct Kept {
    /// The books, and when they were found to be so.
    books: Mutex<(Arc<Books>, i64)>,
    /// One looks at the disk at a time.
    looking: tokio::sync::Mutex<()>,
    boards: Mutex<Boards>,
    /// What readers see of them.
    pub(super) sheets: Shelf<SheetKey, Sheet>,
    /// The same as documents.
    pub(super) editions: Shelf<EditionKey, Vec<u8>>,
    /// Figures that were opened to their records.
    pub(super) openings: Shelf<OpeningKey, Explained>,
    /// The ways between two figures of a period, by where they are and when they were known.
    pub(super) bridges: Shelf<(Stamp, Place, Period, [i64; 2]), Found>,
    /// How far closes are; a source that cannot be read stands in the way, and is in no stamp.
    pub(super) closes: Shelf<(Stamp, Period, Troubles), CloseStatus>,
    /// What every org unit owes.
    pub(super) owed: Shelf<Stamp, Vec<Owed>>,
    /// Which rows are out.
    pub(super) rejects: Shelf<Stamp, StillOut>,
    /// Wakes who measures beforehand, once something was written.
    pub(super) written: Notify,
}

impl Kept {
    pub(super) async fn new(workspace: Workspace, now: i64) -> Result<Self> {
        let books = Arc::new(read(lasting(workspace), 1, now).await?);
        Ok(Self {
            books: Mutex::new((books, now)),
            looking: tokio::sync::Mutex::default(),
            boards: Mutex::default(),
            sheets: Shelf::new(SHEETS_MOST),
            editions: Shelf::new(EDITIONS_MOST),
            openings: Shelf::new(OPENINGS_MOST),
            bridges: Shelf::new(BRIDGES_MOST),
            closes: Shelf::new(CLOSES_MOST),
            owed: Shelf::new(LISTS_MOST),
            rejects: Shelf::new(LISTS_MOST),
            written: Notify::new(),
        })
    }

    /// The books as they are now, or were a moment ago.
    pub(super) async fn books(&self, root: &Path, now: i64) -> Result<Arc<Books>> {
        if let Some(fresh) = self.fresh(now) {
            return Ok(fresh);
        }
        let _one_at_a_time = self.looking.lock().await;
        if let Some(fresh) = self.fresh(now) {
            return Ok(fresh);
        }
        // They stay until others are there: loads are numbered from them, and who waits here may fail or leave.
        let before = self.last();
        let books = renewed(root, &before, now).await?;
        // Somebody else may have written: the command line, or another server.
        if before.stamp != books.stamp {
            self.written.notify_one();
        }
        *self.held() = (Arc::clone(&books), now);
        Ok(books)
    }

    /// The books as they were found last, however long ago.
    pub(super) fn last(&self) -> Arc<Books> {
        Arc::clone(&self.held().0)
    }

    fn held(&self) -> MutexGuard<'_, (Arc<Books>, i64)> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The books, where they were found a moment ago and that was today.
    fn fresh(&self, now: i64) -> Option<Arc<Books>> {
        let held = self.held();
        let (books, seen_at) = &*held;
        // Who asked before others may come after them.
        let is_before = now <= *seen_at;
        let is_now = now.abs_diff(*seen_at) < FRESH_MICROS;
        (is_now && (is_before || books.stamp.today == books.today(now))).then(|| Arc::clone(books))
    }

    /// Forgets that the books were looked at just now, since something was written.
    pub(super) async fn look_again(&self) {
        // Who looks at this moment may have looked before it was written.
        let _one_at_a_time = self.looking.lock().await;
        self.held().1 = i64::MIN / 2;
        self.written.notify_one();
    }

    /// A measured period: kept, or measured now. Who asks for the same meanwhile waits for the same; who leaves does not end it.
    pub(super) async fn board(
        &self,
        books: &Arc<Books>,
        (period, revision, known_at): (Period, Revision, Option<i64>),
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
        let is_of_now = self.last().stamp == key.stamp;
        let cell = {
            let mut boards = self.boards.lock().unwrap_or_else(PoisonError::into_inner);
            if !boards.contains_key(&key) {
                let most = boards_most(&books.workspace);
                make_room(&mut boards, &key, is_of_now, most);
            }
            Arc::clone(boards.entry(key).or_default())
        };
        let books = Arc::clone(books);
        let work = tokio::spawn(async move {
            let made = cell.get_or_try_init(|| async {
                match known_at {
                    Some(known_at) => Board::as_known(books, period, known_at).await,
                    None => Board::make(books, period, revision).await,
                }
            });
            made.await.map(Arc::clone)
        });
        work.await.map_err(Error::stopped)?
    }
}

/// Makes room for a board. Those of before are of no use to who looks from now on.
fn make_room(boards: &mut Boards, key: &BoardKey, is_of_now: bool, most: usize) {
    if is_of_now {
        boards.retain(|kept, _| kept.stamp == key.stamp);
    }
    let instants = boards.keys().filter(|kept| kept.known_at.is_some());
    if key.known_at.is_some() && instants.count() >= INSTANTS_MOST {
        boards.retain(|kept, _| kept.known_at.is_none());
    }
    if boards.len() >= most {
        boards.clear();
    }
}

/// How many measured periods of a workspace are kept.
pub(super) fn boards_most(workspace: &Workspace) -> usize {
    let units = workspace.organisation.rows().len().max(1);
    (BOARD_UNITS_MOST / units).clamp(BOARDS_LEAST, BOARDS_MOST)
}

/// A workspace that was loaded just now, of which measurements are remembered: of a board that is made once more only what moved is
/// measured. Of a group with very many org units they would take too much room.
fn lasting(workspace: Workspace) -> Arc<Workspace> {
    let units = workspace.organisation.rows().len().max(1);
    let periods = (BOARD_UNITS_MOST / units).min(PERIODS_MOST);
    let periods = if periods < PERIODS_OF_BOARD {
        0
    } else {
        periods
    };
    Arc::new(workspace.remembering(periods))
}

/// The books as they are on disk: the same where nothing moved.
async fn renewed(root: &Path, books: &Arc<Books>, now: i64) -> Result<Arc<Books>> {
    let load = books.stamp.load;
    if !books.workspace.is_as_on_disk() {
        let root = root.to_owned();
        // Every definition is compiled: work for a thread of its own.
        let loaded = tokio::task::spawn_blocking(move || Workspace::load(&root));
        let workspace = loaded.await.map_err(Error::stopped)??;
        return Ok(Arc::new(read(lasting(workspace), load + 1, now).await?));
    }
    let (stamp, batches) = stamped(&books.workspace, load, now).await?;
    if stamp == books.stamp {
        return Ok(Arc::clone(books));
    }
    let workspace = Arc::clone(&books.workspace);
    Ok(Arc::new(opened(workspace, (stamp, batches), now).await?))
}

async fn read(workspace: Arc<Workspace>, load: u64, now: i64) -> Result<Books> {
    let found = stamped(&workspace, load, now).await?;
    opened(workspace, found, now).await
}

async fn opened(
    workspace: Arc<Workspace>,
    (stamp, batches): (Stamp, Vec<Batch>),
    now: i64,
) -> Result<Books> {
    let heads = workspace.statements().await?.closed().await?;
    let editions = workspace.ledger().await?.editions().await?;
    let known_at = batches.iter().map(|batch| batch.known_at);
    let closed_at = heads.iter().map(|head| head.closed_at);
    let recorded_at = editions.iter().map(|edition| edition.known_at);
    Ok(Books {
        at: known_at
            .chain(closed_at)
            .chain(recorded_at)
            .fold(now, i64::max),
        latest: latest(&batches),
        closed: closed(&workspace, &heads),
        workspace,
        stamp,
        batches,
        past: Memory::default(),
    })
}

async fn stamped(workspace: &Workspace, load: u64, now: i64) -> Result<(Stamp, Vec<Batch>)> {
    let (seq, batches) = match workspace.journal(Opening::Existing).await {
        Ok(journal) => {
            let snapshot = journal.snapshot().await?;
            (snapshot.seq(), snapshot.batches().to_vec())
        }
        Err(Error::Store(StoreError::NoJournal(_))) => (0, Vec::new()),
        Err(error) => return Err(error),
    };
    let stamp = Stamp {
        today: local_day(now, &workspace.settings.zone),
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
fn closed(workspace: &Workspace, heads: &[ClosedHead]) -> Vec<Period> {
    let calendar = &workspace.settings.calendar;
    let mut periods: Vec<Period> = heads
        .iter()
        .filter_map(|head| Period::parse(&head.period).ok())
        .collect();
    periods.sort_by_key(|period| {
        let months = period.months(calendar);
        months.map(|(first, last)| (last, std::cmp::Reverse(first)))
    });
    periods.dedup();
    periods
}
