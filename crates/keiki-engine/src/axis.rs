//! The time axis of a cube: one bin for all that came before, one a month, and one a day of the open month.

use keiki_model::calendar::{Day, Month};
use serde::{Deserialize, Serialize};

/// The bins of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Axis {
    /// The first month that has a bin of its own.
    first: i32,
    /// Closed months from there on.
    closed: u16,
    /// The first day from which each bin after the opening one holds, ascending; one more for the end.
    starts: Vec<Day>,
    /// The bin of each day from the first month's first to the end; before them that of all days before, behind them one for all
    /// days after.
    bins: Vec<u16>,
}

impl Axis {
    /// Makes the axis of the months `first..=last`; the last is split into days.
    pub(crate) fn new(first: Month, last: Month) -> Self {
        let first = first.min(last);
        let closed = u16::try_from(last.0 - first.0).unwrap_or(u16::MAX - 64);
        let mut starts: Vec<Day> = (0..i32::from(closed))
            .map(|i| first.plus(i).first_day())
            .collect();
        starts.extend(last.first_day()..=last.last_day());
        starts.push(last.last_day() + 1);
        let of_days = starts.windows(2).zip(1_u16..);
        let of_days = of_days.flat_map(|(days, bin)| (days[0]..days[1]).map(move |_| bin));
        let mut bins: Vec<u16> = std::iter::once(0).chain(of_days).collect();
        bins.push(u16::try_from(starts.len()).unwrap_or(u16::MAX));
        Self {
            first: first.0,
            closed,
            starts,
            bins,
        }
    }

    /// The months from the first to the last, which all the rest follows from.
    pub(crate) fn months(&self) -> (Month, Month) {
        (
            Month(self.first),
            Month(self.first + i32::from(self.closed)),
        )
    }

    /// The number of bins, the opening one included.
    pub(crate) fn bins(&self) -> usize {
        self.starts.len()
    }

    /// The bin of a day: 0 for all before the first month; `None` after the last.
    #[inline]
    pub(crate) fn bin(&self, day: Day) -> Option<usize> {
        let bin = self.place(day);
        (bin < self.bins()).then_some(bin)
    }

    /// The bin of a day, and `bins()` for those after the last.
    #[inline]
    pub(crate) fn place(&self, day: Day) -> usize {
        let last = self.bins.len() - 1;
        let place = i64::from(day) - i64::from(self.starts[0]) + 1;
        let place = usize::try_from(place.max(0)).unwrap_or(last);
        usize::from(self.bins[place.min(last)])
    }

    /// The bins of the days `from..=until`; both must lie at ends of months, or in the open month.
    pub(crate) fn range(&self, from: Day, until: Day) -> Option<std::ops::RangeInclusive<usize>> {
        let first = self.bin(from)?;
        let last = self.bin(until).unwrap_or(self.bins() - 1);
        (first >= 1).then_some(first..=last)
    }

    /// Tells whether levels and flows of these months can be read from the axis.
    pub(crate) fn holds(&self, from: Month, until: Month) -> bool {
        from.0 >= self.first && until.0 <= self.first + i32::from(self.closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_a_bin_each_and_the_open_month_one_a_day() {
        let axis = Axis::new(Month::new(2026, 4), Month::new(2026, 6));
        let day = |m, d| Month::new(2026, m).first_day() + d - 1;
        assert_eq!(axis.bins(), 1 + 2 + 30);
        assert_eq!(
            [
                axis.bin(day(3, 31)),
                axis.bin(day(4, 1)),
                axis.bin(day(5, 31))
            ],
            [Some(0), Some(1), Some(2)]
        );
        assert_eq!(
            [
                axis.bin(day(6, 1)),
                axis.bin(day(6, 30)),
                axis.bin(day(7, 1))
            ],
            [Some(3), Some(32), None]
        );
        assert_eq!(axis.range(day(5, 1), day(6, 10)), Some(2..=12));
        assert_eq!(axis.range(day(3, 1), day(6, 10)), None);
    }
}
