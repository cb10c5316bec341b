//! Closes periods, opens them again, gives what was closed, and shows what would differ today.

mod differences;
mod knowing;
mod reopening;
mod status;
mod verify;

use std::collections::BTreeSet;

use keiki_engine::{Request, Structure};
use keiki_model::calendar::{Day, Period, date_of, local_day};
use keiki_model::disclosure::counts_people;
use keiki_model::durations::Durations;
use keiki_model::measurement::{CoverageRule, Measurement};
use keiki_model::restatement::Cause;
use keiki_model::statement::{Obstacle, Place, Statement};
use keiki_model::text::{Language, Text};
use keiki_report::format;
use keiki_store::{Agreed, ClosedHead, Event, Listing, Recorded};

use super::closed::Closed;
use super::disclosure;
use super::measure::{Measure, measure_in, root};
use super::notes;
use super::obstacles::{obstacles, retain_shown};
use super::programme::{self, Run};
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};
use crate::progress::Progress;

pub use differences::{Change, Moving, Wanted, changes, differences_of, entries, restatement};
pub use knowing::known_at;
pub use reopening::{Reopen, Reopening, Weight, reopen};
pub use status::{CloseStatus, LateEvidence, status};
pub use verify::{Checked, Misfit, verify};

/// What to close.
#[derive(Debug, Clone)]
pub struct Close {
    /// The period.
    pub period: Period,
    /// Why it is closed although something stands in the way, or what is restated.
    pub reason: Option<String>,
    /// Who else agrees.
    pub agreed_by: Option<String>,
    /// Whether it is the last word.
    pub kind: Kind,
    /// Who closes it, and when.
    pub run: Run,
    /// The request that is done by it.
    pub fulfils: Option<Agreed>,
}

/// Whether figures are only put before those who certify them, or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They are put before them; what stands in the way is listed.
    Preliminary,
    /// They are closed.
    Final,
}

/// What came of closing.
#[derive(Debug, Clone)]
pub enum Closing {
    /// It is closed.
    Closed(Box<Statement>),
    /// Its figures are put before those who certify them; the statement has no number.
    Preliminary(Box<Statement>),
    /// Something stands in the way, and there was no reason or no second person.
    Hindered(Vec<Obstacle>),
}

/// Which figures of a period are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// The last that was closed.
    Last,
    /// This one.
    Number(u32),
    /// What is known today, closed by nobody.
    Open,
}

/// What kind of figures these are, in the words of the screen.
#[must_use]
pub fn kind(statement: &Statement, of: Revision) -> Text {
    let revision = statement.revision;
    match (of, revision) {
        (Revision::Open, _) => Text::new("現時点値(未確定)", "not closed"),
        (_, 0) => Text::new(
            "報告値(第0版・過去の報告)",
            "as reported (revision 0, before Keiki)",
        ),
        (_, 1) => Text::new("報告値(第1版)", "as reported (revision 1)"),
        _ => Text::new(
            format!("訂正値(第{revision}版)"),
            format!("as restated (revision {revision})"),
        ),
    }
}

/// Closes a period.
///
/// # Errors
/// It has not ended, or it is closed already.
pub async fn close(
    workspace: &Workspace,
    asked: &Close,
    progress: &dyn Progress,
) -> Result<Closing> {
    let name = asked.period.to_string();
    let end = ended(workspace, asked.period, asked.run.now)?;
    let book = workspace.statements().await?;
    let events = book.of_period(&name).await?;
    if let Some(closed) = closed_now(&events).filter(|closed| closed.revision > 0) {
        return Err(closed_already(&name, closed.revision));
    }
    let mut statement = as_known(workspace, asked.period, &asked.run, progress).await?;
    let root = root(workspace, None, end);
    statement.obstacles = obstacles(workspace, asked.period, &statement, &root).await?;
    let is_agreed = asked.reason.is_some()
        && asked
            .agreed_by
            .as_ref()
            .is_some_and(|second| *second != asked.run.author);
    let last = events.last().map(|last| last.number);
    if asked.kind == Kind::Preliminary {
        let event = Event::Preliminary {
            period: name,
            at: asked.run.now,
            by: asked.run.author.clone(),
            journal_version: statement.journal_version,
            obstacles: statement.obstacles.clone(),
        };
        book.add(&event, last).await?;
        return Ok(Closing::Preliminary(Box::new(statement)));
    }
    if !statement.obstacles.is_empty() && !is_agreed {
        return Ok(Closing::Hindered(statement.obstacles));
    }
    let (reason, stated) = reopened_for(&events);
    let before = last_closed(&events);
    statement.revision = before.map_or(0, |before| before.revision) + 1;
    statement.agreed_by.clone_from(&asked.agreed_by);
    statement.reason = asked.reason.clone().or(reason);
    if let Some(before) = before.filter(|before| before.edition.is_some()) {
        let restated = restatement(
            workspace,
            asked.period,
            before,
            &statement,
            stated,
            progress,
        );
        statement.restatement = Some(restated.await?);
    }
    if let Some(edition) = statement.edition {
        statement.edition_sha256 = Some(workspace.ledger().await?.digest(edition).await?);
    }
    statement.journal_sha256 = Some(listed(workspace).await?);
    let event = Event::Closed(statement.clone());
    let fulfils = asked.fulfils.as_ref();
    book.add_as_agreed(&event, last, fulfils).await?;
    Ok(Closing::Closed(Box::new(statement)))
}

/// Lists the journal's files and keeps the list. Files that the last closed statement lists are not read again.
async fn listed(workspace: &Workspace) -> Result<String> {
    let seals = workspace.seals().await?;
    let closed = workspace.statements().await?.closed().await?;
    let mut hashes = closed.iter().rev();
    let last = hashes.find_map(|head| head.journal_sha256.as_deref());
    let known = match last {
        Some(sha256) => seals.listing(sha256).await?,
        None => None,
    };
    let known = known.map_or_else(Listing::default, |text| Listing::parse(&text));
    let journal = workspace.journal(Opening::Existing).await?;
    let listing = journal.listing(&known).await?;
    Ok(seals.keep_listing(&listing.text()).await?)
}

/// Everything that happened, in order.
///
/// # Errors
/// The book cannot be read.
pub async fn events(workspace: &Workspace) -> Result<Vec<Recorded>> {
    Ok(workspace.statements().await?.events().await?)
}

/// The figures of a period: a closed statement, or as a statement would be if it were closed now. What the reader may not see is
/// withheld.
///
/// # Errors
/// There is no such revision.
pub async fn get(
    workspace: &Workspace,
    period: Period,
    revision: Revision,
    run: &Run,
    progress: &dyn Progress,
) -> Result<Statement> {
    let name = period.to_string();
    let mut closed: Vec<Statement> = Vec::new();
    for recorded in workspace.statements().await?.of_period(&name).await? {
        if let Event::Closed(statement) = recorded.event {
            closed.push(statement);
        }
    }
    let mut statement = match revision {
        Revision::Last => closed.pop().ok_or_else(|| not_closed(&name))?,
        Revision::Number(number) => {
            let mut revisions = closed.iter();
            let at = revisions.position(|statement| statement.revision == number);
            closed.swap_remove(at.ok_or_else(|| no_revision(&name, number))?)
        }
        Revision::Open => as_known(workspace, period, run, progress).await?,
    };
    closed.retain(|before| before.closed_at < statement.closed_at);
    closed.sort_by_key(|before| before.revision);
    let mut closed = Closed::with(period, closed);
    disclosure::withhold_statement(workspace, &mut statement, &mut closed, run, progress).await?;
    withhold_restatement(&mut statement);
    retain_shown(&mut statement.obstacles, &statement.measurements);
    Ok(statement)
}

/// Leaves of a restatement what differs between the figures that are shown.
fn withhold_restatement(statement: &mut Statement) {
    let Some(restatement) = &mut statement.restatement else {
        return;
    };
    let places = |of: fn(&Measurement) -> bool| -> BTreeSet<Place> {
        let guarded = statement.measurements.iter().filter(|one| of(one));
        guarded
            .map(|one| (one.no, one.indicator.clone(), one.org_unit.clone()))
            .collect()
    };
    let (withheld, held) = (
        places(Measurement::is_withheld),
        places(Measurement::is_held),
    );
    let differences = &mut restatement.differences;
    differences.retain(|one| !withheld.contains(&one.place()));
    for one in differences {
        if held.contains(&one.place()) {
            one.withhold();
        }
    }
}

/// The statement of a period as it would be if it were closed now, with no number and without what stands in its way.
pub(super) async fn as_known(
    workspace: &Workspace,
    period: Period,
    run: &Run,
    progress: &dyn Progress,
) -> Result<Statement> {
    let edition = programme::record(workspace, run, None).await?;
    let journal = workspace.journal(Opening::Existing).await?;
    let pinned = Pinned {
        period,
        known_at: run.now,
        journal_version: journal.snapshot().await?.seq(),
        coverage_rule: CoverageRule::default(),
    };
    let closed = workspace.statements().await?.closed().await?;
    let since = closed_before(&closed, period, workspace);
    Ok(Statement {
        period: period.to_string().into(),
        revision: 0,
        closed_at: run.now,
        closed_by: run.author.clone(),
        agreed_by: None,
        reason: None,
        journal_version: pinned.journal_version,
        edition: Some(edition.number),
        edition_sha256: None,
        journal_sha256: None,
        coverage_rule: pinned.coverage_rule,
        obstacles: Vec::new(),
        remarks: notes::of_period(workspace, period, since).await?,
        restatement: None,
        durations: pinned.durations(workspace).await?,
        measurements: pinned.measure(workspace, progress).await?,
    })
}

/// What a statement is a function of, beside the definitions.
struct Pinned {
    period: Period,
    known_at: i64,
    journal_version: i64,
    coverage_rule: CoverageRule,
}

impl Pinned {
    /// Measures every adopted KPI for every org unit.
    async fn measure(
        &self,
        workspace: &Workspace,
        progress: &dyn Progress,
    ) -> Result<Vec<Measurement>> {
        let asked = Measure {
            structure: Structure {
                coverage_rule: self.coverage_rule,
                ..Structure::default()
            },
            known_at: Some(self.known_at),
            journal_version: Some(self.journal_version),
            ..Measure::of_all(self.period, self.known_at)
        };
        measure_in(workspace, &asked, progress).await
    }
}

impl Pinned {
    /// How long things took, for the charts of adopted KPIs. Of people there is nothing: a span may hold one of them.
    async fn durations(&self, workspace: &Workspace) -> Result<Vec<Durations>> {
        let catalogue = &workspace.catalogue;
        let kpis = catalogue
            .kpis
            .iter()
            .filter(|kpi| workspace.programme.adopts(kpi) && !counts_people(kpi, catalogue));
        let kpis: Vec<u32> = kpis.map(|kpi| kpi.no).collect();
        if kpis.is_empty() {
            return Ok(Vec::new());
        }
        let request = Request {
            kpis,
            org_units: Vec::new(),
            structure: Structure::default(),
            periods: vec![self.period],
            known_at: Some(self.known_at),
            seq: Some(self.journal_version),
            now: self.known_at,
        };
        let journal = workspace.journal(Opening::Existing).await?;
        Ok(workspace.engine().durations(&journal, &request).await?)
    }
}

/// The last day of a period that is over.
fn ended(workspace: &Workspace, period: Period, now: i64) -> Result<Day> {
    let settings = &workspace.settings;
    let Some((_, last)) = period.months(&settings.calendar) else {
        return Err(Error::user(
            Text::new(
                format!("{period} はこの会計暦にありません"),
                format!("the fiscal calendar has no {period}"),
            ),
            Text::new(
                "keiki.toml の会計年度を確かめてください",
                "see the fiscal years in keiki.toml",
            ),
        ));
    };
    let end = last.last_day();
    if end < local_day(now, &settings.zone) {
        return Ok(end);
    }
    let after = date_of(end + 1).to_string();
    let after_ja = format::day(&after, Language::Ja);
    Err(Error::user(
        Text::new(
            format!("{period} はまだ終わっていません"),
            format!("{period} is not over"),
        ),
        Text::new(
            format!("{after_ja}以降に締められます"),
            format!("it can be closed from {after} on"),
        ),
    ))
}

/// The revision that is closed; `None` where the period is open.
fn closed_now(events: &[Recorded]) -> Option<&Statement> {
    let mut events = events.iter().rev();
    events.find_map(|recorded| match &recorded.event {
        Event::Closed(statement) => Some(Some(statement)),
        Event::Reopened { .. } => Some(None),
        Event::Noted { .. } | Event::Preliminary { .. } => None,
    })?
}

/// Whether a period is closed, by what happened to it.
#[must_use]
pub fn is_closed(events: &[Recorded]) -> bool {
    closed_now(events).is_some_and(|closed| closed.revision > 0)
}

/// The last revision that was closed.
fn last_closed(events: &[Recorded]) -> Option<&Statement> {
    let mut events = events.iter().rev();
    events.find_map(|recorded| match &recorded.event {
        Event::Closed(statement) => Some(statement),
        _ => None,
    })
}

/// When the last of the periods of the same kind before this one was closed; `None` where none was.
fn closed_before(closed: &[ClosedHead], period: Period, workspace: &Workspace) -> Option<i64> {
    let calendar = &workspace.settings.calendar;
    let first = period.months(calendar).map(|(first, _)| first)?;
    let first_closes = closed.iter().filter(|head| head.revision == 1);
    let closed = first_closes.filter_map(|head| {
        let earlier = Period::parse(&head.period).ok()?;
        let (_, last) = earlier.months(calendar)?;
        let is_alike = std::mem::discriminant(&earlier) == std::mem::discriminant(&period);
        (is_alike && last < first).then_some((last, head.closed_at))
    });
    closed.max().map(|(_, at)| at)
}

/// The org units whose deviations need an explanation: those of the kinds that the workspace names, else the root of the tree.
#[must_use]
pub fn explained_units(workspace: &Workspace, statement: &Statement) -> Vec<String> {
    let first = statement.measurements.first();
    let on = first.and_then(|one| keiki_model::calendar::parse_day(&one.cut_on));
    let Some(tree) = on.map(|day| workspace.organisation.tree(day)) else {
        return Vec::new();
    };
    let kinds = &workspace.settings.close.explain;
    let mut nodes = tree.nodes().iter();
    if kinds.is_empty() {
        return nodes
            .next()
            .map(|root| root.id.clone())
            .into_iter()
            .collect();
    }
    nodes
        .filter(|node| kinds.contains(&node.kind))
        .map(|node| node.id.clone())
        .collect()
}

/// Why the period was opened last, and the cause that was stated; absent where it is the first close.
fn reopened_for(events: &[Recorded]) -> (Option<String>, Option<Cause>) {
    let mut events = events.iter().rev();
    let found = events.find_map(|recorded| match &recorded.event {
        Event::Reopened { reason, cause, .. } => Some((Some(reason.clone()), *cause)),
        Event::Closed(_) => Some((None, None)),
        Event::Noted { .. } | Event::Preliminary { .. } => None,
    });
    found.unwrap_or_default()
}

fn closed_already(period: &str, revision: u32) -> Error {
    Error::user(
        Text::new(
            format!("{period} は締め済みです(第{revision}版)"),
            format!("{period} is closed already (revision {revision})"),
        ),
        Text::new(
            format!("訂正するには `keiki reopen {period} --reason 理由` で締めを解除します"),
            format!("to restate it, open it with `keiki reopen {period} --reason REASON`"),
        ),
    )
}

fn not_closed(period: &str) -> Error {
    Error::user(
        Text::new(
            format!("{period} は締められていません"),
            format!("{period} is not closed"),
        ),
        Text::new(
            format!("`keiki close {period}` で締めるか、`--revision now` で現時点値を見ます"),
            format!(
                "close it with `keiki close {period}`, or see today's figures with `--revision now`"
            ),
        ),
    )
}

fn no_revision(period: &str, number: u32) -> Error {
    Error::user(
        Text::new(
            format!("{period} に第{number}版はありません"),
            format!("{period} has no revision {number}"),
        ),
        Text::new(
            "`keiki statement` で締めの一覧を確認できます",
            "`keiki statement` lists what was closed",
        ),
    )
}
