//! Reads dates and instants that exist.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use keiki_model::calendar::{BEGINNING, Day, day_of};

use super::Why;

/// The form that is read without the general parser.
const ISO_DATE: &str = "%Y-%m-%d";

/// Length of `2026-04-01 09:00`; anything shorter is no time of day.
const MINUTE_FORM_BYTES: usize = 16;

const TOO_EARLY: &str = "before 1900";

/// Reads a date in the first of the forms that fits.
///
/// # Errors
/// None fits, the day does not exist, or it lies before 1900.
pub(crate) fn date(text: &str, forms: &[String]) -> Result<Day, Why> {
    let date = forms
        .iter()
        .find_map(|form| {
            if form == ISO_DATE {
                return iso_date(text);
            }
            strtime::parse(form, text).ok()?.to_date().ok()
        })
        .ok_or_else(|| missing_day(text))?;
    let day = day_of(date);
    if day < BEGINNING {
        Err(Some(TOO_EARLY))
    } else {
        Ok(day)
    }
}

fn iso_date(text: &str) -> Option<Date> {
    let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
    let number = |range: std::ops::Range<usize>| {
        bytes[range].iter().try_fold(0_i16, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + i16::from(byte - b'0'))
        })
    };
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let part = |range| number(range).and_then(|n| i8::try_from(n).ok());
    Date::new(number(0..4)?, part(5..7)?, part(8..10)?).ok()
}

/// Tells a day that does not exist from a text that is no date.
fn missing_day(text: &str) -> Why {
    let shape = |c: char| if c.is_ascii_digit() { '0' } else { c };
    let shape: String = text.chars().map(shape).collect();
    matches!(shape.as_str(), "0000-00-00" | "0000/00/00")
        .then_some("no such day, or another form of date is expected")
}

/// Reads an instant as UTC microseconds, digits beyond which are dropped: in RFC 3339, as
/// `2026-04-01 09:00[:00]` in `zone`, or in the first of the forms that fits, if there are any.
///
/// # Errors
/// None fits, the local time does not exist or exists twice, or it lies before 1900.
pub(crate) fn instant(text: &str, forms: &[String], zone: &TimeZone) -> Result<i64, Why> {
    let instant = if forms.is_empty() {
        default_form(text, zone)?
    } else {
        stated_form(text, forms, zone)?
    };
    let micros = instant.as_microsecond();
    if micros < i64::from(BEGINNING) * 86_400_000_000 {
        Err(Some(TOO_EARLY))
    } else {
        Ok(micros)
    }
}

fn default_form(text: &str, zone: &TimeZone) -> Result<Timestamp, Why> {
    if text.len() < MINUTE_FORM_BYTES {
        return Err(Some("a time of day is needed"));
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let local: DateTime = text.parse().map_err(|_| None)?;
    in_zone(local, zone)
}

fn stated_form(text: &str, forms: &[String], zone: &TimeZone) -> Result<Timestamp, Why> {
    let Some(time) = forms.iter().find_map(|form| {
        let time = strtime::parse(form, text).ok()?;
        (time.to_datetime().is_ok() || time.to_timestamp().is_ok()).then_some(time)
    }) else {
        return Err(None);
    };
    if time.offset().is_some() || time.timestamp().is_some() {
        return time.to_timestamp().map_err(|_| None);
    }
    in_zone(time.to_datetime().map_err(|_| None)?, zone)
}

fn in_zone(local: DateTime, zone: &TimeZone) -> Result<Timestamp, Why> {
    let found = zone.to_ambiguous_timestamp(local);
    let ambiguous = found.is_ambiguous();
    found.unambiguous().map_err(|_| {
        ambiguous.then_some("the clocks are changed then: this time does not exist, or exists twice; give an offset")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(forms: &[&str]) -> Vec<String> {
        forms.iter().map(ToString::to_string).collect()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("the zone is in the database")
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        let forms = forms(&["%Y-%m-%d", "%d/%m/%Y"]);
        assert_eq!(date("2026-02-28", &forms), Ok(20_512));
        assert_eq!(date("28/02/2026", &forms), Ok(20_512));
        for wrong in [
            "2026-02-30",
            "30/02/2026",
            "2026-13-01",
            "2026-2-3x",
            "20260228",
            "２０２６-02-28",
            "0026-02-28",
        ] {
            assert!(date(wrong, &forms).is_err(), "{wrong}");
        }
    }

    #[test]
    fn instants_without_a_zone_are_local() {
        let tokyo = zone("Asia/Tokyo");
        let expected = "2026-04-01T00:00:00Z"
            .parse::<Timestamp>()
            .map(Timestamp::as_microsecond)
            .ok();
        for text in [
            "2026-04-01 09:00",
            "2026-04-01 09:00:00",
            "2026-04-01T09:00:00",
            "2026-04-01T09:00:00+09:00",
            "2026-04-01T00:00:00Z",
            "2026-04-01T00:00:00.0000009Z",
        ] {
            assert_eq!(instant(text, &[], &tokyo).ok(), expected, "{text}");
        }
        let day_first = forms(&["%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M %z"]);
        assert_eq!(
            instant("01/04/2026 09:00", &day_first, &tokyo).ok(),
            expected
        );
        assert_eq!(
            instant("01/04/2026 02:00 +0200", &day_first, &tokyo).ok(),
            expected
        );
        for wrong in [
            "2026-04-01",
            "09:00",
            "2026-04-01 25:00",
            "2026-04-01 09:00:61",
        ] {
            assert!(instant(wrong, &[], &tokyo).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_local_time_that_exists_twice_or_never_is_refused() {
        let berlin = zone("Europe/Berlin");
        assert!(instant("2026-10-25 02:30", &[], &berlin).is_err());
        assert!(instant("2026-03-29 02:30", &[], &berlin).is_err());
        assert!(instant("2026-10-25T02:30:00+02:00", &[], &berlin).is_ok());
    }
}
