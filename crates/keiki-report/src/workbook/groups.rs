//! A sheet per group of KPIs: the figures of every org unit, and for each KPI charts of its trend and of the entities.

use keiki_model::kpi::{GROUPS, Unit};
use keiki_model::measurement::Measurement;
use keiki_model::text::Text;
use rust_xlsxwriter::{
    Chart, ChartLine, ChartLineDashType, ChartMarker, ChartMarkerType, ChartSolidFill, Formula,
    Worksheet, utility::row_col_to_cell,
};

use super::figures::{VALUE, table};
use super::style::{BLUE, RED, Style, number_form};
use super::{FIRST, Result, begin, column, data, headings, paged};
use crate::report::Report;
use crate::scorecard::is_idle;

/// The column at which charts stand, right of the table.
const CHARTS: u16 = FIRST + 19;
/// The column of a second chart beside the first.
const BESIDE: u16 = CHARTS + 9;
/// The column of org unit or period in the charts' data; value and target follow.
const ALONG: u16 = FIRST + 2;
/// The rows that a chart takes.
const CHART_ROWS: u32 = 15;

/// What the charts are drawn from, on a sheet of its own.
#[derive(Debug, Default)]
pub(super) struct ChartData {
    rows: Vec<ChartRow>,
}

#[derive(Debug)]
struct ChartRow {
    kpi: u32,
    indicator: String,
    /// The org unit, or the period.
    along: String,
    unit: Unit,
    /// The cell of the value in the sheet of its group; `None` for a period before.
    cell: Option<String>,
    value: Option<f64>,
    target: Option<f64>,
}

/// The first row of chart data, below its headings.
const DATA_ROW: u32 = 6;

/// Draws the sheets of all groups that have figures.
pub(super) fn draw(
    report: &Report<'_>,
    style: &Style,
    data: &mut ChartData,
) -> Result<Vec<Worksheet>> {
    let mut sheets = Vec::new();
    for (number, (code, ja, en)) in (1..).zip(GROUPS) {
        let shown: Vec<&Measurement> = report
            .source
            .measurements
            .iter()
            .filter(|one| group_of(report, one.no) == Some(code) && !is_idle(one))
            .collect();
        if !shown.is_empty() {
            let title = Text::new(ja, en);
            let title = title.get(report.source.names.language);
            sheets.push(sheet(report, style, (number, title), &shown, data)?);
        }
    }
    Ok(sheets)
}

fn group_of<'e>(report: &'e Report<'_>, no: u32) -> Option<&'e str> {
    let kpi = report
        .source
        .names
        .catalogue
        .kpis
        .iter()
        .find(|kpi| kpi.no == no);
    kpi.map(|kpi| kpi.group.as_str())
}

fn sheet(
    report: &Report<'_>,
    style: &Style,
    (number, title): (u32, &str),
    shown: &[&Measurement],
    data: &mut ChartData,
) -> Result<Worksheet> {
    let mut sheet = Worksheet::new();
    let name: String = format!("{number} {title}").chars().take(31).collect();
    let heading = begin(report, style, &mut sheet, (&name, title))?;
    table(report, style, &mut sheet, heading, shown)?;
    let mut at = heading;
    let mut kpis: Vec<u32> = shown.iter().map(|one| one.no).collect();
    kpis.dedup();
    for no in kpis {
        let rows = (heading + 1..).zip(shown);
        let placed: Vec<(u32, &Measurement)> = rows
            .filter(|(_, one)| one.no == no && is_first(report, one))
            .map(|(row, one)| (row, *one))
            .collect();
        let trend = data.trend(report, &name, &placed);
        let compared: Vec<(u32, &Measurement)> = placed
            .into_iter()
            .filter(|(_, one)| is_entity(report, one))
            .collect();
        let is_compared = compared
            .iter()
            .filter(|(_, one)| one.value.is_some())
            .count()
            > 1;
        if let Some(trend) = &trend {
            sheet.insert_chart(at, CHARTS, trend)?;
        }
        if is_compared {
            let chart = data.comparison(report, &name, &compared);
            let column = if trend.is_some() { BESIDE } else { CHARTS };
            sheet.insert_chart(at, column, &chart)?;
        }
        if is_compared || trend.is_some() {
            at += CHART_ROWS;
        }
    }
    Ok(sheet)
}

/// Tells whether a figure is the KPI's first.
fn is_first(report: &Report<'_>, one: &Measurement) -> bool {
    let names = &report.source.names;
    let kpi = names.catalogue.kpis.iter().find(|kpi| kpi.no == one.no);
    let first = kpi.and_then(|kpi| kpi.indicators.first());
    first.is_some_and(|first| one.indicator == *first.code)
}

/// Tells whether a figure is an entity's.
fn is_entity(report: &Report<'_>, one: &Measurement) -> bool {
    report.source.measurements.is_entity(&one.org_unit)
}

fn bound_of(one: &Measurement) -> Option<f64> {
    let target = one.target?;
    target.at_least.or(target.at_most).map(data)
}

impl ChartData {
    /// Takes a figure of the root through the periods, and draws it as a line with the target.
    fn trend(
        &mut self,
        report: &Report<'_>,
        sheet: &str,
        placed: &[(u32, &Measurement)],
    ) -> Option<Chart> {
        let of_root = |(_, one): &&(u32, &Measurement)| one.org_unit == *report.source.root;
        let (row, one) = placed.iter().find(of_root)?;
        let mut kpis = report.groups.iter().flat_map(|group| &group.kpis);
        let series = &kpis.find(|kpi| kpi.no == one.no)?.series;
        if series.iter().filter(|(_, value)| value.is_some()).count() < 2 {
            return None;
        }
        let first = self.next();
        let last = series.len() - 1;
        for (at, (label, value)) in series.iter().enumerate() {
            self.rows.push(ChartRow {
                kpi: one.no,
                indicator: report.source.names.indicator(one.no, &one.indicator),
                along: label.clone(),
                unit: one.unit,
                // The figure itself comes from its cell; those of the periods before are numbers.
                cell: (at == last).then(|| format!("'{sheet}'!{}", row_col_to_cell(*row, VALUE))),
                value: value.map(data),
                target: bound_of(one),
            });
        }
        let mut chart = Chart::new_line();
        chart
            .add_series()
            .set_name(report.say("値", "Value"))
            .set_categories(self.range(report, first, ALONG))
            .set_values(self.range(report, first, ALONG + 1))
            .set_format(ChartLine::new().set_color(BLUE).set_width(2.25))
            .set_marker(
                ChartMarker::new()
                    .set_type(ChartMarkerType::Circle)
                    .set_size(5)
                    .set_format(ChartSolidFill::new().set_color(BLUE)),
            );
        if bound_of(one).is_some() {
            chart
                .add_series()
                .set_name(report.say("目標", "Target"))
                .set_categories(self.range(report, first, ALONG))
                .set_values(self.range(report, first, ALONG + 2))
                .set_format(&mut target_line());
        }
        let word = report.say("推移", "trend");
        Some(dressed(report, chart, one, word))
    }

    /// Takes the figures of a KPI, and draws them as bars with the target as a line.
    fn comparison(
        &mut self,
        report: &Report<'_>,
        sheet: &str,
        compared: &[(u32, &Measurement)],
    ) -> Chart {
        let first = self.next();
        for (row, one) in compared {
            self.rows.push(ChartRow {
                kpi: one.no,
                indicator: report.source.names.indicator(one.no, &one.indicator),
                along: report.source.names.unit_of(one),
                unit: one.unit,
                cell: Some(format!("'{sheet}'!{}", row_col_to_cell(*row, VALUE))),
                value: one.value.map(data),
                target: bound_of(one),
            });
        }
        let mut chart = Chart::new_column();
        chart
            .add_series()
            .set_name(report.say("値", "Value"))
            .set_categories(self.range(report, first, ALONG))
            .set_values(self.range(report, first, ALONG + 1))
            .set_gap(60)
            .set_format(ChartSolidFill::new().set_color(BLUE));
        if compared.iter().any(|(_, one)| bound_of(one).is_some()) {
            let mut line = Chart::new_line();
            line.add_series()
                .set_name(report.say("目標", "Target"))
                .set_categories(self.range(report, first, ALONG))
                .set_values(self.range(report, first, ALONG + 2))
                .set_format(&mut target_line());
            chart.combine(&line);
        }
        let word = report.say("会社別の比較", "by entity");
        match compared.first() {
            Some((_, one)) => dressed(report, chart, one, word),
            None => chart,
        }
    }

    /// The row that comes next.
    fn next(&self) -> u32 {
        DATA_ROW + u32::try_from(self.rows.len()).unwrap_or(0)
    }

    /// A column from a row to the last.
    fn range<'r>(&self, report: &'r Report<'_>, first: u32, column: u16) -> Range<'r> {
        let sheet = report.say("図のデータ", "Chart data");
        (sheet, first, column, self.next() - 1, column)
    }

    /// Draws the sheet of the data; `None` where there is no chart.
    pub(super) fn draw(&self, report: &Report<'_>, style: &Style) -> Result<Option<Worksheet>> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        let name = report.say("図のデータ", "Chart data");
        let mut sheet = Worksheet::new();
        sheet.set_name(name)?;
        sheet.write_string_with_format(1, FIRST, name, &style.title())?;
        let columns = [
            column("KPI", 8.0),
            column(report.say("指標", "Indicator"), 36.0),
            column(report.say("組織・対象期間", "Org unit or period"), 24.0),
            column(report.say("値", "Value"), 12.0),
            column(report.say("目標", "Target"), 12.0),
        ];
        headings(&mut sheet, DATA_ROW - 1, &columns, style)?;
        for (row, of) in (DATA_ROW..).zip(&self.rows) {
            of.write(&mut sheet, row, style)?;
        }
        // Without a filter: charts leave out rows that are hidden.
        let rows = (DATA_ROW - 1, self.next() - 1);
        paged(report, &mut sheet, rows, columns.len())?;
        Ok(Some(sheet))
    }
}

/// Gives a chart its title, axis and text alternative.
fn dressed(report: &Report<'_>, mut chart: Chart, one: &Measurement, word: &str) -> Chart {
    let name = report.source.names.indicator(one.no, &one.indicator);
    chart.title().set_name(&format!("{}  {name}", one.no));
    let form = number_form(one.unit);
    chart.y_axis().set_num_format(form).set_min(0);
    chart
        .set_width(560)
        .set_height(290)
        .show_na_as_empty_cell()
        .set_alt_text(format!("{name}: {word}"));
    chart
}

/// Sheet, first row and column, last row and column.
type Range<'r> = (&'r str, u32, u16, u32, u16);

fn target_line() -> ChartLine {
    let mut line = ChartLine::new();
    line.set_color(RED)
        .set_width(1.5)
        .set_dash_type(ChartLineDashType::Dash);
    line
}

impl ChartRow {
    fn write(&self, sheet: &mut Worksheet, row: u32, style: &Style) -> Result<()> {
        let text = style.text();
        let format = style.bound(self.unit);
        sheet.write_number_with_format(row, FIRST, self.kpi, &style.part(None))?;
        sheet.write_string_with_format(row, FIRST + 1, &self.indicator, &text)?;
        sheet.write_string_with_format(row, ALONG, &self.along, &text)?;
        match (&self.cell, self.value) {
            (None, Some(value)) => {
                sheet.write_number_with_format(row, ALONG + 1, value, &format)?;
            }
            (cell, value) => {
                let result = value.map_or_else(|| "#N/A".to_owned(), |value| value.to_string());
                let formula = cell.as_ref().map_or_else(
                    || "=NA()".to_owned(),
                    |cell| format!("=IF({cell}=\"\",NA(),{cell})"),
                );
                let formula = Formula::new(formula).set_result(result);
                sheet.write_formula_with_format(row, ALONG + 1, formula, &format)?;
            }
        }
        match self.target {
            Some(target) => sheet.write_number_with_format(row, ALONG + 2, target, &format)?,
            None => sheet.write_blank(row, ALONG + 2, &format)?,
        };
        Ok(())
    }
}
