//! Serious incidents: how many in the group and in each company, what they cost, how long work stood still.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use rust_xlsxwriter::Worksheet;

use super::sheet::{Cell, List};
use super::style::Style;
use super::{Result, column};
use crate::report::{Effect, Report, Serious};

/// Draws the sheet.
pub(super) fn draw(report: &Report<'_>, style: &Style) -> Result<Worksheet> {
    let list = List {
        name: report.say("重大インシデント", "Serious incidents"),
        columns: vec![
            column(report.say("組織", "Org unit"), 28.0),
            column(
                report.say("重大(致命的・高)の件数", "Critical and high"),
                12.0,
            ),
            column(report.say("深刻度が未確定", "Severity not settled"), 12.0),
            column(
                report.say("損失額(円、判明分)", "Loss in yen, where known"),
                18.0,
            ),
            column(report.say("損失額が判明", "Loss known"), 10.0),
            column(report.say("損失額が不明", "Loss unknown"), 10.0),
            column(
                report.say("業務停止時間(判明分)", "Outage hours, where known"),
                14.0,
            ),
            column(report.say("停止時間が判明", "Outage known"), 10.0),
            column(report.say("停止時間が不明", "Outage unknown"), 10.0),
        ],
        rows: report
            .front
            .serious
            .iter()
            .map(|one| row(report, one))
            .collect(),
    };
    list.draw(report, style)
}

fn row(report: &Report<'_>, one: &Serious) -> Vec<Cell> {
    let effect = |effect: &Effect, unit: Unit| {
        [
            Cell::Value(effect.sum, unit),
            Cell::Whole(effect.known),
            Cell::Whole(effect.unknown),
        ]
    };
    let mut cells = vec![
        Cell::Text(report.source.names.org_unit(&one.org_unit)),
        Cell::Value(one.count.map(Fraction::whole), Unit::Count),
        Cell::Whole(one.unsettled),
    ];
    cells.extend(effect(&one.loss, Unit::Currency));
    cells.extend(effect(&one.outage_hours, Unit::Hours));
    cells
}
