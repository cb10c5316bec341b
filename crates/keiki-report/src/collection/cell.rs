//! Writes values into cells, as what they are: exactly, or as text.

use keiki_model::calendar::date_of;
use keiki_model::collection::Value;
use keiki_model::text::Language;
use rust_xlsxwriter::{ExcelDateTime, Format, Worksheet};

use super::Result;

/// The digits that a spreadsheet keeps of a number.
const EXACT_DIGITS: usize = 15;

/// Writes a value.
pub(crate) fn write(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    value: &Value,
    format: &Format,
    language: Language,
) -> Result<()> {
    match value {
        Value::Empty => sheet.write_blank(row, column, format)?,
        Value::Number(text) => match number(text) {
            Some(number) => sheet.write_number_with_format(row, column, number, format)?,
            None => sheet.write_string_with_format(row, column, text, format)?,
        },
        Value::Day(_) | Value::Moment(_) => match moment(value) {
            Some(moment) => sheet.write_datetime_with_format(row, column, &moment, format)?,
            None => sheet.write_string_with_format(row, column, value.evidence(), format)?,
        },
        Value::Text(text) => {
            let quoted = is_like_a_formula(text).then(|| format.clone().set_quote_prefix());
            let format = quoted.as_ref().unwrap_or(format);
            sheet.write_string_with_format(row, column, text, format)?
        }
        Value::Boolean(_) | Value::OnFile | Value::Fault(_) => {
            sheet.write_string_with_format(row, column, value.shown(language), format)?
        }
    };
    Ok(())
}

/// Tells whether a spreadsheet would take a text for a formula when it is edited.
pub(crate) fn is_like_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A number that a spreadsheet keeps exactly; `None` for one with more digits.
fn number(text: &str) -> Option<f64> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    (significant.len() <= EXACT_DIGITS)
        .then(|| text.parse().ok())
        .flatten()
}

/// A date or time as a spreadsheet counts it; `None` before 1900 and for more than milliseconds.
fn moment(value: &Value) -> Option<ExcelDateTime> {
    let (date, time) = match value {
        Value::Day(day) => (date_of(*day), None),
        Value::Moment(moment) => (moment.date(), Some(moment.time())),
        _ => return None,
    };
    let small = |number: i8| u8::try_from(number).ok();
    let date = ExcelDateTime::from_ymd(
        u16::try_from(date.year()).ok()?,
        small(date.month())?,
        small(date.day())?,
    )
    .ok()?;
    let Some(time) = time else { return Some(date) };
    let nanos = time.subsec_nanosecond();
    if nanos % 1_000_000 != 0 {
        return None;
    }
    date.and_hms_milli(
        u16::from(small(time.hour())?),
        small(time.minute())?,
        small(time.second())?,
        u16::try_from(nanos / 1_000_000).ok()?,
    )
    .ok()
}

/// The address of a cell as people write it.
pub(crate) fn address(row: u32, column: u16) -> String {
    rust_xlsxwriter::utility::row_col_to_cell(row, column)
}
