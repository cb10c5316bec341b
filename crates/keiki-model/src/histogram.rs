//! Exact histograms: multisets of small integers per org unit and time bin, which add and subtract.

mod order;
mod part;

use order::{add_up, merged, sort};
use part::{Narrow, Part, Wide};

use crate::digits::deal_out;

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

/// The place of the org unit in a packed cell.
const UNIT_SHIFT: u32 = 112;
const HALF: i64 = 1 << 39;
const MASK: u128 = (1 << 40) - 1;

impl Cell {
    /// Packs the coordinates so that packed cells sort like cells; `None` where a value is beyond the limit.
    #[must_use]
    #[inline]
    pub fn pack(self) -> Option<u128> {
        let biased = |value: i64| {
            (-VALUE_LIMIT..=VALUE_LIMIT)
                .contains(&value)
                .then(|| (value + HALF).unsigned_abs())
        };
        Some(
            u128::from(self.unit) << UNIT_SHIFT
                | u128::from(self.bin) << 96
                | u128::from(self.group) << 80
                | u128::from(biased(self.first)?) << 40
                | u128::from(biased(self.second)?),
        )
    }

    /// The place in time of a packed cell.
    fn bin_of(packed: u128) -> usize {
        usize::try_from(packed >> 96 & 0xffff).unwrap_or(usize::MAX)
    }

    /// The reverse of `pack`.
    #[must_use]
    #[inline]
    pub fn unpack(packed: u128) -> Self {
        let part = |shift: u32| u16::try_from(packed >> shift & 0xffff).unwrap_or(u16::MAX);
        let value = |shift: u32| i64::try_from(packed >> shift & MASK).unwrap_or(0) - HALF;
        Self {
            unit: part(UNIT_SHIFT),
            bin: part(96),
            group: part(80),
            first: value(40),
            second: value(0),
        }
    }
}

/// A multiset of cells with signed counts, kept apart by org unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    units: Vec<Cells>,
    /// Pending cells of few bits, of all org units in the order in which they came, and whose they are.
    narrow: Vec<Narrow>,
    narrow_units: Vec<u16>,
}

/// The cells of one org unit. Each is among those of few bits wherever its coordinates fit there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cells {
    narrow: Vec<Narrow>,
    wide: Vec<Wide>,
    pending: Vec<Wide>,
}

/// How many unsorted additions of an org unit are held before they are merged.
const PENDING_LIMIT: usize = 1 << 12;

/// How many of few bits are held, of all org units together.
const NARROW_LIMIT: usize = 1 << 18;

impl Cells {
    fn add_wide(&mut self, packed: u128, weight: i64) {
        let cell = Wide::new(without_unit(packed), 0);
        cell.parts(weight, |part| self.pending.push(part));
        if self.pending.len() >= PENDING_LIMIT.max(self.wide.len() / 2) {
            self.settle();
        }
    }

    /// Brings pending additions in order.
    fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.pending.sort_unstable();
        self.wide = merged(&self.wide, &self.pending);
        self.pending.clear();
    }

    /// Adds cells of few bits, in any order.
    fn settle_narrow(&mut self, narrow: &mut [Narrow]) {
        sort(narrow);
        if self.narrow.is_empty() {
            self.narrow = narrow.to_vec();
            add_up(&mut self.narrow);
        } else {
            self.narrow = merged(&self.narrow, narrow);
        }
    }

    /// Adds those of another, both settled.
    fn merge(&mut self, other: Self) {
        if self.narrow.is_empty() && self.wide.is_empty() {
            *self = other;
            return;
        }
        if !other.narrow.is_empty() {
            self.narrow = merged(&self.narrow, &other.narrow);
        }
        if !other.wide.is_empty() {
            self.wide = merged(&self.wide, &other.wide);
        }
    }

    /// Gives back the room of what came to zero.
    fn shrink(&mut self) {
        self.pending = Vec::new();
        self.narrow.shrink_to_fit();
        self.wide.shrink_to_fit();
    }
}

/// The settled cells of an org unit, in two lists that are each in the order of cells. Of great counts there are parts, one after
/// the other.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnitCells<'h> {
    narrow: &'h [Narrow],
    wide: &'h [Wide],
}

impl<'h> UnitCells<'h> {
    /// The cells, whose org unit is 0, with their counts: first those of the one list, then those of the other.
    pub fn iter(self) -> impl Iterator<Item = (Cell, i64)> + Clone + use<'h> {
        let narrow = self.narrow.iter();
        let narrow = narrow.map(|one| (one.cell(), one.weight()));
        let wide = self.wide.iter();
        narrow.chain(wide.map(|one| (Cell::unpack(one.cell()), one.weight())))
    }

    /// How many there are, in parts.
    #[must_use]
    pub fn len(self) -> usize {
        self.narrow.len() + self.wide.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Those before a bin, and the others.
    #[must_use]
    pub fn split_at_bin(self, bin: usize) -> (Self, Self) {
        let narrow = near_partition_point(self.narrow, |one| one.bin() < bin);
        let wide = near_partition_point(self.wide, |one| one.bin() < bin);
        let (narrow, wide) = (self.narrow.split_at(narrow), self.wide.split_at(wide));
        let of = |narrow, wide| Self { narrow, wide };
        (of(narrow.0, wide.0), of(narrow.1, wide.1))
    }
}

/// How many are so, of a list in which none is that comes after one that is not. They are looked for from the front, in steps that
/// double, since mostly they are few.
///
/// *Source*: J. L. Bentley and A. C.-C. Yao, An almost optimal algorithm for unbounded searching, doi:10.1016/0020-0190(76)90071-5.
fn near_partition_point<T>(list: &[T], is_so: impl Fn(&T) -> bool) -> usize {
    let mut end = 1;
    while end < list.len() && is_so(&list[end - 1]) {
        end *= 2;
    }
    let start = end / 2;
    start + list[start..end.min(list.len())].partition_point(is_so)
}

/// A packed cell without its org unit.
fn without_unit(packed: u128) -> u128 {
    packed & ((1 << UNIT_SHIFT) - 1)
}

impl Histogram {
    /// Adds `weight` to a cell; `None` where one of its values is beyond the limit.
    #[must_use]
    #[inline]
    pub fn add(&mut self, cell: Cell, weight: i64) -> Option<()> {
        let Some(narrow) = Narrow::new(cell) else {
            let packed = cell.pack()?;
            self.of(usize::from(cell.unit)).add_wide(packed, weight);
            return Some(());
        };
        narrow.parts(weight, |part| self.add_narrow(part, cell.unit));
        Some(())
    }

    #[inline]
    fn add_narrow(&mut self, narrow: Narrow, unit: u16) {
        // What a record was is taken out just before what it is comes in, and mostly much of it is the same.
        let is_undone = |last: &Narrow| last.are_opposite(narrow);
        if self.narrow.last().is_some_and(is_undone) && self.narrow_units.last() == Some(&unit) {
            self.narrow.pop();
            self.narrow_units.pop();
            return;
        }
        if self.narrow.len() >= NARROW_LIMIT {
            self.settle_narrow();
        }
        self.narrow.push(narrow);
        self.narrow_units.push(unit);
    }

    fn of(&mut self, unit: usize) -> &mut Cells {
        if self.units.len() <= unit {
            self.units.resize_with(unit + 1, Cells::default);
        }
        &mut self.units[unit]
    }

    /// Adds all of another histogram whose org units have the given positions here; both are settled, and stay so.
    pub fn merge(&mut self, other: Self, positions: &[u16]) {
        for (theirs, position) in other.units.into_iter().zip(positions) {
            self.of(usize::from(*position)).merge(theirs);
        }
    }

    /// Brings pending additions in order and drops cells that came to zero.
    pub fn settle(&mut self) {
        self.settle_narrow();
        (self.narrow, self.narrow_units) = (Vec::new(), Vec::new());
        for cells in &mut self.units {
            cells.settle();
            cells.shrink();
        }
    }

    /// Deals the pending cells of few bits out to their org units.
    fn settle_narrow(&mut self) {
        let Some(last) = self.narrow_units.iter().copied().max() else {
            return;
        };
        let mut ends = vec![0; usize::from(last) + 1];
        let mut by_unit = vec![Narrow(0); self.narrow.len()];
        let units = self.narrow_units.iter().map(|unit| usize::from(*unit));
        deal_out(
            units.zip(self.narrow.iter().copied()),
            &mut ends,
            &mut by_unit,
        );
        let mut start = 0;
        for (unit, end) in ends.into_iter().enumerate() {
            if start < end {
                self.of(unit).settle_narrow(&mut by_unit[start..end]);
            }
            start = end;
        }
        self.narrow.clear();
        self.narrow_units.clear();
    }

    /// The settled cells of an org unit.
    #[must_use]
    pub fn of_unit(&self, unit: usize) -> UnitCells<'_> {
        let Some(cells) = self.units.get(unit) else {
            return UnitCells::default();
        };
        debug_assert!(
            cells.pending.is_empty() && self.narrow.is_empty(),
            "a histogram is read after it was settled"
        );
        UnitCells {
            narrow: &cells.narrow,
            wide: &cells.wide,
        }
    }

    /// All cells with their counts, settled, org unit by org unit; of great counts the parts.
    pub fn cells(&self) -> impl Iterator<Item = (Cell, i64)> {
        let units = (0_u16..).zip(0..self.units.len());
        units.flat_map(|(unit, at)| {
            let with_unit = move |(cell, weight)| (Cell { unit, ..cell }, weight);
            self.of_unit(at).iter().map(with_unit)
        })
    }

    /// The same as packed cells.
    pub fn packed(&self) -> impl Iterator<Item = (u128, i64)> {
        let cells = self.cells();
        cells.filter_map(|(cell, weight)| Some((cell.pack()?, weight)))
    }

    /// Makes a histogram of cells that are settled already.
    #[must_use]
    pub fn from_packed(settled: Vec<(u128, i64)>) -> Self {
        let mut histogram = Self::default();
        for (packed, weight) in settled {
            let cell = Cell::unpack(packed);
            let cells = histogram.of(usize::from(cell.unit));
            if let Some(narrow) = Narrow::new(cell) {
                narrow.parts(weight, |part| cells.narrow.push(part));
            } else {
                let wide = Wide::new(without_unit(packed), 0);
                wide.parts(weight, |part| cells.wide.push(part));
            }
        }
        histogram
    }

    /// Number of cells that differ from zero, in parts.
    #[must_use]
    pub fn len(&self) -> usize {
        let cells = self.units.iter();
        let of_units =
            cells.map(|cells| cells.narrow.len() + cells.wide.len() + cells.pending.len());
        self.narrow.len() + of_units.sum::<usize>()
    }

    /// Tells whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
        };
        let mut histogram = Histogram::default();
        for weight in [1, -1] {
            histogram.add(cell, weight).expect("in range");
        }
        histogram.settle();
        assert!(histogram.is_empty());
    }

    #[test]
    fn additions_in_any_order_and_of_any_weight_come_to_their_sums() {
        let cell = |unit: u16, first: i64| Cell {
            unit,
            bin: 3,
            group: 1,
            first,
            second: VALUE_LIMIT,
        };
        let packed = |unit: u16, first: i64| cell(unit, first).pack().expect("in range");
        let mut histogram = Histogram::default();
        let mut add = |cell: Cell, weight: i64| histogram.add(cell, weight).expect("in range");
        for round in 0..3_000_i64 {
            add(cell(2, round * 7 % 5), 1);
            add(cell(9, -(round % 3)), -100_000);
        }
        histogram.settle();
        let of_unit = |wanted: u16| {
            let mut sums: BTreeMap<u128, i64> = BTreeMap::new();
            let all = histogram.packed();
            for (cell, weight) in all.filter(|(cell, _)| Cell::unpack(*cell).unit == wanted) {
                *sums.entry(cell).or_default() += weight;
            }
            sums.into_iter().collect::<Vec<(u128, i64)>>()
        };
        let of_two: Vec<(u128, i64)> = (0..5).map(|first| (packed(2, first), 600)).collect();
        assert_eq!(of_unit(2), of_two);
        assert_eq!(of_unit(9).len(), 3);
        assert_eq!(of_unit(9)[0], (packed(9, -2), -100_000_000));
        let kept = Histogram::from_packed(histogram.packed().collect());
        assert_eq!(kept, histogram);
        assert_eq!(histogram.packed().count(), histogram.len());
    }

    #[test]
    fn cells_of_few_bits_and_of_many_come_to_one_sum_each_in_order() {
        let (edge, near) = (Narrow::FIRST_HALF, Narrow::SECOND_HALF);
        let firsts = [-edge, 1 - edge, -1, 0, 20_000, edge - 2, edge - 1, edge];
        let seconds = [-near, 1 - near, -1, 0, 20_000, near - 2, near - 1, near];
        let mut cells: Vec<Cell> = Vec::new();
        for (bin, group) in [(0, 0), (2_047, 0), (2_048, 0), (7, 1)] {
            for first in firsts {
                for second in seconds.into_iter().chain([VALUE_LIMIT]) {
                    let unit = 300;
                    cells.push(Cell {
                        unit,
                        bin,
                        group,
                        first,
                        second,
                    });
                }
            }
        }
        let mut histogram = Histogram::default();
        for weight in [127, -128, 300, 129, -127, -300] {
            for cell in cells.iter().rev() {
                histogram.add(*cell, weight).expect("in range");
            }
        }
        histogram.settle();
        cells.sort_unstable();
        let expected: Vec<(u128, i64)> = cells
            .iter()
            .map(|cell| (cell.pack().expect("in range"), 1))
            .collect();
        let packed = |histogram: &Histogram| {
            let mut packed: Vec<(u128, i64)> = histogram.packed().collect();
            packed.sort_unstable();
            packed
        };
        assert_eq!(packed(&histogram), expected);
        let of_unit = histogram.of_unit(300);
        assert_eq!(
            (of_unit.narrow.len(), of_unit.wide.len()),
            (2 * 5 * 6, 4 * 8 * 9 - 60)
        );
        assert!(of_unit.narrow.is_sorted() && of_unit.wide.is_sorted());
        for bin in [0, 1, 2_048, 4_096] {
            let (before, rest) = of_unit.split_at_bin(bin);
            assert!(before.iter().all(|(cell, _)| usize::from(cell.bin) < bin));
            assert!(rest.iter().all(|(cell, _)| usize::from(cell.bin) >= bin));
            assert_eq!(before.len() + rest.len(), of_unit.len());
        }
        let mut whole = Histogram::default();
        for _ in 0..2 {
            let positions: Vec<u16> = (0..=300).map(|unit| unit * 3).collect();
            whole.merge(histogram.clone(), &positions);
        }
        let moved: Vec<(u128, i64)> = cells
            .iter()
            .map(|cell| Cell { unit: 900, ..*cell })
            .map(|cell| (cell.pack().expect("in range"), 2))
            .collect();
        assert_eq!(packed(&whole), moved);
        let far = Cell {
            first: VALUE_LIMIT + 1,
            ..cells[0]
        };
        assert_eq!(histogram.add(far, 1), None);
    }

    #[test]
    fn whatever_is_added_and_taken_out_between_two_settlings_is_what_a_plain_sum_holds() {
        let drawn = |round: i64| {
            let of = |part: i64, most: i64| (round * (part + 13) * 7_919 + part * 104_729) % most;
            let cell = Cell {
                unit: u16::try_from(of(1, 3)).expect("few"),
                bin: u16::try_from(of(2, 4)).expect("few"),
                group: u16::from(of(3, 5) == 0),
                first: of(4, 6) * if of(5, 4) == 0 { 1 << 30 } else { 1 },
                second: if of(6, 3) == 0 {
                    VALUE_LIMIT
                } else {
                    -of(7, 3)
                },
            };
            (
                cell,
                [1, -1, 2, 90, -400, 70_000][usize::try_from(of(8, 6)).expect("few")],
            )
        };
        let (mut histogram, mut plain) = (Histogram::default(), BTreeMap::new());
        for round in 0..4_000 {
            let (cell, weight) = drawn(round);
            histogram.add(cell, weight).expect("in range");
            *plain.entry(cell).or_insert(0) += weight;
            if round % 611 == 0 {
                histogram.settle();
            }
        }
        histogram.settle();
        plain.retain(|_, weight| *weight != 0);
        let mut sums = BTreeMap::new();
        for (cell, weight) in histogram.cells() {
            *sums.entry(cell).or_insert(0) += weight;
        }
        assert_eq!(sums, plain);
        assert_eq!(
            Histogram::from_packed(histogram.packed().collect()),
            histogram
        );
    }
}
