//! When a source is read: a few plain words in its definition.
//!
//! ```text
//! hourly · hourly at :15 · daily at 06:00 · weekdays at 06:00 · business days at 06:00
//! weekly on monday at 06:00 · monthly on day 5 at 06:00 · monthly on last day at 06:00
//! monthly on business day 3 at 06:00 · monthly on last business day at 06:00
//! ```
//!
//! Weekdays are Monday to Friday; business days are the workspace's. Times are those of the
//! workspace's zone. *Source*: own definition.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use keiki_model::business_days::BusinessDays;
use keiki_model::calendar::{Month, day_of};
use keiki_model::text::Text;

/// The forms, for hints.
#[must_use]
pub fn forms() -> Text {
    const FORMS: [&str; 9] = [
        "hourly at :15",
        "daily at 06:00",
        "weekdays at 06:00",
        "business days at 06:00",
        "weekly on monday at 06:00",
        "monthly on day 5 at 06:00",
        "monthly on last day at 06:00",
        "monthly on business day 3 at 06:00",
        "monthly on last business day at 06:00",
    ];
    Text::new(
        format!("次のいずれかの形で書いてください: {}", FORMS.join("、")),
        format!("write it like one of these: {}", FORMS.join(", ")),
    )
}

/// Days looked at to find one; every form falls on one within that, however much is closed.
const DAYS_LOOKED_AT: i64 = 130;

/// The highest business day of a month that may be named; most months have as many.
const MOST_BUSINESS_DAY: i8 = 15;

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
    BusinessDays,
    Weekly(Weekday),
    DayOfMonth(i8),
    LastDayOfMonth,
    BusinessDayOfMonth(u32),
    LastBusinessDayOfMonth,
}

impl std::fmt::Display for Schedule {
    /// As it is written in a definition.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at.strftime("%H:%M");
        match self.rhythm {
            Rhythm::Hourly => write!(f, "hourly at {}", self.at.strftime(":%M")),
            Rhythm::Daily => write!(f, "daily at {at}"),
            Rhythm::Weekdays => write!(f, "weekdays at {at}"),
            Rhythm::BusinessDays => write!(f, "business days at {at}"),
            Rhythm::Weekly(day) => {
                let mut all = WEEKDAYS.iter();
                let name = all
                    .find(|(_, known)| *known == day)
                    .map_or("", |(name, _)| name);
                write!(f, "weekly on {name} at {at}")
            }
            Rhythm::DayOfMonth(day) => write!(f, "monthly on day {day} at {at}"),
            Rhythm::LastDayOfMonth => write!(f, "monthly on last day at {at}"),
            Rhythm::BusinessDayOfMonth(day) => write!(f, "monthly on business day {day} at {at}"),
            Rhythm::LastBusinessDayOfMonth => write!(f, "monthly on last business day at {at}"),
        }
    }
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
            ["business", "days"] => Rhythm::BusinessDays,
            ["weekly", "on", day] => {
                let found = WEEKDAYS.iter().find(|(name, _)| name == day);
                Rhythm::Weekly(found?.1)
            }
            ["monthly", "on", "last", "day"] => Rhythm::LastDayOfMonth,
            ["monthly", "on", "last", "business", "day"] => Rhythm::LastBusinessDayOfMonth,
            ["monthly", "on", "day", day] => Rhythm::DayOfMonth(within(day, 28)?),
            ["monthly", "on", "business", "day", day] => {
                Rhythm::BusinessDayOfMonth(within(day, MOST_BUSINESS_DAY)?.try_into().ok()?)
            }
            _ => return None,
        };
        let at = clock(at?)?;
        Some(Self { rhythm, at })
    }

    /// The last time at or before an instant that the schedule names.
    #[must_use]
    pub fn last(
        &self,
        now: Timestamp,
        zone: &TimeZone,
        business_days: &BusinessDays,
    ) -> Option<Timestamp> {
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
            .filter(|day| self.falls_on(*day, business_days))
            .filter_map(|day| self.on(day, zone))
            .find(|found| *found <= now)
    }

    /// The next time after an instant that the schedule names.
    #[must_use]
    pub fn next(
        &self,
        now: Timestamp,
        zone: &TimeZone,
        business_days: &BusinessDays,
    ) -> Option<Timestamp> {
        if self.rhythm == Rhythm::Hourly {
            return self
                .last(now, zone, business_days)?
                .checked_add(1.hour())
                .ok();
        }
        let today = now.to_zoned(zone.clone()).date();
        (0..=DAYS_LOOKED_AT)
            .filter_map(|days| today.checked_add(days.days()).ok())
            .filter(|day| self.falls_on(*day, business_days))
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

    fn falls_on(&self, date: Date, business_days: &BusinessDays) -> bool {
        let day = day_of(date);
        match self.rhythm {
            Rhythm::Hourly | Rhythm::Daily => true,
            Rhythm::Weekdays => !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday),
            Rhythm::BusinessDays => business_days.is_one(day),
            Rhythm::Weekly(weekday) => date.weekday() == weekday,
            Rhythm::DayOfMonth(number) => date.day() == number,
            Rhythm::LastDayOfMonth => date == date.last_of_month(),
            Rhythm::BusinessDayOfMonth(number) => {
                business_days.of_month(Month::of(day), number) == Some(day)
            }
            Rhythm::LastBusinessDayOfMonth => {
                business_days.last_of_month(Month::of(day)) == Some(day)
            }
        }
    }
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
        let days = BusinessDays::default();
        let shown = |at: Option<Timestamp>| {
            let at = at.expect("there is one").to_zoned(tokyo());
            at.strftime("%Y-%m-%d %H:%M").to_string()
        };
        format!(
            "{} | {}",
            shown(schedule.last(now, &tokyo(), &days)),
            shown(schedule.next(now, &tokyo(), &days))
        )
    }

    #[test]
    fn a_schedule_is_shown_as_it_is_written() {
        for text in [
            "hourly at :15",
            "daily at 06:00",
            "weekdays at 06:30",
            "business days at 06:00",
            "weekly on monday at 06:00",
            "monthly on day 5 at 06:00",
            "monthly on last day at 06:00",
            "monthly on business day 3 at 06:00",
            "monthly on last business day at 18:05",
        ] {
            let schedule = Schedule::parse(text).expect("it is a schedule");
            assert_eq!(schedule.to_string(), text);
        }
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
            // 1 November 2026 is a Sunday and the 3rd a holiday, 1 December a Tuesday.
            (
                "monthly on business day 3 at 06:00",
                "2026-11-25T00:00:00Z",
                "2026-11-05 06:00 | 2026-12-03 06:00",
            ),
            (
                "monthly on last business day at 06:00",
                "2026-11-25T00:00:00Z",
                "2026-10-30 06:00 | 2026-11-30 06:00",
            ),
            // Monday 23 November 2026 is a holiday: a weekday, but no business day.
            (
                "weekdays at 06:00",
                "2026-11-22T00:00:00Z",
                "2026-11-20 06:00 | 2026-11-23 06:00",
            ),
            (
                "business days at 06:00",
                "2026-11-22T00:00:00Z",
                "2026-11-20 06:00 | 2026-11-24 06:00",
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
            "monthly on business day 16 at 06:00",
            "hourly at 15",
            "0 6 * * *",
        ] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }
}
