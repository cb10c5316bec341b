//! The books as those who work with them in a browser see them: kept in memory, and opened to each as far as they may see.
//!
//! A page gets a `Desk` and nothing else. The workspace and the journal are private to this module and those below it, so that no
//! page can read past the scope of whoever looks. *Source*: decision 0044.

pub mod actions;
pub mod batches;
pub mod changing;
pub mod closing;
pub mod comparing;
pub mod data;
pub mod definitions;
pub mod differing;
pub mod editions;
pub mod evidence;
pub mod figures;
pub mod holders;
mod kept;
pub mod own;
pub mod people;
pub mod programme;
pub mod requests;
pub mod restating;
pub mod rows;
pub mod submitting;
pub mod system;
pub mod verifying;
mod waiting;

use std::path::PathBuf;
use std::sync::Arc;

use keiki_model::access::Right;
use keiki_model::calendar::{Day, Month, Period, local_day};
use keiki_model::org::Tree;
use keiki_model::text::Language;
use keiki_report::report::period_name;
use keiki_report::scorecard::Names;
use keiki_store::{Batch, UploadLinks};

use super::access::{Scope, Within};
use super::accounts::{Actor, Registry};
use super::period;
use super::programme::Run;
use super::report::Memory;
use crate::config::{Link, Workspace};
use crate::error::{Error, Result};

use kept::{Kept, Stamp};
use waiting::WaitingRoom;

pub use waiting::WAITING_HOURS;

/// How many months can be chosen on a page.
const MONTHS_CHOSEN: u16 = 24;

/// How many months are measured before anybody asks for them.
const MONTHS_WARM: u16 = 3;
/// The same, where there is time: the months that a trend shows.
const MONTHS_WARM_LATER: u16 = 13;

/// The books of one workspace, kept in memory for many readers.
#[derive(Debug)]
pub struct Office {
    root: PathBuf,
    kept: Kept,
    waiting: WaitingRoom,
    links: UploadLinks,
    /// One changes the files of definitions at a time.
    defining: tokio::sync::Mutex<()>,
    /// One document is set at a time: it takes a core for a while.
    setting: tokio::sync::Mutex<()>,
}

/// The books as they were found at one moment.
#[derive(Debug)]
struct Books {
    workspace: Arc<Workspace>,
    stamp: Stamp,
    /// As of when they are read: when they were found, or when the last of what they hold became known, which may be later by
    /// another machine's clock. What is kept of them is a function of them alone.
    at: i64,
    /// The month of the latest evidence; `None` where there is none.
    latest: Option<Month>,
    /// The periods that were closed, the latest last.
    closed: Vec<Period>,
    /// Every reading, in the order of commits.
    batches: Vec<Batch>,
    /// Figures of periods before that several boards hold.
    past: Memory,
}

impl Office {
    /// Opens the books of a workspace.
    ///
    /// # Errors
    /// The books cannot be read.
    pub async fn open(workspace: Workspace, now: i64) -> Result<Self> {
        let database = workspace.database()?;
        Ok(Self {
            root: workspace.root.clone(),
            kept: Kept::new(workspace, now).await?,
            waiting: WaitingRoom::open(&database, now).await?,
            links: UploadLinks::open(&database).await?,
            defining: tokio::sync::Mutex::default(),
            setting: tokio::sync::Mutex::default(),
        })
    }

    /// Seats somebody before the books.
    ///
    /// # Errors
    /// The workspace cannot be loaded.
    pub async fn desk(self: &Arc<Self>, who: Who) -> Result<Desk> {
        Ok(Desk {
            books: self.kept.books(&self.root, who.actor.now).await?,
            office: Arc::clone(self),
            who,
        })
    }

    /// What everybody may know: the organisation's name, its language and the root of its tree, by files that were sound when the
    /// books were last looked at.
    #[must_use]
    pub fn plate(&self, now: i64) -> Plate {
        let books = self.kept.last();
        let settings = &books.workspace.settings;
        Plate {
            name: settings.name.clone(),
            language: settings.language,
            root: books.tree(now).nodes()[0].id.clone(),
        }
    }

    /// The workspace as its files are now.
    ///
    /// # Errors
    /// It cannot be used as they are.
    pub async fn workspace(&self, now: i64) -> Result<Arc<Workspace>> {
        let books = self.kept.books(&self.root, now).await?;
        Ok(Arc::clone(&books.workspace))
    }

    /// Waits until something was written to the books.
    pub async fn written(&self) {
        self.kept.written.notified().await;
    }

    /// Measures what most readers ask for first, so that none of them waits: the month that is shown first, then those before it.
    ///
    /// # Errors
    /// The books cannot be read.
    pub async fn warm(self: &Arc<Self>, now: i64) -> Result<()> {
        self.warm_months(MONTHS_WARM, now).await
    }

    /// Measures the rest of a year, which takes longer.
    ///
    /// # Errors
    /// The books cannot be read.
    pub async fn warm_year(self: &Arc<Self>, now: i64) -> Result<()> {
        self.warm_months(MONTHS_WARM_LATER, now).await
    }

    async fn warm_months(self: &Arc<Self>, count: u16, now: i64) -> Result<()> {
        let books = self.kept.books(&self.root, now).await?;
        let most = kept::boards_most(&books.workspace);
        let count = count.min(u16::try_from(most).unwrap_or(count));
        let periods = period::until(books.period(now), count);
        for period in periods.into_iter().rev() {
            let revision = books.revision(period);
            self.kept.board(&books, (period, revision, None)).await?;
        }
        Ok(())
    }
}

/// What everybody may know of a workspace.
#[derive(Debug, Clone)]
pub struct Plate {
    /// The organisation's name.
    pub name: keiki_model::text::Text,
    /// The language for those whose own is not known.
    pub language: Language,
    /// The root of the org tree.
    pub root: String,
}

/// Who sits before the books.
#[derive(Debug, Clone)]
pub struct Who {
    /// Their name, from where, and when.
    pub actor: Actor,
    /// What they may do.
    pub scope: Scope,
    /// When the token ends by which they are recognised; `None` by a session.
    pub until: Option<i64>,
    /// The language that they read.
    pub language: Language,
    /// The accounts and the log of who did what.
    pub registry: Registry,
}

/// The books before somebody: what it reads is what they may see.
#[derive(Debug, Clone)]
pub struct Desk {
    office: Arc<Office>,
    books: Arc<Books>,
    who: Who,
}

/// An org unit that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitChoice {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How deep it stands below the uppermost that is shown.
    pub depth: usize,
}

/// A period that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodChoice {
    /// As written in data.
    pub code: String,
    /// In words.
    pub name: String,
    /// Whether it was closed.
    pub is_closed: bool,
}

impl Books {
    /// The period that a page shows where none is asked for: that of the latest close or, where there is later evidence, of that.
    fn period(&self, now: i64) -> Period {
        let ended = Month::of(self.today(now)).plus(-1);
        let months = self.closed.iter().filter_map(|period| match period {
            Period::Month(month) => Some(*month),
            _ => None,
        });
        let latest = months.chain(self.latest).max();
        Period::Month(latest.map_or(ended, |latest| latest.min(ended)))
    }

    /// The revision that a page shows where none is asked for.
    fn revision(&self, period: Period) -> super::statement::Revision {
        if self.closed.contains(&period) {
            super::statement::Revision::Last
        } else {
            super::statement::Revision::Open
        }
    }

    /// The day of an instant.
    fn today(&self, now: i64) -> Day {
        local_day(now, &self.workspace.settings.zone)
    }

    fn tree(&self, now: i64) -> Tree {
        self.workspace.organisation.tree(self.today(now))
    }
}

impl Desk {
    /// Who sits there.
    #[must_use]
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// The day on which they sit there.
    fn today(&self) -> Day {
        self.books.today(self.who.actor.now)
    }

    /// The language that they read.
    #[must_use]
    pub fn language(&self) -> Language {
        self.who.language
    }

    /// An instant in the workspace's zone, to the minute.
    #[must_use]
    pub fn local(&self, micros: i64) -> String {
        self.books.workspace.settings.local(micros)
    }

    /// A link to a page, for somebody who is to be given it.
    #[must_use]
    pub fn link(&self, path: &str) -> Link {
        self.books.workspace.settings.link(path)
    }

    /// The accounts, for who may administer or audit them.
    ///
    /// # Errors
    /// They may do neither.
    pub fn registry(&self, right: Right) -> Result<&Registry> {
        self.who.scope.need(right)?;
        Ok(&self.who.registry)
    }

    /// Refuses who came by a token: what opens other doors is for who shows a password, so that a token that leaked makes no
    /// second one.
    pub(super) fn need_session(&self) -> Result<()> {
        match self.who.until {
            None => Ok(()),
            Some(_) => Err(Error::Forbidden),
        }
    }

    /// Writes down that they did something.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn note(&self, action: &str, object: &str, detail: &str) -> Result<()> {
        let registry = &self.who.registry;
        registry.note(&self.who.actor, action, object, detail).await
    }

    fn run(&self) -> Run {
        Run {
            author: self.who.actor.name.clone(),
            now: self.who.actor.now,
        }
    }

    fn names(&self) -> Names<'_> {
        let workspace = &self.books.workspace;
        Names {
            catalogue: &workspace.catalogue,
            organisation: &workspace.organisation,
            hierarchies: &workspace.hierarchies,
            language: self.who.language,
        }
    }

    /// The org units of today for which they have a right.
    fn within(&self, right: Right) -> Result<(Tree, Within)> {
        self.who.scope.need(right)?;
        let tree = self.books.tree(self.who.actor.now);
        let within = self.who.scope.within(right, &tree);
        Ok((tree, within))
    }

    /// The period that is meant: the one asked for, else the latest with something to show.
    ///
    /// # Errors
    /// It is no period.
    pub fn period(&self, asked: Option<&str>) -> Result<Period> {
        match asked.filter(|text| !text.is_empty()) {
            Some(text) => Period::parse(text).map_err(|_| Error::Absent),
            None => Ok(self.books.period(self.who.actor.now)),
        }
    }

    /// The period before the one that is meant, as written; `None` for a period that is no month.
    ///
    /// # Errors
    /// It is no period.
    pub fn period_before(&self, asked: Option<&str>) -> Result<Option<String>> {
        Ok(match self.period(asked)? {
            Period::Month(month) => Some(Period::Month(month.plus(-1)).to_string()),
            _ => None,
        })
    }

    /// The periods that can be chosen, the latest first, the one that is shown among them: months, then what is made of months of
    /// this fiscal year and the one before.
    #[must_use]
    pub fn periods(&self, shown: Period) -> Vec<PeriodChoice> {
        let today = self.today();
        let last = Period::Month(Month::of(today));
        let mut periods = period::until(last, MONTHS_CHOSEN);
        let others = self.books.closed.iter().chain([&shown]);
        for one in others {
            if !periods.contains(one) {
                periods.insert(0, *one);
            }
        }
        periods.reverse();
        for wide in self.wide_periods(Month::of(today)) {
            if !periods.contains(&wide) {
                periods.push(wide);
            }
        }
        let choice = |period: Period| PeriodChoice {
            code: period.to_string(),
            name: period_name(&period.to_string(), self.who.language),
            is_closed: self.books.closed.contains(&period),
        };
        periods.into_iter().map(choice).collect()
    }
}

impl Desk {
    /// Quarters, halves and years of the fiscal year of a month and of the one before, as far as they have begun.
    fn wide_periods(&self, now: Month) -> Vec<Period> {
        let calendar = &self.books.workspace.settings.calendar;
        let year = calendar.year_of(now).name;
        let of = |year: i32| {
            let quarters = (1..=4).rev().map(move |part| Period::Quarter(year, part));
            let halves = (1..=2).rev().map(move |part| Period::Half(year, part));
            quarters.chain(halves).chain([Period::Year(year)])
        };
        let has_begun = |period: &Period| {
            let months = period.months(calendar);
            months.is_some_and(|(first, _)| first <= now)
        };
        [year, year - 1]
            .into_iter()
            .flat_map(of)
            .filter(has_begun)
            .collect()
    }
}

/// The org units of a tree that can be chosen.
fn choices(tree: &Tree, within: &Within, language: Language) -> Vec<UnitChoice> {
    let nodes = tree.nodes().iter().filter(|node| within.has(&node.id));
    let top = nodes.clone().map(|node| node.depth).min().unwrap_or(0);
    nodes
        .filter(|node| node.id != keiki_model::org::UNASSIGNED)
        .map(|node| UnitChoice {
            id: node.id.clone(),
            name: node.name.get(language).to_owned(),
            depth: node.depth - top,
        })
        .collect()
}
