//! The values of figures through several periods: as reported first where a period was closed, with what a later revision says
//! beside it, else as known now; and what they say together.

use std::collections::HashMap;

use keiki_model::calendar::{Period, parse_day};
use keiki_model::fraction::Fraction;
use keiki_model::judgement::{self, Backtest, Bounds, Frame, Judgement, Observation};
use keiki_model::kpi::Indicator;
use keiki_model::measurement::{Basis, Measurement, Scope};
use keiki_model::statement::{Place, Statement};
use keiki_model::text::Text;
use keiki_report::scorecard::{Origin, Point};
use keiki_store::StoreError;

use super::closed::Closed;
use crate::config::Workspace;
use crate::error::{Error, Result};

/// What a revision says of a period: its number, and its figures by place.
struct Reported<'c> {
    revision: u32,
    figures: HashMap<Place, &'c Measurement>,
}

/// A figure in one of the periods.
struct Figure {
    /// As it was reported first, else as it is known.
    measurement: Measurement,
    origin: Origin,
    /// The last revision and its value, where that is another.
    restated: Option<(u32, Option<Fraction>)>,
}

/// Absent where it was measured by nobody.
type Found = Option<Figure>;

/// Takes what was reported first of a period, and the last revision where there was a later one. Figures of before the books
/// were kept were reported first only where nothing else was.
pub(super) fn first_and_last(closed: &[Statement]) -> Option<(&Statement, Option<&Statement>)> {
    let first = closed.iter().position(|one| one.revision > 0);
    let first = first.or(closed.len().checked_sub(1))?;
    Some((&closed[first], closed[first + 1..].last()))
}

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
    let mut closed = Closed::default();
    let runs = runs(workspace, figures, periods, measured, &mut closed).await?;
    Ok(runs.points(periods.len()))
}

/// Puts the values of figures through some periods together. `measured` has the same figures as known now, in any order; `closed` is
/// shown as it is.
///
/// # Errors
/// The statements cannot be read.
pub(super) async fn runs(
    workspace: &Workspace,
    figures: &[Measurement],
    periods: &[Period],
    measured: &[Measurement],
    closed: &mut Closed,
) -> Result<Runs> {
    for period in periods {
        closed.of(workspace, *period).await?;
    }
    let reported = periods.iter().map(|period| {
        let of_period = first_and_last(closed.read(*period))?;
        Some((by_place(of_period.0), of_period.1.map(by_place)))
    });
    let reported: Vec<Option<(Reported<'_>, Option<Reported<'_>>)>> = reported.collect();
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
            let now = known.get(&(place(figure), period.as_str()));
            let of = |reported: &Reported<'_>| {
                let mut one = (*reported.figures.get(&place(figure))?).clone();
                // What is withheld of what is known now is withheld of what was reported.
                if now.is_some_and(|now| now.is_withheld()) {
                    one.withhold();
                }
                Some(one)
            };
            let closed = reported.as_ref().filter(|_| is_alike);
            let closed = closed.and_then(|(first, last)| {
                let one = of(first)?;
                let last = last
                    .as_ref()
                    .and_then(|last| Some((last.revision, of(last)?.value)));
                Some(Figure {
                    restated: last.filter(|(_, value)| *value != one.value),
                    measurement: one,
                    origin: Origin::AsReported(first.revision),
                })
            });
            closed.or_else(|| {
                Some(Figure {
                    measurement: (*now?).clone(),
                    origin: Origin::NotClosed,
                    restated: None,
                })
            })
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
    ///
    /// # Errors
    /// The day on which a figure was cut is none.
    pub fn judgements(
        &self,
        workspace: &Workspace,
        figures: &[Measurement],
    ) -> Result<Vec<Judgement>> {
        let of_figure = |(figure, found): (&Measurement, &Vec<Found>)| {
            let Some(indicator) = indicator(workspace, figure) else {
                return Ok(Judgement::default());
            };
            let day = parse_day(&figure.cut_on).ok_or_else(|| undated(figure))?;
            let number = workspace.calendars.of_evidence(&figure.org_unit, day);
            let calendar = workspace.calendars.numbered(number);
            let frame = Frame::of(figure, indicator, calendar);
            let observations = self.observations(found, indicator, workspace);
            Ok(judgement::judge_series(&observations, &frame))
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
            judgement::backtest(run, Bounds::of(indicator.unit), judgement::PERIODS_TRIED)
        };
        figures.iter().zip(&self.found).map(of_figure).collect()
    }

    fn observations(
        &self,
        found: &[Found],
        indicator: &Indicator,
        workspace: &Workspace,
    ) -> Vec<Observation> {
        let found = self.periods.iter().zip(found).map(|(period, found)| {
            let one = found.as_ref().map(|found| &found.measurement);
            (*period, one)
        });
        judgement::observe(found, indicator, workspace.calendars.group())
    }
}

fn undated(figure: &Measurement) -> Error {
    let (no, cut_on) = (figure.no, &figure.cut_on);
    Error::Store(StoreError::Damaged(Box::new(Text::new(
        format!("KPI {no} の基準日を読めません: {cut_on}"),
        format!("the day on which KPI {no} was cut cannot be read: {cut_on}"),
    ))))
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

fn point(period: &str, found: Option<&Figure>) -> Point {
    Point {
        period: period.into(),
        value: found.and_then(|found| found.measurement.value),
        origin: found.map_or(Origin::NotClosed, |found| found.origin),
        restated: found.and_then(|found| found.restated),
        is_reference: found.is_some_and(|found| found.measurement.basis == Basis::Reference),
    }
}

fn by_place(statement: &Statement) -> Reported<'_> {
    let figures = statement.measurements.iter();
    Reported {
        revision: statement.revision,
        figures: figures.map(|one| (place(one), one)).collect(),
    }
}

fn place(one: &Measurement) -> Place {
    (one.no, one.indicator.clone(), one.org_unit.clone())
}
