//! Months, fiscal years and periods.
//!
//! *Units*: a `Day` counts days since 1970-01-01, as Arrow's Date32 does.

use std::fmt;

use jiff::civil::Date;
use jiff::{Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::problem::{Place, Problem};
use crate::text::Text;

/// A date as the number of days since 1970-01-01.
pub type Day = i32;

/// The day from which facts hold, and the earliest that any column may hold.
pub const BEGINNING: Day = -25_567; // 1900-01-01

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Returns the day of a civil date. *Source*: Hinnant, «chrono-Compatible Low-Level Date Algorithms», `days_from_civil`: years
/// begin in March, and 400 of them have 146,097 days.
#[must_use]
pub fn day_of(date: Date) -> Day {
    let (year, month, day) = (
        i32::from(date.year()),
        i32::from(date.month()),
        i32::from(date.day()),
    );
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    let of_era = year * 365 + year / 4 - year / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

/// Returns the civil date of a day; days out of jiff's range are clamped to its ends.
#[must_use]
pub fn date_of(day: Day) -> Date {
    EPOCH.saturating_add(Span::new().try_days(day).unwrap_or_default())
}

/// Reads a date written `2026-09-30`.
#[must_use]
pub fn parse_day(text: &str) -> Option<Day> {
    let canonical = text.len() == 10 && text.as_bytes()[4] == b'-';
    text.parse::<Date>().ok().filter(|_| canonical).map(day_of)
}

/// Returns the date of an instant in a time zone.
#[must_use]
pub fn local_day(instant_micros: i64, zone: &TimeZone) -> Day {
    Timestamp::from_microsecond(instant_micros)
        .map_or(0, |instant| day_of(instant.to_zoned(zone.clone()).date()))
}

/// The dates of many instants in a time zone: between two changes of its clocks the zone is asked once.
#[derive(Debug)]
pub struct LocalDays<'z> {
    zone: &'z TimeZone,
    /// From which instant on, and until before which, clocks are set as they were at the last one. *Units*: microseconds.
    span: std::ops::Range<i64>,
    /// How far clocks are ahead of UTC. *Units*: microseconds.
    ahead: i64,
}

impl<'z> LocalDays<'z> {
    /// The dates in a zone.
    #[must_use]
    pub fn new(zone: &'z TimeZone) -> Self {
        Self {
            zone,
            span: 0..0,
            ahead: 0,
        }
    }

    /// The date of an instant, as `local_day` gives it.
    pub fn of(&mut self, instant_micros: i64) -> Day {
        if !self.span.contains(&instant_micros) && !self.look(instant_micros) {
            return local_day(instant_micros, self.zone);
        }
        let local = instant_micros.saturating_add(self.ahead);
        Day::try_from(local.div_euclid(MICROS_OF_DAY)).unwrap_or(0)
    }

    /// Asks the zone; tells whether it knows the instant.
    fn look(&mut self, instant_micros: i64) -> bool {
        let Ok(instant) = Timestamp::from_microsecond(instant_micros) else {
            return false;
        };
        let micros = |change: jiff::tz::TimeZoneTransition<'_>| change.timestamp().as_microsecond();
        // The change before is sought from the next instant on, so that it may be this one.
        let next = Timestamp::from_microsecond(instant_micros.saturating_add(1));
        let before = next.ok().and_then(|next| self.zone.preceding(next).next());
        let after = self.zone.following(instant).next();
        let least = Timestamp::MIN.as_microsecond();
        let most = Timestamp::MAX.as_microsecond();
        self.span = before.map_or(least, micros)..after.map_or(most, micros);
        self.ahead = i64::from(self.zone.to_offset(instant).seconds()) * 1_000_000;
        self.span.contains(&instant_micros)
    }
}

/// Microseconds of a day.
const MICROS_OF_DAY: i64 = 86_400_000_000;

/// Writes an instant as RFC 3339 in UTC; what lies outside of all calendars as its number of microseconds.
#[must_use]
pub fn instant_text(instant_micros: i64) -> String {
    Timestamp::from_microsecond(instant_micros)
        .map_or_else(|_| instant_micros.to_string(), |at| at.to_string())
}

/// Returns the day `months` later, the last of the month where that month is shorter.
#[must_use]
pub fn months_after(day: Day, months: i64) -> Day {
    day_of(date_of(day).saturating_add(Span::new().try_months(months).unwrap_or_default()))
}

/// A calendar month. *Units*: the number of months since the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Month(pub i32);

impl Month {
    /// Makes a month from year and month number (1..=12).
    #[must_use]
    pub fn new(year: i16, month: i8) -> Self {
        Self(i32::from(year) * 12 + i32::from(month) - 1)
    }

    /// The month in which a day lies.
    #[must_use]
    pub fn of(day: Day) -> Self {
        let date = date_of(day);
        Self::new(date.year(), date.month())
    }

    /// Its year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// Its number in the year, 1..=12.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0.rem_euclid(12) + 1
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> Day {
        let year = i16::try_from(self.year()).unwrap_or(1900);
        let month = i8::try_from(self.number()).unwrap_or(1);
        Date::new(year, month, 1).map_or(BEGINNING, day_of)
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> Day {
        self.plus(1).first_day() - 1
    }

    /// The month `months` later.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        Self(self.0 + months)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.number())
    }
}

/// A fiscal year that is listed with its own first and last month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiscalYear {
    /// Its name: the year in which it starts, unless a list says otherwise.
    pub name: i32,
    /// Its first month.
    pub first: Month,
    /// Its last month.
    pub last: Month,
}

/// The fiscal calendar of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    first_month: i32,
    listed: Vec<FiscalYear>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self {
            first_month: 4,
            listed: Vec::new(),
        }
    }
}

impl Calendar {
    /// Makes a calendar whose years start in `first_month` (1..=12), except for the years listed.
    ///
    /// # Errors
    /// Listed years that overlap or end before they start; each problem is put at `place`.
    pub fn new(
        first_month: i32,
        mut listed: Vec<FiscalYear>,
        place: &Place,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if !(1..=12).contains(&first_month) {
            problems.push(
                Problem::new(
                    place.clone(),
                    Text::new(
                        format!("会計年度を{first_month}月に始めることはできません"),
                        format!("a fiscal year cannot start in month {first_month}"),
                    ),
                )
                .hint(Text::new(
                    "1〜12の月を指定してください",
                    "use a month from 1 to 12",
                )),
            );
        }
        listed.sort_by_key(|year| year.first);
        for year in &listed {
            if year.last < year.first {
                problems.push(
                    Problem::new(
                        place.clone(),
                        Text::new(
                            format!("会計年度{}が、始まる前に終わっています", year.name),
                            format!("fiscal year {} ends before it starts", year.name),
                        ),
                    )
                    .hint(Text::new(
                        "最初の月と最後の月を正しい順に書いてください",
                        "give its first and last month in order",
                    )),
                );
            }
        }
        for pair in listed.windows(2) {
            if pair[1].first <= pair[0].last {
                problems.push(
                    Problem::new(
                        place.clone(),
                        Text::new(
                            format!("会計年度{}と{}が重なっています", pair[0].name, pair[1].name),
                            format!("fiscal years {} and {} overlap", pair[0].name, pair[1].name),
                        ),
                    )
                    .hint(Text::new(
                        format!("{}を{}に始めてください", pair[1].name, pair[0].last.plus(1)),
                        format!("let {} start in {}", pair[1].name, pair[0].last.plus(1)),
                    )),
                );
            }
            if pair[1].name <= pair[0].name {
                problems.push(Problem::new(
                    place.clone(),
                    Text::new(
                        format!("会計年度{}と{}の順序が逆です", pair[0].name, pair[1].name),
                        format!(
                            "fiscal years {} and {} are out of order",
                            pair[0].name, pair[1].name
                        ),
                    ),
                ));
            }
        }
        if problems.is_empty() {
            Ok(Self {
                first_month,
                listed,
            })
        } else {
            Err(problems)
        }
    }

    /// The fiscal year in which a month lies.
    ///
    /// A year that is not listed is regular, but gives way where a listed year begins or ends within it.
    #[must_use]
    pub fn year_of(&self, month: Month) -> FiscalYear {
        if let Some(year) = self
            .listed
            .iter()
            .find(|y| y.first <= month && month <= y.last)
        {
            return *year;
        }
        let name = (month.0 - (self.first_month - 1)).div_euclid(12);
        let regular = Month(name * 12 + self.first_month - 1);
        let mut year = FiscalYear {
            name,
            first: regular,
            last: regular.plus(11),
        };
        for listed in &self.listed {
            if listed.last < month {
                year.first = year.first.max(listed.last.plus(1));
            }
            if listed.first > month {
                year.last = year.last.min(listed.first.plus(-1));
            }
        }
        year
    }

    /// The fiscal year of a name, if there is one.
    #[must_use]
    pub fn year_named(&self, name: i32) -> Option<FiscalYear> {
        if let Some(year) = self.listed.iter().find(|year| year.name == name) {
            return Some(*year);
        }
        let regular = Month(name * 12 + self.first_month - 1);
        (0..12)
            .map(|i| self.year_of(regular.plus(i)))
            .find(|year| year.name == name)
    }

    /// First day of the fiscal year in which a day lies.
    #[must_use]
    pub fn fiscal_year_start(&self, day: Day) -> Day {
        self.year_of(Month::of(day)).first.first_day()
    }

    /// Last day of the fiscal year in which a day lies.
    #[must_use]
    pub fn fiscal_year_end(&self, day: Day) -> Day {
        self.year_of(Month::of(day)).last.last_day()
    }

    /// Last day of the cycle of `months` months in which a day lies; cycles count from the start of a fiscal year.
    #[must_use]
    pub fn cycle_end(&self, day: Day, months: i32) -> Day {
        let months = months.max(1);
        let year = self.year_of(Month::of(day));
        if months >= 12 {
            // Cycles of whole years count from the fiscal year 2000, so that all org units share them.
            let years = months / 12;
            let last = year.name - 2000 - (year.name - 2000).rem_euclid(years) + 2000 + years - 1;
            return self
                .year_named(last)
                .map_or(year.last, |y| y.last)
                .last_day();
        }
        let index = (Month::of(day).0 - year.first.0).div_euclid(months);
        year.first
            .plus((index + 1) * months - 1)
            .min(year.last)
            .last_day()
    }
}

/// A period of measurement: a month, or what is made of months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// A calendar month.
    Month(Month),
    /// A quarter (1..=4) of a fiscal year.
    Quarter(i32, u8),
    /// A half (1..=2) of a fiscal year.
    Half(i32, u8),
    /// A fiscal year.
    Year(i32),
    /// A fiscal year until the end of a month.
    YearToDate(Month),
}

impl Period {
    /// Reads `2026-09`, `FY2026-Q2`, `FY2026-H1`, `FY2026` or `2026-09-YTD`.
    ///
    /// # Errors
    /// The forms that exist, as a hint.
    pub fn parse(text: &str) -> Result<Self, PeriodError> {
        Self::parse_form(text).ok_or_else(|| PeriodError {
            found: text.to_owned(),
        })
    }

    fn parse_form(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("FY") {
            let (year, part) = rest
                .split_once('-')
                .map_or((rest, None), |(y, p)| (y, Some(p)));
            if year.len() != 4 {
                return None;
            }
            let year: i32 = year.parse().ok()?;
            return match part {
                None => Some(Self::Year(year)),
                Some("H1") => Some(Self::Half(year, 1)),
                Some("H2") => Some(Self::Half(year, 2)),
                Some(quarter) => {
                    let number: u8 = quarter.strip_prefix('Q')?.parse().ok()?;
                    (1..=4)
                        .contains(&number)
                        .then_some(Self::Quarter(year, number))
                }
            };
        }
        let (month, to_date) = match text.strip_suffix("-YTD") {
            Some(month) => (month, true),
            None => (text, false),
        };
        let (year, number) = month.split_once('-')?;
        if year.len() != 4 || number.len() != 2 {
            return None;
        }
        let number: i8 = number.parse().ok().filter(|n| (1..=12).contains(n))?;
        let month = Month::new(year.parse().ok()?, number);
        Some(if to_date {
            Self::YearToDate(month)
        } else {
            Self::Month(month)
        })
    }

    /// The same period of the year before.
    #[must_use]
    pub fn year_before(self) -> Self {
        match self {
            Self::Month(month) => Self::Month(month.plus(-12)),
            Self::Quarter(year, part) => Self::Quarter(year - 1, part),
            Self::Half(year, part) => Self::Half(year - 1, part),
            Self::Year(year) => Self::Year(year - 1),
            Self::YearToDate(month) => Self::YearToDate(month.plus(-12)),
        }
    }

    /// Its first and last month; `None` where the fiscal year has no such part.
    #[must_use]
    pub fn months(self, calendar: &Calendar) -> Option<(Month, Month)> {
        let part = |year: i32, index: u8, length: i32| {
            let year = calendar.year_named(year)?;
            let first = year.first.plus((i32::from(index) - 1) * length);
            (first <= year.last).then(|| (first, first.plus(length - 1).min(year.last)))
        };
        match self {
            Self::Month(month) => Some((month, month)),
            Self::Quarter(year, index) => part(year, index, 3),
            Self::Half(year, index) => part(year, index, 6),
            Self::Year(year) => calendar.year_named(year).map(|y| (y.first, y.last)),
            Self::YearToDate(month) => Some((calendar.year_of(month).first, month)),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(month) => write!(f, "{month}"),
            Self::Quarter(year, index) => write!(f, "FY{year}-Q{index}"),
            Self::Half(year, index) => write!(f, "FY{year}-H{index}"),
            Self::Year(year) => write!(f, "FY{year}"),
            Self::YearToDate(month) => write!(f, "{month}-YTD"),
        }
    }
}

/// A text that is not a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a period: {found}")]
pub struct PeriodError {
    /// What was found.
    pub found: String,
}

impl PeriodError {
    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "write 2026-09, FY2026-Q2, FY2026-H1, FY2026 (named by the year it starts in) or 2026-09-YTD"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_counts_them() {
        for day in (-719_528..2_932_800).step_by(31).chain(-800..800) {
            assert_eq!(day_of(date_of(day)), day);
        }
    }

    #[test]
    fn many_instants_have_the_dates_that_each_has() {
        for zone in ["Asia/Tokyo", "America/New_York", "Pacific/Apia"] {
            let zone = TimeZone::get(zone).expect("the zone is known");
            let mut days = LocalDays::new(&zone);
            let all = (-2_000..3_000).map(|step| step * 1_000_000_007_123_457 / 2);
            for instant in all.chain([i64::MIN, -1, 0, 1, i64::MAX]) {
                assert_eq!(days.of(instant), local_day(instant, &zone), "{instant}");
            }
            let changes: Vec<_> = zone.following(Timestamp::UNIX_EPOCH).take(60).collect();
            for change in changes {
                for near in [-3_600_000_000, -1, 0, 1, 7_200_000_000] {
                    let instant = change.timestamp().as_microsecond() + near;
                    assert_eq!(days.of(instant), local_day(instant, &zone), "{instant}");
                }
            }
        }
    }

    #[test]
    fn a_fiscal_year_is_named_by_the_year_it_starts_in() {
        let calendar = Calendar::default();
        let year = calendar.year_of(Month::new(2027, 3));
        assert_eq!(
            (year.name, year.first, year.last),
            (2026, Month::new(2026, 4), Month::new(2027, 3))
        );
        assert_eq!(
            Period::parse("FY2026-Q4").map(|p| p.months(&calendar)),
            Ok(Some((Month::new(2027, 1), Month::new(2027, 3))))
        );
    }

    #[test]
    fn a_short_year_cuts_its_quarters_and_the_years_beside_it() {
        let short = FiscalYear {
            name: 2026,
            first: Month::new(2026, 4),
            last: Month::new(2026, 12),
        };
        let next = FiscalYear {
            name: 2027,
            first: Month::new(2027, 1),
            last: Month::new(2027, 12),
        };
        let calendar = Calendar::new(4, vec![short, next], &Place::default()).expect("years fit");
        assert_eq!(calendar.year_of(Month::new(2027, 2)).name, 2027);
        assert_eq!(Period::Quarter(2026, 4).months(&calendar), None);
        assert_eq!(
            calendar.fiscal_year_end(Month::new(2026, 5).first_day()),
            Month::new(2026, 12).last_day()
        );
        let after = calendar.year_of(Month::new(2028, 2));
        assert_eq!(
            (after.first, after.last),
            (Month::new(2028, 1), Month::new(2028, 3))
        );
    }

    #[test]
    fn overlapping_fiscal_years_are_refused() {
        let a = FiscalYear {
            name: 2026,
            first: Month::new(2026, 4),
            last: Month::new(2027, 3),
        };
        let b = FiscalYear {
            name: 2027,
            first: Month::new(2027, 3),
            last: Month::new(2028, 2),
        };
        let problems = Calendar::new(4, vec![a, b], &Place::default()).expect_err("they overlap");
        assert!(problems[0].message.en.contains("overlap"), "{problems:?}");
    }

    #[test]
    fn a_cycle_ends_with_its_block_of_months_or_years() {
        let calendar = Calendar::default();
        let day = Month::new(2026, 8).first_day();
        assert_eq!(calendar.cycle_end(day, 6), Month::new(2026, 9).last_day());
        assert_eq!(calendar.cycle_end(day, 12), Month::new(2027, 3).last_day());
        assert_eq!(calendar.cycle_end(day, 24), Month::new(2028, 3).last_day());
    }

    #[test]
    fn days_and_dates_agree() {
        assert_eq!(date_of(BEGINNING), jiff::civil::date(1900, 1, 1));
        assert_eq!(parse_day("2026-02-30"), None);
        assert_eq!(
            date_of(months_after(day_of(jiff::civil::date(2026, 1, 31)), 1)),
            jiff::civil::date(2026, 2, 28)
        );
    }
}
