//! Reads dates and instants that exist.
//!
//! Without stated forms, what can only be one day is read: the year first (`2026-04-01`, `2026/4/1`,
//! `2026年4月1日`), or a Japanese era. What could be two days is refused with the key that says which.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use keiki_model::calendar::{BEGINNING, Day, day_of};

use super::number::narrow;
use super::{Why, japanese, serial, why};
use crate::format::TimeForm;

const TOO_EARLY: Why = why("1900年より前です", "before 1900");
const TOO_LATE: Why = why(
    "9999年12月30日より後です。「期限なし」の意味なら [format] に null = [\"9999-12-31\"] と書いてください",
    "after 9999-12-30; if it means that there is none, add null = [\"9999-12-31\"] to [format]",
);
const CLOCKS_CHANGE: Why = why(
    "時計の切り替えのため、この時刻は存在しないか2回あります。時差を付けてください",
    "the clocks are changed then: this time does not exist, or exists twice; give an offset",
);
const TIME_NEEDED: Why = why("時刻が必要です", "a time of day is needed");

/// The last day that is taken: one more has instants in some zone that no calendar holds.
const END: Date = Date::constant(9999, 12, 30);

/// Reads a date in the first of the forms that fits.
///
/// # Errors
/// None fits, the day does not exist, or it lies before 1900.
pub(crate) fn date(text: &str, forms: &[TimeForm]) -> Result<Day, Why> {
    if let Some(date) = iso_date(text)
        && (forms.is_empty() || forms.contains(&TimeForm::Iso))
    {
        return bounded(date);
    }
    let narrow = narrow(text);
    let text = narrow.trim();
    let found = if forms.is_empty() {
        year_first(text).or_else(|| japanese::date(text))
    } else {
        forms.iter().find_map(|form| match form {
            TimeForm::Iso => iso_date(text),
            TimeForm::Japanese => year_first(text).or_else(|| japanese::date(text)),
            TimeForm::Excel(epoch) => serial::date(text, *epoch),
            TimeForm::Seconds | TimeForm::Milliseconds => None,
            TimeForm::Stated(form) => strtime::parse(form, text).ok()?.to_date().ok(),
        })
    };
    bounded(found.ok_or_else(|| no_day(text, forms))?)
}

fn bounded(date: Date) -> Result<Day, Why> {
    let day = day_of(date);
    match day {
        _ if day < BEGINNING => Err(TOO_EARLY),
        _ if date > END => Err(TOO_LATE),
        day => Ok(day),
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

/// A date with four digits of a year first: `2026/4/1`, `2026-4-1`, `2026.4.1`, `2026年4月1日`.
fn year_first(text: &str) -> Option<Date> {
    let year_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if year_digits != 4 {
        return None;
    }
    let (year, rest) = text.split_at(4);
    let (month, day) = month_and_day(rest)?;
    Date::new(year.parse().ok()?, month, day).ok()
}

/// The month and day that follow a year: `/4/1`, `-4-1`, `.4.1` or `年4月1日`.
pub(super) fn month_and_day(text: &str) -> Option<(i8, i8)> {
    let mark = text.chars().next()?;
    let rest = &text[mark.len_utf8()..];
    let (month, day) = match mark {
        '年' => {
            let (month, day) = rest.split_once('月')?;
            (month, day.strip_suffix('日')?)
        }
        '/' | '-' | '.' => rest.split_once(mark)?,
        _ => return None,
    };
    Some((short_number(month)?, short_number(day)?))
}

fn short_number(text: &str) -> Option<i8> {
    let text = text.trim();
    let is_short = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_short.then(|| text.parse().ok()).flatten()
}

/// Says what keeps a text from being a day, and which key of the source would let it be one.
fn no_day(text: &str, forms: &[TimeForm]) -> Why {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let digits = shape.bytes().filter(|byte| *byte == b'0').count();
    match shape.as_str() {
        _ if digits == 0 => None,
        _ if shape.contains(':') => why(
            "日付の欄に時刻があります。日時の列に対応付けるか、date に形式を書いてください",
            "there is a time of day in it; map it to an instant, or state the form in `date`",
        ),
        _ if shape.starts_with("0000") && shape.len() > 8 => why(
            "存在しない日付か、別の形式です",
            "no such day, or another form of date is expected",
        ),
        _ if japanese::names_era(text) => {
            why("その元号にはない日付です", "the era has no such day")
        }
        _ if !forms.is_empty() => None,
        "00000000" => why(
            "年月日の並びなら [format] に date = [\"%Y%m%d\"] と書いてください",
            "if these are year, month and day, add date = [\"%Y%m%d\"] to [format]",
        ),
        _ if shape.bytes().all(|byte| matches!(byte, b'0' | b'.')) && digits < 8 => why(
            "Excelのシリアル値なら [format] に date = [\"excel\"] と書いてください",
            "if it is a serial day of Excel, add date = [\"excel\"] to [format]",
        ),
        _ => why(
            "日と月のどちらが先か、[format] に date = [\"%d/%m/%Y\"] のように書いてください",
            "say in [format] which comes first, day or month, for example date = [\"%d/%m/%Y\"]",
        ),
    }
}

/// Reads an instant as UTC microseconds, digits beyond which are dropped: in RFC 3339, as a date and
/// a time of day in `zone` or with an offset behind it, or in the first of the forms that fits, if
/// there are any.
///
/// # Errors
/// None fits, the local time does not exist or exists twice, or it lies before 1900.
pub(crate) fn instant(text: &str, forms: &[TimeForm], zone: &TimeZone) -> Result<i64, Why> {
    let instant = if forms.is_empty() {
        default_form(text, zone)?
    } else {
        stated_form(text, forms, zone)?
    };
    let micros = instant.as_microsecond();
    if micros < i64::from(BEGINNING) * 86_400_000_000 {
        Err(TOO_EARLY)
    } else if micros >= i64::from(day_of(END) + 1) * 86_400_000_000 {
        Err(TOO_LATE)
    } else {
        Ok(micros)
    }
}

fn default_form(text: &str, zone: &TimeZone) -> Result<Timestamp, Why> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let narrow = narrow(text);
    let text = narrow.trim();
    let (date, time) = date_and_time(text).ok_or_else(|| no_instant(text))?;
    let (time, offset) = with_offset(time)?;
    let time = time_of_day(time).ok_or_else(|| no_instant(text))?;
    let local = DateTime::from_parts(date, time);
    match offset {
        Some(offset) => offset.to_timestamp(local).map_err(|_| None),
        None => in_zone(local, zone),
    }
}

/// Parts a text into its date and what follows it.
fn date_and_time(text: &str) -> Option<(Date, &str)> {
    let end = match text.find('日') {
        Some(at) => at + '日'.len_utf8(),
        None => text.find([' ', 'T', 't'])?,
    };
    let (day, time) = text.split_at(end);
    let date = year_first(day).or_else(|| japanese::date(day))?;
    let time = time.trim_start_matches(['T', 't']).trim();
    (!time.is_empty()).then_some((date, time))
}

/// Takes the offset from UTC off the end of a time of day.
fn with_offset(time: &str) -> Result<(&str, Option<Offset>), Why> {
    for (name, hours) in [("UTC", 0), ("GMT", 0), ("JST", 9), ("Z", 0), ("z", 0)] {
        if let Some(time) = time.strip_suffix(name) {
            return Ok((time.trim_end(), Some(Offset::constant(hours))));
        }
    }
    if time.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(why(
            "略称の時間帯は国によって異なるため読みません。+09:00 のように書いてください",
            "abbreviated zones differ from country to country; give an offset such as +09:00",
        ));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Ok((time, None));
    };
    let (time, written) = time.split_at(at);
    let digits: String = written[1..].chars().filter(|c| *c != ':').collect();
    let is_offset = matches!(digits.len(), 2 | 4) && digits.bytes().all(|b| b.is_ascii_digit());
    let seconds = is_offset.then(|| {
        let hours: i32 = digits[..2].parse().unwrap_or(0);
        let minutes: i32 = digits[2..].parse().unwrap_or(0);
        (hours * 60 + minutes) * 60
    });
    let sign = if written.starts_with('-') { -1 } else { 1 };
    let offset = seconds.and_then(|seconds| Offset::from_seconds(sign * seconds).ok());
    match offset {
        Some(offset) => Ok((time.trim_end(), Some(offset))),
        None => Err(None),
    }
}

/// Reads `9:00`, `09:00:00.5`, `9時30分15秒`, `午後3時`.
fn time_of_day(text: &str) -> Option<Time> {
    let (text, afternoon) = match text.strip_prefix("午後") {
        Some(rest) => (rest.trim_start(), true),
        None => (
            text.strip_prefix("午前").unwrap_or(text).trim_start(),
            false,
        ),
    };
    let plain = text.replace(['時', '分'], ":").replace('秒', "");
    let plain = plain.trim_end_matches(':');
    let mut parts = plain.split(':');
    let hour = short_number(parts.next()?)?;
    let minute = match parts.next() {
        Some(minute) => short_number(minute)?,
        // An hour alone is a time of day where it says so.
        None => text.contains('時').then_some(0)?,
    };
    let (second, fraction) = match parts.next() {
        Some(seconds) => seconds.split_once('.').unwrap_or((seconds, "0")),
        None => ("0", "0"),
    };
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some() || !is_fraction || (afternoon && hour >= 12) {
        return None;
    }
    let nanoseconds: i32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let hour = if afternoon { hour + 12 } else { hour };
    Time::new(hour, minute, short_number(second)?, nanoseconds).ok()
}

fn no_instant(text: &str) -> Why {
    let has_time = text.contains([':', '時']);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    match text {
        _ if digits == 0 => None,
        _ if !has_time && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => why(
            "数値の日時は [format] に instant = [\"excel\"] または [\"epoch_seconds\"] のように書いてください",
            "say in [format] what the number is: instant = [\"excel\"], [\"epoch_seconds\"] or [\"epoch_milliseconds\"]",
        ),
        _ if !has_time => TIME_NEEDED,
        _ => why(
            "存在しない日時か、別の形式です。形式は [format] に instant = [\"%d/%m/%Y %H:%M\"] のように書いてください",
            "no such time, or another form; state it in [format], for example instant = [\"%d/%m/%Y %H:%M\"]",
        ),
    }
}

fn stated_form(text: &str, forms: &[TimeForm], zone: &TimeZone) -> Result<Timestamp, Why> {
    let mut reason = None;
    for form in forms {
        let read = match form {
            TimeForm::Iso | TimeForm::Japanese => default_form(text, zone),
            TimeForm::Excel(epoch) => match serial::instant(text, *epoch) {
                Some(local) => in_zone(local, zone),
                None => Err(None),
            },
            TimeForm::Seconds => serial::since_1970(text, 1_000_000).ok_or(None),
            TimeForm::Milliseconds => serial::since_1970(text, 1_000).ok_or(None),
            TimeForm::Stated(form) => written(form, text, zone),
        };
        match read {
            Ok(instant) => return Ok(instant),
            Err(why) => reason = reason.or(why),
        }
    }
    Err(reason)
}

fn written(form: &str, text: &str, zone: &TimeZone) -> Result<Timestamp, Why> {
    let time = strtime::parse(form, text).map_err(|_| None)?;
    if time.offset().is_some() || time.timestamp().is_some() {
        return time.to_timestamp().map_err(|_| None);
    }
    in_zone(time.to_datetime().map_err(|_| None)?, zone)
}

fn in_zone(local: DateTime, zone: &TimeZone) -> Result<Timestamp, Why> {
    let found = zone.to_ambiguous_timestamp(local);
    let ambiguous = found.is_ambiguous();
    found
        .unambiguous()
        .map_err(|_| if ambiguous { CLOCKS_CHANGE } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Epoch;

    fn forms(forms: &[&str]) -> Vec<TimeForm> {
        forms
            .iter()
            .map(|form| TimeForm::Stated((*form).to_owned()))
            .collect()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("the zone is in the database")
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        let mut forms = forms(&["%d/%m/%Y"]);
        forms.push(TimeForm::Iso);
        assert_eq!(date("2026-02-28", &forms), Ok(20_512));
        assert_eq!(date("28/02/2026", &forms), Ok(20_512));
        for wrong in [
            "2026-02-30",
            "30/02/2026",
            "2026-13-01",
            "2026-2-3x",
            "20260228",
            "0026-02-28",
            "9999-12-31",
        ] {
            assert!(date(wrong, &forms).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_that_can_only_be_one_needs_no_statement() {
        for text in [
            "2026-02-28",
            "2026/2/28",
            "2026.2.28",
            "2026年2月28日",
            "２０２６／０２／２８",
            "令和8年2月28日",
            "R8.2.28",
        ] {
            assert_eq!(date(text, &[]), Ok(20_512), "{text}");
        }
        for wrong in [
            "28/02/2026",
            "02/28/2026",
            "20260228",
            "46081",
            "2026-02/28",
            "2026/2/30",
            "28.2.26",
            "2026-02-28 10:00",
            "0001-01-01",
            "NaN",
            "平成40年1月1日",
            "2026年2月",
        ] {
            assert!(date(wrong, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn serial_days_are_read_where_they_are_stated() {
        let excel = [TimeForm::Excel(Epoch::Of1900)];
        assert_eq!(date("46081", &excel), Ok(20_512));
        assert_eq!(date("46081.0", &excel), Ok(20_512));
        assert!(date("46081.5", &excel).is_err());
        let tokyo = zone("Asia/Tokyo");
        let expected = instant("2026-02-28 09:20", &[], &tokyo);
        assert_eq!(instant("46081.388888888891", &excel, &tokyo), expected);
        let seconds = [TimeForm::Seconds];
        assert_eq!(
            instant("1772238000", &seconds, &tokyo),
            instant("2026-02-28T00:20:00Z", &[], &tokyo)
        );
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
            "2026/4/1 9:00",
            "2026/04/01 9:00:00 JST",
            "2026-04-01 00:00 UTC",
            "2026-04-01 02:00:00 +0200",
            "2026年4月1日 9時00分",
            "令和8年4月1日午前9時",
            "２０２６／４／１　９：００",
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
            "2026-04-01 09:00 EST",
            "01/04/2026 09:00",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
            "2026-04-01 9",
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
