//! What a report needs beside its statement: the periods before it as they were reported when it was closed, and what it restates.

mod memory;

use std::collections::{HashMap, HashSet};

use keiki_engine::Structure;
use keiki_model::calendar::{Period, date_of, local_day};
use keiki_model::judgement::{HISTORY, Judgement};
use keiki_model::measurement::Measurement;
use keiki_model::name::Name;
use keiki_model::org::{Node, UNASSIGNED};
use keiki_model::statement::{Place, Statement};
use keiki_report::report::{Earlier, Figures, Finality, Later, Moved};
use keiki_store::Event;

use super::closed::Closed;
use super::disclosure;
use super::measure::{Measure, Units, measure_in};
use super::period;
use super::programme::{self, Run};
use super::statement::{self, Revision};
use super::trend::first_and_last;
use crate::config::Workspace;
use crate::error::Result;
use crate::progress::Progress;

pub use memory::Memory;
use memory::Origin;

/// How many periods before its own a report is judged by; fewer of them are drawn.
const EARLIER_COUNT: u16 = HISTORY - 1;

/// What a report needs beside its statement.
#[derive(Debug, Clone)]
pub struct Material {
    /// The periods before, oldest first.
    pub earlier: Vec<Earlier>,
    /// What differs from the revision before; `None` where there is none.
    pub restated: Option<Vec<Moved>>,
    /// Whether the figures are closed, with the day in the workspace's zone.
    pub finality: Finality,
}

/// Of whom the periods before are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'u> {
    /// Of nobody yet.
    Nobody,
    /// Of every org unit.
    All,
    /// Of one, and in the period just before of the companies too: they may have moved it. It is all that a report of the unit shows.
    Unit(&'u str),
}

/// Gathers it. What was closed after the statement is not looked at, so that the same statement gives the same report for ever; what
/// the reader may not see is withheld in every period.
///
/// # Errors
/// The statements or the journal cannot be read.
pub async fn material(
    workspace: &Workspace,
    (period, statement, of): (Period, &Statement, Revision),
    whose: Whose<'_>,
    (run, memory): (&Run, &Memory),
    progress: &dyn Progress,
) -> Result<Material> {
    let zone = &workspace.settings.zone;
    let on = date_of(local_day(statement.closed_at, zone)).to_string();
    let before = (period, statement);
    Ok(Material {
        earlier: earlier(workspace, before, whose, (run, memory), progress).await?,
        restated: restated(workspace, (period, statement, of), run, progress).await?,
        finality: match of {
            Revision::Open => Finality::NotClosed(on),
            Revision::Last | Revision::Number(_) => Finality::Closed(on),
        },
    })
}

/// What the values of the root's own figures say together, as the editions of the statement show it.
///
/// # Errors
/// The statements or the journal cannot be read.
pub async fn judgements(
    workspace: &Workspace,
    (period, statement, _): (Period, &Statement, Revision),
    root: &str,
    run: &Run,
    progress: &dyn Progress,
) -> Result<Vec<(Place, Judgement)>> {
    let (of, memory) = ((period, statement), Memory::default());
    let earlier = earlier(workspace, of, Whose::Unit(root), (run, &memory), progress).await?;
    Ok(keiki_report::report::judgements(
        &statement.measurements,
        &earlier,
        (&workspace.catalogue, &workspace.calendars),
        root,
    ))
}

/// The periods before: as reported first where they had been closed by then, with the last revision beside it, else as they were known at the close.
/// What `memory` holds has to be of the same org units.
///
/// # Errors
/// The statements or the journal cannot be read.
pub async fn earlier(
    workspace: &Workspace,
    (period, statement): (Period, &Statement),
    whose: Whose<'_>,
    (run, memory): (&Run, &Memory),
    progress: &dyn Progress,
) -> Result<Vec<Earlier>> {
    if whose == Whose::Nobody {
        return Ok(Vec::new());
    }
    let calendar = &workspace.settings.calendar;
    let mut periods = period::until(period, EARLIER_COUNT + 1);
    periods.retain(|one| *one != period && one.months(calendar).is_some());
    let wanted = Wanted {
        workspace,
        statement,
        whose,
        last: periods.last().copied(),
    };
    let book = workspace.statements().await?;
    let mut reported: Vec<Option<(Later, Option<Later>)>> = Vec::new();
    for one in &periods {
        let events = book.of_period(&one.to_string()).await?.into_iter();
        let closed = events.filter_map(|recorded| match recorded.event {
            Event::Closed(closed) if closed.closed_at <= statement.closed_at => Some(closed),
            _ => None,
        });
        let closed: Vec<Statement> = closed.collect();
        let found = first_and_last(&closed).map(|(first, last)| (first.clone(), last.cloned()));
        let mut before = Closed::with(*one, closed);
        let Some((mut first, mut last)) = found else {
            reported.push(None);
            continue;
        };
        for closed in std::iter::once(&mut first).chain(&mut last) {
            disclosure::withhold_statement(workspace, closed, &mut before, run, progress).await?;
            wanted.retain(*one, &mut closed.measurements);
        }
        let kept = |closed: Statement| Later {
            revision: closed.revision,
            measurements: memory.keep(*one, Origin::Closed(closed.revision), closed.measurements),
        };
        reported.push(Some((kept(first), last.map(kept))));
    }
    let open = periods.iter().zip(&reported);
    let open = open.filter(|(_, reported)| reported.is_none());
    let open: Vec<Period> = open.map(|(one, _)| *one).collect();
    let mut measured = known(&wanted, open, (run, memory), progress).await?;
    let of = |(one, reported): (Period, Option<(Later, Option<Later>)>)| {
        let (revision, measurements, restated) = match reported {
            Some((first, last)) => (Some(first.revision), first.measurements, last),
            None => (None, measured.remove(&one).unwrap_or_default(), None),
        };
        Earlier {
            period: one.to_string().into(),
            revision,
            measurements,
            restated,
        }
    };
    let mut earlier: Vec<Earlier> = periods.into_iter().zip(reported).map(of).collect();
    // What lies before the first evidence says nothing.
    let first = earlier
        .iter()
        .position(|one| one.measurements.iter().any(|one| one.value.is_some()));
    earlier.drain(..first.unwrap_or(earlier.len()));
    Ok(earlier)
}

/// What is wanted of the periods before a statement.
struct Wanted<'w> {
    workspace: &'w Workspace,
    statement: &'w Statement,
    whose: Whose<'w>,
    /// The period just before.
    last: Option<Period>,
}

impl Wanted<'_> {
    /// The org units that are wanted of a period, of those that its tree has.
    fn units(&self, period: Period) -> Units {
        let Whose::Unit(unit) = self.whose else {
            return Units::All;
        };
        let settings = &self.workspace.settings;
        let known_on = local_day(self.statement.closed_at, &settings.zone);
        let months = period.months(&settings.calendar);
        let end = months.map_or(known_on, |(_, last)| last.last_day());
        let tree = self.workspace.organisation.tree(end.min(known_on));
        let is_last = Some(period) == self.last;
        // What belongs to no org unit tells since when there are figures at all.
        let is_wanted = |node: &&Node| {
            node.id == unit || node.id == UNASSIGNED || (is_last && node.kind.is_entity())
        };
        let nodes = tree.nodes().iter().filter(is_wanted);
        Units::Named(nodes.map(|node| node.id.clone()).collect())
    }

    /// Leaves the figures that are wanted of a period.
    fn retain(&self, period: Period, measurements: &mut Vec<Measurement>) {
        if let Units::Named(ids) = self.units(period) {
            let ids: HashSet<String> = ids.into_iter().collect();
            measurements.retain(|one| ids.contains(&*one.org_unit));
        }
    }

    /// Periods of which the same org units are wanted, put together.
    fn alike(&self, periods: Vec<Period>) -> Vec<(Units, Vec<Period>)> {
        let mut alike: Vec<(Units, Vec<Period>)> = Vec::new();
        for period in periods {
            let units = self.units(period);
            match alike.iter_mut().find(|(of, _)| *of == units) {
                Some((_, periods)) => periods.push(period),
                None => alike.push((units, vec![period])),
            }
        }
        alike
    }
}

/// What was known of periods at the close of a statement, by the definitions of its edition.
async fn known(
    wanted: &Wanted<'_>,
    periods: Vec<Period>,
    (run, memory): (&Run, &Memory),
    progress: &dyn Progress,
) -> Result<HashMap<Period, Figures>> {
    let mut known = HashMap::new();
    let statement = wanted.statement;
    let Some(edition) = statement.edition else {
        return Ok(known);
    };
    let origin = Origin::Known {
        at: statement.closed_at,
        journal_version: statement.journal_version,
        edition,
    };
    let mut unknown = Vec::new();
    for one in periods {
        match memory.find(one, origin) {
            Some(figures) => drop(known.insert(one, figures)),
            None => unknown.push(one),
        }
    }
    if unknown.is_empty() {
        return Ok(known);
    }
    let recorded = programme::unless_as_is(wanted.workspace, edition).await?;
    let then = recorded.as_ref().unwrap_or(wanted.workspace);
    // The tree may have had other org units then.
    let wanted = Wanted {
        workspace: then,
        ..*wanted
    };
    for (units, periods) in wanted.alike(unknown) {
        let asked = Measure {
            kpis: Vec::new(),
            units,
            periods: periods.clone(),
            structure: Structure::default(),
            known_at: Some(statement.closed_at),
            journal_version: Some(statement.journal_version),
            author: run.author.clone(),
            now: statement.closed_at,
        };
        let mut measured = measure_in(then, &asked, progress).await?;
        let mut closed = Closed::default();
        disclosure::withhold(then, &asked, &mut measured, &mut closed, progress).await?;
        let mut by_period: HashMap<Name, Vec<Measurement>> = HashMap::new();
        for one in measured {
            let period = one.period.clone();
            by_period.entry(period).or_default().push(one);
        }
        for one in periods {
            let figures = by_period.remove(&Name::from(one.to_string()));
            let figures = memory.keep(one, origin, figures.unwrap_or_default());
            known.insert(one, figures);
        }
    }
    Ok(known)
}

/// What differs from the revision before.
async fn restated(
    workspace: &Workspace,
    (period, statement, of): (Period, &Statement, Revision),
    run: &Run,
    progress: &dyn Progress,
) -> Result<Option<Vec<Moved>>> {
    let earlier = match of {
        Revision::Open => Revision::Last,
        _ if statement.revision > 1 => Revision::Number(statement.revision - 1),
        _ => return Ok(None),
    };
    let Ok(before) = statement::get(workspace, period, earlier, run, progress).await else {
        // Nothing was closed yet.
        return Ok(None);
    };
    let reader = Some(run.author.as_str());
    let both = (&before, statement);
    let changes = statement::changes(workspace, period, both, reader, progress).await?;
    let moved = changes.into_iter().map(|change| Moved {
        restated: change.restated,
        bridge: change.bridge,
    });
    Ok(Some(moved.collect()))
}
