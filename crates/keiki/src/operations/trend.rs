//! The values of figures through several periods: as reported where a period was closed, else as known now.

use std::collections::HashMap;

use keiki_model::calendar::Period;
use keiki_model::measurement::{Basis, Measurement, Scope};
use keiki_model::statement::{Place, Statement};
use keiki_report::scorecard::{Origin, Point};
use keiki_store::Event;

use crate::config::Workspace;
use crate::error::Result;

/// What was reported of a period: the revision, and its figures by place.
struct Reported {
    revision: u32,
    figures: HashMap<Place, Measurement>,
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
    let mut reported: Vec<Option<Reported>> = Vec::new();
    let book = workspace.statements().await?;
    for period in periods {
        let events = book.of_period(&period.to_string()).await?;
        let closed = events.into_iter().filter_map(|one| match one.event {
            Event::Closed(statement) => Some(statement),
            Event::Reopened { .. } => None,
        });
        reported.push(closed.last().map(by_place));
    }
    let known: HashMap<(Place, &str), &Measurement> = measured
        .iter()
        .map(|one| ((place(one), &*one.period), one))
        .collect();
    let of_figure = |figure: &Measurement| {
        let points = periods.iter().zip(&reported).map(|(period, reported)| {
            // A statement holds consolidated figures of the org tree on its own cut day.
            let is_alike = figure.hierarchy.is_none()
                && figure.scope == Scope::Consolidated
                && figure.tree_on.is_none();
            let period = period.to_string();
            let closed = reported.as_ref().filter(|_| is_alike);
            let closed = closed.and_then(|closed| {
                let one = closed.figures.get(&place(figure))?;
                Some((one, Origin::AsReported(closed.revision)))
            });
            let now = || known.get(&(place(figure), period.as_str()));
            let found = closed.or_else(|| now().map(|one| (*one, Origin::NotClosed)));
            point(&period, found)
        });
        points.collect()
    };
    Ok(figures.iter().map(of_figure).collect())
}

fn point(period: &str, found: Option<(&Measurement, Origin)>) -> Point {
    Point {
        period: period.into(),
        value: found.and_then(|(one, _)| one.value),
        origin: found.map_or(Origin::NotClosed, |(_, origin)| origin),
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
