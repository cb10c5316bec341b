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

    /// A packed cell without its org unit and its place in time: what is left sorts like group and values.
    #[must_use]
    #[inline]
    pub fn without_bin(packed: u128) -> u128 {
        packed & ((1 << 96) - 1)
    }

    /// The place in time of a packed cell.
    #[must_use]
    #[inline]
    pub fn bin_of(packed: u128) -> usize {
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
    narrow: Vec<u64>,
    narrow_units: Vec<u16>,
}

/// The cells of one org unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Cells {
    settled: Vec<Weighed>,
    pending: Vec<Weighed>,
}

/// A cell without its org unit, with its weight in the lowest bits: half the room of the two side by side, and the order of
/// cells. A weight that takes more bits is held in parts, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weighed(u128);

impl Weighed {
    fn new(cell: u128, weight: i64) -> Self {
        debug_assert!(
            weight.abs() <= WEIGHT_LIMIT,
            "greater weights come in parts"
        );
        Self(cell << WEIGHT_BITS | u128::from((weight + WEIGHT_LIMIT).unsigned_abs()))
    }

    /// The packed cell; its org unit is 0.
    #[must_use]
    #[inline]
    pub fn cell(self) -> u128 {
        self.0 >> WEIGHT_BITS
    }

    /// How many there are, or a part of that.
    #[must_use]
    #[inline]
    pub fn weight(self) -> i64 {
        let biased = u16::try_from(self.0 & ((1 << WEIGHT_BITS) - 1)).unwrap_or(u16::MAX);
        i64::from(biased) - WEIGHT_LIMIT
    }

    fn is_of_cell_of(self, other: Self) -> bool {
        (self.0 ^ other.0) >> WEIGHT_BITS == 0
    }

    /// Visits the parts in which a weight is held; none where it is zero.
    #[inline]
    fn parts(cell: u128, mut weight: i64, mut visit: impl FnMut(Self)) {
        while weight != 0 {
            let part = weight.clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT);
            visit(Self::new(cell, part));
            weight -= part;
        }
    }
}

/// A pending cell in few bits, as most cells with dates are. *Shape*: bin (12 bits), first and second (23 each), weight (6).
/// It sorts like the cell.
struct Narrow;

impl Narrow {
    /// One more than the greatest magnitude of a value, and of a weight.
    const HALF: i64 = 1 << 22;
    const WEIGHT_HALF: i64 = 1 << 5;

    fn pack(cell: Cell, weight: i64) -> Option<u64> {
        let fits = |value: i64, half: i64| {
            let biased = (-half < value && value < half - 1).then(|| value + half)?;
            u64::try_from(biased).ok()
        };
        let second = match cell.second {
            VALUE_LIMIT => u64::try_from(2 * Self::HALF - 1).ok()?,
            second => fits(second, Self::HALF)?,
        };
        (cell.group == 0 && cell.bin < 1 << 12).then_some(())?;
        Some(
            u64::from(cell.bin) << 52
                | fits(cell.first, Self::HALF)? << 29
                | second << 6
                | fits(weight, Self::WEIGHT_HALF)?,
        )
    }

    /// Tells whether two are of the same cell, and their weights come to nothing.
    fn are_opposite(one: u64, other: u64) -> bool {
        const WEIGHT: u64 = (1 << 6) - 1;
        one | WEIGHT == other | WEIGHT
            && (one & WEIGHT) + (other & WEIGHT) == 2 * Self::WEIGHT_HALF.unsigned_abs()
    }

    /// The cell with its weight.
    #[inline]
    fn unpack(narrow: u64) -> Weighed {
        // From the middle of few bits to that of many.
        const WIDER: u64 = (HALF - Narrow::HALF).unsigned_abs();
        let part = |shift: u32| narrow >> shift & ((1 << 23) - 1);
        let second = match part(6) {
            open if open == (2 * Self::HALF - 1).unsigned_abs() => {
                (VALUE_LIMIT + HALF).unsigned_abs()
            }
            second => second + WIDER,
        };
        let packed = u128::from(narrow >> 52) << 96
            | u128::from(part(29) + WIDER) << 40
            | u128::from(second);
        let weight = i64::try_from(narrow & ((1 << 6) - 1)).unwrap_or(0);
        Weighed::new(packed, weight - Self::WEIGHT_HALF)
    }
}

/// How many unsorted additions of an org unit are held before they are merged.
const PENDING_LIMIT: usize = 1 << 12;

/// How many of few bits are held, of all org units together.
const NARROW_LIMIT: usize = 1 << 18;

/// The bits of a weight beside a pending cell, in the place of the org unit.
const WEIGHT_BITS: u32 = 16;

/// The greatest magnitude of a weight beside a pending cell.
const WEIGHT_LIMIT: i64 = (1 << (WEIGHT_BITS - 1)) - 1;

impl Cells {
    fn add_packed(&mut self, packed: u128, weight: i64) {
        let cell = without_unit(packed);
        Weighed::parts(cell, weight, |part| self.pending.push(part));
        if self.pending.len() >= PENDING_LIMIT.max(self.settled.len() / 2) {
            self.settle();
        }
    }

    /// Brings pending additions in order.
    fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.pending.sort_unstable();
        self.settled = merged(&self.settled, self.pending.iter().copied());
        self.pending.clear();
    }

    /// Adds cells of few bits, in any order.
    fn settle_narrow(&mut self, narrow: &mut [u64]) {
        narrow.sort_unstable();
        let narrow = narrow.iter().map(|one| Narrow::unpack(*one));
        self.settled = merged(&self.settled, narrow);
    }
}

/// Puts two ordered lists together; what comes to zero is left out.
fn merged(left: &[Weighed], right: impl ExactSizeIterator<Item = Weighed>) -> Vec<Weighed> {
    let mut whole: Vec<Weighed> = Vec::with_capacity(left.len() + right.len());
    let mut last: Option<(Weighed, i64)> = None;
    let mut add = |one: Weighed| match &mut last {
        Some((cell, weight)) if cell.is_of_cell_of(one) => *weight += one.weight(),
        _ => {
            if let Some((cell, weight)) = last.replace((one, one.weight())) {
                Weighed::parts(cell.cell(), weight, |part| whole.push(part));
            }
        }
    };
    let mut rest = right.peekable();
    for one in left {
        while let Some(before) = rest.next_if(|other| other < one) {
            add(before);
        }
        add(*one);
    }
    rest.for_each(add);
    if let Some((cell, weight)) = last {
        Weighed::parts(cell.cell(), weight, |part| whole.push(part));
    }
    whole
}

/// The place of the org unit in a packed cell.
const UNIT_SHIFT: u32 = 112;

/// A packed cell without its org unit.
fn without_unit(packed: u128) -> u128 {
    packed & ((1 << UNIT_SHIFT) - 1)
}

/// The position of the org unit of a packed cell.
fn unit_of(packed: u128) -> usize {
    usize::from(Cell::unpack(packed).unit)
}

impl Histogram {
    /// Adds `weight` to a cell; `None` where one of its values is beyond the limit.
    #[must_use]
    #[inline]
    pub fn add(&mut self, cell: Cell, weight: i64) -> Option<()> {
        let Some(narrow) = Narrow::pack(cell, weight) else {
            let packed = cell.pack()?;
            self.of(usize::from(cell.unit)).add_packed(packed, weight);
            return Some(());
        };
        // What a record was is taken out just before what it is comes in, and mostly much of it is the same.
        let is_undone = |last: &u64| Narrow::are_opposite(*last, narrow);
        if self.narrow.last().is_some_and(is_undone) && self.narrow_units.last() == Some(&cell.unit)
        {
            self.narrow.pop();
            self.narrow_units.pop();
            return Some(());
        }
        if self.narrow.len() >= NARROW_LIMIT {
            self.settle_narrow();
        }
        self.narrow.push(narrow);
        self.narrow_units.push(cell.unit);
        Some(())
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
            let ours = self.of(usize::from(*position));
            if ours.settled.is_empty() {
                *ours = theirs;
            } else if !theirs.settled.is_empty() {
                ours.settled = merged(&ours.settled, theirs.settled.into_iter());
            }
        }
    }

    /// Brings pending additions in order and drops cells that came to zero.
    pub fn settle(&mut self) {
        self.settle_narrow();
        (self.narrow, self.narrow_units) = (Vec::new(), Vec::new());
        for cells in &mut self.units {
            cells.settle();
            cells.pending = Vec::new();
        }
    }

    /// Deals the pending cells of few bits out to their org units.
    fn settle_narrow(&mut self) {
        let Some(last) = self.narrow_units.iter().copied().max() else {
            return;
        };
        // Where the cells of each org unit begin; then, while they are dealt out, where its next one goes.
        let mut places = vec![0_usize; usize::from(last) + 2];
        for unit in &self.narrow_units {
            places[usize::from(*unit) + 1] += 1;
        }
        for unit in 1..places.len() {
            places[unit] += places[unit - 1];
        }
        let mut by_unit = vec![0_u64; self.narrow.len()];
        for (cell, unit) in self.narrow.iter().zip(&self.narrow_units) {
            let place = &mut places[usize::from(*unit)];
            by_unit[*place] = *cell;
            *place += 1;
        }
        let mut start = 0;
        for (unit, end) in (0..=last).zip(places) {
            if start < end {
                let cells = &mut by_unit[start..end];
                if self.units.len() <= usize::from(unit) {
                    self.units
                        .resize_with(usize::from(unit) + 1, Cells::default);
                }
                self.units[usize::from(unit)].settle_narrow(cells);
            }
            start = end;
        }
        self.narrow.clear();
        self.narrow_units.clear();
    }

    /// The settled cells of an org unit, in order.
    #[must_use]
    pub fn of_unit(&self, unit: usize) -> &[Weighed] {
        let Some(cells) = self.units.get(unit) else {
            return &[];
        };
        debug_assert!(
            cells.pending.is_empty() && self.narrow.is_empty(),
            "a histogram is read after it was settled"
        );
        &cells.settled
    }

    /// All packed cells with their counts, settled, in order; of great counts the parts.
    pub fn packed(&self) -> impl Iterator<Item = (u128, i64)> {
        let units = (0_u128..).zip(&self.units);
        units.flat_map(|(unit, cells)| {
            let with_unit = move |one: &Weighed| (unit << UNIT_SHIFT | one.cell(), one.weight());
            cells.settled.iter().map(with_unit)
        })
    }

    /// Makes a histogram of cells that are settled already.
    #[must_use]
    pub fn from_packed(settled: Vec<(u128, i64)>) -> Self {
        let mut histogram = Self::default();
        for (packed, weight) in settled {
            let settled = &mut histogram.of(unit_of(packed)).settled;
            Weighed::parts(without_unit(packed), weight, |part| settled.push(part));
        }
        histogram
    }

    /// Number of cells that differ from zero, in parts.
    #[must_use]
    pub fn len(&self) -> usize {
        let cells = self.units.iter();
        let of_units = cells.map(|cells| cells.settled.len() + cells.pending.len());
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
        let of_unit = |wanted: usize| {
            let mut sums: std::collections::BTreeMap<u128, i64> = std::collections::BTreeMap::new();
            for (cell, weight) in histogram
                .packed()
                .filter(|(cell, _)| unit_of(*cell) == wanted)
            {
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
    fn cells_of_few_bits_and_of_many_come_to_one_sum_in_one_order() {
        let edge = Narrow::HALF;
        let values = [-edge, 1 - edge, -1, 0, 20_000, edge - 2, edge - 1, edge];
        let mut cells: Vec<Cell> = Vec::new();
        for (bin, group) in [(0, 0), (4_095, 0), (4_096, 0), (7, 1)] {
            for first in values {
                for second in values.into_iter().chain([VALUE_LIMIT]) {
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
        for weight in [31, -32, 30, 33, -31, -30] {
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
        assert_eq!(histogram.packed().collect::<Vec<_>>(), expected);
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
        assert_eq!(whole.packed().collect::<Vec<_>>(), moved);
        let far = Cell {
            first: VALUE_LIMIT + 1,
            ..cells[0]
        };
        assert_eq!(histogram.add(far, 1), None);
    }
}
