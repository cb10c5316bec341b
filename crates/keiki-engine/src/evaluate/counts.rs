//! What histograms hold in each of several periods, by org unit: read in the order of time, each cell once.

use keiki_model::histogram::{Cell, Weighed};

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
    /// Before this place all counts are zero.
    first: usize,
    total: i64,
}

impl Counts {
    /// A place for each value that comes up in any bin.
    #[expect(
        clippy::stable_sort_primitive,
        reason = "the values of each bin are in order already, which only this way of sorting makes use of"
    )]
    fn places(cells: &[Weighed]) -> Self {
        let mut values: Vec<u128> = cells
            .iter()
            .map(|one| Cell::without_bin(one.cell()))
            .collect();
        values.sort();
        values.dedup();
        Self {
            values: values.into_iter().map(|value| (valued(value), 0)).collect(),
            ..Self::default()
        }
    }

    fn net(cells: &[Weighed]) -> Self {
        let mut values: Vec<(Value, i64)> = cells.iter().map(counted).collect();
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
            first: 0,
            values,
        }
    }

    /// Adds cells to the places of their values.
    fn take(&mut self, cells: &[Weighed]) {
        let mut at = 0;
        for (value, count) in cells.iter().map(counted) {
            at = self.place(value, at);
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

fn valued(packed: u128) -> Value {
    let cell = Cell::unpack(packed);
    (cell.group, cell.first, cell.second)
}

fn counted(one: &Weighed) -> (Value, i64) {
    (valued(one.cell()), one.weight())
}

/// Walks through a histogram from period to period.
pub(super) struct Sweep<'c> {
    /// Per org unit, the cells in order of their bins.
    cells: Vec<&'c [Weighed]>,
    is_stock: bool,
    /// Per org unit, how many cells a stock has taken.
    taken: Vec<usize>,
    units: Vec<Counts>,
}

impl<'c> Sweep<'c> {
    pub(super) fn new(cube: &'c Cube, measure: usize, plan: &MeasurePlan) -> Self {
        let units = cube.units.list().len();
        let histogram = &cube.histograms[measure];
        let cells: Vec<_> = (0..units).map(|unit| histogram.of_unit(unit)).collect();
        let is_stock = !matches!(plan.clock, ClockPlan::Flow { .. });
        let before = |cells: &&[Weighed]| {
            if is_stock {
                Counts::places(cells)
            } else {
                Counts::default()
            }
        };
        Self {
            units: cells.iter().map(before).collect(),
            taken: vec![0; units],
            cells,
            is_stock,
        }
    }

    /// Goes on to a period; those of stocks come in the order of their last bins.
    pub(super) fn advance<'b>(&mut self, bins_of: impl Fn(usize) -> Option<&'b Bins>) {
        for (unit, cells) in self.cells.iter().enumerate() {
            let Some(bins) = bins_of(unit) else {
                if !self.is_stock {
                    self.units[unit] = Counts::default();
                }
                continue;
            };
            let is_before = |bin: usize| move |one: &Weighed| Cell::bin_of(one.cell()) < bin;
            if !self.is_stock {
                let until = cells.partition_point(is_before(bins.end() + 1));
                let from = cells[..until].partition_point(is_before(*bins.start()));
                self.units[unit] = Counts::net(&cells[from..until]);
                continue;
            }
            let more = &cells[self.taken[unit]..];
            let is_in = is_before(bins.end() + 1);
            let count = more.iter().take_while(|cell| is_in(cell)).count();
            if count > 0 {
                self.units[unit].take(&more[..count]);
                self.taken[unit] += count;
            }
        }
    }

    /// The net counts of each org unit in the period.
    pub(super) fn units(&self) -> &[Counts] {
        &self.units
    }
}
