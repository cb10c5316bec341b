//! Measures KPIs for org units and periods.

use std::sync::Arc;

use keiki_engine::{Request, Structure};
use keiki_model::calendar::{Month, Period, local_day};
use keiki_model::judgement::{Backtest, HISTORY, Judgement};
use keiki_model::measurement::Measurement;
use keiki_model::org::{Arrangement, Hierarchy};
use keiki_report::scorecard::Point;

use super::closed::Closed;
use super::programme::{self, Run};
use super::trend::runs;
use super::{catalogue, disclosure, period, units};
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

impl Measure {
    /// Every adopted KPI for every org unit in a period, as known now and put together as today. Nobody in particular asks: what
    /// few may see is withheld from all.
    pub(super) fn of_all(period: Period, now: i64) -> Self {
        let run = Run::of_nobody(now);
        Self {
            kpis: Vec::new(),
            units: Units::All,
            periods: vec![period],
            structure: Structure::default(),
            known_at: None,
            journal_version: None,
            author: run.author,
            now: run.now,
        }
    }
}

/// Measures. What the reader may not see is withheld.
///
/// # Errors
/// Something asked for does not exist, or the journal cannot be read.
pub async fn measure(
    workspace: &Workspace,
    asked: &Measure,
    progress: &dyn Progress,
) -> Result<Vec<Measurement>> {
    measure_beside(workspace, asked, &mut Closed::default(), progress).await
}

/// The same, beside what was closed of the periods.
async fn measure_beside(
    workspace: &Workspace,
    asked: &Measure,
    closed: &mut Closed,
    progress: &dyn Progress,
) -> Result<Vec<Measurement>> {
    let run = Run {
        author: asked.author.clone(),
        now: asked.now,
    };
    let in_force = programme::in_force(workspace, asked.known_at, &run).await?;
    let workspace = in_force.as_ref().unwrap_or(workspace);
    let mut measured = measure_in(workspace, asked, progress).await?;
    disclosure::withhold(workspace, asked, &mut measured, closed, progress).await?;
    Ok(measured)
}

/// Figures of one period with what came before them. *Shape*: each list has an item for each figure.
pub struct Trended {
    /// The figures.
    pub figures: Vec<Measurement>,
    /// Their values in the periods until this one, itself the last.
    pub trends: Vec<Vec<Point>>,
    /// What their values say together.
    pub judgements: Vec<Judgement>,
    /// How good forecasts would have been.
    pub backtests: Vec<Backtest>,
}

impl Trended {
    /// Figures of which nothing before is known.
    #[must_use]
    pub fn without_history(figures: Vec<Measurement>) -> Self {
        Self {
            figures,
            trends: Vec::new(),
            judgements: Vec::new(),
            backtests: Vec::new(),
        }
    }

    /// Keeps the figures that are wanted, with what belongs to them.
    pub fn retain(&mut self, is_wanted: impl Fn(&Measurement) -> bool) {
        let wanted: Vec<bool> = self.figures.iter().map(is_wanted).collect();
        keep(&mut self.figures, &wanted);
        keep(&mut self.trends, &wanted);
        keep(&mut self.judgements, &wanted);
        keep(&mut self.backtests, &wanted);
    }
}

fn keep<T>(items: &mut Vec<T>, wanted: &[bool]) {
    let mut wanted = wanted.iter().copied();
    items.retain(|_| wanted.next().unwrap_or(true));
}

/// Measures figures of one period with their values in so many periods until it, and judges them by as many as are worth reading.
///
/// # Errors
/// As `measure`; a period of before the fiscal calendar began is left out.
pub async fn measure_with_trends(
    workspace: &Workspace,
    asked: &Measure,
    count: u16,
    progress: &dyn Progress,
) -> Result<Trended> {
    let today = local_day(
        asked.known_at.unwrap_or(asked.now),
        &workspace.settings.zone,
    );
    let last = asked.periods.last().copied();
    let last = last.unwrap_or_else(|| Period::Month(Month::of(today).plus(-1)));
    let calendar = &workspace.settings.calendar;
    let mut periods = period::until(last, count.max(HISTORY));
    periods.retain(|period| *period == last || period.months(calendar).is_some());
    let whole = Measure {
        periods: periods.clone(),
        ..asked.clone()
    };
    let mut closed = Closed::default();
    let measured = measure_beside(workspace, &whole, &mut closed, progress).await?;
    let name = last.to_string();
    let of_last = measured.iter().filter(|one| one.period == name);
    let figures: Vec<Measurement> = of_last.cloned().collect();
    let runs = runs(workspace, &figures, &periods, &measured, &mut closed).await?;
    Ok(Trended {
        trends: runs.points(usize::from(count)),
        judgements: runs.judgements(workspace, &figures)?,
        backtests: runs.backtests(workspace, &figures),
        figures,
    })
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
    let measured = workspace.engine().measure(&journal, &request).await;
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

/// The root of the tree on the last day of a period.
#[must_use]
pub fn root_of_period(workspace: &Workspace, period: Period) -> String {
    let months = period.months(&workspace.settings.calendar);
    months.map_or_else(String::new, |(_, last)| {
        root(workspace, None, last.last_day())
    })
}
