//! Makes exact text of cells.
//!
//! A number is written with the 15 digits that a spreadsheet itself shows of it, without an exponent and
//! without zeros behind the last: what a cell shows as 0.3 is `0.3` here although it is stored as
//! 0.30000000000000004. A day is `2026-04-01`, a day with a time of day `2026-04-01T09:00:00`, a time of
//! day alone `09:00:00`.
//!
//! *Source*: IEEE 754, of whose binary64 every decimal of 15 digits comes back; Microsoft, «Excel
//! specifications and limits»: number precision, 15 digits.

use std::borrow::Cow;

use calamine::{DataRef, ExcelDateTime};

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'c> {
    /// A text.
    Text(Cow<'c, str>),
    /// What cannot be read, in the words of the spreadsheet.
    Fault(String),
}

/// Makes text of a cell; `None` if it holds nothing.
pub(super) fn of<'c>(data: &'c DataRef<'_>) -> Option<Value<'c>> {
    let text = match data {
        DataRef::Empty => return None,
        DataRef::Error(error) => return Some(Value::Fault(error.to_string())),
        DataRef::String(text) | DataRef::DurationIso(text) => Cow::Borrowed(text.as_str()),
        DataRef::SharedString(text) => Cow::Borrowed(*text),
        DataRef::Int(number) => Cow::Owned(number.to_string()),
        DataRef::Bool(value) => Cow::Owned(value.to_string()),
        DataRef::DateTimeIso(text) => Cow::Borrowed(text.strip_suffix("T00:00:00").unwrap_or(text)),
        DataRef::Float(number) => match number_text(*number) {
            Some(text) => Cow::Owned(text),
            None => return Some(Value::Fault(number.to_string())),
        },
        DataRef::DateTime(time) => match time_text(*time) {
            Some(text) => Cow::Owned(text),
            None => return Some(Value::Fault(time.as_f64().to_string())),
        },
    };
    (!text.trim().is_empty()).then_some(Value::Text(text))
}

/// Writes a number with 15 digits at most; `None` if it is none.
fn number_text(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let written = format!("{number:.14e}");
    let (mantissa, exponent) = written.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let zeros = |count: usize| "0".repeat(count);
    // How many digits stand before the point.
    let whole = exponent + 1;
    Some(match usize::try_from(whole) {
        Err(_) | Ok(0) => {
            let behind = usize::try_from(-whole).unwrap_or(0);
            format!("{sign}0.{}{digits}", zeros(behind))
        }
        Ok(whole) if whole >= digits.len() => {
            format!("{sign}{digits}{}", zeros(whole - digits.len()))
        }
        Ok(whole) => format!("{sign}{}.{}", &digits[..whole], &digits[whole..]),
    })
}

/// The first serial number that is no day of the calendar any more.
const END: f64 = 2_958_466.0;

fn time_text(time: ExcelDateTime) -> Option<String> {
    let serial = time.as_f64();
    if time.is_duration() {
        return number_text(serial);
    }
    if !(0.0..END).contains(&serial) {
        return None;
    }
    let (year, month, day, hour, minute, second, millisecond) = time.to_ymd_hms_milli();
    let mut clock = format!("{hour:02}:{minute:02}:{second:02}");
    if millisecond > 0 {
        clock.push_str(&format!(".{millisecond:03}"));
    }
    let is_midnight = (hour, minute, second, millisecond) == (0, 0, 0, 0);
    Some(if serial < 1.0 {
        clock
    } else if is_midnight {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{clock}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn numbers_are_what_a_spreadsheet_shows_of_them() {
        for (number, expected) in [
            (0.1 + 0.2, "0.3"),
            (1200.0, "1200"),
            (-0.05, "-0.05"),
            (1.1 * 3.0, "3.3"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e20, "100000000000000000000"),
            (1.5e-7, "0.00000015"),
            (-0.0, "0"),
            (99.99, "99.99"),
        ] {
            assert_eq!(number_text(number).as_deref(), Some(expected));
        }
        assert_eq!(number_text(f64::NAN), None);
        assert_eq!(number_text(f64::INFINITY), None);
    }

    #[test]
    fn days_and_times_are_told_apart() {
        let shown = |serial| {
            time_text(ExcelDateTime::new(
                serial,
                ExcelDateTimeType::DateTime,
                false,
            ))
        };
        assert_eq!(shown(46_113.0).as_deref(), Some("2026-04-01"));
        assert_eq!(shown(46_113.375).as_deref(), Some("2026-04-01T09:00:00"));
        assert_eq!(shown(0.375).as_deref(), Some("09:00:00"));
        assert_eq!(shown(3e6), None);
        assert_eq!(shown(-1.0), None);
    }
}
