//! What differs from the revision before, and what moved it.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use keiki_model::measurement::Measurement;
use rust_xlsxwriter::Worksheet;

use super::sheet::{Cell, List};
use super::style::Style;
use super::{Result, column};
use crate::report::{Moved, Report};
use crate::scorecard;

/// Draws the sheet.
pub(super) fn draw(report: &Report<'_>, restated: &[Moved], style: &Style) -> Result<Worksheet> {
    let list = List {
        name: report.say("遡及訂正", "Restatements"),
        columns: vec![
            column("No.", 6.0),
            column("KPI", 30.0),
            column(report.say("指標", "Indicator"), 30.0),
            column(report.say("組織", "Org unit"), 20.0),
            column(report.say("訂正前", "Before"), 12.0),
            column(report.say("訂正後", "After"), 12.0),
            column(report.say("証跡による差", "By evidence"), 12.0),
            column(report.say("定義等による差", "By definitions"), 12.0),
            column(report.say("組織による差", "By org tree"), 12.0),
            column(report.say("訂正前の状態", "Status before"), 20.0),
            column(report.say("訂正後の状態", "Status after"), 20.0),
        ],
        rows: restated.iter().map(|moved| row(report, moved)).collect(),
    };
    list.draw(report, style)
}

fn row(report: &Report<'_>, moved: &Moved) -> Vec<Cell> {
    let names = &report.source.names;
    let (no, indicator, org_unit) = &moved.restated.place;
    let (before, after) = (&moved.restated.before, &moved.restated.after);
    let unit = before.as_ref().or(after.as_ref()).map(|one| one.unit);
    let unit = unit.unwrap_or(Unit::Count);
    let value = |side: &Option<Measurement>| -> Option<Fraction> { side.as_ref()?.value };
    let status = |side: &Option<Measurement>| {
        side.as_ref().map_or_else(String::new, |one| {
            one.status.title().get(names.language).to_owned()
        })
    };
    vec![
        Cell::Whole(i128::from(*no)),
        Cell::Text(names.kpi(*no)),
        Cell::Text(names.indicator(*no, indicator)),
        Cell::Text(names.org_unit(org_unit)),
        Cell::Value(value(before), unit),
        Cell::Value(value(after), unit),
        if after.as_ref().is_some_and(Measurement::is_held) {
            Cell::Text(scorecard::few(names.language).to_owned())
        } else {
            Cell::Value(moved.bridge.evidence, unit)
        },
        Cell::Value(moved.bridge.definitions, unit),
        Cell::Value(moved.bridge.tree, unit),
        Cell::Text(status(before)),
        Cell::Text(status(after)),
    ]
}
