//! A whole programme on one page: the groups of the catalogue, one line per figure, each with where it came from.

use keiki_model::kpi::GROUPS;
use keiki_model::measurement::Measurement;
use keiki_model::text::Text;

use super::trend::{Point, trend};
use super::{Names, coverage, status, value};
use crate::format;
use crate::table::{Cell, Column, Paint, Table};

/// Marks a value that is counted over a longer period than the others.
const LONGER: &str = "†";

/// One line of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The figure.
    pub measurement: Measurement,
    /// Its values in the periods before, the figure's own last.
    pub trend: Vec<Point>,
}

/// Makes the page: the lines by group, in the order of the catalogue. Figures of another period than `period` are marked.
#[must_use]
pub fn overview(lines: &[Line], period: &str, names: &Names<'_>) -> Table {
    let title = |ja: &str, en: &str| Text::new(ja, en).get(names.language).to_owned();
    let mut table = Table::new(vec![
        Column::figure(title("No.", "No.")),
        Column::text("KPI", 16).wrapped(3),
        Column::figure(title("値", "Value")),
        Column::figure(title("目標", "Target")),
        Column::figure(title("充足", "Cover")),
        Column::text(title("推移", "Trend"), 6),
        Column::text(title("状態", "Status"), 14).wrapped(2),
    ]);
    for (group, ja, en) in GROUPS {
        let kpis = names.catalogue.kpis.iter().filter(|kpi| kpi.group == group);
        let numbers: Vec<u32> = kpis.map(|kpi| kpi.no).collect();
        let of_group = |line: &&Line| numbers.contains(&line.measurement.no);
        let mut of_group = lines.iter().filter(of_group).peekable();
        if of_group.peek().is_some() {
            let heading = format!("[{}]", title(ja, en));
            table.push(vec!["".into(), Cell::painted(heading, Paint::Faint)]);
        }
        for line in of_group {
            table.push(row(line, period, names));
        }
    }
    table
}

fn row(line: &Line, period: &str, names: &Names<'_>) -> Vec<Cell> {
    let measurement = &line.measurement;
    let mark = if measurement.period == period {
        "  ".to_owned()
    } else {
        format!(" {LONGER}")
    };
    let target = measurement.target.map_or_else(
        || format::NOTHING.to_owned(),
        |target| format::target(target, measurement.unit, names.language),
    );
    vec![
        measurement.no.to_string().into(),
        name(measurement, names).into(),
        format!("{}{mark}", value(measurement, names.language)).into(),
        target.into(),
        coverage(measurement.coverage).into(),
        trend(&line.trend).into(),
        status(measurement.status, names.language),
    ]
}

/// The KPI's name; where it has several figures of its own, the figure's.
fn name(measurement: &Measurement, names: &Names<'_>) -> String {
    let kpi = names
        .catalogue
        .kpis
        .iter()
        .find(|kpi| kpi.no == measurement.no);
    let own = kpi.map_or(1, |kpi| {
        let own = kpi
            .indicators
            .iter()
            .filter(|indicator| !indicator.is_companion);
        own.count()
    });
    if own > 1 {
        names.indicator(measurement.no, &measurement.indicator)
    } else {
        names.kpi(measurement.no)
    }
}
