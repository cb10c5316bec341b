//! Figures before a reader: a measured period, and what of it somebody may see, in words and charts.

use std::collections::BTreeSet;
use std::sync::Arc;

use keiki_model::access::Right;
use keiki_model::calendar::{Period, date_of, local_day, parse_day};
use keiki_model::measurement::Measurement;
use keiki_model::org::Tree;
use keiki_model::remark::{Origin, Remarks};
use keiki_model::statement::{Obstacle, Statement};
use keiki_model::text::Language;
use keiki_report::report::{
    Earlier, Finality, Front, GroupPart, Head, KpiPart, Moved, Placed, Reliance, Report,
    RestatedPart, Source, Testing,
};
use keiki_report::scorecard;
use keiki_store::StoreError;

use super::kept::{Shelf, Stamp};
use super::{Books, Desk, UnitChoice, choices};
use crate::error::{Error, Result};
use crate::operations::access::Within;
use crate::operations::period;
use crate::operations::programme::Run;
use crate::operations::report::{self, Material, Whose};
use crate::operations::statement::{self, Revision};
use crate::progress::Silent;

/// The most org units of which the periods before are kept of all.
const UNITS_WHOLE: usize = 100;
/// How many org units' periods before are kept of a board of more.
const UNITS_BEFORE_MOST: usize = 50;
/// How many figures of companies weigh as much as a sheet.
const COMPANIES_OF_A_SHEET: usize = 1_000;

/// A measured period: every figure of every org unit, with the periods before it. It is whole, and shown to nobody as it is.
#[derive(Debug)]
pub(super) struct Board {
    period: Period,
    revision: Revision,
    /// The instant of knowledge, where one was asked for.
    known_at: Option<i64>,
    statement: Statement,
    material: Material,
    /// Where there are very many org units, the periods before of those that were looked at: of all they would be too much to keep.
    before: Option<Shelf<String, Vec<Earlier>>>,
    /// The tree of the cut day.
    tree: Tree,
}

impl Board {
    pub(super) async fn make(
        books: Arc<Books>,
        period: Period,
        revision: Revision,
    ) -> Result<Arc<Self>> {
        let run = Run::of_nobody(books.at);
        let found = statement::get(&books.workspace, period, revision, &run, &Silent).await;
        let board = Self::of(&books, (period, revision), found, (&run, books.at)).await?;
        Ok(Arc::new(board))
    }

    /// The board of a period as it was known at an instant.
    pub(super) async fn as_known(
        books: Arc<Books>,
        period: Period,
        known_at: i64,
    ) -> Result<Arc<Self>> {
        let run = Run::of_nobody(books.at);
        let found = statement::known_at(&books.workspace, (period, known_at), &run, &Silent).await;
        let board = Self::of(&books, (period, Revision::Open), found, (&run, known_at)).await?;
        let day = local_day(known_at, &books.workspace.settings.zone);
        Ok(Arc::new(Self {
            known_at: Some(known_at),
            material: Material {
                // What was closed later was not known then.
                restated: None,
                finality: Finality::NotClosed(date_of(day).to_string()),
                ..board.material
            },
            ..board
        }))
    }

    /// The board of a statement that was found, or of books without one, seen from an instant.
    async fn of(
        books: &Books,
        (period, revision): (Period, Revision),
        found: Result<Statement>,
        (run, at): (&Run, i64),
    ) -> Result<Self> {
        let workspace = &books.workspace;
        let statement = match found {
            Err(error) if is_empty(&error) => return Ok(Self::empty(books, period, at)),
            found => found?,
        };
        let of = (period, &statement, revision);
        let before = (workspace.organisation.rows().len() > UNITS_WHOLE)
            .then(|| Shelf::new(UNITS_BEFORE_MOST));
        let whose = match before {
            None => Whose::All,
            Some(_) => Whose::Nobody,
        };
        let material = report::material(workspace, of, whose, (run, &books.past), &Silent).await?;
        let cut = statement.measurements.first();
        let cut = cut.and_then(|one| parse_day(&one.cut_on));
        let day = cut.unwrap_or_else(|| local_day(at, &workspace.settings.zone));
        Ok(Self {
            period,
            revision,
            known_at: None,
            material,
            before,
            tree: workspace.organisation.tree(day),
            statement,
        })
    }

    /// The board of books in which nothing was written yet.
    fn empty(books: &Books, period: Period, now: i64) -> Self {
        let settings = &books.workspace.settings;
        let today = local_day(now, &settings.zone);
        Self {
            period,
            revision: Revision::Open,
            known_at: None,
            statement: Statement::without_books(&period.to_string(), now),
            material: Material {
                earlier: Vec::new(),
                restated: None,
                finality: Finality::NotClosed(date_of(today).to_string()),
            },
            before: None,
            tree: books.workspace.organisation.tree(today),
        }
    }

    /// The statement, or as a statement would be.
    pub(super) fn statement(&self) -> &Statement {
        &self.statement
    }

    pub(super) fn period(&self) -> Period {
        self.period
    }

    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    /// The instant of knowledge, where one was asked for.
    pub(super) fn known_at(&self) -> Option<i64> {
        self.known_at
    }

    /// Every figure.
    pub(super) fn figures(&self) -> impl Iterator<Item = &Measurement> {
        self.statement.measurements.iter()
    }

    /// What was said of them.
    pub(super) fn remarks(&self) -> &Remarks {
        &self.statement.remarks
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// When it was closed, and on which journal; nothing of figures of before the books were kept.
    pub(super) fn closed_as(&self) -> (Option<i64>, Option<i64>) {
        let is_of_books = self.statement.edition.is_some();
        (
            is_of_books.then_some(self.statement.closed_at),
            is_of_books.then_some(self.statement.journal_version),
        )
    }
}

/// Which figures are looked at.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The period as written; absent = the latest.
    pub period: Option<String>,
    /// The org unit; absent = the uppermost that may be seen.
    pub unit: Option<String>,
    /// The revision by number, `now`, or an instant of knowledge; absent = the last that was closed, else now.
    pub revision: Option<String>,
}

/// What a drawn sheet depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SheetKey {
    stamp: Stamp,
    period: Period,
    revision: Option<u32>,
    known_at: Option<i64>,
    language: Language,
    unit: String,
    within: Within,
}

/// The figures of an org unit in a period, drawn for a reader.
#[derive(Debug)]
pub struct Sheet {
    /// The org unit.
    pub unit: String,
    /// The period as written.
    pub period: String,
    /// The revision; `None` where it is not closed.
    pub revision: Option<u32>,
    /// What the statement says of itself.
    pub head: Head,
    /// What a director asks.
    pub front: Front,
    /// How far the figures can be relied on.
    pub reliance: Reliance,
    /// The groups of KPIs.
    pub groups: Vec<GroupPart>,
    /// What was restated.
    pub restated: Option<Vec<RestatedPart>>,
    /// Whether there is any figure at all.
    pub has_figures: bool,
    /// The periods with which it compares, each with the revision that is taken; `None` where it was not closed.
    earlier: Vec<(String, Option<u32>)>,
}

/// A sheet with what else can be chosen.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The sheet.
    pub sheet: Arc<Sheet>,
    /// The org units that can be chosen.
    pub units: Vec<UnitChoice>,
    /// The revision or the instant of knowledge that was asked for, as it was written.
    pub revision: String,
}

impl Sheet {
    /// What of a report the pages show.
    fn of(report: &Report<'_>, revision: Option<u32>) -> Self {
        let source = report.source;
        Self {
            unit: source.root.to_owned(),
            period: source.statement.period.to_string(),
            revision,
            has_figures: source.measurements.iter().any(|one| one.value.is_some()),
            head: report.head.clone(),
            front: report.front.clone(),
            reliance: report.reliance.clone(),
            groups: report.groups.clone(),
            restated: report.restated.clone(),
            earlier: source
                .earlier
                .iter()
                .map(|one| (one.period.to_string(), one.revision))
                .collect(),
        }
    }

    /// How much it weighs on what is kept: a group of a thousand companies is as heavy as many others.
    fn weight(&self) -> usize {
        let kpis = self.groups.iter().flat_map(|group| &group.kpis);
        1 + kpis.map(|kpi| kpi.companies.len()).sum::<usize>() / COMPANIES_OF_A_SHEET
    }

    /// The revision by which it shows a figure of an earlier period, as an address carries it.
    #[must_use]
    pub fn reported_as(&self, period: &str) -> String {
        let mut earlier = self.earlier.iter();
        let found = earlier.find(|(known, _)| known == period);
        let revision = found.and_then(|(_, revision)| *revision);
        revision.map_or_else(String::new, |number| number.to_string())
    }

    /// A KPI of it.
    #[must_use]
    pub fn kpi(&self, no: u32) -> Option<&KpiPart> {
        let mut kpis = self.groups.iter().flat_map(|group| &group.kpis);
        kpis.find(|kpi| kpi.no == no)
    }
}

impl Desk {
    /// The figures of a period as far as they may be seen.
    ///
    /// # Errors
    /// They may see none, or nothing of what is asked for.
    pub async fn look(&self, look: &Look) -> Result<Looked> {
        let board = self.board(look).await?;
        let (within, unit) = self.seen(&board, look)?;
        let units = choices(&board.tree, &within, self.who.language);
        let key = self.sheet_key(&board, &within, &unit);
        let sheets = &self.office.kept.sheets;
        let sheet = if let Some(sheet) = sheets.find(&key) {
            sheet
        } else {
            let earlier = self.before(&board, &unit).await?;
            let revision = key.revision;
            let draw = |report: &Report<'_>| Sheet::of(report, revision);
            let of = (&within, unit.as_str());
            let sheet = self.reported((&board, &earlier), of, Testing::Untested, draw);
            let weight = sheet.weight();
            sheets.put_heavy(key, sheet, weight)
        };
        let revision = look.revision.clone().unwrap_or_default();
        Ok(Looked {
            sheet,
            units,
            revision,
        })
    }

    /// What was said of the figures of a period, as far as it is about org units that may be seen.
    ///
    /// # Errors
    /// They may see none, or nothing of what is asked for.
    pub async fn remarks(&self, look: &Look) -> Result<Remarks> {
        let board = self.board(look).await?;
        let (within, unit) = self.seen(&board, look)?;
        let ids = within.below(&unit, &board.tree);
        Ok(shown_part(&board.statement, &ids, &within).remarks)
    }

    /// What a sheet of a board depends on.
    pub(super) fn sheet_key(&self, board: &Board, within: &Within, unit: &str) -> SheetKey {
        SheetKey {
            stamp: self.books.stamp.clone(),
            period: board.period,
            revision: (board.revision != Revision::Open).then_some(board.statement.revision),
            known_at: board.known_at,
            language: self.who.language,
            unit: unit.to_owned(),
            within: within.clone(),
        }
    }

    /// The org unit that is looked at, with those that may be seen.
    pub(super) fn seen(&self, board: &Board, look: &Look) -> Result<(Within, String)> {
        let within = self.who.scope.within(Right::See, &board.tree);
        let unit = within.chosen(look.unit.as_deref())?.to_owned();
        Ok((within, unit))
    }

    /// The measured period that is looked at.
    pub(super) async fn board(&self, look: &Look) -> Result<Arc<Board>> {
        self.who.scope.need(Right::See)?;
        let period = self.period(look.period.as_deref())?;
        let asked = look.revision.as_deref().map(str::trim);
        let (revision, known_at) = match asked {
            None | Some("") => (self.books.revision(period), None),
            Some("now") => (Revision::Open, None),
            Some(text) => match text.parse() {
                Ok(number) => (Revision::Number(number), None),
                Err(_) => (Revision::Open, Some(self.instant(text)?)),
            },
        };
        if period
            .months(&self.books.workspace.settings.calendar)
            .is_none()
        {
            return Err(Error::Absent);
        }
        let kept = &self.office.kept;
        let board = kept.board(&self.books, (period, revision, known_at));
        board.await.map_err(|error| match error {
            Error::User { .. } if look.revision.is_some() => Error::Absent,
            other => other,
        })
    }

    /// An instant of knowledge; what is still to come is none.
    fn instant(&self, text: &str) -> Result<i64> {
        let at = period::instant(text, &self.books.workspace.settings.zone);
        let at = at.map_err(|_| Error::Absent)?;
        let now = self.who.actor.now;
        if self.books.today(at) > self.books.today(now) {
            return Err(Error::Absent);
        }
        // The end of today is now, with all that the books hold.
        Ok(if at > now { now.max(self.books.at) } else { at })
    }

    /// The periods before a board, as far as a report of a unit shows them.
    pub(super) async fn before(&self, board: &Board, unit: &str) -> Result<Arc<Vec<Earlier>>> {
        let Some(before) = &board.before else {
            return Ok(Arc::new(board.material.earlier.clone()));
        };
        if let Some(earlier) = before.find(&unit.to_owned()) {
            return Ok(earlier);
        }
        let (run, memory) = (Run::of_nobody(self.books.at), report::Memory::default());
        let (of, whose) = ((board.period, &board.statement), Whose::Unit(unit));
        let workspace = &self.books.workspace;
        let earlier = report::earlier(workspace, of, whose, (&run, &memory), &Silent).await?;
        Ok(before.put(unit.to_owned(), earlier))
    }

    /// What may be seen of a board, put before its reader as a report from which `draw` takes what it shows.
    pub(super) fn reported<T>(
        &self,
        (board, earlier): (&Board, &[Earlier]),
        (within, unit): (&Within, &str),
        testing: Testing,
        draw: impl FnOnce(&Report<'_>) -> T,
    ) -> T {
        let ids = within.below(unit, &board.tree);
        let is_shown = |one: &&Measurement| ids.contains(&*one.org_unit);
        let measurements: Vec<Measurement> = board
            .statement
            .measurements
            .iter()
            .filter(is_shown)
            .filter(|one| !scorecard::is_idle(one))
            .cloned()
            .collect();
        let restated = board.material.restated.as_ref().map(|moved| {
            let is_of_unit = |one: &&Moved| ids.contains(&*one.restated.place.2);
            moved.iter().filter(is_of_unit).cloned().collect::<Vec<_>>()
        });
        let statement = shown_part(&board.statement, &ids, within);
        let language = self.who.language;
        let settings = &self.books.workspace.settings;
        let source = Source {
            statement: &statement,
            kind: statement::kind(&statement, board.revision),
            finality: board.material.finality.clone(),
            remarks: Vec::new(),
            names: self.names(),
            calendars: &self.books.workspace.calendars,
            organisation: settings.name.get(language),
            root: unit,
            measurements: Placed::new(&measurements, &self.books.workspace.organisation),
            earlier,
            restated: restated.as_deref(),
        };
        draw(&Report::tested(&source, testing))
    }
}

/// What a statement says beside its figures, as far as it is about some org units. What the board asked for is the whole group's.
fn shown_part(whole: &Statement, ids: &BTreeSet<String>, within: &Within) -> Statement {
    let mut remarks = Remarks {
        explanations: whole.remarks.explanations.clone(),
        actions: whole.remarks.actions.clone(),
        certifications: whole.remarks.certifications.clone(),
    };
    remarks
        .explanations
        .retain(|one| ids.contains(&*one.subject.org_unit));
    remarks.actions.retain(|one| match &one.origin {
        Origin::Deviation(subject) => ids.contains(&*subject.org_unit),
        Origin::Board { .. } => within.is_whole(),
    });
    remarks
        .certifications
        .retain(|one| ids.contains(&*one.org_unit));
    let obstacles = whole.obstacles.iter();
    Statement {
        period: whole.period.clone(),
        revision: whole.revision,
        closed_at: whole.closed_at,
        closed_by: whole.closed_by.clone(),
        agreed_by: whole.agreed_by.clone(),
        reason: whole.reason.clone().filter(|_| within.is_whole()),
        journal_version: whole.journal_version,
        edition: whole.edition,
        edition_sha256: whole.edition_sha256.clone(),
        journal_sha256: whole.journal_sha256.clone(),
        coverage_rule: whole.coverage_rule,
        obstacles: obstacles
            .filter_map(|one| obstacle_within(one, ids, within))
            .collect(),
        remarks,
        restatement: None,
        durations: whole
            .durations
            .iter()
            .filter(|one| ids.contains(&*one.org_unit))
            .cloned()
            .collect(),
        measurements: Vec::new(),
    }
}

/// An obstacle as far as it is about some org units; `None` where it is about others, or about the whole and that is not shown.
pub(super) fn obstacle_within(
    obstacle: &Obstacle,
    ids: &BTreeSet<String>,
    within: &Within,
) -> Option<Obstacle> {
    let among = |units: &[String]| {
        let units = units.iter().filter(|id| ids.contains(*id));
        Some(units.cloned().collect::<Vec<_>>()).filter(|found| !found.is_empty())
    };
    match obstacle {
        Obstacle::Missing { kpi, org_units } => among(org_units).map(|org_units| {
            let kpi = *kpi;
            Obstacle::Missing { kpi, org_units }
        }),
        Obstacle::Overdue { dataset, org_units } => among(org_units).map(|org_units| {
            let dataset = dataset.clone();
            Obstacle::Overdue { dataset, org_units }
        }),
        Obstacle::Unexplained { org_unit, .. } | Obstacle::Uncertified { org_unit, .. } => {
            ids.contains(&**org_unit).then(|| obstacle.clone())
        }
        Obstacle::Rejected { .. }
        | Obstacle::Unassigned { .. }
        | Obstacle::NoData { .. }
        | Obstacle::Failed { .. } => within.is_whole().then(|| obstacle.clone()),
    }
}

/// Whether an error only says that nothing was read yet.
fn is_empty(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::NoJournal(_)))
}
