//! The innermost loops: what each row adds to the bins of a measure, and takes out of them.

use keiki_model::calendar::Day;
use keiki_model::histogram::Cell as HistogramCell;

use crate::axis::Axis;
use crate::cube::{Adder, Cube};
use crate::error::{EngineError, Result};
use crate::plan::MeasurePlan;
use crate::rows::OPEN;

/// The cube's numbers of the groups of rows.
pub(super) enum Groups {
    /// All rows are in one.
    One(u16),
    /// *Shape*: row.
    Each(Vec<u16>),
}

impl Groups {
    fn of(&self, row: usize) -> u16 {
        match self {
            Self::One(group) => *group,
            Self::Each(groups) => groups[row],
        }
    }
}

/// What the loops over the rows of a measure read.
pub(super) struct Adding<'a> {
    pub(super) plan: &'a MeasurePlan,
    pub(super) axis: &'a Axis,
    pub(super) units: &'a [u16],
    pub(super) weights: &'a [i32],
    pub(super) groups: Groups,
}

/// When rows count.
pub(super) struct Days<'a> {
    pub(super) enters: &'a [Day],
    /// From when on they no longer count; `None` = all of them count for good.
    pub(super) leaves: Option<&'a [Day]>,
    /// The days of their values.
    pub(super) dated: &'a [Day],
}

impl Days<'_> {
    /// Visits each row with the bin in which it enters and that in which it leaves. What leaves in the bin in which it entered
    /// changes nothing, and is not visited.
    #[inline]
    fn each(
        &self,
        axis: &Axis,
        mut visit: impl FnMut(usize, Option<usize>, Option<usize>) -> Result<()>,
    ) -> Result<()> {
        let Some(leaves) = self.leaves else {
            for (row, enters) in self.enters.iter().enumerate() {
                if let Some(bin) = axis.bin(*enters) {
                    visit(row, Some(bin), None)?;
                }
            }
            return Ok(());
        };
        for (row, (enters, leaves)) in self.enters.iter().zip(leaves).enumerate() {
            let (enters, leaves) = (axis.bin(*enters), axis.bin(*leaves));
            if enters != leaves {
                visit(row, enters, leaves)?;
            }
        }
        Ok(())
    }
}

impl Adding<'_> {
    /// The innermost loop where records are counted and nothing else.
    pub(super) fn count(&self, days: &Days<'_>, adder: &mut Adder<'_>) {
        let rows = self.units.iter().zip(self.weights).zip(days.enters);
        let Some(leaves) = days.leaves else {
            // What a record was goes out beside what it is, and mostly of the same cell.
            let mut held = (0, 0);
            for ((unit, weight), enters) in rows {
                let Some(bin) = self.axis.bin(*enters) else {
                    continue;
                };
                let (place, weight) = (adder.place(*unit, bin), i64::from(*weight));
                if place == held.0 {
                    held.1 += weight;
                } else {
                    adder.count(held);
                    held = (place, weight);
                }
            }
            adder.count(held);
            return;
        };
        for (((unit, weight), enters), leaves) in rows.zip(leaves) {
            let (enters, leaves) = (self.axis.bin(*enters), self.axis.bin(*leaves));
            // What leaves in the bin in which it entered changes nothing.
            if enters == leaves {
                continue;
            }
            if let Some(bin) = enters {
                adder.count((adder.place(*unit, bin), i64::from(*weight)));
            }
            if let Some(bin) = leaves {
                adder.count((adder.place(*unit, bin), -i64::from(*weight)));
            }
        }
    }

    /// The innermost loop: adds a value, or that it is unknown, to the bin of the day on which a row counts, and takes it out.
    #[inline]
    pub(super) fn each(
        &self,
        days: &Days<'_>,
        value: impl Fn(usize) -> Option<i128>,
        adder: &mut Adder<'_>,
    ) -> Result<()> {
        days.each(self.axis, |row, enters, leaves| {
            let value = value(row);
            let (unit, weight) = (self.units[row], i64::from(self.weights[row]));
            let step = match value {
                Some(value) if self.plan.has_histogram => Some(in_steps(self.plan, value)?),
                _ => None,
            };
            let pair = |step: i64| {
                if self.plan.keeps_day {
                    (i64::from(days.dated[row]), step)
                } else {
                    (step, 0)
                }
            };
            for (bin, sign) in [(enters, 1), (leaves, -1)] {
                let Some(bin) = bin else { continue };
                adder.add(unit, bin, value, sign * weight);
                if let Some(step) = step {
                    self.put(row, bin, pair(step), sign, adder)?;
                }
            }
            Ok(())
        })
    }

    /// Adds a row's pair to the histogram.
    pub(super) fn put(
        &self,
        row: usize,
        bin: usize,
        pair: (i64, i64),
        sign: i64,
        adder: &mut Adder<'_>,
    ) -> Result<()> {
        let cell = HistogramCell {
            unit: self.units[row],
            bin: u16::try_from(bin).unwrap_or(u16::MAX),
            group: self.groups.of(row),
            first: pair.0,
            second: pair.1,
        };
        let weight = sign * i64::from(self.weights[row]);
        let added = adder.histogram.add(cell, weight);
        added.ok_or_else(|| EngineError::ValueTooLarge {
            measure: self.plan.name.clone(),
            value: i128::from(pair.0),
        })
    }

    pub(super) fn undated(&self, index: usize, row: usize, cube: &mut Cube) {
        let unit = usize::from(self.units[row]);
        cube.add_undated(index, unit, i64::from(self.weights[row]));
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
