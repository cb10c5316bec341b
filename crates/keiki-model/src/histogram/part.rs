//! How cells are held with their weights.

use super::{Cell, VALUE_LIMIT};

/// A cell without its org unit, with its weight in the lowest bits: half the room of the two side by side, and the order of
/// cells. A weight that takes more bits is held in parts, one after the other.
pub(super) trait Part: Copy + Ord {
    fn is_of_cell_of(self, other: Self) -> bool;

    fn weight(self) -> i64;

    /// The same cell with another weight; `None` where that is held in parts.
    fn with(self, weight: i64) -> Option<Self>;

    /// Visits the parts in which another weight of the same cell is held; none where it is zero.
    fn parts(self, weight: i64, visit: impl FnMut(Self));
}

/// A cell of any coordinates. *Shape*: bin, group, first and second as packed, weight (16 bits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wide(u128);

impl Wide {
    const WEIGHT_BITS: u32 = 16;
    /// The greatest magnitude of a weight.
    const WEIGHT_LIMIT: i64 = (1 << (Self::WEIGHT_BITS - 1)) - 1;

    pub(super) fn new(cell: u128, weight: i64) -> Self {
        debug_assert!(
            weight.abs() <= Self::WEIGHT_LIMIT,
            "greater weights come in parts"
        );
        Self(cell << Self::WEIGHT_BITS | u128::from((weight + Self::WEIGHT_LIMIT).unsigned_abs()))
    }

    /// The packed cell; its org unit is 0.
    pub(super) fn cell(self) -> u128 {
        self.0 >> Self::WEIGHT_BITS
    }

    pub(super) fn bin(self) -> usize {
        Cell::bin_of(self.cell())
    }
}

impl Part for Wide {
    fn is_of_cell_of(self, other: Self) -> bool {
        (self.0 ^ other.0) >> Self::WEIGHT_BITS == 0
    }

    fn weight(self) -> i64 {
        let biased = u16::try_from(self.0 & ((1 << Self::WEIGHT_BITS) - 1)).unwrap_or(u16::MAX);
        i64::from(biased) - Self::WEIGHT_LIMIT
    }

    fn with(self, weight: i64) -> Option<Self> {
        let fits = weight.abs() <= Self::WEIGHT_LIMIT;
        fits.then(|| Self::new(self.cell(), weight))
    }

    fn parts(self, weight: i64, mut visit: impl FnMut(Self)) {
        in_parts(weight, Self::WEIGHT_LIMIT, |part| {
            visit(Self::new(self.cell(), part));
        });
    }
}

/// A cell in few bits, as most cells with dates are. *Shape*: bin (11 bits), first (23), second (22), weight (8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Narrow(pub(super) u64);

impl Narrow {
    const BINS: u16 = 1 << 11;
    /// One more than the greatest magnitude of a first value, a second one, and a weight.
    pub(super) const FIRST_HALF: i64 = 1 << 22;
    pub(super) const SECOND_HALF: i64 = 1 << 21;
    const WEIGHT_HALF: i64 = 1 << 7;
    /// Stands for the greatest second value of all, as cases have that are open.
    const OPEN: u64 = (1 << 22) - 1;
    pub(super) const WEIGHT: u64 = (1 << 8) - 1;

    /// The cell without a weight; `None` where it takes more bits.
    #[inline]
    pub(super) fn new(cell: Cell) -> Option<Self> {
        let fits = |value: i64, half: i64| {
            let biased = (-half < value && value < half - 1).then(|| value + half)?;
            u64::try_from(biased).ok()
        };
        let second = match cell.second {
            VALUE_LIMIT => Self::OPEN,
            second => fits(second, Self::SECOND_HALF)?,
        };
        (cell.group == 0 && cell.bin < Self::BINS).then_some(())?;
        let first = fits(cell.first, Self::FIRST_HALF)?;
        Some(Self(u64::from(cell.bin) << 53 | first << 30 | second << 8))
    }

    #[inline]
    fn of_weight(self, weight: i64) -> Self {
        Self(self.0 & !Self::WEIGHT | (weight + Self::WEIGHT_HALF).unsigned_abs())
    }

    pub(super) fn bin(self) -> usize {
        usize::try_from(self.0 >> 53).unwrap_or(usize::MAX)
    }

    pub(super) fn cell(self) -> Cell {
        let part = |shift: u32, bits: u32| {
            i64::try_from(self.0 >> shift & ((1 << bits) - 1)).unwrap_or(i64::MAX)
        };
        Cell {
            unit: 0,
            bin: u16::try_from(self.0 >> 53).unwrap_or(u16::MAX),
            group: 0,
            first: part(30, 23) - Self::FIRST_HALF,
            second: match self.0 >> 8 & Self::OPEN {
                Self::OPEN => VALUE_LIMIT,
                _ => part(8, 22) - Self::SECOND_HALF,
            },
        }
    }

    /// Tells whether two are of the same cell, and their weights come to nothing.
    #[inline]
    pub(super) fn are_opposite(self, other: Self) -> bool {
        self.is_of_cell_of(other) && self.weight() + other.weight() == 0
    }
}

impl Part for Narrow {
    #[inline]
    fn is_of_cell_of(self, other: Self) -> bool {
        self.0 | Self::WEIGHT == other.0 | Self::WEIGHT
    }

    #[inline]
    fn weight(self) -> i64 {
        i64::try_from(self.0 & Self::WEIGHT).unwrap_or(0) - Self::WEIGHT_HALF
    }

    #[inline]
    fn with(self, weight: i64) -> Option<Self> {
        let fits = weight.abs() < Self::WEIGHT_HALF;
        fits.then(|| self.of_weight(weight))
    }

    #[inline]
    fn parts(self, weight: i64, mut visit: impl FnMut(Self)) {
        in_parts(weight, Self::WEIGHT_HALF - 1, |part| {
            visit(self.of_weight(part));
        });
    }
}

/// Visits the parts of a weight, each of a magnitude up to a limit.
#[inline]
fn in_parts(mut weight: i64, limit: i64, mut visit: impl FnMut(i64)) {
    while weight != 0 {
        let part = weight.clamp(-limit, limit);
        visit(part);
        weight -= part;
    }
}
