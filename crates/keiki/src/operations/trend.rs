//! The values of figures through several periods: as reported where a period was closed, else as known now; and what they say
//! together.

use std::collections::HashMap;

use keiki_model::calendar::{Period, parse_day};
use keiki_model::judgement::{self, Backtest, Bounds, Frame, Judgement, Observation};
use keiki_model::kpi::{Indicator, Unit};
use keiki_model::measurement::{Basis, Measurement, Scope};
use keiki_model::statement::{Place, Statement};
use keiki_report::scorecard::{Origin, Point};
use keiki_store::Event;

use crate::config::Workspace;
use crate::error::Result;

/// How many periods ahead forecasts are tried.
const PERIODS_AHEAD: u32 = 6;

/// What was reported of a period: the revision, and its figures by place.
struct Reported {
    revision: u32,
    figures: HashMap<Place, Measurement>,
}

/// A figure in one of the periods, and where it comes from; absent where it was measured by nobody.
type Found = Option<(Measurement, Origin)>;

/// Figures through several periods. *Shape*: figure, then period.
pub struct Runs {
    periods: Vec<Period>,
    found: Vec<Vec<Found>>,
}

/// The trend of each figure over some periods. `measured` has the same figures as known now, in any order.
///
/// *Shape*: figure, then period.
///
/// # Errors
/// The statements cannot be read.
pub async fn trends(
    workspace: &Workspace,
    figures: &[Measurement],
    periods: &[Period],
    measured: &[Measurement],
) -> Result<Vec<Vec<Point>>> {
    let runs = runs(workspace, figures, periods, measured).await?;
    Ok(runs.points(periods.len()))
}

/// Puts the values of figures through some periods together. `measured` has the same figures as known now, in any order.
///
/// # Errors
/// The statements cannot be read.
pub async fn runs(
    workspace: &Workspace,
    figures: &[Measurement],
    periods: &[Period],
    measured: &[Measurement],
) -> Result<Runs> {
    let mut reported: Vec<Option<Reported>> = Vec::new();
    let book = workspace.statements().await?;
    for period in periods {
        let events = book.of_period(&period.to_string()).await?;
        let closed = events.into_iter().filter_map(|one| match one.event {
            Event::Closed(statement) => Some(statement),
            _ => None,
        });
        reported.push(closed.last().map(by_place));
    }
    let known: HashMap<(Place, &str), &Measurement> = measured
        .iter()
        .map(|one| ((place(one), &*one.period), one))
        .collect();
    let of_figure = |figure: &Measurement| {
        let found = periods.iter().zip(&reported).map(|(period, reported)| {
            // A statement holds consolidated figures of the org tree on its own cut day.
            let is_alike = figure.hierarchy.is_none()
                && figure.scope == Scope::Consolidated
                && figure.tree_on.is_none();
            let period = period.to_string();
            let closed = reported.as_ref().filter(|_| is_alike);
            let closed = closed.and_then(|closed| {
                let mut one = closed.figures.get(&place(figure))?.clone();
                // What is withheld of what is known now is withheld of what was reported.
                if known
                    .get(&(place(figure), period.as_str()))
                    .is_some_and(|now| now.is_withheld())
                {
                    one.withhold();
                }
                Some((one, Origin::AsReported(closed.revision)))
            });
            let now = || known.get(&(place(figure), period.as_str()));
            closed.or_else(|| now().map(|one| ((*one).clone(), Origin::NotClosed)))
        });
        found.collect()
    };
    Ok(Runs {
        periods: periods.to_vec(),
        found: figures.iter().map(of_figure).collect(),
    })
}

impl Runs {
    /// The last so many points of each figure. *Shape*: figure, then period.
    #[must_use]
    pub fn points(&self, count: usize) -> Vec<Vec<Point>> {
        let from = self.periods.len().saturating_sub(count);
        let of_figure = |found: &Vec<Found>| {
            let shown = self.periods.iter().zip(found).skip(from);
            shown
                .map(|(period, found)| point(&period.to_string(), found.as_ref()))
                .collect()
        };
        self.found.iter().map(of_figure).collect()
    }

    /// What each figure's values say together; the figures are those that the runs were made for.
    #[must_use]
    pub fn judgements(&self, workspace: &Workspace, figures: &[Measurement]) -> Vec<Judgement> {
        let of_figure = |(figure, found): (&Measurement, &Vec<Found>)| {
            let Some(indicator) = indicator(workspace, figure) else {
                return Judgement::default();
            };
            let day = parse_day(&figure.cut_on).unwrap_or_default();
            let number = workspace.calendars.of_evidence(&figure.org_unit, day);
            let calendar = workspace.calendars.numbered(number);
            let frame = Frame::of(figure, indicator, calendar);
            judgement::judge_series(&self.observations(found, indicator, workspace), &frame)
        };
        figures.iter().zip(&self.found).map(of_figure).collect()
    }

    /// How good forecasts of each figure would have been.
    #[must_use]
    pub fn backtests(&self, workspace: &Workspace, figures: &[Measurement]) -> Vec<Backtest> {
        let of_figure = |(figure, found): (&Measurement, &Vec<Found>)| {
            let Some(indicator) = indicator(workspace, figure) else {
                return Backtest::default();
            };
            let observations = self.observations(found, indicator, workspace);
            let run = judgement::run_of(&observations, workspace.calendars.group());
            let bounds = match indicator.unit {
                Unit::Ratio => Bounds::Share,
                _ => Bounds::FromZero,
            };
            judgement::backtest(run, bounds, PERIODS_AHEAD)
        };
        figures.iter().zip(&self.found).map(of_figure).collect()
    }

    fn observations(
        &self,
        found: &[Found],
        indicator: &Indicator,
        workspace: &Workspace,
    ) -> Vec<Observation> {
        let calendar = workspace.calendars.group();
        let of_period = |(period, found): (&Period, &Found)| {
            let known = found.as_ref();
            let observation = known.and_then(|(one, _)| Observation::of(one, indicator));
            observation.or_else(|| {
                Some(Observation {
                    period: *period,
                    cut_on: period.months(calendar)?.1.last_day(),
                    value: None,
                    sample: None,
                    due_on: None,
                })
            })
        };
        self.periods
            .iter()
            .zip(found)
            .filter_map(of_period)
            .collect()
    }
}

/// The definition of a measurement's indicator.
fn indicator<'w>(workspace: &'w Workspace, measurement: &Measurement) -> Option<&'w Indicator> {
    let kpi = workspace
        .catalogue
        .kpis
        .iter()
        .find(|kpi| kpi.no == measurement.no)?;
    let mut indicators = kpi.indicators.iter();
    indicators.find(|indicator| measurement.indicator == indicator.code)
}

fn point(period: &str, found: Option<&(Measurement, Origin)>) -> Point {
    Point {
        period: period.into(),
        value: found.and_then(|(one, _)| one.value),
        origin: found.map_or(Origin::NotClosed, |(_, origin)| *origin),
        is_reference: found.is_some_and(|(one, _)| one.basis == Basis::Reference),
    }
}

fn by_place(statement: Statement) -> Reported {
    let figures = statement.measurements.into_iter();
    Reported {
        revision: statement.revision,
        figures: figures.map(|one| (place(&one), one)).collect(),
    }
}

fn place(one: &Measurement) -> Place {
    (one.no, one.indicator.clone(), one.org_unit.clone())
}
