//! Measures KPIs for org units and periods.

use std::sync::Arc;

use keiki_engine::{Request, Structure};
use keiki_model::calendar::{Month, Period, local_day};
use keiki_model::measurement::Measurement;
use keiki_model::org::{Arrangement, Hierarchy};
use keiki_report::scorecard::Point;

use super::programme::{self, Run};
use super::trend::trends;
use super::{catalogue, period, units};
use crate::config::{Opening, Workspace};
use crate::error::Result;
use crate::progress::{Progress, Step};

/// Which org units are measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Units {
    /// The root of the tree.
    Root,
    /// Every one.
    All,
    /// These.
    Named(Vec<String>),
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct Measure {
    /// Numbers or codes; empty = those that the programme adopts.
    pub kpis: Vec<String>,
    /// The org units.
    pub units: Units,
    /// Periods; empty = the month before the open one.
    pub periods: Vec<Period>,
    /// How the org units are put together.
    pub structure: Structure,
    /// The instant of knowledge, UTC microseconds; absent = now.
    pub known_at: Option<i64>,
    /// The journal version; absent = the newest.
    pub journal_version: Option<i64>,
    /// Who asks.
    pub author: String,
    /// Now, UTC microseconds.
    pub now: i64,
}

/// Measures.
///
/// # Errors
/// Something asked for does not exist, or the journal cannot be read.
pub async fn measure(
    workspace: &Workspace,
    asked: &Measure,
    progress: &dyn Progress,
) -> Result<Vec<Measurement>> {
    let run = Run {
        author: asked.author.clone(),
        now: asked.now,
    };
    let in_force = programme::in_force(workspace, asked.known_at, &run).await?;
    measure_in(in_force.as_ref().unwrap_or(workspace), asked, progress).await
}

/// Measures figures of one period with their values in so many periods until it.
///
/// # Errors
/// As `measure`; a period of before the fiscal calendar began is left out.
pub async fn measure_with_trends(
    workspace: &Workspace,
    asked: &Measure,
    count: u16,
    progress: &dyn Progress,
) -> Result<(Vec<Measurement>, Vec<Vec<Point>>)> {
    let today = local_day(
        asked.known_at.unwrap_or(asked.now),
        &workspace.settings.zone,
    );
    let last = asked.periods.last().copied();
    let last = last.unwrap_or_else(|| Period::Month(Month::of(today).plus(-1)));
    let calendar = &workspace.settings.calendar;
    let mut periods = period::until(last, count);
    periods.retain(|period| *period == last || period.months(calendar).is_some());
    let whole = Measure {
        periods: periods.clone(),
        ..asked.clone()
    };
    let measured = measure(workspace, &whole, progress).await?;
    let name = last.to_string();
    let of_last = measured.iter().filter(|one| one.period == name);
    let figures: Vec<Measurement> = of_last.cloned().collect();
    let trends = trends(workspace, &figures, &periods, &measured).await?;
    Ok((figures, trends))
}

/// Measures by what the workspace's files say, whatever was in force at the instant of knowledge.
pub(super) async fn measure_in(
    workspace: &Workspace,
    asked: &Measure,
    progress: &dyn Progress,
) -> Result<Vec<Measurement>> {
    let mut kpis = Vec::new();
    for kpi in &asked.kpis {
        kpis.push(catalogue::find(&workspace.catalogue, kpi)?.no);
    }
    if kpis.is_empty() {
        let adopted = workspace.catalogue.kpis.iter();
        kpis.extend(
            adopted
                .filter(|kpi| workspace.programme.adopts(kpi))
                .map(|kpi| kpi.no),
        );
    }
    let today = local_day(
        asked.known_at.unwrap_or(asked.now),
        &workspace.settings.zone,
    );
    let hierarchy = units::hierarchy(workspace, asked.structure.hierarchy.as_deref())?;
    let org_units = match &asked.units {
        Units::All => Vec::new(),
        Units::Named(ids) => ids.clone(),
        Units::Root => vec![root(workspace, hierarchy, today)],
    };
    let periods = if asked.periods.is_empty() {
        vec![Period::Month(Month::of(today).plus(-1))]
    } else {
        asked.periods.clone()
    };
    progress.begin(&Step::Measuring);
    let journal = workspace.journal(Opening::Existing).await?;
    let request = Request {
        kpis,
        org_units,
        structure: asked.structure.clone(),
        periods,
        known_at: asked.known_at,
        seq: asked.journal_version,
        now: asked.now,
    };
    let measured = workspace.engine()?.measure(&journal, &request).await;
    measured.map_err(|error| units::absence(&workspace.organisation, hierarchy, error))
}

/// The root of the tree, or of the hierarchy, on a day.
pub(super) fn root(workspace: &Workspace, hierarchy: Option<&Hierarchy>, day: i32) -> String {
    let main = Arc::new(workspace.organisation.tree(day));
    let arrangement = match hierarchy {
        None => Arrangement::of_main(main),
        Some(hierarchy) => hierarchy.arrange(main, day),
    };
    arrangement.tree().nodes()[0].id.clone()
}
