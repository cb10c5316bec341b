//! The group's page: every figure of the last month, and where it came from.
//!
//! What is counted as of a day is taken at the month's end and at the quarters' ends before. What happens over time is too rare
//! for a month to say much, and is counted by half-years.

use keiki_engine::Structure;
use keiki_model::calendar::Period;
use keiki_model::kpi::{Clock, Kpi};
use keiki_model::measurement::Measurement;
use keiki_report::scorecard::Line;

use super::story::LAST_MONTH;
use crate::config::Workspace;
use crate::error::Result;
use crate::operations::measure::{self, Measure, Units};
use crate::operations::trend::trends;
use crate::progress::Progress;

/// The half-years until the last month.
const HALVES: [Period; 6] = [
    Period::Half(2023, 2),
    Period::Half(2024, 1),
    Period::Half(2024, 2),
    Period::Half(2025, 1),
    Period::Half(2025, 2),
    Period::Half(2026, 1),
];

/// The month that the page is about.
#[must_use]
pub fn period() -> String {
    LAST_MONTH.to_string()
}

/// Measures the page for the root of the tree.
pub(super) async fn page(
    workspace: &Workspace,
    now: i64,
    progress: &dyn Progress,
) -> Result<Vec<Line>> {
    let quarters = (0..6).map(|back| Period::Month(LAST_MONTH.plus(-3 * (5 - back))));
    let ask = |is_wanted: fn(&Kpi) -> bool, periods: Vec<Period>| {
        let kpis = workspace.catalogue.kpis.iter().filter(|kpi| is_wanted(kpi));
        Measure {
            kpis: kpis.map(|kpi| kpi.no.to_string()).collect(),
            units: Units::Root,
            structure: Structure::default(),
            periods,
            known_at: None,
            journal_version: None,
            author: super::AUTHOR.to_owned(),
            now,
        }
    };
    let mut lines = Vec::new();
    for asked in [
        ask(|kpi| !happens_over_time(kpi), quarters.collect()),
        ask(happens_over_time, HALVES.to_vec()),
    ] {
        let last = asked.periods.last().map(ToString::to_string);
        let measured = measure::measure(workspace, &asked, progress).await?;
        let is_shown = |one: &&Measurement| {
            last.as_ref().is_some_and(|last| one.period == *last) && !one.is_companion
        };
        let shown: Vec<Measurement> = measured.iter().filter(is_shown).cloned().collect();
        let trends = trends(workspace, &shown, &asked.periods, &measured).await?;
        let of_figure = |(measurement, trend)| Line { measurement, trend };
        lines.extend(shown.into_iter().zip(trends).map(of_figure));
    }
    lines.sort_by_key(|line| line.measurement.no);
    Ok(lines)
}

/// Tells whether the KPI's own figure adds up what happened in a period.
fn happens_over_time(kpi: &Kpi) -> bool {
    let own = kpi
        .indicators
        .iter()
        .find(|indicator| !indicator.is_companion);
    let names = own
        .map(|indicator| indicator.formula.measures())
        .unwrap_or_default();
    let mut measures = kpi.measures.iter();
    measures.any(|measure| {
        names.contains(&measure.name.as_str()) && matches!(measure.clock, Clock::Flow { .. })
    })
}
