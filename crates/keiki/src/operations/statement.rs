//! Closes periods, opens them again, gives what was closed, and shows what would differ today.

use std::collections::HashMap;

use keiki_engine::Structure;
use keiki_model::calendar::{Day, Period, date_of, local_day};
use keiki_model::fraction::Fraction;
use keiki_model::measurement::Measurement;
use keiki_model::statement::{Obstacle, Place, Restated, Statement, restated};
use keiki_model::text::Text;
use keiki_store::{Event, Recorded};

use super::disclosure;
use super::measure::{Measure, Units, measure_in, root};
use super::notes;
use super::obstacles::obstacles;
use super::programme::{self, Run};
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// What to close.
#[derive(Debug, Clone)]
pub struct Close {
    /// The period.
    pub period: Period,
    /// Why it is closed although something stands in the way, or what is restated.
    pub reason: Option<String>,
    /// Who else agrees.
    pub agreed_by: Option<String>,
    /// Who closes it, and when.
    pub run: Run,
}

/// What came of closing.
#[derive(Debug, Clone)]
pub enum Closing {
    /// It is closed.
    Closed(Box<Statement>),
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

/// A figure that differs, with what moved it.
#[derive(Debug, Clone)]
pub struct Change {
    /// The figure in both.
    pub restated: Restated,
    /// How far evidence that became known since moved it.
    pub by_evidence: Option<Fraction>,
    /// How far definitions, org tree and programme moved it after that.
    pub by_definitions: Option<Fraction>,
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
    if let Some(revision) = closed_now(&events).filter(|revision| *revision > 0) {
        return Err(Error::user(
            Text::new(
                format!("{name} は締め済みです(第{revision}版)"),
                format!("{name} is closed already (revision {revision})"),
            ),
            Text::new(
                format!("訂正するには `keiki reopen {name} --reason 理由` で締めを解除します"),
                format!("to restate it, open it with `keiki reopen {name} --reason REASON`"),
            ),
        ));
    }
    programme::record(workspace, &asked.run, None).await?;
    let edition = programme::editions(workspace)
        .await?
        .last()
        .map(|e| e.number);
    let journal = workspace.journal(Opening::Existing).await?;
    let journal_version = journal.snapshot().await?.seq();
    let everything = Pinned {
        period: asked.period,
        known_at: asked.run.now,
        journal_version,
    };
    let measurements = everything.measure(workspace, progress).await?;
    let obstacles = obstacles(&journal, &measurements, &root(workspace, None, end)).await?;
    let is_agreed = asked.reason.is_some()
        && asked
            .agreed_by
            .as_ref()
            .is_some_and(|second| *second != asked.run.author);
    if !obstacles.is_empty() && !is_agreed {
        return Ok(Closing::Hindered(obstacles));
    }
    let since = closed_before(&book.events().await?, asked.period, workspace);
    let statement = Statement {
        period: name.into(),
        revision: next_revision(&events),
        closed_at: asked.run.now,
        closed_by: asked.run.author.clone(),
        agreed_by: asked.agreed_by.clone(),
        reason: asked
            .reason
            .clone()
            .or_else(|| reason_of_reopening(&events)),
        journal_version,
        edition,
        obstacles,
        remarks: notes::of_period(workspace, asked.period, since).await?,
        measurements,
    };
    let event = Event::Closed(statement.clone());
    book.add(&event, events.last().map(|last| last.number))
        .await?;
    Ok(Closing::Closed(Box::new(statement)))
}

/// Opens a closed period again. Returns the revision that stays the one reported until it is closed again.
///
/// # Errors
/// It is not closed.
pub async fn reopen(workspace: &Workspace, period: Period, reason: &str, run: &Run) -> Result<u32> {
    let name = period.to_string();
    let book = workspace.statements().await?;
    let events = book.of_period(&name).await?;
    let Some(revision) = closed_now(&events).filter(|revision| *revision > 0) else {
        return Err(not_closed(&name));
    };
    let event = Event::Reopened {
        period: name,
        at: run.now,
        by: run.author.clone(),
        reason: reason.to_owned(),
    };
    book.add(&event, events.last().map(|last| last.number))
        .await?;
    Ok(revision)
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
        Revision::Number(number) => closed
            .into_iter()
            .find(|statement| statement.revision == number)
            .ok_or_else(|| no_revision(&name, number))?,
        Revision::Open => {
            programme::record(workspace, run, None).await?;
            let journal = workspace.journal(Opening::Existing).await?;
            let pinned = Pinned {
                period,
                known_at: run.now,
                journal_version: journal.snapshot().await?.seq(),
            };
            let editions = programme::editions(workspace).await?;
            let events = workspace.statements().await?.events().await?;
            let since = closed_before(&events, period, workspace);
            Statement {
                period: name.into(),
                revision: 0,
                closed_at: run.now,
                closed_by: run.author.clone(),
                agreed_by: None,
                reason: None,
                journal_version: pinned.journal_version,
                edition: editions.last().map(|edition| edition.number),
                obstacles: Vec::new(),
                remarks: notes::of_period(workspace, period, since).await?,
                measurements: pinned.measure(workspace, progress).await?,
            }
        }
    };
    disclosure::withhold_statement(workspace, &mut statement, run, progress).await?;
    Ok(statement)
}

/// What differs between two statements of a period, and how much of it new evidence moved, and how much definitions, org
/// tree and programme.
///
/// # Errors
/// The figures in between cannot be computed.
pub async fn changes(
    workspace: &Workspace,
    period: Period,
    before: &Statement,
    after: &Statement,
    progress: &dyn Progress,
) -> Result<Vec<Change>> {
    let found = restated(&before.measurements, &after.measurements);
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let between = match before.edition {
        // Figures of before the books were kept have nothing that could be computed again.
        None => Vec::new(),
        Some(edition) if after.edition != Some(edition) => {
            let then = programme::of_edition(workspace, edition).await?;
            let pinned = Pinned {
                period,
                known_at: after.closed_at,
                journal_version: after.journal_version,
            };
            pinned.measure(&then, progress).await?
        }
        Some(_) => after.measurements.clone(),
    };
    let between: HashMap<Place, Option<Fraction>> = between
        .into_iter()
        .map(|one| ((one.no, one.indicator, one.org_unit), one.value))
        .collect();
    let value = |one: &Option<Measurement>| one.as_ref().and_then(|one| one.value);
    Ok(found
        .into_iter()
        .map(|restated| {
            let middle = between.get(&restated.place).copied().flatten();
            Change {
                by_evidence: moved(value(&restated.before), middle),
                by_definitions: moved(middle, value(&restated.after)),
                restated,
            }
        })
        .collect())
}

/// A closed statement that does not come out as it was closed.
#[derive(Debug, Clone)]
pub struct Misfit {
    /// The period, with the revision.
    pub statement: Text,
    /// What does not fit.
    pub message: Text,
}

/// Follows the chain of statements and computes every closed one again. *Shape*: how many were computed, and the first that
/// does not fit.
///
/// # Errors
/// The book cannot be read.
pub async fn verify(
    workspace: &Workspace,
    progress: &dyn Progress,
) -> Result<(usize, Option<Misfit>)> {
    let book = workspace.statements().await?;
    if let Some((number, why)) = book.broken().await? {
        let misfit = Misfit {
            statement: Text::new(
                format!("報告書の履歴 {number}"),
                format!("statement event {number}"),
            ),
            message: why,
        };
        return Ok((0, Some(misfit)));
    }
    if let Some((number, why)) = workspace.remarks().await?.broken().await? {
        let misfit = Misfit {
            statement: Text::new(
                format!("説明・対応の記録 {number}"),
                format!("remark {number}"),
            ),
            message: why,
        };
        return Ok((0, Some(misfit)));
    }
    let mut computed = 0;
    for recorded in book.events().await? {
        let Event::Closed(statement) = recorded.event else {
            continue;
        };
        let (Some(edition), Ok(period)) = (statement.edition, Period::parse(&statement.period))
        else {
            continue;
        };
        let then = programme::of_edition(workspace, edition).await?;
        let pinned = Pinned {
            period,
            known_at: statement.closed_at,
            journal_version: statement.journal_version,
        };
        let again = pinned.measure(&then, progress).await?;
        computed += 1;
        if again != statement.measurements {
            let first = restated(&statement.measurements, &again);
            let place = first.first().map_or_else(
                || Text::new("数値に付随する内容", "what a figure carries"),
                |one| {
                    Text::quoted(format!(
                        "KPI {} {} {}",
                        one.place.0, one.place.1, one.place.2
                    ))
                },
            );
            let misfit = Misfit {
                statement: Text::new(
                    format!("報告書 {} 第{}版", statement.period, statement.revision),
                    format!(
                        "statement {} revision {}",
                        statement.period, statement.revision
                    ),
                ),
                message: Text::new(
                    format!("締めたときの結果と一致しません: {}", place.ja),
                    format!("{} does not come out as it was closed", place.en),
                ),
            };
            return Ok((computed, Some(misfit)));
        }
    }
    Ok((computed, None))
}

/// What a statement is a function of, beside the definitions.
struct Pinned {
    period: Period,
    known_at: i64,
    journal_version: i64,
}

impl Pinned {
    /// Measures every adopted KPI for every org unit.
    async fn measure(
        &self,
        workspace: &Workspace,
        progress: &dyn Progress,
    ) -> Result<Vec<Measurement>> {
        let asked = Measure {
            kpis: Vec::new(),
            units: Units::All,
            periods: vec![self.period],
            structure: Structure::default(),
            known_at: Some(self.known_at),
            journal_version: Some(self.journal_version),
            author: String::new(),
            now: self.known_at,
        };
        measure_in(workspace, &asked, progress).await
    }
}

fn moved(from: Option<Fraction>, to: Option<Fraction>) -> Option<Fraction> {
    to?.plus(from?.times(Fraction::whole(-1))?)
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
    let after = date_of(end + 1);
    Err(Error::user(
        Text::new(
            format!("{period} はまだ終わっていません"),
            format!("{period} is not over"),
        ),
        Text::new(
            format!("{after} 以降に締められます"),
            format!("it can be closed from {after} on"),
        ),
    ))
}

/// The revision that is closed; `None` where the period is open.
fn closed_now(events: &[Recorded]) -> Option<u32> {
    match &events.last()?.event {
        Event::Closed(statement) => Some(statement.revision),
        Event::Reopened { .. } => None,
    }
}

/// When the last of the periods of the same kind before this one was closed; `None` where none was.
fn closed_before(events: &[Recorded], period: Period, workspace: &Workspace) -> Option<i64> {
    let calendar = &workspace.settings.calendar;
    let first = period.months(calendar).map(|(first, _)| first)?;
    let closed = events.iter().filter_map(|recorded| match &recorded.event {
        Event::Closed(statement) if statement.revision == 1 => {
            let earlier = Period::parse(&statement.period).ok()?;
            let (_, last) = earlier.months(calendar)?;
            let is_alike = std::mem::discriminant(&earlier) == std::mem::discriminant(&period);
            (is_alike && last < first).then_some((last, statement.closed_at))
        }
        _ => None,
    });
    closed.max().map(|(_, at)| at)
}

/// The org units whose deviations need an explanation: the root of the tree.
#[must_use]
pub fn explained_units(workspace: &Workspace, statement: &Statement) -> Vec<String> {
    let first = statement.measurements.first();
    let on = first.and_then(|one| keiki_model::calendar::parse_day(&one.cut_on));
    let root = on.map(|day| root(workspace, None, day));
    root.into_iter().collect()
}

fn next_revision(events: &[Recorded]) -> u32 {
    let last = events
        .iter()
        .rev()
        .find_map(|recorded| match &recorded.event {
            Event::Closed(statement) => Some(statement.revision),
            Event::Reopened { .. } => None,
        });
    last.unwrap_or(0) + 1
}

fn reason_of_reopening(events: &[Recorded]) -> Option<String> {
    match &events.last()?.event {
        Event::Reopened { reason, .. } => Some(reason.clone()),
        Event::Closed(_) => None,
    }
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
