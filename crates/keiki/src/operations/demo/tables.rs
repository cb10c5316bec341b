//! The tables of the story: who has how much of what, per company and year.

/// Fiscal years of the story, by the year in which they start.
pub(super) const YEARS: [i16; 4] = [2023, 2024, 2025, 2026];

/// A row of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    line: &'static str,
}

impl Row {
    /// A text.
    pub(super) fn text(self, column: usize) -> &'static str {
        self.line.split(',').nth(column).unwrap_or_default()
    }

    /// A whole number; zero where there is none.
    pub(super) fn number(self, column: usize) -> i32 {
        self.text(column).parse().unwrap_or(0)
    }
}

/// The rows of a table, without its header.
pub(super) fn rows(table: &'static str) -> impl Iterator<Item = Row> {
    table.lines().skip(1).map(|line| Row { line })
}

/// Tells whether one of `count` things is among the `quota` that are chosen. *Shape*: exactly `quota` of the indexes below
/// `count`, spread evenly and differently for each `salt`.
pub(super) fn is_chosen(index: i32, count: i32, quota: i32, salt: i32) -> bool {
    let place = i64::from(index) * 7919 + i64::from(salt) * 1013;
    place.rem_euclid(i64::from(count.max(1))) < i64::from(quota)
}

/// So many of a hundred, rounded to the nearest.
pub(super) fn percent_of(count: i32, percent: i32) -> i32 {
    (count * percent + 50) / 100
}

/// Whether a unit was part of the group in the fiscal year that starts in `year`.
pub(super) fn is_member(unit: &str, year: i16) -> bool {
    unit != "JP5" || year >= 2024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_quota_is_chosen() {
        for salt in 0..5 {
            let chosen = (0..120).filter(|index| is_chosen(*index, 120, 31, salt));
            assert_eq!(chosen.count(), 31);
        }
    }
}
