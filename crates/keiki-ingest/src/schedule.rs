//! When a source is read: a few plain words in its definition.
//!
//! ```text
//! hourly · hourly at :15 · daily at 06:00 · weekdays at 06:00 · weekly on monday at 06:00
//! monthly on day 5 at 06:00 · monthly on last day at 06:00 · monthly on business day 3 at 06:00
//! ```
//!
//! A business day is Monday to Friday; public holidays are not known here. Times are those of the
//! workspace's zone. *Source*: own definition.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The forms, for hints.
pub const FORMS: &str = "write hourly at :15, daily at 06:00, weekdays at 06:00, weekly on monday at 06:00, \
                         monthly on day 5 at 06:00, monthly on last day at 06:00, or monthly on business day 3 at 06:00";

/// Days looked at to find one; every form falls on one within that.
const DAYS_LOOKED_AT: i64 = 70;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// When a source is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    rhythm: Rhythm,
    at: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rhythm {
    /// Every hour, at the time's minute.
    Hourly,
    Daily,
    Weekdays,
    Weekly(Weekday),
    DayOfMonth(i8),
    LastDayOfMonth,
    BusinessDay(i8),
}

impl Schedule {
    /// Reads a schedule; `None` where it has none of the forms.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let (days, at) = match text.split_once(" at ") {
            Some((days, at)) => (days, Some(at.trim())),
            None => (text.as_str(), None),
        };
        let words: Vec<&str> = days.split_whitespace().collect();
        let rhythm = match words.as_slice() {
            ["hourly"] => {
                let minute = at.map_or(Some("00"), |at| at.strip_prefix(':'))?;
                let at = clock(&format!("00:{minute}"))?;
                let rhythm = Rhythm::Hourly;
                return Some(Self { rhythm, at });
            }
            ["daily"] => Rhythm::Daily,
            ["weekdays"] => Rhythm::Weekdays,
            ["weekly", "on", day] => {
                let found = WEEKDAYS.iter().find(|(name, _)| name == day);
                Rhythm::Weekly(found?.1)
            }
            ["monthly", "on", "last", "day"] => Rhythm::LastDayOfMonth,
            ["monthly", "on", "day", day] => Rhythm::DayOfMonth(within(day, 28)?),
            ["monthly", "on", "business", "day", day] => Rhythm::BusinessDay(within(day, 20)?),
            _ => return None,
        };
        let at = clock(at?)?;
        Some(Self { rhythm, at })
    }

    /// The last time at or before an instant that the schedule names.
    #[must_use]
    pub fn last(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.rhythm == Rhythm::Hourly {
            let found = self.in_hour(now, zone)?;
            return if found <= now {
                Some(found)
            } else {
                found.checked_sub(1.hour()).ok()
            };
        }
        let today = now.to_zoned(zone.clone()).date();
        (0..=DAYS_LOOKED_AT)
            .filter_map(|days| today.checked_sub(days.days()).ok())
            .filter(|day| self.falls_on(*day))
            .filter_map(|day| self.on(day, zone))
            .find(|found| *found <= now)
    }

    /// The next time after an instant that the schedule names.
    #[must_use]
    pub fn next(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.rhythm == Rhythm::Hourly {
            return self.last(now, zone)?.checked_add(1.hour()).ok();
        }
        let today = now.to_zoned(zone.clone()).date();
        (0..=DAYS_LOOKED_AT)
            .filter_map(|days| today.checked_add(days.days()).ok())
            .filter(|day| self.falls_on(*day))
            .filter_map(|day| self.on(day, zone))
            .find(|found| *found > now)
    }

    fn in_hour(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = now.to_zoned(zone.clone()).datetime();
        let local = local
            .with()
            .minute(self.at.minute())
            .second(0)
            .subsec_nanosecond(0);
        Some(local.build().ok()?.to_zoned(zone.clone()).ok()?.timestamp())
    }

    fn on(&self, day: Date, zone: &TimeZone) -> Option<Timestamp> {
        let local = day.to_datetime(self.at).to_zoned(zone.clone()).ok()?;
        Some(local.timestamp())
    }

    fn falls_on(&self, day: Date) -> bool {
        match self.rhythm {
            Rhythm::Hourly | Rhythm::Daily => true,
            Rhythm::Weekdays => is_business_day(day),
            Rhythm::Weekly(weekday) => day.weekday() == weekday,
            Rhythm::DayOfMonth(number) => day.day() == number,
            Rhythm::LastDayOfMonth => day == day.last_of_month(),
            Rhythm::BusinessDay(number) => {
                is_business_day(day) && business_days_until(day) == number
            }
        }
    }
}

fn is_business_day(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Business days from the first of the month to the day, both counted.
fn business_days_until(day: Date) -> i8 {
    let first = day.first_of_month();
    let mut count = 0;
    for at in 0..day.day() {
        let is_one = first
            .checked_add(i64::from(at).days())
            .is_ok_and(is_business_day);
        count += i8::from(is_one);
    }
    count
}

fn within(text: &str, most: i8) -> Option<i8> {
    let number: i8 = text.parse().ok()?;
    (1..=most).contains(&number).then_some(number)
}

/// Reads a time of day, `06:00`.
fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokyo() -> TimeZone {
        TimeZone::get("Asia/Tokyo").expect("the zone is in the database")
    }

    /// The last and the next time around an instant, in Tokyo.
    fn around(text: &str, now: &str) -> String {
        let schedule = Schedule::parse(text).unwrap_or_else(|| unreachable!("{text}"));
        let now: Timestamp = now.parse().expect("an instant");
        let shown = |at: Option<Timestamp>| {
            let at = at.expect("there is one").to_zoned(tokyo());
            at.strftime("%Y-%m-%d %H:%M").to_string()
        };
        format!(
            "{} | {}",
            shown(schedule.last(now, &tokyo())),
            shown(schedule.next(now, &tokyo()))
        )
    }

    #[test]
    fn a_schedule_names_the_times_before_and_after_an_instant() {
        // 2026-11-25 is a Wednesday; 21:00 UTC is 06:00 of the next day in Tokyo.
        let cases = [
            (
                "daily at 06:00",
                "2026-11-25T21:00:00Z",
                "2026-11-26 06:00 | 2026-11-27 06:00",
            ),
            (
                "daily at 06:00",
                "2026-11-25T20:59:59Z",
                "2026-11-25 06:00 | 2026-11-26 06:00",
            ),
            (
                "weekdays at 06:00",
                "2026-11-28T00:00:00Z",
                "2026-11-27 06:00 | 2026-11-30 06:00",
            ),
            (
                "weekly on Monday at 23:30",
                "2026-11-25T00:00:00Z",
                "2026-11-23 23:30 | 2026-11-30 23:30",
            ),
            (
                "monthly on day 5 at 06:00",
                "2026-11-25T00:00:00Z",
                "2026-11-05 06:00 | 2026-12-05 06:00",
            ),
            (
                "monthly on last day at 18:00",
                "2026-11-25T00:00:00Z",
                "2026-10-31 18:00 | 2026-11-30 18:00",
            ),
            // 1 November 2026 is a Sunday, 1 December a Tuesday.
            (
                "monthly on business day 3 at 06:00",
                "2026-11-25T00:00:00Z",
                "2026-11-04 06:00 | 2026-12-03 06:00",
            ),
            (
                "hourly at :15",
                "2026-11-25T00:14:59Z",
                "2026-11-25 08:15 | 2026-11-25 09:15",
            ),
            (
                "hourly",
                "2026-11-25T00:00:00Z",
                "2026-11-25 09:00 | 2026-11-25 10:00",
            ),
        ];
        for (text, now, expected) in cases {
            assert_eq!(around(text, now), expected, "{text} at {now}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_none() {
        for text in [
            "",
            "daily",
            "daily at 6:00",
            "daily at 24:00",
            "weekly on funday at 06:00",
            "monthly on day 29 at 06:00",
            "monthly on business day 21 at 06:00",
            "hourly at 15",
            "0 6 * * *",
        ] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }
}
