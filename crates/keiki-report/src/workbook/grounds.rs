//! What the figures rest on: who has reported, who has not, what is unknown.

use keiki_model::fraction::Fraction;
use keiki_model::measurement::Measurement;
use rust_xlsxwriter::{Formula, Worksheet, utility::row_col_to_cell};

use super::figures::basis;
use super::style::Style;
use super::{Edition, FIRST, Result, begin, column, end, headings, number};
use crate::scorecard::is_idle;

/// Draws the sheet.
pub(super) fn draw(edition: &Edition<'_>, style: &Style) -> Result<Worksheet> {
    let name = edition.say("証跡の概要", "Evidence");
    let mut sheet = Worksheet::new();
    let heading = begin(edition, style, &mut sheet, (name, name))?;
    let columns = [
        column("No.", 6.0),
        column("KPI", 30.0),
        column(edition.say("指標", "Indicator"), 30.0),
        column(edition.say("報告済み", "Covered"), 9.0),
        column(edition.say("報告すべき", "Expected"), 9.0),
        column(edition.say("報告充足率", "Coverage"), 10.0),
        column(edition.say("未報告の組織", "Not reported"), 40.0),
        column(edition.say("根拠", "Basis"), 16.0),
        column(edition.say("不明な記録", "Unknown records"), 10.0),
        column(edition.say("日付のない記録", "Undated records"), 10.0),
        column(edition.say("認識時点", "Known at"), 24.0),
        column(edition.say("台帳の版", "Journal version"), 10.0),
    ];
    headings(&mut sheet, heading, &columns, style)?;
    let mut last = heading;
    let shown = edition
        .measurements
        .iter()
        .filter(|one| one.org_unit == *edition.root && !one.is_companion && !is_idle(one));
    for (row, one) in (heading + 1..).zip(shown) {
        line(edition, style, &mut sheet, row, one)?;
        last = row;
    }
    end(edition, &mut sheet, (heading, last), columns.len())?;
    Ok(sheet)
}

fn line(
    edition: &Edition<'_>,
    style: &Style,
    sheet: &mut Worksheet,
    row: u32,
    one: &Measurement,
) -> Result<()> {
    let names = &edition.names;
    let (text, whole) = (style.text(), style.part(None));
    sheet.write_number_with_format(row, FIRST, one.no, &whole)?;
    sheet.write_string_with_format(row, FIRST + 1, names.kpi(one.no), &text)?;
    let indicator = names.indicator(one.no, &one.indicator);
    sheet.write_string_with_format(row, FIRST + 2, indicator, &text)?;
    sheet.write_number_with_format(row, FIRST + 3, one.coverage.covered, &whole)?;
    sheet.write_number_with_format(row, FIRST + 4, one.coverage.expected, &whole)?;
    let share = Fraction::new(
        i128::from(one.coverage.covered),
        i128::from(one.coverage.expected),
    );
    let format = style.bound(keiki_model::kpi::Unit::Ratio);
    if let Some(share) = share {
        let formula = format!(
            "={}/{}",
            row_col_to_cell(row, FIRST + 3),
            row_col_to_cell(row, FIRST + 4)
        );
        let formula = Formula::new(formula).set_result(share.to_f64().to_string());
        sheet.write_formula_with_format(row, FIRST + 5, formula, &format)?;
    } else {
        sheet.write_blank(row, FIRST + 5, &format)?;
    }
    let missing: Vec<String> = one
        .grounds
        .missing
        .iter()
        .map(|id| names.org_unit(id))
        .collect();
    sheet.write_string_with_format(row, FIRST + 6, missing.join(edition.say("、", ", ")), &text)?;
    sheet.write_string_with_format(row, FIRST + 7, basis(one.basis, names.language), &text)?;
    let unknown = Fraction::whole(one.statistics.unknown);
    number(sheet, (row, FIRST + 8), Some(unknown), &whole)?;
    let undated = Fraction::whole(one.statistics.undated);
    number(sheet, (row, FIRST + 9), Some(undated), &whole)?;
    sheet.write_string_with_format(row, FIRST + 10, one.known_at.to_string(), &text)?;
    let version = Fraction::whole(i128::from(one.journal_version));
    number(sheet, (row, FIRST + 11), Some(version), &whole)
}
