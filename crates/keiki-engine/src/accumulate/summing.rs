//! The innermost loops where rows have values: these are summed, and kept in histograms.

use std::ops::Range;

use arrow::buffer::NullBuffer;

use super::adding::{Adding, Days};
use crate::cube::{Adder, Cell};
use crate::error::{EngineError, Result};
use crate::plan::MeasurePlan;
use crate::rows::OPEN;

impl Adding<'_> {
    /// Adds each row's value, or that it is unknown, to the bin of the day on which it counts, and takes it out of that of the
    /// day from which it no longer does. What is not known may have any value.
    pub(super) fn each(
        &self,
        days: &Days<'_>,
        known: Option<&NullBuffer>,
        value: impl Fn(usize) -> i128,
        adder: &mut Adder<'_>,
    ) -> Result<()> {
        let is_known = |row: usize| known.is_none_or(|known| known.is_valid(row));
        let cell = |row: usize| {
            let weight = i64::from(self.weights[row]);
            let count = weight * i64::from(is_known(row));
            Cell {
                sum: value(row) * i128::from(count),
                count,
                unknown: weight - count,
            }
        };
        self.sum(days, cell, adder);
        if self.plan.has_histogram {
            self.put_each(days, is_known, value, adder)?;
        }
        Ok(())
    }

    /// Adds the cells of rows. Where many rows of one org unit come one after the other, they are added up by bin first.
    fn sum(&self, days: &Days<'_>, cell: impl Fn(usize) -> Cell, adder: &mut Adder<'_>) {
        let all = self.axis.bins();
        // One more for days after the last.
        let mut bins = vec![Cell::default(); all + 1];
        let mut start = 0;
        for run in self.units.chunk_by(|a, b| a == b) {
            let rows = start..start + run.len();
            start = rows.end;
            if run.len() * ROW_BINS < bins.len() {
                self.sum_few(rows, days, &cell, adder);
                continue;
            }
            self.visit(rows, days, |row, enters, leaves| {
                let cell = cell(row);
                bins[enters].add(cell);
                if let Some(leaves) = leaves {
                    bins[leaves].take(cell);
                }
            });
            for (bin, sum) in bins[..all].iter().enumerate() {
                if !sum.is_zero() {
                    adder.add(adder.place(run[0], bin), *sum);
                }
            }
            bins.fill(Cell::default());
        }
    }

    fn sum_few(
        &self,
        rows: Range<usize>,
        days: &Days<'_>,
        cell: impl Fn(usize) -> Cell,
        adder: &mut Adder<'_>,
    ) {
        let all = self.axis.bins();
        self.visit(rows, days, |row, enters, leaves| {
            let leaves = leaves.unwrap_or(all);
            // What leaves in the bin in which it entered changes nothing.
            if enters == leaves {
                return;
            }
            let (unit, cell) = (self.units[row], cell(row));
            if enters < all {
                adder.add(adder.place(unit, enters), cell);
            }
            if leaves < all {
                adder.add(adder.place(unit, leaves), Cell::default().minus(cell));
            }
        });
    }

    /// Visits rows with the places on the axis of the days on which they enter and leave; `None` where nothing ever leaves.
    #[inline]
    fn visit(
        &self,
        rows: Range<usize>,
        days: &Days<'_>,
        mut visit: impl FnMut(usize, usize, Option<usize>),
    ) {
        let enters = &days.enters[rows.clone()];
        let Some(leaves) = days.leaves else {
            for (row, enters) in rows.zip(enters) {
                visit(row, self.axis.place(*enters), None);
            }
            return;
        };
        let leaves = &leaves[rows.clone()];
        for ((row, enters), leaves) in rows.zip(enters).zip(leaves) {
            visit(
                row,
                self.axis.place(*enters),
                Some(self.axis.place(*leaves)),
            );
        }
    }

    /// Adds the values of rows to the histogram.
    fn put_each(
        &self,
        days: &Days<'_>,
        is_known: impl Fn(usize) -> bool,
        value: impl Fn(usize) -> i128,
        adder: &mut Adder<'_>,
    ) -> Result<()> {
        let all = self.axis.bins();
        let (mut entering, mut leaving) = (Moves::default(), Moves::default());
        for start in (0..self.units.len()).step_by(ROWS_AT_ONCE) {
            let rows = start..self.units.len().min(start + ROWS_AT_ONCE);
            self.visit(rows, days, |row, enters, leaves| {
                let leaves = leaves.unwrap_or(all);
                let moves = usize::from(is_known(row)) * usize::from(enters != leaves);
                entering.push((row, enters), moves * usize::from(enters < all));
                leaving.push((row, leaves), moves * usize::from(leaves < all));
            });
            for (moves, sign) in [(&mut entering, 1), (&mut leaving, -1)] {
                for (row, bin) in moves.take() {
                    let step = in_steps(self.plan, value(*row))?;
                    let pair = if self.plan.keeps_day {
                        (i64::from(days.dated[*row]), step)
                    } else {
                        (step, 0)
                    };
                    self.put(*row, *bin, pair, sign, adder)?;
                }
            }
        }
        Ok(())
    }
}

/// Rows are added up by bin where they are no fewer than one for so many bins.
const ROW_BINS: usize = 4;

/// In how many rows moves are looked for together.
const ROWS_AT_ONCE: usize = 256;

/// Rows with the bins in which they enter or which they leave. They are found without a branch: which they are nobody can foretell.
struct Moves {
    found: [(usize, usize); ROWS_AT_ONCE],
    count: usize,
}

impl Default for Moves {
    fn default() -> Self {
        Self {
            found: [(0, 0); ROWS_AT_ONCE],
            count: 0,
        }
    }
}

impl Moves {
    /// Takes one in, where it is one and not none.
    #[inline]
    fn push(&mut self, found: (usize, usize), one_or_none: usize) {
        self.found[self.count] = found;
        self.count += one_or_none;
    }

    /// Those found, of which it then holds none.
    fn take(&mut self) -> &[(usize, usize)] {
        &self.found[..std::mem::take(&mut self.count)]
    }
}

/// A value in steps of the resolution; a step once begun counts whole.
fn in_steps(plan: &MeasurePlan, value: i128) -> Result<i64> {
    let step = plan.step.max(1);
    let in_steps = |value: i64| match step {
        1 => value,
        step => value.div_euclid(step) + i64::from(value.rem_euclid(step) != 0),
    };
    let steps = i64::try_from(value).ok().map(in_steps);
    steps
        .filter(|steps| steps.abs() < OPEN)
        .ok_or_else(|| EngineError::ValueTooLarge {
            measure: plan.name.clone(),
            value,
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use keiki_model::calendar::{Day, Month};
    use keiki_model::histogram::Cell as HistogramCell;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::adding::Groups;
    use super::*;
    use crate::axis::Axis;
    use crate::cube::Cube;
    use crate::plan::ClockPlan;

    /// What a row has beside its org unit.
    #[derive(Debug, Clone, Copy)]
    struct Row {
        weight: i32,
        enters: Day,
        /// For so many days; for good where there are none.
        stays: Option<Day>,
        dated: Day,
        value: Option<i128>,
        group: u16,
    }

    fn row(values: &'static [i128]) -> impl Strategy<Value = Row> {
        let days = (-40..130, proptest::option::of(0..90), -900..900);
        let weights = select(&[1, -1, 2, -127, 128, -100_000][..]);
        let value = proptest::option::of(select(values));
        let drawn = (days, weights, value, 0_u16..3);
        drawn.prop_map(|((enters, stays, dated), weight, value, group)| Row {
            weight,
            enters: Month::new(2026, 4).first_day() + enters,
            stays,
            dated,
            value,
            group,
        })
    }

    /// Rows of org units, some in runs that are longer than the axis.
    fn rows(values: &'static [i128]) -> impl Strategy<Value = Vec<(u16, Row)>> {
        let runs = vec((0_u16..4, vec(row(values), 1..120)), 0..6);
        runs.prop_map(|runs| {
            let with_unit =
                |(unit, rows): (u16, Vec<Row>)| rows.into_iter().map(move |row| (unit, row));
            runs.into_iter().flat_map(with_unit).collect()
        })
    }

    fn plan(has_histogram: bool, keeps_day: bool) -> MeasurePlan {
        MeasurePlan {
            name: "amounts".to_owned(),
            version: String::new(),
            filter: None,
            value: Some(0),
            divisor: 1,
            clock: ClockPlan::Stock {
                from: None,
                until: None,
            },
            group: None,
            has_histogram,
            keeps_day,
            step: 3,
            is_dated: false,
        }
    }

    type Cells = BTreeMap<(u64, u16), Cell>;
    type Held = BTreeMap<HistogramCell, i64>;

    /// What rows come to, added one by one.
    fn plainly(plan: &MeasurePlan, axis: &Axis, rows: &[(u16, Row)]) -> (Cells, Held) {
        let (mut cells, mut held) = (Cells::new(), Held::new());
        for (unit, row) in rows {
            let leaves = row.stays.and_then(|days| axis.bin(row.enters + days));
            for (bin, sign) in [(axis.bin(row.enters), 1), (leaves, -1)] {
                let Some(bin) = bin else { continue };
                let weight = sign * i64::from(row.weight);
                let cell = cells.entry((bin as u64, *unit)).or_default();
                let Some(value) = row.value else {
                    cell.unknown += weight;
                    continue;
                };
                cell.count += weight;
                cell.sum += value * i128::from(weight);
                if plan.has_histogram {
                    // A step once begun counts whole.
                    let steps = i64::try_from((value + 2).div_euclid(3)).expect("few bits");
                    let day = i64::from(row.dated);
                    let pair = if plan.keeps_day {
                        (day, steps)
                    } else {
                        (steps, 0)
                    };
                    let cell = HistogramCell {
                        unit: *unit,
                        bin: u16::try_from(bin).expect("few bins"),
                        group: row.group,
                        first: pair.0,
                        second: pair.1,
                    };
                    *held.entry(cell).or_default() += weight;
                }
            }
        }
        cells.retain(|_, cell| !cell.is_zero());
        held.retain(|_, weight| *weight != 0);
        (cells, held)
    }

    fn added(plan: &MeasurePlan, axis: &Axis, rows: &[(u16, Row)]) -> (Cells, Held) {
        let mut cube = Cube::new(axis.clone(), &[true]);
        for name in ["a", "b", "c", "d"] {
            cube.unit(name).expect("few org units");
        }
        let (units, rows): (Vec<u16>, Vec<Row>) = rows.iter().copied().unzip();
        let of = |number: fn(&Row) -> i32| rows.iter().map(number).collect::<Vec<i32>>();
        let leaves = of(|row| row.stays.map_or(Day::MAX, |days| row.enters + days));
        let stay = rows.iter().all(|row| row.stays.is_none());
        let days = Days {
            enters: &of(|row| row.enters),
            leaves: (!stay).then_some(&leaves[..]),
            dated: &of(|row| row.dated),
        };
        let adding = Adding {
            plan,
            axis,
            units: &units,
            weights: &of(|row| row.weight),
            groups: Groups::Each(rows.iter().map(|row| row.group).collect()),
        };
        let known: NullBuffer = rows.iter().map(|row| row.value.is_some()).collect();
        // What is not known may have any value.
        let value = |row: usize| rows[row].value.unwrap_or(77);
        let done = adding.each(&days, Some(&known), value, &mut cube.adder(0));
        done.expect("all of them fit");
        cube.settle();
        let mut held = Held::new();
        for (cell, weight) in cube.histograms[0].cells() {
            *held.entry(cell).or_default() += weight;
        }
        (cube.filled().into_iter().collect(), held)
    }

    fn axis() -> Axis {
        Axis::new(Month::new(2026, 4), Month::new(2026, 6))
    }

    proptest! {
        #[test]
        fn values_of_any_size_come_to_their_sums(
            rows in rows(&[0, 1, -5, (1 << 63) - 1, -(1 << 63), 1 << 90]),
        ) {
            let plan = plan(false, false);
            prop_assert_eq!(added(&plan, &axis(), &rows), plainly(&plan, &axis(), &rows));
        }

        #[test]
        fn histograms_hold_what_rows_add_one_by_one(
            keeps_day in any::<bool>(),
            rows in rows(&[0, 1, 2, -5, 700, 1 << 30, -(1 << 30)]),
        ) {
            let plan = plan(true, keeps_day);
            prop_assert_eq!(added(&plan, &axis(), &rows), plainly(&plan, &axis(), &rows));
        }
    }
}
