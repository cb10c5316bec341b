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

/// A day as `2026-09-30`, once it has come; before, nobody knows of it.
pub(super) fn once_come(day: Option<Day>, today: Day) -> String {
    day.filter(|day| *day <= today)
        .map_or_else(String::new, iso)
}

/// A day as `2026-09-30`.
pub(super) fn iso(day: Day) -> String {
    date_of(day).to_string()
}

/// A day as `2026/09/30`.
pub(super) fn slashed(day: Day) -> String {
    iso(day).replace('-', "/")
}
