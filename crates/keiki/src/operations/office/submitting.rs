//! Evidence that somebody sends: what they owe, what would become of a file, and taking it in.

mod effects;
mod taking;
mod trying;

use std::path::PathBuf;

use keiki_ingest::Source;
use keiki_model::access::Right;
use keiki_model::calendar::{Day, date_of, parse_day};
use keiki_model::dataset::OrgUnits;
use keiki_model::org::Tree;
use keiki_model::remark::is_deviation;
use keiki_model::text::Text;
use keiki_store::{DeskFolder, WaitingFile};
use serde::{Deserialize, Serialize};

use super::evidence::OwedLine;
use super::figures::Look;
use super::waiting::plain_name;
use super::{Desk, UnitChoice, choices};
use crate::error::{Error, Result};
use crate::operations::access::Within;

pub use effects::{EffectLine, EffectSide, Effects};
pub use trying::WORKBOOK;

/// What there is to do for somebody.
#[derive(Debug, Clone)]
pub struct TodoView {
    /// Evidence that is asked for, or is not there in time.
    pub overdue: Vec<OwedLine>,
    /// Evidence that is there, with the day until which it is fresh enough.
    pub fresh: Vec<OwedLine>,
    /// Figures that missed their targets without a word why: KPI, indicator, org unit's id and name.
    pub unexplained: Vec<(u32, String, String, String)>,
    /// The period of those figures.
    pub period: String,
    /// How many rows are out.
    pub rejected: usize,
}

/// What can be chosen for a file.
#[derive(Debug, Clone)]
pub struct SubmitView {
    /// Sources whose files somebody may send.
    pub sources: Vec<(String, String)>,
    /// Datasets, by name and title.
    pub datasets: Vec<(String, String)>,
    /// Org units.
    pub units: Vec<UnitChoice>,
    /// Today.
    pub today: String,
    /// Indicators of which a total can be reported: value and words.
    pub indicators: Vec<(String, String)>,
}

/// What somebody says of a file.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// `source:NAME`, `dataset:NAME`, or `workbook` with or without `:PERIOD`.
    pub into: String,
    /// The org unit that it covers; empty = what the source says.
    pub unit: String,
    /// The day for which it speaks; empty = today.
    pub as_of: String,
}

/// A file that waits for a confirmation.
#[derive(Debug, Clone)]
pub struct WaitingLine {
    /// By what it is confirmed.
    pub token: String,
    /// The file's name.
    pub file: String,
    /// What it is read as, in words.
    pub into: String,
    /// Since when, in the workspace's zone.
    pub since: String,
}

/// What would become of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Preview {
    /// By what it is confirmed.
    pub token: String,
    /// What tells whether the same was found.
    pub version: String,
    /// The file's name.
    pub file: String,
    /// What it is read as.
    pub into: String,
    /// The day for which it speaks.
    pub as_of: String,
    /// How many rows would be accepted.
    pub accepted: usize,
    /// How many rows would be rejected.
    pub rejected: usize,
    /// All of it or, of a workbook, its sheets.
    pub parts: Vec<PreviewPart>,
    /// Org units that nobody knows.
    pub unassigned: Vec<String>,
    /// What it would do to the figures; `None` where its sender may see none, or where that was not found out.
    pub effects: Option<Effects>,
}

/// What would become of a part of a file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PreviewPart {
    /// The dataset, in words.
    pub dataset: String,
    /// What is to be known about it, such as why nothing of it would be taken in.
    pub said: Vec<String>,
    /// Whether nothing of it would be taken in.
    #[serde(default)]
    pub is_left_out: bool,
    /// How many rows would be accepted.
    pub accepted: usize,
    /// How many rows would be rejected.
    pub rejected: usize,
    /// The rejected rows with their reasons, the first of them.
    pub rejects: Vec<(u64, String)>,
    /// The first accepted rows: headings and values.
    pub columns: Vec<String>,
    /// Their values.
    pub rows: Vec<Vec<String>>,
}

/// What became of a file.
#[derive(Debug, Clone)]
pub struct Taken {
    /// What it was read as.
    pub into: String,
    /// The commit; absent where nothing was new.
    pub seq: Option<i64>,
    /// Rows that were accepted, changed something, and were rejected.
    pub accepted: u64,
    /// Rows that changed something.
    pub changed: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// The sheets of a workbook.
    pub parts: Vec<TakenPart>,
}

/// What became of a sheet.
#[derive(Debug, Clone, Default)]
pub struct TakenPart {
    /// The dataset.
    pub name: String,
    /// The same in words.
    pub title: String,
    /// Whether it was taken in.
    pub is_in: bool,
    /// The commit; absent where nothing was new.
    pub seq: Option<i64>,
    /// Rows that were accepted.
    pub accepted: u64,
    /// Rows that changed something.
    pub changed: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// What is to be known about it.
    pub said: Vec<String>,
}

/// A total that is reported in the place of rows.
#[derive(Debug, Clone, Default)]
pub struct Total {
    /// KPI and indicator, as `NO:CODE`.
    pub indicator: String,
    /// The org unit.
    pub unit: String,
    /// The period as written.
    pub period: String,
    /// Above the line.
    pub numerator: String,
    /// Below it.
    pub denominator: String,
    /// The document that backs it.
    pub attachment: String,
}

impl Desk {
    /// What there is to do.
    ///
    /// # Errors
    /// They may not submit, or the journal cannot be read.
    pub async fn todo(&self) -> Result<TodoView> {
        let (_, within) = self.within(Right::Submit)?;
        let owed = self.owed(&within).await?;
        let (fresh, mut overdue): (Vec<OwedLine>, Vec<OwedLine>) =
            owed.into_iter().partition(|one| !one.is_outstanding());
        // What leaves most figures without data comes first.
        overdue.sort_by_key(|one| std::cmp::Reverse(one.without_data.len()));
        let rejected = self.rejects_count().await?;
        let board = self.board(&Look::default()).await?;
        let explains = self.who.scope.within(Right::Explain, board.tree());
        let names = self.names();
        let unexplained = board.figures().filter(|one| {
            !one.is_companion
                && is_deviation(one)
                && explains.has(&one.org_unit)
                && is_entity(board.tree(), &one.org_unit)
                && board.remarks().explanation(one).is_none()
        });
        Ok(TodoView {
            overdue,
            fresh,
            unexplained: unexplained
                .map(|one| {
                    let unit = names.org_unit(&one.org_unit);
                    let title = names.indicator(one.no, &one.indicator);
                    (one.no, title, one.org_unit.to_string(), unit)
                })
                .collect(),
            period: board.period().to_string(),
            rejected,
        })
    }

    /// What can be chosen for a file.
    ///
    /// # Errors
    /// They may not submit.
    pub fn submit_choices(&self) -> Result<SubmitView> {
        let (tree, within) = self.within(Right::Submit)?;
        let workspace = &self.books.workspace;
        let language = self.who.language;
        let sources = workspace.sources.iter();
        let sources = sources.filter(|source| speaks_within(source, &within));
        let datasets = workspace.catalogue.datasets.values();
        let datasets = datasets
            .filter(|dataset| dataset.distinct.is_none() && dataset.org_units != OrgUnits::None);
        let kpis = workspace.catalogue.kpis.iter();
        let kpis = kpis.filter(|kpi| workspace.programme.adopts(kpi));
        let indicators = kpis.flat_map(|kpi| {
            let own = kpi.indicators.iter().filter(|one| !one.is_companion);
            own.map(move |one| {
                let title = one.title.get(language);
                (
                    format!("{}:{}", kpi.no, one.code),
                    format!("{} {title}", kpi.no),
                )
            })
        });
        Ok(SubmitView {
            sources: sources
                .map(|source| (source.name.clone(), self.dataset_title(&source.dataset)))
                .collect(),
            datasets: datasets
                .map(|dataset| {
                    let title = dataset.title.get(language).to_owned();
                    (dataset.name.clone(), title)
                })
                .collect(),
            units: choices(&tree, &within, language),
            today: date_of(self.today()).to_string(),
            indicators: indicators.collect(),
        })
    }

    /// Begins a file that somebody sends: the folder in which it is put, and its name there.
    ///
    /// # Errors
    /// They may not submit, or no folder can be made.
    pub fn begin_file(&self, name: &str) -> Result<(DeskFolder, PathBuf)> {
        self.who.scope.need(Right::Submit)?;
        let folder = self.office.waiting.folder()?;
        let path = folder.path().join(plain_name(name));
        Ok((folder, path))
    }

    /// Tells what would become of a file. It waits for a confirmation for a day, also where the server stops meanwhile.
    ///
    /// # Errors
    /// They may not send it, or it cannot be used at all.
    pub async fn preview(&self, folder: DeskFolder, path: PathBuf, said: &Said) -> Result<Preview> {
        let meant = self.meant(said)?;
        let tried = self.tried(&meant, &path).await?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let bytes = std::fs::metadata(&path).map_err(Error::file(&path))?.len();
        let file = WaitingFile {
            id: String::new(),
            owner: self.who.actor.name.clone(),
            name: name.into_owned(),
            into: trying::written(&meant),
            covers: meant.covers.clone(),
            as_of: meant.as_of,
            since: self.who.actor.now,
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        };
        let preview = self.shown(&tried, &file);
        let effects = self.effects(&meant, &tried, &path).await;
        let preview = Preview { effects, ..preview };
        let waiting = &self.office.waiting;
        let token = waiting
            .add(file, &path, &preview, self.who.language)
            .await?;
        drop(folder);
        Ok(Preview { token, ..preview })
    }

    /// Their files that wait for a confirmation, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn waiting(&self) -> Result<Vec<WaitingLine>> {
        let owner = &self.who.actor.name;
        let all = self.office.waiting.of(owner, self.who.actor.now).await?;
        let line = |one: WaitingFile| WaitingLine {
            into: self.title_of(&one.into),
            token: one.id,
            file: one.name,
            since: self.local(one.since),
        };
        Ok(all.into_iter().map(line).collect())
    }

    /// What would become of a file that waits.
    ///
    /// # Errors
    /// It waits no longer, or it is another's.
    pub async fn waiting_preview(&self, token: &str) -> Result<Preview> {
        self.who.scope.need(Right::Submit)?;
        let own = (token, self.who.actor.name.as_str());
        let waiting = &self.office.waiting;
        if let Some(found) = waiting.found(own, self.who.language).await? {
            return Ok(found);
        }
        // It was told in another language, and is read again.
        let looked = waiting.look(own, self.who.actor.now).await?;
        let meant = self.meant_of(&looked.file)?;
        let tried = self.tried(&meant, &looked.path).await?;
        let effects = self.effects(&meant, &tried, &looked.path).await;
        let preview = self.shown(&tried, &looked.file);
        Ok(Preview { effects, ..preview })
    }

    /// Takes away a file that waits.
    ///
    /// # Errors
    /// It waits no longer, or it is another's.
    pub async fn discard(&self, token: &str) -> Result<()> {
        self.who.scope.need(Right::Submit)?;
        let own = (token, self.who.actor.name.as_str());
        let taken = self.office.waiting.take(own, self.who.actor.now).await?;
        self.office.waiting.remove(&taken.looked_at.file.id).await
    }

    fn as_of(&self, text: &str) -> Result<Day> {
        let today = self.today();
        if text.is_empty() {
            return Ok(today);
        }
        parse_day(text).filter(|day| *day <= today).ok_or_else(|| {
            Error::user(
                Text::new(
                    format!("今日以前の日付ではありません: {text}"),
                    format!("not a date of today or before: {text}"),
                ),
                Text::new(
                    "証跡が示す日を 2026-09-30 のように指定してください",
                    "give the day that the evidence speaks for, such as 2026-09-30",
                ),
            )
        })
    }
}

fn is_entity(tree: &Tree, id: &str) -> bool {
    let position = tree.position(id);
    position.is_some_and(|position| tree.nodes()[position].kind.is_entity())
}

/// Whether a source speaks for org units of a scope alone.
pub(crate) fn speaks_within(source: &Source, within: &Within) -> bool {
    let said = source.covers.iter().chain(&source.scope.org_units);
    source.query.is_none() && within.has_all(said.map(String::as_str))
}
