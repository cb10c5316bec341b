//! Periods and days in the reader's words, and whether figures of a period are closed.

use keiki_model::calendar::Period;
use keiki_model::text::{Language, Text};

use crate::format;

/// Whether figures are closed, with the day in the organisation's zone, as `2026-10-14`; it is shown in the reader's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finality {
    /// They were closed on the day, and do not change.
    Closed(String),
    /// Nobody has closed them; they hold what was known on the day.
    NotClosed(String),
}

impl Finality {
    /// Such as `2026年10月14日 締め`, `not closed: as known on 2026-11-26`.
    pub(super) fn text(&self, language: Language) -> Text {
        let (Self::Closed(on) | Self::NotClosed(on)) = self;
        let on = format::day(on, language);
        match self {
            Self::Closed(_) => Text::new(format!("{on} 締め"), format!("closed {on}")),
            Self::NotClosed(_) => Text::new(
                format!("未締め・{on}現在"),
                format!("not closed, as known on {on}"),
            ),
        }
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A period in words, such as `2026年9月` or `September 2026`.
#[must_use]
pub fn period_name(code: &str, language: Language) -> String {
    let Ok(period) = Period::parse(code) else {
        return code.to_owned();
    };
    let month_word = |number: i32| {
        let at = usize::try_from(number - 1).unwrap_or_default();
        MONTHS.get(at).copied().unwrap_or_default()
    };
    let text = match period {
        Period::Month(month) => Text::new(
            format!("{}年{}月度", month.year(), month.number()),
            format!("{} {}", month_word(month.number()), month.year()),
        ),
        Period::Quarter(year, quarter) => Text::new(
            format!("{year}年度第{quarter}四半期"),
            format!("Q{quarter} of fiscal {year}"),
        ),
        Period::Half(year, half) => {
            let ja = if half == 1 { "上期" } else { "下期" };
            let en = if half == 1 { "First" } else { "Second" };
            Text::new(
                format!("{year}年度{ja}"),
                format!("{en} half of fiscal {year}"),
            )
        }
        Period::Year(year) => Text::new(format!("{year}年度"), format!("Fiscal {year}")),
        Period::YearToDate(month) => Text::new(
            format!("{}年{}月までの年度累計", month.year(), month.number()),
            format!("Year to {} {}", month_word(month.number()), month.year()),
        ),
    };
    text.get(language).to_owned()
}

/// A period as an axis names it, such as `9月` or `Sep`; a month that begins a year carries the year.
#[must_use]
pub fn period_label(code: &str, language: Language) -> String {
    let Ok(period) = Period::parse(code) else {
        return code.to_owned();
    };
    let text = match period {
        Period::Month(month) | Period::YearToDate(month) => {
            let at = usize::try_from(month.number() - 1).unwrap_or_default();
            let name = MONTHS.get(at).map_or("", |name| &name[..3]);
            let short = month.year().rem_euclid(100);
            if month.number() == 1 {
                Text::new(format!("{short:02}年1月"), format!("Jan {short:02}"))
            } else {
                Text::new(format!("{}月", month.number()), name)
            }
        }
        Period::Quarter(year, quarter) => {
            let short = year.rem_euclid(100);
            Text::new(
                format!("{short:02}年Q{quarter}"),
                format!("Q{quarter} {short:02}"),
            )
        }
        Period::Half(year, half) => {
            let short = year.rem_euclid(100);
            let ja = if half == 1 { "上" } else { "下" };
            Text::new(format!("{short:02}年{ja}"), format!("H{half} {short:02}"))
        }
        Period::Year(year) => Text::new(format!("{year}年度"), format!("FY{year}")),
    };
    text.get(language).to_owned()
}
