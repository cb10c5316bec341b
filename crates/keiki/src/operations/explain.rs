//! Opens a figure down to its rows, and the difference of two figures down to its records.

use keiki_engine::{Against, Detail, Explanation, Question, Structure};
use keiki_model::calendar::{Period, parse_day};
use keiki_model::judgement::{HISTORY, Judgement};
use keiki_model::kpi::{Counter, Direction};
use keiki_model::measurement::Measurement;
use keiki_model::programme::Owner;

use super::closed::Closed;
use super::measure::{Measure, Units, measure_with_trends};
use super::programme::{self, Run};
use super::{catalogue, disclosure, units};
use crate::config::{Opening, Workspace};
use crate::error::Result;
use crate::progress::{Progress, Step};

/// Which figure to open.
#[derive(Debug, Clone)]
pub struct Explain {
    /// The KPI's number or code.
    pub kpi: String,
    /// The indicator; absent = the KPI's first.
    pub indicator: Option<String>,
    /// The org unit.
    pub org_unit: String,
    /// The period.
    pub period: Period,
    /// How the org units are put together.
    pub structure: Structure,
    /// The instant of knowledge, UTC microseconds; absent = now.
    pub known_at: Option<i64>,
    /// The journal version; absent = the newest.
    pub journal_version: Option<i64>,
    /// The figure to compare with.
    pub against: Option<Against>,
    /// How much is told of each record.
    pub detail: Detail,
    /// Who asks.
    pub author: String,
    /// Now, UTC microseconds.
    pub now: i64,
}

/// A figure opened as far as the reader may see it.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The figure.
    pub explanation: Explanation,
    /// How many records are not listed, since they are of few people.
    pub records_withheld: usize,
    /// Who answers for the KPI at the org unit on the figure's day.
    pub owner: Option<Owner>,
}

/// Explains.
///
/// # Errors
/// Something asked for does not exist, or the journal cannot be read.
pub async fn explain(
    workspace: &Workspace,
    asked: &Explain,
    progress: &dyn Progress,
) -> Result<Explained> {
    let run = Run {
        author: asked.author.clone(),
        now: asked.now,
    };
    let in_force = programme::in_force(workspace, asked.known_at, &run).await?;
    let workspace = in_force.as_ref().unwrap_or(workspace);
    let no = catalogue::find(&workspace.catalogue, &asked.kpi)?.no;
    let hierarchy = units::hierarchy(workspace, asked.structure.hierarchy.as_deref())?;
    progress.begin(&Step::Measuring);
    let journal = workspace.journal(Opening::Existing).await?;
    let question = Question {
        no,
        indicator: asked.indicator.clone(),
        org_unit: asked.org_unit.clone(),
        structure: asked.structure.clone(),
        period: asked.period,
        known_at: asked.known_at,
        seq: asked.journal_version,
        now: asked.now,
        against: asked.against,
        detail: asked.detail,
    };
    let explained = workspace.engine().explain(&journal, &question).await;
    let mut explanation =
        explained.map_err(|error| units::absence(&workspace.organisation, hierarchy, error))?;
    let of = asked.as_measure();
    let mut figures = vec![explanation.measurement.clone()];
    figures.extend(explanation.against.iter().map(|of| of.measurement.clone()));
    let mut closed = Closed::default();
    let shield = disclosure::shield(workspace, &of, &figures, &mut closed, progress).await?;
    let then = match asked.against {
        Some(Against::KnownAt(at)) => {
            let of = Measure {
                known_at: Some(at),
                journal_version: None,
                ..of
            };
            let mut closed = Closed::default();
            disclosure::shield(workspace, &of, &figures, &mut closed, progress).await?
        }
        _ => None,
    };
    let records_withheld = shield.map_or(0, |shield| shield.open(&mut explanation, then.as_ref()));
    Ok(Explained {
        owner: owner(workspace, &explanation.measurement),
        explanation,
        records_withheld,
    })
}

/// Who answers for a figure; `None` too for a node of a further hierarchy.
fn owner(workspace: &Workspace, figure: &Measurement) -> Option<Owner> {
    let tree = workspace.organisation.tree(parse_day(&figure.cut_on)?);
    let node = tree.position(&figure.org_unit)?;
    workspace.programme.owner(figure.no, &tree, node).cloned()
}

impl Explain {
    /// The question for the figure alone.
    fn as_measure(&self) -> Measure {
        Measure {
            kpis: vec![self.kpi.clone()],
            units: Units::Named(vec![self.org_unit.clone()]),
            periods: vec![self.period],
            structure: self.structure.clone(),
            known_at: self.known_at,
            journal_version: self.journal_version,
            author: self.author.clone(),
            now: self.now,
        }
    }
}

/// What stands around an explained figure.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// What its values until its period say together.
    pub judgement: Judgement,
    /// The other figures of its KPI.
    pub others: Vec<Measurement>,
    /// What must not get worse with it.
    pub counters: Vec<Beside>,
}

/// A counter-indicator beside a figure.
#[derive(Debug, Clone)]
pub struct Beside {
    /// The counter-indicator as the KPI names it.
    pub counter: Counter,
    /// Its own direction.
    pub direction: Direction,
    /// Its figure for the same org unit and period.
    pub measurement: Measurement,
    /// What its values say together.
    pub judgement: Judgement,
}

impl Beside {
    /// Whether it moved the way that it must not, by more than noise, against the period before or a year ago.
    #[must_use]
    pub fn has_got_worse(&self) -> bool {
        self.counter.has_got_worse(self.direction, &self.judgement)
    }
}

/// Measures what stands around an explained figure.
///
/// # Errors
/// As `explain`.
pub async fn surroundings(
    workspace: &Workspace,
    asked: &Explain,
    explained: &Measurement,
    progress: &dyn Progress,
) -> Result<Surroundings> {
    let Some(kpi) = workspace.catalogue.kpi(&asked.kpi) else {
        return Ok(Surroundings::default());
    };
    let counters: Vec<_> = workspace.catalogue.counters_of(kpi).collect();
    let mut asked = asked.as_measure();
    asked
        .kpis
        .extend(counters.iter().map(|(_, of, _)| of.no.to_string()));
    asked.kpis.sort();
    asked.kpis.dedup();
    let trended = measure_with_trends(workspace, &asked, HISTORY, progress).await?;
    let figures: Vec<(Measurement, Judgement)> = trended
        .figures
        .into_iter()
        .zip(trended.judgements)
        .collect();
    let find = |no: u32, code: &str| {
        let mut figures = figures.iter();
        figures.find(|(one, _)| one.no == no && *one.indicator == *code)
    };
    let beside = counters.into_iter().filter_map(|(counter, of, indicator)| {
        let (measurement, judgement) = find(of.no, &indicator.code)?;
        Some(Beside {
            counter: counter.clone(),
            direction: indicator.direction,
            measurement: measurement.clone(),
            judgement: judgement.clone(),
        })
    });
    let others = figures
        .iter()
        .filter(|(one, _)| one.no == kpi.no && one.indicator != explained.indicator);
    let judgement = find(kpi.no, &explained.indicator);
    Ok(Surroundings {
        judgement: judgement.map(|(_, of)| of.clone()).unwrap_or_default(),
        others: others.map(|(one, _)| one.clone()).collect(),
        counters: beside.collect(),
    })
}
