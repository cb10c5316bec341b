//! Reads periods, days and instants of knowledge as people write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use keiki_engine::Against;
use keiki_model::business_days::BusinessDays;
use keiki_model::calendar::{Day, Month, Period, PeriodError, date_of, parse_day};
use keiki_model::text::Text;

use crate::error::{Error, Result};

/// The most periods that one question may span.
const PERIOD_COUNT: i32 = 600;
/// The most business days after a period's end that something may be due.
const MOST_BUSINESS_DAYS: u32 = 60;

/// Reads a period.
///
/// # Errors
/// It is none.
pub fn period(text: &str) -> Result<Period> {
    Period::parse(text).map_err(|error| {
        Error::user(
            Text::new(
                format!("対象期間として読めません: {text}"),
                error.to_string(),
            ),
            forms(&error),
        )
    })
}

/// The forms in which a period is written.
#[must_use]
pub fn forms(error: &PeriodError) -> Text {
    Text::new(
        "2026-09、FY2026-Q2、FY2026-H1、FY2026(年度は開始年で呼ぶ)、2026-09-YTD のように書きます",
        error.hint(),
    )
}

/// Reads every period from one to another, both of one kind.
///
/// # Errors
/// They are of different kinds, out of order, or too many.
pub fn periods(from: &str, to: &str) -> Result<Vec<Period>> {
    let (first, last) = (period(from)?, period(to)?);
    let all = match (first, last) {
        (Period::Month(a), Period::Month(b)) => run(a.0, b.0, |n| Period::Month(Month(n))),
        (Period::YearToDate(a), Period::YearToDate(b)) => {
            run(a.0, b.0, |n| Period::YearToDate(Month(n)))
        }
        (Period::Quarter(a, p), Period::Quarter(b, q)) => {
            run(a * 4 + i32::from(p) - 1, b * 4 + i32::from(q) - 1, |n| {
                Period::Quarter(n.div_euclid(4), part(n, 4))
            })
        }
        (Period::Half(a, p), Period::Half(b, q)) => {
            run(a * 2 + i32::from(p) - 1, b * 2 + i32::from(q) - 1, |n| {
                Period::Half(n.div_euclid(2), part(n, 2))
            })
        }
        (Period::Year(a), Period::Year(b)) => run(a, b, Period::Year),
        _ => None,
    };
    all.ok_or_else(|| {
        Error::user(
            Text::new(
                format!("{from} から {to} までの期間を並べられません"),
                format!("no run of periods leads from {from} to {to}"),
            ),
            Text::new(
                format!("同じ種類の期間を古い順に、{PERIOD_COUNT}個までで指定します(例: --from 2026-04 --to 2026-09)"),
                format!("give two of one kind in order, at most {PERIOD_COUNT} apart, such as --from 2026-04 --to 2026-09"),
            ),
        )
    })
}

/// The periods of one kind that end with a period, so many, in order.
#[must_use]
pub fn until(period: Period, count: u16) -> Vec<Period> {
    let back = i32::from(count.max(1)) - 1;
    let found = match period {
        Period::Month(month) => run(month.0 - back, month.0, |n| Period::Month(Month(n))),
        Period::YearToDate(month) => run(month.0 - back, month.0, |n| Period::YearToDate(Month(n))),
        Period::Quarter(year, quarter) => {
            let last = year * 4 + i32::from(quarter) - 1;
            run(last - back, last, |n| {
                Period::Quarter(n.div_euclid(4), part(n, 4))
            })
        }
        Period::Half(year, half) => {
            let last = year * 2 + i32::from(half) - 1;
            run(last - back, last, |n| {
                Period::Half(n.div_euclid(2), part(n, 2))
            })
        }
        Period::Year(year) => run(year - back, year, Period::Year),
    };
    found.unwrap_or_else(|| vec![period])
}

fn part(number: i32, parts: i32) -> u8 {
    u8::try_from(number.rem_euclid(parts) + 1).unwrap_or(1)
}

fn run(first: i32, last: i32, make: impl Fn(i32) -> Period) -> Option<Vec<Period>> {
    let is_sound = first <= last && last - first < PERIOD_COUNT;
    is_sound.then(|| (first..=last).map(make).collect())
}

/// Reads a day.
///
/// # Errors
/// It is none, or does not exist.
pub fn day(text: &str) -> Result<Day> {
    parse_day(text).ok_or_else(|| {
        Error::user(
            Text::new(
                format!("存在する日付として読めません: {text}"),
                format!("not a date that exists: {text}"),
            ),
            Text::new("2026-09-30 のように書きます", "write it as 2026-09-30"),
        )
    })
}

/// Reads the day by which something about a period is due: a date, or `business day 5`, counted from the day after its last day.
///
/// # Errors
/// It is neither.
pub fn due(text: &str, last: Day, business_days: &BusinessDays) -> Result<Day> {
    if let Some(number) = text.strip_prefix("business day ") {
        let count = number.trim().parse().ok();
        if let Some(count) = count.filter(|count| (1..=MOST_BUSINESS_DAYS).contains(count)) {
            return Ok(business_days.after(last, count));
        }
    } else if let Some(day) = parse_day(text) {
        return Ok(day);
    }
    Err(Error::user(
        Text::new(
            format!("期限として読めません: {text}"),
            format!("not a day by which something is due: {text}"),
        ),
        Text::new(
            format!(
                "2026-10-09、または \"business day 5\"(対象期間が終わってから5営業日目、{MOST_BUSINESS_DAYS}まで)のように書きます"
            ),
            format!(
                "write 2026-10-09, or \"business day 5\" for the fifth after the period's end, up to {MOST_BUSINESS_DAYS}"
            ),
        ),
    ))
}

/// Reads an instant: RFC 3339, a local date and time, or a date, which stands for the end of that day. *Units*: UTC microseconds.
///
/// # Errors
/// It is none of these.
pub fn instant(text: &str, zone: &TimeZone) -> Result<i64> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_microsecond());
    }
    if let Some(day) = parse_day(text)
        && let Ok(next) = date_of(day + 1).to_zoned(zone.clone())
    {
        return Ok(next.timestamp().as_microsecond() - 1);
    }
    if text.len() > 10
        && let Ok(local) = text.parse::<DateTime>()
        && let Ok(instant) = local.to_zoned(zone.clone())
    {
        return Ok(instant.timestamp().as_microsecond());
    }
    Err(Error::user(
        Text::new(
            format!("時点として読めません: {text}"),
            format!("not an instant: {text}"),
        ),
        Text::new(
            "2026-10-09(その日の終わり)、2026-10-09T12:00、2026-10-09T12:00:00+09:00 のように書きます",
            "write 2026-10-09 (the end of that day), 2026-10-09T12:00 or 2026-10-09T12:00:00+09:00",
        ),
    ))
}

/// Reads what a figure is compared with: another period, or another instant of knowledge.
///
/// # Errors
/// It is neither.
pub fn against(text: &str, zone: &TimeZone) -> Result<Against> {
    match Period::parse(text) {
        Ok(period) => Ok(Against::Period(period)),
        Err(_) => instant(text, zone).map(Against::KnownAt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokyo() -> TimeZone {
        TimeZone::get("Asia/Tokyo").expect("the zone is in the database")
    }

    #[test]
    fn a_date_stands_for_the_end_of_that_day_in_the_zone() {
        let end = instant("2026-09-30", &tokyo()).expect("a date");
        let next = instant("2026-10-01T00:00", &tokyo()).expect("a date and time");
        assert_eq!(end, next - 1);
        assert_eq!(
            instant("2026-09-30T15:00:00Z", &tokyo()).expect("RFC 3339"),
            next
        );
        assert_eq!(
            instant("2026-10-01T00:00:00+09:00", &tokyo()).expect("RFC 3339"),
            next
        );
    }

    #[test]
    fn a_run_of_quarters_crosses_the_year() {
        let found = periods("FY2025-Q4", "FY2026-Q2").expect("a run");
        assert_eq!(
            found,
            [
                Period::Quarter(2025, 4),
                Period::Quarter(2026, 1),
                Period::Quarter(2026, 2)
            ]
        );
        assert!(periods("2026-09", "2026-04").is_err());
        assert!(periods("2026-09", "FY2026").is_err());
    }

    #[test]
    fn what_is_no_period_may_be_an_instant_to_compare_with() {
        assert_eq!(
            against("2026-08", &tokyo()).ok(),
            Period::parse("2026-08").ok().map(Against::Period)
        );
        assert!(matches!(
            against("2026-08-31", &tokyo()),
            Ok(Against::KnownAt(_))
        ));
        assert!(against("last month", &tokyo()).is_err());
    }

    #[test]
    fn what_is_due_is_a_date_or_a_business_day_after_the_period() {
        let last = Month::new(2026, 10).last_day();
        let due = |text| due(text, last, &BusinessDays::default()).ok();
        // November 2026: the 1st is a Sunday, the 3rd a holiday.
        assert_eq!(due("business day 1"), parse_day("2026-11-02"));
        assert_eq!(due("business day 5"), parse_day("2026-11-09"));
        assert_eq!(due("2026-11-06"), parse_day("2026-11-06"));
        assert_eq!(due("business day 0"), None);
        assert_eq!(due("soon"), None);
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        assert!(day("2026-02-30").is_err());
        assert!(instant("2026-02-30", &tokyo()).is_err());
    }
}
