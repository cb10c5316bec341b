//! A whole programme on one page: the groups of the catalogue, one line per figure, each with where it came from.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::GROUPS;
use keiki_model::measurement::Measurement;
use keiki_model::text::Text;

use super::{Names, coverage, status, value};
use crate::format;
use crate::table::{Cell, Column, Paint, Table};

/// Heights of a trend's steps, from the lowest to the highest.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Stands in a trend where there is no value.
const GAP: char = '·';

/// Marks a value that is counted over a longer period than the others.
const LONGER: &str = "†";

/// One line of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The figure.
    pub measurement: Measurement,
    /// Its values in the periods before, the figure's own last.
    pub trend: Vec<Option<Fraction>>,
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

/// Draws values as steps between the least and the greatest of them.
#[must_use]
pub fn trend(values: &[Option<Fraction>]) -> String {
    let known = || values.iter().flatten().copied();
    let (Some(least), Some(greatest)) = (known().min(), known().max()) else {
        return GAP.to_string().repeat(values.len());
    };
    let (least, span) = (least.to_f64(), greatest.to_f64() - least.to_f64());
    let step = |value: &Option<Fraction>| {
        let Some(value) = value else { return GAP };
        if span <= 0.0 {
            return STEPS[3];
        }
        // A drawing, not a figure: an eighth of the way is as fine as it gets.
        let share = (value.to_f64() - least) / span * 8.0;
        let reached = (1_u8..8).filter(|at| share >= f64::from(*at)).count();
        STEPS[reached]
    };
    values.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(of: &[Option<i128>]) -> Vec<Option<Fraction>> {
        of.iter().map(|value| value.map(Fraction::whole)).collect()
    }

    #[test]
    fn a_trend_runs_from_its_least_to_its_greatest_value() {
        assert_eq!(trend(&values(&[Some(0), Some(4), Some(8)])), "▁▅█");
    }

    #[test]
    fn what_is_missing_is_a_gap_and_what_stays_is_level() {
        assert_eq!(trend(&values(&[None, Some(5), Some(5)])), "·▄▄");
        assert_eq!(trend(&values(&[None, None])), "··");
    }
}
