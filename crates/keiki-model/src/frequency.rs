//! How often something is measured and asked for: at the end of each month, or of each quarter, half or year of the fiscal calendar.

use crate::calendar::{Calendar, Day, Month, Period};
use crate::text::Text;

/// How far back the period that ended last is looked for: two fiscal years. *Units*: months.
const LOOKED_BACK_MONTHS: i32 = 24;

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// Each month.
    Monthly,
    /// Each quarter.
    Quarterly,
    /// Each half of a year.
    HalfYearly,
    /// Each year.
    Yearly,
}

impl Frequency {
    /// Every frequency with its word in data.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("monthly", Self::Monthly),
        ("quarterly", Self::Quarterly),
        ("half_yearly", Self::HalfYearly),
        ("yearly", Self::Yearly),
    ];

    /// The word in data.
    #[must_use]
    pub fn code(self) -> &'static str {
        let mut all = Self::NAMES.into_iter();
        all.find(|(_, one)| *one == self)
            .map_or("", |(name, _)| name)
    }

    /// The word on screen.
    #[must_use]
    pub fn title(self) -> Text {
        match self {
            Self::Monthly => Text::new("月次", "monthly"),
            Self::Quarterly => Text::new("四半期", "quarterly"),
            Self::HalfYearly => Text::new("半期", "half-yearly"),
            Self::Yearly => Text::new("年次", "yearly"),
        }
    }

    /// *Units*: months.
    fn months(self) -> u8 {
        match self {
            Self::Monthly => 1,
            Self::Quarterly => 3,
            Self::HalfYearly => 6,
            Self::Yearly => 12,
        }
    }

    /// The period that ends with a month; `None` where none of its does.
    #[must_use]
    pub fn ended_with(self, month: Month, calendar: &Calendar) -> Option<Period> {
        let months = self.months();
        let end = calendar.cycle_end(month.first_day(), i32::from(months));
        if end != month.last_day() {
            return None;
        }
        let year = calendar.year_of(month);
        let part = || u8::try_from((month.0 - year.first.0) / i32::from(months) + 1).ok();
        match self {
            Self::Monthly => Some(Period::Month(month)),
            Self::Quarterly => Some(Period::Quarter(year.name, part()?)),
            Self::HalfYearly => Some(Period::Half(year.name, part()?)),
            Self::Yearly => Some(Period::Year(year.name)),
        }
    }

    /// The period that ended last before a day, with its last month.
    #[must_use]
    pub fn last_ended(self, day: Day, calendar: &Calendar) -> Option<(Period, Month)> {
        let this = Month::of(day);
        let mut months = (1..=LOOKED_BACK_MONTHS).map(|back| this.plus(-back));
        months.find_map(|month| Some((self.ended_with(month, calendar)?, month)))
    }

    /// The last day of the period in which a day lies.
    #[must_use]
    pub fn end(self, day: Day, calendar: &Calendar) -> Day {
        calendar.cycle_end(day, i32::from(self.months()))
    }

    /// Whether a period of its ends within a span of months.
    #[must_use]
    pub fn ends_within(self, (first, last): (Month, Month), calendar: &Calendar) -> bool {
        (first.0..=last.0).any(|month| self.ended_with(Month(month), calendar).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_with_the_last_of_its_months() {
        let calendar = Calendar::default();
        let of = |frequency: Frequency, year, month| {
            let ended = frequency.ended_with(Month::new(year, month), &calendar);
            ended.map(|period| period.to_string())
        };
        for (frequency, year, month, period) in [
            (Frequency::Monthly, 2026, 5, Some("2026-05")),
            (Frequency::Quarterly, 2026, 5, None),
            (Frequency::Quarterly, 2026, 6, Some("FY2026-Q1")),
            (Frequency::Quarterly, 2027, 3, Some("FY2026-Q4")),
            (Frequency::HalfYearly, 2026, 6, None),
            (Frequency::HalfYearly, 2026, 9, Some("FY2026-H1")),
            (Frequency::Yearly, 2026, 9, None),
            (Frequency::Yearly, 2027, 3, Some("FY2026")),
        ] {
            assert_eq!(of(frequency, year, month).as_deref(), period);
        }
    }

    #[test]
    fn the_period_that_ended_last_is_not_that_of_today() {
        let calendar = Calendar::default();
        let last = |frequency: Frequency, text: &str| {
            let day = crate::calendar::parse_day(text).expect("a day");
            let (period, month) = frequency.last_ended(day, &calendar).expect("one ended");
            (period.to_string(), month.to_string())
        };
        let told = |period: &str, month: &str| (period.to_owned(), month.to_owned());
        assert_eq!(
            last(Frequency::Quarterly, "2026-09-30"),
            told("FY2026-Q1", "2026-06")
        );
        assert_eq!(
            last(Frequency::Quarterly, "2026-10-01"),
            told("FY2026-Q2", "2026-09")
        );
        assert_eq!(
            last(Frequency::Yearly, "2026-10-01"),
            told("FY2025", "2026-03")
        );
        let half = (Month::new(2026, 7), Month::new(2026, 12));
        assert!(Frequency::HalfYearly.ends_within(half, &calendar));
        assert!(!Frequency::Yearly.ends_within(half, &calendar));
    }
}
