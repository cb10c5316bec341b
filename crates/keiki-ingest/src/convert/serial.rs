//! Reads days and times that are numbers: those of spreadsheets, and those since 1970.
//!
//! *Source*: ECMA-376 part 1, 18.17.4, dates and times. In the 1900 system day 60 is a 29 February 1900
//! that never was: it is refused, and the days before it are counted as written. A time of day is
//! rounded to the millisecond, which is finer than a spreadsheet's numbers hold.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};

use crate::format::Epoch;

use super::number;

const MILLISECONDS_OF_DAY: i128 = 86_400_000;

/// Digits behind the point that are read; more say nothing.
const FRACTION_DIGITS: usize = 15;

/// Reads a serial day without a time of day.
pub(super) fn date(text: &str, epoch: Epoch) -> Option<Date> {
    day(number::whole(text)?, epoch)
}

/// Reads a serial day with its time of day.
pub(super) fn instant(text: &str, epoch: Epoch) -> Option<DateTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(FRACTION_DIGITS)];
    let digits = u32::try_from(fraction.len()).ok()?;
    let unit = 10_i128.pow(digits);
    let milliseconds = (fraction.parse::<i128>().ok()? * MILLISECONDS_OF_DAY + unit / 2) / unit;
    let day = day(number::whole(whole)?, epoch)?;
    let start = day.to_datetime(jiff::civil::Time::midnight());
    start
        .checked_add(i64::try_from(milliseconds).ok()?.milliseconds())
        .ok()
}

/// Reads a number of units since 1970, of which `micros` microseconds are one.
pub(super) fn since_1970(text: &str, micros: i64) -> Option<Timestamp> {
    let units = number::whole(text)?;
    Timestamp::from_microsecond(units.checked_mul(micros)?).ok()
}

fn day(serial: i64, epoch: Epoch) -> Option<Date> {
    let first = match (epoch, serial) {
        (Epoch::Of1900, 1..=59) => Date::constant(1899, 12, 31),
        (Epoch::Of1900, 61..=2_958_465) => Date::constant(1899, 12, 30),
        (Epoch::Of1904, 0..=2_957_003) => Date::constant(1904, 1, 1),
        _ => return None,
    };
    first.checked_add(serial.days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_systems_count_their_days() {
        let shown = |serial, epoch| day(serial, epoch).map(|date| date.to_string());
        assert_eq!(shown(1, Epoch::Of1900).as_deref(), Some("1900-01-01"));
        assert_eq!(shown(59, Epoch::Of1900).as_deref(), Some("1900-02-28"));
        assert_eq!(shown(60, Epoch::Of1900), None);
        assert_eq!(shown(61, Epoch::Of1900).as_deref(), Some("1900-03-01"));
        assert_eq!(shown(46_113, Epoch::Of1900).as_deref(), Some("2026-04-01"));
        assert_eq!(shown(44_651, Epoch::Of1904).as_deref(), Some("2026-04-01"));
        assert_eq!(shown(2_958_466, Epoch::Of1900), None);
    }

    #[test]
    fn a_time_of_day_is_rounded_to_the_millisecond() {
        let shown = |text| instant(text, Epoch::Of1900).map(|at| at.to_string());
        assert_eq!(shown("46113.375").as_deref(), Some("2026-04-01T09:00:00"));
        assert_eq!(
            shown("46113.38888888889").as_deref(),
            Some("2026-04-01T09:20:00")
        );
        assert_eq!(
            shown("46113.999999999999").as_deref(),
            Some("2026-04-02T00:00:00")
        );
        assert_eq!(shown("46113.x"), None);
    }
}
