//! A sheet per group of KPIs: the figures of every org unit, and a chart for each KPI that compares the entities.

use keiki_model::kpi::{GROUPS, Unit};
use keiki_model::measurement::Measurement;
use keiki_model::text::Text;
use rust_xlsxwriter::{
    Chart, ChartLine, ChartSolidFill, Formula, Worksheet, utility::row_col_to_cell,
};

use super::figures::{VALUE, table};
use super::style::{BLUE, RED, Style, number_form};
use super::{Edition, FIRST, Result, begin, column, data, headings};
use crate::scorecard::is_idle;

/// The column at which charts stand, right of the table.
const CHARTS: u16 = FIRST + 18;
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
    unit_name: String,
    unit: Unit,
    /// The cell of the value in the sheet of its group.
    cell: String,
    value: Option<f64>,
    target: Option<f64>,
}

/// The first row of chart data, below its headings.
const DATA_ROW: u32 = 6;

/// Draws the sheets of all groups that have figures.
pub(super) fn draw(
    edition: &Edition<'_>,
    style: &Style,
    data: &mut ChartData,
) -> Result<Vec<Worksheet>> {
    let mut sheets = Vec::new();
    for (number, (code, ja, en)) in (1..).zip(GROUPS) {
        let shown: Vec<&Measurement> = edition
            .measurements
            .iter()
            .filter(|one| group_of(edition, one.no) == Some(code) && !is_idle(one))
            .collect();
        if !shown.is_empty() {
            let title = Text::new(ja, en);
            let title = title.get(edition.names.language);
            sheets.push(sheet(edition, style, (number, title), &shown, data)?);
        }
    }
    Ok(sheets)
}

fn group_of<'e>(edition: &'e Edition<'_>, no: u32) -> Option<&'e str> {
    let kpi = edition.names.catalogue.kpis.iter().find(|kpi| kpi.no == no);
    kpi.map(|kpi| kpi.group.as_str())
}

fn sheet(
    edition: &Edition<'_>,
    style: &Style,
    (number, title): (u32, &str),
    shown: &[&Measurement],
    data: &mut ChartData,
) -> Result<Worksheet> {
    let mut sheet = Worksheet::new();
    let name: String = format!("{number} {title}").chars().take(31).collect();
    let heading = begin(edition, style, &mut sheet, (&name, title))?;
    table(edition, style, &mut sheet, heading, shown)?;
    let mut at = heading;
    let mut kpis: Vec<u32> = shown.iter().map(|one| one.no).collect();
    kpis.dedup();
    for no in kpis {
        let rows = (heading + 1..).zip(shown);
        let of_kpi: Vec<(u32, &Measurement)> = rows
            .filter(|(_, one)| one.no == no && is_charted(edition, one))
            .map(|(row, one)| (row, *one))
            .collect();
        if of_kpi.iter().filter(|(_, one)| one.value.is_some()).count() < 2 {
            continue;
        }
        let chart = data.chart(edition, &name, &of_kpi);
        sheet.insert_chart(at, CHARTS, &chart)?;
        at += CHART_ROWS;
    }
    Ok(sheet)
}

/// Tells whether a figure is compared: the KPI's first indicator, for an entity.
fn is_charted(edition: &Edition<'_>, one: &Measurement) -> bool {
    let names = &edition.names;
    let kpi = names.catalogue.kpis.iter().find(|kpi| kpi.no == one.no);
    let first = kpi.and_then(|kpi| kpi.indicators.first());
    let is_first = first.is_some_and(|first| one.indicator == *first.code);
    let mut units = names.organisation.rows().iter();
    is_first && units.any(|unit| one.org_unit == *unit.id && unit.kind.is_entity())
}

impl ChartData {
    /// Takes the figures of a KPI, and draws them as bars with the target as a line.
    fn chart(
        &mut self,
        edition: &Edition<'_>,
        sheet: &str,
        of_kpi: &[(u32, &Measurement)],
    ) -> Chart {
        let first = DATA_ROW + u32::try_from(self.rows.len()).unwrap_or(0);
        let mut name = String::new();
        let mut unit = Unit::Count;
        let mut has_target = false;
        for (row, one) in of_kpi {
            let bound = one
                .target
                .and_then(|target| target.at_least.or(target.at_most));
            has_target |= bound.is_some();
            unit = one.unit;
            name = edition.names.indicator(one.no, &one.indicator);
            self.rows.push(ChartRow {
                kpi: one.no,
                indicator: name.clone(),
                unit_name: edition.names.unit_of(one),
                unit: one.unit,
                cell: format!("'{sheet}'!{}", row_col_to_cell(*row, VALUE)),
                value: one.value.map(data),
                target: bound.map(data),
            });
        }
        let last = DATA_ROW + u32::try_from(self.rows.len()).unwrap_or(1) - 1;
        let data_sheet = edition.say("図のデータ", "Chart data");
        let number = of_kpi.first().map_or(0, |(_, one)| one.no);
        let range = |column: u16| (data_sheet, first, column, last, column);
        let mut chart = Chart::new_column();
        chart
            .add_series()
            .set_name(edition.say("値", "Value"))
            .set_categories(range(FIRST + 2))
            .set_values(range(FIRST + 3))
            .set_gap(60)
            .set_format(ChartSolidFill::new().set_color(BLUE));
        if has_target {
            let mut line = Chart::new_line();
            line.add_series()
                .set_name(edition.say("目標", "Target"))
                .set_categories(range(FIRST + 2))
                .set_values(range(FIRST + 4))
                .set_format(ChartLine::new().set_color(RED).set_width(1.5));
            chart.combine(&line);
        }
        chart.title().set_name(&format!("{number}  {name}"));
        chart.y_axis().set_num_format(number_form(unit)).set_min(0);
        chart.set_width(560).set_height(290).show_na_as_empty_cell();
        chart.set_alt_text(format!(
            "{name}: {}",
            edition.say("会社別の比較", "by entity")
        ));
        chart
    }

    /// Draws the sheet of the data; `None` where there is no chart.
    pub(super) fn draw(&self, edition: &Edition<'_>, style: &Style) -> Result<Option<Worksheet>> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        let name = edition.say("図のデータ", "Chart data");
        let mut sheet = Worksheet::new();
        sheet.set_name(name)?;
        sheet.write_string_with_format(1, FIRST, name, &style.title())?;
        let columns = [
            column("KPI", 8.0),
            column(edition.say("指標", "Indicator"), 36.0),
            column(edition.say("組織", "Org unit"), 24.0),
            column(edition.say("値", "Value"), 12.0),
            column(edition.say("目標", "Target"), 12.0),
        ];
        headings(&mut sheet, DATA_ROW - 1, &columns, style)?;
        for (row, of) in (DATA_ROW..).zip(&self.rows) {
            let text = style.text();
            sheet.write_number_with_format(row, FIRST, of.kpi, &style.part(None))?;
            sheet.write_string_with_format(row, FIRST + 1, &of.indicator, &text)?;
            sheet.write_string_with_format(row, FIRST + 2, &of.unit_name, &text)?;
            let format = style.bound(of.unit);
            let cell = &of.cell;
            let result = of
                .value
                .map_or_else(|| "#N/A".to_owned(), |value| value.to_string());
            let formula = Formula::new(format!("=IF({cell}=\"\",NA(),{cell})")).set_result(result);
            sheet.write_formula_with_format(row, FIRST + 3, formula, &format)?;
            match of.target {
                Some(target) => sheet.write_number_with_format(row, FIRST + 4, target, &format)?,
                None => sheet.write_blank(row, FIRST + 4, &format)?,
            };
        }
        sheet.set_screen_gridlines(false);
        Ok(Some(sheet))
    }
}
