//! The table of figures, which the scorecard and the sheets of groups share.

use keiki_model::fraction::Fraction;
use keiki_model::measurement::{Basis, Measurement};
use keiki_model::status::Status;
use keiki_model::text::{Language, Text};
use rust_xlsxwriter::{Formula, Worksheet, utility::row_col_to_cell};

use super::style::Style;
use super::{Column, FIRST, Result, begin, column, data, end, fit, headings, number};
use crate::report::{Report, unit};
use crate::scorecard::{is_idle, mark};

/// How wide the columns of names are.
const NAME_WIDTH: f64 = 34.0;
/// The column of the numerator.
const NUMERATOR: u16 = FIRST + 5;
/// The column of the value.
pub(super) const VALUE: u16 = FIRST + 7;

/// Draws the scorecard: the figures of the root, companions left out.
pub(super) fn scorecard(report: &Report<'_>, style: &Style) -> Result<Worksheet> {
    let title = report.say("KPIスコアカード", "KPI scorecard");
    let name = report.say("スコアカード", "Scorecard");
    let mut sheet = Worksheet::new();
    let heading = begin(report, style, &mut sheet, (name, title))?;
    let shown: Vec<&Measurement> = report
        .source
        .of_root()
        .filter(|one| !is_idle(one))
        .collect();
    table(report, style, &mut sheet, heading, &shown)?;
    // So many rows fit on one page; more would be too small to read.
    if shown.len() <= ROWS_ON_A_PAGE {
        sheet.set_print_fit_to_pages(1, 1);
    }
    Ok(sheet)
}

/// The most rows of a scorecard that is printed on one page.
const ROWS_ON_A_PAGE: usize = 60;

/// Draws a table of figures below a row of headings, and ends the sheet.
pub(super) fn table(
    report: &Report<'_>,
    style: &Style,
    sheet: &mut Worksheet,
    heading: u32,
    shown: &[&Measurement],
) -> Result<()> {
    let columns = columns(report);
    headings(sheet, heading, &columns, style)?;
    let mut last = heading;
    for (row, one) in (heading + 1..).zip(shown) {
        line(report, style, sheet, row, one)?;
        last = row;
    }
    end(report, sheet, (heading, last), columns.len())
}

fn columns(report: &Report<'_>) -> Vec<Column> {
    let say = |ja: &str, en: &str, width: f64| column(report.say(ja, en), width);
    vec![
        say("No.", "No.", 6.0).of_numbers(),
        say("KPI", "KPI", NAME_WIDTH),
        say("指標", "Indicator", NAME_WIDTH),
        say("組織", "Org unit", 20.0),
        say("組織ID", "Org unit id", 10.0),
        say("分子", "Numerator", 14.0).of_numbers(),
        say("分母", "Denominator", 14.0).of_numbers(),
        say("値", "Value", 12.0).of_numbers(),
        say("単位", "Unit", 9.0),
        say("目標(以上)", "Target, at least", 10.0).of_numbers(),
        say("目標(以下)", "Target, at most", 10.0).of_numbers(),
        say("状態", "Status", 20.0),
        say("報告済み", "Covered", 9.0).of_numbers(),
        say("報告すべき", "Expected", 9.0).of_numbers(),
        say("件数 n", "n", 8.0).of_numbers(),
        say("根拠", "Basis", 14.0),
        say("指標コード", "Indicator code", 24.0),
        say("KPI全体の状態", "Status of the KPI", 20.0),
    ]
}

fn line(
    report: &Report<'_>,
    style: &Style,
    sheet: &mut Worksheet,
    row: u32,
    one: &Measurement,
) -> Result<()> {
    let names = &report.source.names;
    let text = style.text();
    let whole = style.part(None);
    sheet.write_number_with_format(row, FIRST, one.no, &whole)?;
    let texts = [
        names.kpi(one.no),
        names.indicator(one.no, &one.indicator),
        names.unit_of(one),
        one.org_unit.to_string(),
    ];
    let named = texts[..2].iter().map(|name| (name.as_str(), NAME_WIDTH));
    fit(sheet, row, named)?;
    for (at, value) in (FIRST + 1..).zip(texts) {
        sheet.write_string_with_format(row, at, value, &text)?;
    }
    for (at, part) in (NUMERATOR..).zip([one.numerator, one.denominator]) {
        number(sheet, (row, at), part, &style.part(part))?;
    }
    value(sheet, row, one, style)?;
    sheet.write_string_with_format(row, VALUE + 1, unit(one.unit).get(names.language), &text)?;
    let target = one.target;
    let bounds = [
        target.and_then(|target| target.at_least),
        target.and_then(|target| target.at_most),
    ];
    for (at, bound) in (VALUE + 2..).zip(bounds) {
        number(sheet, (row, at), bound, &style.bound(one.unit))?;
    }
    standing(sheet, (row, VALUE + 4), one.status, (style, names.language))?;
    sheet.write_number_with_format(row, VALUE + 5, one.coverage.covered, &whole)?;
    sheet.write_number_with_format(row, VALUE + 6, one.coverage.expected, &whole)?;
    let n = one.n.map(Fraction::whole);
    number(sheet, (row, VALUE + 7), n, &whole)?;
    let basis = basis(one, names.language);
    sheet.write_string_with_format(row, VALUE + 8, basis, &text)?;
    sheet.write_string_with_format(row, VALUE + 9, one.indicator.to_string(), &text)?;
    if let Some(of_kpi) = report.of_kpis.of(one).filter(|_| !one.is_companion) {
        return standing(sheet, (row, VALUE + 10), of_kpi, (style, names.language));
    }
    sheet.write_blank(row, VALUE + 10, &text)?;
    Ok(())
}

/// Writes shape and word of a status.
fn standing(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    status: Status,
    (style, language): (&Style, Language),
) -> Result<()> {
    let (shape, _) = mark(status);
    let word = format!("{shape} {}", status.title().get(language));
    sheet.write_string_with_format(row, column, word, &style.status(status))?;
    Ok(())
}

/// Writes the value: as a formula over numerator and denominator where it is their quotient.
fn value(sheet: &mut Worksheet, row: u32, one: &Measurement, style: &Style) -> Result<()> {
    let format = style.value(one.unit);
    let (Some(value), true) = (one.value, is_quotient(one)) else {
        return number(sheet, (row, VALUE), one.value, &format);
    };
    let above = row_col_to_cell(row, NUMERATOR);
    let below = row_col_to_cell(row, NUMERATOR + 1);
    let divisor = match one.unit.divisor() {
        1 => String::new(),
        divisor => format!("/{divisor}"),
    };
    let formula = Formula::new(format!("={above}/{below}{divisor}"));
    let result = data(value).to_string();
    sheet.write_formula_with_format(row, VALUE, formula.set_result(result), &format)?;
    Ok(())
}

/// Tells whether a value is exactly what stands above the line over what stands below it.
fn is_quotient(one: &Measurement) -> bool {
    let (Some(value), Some(above), Some(below)) = (one.value, one.numerator, one.denominator)
    else {
        return false;
    };
    below != Fraction::whole(0)
        && value
            .times(below)
            .and_then(|product| product.times(Fraction::whole(one.unit.divisor())))
            == Some(above)
}

/// What a figure's value is computed from, in words; empty where there is no value that could rest on it.
pub(super) fn basis(one: &Measurement, language: Language) -> String {
    let Some(basis) = one.basis_of_value() else {
        return String::new();
    };
    let text = match basis {
        Basis::Rows => Text::new("明細", "rows"),
        Basis::Reported => Text::new("報告集計値を含む", "reported totals"),
        Basis::Reference => Text::new("参考値", "reference value"),
        Basis::Withheld => Text::new("秘匿(少人数)", "withheld (few people)"),
        Basis::Held => Text::new(
            "報告値を据え置き(少人数の訂正)",
            "as reported (few people restated)",
        ),
    };
    text.get(language).to_owned()
}
