//! Exact histograms: multisets of small integers per org unit and time bin, which add and subtract.

/// The greatest magnitude that a histogram holds (2^39 - 1); beyond it a value is refused, not rounded.
pub const VALUE_LIMIT: i64 = (1 << 39) - 1;

/// One cell's coordinates. *Units*: `first` and `second` in the measure's resolution, each within ±`VALUE_LIMIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Position on the org unit axis.
    pub unit: u16,
    /// Position on the time axis.
    pub bin: u16,
    /// Position on the axis of groups.
    pub group: u16,
    /// The value, the onset of a case, or the day of a latest value.
    pub first: i64,
    /// The finish of a case, or the value beside a day.
    pub second: i64,
}

const HALF: i64 = 1 << 39;
const MASK: u128 = (1 << 40) - 1;

impl Cell {
    /// Packs the coordinates so that packed cells sort like cells; `None` where a value is beyond the limit.
    #[must_use]
    pub fn pack(self) -> Option<u128> {
        let biased = |value: i64| {
            (-VALUE_LIMIT..=VALUE_LIMIT)
                .contains(&value)
                .then(|| (value + HALF).unsigned_abs())
        };
        Some(
            u128::from(self.unit) << 112
                | u128::from(self.bin) << 96
                | u128::from(self.group) << 80
                | u128::from(biased(self.first)?) << 40
                | u128::from(biased(self.second)?),
        )
    }

    /// The reverse of `pack`.
    #[must_use]
    pub fn unpack(packed: u128) -> Self {
        let part = |shift: u32| u16::try_from(packed >> shift & 0xffff).unwrap_or(u16::MAX);
        let value = |shift: u32| i64::try_from(packed >> shift & MASK).unwrap_or(0) - HALF;
        Self {
            unit: part(112),
            bin: part(96),
            group: part(80),
            first: value(40),
            second: value(0),
        }
    }
}

/// A multiset of cells with signed counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    settled: Vec<(u128, i64)>,
    pending: Vec<(u128, i64)>,
}

/// Puts two ordered lists together; what comes to zero is left out.
fn merged(left: &[(u128, i64)], right: &[(u128, i64)]) -> Vec<(u128, i64)> {
    let mut whole: Vec<(u128, i64)> = Vec::with_capacity(left.len() + right.len());
    let mut add = |(cell, weight): (u128, i64)| match whole.last_mut() {
        Some(last) if last.0 == cell => last.1 += weight,
        _ => {
            if whole.last().is_some_and(|last| last.1 == 0) {
                whole.pop();
            }
            whole.push((cell, weight));
        }
    };
    let mut rest = right.iter().peekable();
    for cell in left {
        while let Some(before) = rest.next_if(|other| other.0 < cell.0) {
            add(*before);
        }
        add(*cell);
    }
    rest.for_each(|cell| add(*cell));
    if whole.last().is_some_and(|last| last.1 == 0) {
        whole.pop();
    }
    whole
}

/// How many unsorted additions are held before they are merged.
const PENDING_LIMIT: usize = 1 << 20;

impl Histogram {
    /// Adds `weight` to a packed cell.
    pub fn add(&mut self, packed: u128, weight: i64) {
        self.pending.push((packed, weight));
        if self.pending.len() >= PENDING_LIMIT.max(self.settled.len() / 2) {
            self.settle();
        }
    }

    /// Adds all of another histogram.
    pub fn merge(&mut self, other: &Self) {
        self.pending.extend_from_slice(&other.pending);
        self.settle();
        if self.settled.is_empty() {
            self.settled.clone_from(&other.settled);
        } else if !other.settled.is_empty() {
            self.settled = merged(&self.settled, &other.settled);
        }
    }

    /// Brings pending additions in order and drops cells that came to zero.
    pub fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.sort_unstable_by_key(|(cell, _)| *cell);
        self.settled = merged(&self.settled, &pending);
    }

    /// The settled cells of an org unit, packed, in order.
    #[must_use]
    pub fn of_unit(&self, unit: u16) -> &[(u128, i64)] {
        debug_assert!(
            self.pending.is_empty(),
            "a histogram is read after it was settled"
        );
        let low = u128::from(unit) << 112;
        let high = low | ((1 << 112) - 1);
        let from = self.settled.partition_point(|(cell, _)| *cell < low);
        let until = self.settled.partition_point(|(cell, _)| *cell <= high);
        &self.settled[from..until]
    }

    /// All packed cells with their counts, settled.
    #[must_use]
    pub fn packed(&self) -> &[(u128, i64)] {
        &self.settled
    }

    /// Makes a histogram of cells that are settled already.
    #[must_use]
    pub fn from_packed(settled: Vec<(u128, i64)>) -> Self {
        Self {
            settled,
            pending: Vec::new(),
        }
    }

    /// Number of cells that differ from zero.
    #[must_use]
    pub fn len(&self) -> usize {
        self.settled.len() + self.pending.len()
    }

    /// Tells whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_cells_sort_like_cells() {
        let cell = |unit, bin, first, second| Cell {
            unit,
            bin,
            group: 0,
            first,
            second,
        };
        let cells = [
            cell(0, 0, -5, 3),
            cell(0, 0, 2, -1),
            cell(0, 1, -9, 0),
            cell(7, 0, 0, 0),
        ];
        for pair in cells.windows(2) {
            assert!(pair[0].pack() < pair[1].pack());
        }
        for cell in cells {
            assert_eq!(cell.pack().map(Cell::unpack), Some(cell));
        }
        assert_eq!(cell(0, 0, VALUE_LIMIT + 1, 0).pack(), None);
    }

    #[test]
    fn what_is_taken_back_leaves_nothing() {
        let cell = Cell {
            unit: 1,
            bin: 2,
            group: 0,
            first: 3,
            second: 0,
        }
        .pack()
        .expect("in range");
        let mut histogram = Histogram::default();
        histogram.add(cell, 1);
        histogram.add(cell, -1);
        histogram.settle();
        assert!(histogram.is_empty());
    }
}
