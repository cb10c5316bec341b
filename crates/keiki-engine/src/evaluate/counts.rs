//! What histograms hold in each of several periods, by org unit: read in the order of time, each cell once.

use keiki_model::histogram::Cell;

use super::amounts::Bins;
use crate::cube::Cube;
use crate::plan::{ClockPlan, MeasurePlan};

/// A value in a histogram: the position of its group, and its pair.
pub(super) type Value = (u16, i64, i64);

/// The net counts of one org unit, in order; what nets to nothing is left out.
pub(super) type Counts = Vec<(Value, i64)>;

/// Walks through a histogram from period to period.
pub(super) struct Sweep<'c> {
    /// Per org unit, the cells in order of their bins.
    cells: Vec<&'c [(u128, i64)]>,
    is_stock: bool,
    /// Per org unit, how many cells a stock has taken.
    taken: Vec<usize>,
    units: Vec<Counts>,
    /// Where the next counts are put together.
    room: Counts,
}

impl<'c> Sweep<'c> {
    pub(super) fn new(cube: &'c Cube, measure: usize, plan: &MeasurePlan) -> Self {
        let units = cube.units.list().len();
        let histogram = &cube.histograms[measure];
        let cells = (0..units).map(|unit| histogram.of_unit(unit)).collect();
        Self {
            cells,
            is_stock: !matches!(plan.clock, ClockPlan::Flow { .. }),
            taken: vec![0; units],
            units: vec![Counts::new(); units],
            room: Counts::new(),
        }
    }

    /// Goes on to a period; those of stocks come in the order of their last bins.
    pub(super) fn advance<'b>(&mut self, bins_of: impl Fn(usize) -> Option<&'b Bins>) {
        for (unit, cells) in self.cells.iter().enumerate() {
            let Some(bins) = bins_of(unit) else {
                if !self.is_stock {
                    self.units[unit].clear();
                }
                continue;
            };
            let before = |bin: usize| {
                cells.partition_point(|(cell, _)| usize::from(Cell::unpack(*cell).bin) < bin)
            };
            let from = if self.is_stock {
                self.taken[unit]
            } else {
                before(*bins.start())
            };
            let until = before(bins.end() + 1).max(from);
            let fresh = net(&cells[from..until]);
            if !self.is_stock {
                self.units[unit] = fresh;
            } else if until > from {
                merge(&self.units[unit], fresh, &mut self.room);
                std::mem::swap(&mut self.units[unit], &mut self.room);
                self.taken[unit] = until;
            }
        }
    }

    /// The net counts of each org unit in the period.
    pub(super) fn units(&self) -> &[Counts] {
        &self.units
    }
}

fn net(cells: &[(u128, i64)]) -> Counts {
    let value = |(cell, count): &(u128, i64)| {
        let cell = Cell::unpack(*cell);
        ((cell.group, cell.first, cell.second), *count)
    };
    let mut counts: Counts = cells.iter().map(value).collect();
    if !counts.is_sorted_by(|a, b| a.0 < b.0) {
        counts.sort_unstable_by_key(|(value, _)| *value);
        counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        counts.retain(|(_, count)| *count != 0);
    }
    counts
}

fn merge(left: &Counts, right: Counts, merged: &mut Counts) {
    merged.clear();
    merged.reserve(left.len() + right.len());
    let mut right = right.into_iter().peekable();
    for (value, count) in left {
        while let Some(before) = right.next_if(|(other, _)| other < value) {
            merged.push(before);
        }
        let same = right.next_if(|(other, _)| other == value);
        let count = count + same.map_or(0, |(_, count)| count);
        if count != 0 {
            merged.push((*value, count));
        }
    }
    merged.extend(right);
}
