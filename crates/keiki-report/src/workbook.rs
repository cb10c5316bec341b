//! The Excel edition of a statement: scorecard, a sheet per group of KPIs with charts, what the figures say of change and of what
//! is to come, what they rest on, what was restated, definitions. Numbers are numbers, and what is a quotient is a formula over its parts.

mod definitions;
mod figures;
mod grounds;
mod groups;
mod incidents;
mod outlook;
mod restatements;
mod sheet;
mod style;

use keiki_model::fraction::Fraction;
use keiki_model::measurement::DATA_DIGITS;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError,
};

use crate::collection::WorkbookError;
use crate::report::Report;
use style::Style;

type Result<T> = std::result::Result<T, XlsxError>;

/// Draws the edition as the bytes of an `.xlsx`.
///
/// # Errors
/// The statement is beyond the limits of Excel.
pub fn draw(report: &Report<'_>) -> std::result::Result<Vec<u8>, WorkbookError> {
    let style = Style::new(report.source.names.language);
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties(report)?);
    workbook.push_worksheet(figures::scorecard(report, &style)?);
    let mut data = groups::ChartData::default();
    for sheet in groups::draw(report, &style, &mut data)? {
        workbook.push_worksheet(sheet);
    }
    if !report.front.serious.is_empty() {
        workbook.push_worksheet(incidents::draw(report, &style)?);
    }
    workbook.push_worksheet(outlook::draw(report, &style)?);
    workbook.push_worksheet(grounds::draw(report, &style)?);
    if let Some(restated) = report.source.restated {
        workbook.push_worksheet(restatements::draw(report, restated, &style)?);
    }
    workbook.push_worksheet(definitions::draw(report, &style)?);
    if let Some(sheet) = data.draw(report, &style)? {
        workbook.push_worksheet(sheet);
    }
    Ok(workbook.save_to_buffer()?)
}

/// The time of the close stands for that of the file, so that the same statement gives the same bytes.
fn properties(report: &Report<'_>) -> Result<DocProperties> {
    let seconds = report.source.statement.closed_at / 1_000_000;
    Ok(DocProperties::new()
        .set_title(&report.head.title)
        .set_author("Keiki")
        .set_company(report.source.organisation)
        .set_creation_datetime(&ExcelDateTime::from_timestamp(seconds)?))
}

/// A column of a table.
struct Column {
    title: String,
    width: f64,
    /// Where its cells stand.
    side: FormatAlign,
}

/// A column of texts.
fn column(title: &str, width: f64) -> Column {
    Column {
        title: title.to_owned(),
        width,
        side: FormatAlign::Left,
    }
}

impl Column {
    /// The same column, of numbers.
    fn of_numbers(mut self) -> Self {
        self.side = FormatAlign::Right;
        self
    }
}

/// The height of a line of text in points.
const LINE_POINTS: f64 = 15.0;
/// The most that a row is high in Excel.
const ROW_POINTS_MOST: f64 = 409.0;

/// Gives a row the height that its longest text takes: programs other than Excel do not find it themselves.
fn fit<'t>(
    sheet: &mut Worksheet,
    row: u32,
    texts: impl Iterator<Item = (&'t str, f64)>,
) -> Result<()> {
    // A column holds so many digits; what is indented holds two fewer.
    let lines = |(text, width): (&str, f64)| {
        let mut lines = 1.0;
        let mut used = 0.0;
        for character in text.chars() {
            let wide = if character.is_ascii() { 1.0 } else { 1.9 };
            if used + wide > width - 2.0 {
                (lines, used) = (lines + 1.0, 0.0);
            }
            used += wide;
        }
        lines
    };
    let most = texts.map(lines).fold(1.0, f64::max);
    if most > 1.0 {
        sheet.set_row_height(row, (most * LINE_POINTS).min(ROW_POINTS_MOST))?;
    }
    Ok(())
}

/// The first column of tables; the one before it is a margin.
const FIRST: u16 = 1;

/// Begins a sheet: its name, a title and what kind of figures it holds. Returns the row after them.
fn begin(
    report: &Report<'_>,
    style: &Style,
    sheet: &mut Worksheet,
    (name, title): (&str, &str),
) -> Result<u32> {
    sheet.set_name(name)?;
    sheet.set_column_width(0, 2)?;
    sheet.set_row_height(1, 26)?;
    sheet.write_string_with_format(1, FIRST, title, &style.title())?;
    let line = format!(
        "{}  {}  {}",
        report.source.organisation,
        report.head.period,
        report.source.kind.get(report.source.names.language)
    );
    sheet.write_string_with_format(2, FIRST, line, &style.subtitle())?;
    let mut row = 3;
    for remark in &report.source.remarks {
        sheet.write_string_with_format(row, FIRST, remark, &style.soft())?;
        row += 1;
    }
    Ok(row + 1)
}

/// Writes the headings of a table.
fn headings(sheet: &mut Worksheet, row: u32, columns: &[Column], style: &Style) -> Result<()> {
    sheet.set_row_height(row, 30)?;
    for (at, column) in (FIRST..).zip(columns) {
        let heading = style.heading(column.side);
        sheet.write_string_with_format(row, at, &column.title, &heading)?;
        sheet.set_column_width(at, column.width)?;
    }
    Ok(())
}

/// Ends a sheet with a table from a row of headings to a last row: filter, panes, print.
fn end(
    report: &Report<'_>,
    sheet: &mut Worksheet,
    (heading, last): (u32, u32),
    columns: usize,
) -> Result<()> {
    if last > heading {
        sheet.autofilter(heading, FIRST, last, last_column(columns))?;
    }
    paged(report, sheet, (heading, last), columns)
}

fn last_column(columns: usize) -> u16 {
    FIRST + u16::try_from(columns).unwrap_or(1) - 1
}

/// Gives a sheet with a table its panes and its pages.
fn paged(
    report: &Report<'_>,
    sheet: &mut Worksheet,
    (heading, last): (u32, u32),
    columns: usize,
) -> Result<()> {
    let period = &report.head.period;
    sheet
        .set_screen_gridlines(false)
        .set_landscape()
        .set_paper_size(9)
        .set_margins(0.5, 0.5, 0.6, 0.6, 0.3, 0.3)
        .set_print_fit_to_pages(1, 0)
        .set_freeze_panes(heading + 1, FIRST + 2)?
        .set_repeat_rows(heading, heading)?
        .set_print_area(1, FIRST, last.max(heading), last_column(columns))?
        // The space keeps a digit that follows from being read as part of the size.
        .set_footer(format!("&L&8 {period}&C&8 &A&R&8 &P / &N"));
    Ok(())
}

/// Writes a number, or nothing where there is none: unknown is never zero.
fn number(
    sheet: &mut Worksheet,
    place: (u32, u16),
    value: Option<Fraction>,
    format: &Format,
) -> Result<()> {
    match value {
        Some(value) => sheet.write_number_with_format(place.0, place.1, data(value), format)?,
        None => sheet.write_blank(place.0, place.1, format)?,
    };
    Ok(())
}

/// The number that data formats carry, as a spreadsheet holds it.
fn data(value: Fraction) -> f64 {
    value
        .to_short_decimal(DATA_DIGITS)
        .parse()
        .unwrap_or_else(|_| value.to_f64())
}
