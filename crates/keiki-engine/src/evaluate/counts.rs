//! What histograms hold in each of several periods, by org unit: read in the order of time, each cell once.

use std::ops::RangeInclusive;

use keiki_model::histogram::{Cell, UnitCells};

use super::amounts::Bins;
use crate::cube::Cube;
use crate::plan::{ClockPlan, MeasurePlan};

/// A value in a histogram: the position of its group, and its pair.
pub(super) type Value = (u16, i64, i64);

/// The net counts of one org unit.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// In order. Some counts may be zero: what a stock ever holds keeps its place.
    values: Vec<(Value, i64)>,
    /// Where all numbers from one on have a place, that one.
    from: Option<i64>,
    /// Before this place all counts are zero.
    first: usize,
    total: i64,
}

/// How many times more places there may be than cells, so that none is looked for.
const PLACES_EACH: u64 = 2;

impl Counts {
    /// A place for each value that comes up in any bin.
    fn places(cells: UnitCells<'_>) -> Self {
        if let Some((group, numbers)) = near_numbers(cells) {
            return Self {
                from: Some(*numbers.start()),
                values: numbers.map(|number| ((group, number, 0), 0)).collect(),
                ..Self::default()
            };
        }
        let mut values: Vec<Value> = cells.iter().map(|(cell, _)| valued(cell)).collect();
        values.sort_unstable();
        values.dedup();
        Self {
            values: values.into_iter().map(|value| (value, 0)).collect(),
            ..Self::default()
        }
    }

    fn net(cells: UnitCells<'_>) -> Self {
        let values = cells.iter().map(|(cell, count)| (valued(cell), count));
        let mut values: Vec<(Value, i64)> = values.collect();
        if !values.is_sorted_by(|a, b| a.0 < b.0) {
            values.sort_unstable_by_key(|(value, _)| *value);
            values.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 += next.1;
                }
                same
            });
        }
        Self {
            total: values.iter().map(|(_, count)| count).sum(),
            values,
            ..Self::default()
        }
    }

    /// Adds cells to the places of their values.
    fn take(&mut self, cells: UnitCells<'_>) {
        let mut at = 0;
        for (cell, count) in cells.iter() {
            at = self.place(valued(cell), at);
            self.values[at].1 += count;
            self.total += count;
            self.first = self.first.min(at);
        }
        while self
            .values
            .get(self.first)
            .is_some_and(|(_, count)| *count == 0)
        {
            self.first += 1;
        }
    }

    /// The place of a value. Within a bin values ascend, and the next is nearly always near the one before.
    fn place(&self, value: Value, before: usize) -> usize {
        if let Some(from) = self.from {
            return usize::try_from(value.1 - from).expect("the least number has the first place");
        }
        let near = self.values[before..].iter().take(NEAR);
        let far = || self.values.partition_point(|(other, _)| *other < value);
        let near = near.enumerate().find(|(_, (other, _))| *other == value);
        near.map_or_else(far, |(steps, _)| before + steps)
    }

    /// The values with their counts, in order; some counts may be zero.
    pub(super) fn values(&self) -> &[(Value, i64)] {
        &self.values[self.first.min(self.values.len())..]
    }

    /// How many there are in all.
    pub(super) fn total(&self) -> i64 {
        self.total
    }
}

/// How many places further a value is looked for one by one.
const NEAR: usize = 6;

fn valued(cell: Cell) -> Value {
    (cell.group, cell.first, cell.second)
}

/// All numbers from the least to the greatest, with their group, where values are numbers of one group that lie near each other.
fn near_numbers(cells: UnitCells<'_>) -> Option<(u16, RangeInclusive<i64>)> {
    let (one, _) = cells.iter().next()?;
    let (mut least, mut greatest) = (one.first, one.first);
    for (cell, _) in cells.iter() {
        if cell.group != one.group || cell.second != 0 {
            return None;
        }
        least = least.min(cell.first);
        greatest = greatest.max(cell.first);
    }
    let is_near = least.abs_diff(greatest) <= cells.len() as u64 * PLACES_EACH;
    is_near.then_some((one.group, least..=greatest))
}

/// Walks through the cells of an org unit.
#[derive(Clone, Copy)]
struct Walk<'c> {
    all: UnitCells<'c>,
    left: UnitCells<'c>,
    /// The bin from which on they are left.
    from: usize,
}

impl<'c> Walk<'c> {
    fn new(all: UnitCells<'c>) -> Self {
        Self {
            all,
            left: all,
            from: 0,
        }
    }

    /// Those that are left before a bin.
    fn until(&mut self, bin: usize) -> UnitCells<'c> {
        let (before, left) = self.left.split_at_bin(bin);
        (self.left, self.from) = (left, bin);
        before
    }

    /// Those of some bins, which mostly come after those of the period before.
    fn within(&mut self, bins: &Bins) -> UnitCells<'c> {
        if *bins.start() < self.from {
            *self = Self::new(self.all);
        }
        self.until(*bins.start());
        self.until(bins.end() + 1)
    }
}

/// Walks through a histogram from period to period.
pub(super) struct Sweep<'c> {
    /// *Shape*: org unit.
    walks: Vec<Walk<'c>>,
    is_stock: bool,
    units: Vec<Counts>,
}

impl<'c> Sweep<'c> {
    pub(super) fn new(cube: &'c Cube, measure: usize, plan: &MeasurePlan) -> Self {
        let units = cube.units.list().len();
        let histogram = &cube.histograms[measure];
        let cells: Vec<_> = (0..units).map(|unit| histogram.of_unit(unit)).collect();
        let is_stock = !matches!(plan.clock, ClockPlan::Flow { .. });
        let before = |cells: &UnitCells<'_>| {
            if is_stock {
                Counts::places(*cells)
            } else {
                Counts::default()
            }
        };
        Self {
            units: cells.iter().map(before).collect(),
            walks: cells.into_iter().map(Walk::new).collect(),
            is_stock,
        }
    }

    /// Goes on to a period; those of stocks come in the order of their last bins.
    pub(super) fn advance<'b>(&mut self, bins_of: impl Fn(usize) -> Option<&'b Bins>) {
        for (unit, walk) in self.walks.iter_mut().enumerate() {
            let Some(bins) = bins_of(unit) else {
                if !self.is_stock {
                    self.units[unit] = Counts::default();
                }
                continue;
            };
            if !self.is_stock {
                self.units[unit] = Counts::net(walk.within(bins));
                continue;
            }
            let fresh = walk.until(bins.end() + 1);
            if !fresh.is_empty() {
                self.units[unit].take(fresh);
            }
        }
    }

    /// The net counts of each org unit in the period.
    pub(super) fn units(&self) -> &[Counts] {
        &self.units
    }
}
