//! What the figures rest on: who has reported, who has not, what is unknown.

use keiki_model::fraction::Fraction;
use keiki_model::measurement::Measurement;
use keiki_model::text::Text;
use rust_xlsxwriter::Worksheet;

use super::figures::basis;
use super::sheet::{Cell, List};
use super::style::Style;
use super::{Result, column};
use crate::report::Report;
use crate::scorecard::is_idle;

/// Draws the sheet.
pub(super) fn draw(report: &Report<'_>, style: &Style) -> Result<Worksheet> {
    let list = List {
        name: report.say("証跡の概要", "Evidence"),
        columns: vec![
            column("No.", 6.0),
            column("KPI", 30.0),
            column(report.say("指標", "Indicator"), 30.0),
            column(report.say("報告済み", "Covered"), 9.0),
            column(report.say("報告すべき", "Expected"), 9.0),
            column(report.say("報告充足率", "Coverage"), 10.0),
            column(report.say("未報告の組織", "Not reported"), 40.0),
            column(report.say("根拠", "Basis"), 16.0),
            column(report.say("不明な記録", "Unknown records"), 10.0),
            column(report.say("日付のない記録", "Undated records"), 10.0),
            column(report.say("認識時点", "Known at"), 24.0),
            column(report.say("台帳の版", "Journal version"), 10.0),
        ],
        rows: report
            .source
            .of_root()
            .filter(|one| !is_idle(one))
            .map(|one| row(report, one))
            .collect(),
    };
    list.draw(report, style)
}

fn row(report: &Report<'_>, one: &Measurement) -> Vec<Cell> {
    let names = &report.source.names;
    let (covered, expected) = (
        i128::from(one.coverage.covered),
        i128::from(one.coverage.expected),
    );
    vec![
        Cell::Whole(i128::from(one.no)),
        Cell::Text(names.kpi(one.no)),
        Cell::Text(names.indicator(one.no, &one.indicator)),
        Cell::Whole(covered),
        Cell::Whole(expected),
        Cell::Share {
            above: 3,
            below: 4,
            value: Fraction::new(covered, expected),
        },
        Cell::Text(missing(report, one)),
        Cell::Text(basis(one, names.language)),
        Cell::Whole(one.statistics.unknown),
        Cell::Whole(one.statistics.undated),
        Cell::Text(one.known_at.to_string()),
        Cell::Whole(i128::from(one.journal_version)),
    ]
}

/// The most characters of a list in one cell. Excel holds 32,767 in one.
const CHARACTERS_MOST: usize = 30_000;

/// The org units that have not reported, as many as a cell holds; the sheets of the groups have a row for each of them.
fn missing(report: &Report<'_>, one: &Measurement) -> String {
    let separator = report.say("、", ", ");
    let mut text = String::new();
    let mut characters = 0;
    for (at, id) in one.grounds.missing.iter().enumerate() {
        let name = report.source.names.org_unit(id);
        characters += name.chars().count() + separator.chars().count();
        if characters > CHARACTERS_MOST {
            let rest = one.grounds.missing.len() - at;
            let more = Text::new(
                format!("ほか{rest}組織(各群のシートに記載)"),
                format!(" and {rest} more, which the sheets of the groups have"),
            );
            text.push_str(more.get(report.source.names.language));
            break;
        }
        if at > 0 {
            text.push_str(separator);
        }
        text.push_str(&name);
    }
    text
}
