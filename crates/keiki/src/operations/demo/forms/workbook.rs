//! A workbook as departments keep it: a title, who made it, and the table below.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};

/// The row of the headings, from 0; above stand the title and a remark.
const HEADINGS_ROW: u32 = 3;

/// An Excel workbook of a table. Numbers are numbers, days are dates, all else is text.
pub(super) fn bytes(table: &str) -> Vec<u8> {
    write(table).expect("a table of the story fits a workbook")
}

fn write(table: &str) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // The same bytes for the same table.
    let made = ExcelDateTime::from_ymd(2026, 10, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let dates = Format::new().set_num_format("yyyy/m/d");
    let bold = Format::new().set_bold();
    let sheet = workbook.add_worksheet();
    sheet.set_name("一覧")?;
    sheet.write_with_format(0, 0, "架空ホールディングス 管理台帳", &bold)?;
    sheet.write(1, 0, "実在の企業・人物とは関係ありません")?;
    for (row, line) in (HEADINGS_ROW..).zip(table.lines()) {
        for (column, value) in (0..).zip(line.split(',')) {
            if row == HEADINGS_ROW {
                sheet.write_with_format(row, column, value, &bold)?;
            } else if let Some(date) = date(value) {
                sheet.write_with_format(row, column, &date?, &dates)?;
            } else if let Ok(number) = value.parse::<f64>() {
                sheet.write(row, column, number)?;
            } else if !value.is_empty() {
                sheet.write(row, column, value)?;
            }
        }
    }
    workbook.save_to_buffer()
}

/// A day written `2026-04-01`.
fn date(value: &str) -> Option<Result<ExcelDateTime, XlsxError>> {
    let mut parts = value.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    Some(ExcelDateTime::from_ymd(year, month, day))
}
