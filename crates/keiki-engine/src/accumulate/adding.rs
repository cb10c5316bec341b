//! The innermost loops where records are counted: what each row adds to the bins of a measure, and takes out of them.

use keiki_model::calendar::Day;
use keiki_model::histogram::Cell as HistogramCell;

use crate::axis::Axis;
use crate::cube::{Adder, Cube};
use crate::error::{EngineError, Result};
use crate::plan::MeasurePlan;
use crate::rows::{KEYS, only_key};

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

impl Adding<'_> {
    /// The innermost loop where records are counted and nothing else. Where many rows of one org unit come one after the other, they
    /// are counted by bin first.
    pub(super) fn count(&self, days: &Days<'_>, adder: &mut Adder<'_>) {
        let mut bins = Bins::new(self.axis);
        let mut start = 0;
        for run in self.units.chunk_by(|a, b| a == b) {
            let rows = start..start + run.len();
            start = rows.end;
            let weights = &self.weights[rows.clone()];
            let enters = &days.enters[rows.clone()];
            let leaves = days.leaves.map(|leaves| &leaves[rows]);
            if run.len() >= bins.0.len() {
                bins.count(self.axis, weights, (enters, leaves));
                bins.give(|bin, weight| adder.count((adder.place(run[0], bin), weight)));
            } else {
                let add = |bin, weight| adder.count((adder.place(run[0], bin), weight));
                self.count_few(weights, (enters, leaves), add);
            }
        }
    }

    fn count_few(
        &self,
        weights: &[i32],
        (enters, leaves): (&[Day], Option<&[Day]>),
        mut add: impl FnMut(usize, i64),
    ) {
        let rows = weights.iter().map(|weight| i64::from(*weight)).zip(enters);
        for (row, (weight, enters)) in rows.enumerate() {
            let enters = self.axis.bin(*enters);
            let leaves = leaves.and_then(|leaves| self.axis.bin(leaves[row]));
            // What leaves in the bin in which it entered changes nothing.
            if enters == leaves {
                continue;
            }
            if let Some(bin) = enters {
                add(bin, weight);
            }
            if let Some(bin) = leaves {
                add(bin, -weight);
            }
        }
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

/// How many records of one org unit enter and leave. *Shape*: bin, and one more for days after the last.
struct Bins(Vec<i64>, Vec<i64>);

impl Bins {
    fn new(axis: &Axis) -> Self {
        let none = vec![0; axis.bins() + 1];
        Self(none.clone(), none)
    }

    /// Counts rows, without a branch.
    fn count(&mut self, axis: &Axis, weights: &[i32], (enters, leaves): (&[Day], Option<&[Day]>)) {
        let Self(entered, left) = self;
        let Some(leaves) = leaves else {
            return count_by_day(axis, weights, enters, entered);
        };
        for ((weight, enters), leaves) in weights.iter().zip(enters).zip(leaves) {
            entered[axis.place(*enters)] += i64::from(*weight);
            left[axis.place(*leaves)] += i64::from(*weight);
        }
    }

    /// Gives away what was counted.
    fn give(&mut self, mut to: impl FnMut(usize, i64)) {
        let all = self.0.len() - 1;
        for bin in 0..all {
            let weight = self.0[bin] - self.1[bin];
            if weight != 0 {
                to(bin, weight);
            }
        }
        self.0.fill(0);
        self.1.fill(0);
    }
}

/// Adds weights to the bins of their days. Rows of one day mostly lie together.
fn count_by_day(axis: &Axis, weights: &[i32], days: &[Day], bins: &mut [i64]) {
    for (weights, days) in weights.chunks(KEYS).zip(days.chunks(KEYS)) {
        let weights = weights.iter().map(|weight| i64::from(*weight));
        if let Some(day) = only_key(days) {
            bins[axis.place(day)] += weights.sum::<i64>();
            continue;
        }
        for (weight, day) in weights.zip(days) {
            bins[axis.place(*day)] += weight;
        }
    }
}
