//! Business days: Monday to Friday without the holidays of Japan and the days on which the organisation is closed.
//!
//! *Source*: Act on National Holidays (国民の祝日に関する法律), article 3: a holiday that falls on a Sunday moves to the next day
//! that is none (振替休日), and a day between two holidays is one (国民の休日). The crate `jpholiday` computes them; the days of
//! the equinoxes are astronomical and proclaimed each February for the year after.

use jiff::civil::Weekday;
use jpholiday::chrono::NaiveDate;
use jpholiday::jpholiday::JPHoliday;

use crate::calendar::{BEGINNING, Day, Month, date_of, day_of};
use crate::problem::{Place, Problem};
use crate::text::Text;

/// Days looked at to find a business day; whatever is closed, one is found within them, or the search ends.
const SEARCHED_DAYS: i32 = 400;
/// The longest closure in days.
const CLOSED_DAYS: i32 = 31;
/// The most closures.
const CLOSURES: usize = 200;

thread_local! {
    static JAPAN: JPHoliday<'static> = JPHoliday::new();
}

/// Whose public holidays are no business days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Holidays {
    /// Those of Japan.
    #[default]
    Japan,
    /// Nobody's: only weekends and closures count.
    None,
}

impl Holidays {
    /// How they are written in `keiki.toml`.
    pub const CHOICES: [(&'static str, Self); 2] = [("japan", Self::Japan), ("none", Self::None)];
}

/// Days on which the organisation itself is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closure {
    /// From one month and day to another, every year; it may run over the year's end.
    Yearly {
        /// Month and day of the first day.
        first: (i8, i8),
        /// Month and day of the last day.
        last: (i8, i8),
    },
    /// From one day to another, once.
    Once {
        /// The first day.
        first: Day,
        /// The last day.
        last: Day,
    },
}

impl Closure {
    /// Reads `12-29..01-03`, `08-15`, `2026-08-13..2026-08-14` or `2026-10-01`.
    ///
    /// # Errors
    /// What is wrong with it, put at `place`.
    pub fn parse(text: &str, place: &Place) -> Result<Self, Problem> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let (first, last) = (first.trim(), last.trim());
        let found = match (month_and_day(first), month_and_day(last)) {
            (Some(first), Some(last)) => Some(Self::Yearly { first, last }),
            _ => crate::calendar::parse_day(first)
                .zip(crate::calendar::parse_day(last))
                .filter(|(first, last)| first <= last)
                .map(|(first, last)| Self::Once { first, last }),
        };
        let Some(closure) = found else {
            let message = Text::new(
                format!("休業日として読めません: `{text}`"),
                format!("not a day of closure: `{text}`"),
            );
            return Err(Problem::new(place.clone(), message).hint(Text::new(
                "毎年のものは \"12-29..01-03\" や \"08-15\"、一度だけのものは \"2026-08-13..2026-08-14\" のように書いてください",
                "write \"12-29..01-03\" or \"08-15\" for every year, \"2026-08-13..2026-08-14\" for once",
            )));
        };
        if closure.days() > CLOSED_DAYS {
            let message = Text::new(
                format!("休業日が{CLOSED_DAYS}日を超えています: `{text}`"),
                format!("closed for more than {CLOSED_DAYS} days: `{text}`"),
            );
            return Err(Problem::new(place.clone(), message).hint(Text::new(
                "初日と最終日を確かめてください",
                "look at its first and last day",
            )));
        }
        Ok(closure)
    }

    /// How long it is; 2024 stands for every year, since it has a 29 February.
    fn days(self) -> i32 {
        match self {
            Self::Once { first, last } => last - first + 1,
            Self::Yearly { first, last } => {
                let on = |year: i16, (month, day)| day_of(jiff::civil::date(year, month, day));
                let year = if last < first { 2025 } else { 2024 };
                // 29 February is in leap years only, and 2024 + 1 is none.
                let last = if last == (2, 29) { (2, 28) } else { last };
                on(year, last) - on(2024, first) + 1
            }
        }
    }

    fn holds_on(self, day: Day) -> bool {
        match self {
            Self::Once { first, last } => first <= day && day <= last,
            Self::Yearly { first, last } => {
                let date = date_of(day);
                let at = (date.month(), date.day());
                if first <= last {
                    first <= at && at <= last
                } else {
                    at >= first || at <= last
                }
            }
        }
    }
}

/// Reads `12-29`; 29 February is there.
fn month_and_day(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.split_once('-')?;
    if month.len() != 2 || day.len() != 2 {
        return None;
    }
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    jiff::civil::Date::new(2024, month, day).ok()?;
    Some((month, day))
}

/// Tells business days from others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BusinessDays {
    holidays: Holidays,
    closures: Vec<Closure>,
}

impl BusinessDays {
    /// Makes business days that leave out holidays and closures.
    ///
    /// # Errors
    /// Too many closures, or so many that hardly a business day is left; the problem is put at `place`.
    pub fn new(holidays: Holidays, closures: Vec<Closure>, place: &Place) -> Result<Self, Problem> {
        let (count, limit) = (closures.len(), CLOSURES);
        let days = Self { holidays, closures };
        let year = day_of(jiff::civil::date(2024, 1, 1));
        let is_left = days
            .closures
            .iter()
            .all(|of| matches!(of, Closure::Once { .. }))
            || (year..year + 366).filter(|day| days.is_one(*day)).count() >= 100;
        if count <= limit && is_left {
            return Ok(days);
        }
        let message = Text::new(
            "休業日が多すぎて、営業日を数えられません",
            "so many closures leave no business days to count",
        );
        Err(Problem::new(place.clone(), message).hint(Text::new(
            format!("休業日は{limit}件まで、営業日が年に100日以上残るように書いてください"),
            format!("write at most {limit} closures that leave at least 100 business days a year"),
        )))
    }

    /// Tells whether a day is a business day.
    #[must_use]
    pub fn is_one(&self, day: Day) -> bool {
        let is_weekend = matches!(date_of(day).weekday(), Weekday::Saturday | Weekday::Sunday);
        let is_closed = || self.closures.iter().any(|closure| closure.holds_on(day));
        let is_off = || self.holidays == Holidays::Japan && is_holiday(day);
        !(is_weekend || is_closed() || is_off())
    }

    /// The day itself where it is a business day, else the next one.
    #[must_use]
    pub fn on_or_after(&self, day: Day) -> Day {
        self.search(day, 1)
    }

    /// The day itself where it is a business day, else the one before.
    #[must_use]
    pub fn on_or_before(&self, day: Day) -> Day {
        self.search(day, -1)
    }

    /// The business day `count` business days after a day; with 0, the day itself or the next business day.
    #[must_use]
    pub fn after(&self, day: Day, count: u32) -> Day {
        if count == 0 {
            return self.on_or_after(day);
        }
        (0..count).fold(day, |day, _| self.on_or_after(day + 1))
    }

    /// The business day `count` business days before a day; with 0, the day itself or the business day before it.
    #[must_use]
    pub fn before(&self, day: Day, count: u32) -> Day {
        if count == 0 {
            return self.on_or_before(day);
        }
        (0..count).fold(day, |day, _| self.on_or_before(day - 1))
    }

    /// The business day of a number (1 is the first) in a month; `None` where the month has fewer.
    #[must_use]
    pub fn of_month(&self, month: Month, number: u32) -> Option<Day> {
        let position = usize::try_from(number).ok()?.checked_sub(1)?;
        (month.first_day()..=month.last_day())
            .filter(|day| self.is_one(*day))
            .nth(position)
    }

    /// The last business day of a month; `None` where the month has none.
    #[must_use]
    pub fn last_of_month(&self, month: Month) -> Option<Day> {
        (month.first_day()..=month.last_day())
            .rev()
            .find(|day| self.is_one(*day))
    }

    /// Business days after a day, up to and with another: 1 from a Thursday to its Friday, 0 where `until` is not later.
    #[must_use]
    pub fn between(&self, from: Day, until: Day) -> usize {
        (from + 1..=until).filter(|day| self.is_one(*day)).count()
    }

    fn search(&self, day: Day, step: i32) -> Day {
        (0..SEARCHED_DAYS)
            .map(|days| day + step * days)
            .find(|day| self.is_one(*day))
            .unwrap_or(day)
    }
}

/// Tells whether a day is a public holiday of Japan.
#[must_use]
pub fn is_holiday(day: Day) -> bool {
    name_of_holiday(day).is_some()
}

/// The Japanese name of a day's public holiday; the day between two is 国民の休日, a moved one ends with 振替休日.
#[must_use]
pub fn name_of_holiday(day: Day) -> Option<String> {
    let date = date_of(day);
    let (month, number) = (
        u32::try_from(date.month()).ok()?,
        u32::try_from(date.day()).ok()?,
    );
    let date = NaiveDate::from_ymd_opt(i32::from(date.year()), month, number)?;
    let is_in_force = day > BEGINNING && date.checked_add_days(LOOKED_AHEAD).is_some();
    is_in_force.then(|| JAPAN.with(|japan| japan.is_holiday_name(&date)))?
}

const LOOKED_AHEAD: jpholiday::chrono::Days = jpholiday::chrono::Days::new(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        crate::calendar::parse_day(text).expect("a date")
    }

    fn japan(closures: &[&str]) -> BusinessDays {
        let closures = closures
            .iter()
            .map(|text| Closure::parse(text, &Place::default()).expect("a closure"));
        BusinessDays::new(Holidays::Japan, closures.collect(), &Place::default())
            .expect("business days are left")
    }

    /// The holidays of a year as month and day, in the order of the Cabinet Office's list.
    fn holidays_of(year: i16) -> Vec<String> {
        let first = day_of(jiff::civil::date(year, 1, 1));
        let last = day_of(jiff::civil::date(year, 12, 31));
        (first..=last)
            .filter(|day| is_holiday(*day))
            .map(|day| date_of(day).strftime("%m-%d").to_string())
            .collect()
    }

    /// *Source*: the Cabinet Office's list of national holidays (内閣府「国民の祝日について」) of 2025, 2026 and 2027.
    #[test]
    fn the_holidays_of_three_years_are_those_that_were_proclaimed() {
        assert_eq!(
            holidays_of(2025),
            [
                "01-01", "01-13", "02-11", "02-23", "02-24", "03-20", "04-29", "05-03", "05-04",
                "05-05", "05-06", "07-21", "08-11", "09-15", "09-23", "10-13", "11-03", "11-23",
                "11-24"
            ]
        );
        assert_eq!(
            holidays_of(2026),
            [
                "01-01", "01-12", "02-11", "02-23", "03-20", "04-29", "05-03", "05-04", "05-05",
                "05-06", "07-20", "08-11", "09-21", "09-22", "09-23", "10-12", "11-03", "11-23"
            ]
        );
        assert_eq!(
            holidays_of(2027),
            [
                "01-01", "01-11", "02-11", "02-23", "03-21", "03-22", "04-29", "05-03", "05-04",
                "05-05", "07-19", "08-11", "09-20", "09-23", "10-11", "11-03", "11-23"
            ]
        );
    }

    #[test]
    fn moved_holidays_and_the_day_between_two_have_their_names() {
        let name = |text| name_of_holiday(day(text));
        assert_eq!(name("2026-09-22").as_deref(), Some("国民の休日"));
        assert!(name("2026-05-06").is_some_and(|name| name.ends_with("振替休日")));
        assert!(name("2027-03-22").is_some_and(|name| name.ends_with("振替休日")));
        assert_eq!(name("2026-09-24"), None);
    }

    #[test]
    fn business_days_after_a_day_step_over_weekends_and_holidays() {
        let days = japan(&[]);
        // Friday 18 September 2026; then Saturday to Wednesday is closed: two Sundays' days and three holidays.
        assert_eq!(days.after(day("2026-09-18"), 1), day("2026-09-24"));
        assert_eq!(days.before(day("2026-09-24"), 1), day("2026-09-18"));
        assert_eq!(days.after(day("2026-09-19"), 0), day("2026-09-24"));
        assert_eq!(days.before(day("2026-09-23"), 0), day("2026-09-18"));
        assert_eq!(days.between(day("2026-09-18"), day("2026-09-25")), 2);
        assert_eq!(days.between(day("2026-09-25"), day("2026-09-18")), 0);
    }

    #[test]
    fn business_days_of_a_month_are_counted_from_its_first() {
        let days = japan(&["12-29..01-03"]);
        // January 2027: the 1st is a holiday, the 2nd and 3rd a weekend and closed.
        let january = Month::new(2027, 1);
        assert_eq!(days.of_month(january, 1), Some(day("2027-01-04")));
        assert_eq!(days.of_month(january, 6), Some(day("2027-01-12")));
        assert_eq!(days.of_month(january, 0), None);
        assert_eq!(days.of_month(january, 31), None);
        let december = Month::new(2026, 12);
        assert_eq!(days.last_of_month(december), Some(day("2026-12-28")));
        assert_eq!(days.after(day("2026-12-28"), 1), day("2027-01-04"));
    }

    #[test]
    fn closures_of_every_year_and_of_one_year_count() {
        let days = japan(&["08-15", "2026-08-13..2026-08-14"]);
        assert!(!days.is_one(day("2026-08-13")));
        assert!(days.is_one(day("2027-08-13")));
        assert!(!days.is_one(day("2028-08-15")));
        let abroad = BusinessDays::new(Holidays::None, Vec::new(), &Place::default());
        assert!(abroad.is_ok_and(|days| days.is_one(day("2026-11-23"))));
    }

    #[test]
    fn what_is_no_closure_is_refused() {
        for text in [
            "",
            "12-32",
            "02-30",
            "2026-08-14..2026-08-13",
            "12-29..2027-01-03",
            "01-01..12-31",
            "03-01..02-28",
        ] {
            let found = Closure::parse(text, &Place::default());
            assert!(found.is_err(), "{text}: {found:?}");
        }
    }

    #[test]
    fn closures_that_leave_no_business_days_are_refused() {
        let months = (1..=12).map(|month| Closure::Yearly {
            first: (month, 1),
            last: (month, 25),
        });
        let found = BusinessDays::new(Holidays::Japan, months.collect(), &Place::default());
        assert!(found.is_err(), "{found:?}");
    }
}
