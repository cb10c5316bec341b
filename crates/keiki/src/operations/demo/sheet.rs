//! Writes evidence as the systems of the story would: CSV with a header, or JSON.

use keiki_model::calendar::{Day, date_of, day_of};

/// A CSV file in the making. Its values hold no separators or quotes.
#[derive(Debug, Clone)]
pub(super) struct Sheet(String);

impl Sheet {
    /// Begins with the header.
    pub(super) fn new(header: &str) -> Self {
        Self(format!("{header}\n"))
    }

    /// Adds a row.
    pub(super) fn row(&mut self, values: &[&str]) {
        self.0.push_str(&values.join(","));
        self.0.push('\n');
    }

    /// The file.
    pub(super) fn text(self) -> String {
        self.0
    }
}

/// A day of the story.
pub(super) fn day(year: i16, month: i8, day: i8) -> Day {
    day_of(jiff::civil::Date::constant(year, month, day))
}

/// A day as `2026-09-30`.
pub(super) fn iso(day: Day) -> String {
    date_of(day).to_string()
}

/// A day as `2026/09/30`.
pub(super) fn slashed(day: Day) -> String {
    iso(day).replace('-', "/")
}

/// A day as `09/30/2026`.
pub(super) fn american(day: Day) -> String {
    date_of(day).strftime("%m/%d/%Y").to_string()
}

/// An instant as `2026-09-30T09:05:00+09:00`, so many minutes after a day's start.
pub(super) fn instant(day: Day, minutes: i32) -> String {
    let (days, rest) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    format!(
        "{}T{:02}:{:02}:00+09:00",
        iso(day + days),
        rest / 60,
        rest % 60
    )
}
