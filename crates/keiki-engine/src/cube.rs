//! The dense array: base measure by org unit by bin of time, with exact histograms beside it. Cubes of parts add up.

use std::collections::HashMap;

use keiki_model::histogram::{Cell as HistogramCell, Histogram};
use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::error::{EngineError, Result};

/// What is added up in one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// Sum of the values, in the measure's scaled whole numbers.
    pub(crate) sum: i128,
    /// Number of records with a value.
    pub(crate) count: i64,
    /// Number of records for which the predicate or the value is null.
    pub(crate) unknown: i64,
}

impl Cell {
    pub(crate) fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
        self.unknown += other.unknown;
    }

    pub(crate) fn is_zero(self) -> bool {
        self == Self::default()
    }
}

/// Names with numbers, in order of their first appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names {
    names: Vec<String>,
    numbers: HashMap<String, u16>,
}

impl Names {
    pub(crate) fn number(&mut self, name: &str, what: &'static str) -> Result<u16> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let number = u16::try_from(self.names.len())
            .ok()
            .filter(|n| *n < 65_000)
            .ok_or(EngineError::TooMany(what))?;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }

    pub(crate) fn list(&self) -> &[String] {
        &self.names
    }
}

/// The cube of one dataset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cube {
    pub(crate) axis: Axis,
    pub(crate) measures: usize,
    pub(crate) units: Names,
    pub(crate) groups: Names,
    /// *Shape*: org unit, measure, bin; so that a new org unit only appends.
    cells: Vec<Cell>,
    /// Records that would count but have no date. *Shape*: org unit, measure.
    undated: Vec<i64>,
    pub(crate) histograms: Vec<Histogram>,
}

impl Cube {
    pub(crate) fn new(axis: Axis, measures: usize) -> Self {
        Self {
            axis,
            measures,
            units: Names::default(),
            groups: Names::default(),
            cells: Vec::new(),
            undated: Vec::new(),
            histograms: vec![Histogram::default(); measures],
        }
    }

    pub(crate) fn unit(&mut self, name: &str) -> Result<u16> {
        let number = self.units.number(name, "org units")?;
        let units = self.units.list().len();
        self.cells
            .resize(units * self.measures * self.axis.bins(), Cell::default());
        self.undated.resize(units * self.measures, 0);
        Ok(number)
    }

    /// Position of the first bin of a measure and org unit.
    pub(crate) fn offset(&self, measure: usize, unit: usize) -> usize {
        (unit * self.measures + measure) * self.axis.bins()
    }

    pub(crate) fn cells_mut(&mut self) -> &mut [Cell] {
        &mut self.cells
    }

    pub(crate) fn add_undated(&mut self, measure: usize, unit: usize, weight: i64) {
        self.undated[unit * self.measures + measure] += weight;
    }

    pub(crate) fn undated(&self, measure: usize, unit: usize) -> i64 {
        self.undated[unit * self.measures + measure]
    }

    /// The sum over bins.
    pub(crate) fn sum(
        &self,
        measure: usize,
        unit: usize,
        bins: std::ops::RangeInclusive<usize>,
    ) -> Cell {
        let offset = self.offset(measure, unit);
        let mut total = Cell::default();
        for cell in &self.cells[offset + bins.start()..=offset + bins.end()] {
            total.add(*cell);
        }
        total
    }

    /// Adds another cube of the same measures and axis.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        let units: Vec<u16> = other
            .units
            .list()
            .iter()
            .map(|name| self.unit(name))
            .collect::<Result<_>>()?;
        let groups: Vec<u16> = other
            .groups
            .list()
            .iter()
            .map(|name| self.groups.number(name, "groups"))
            .collect::<Result<_>>()?;
        let bins = self.axis.bins();
        for (theirs, ours) in units.iter().enumerate() {
            for measure in 0..self.measures {
                let (from, to) = (
                    other.offset(measure, theirs),
                    self.offset(measure, usize::from(*ours)),
                );
                for bin in 0..bins {
                    self.cells[to + bin].add(other.cells[from + bin]);
                }
                self.add_undated(measure, usize::from(*ours), other.undated(measure, theirs));
            }
        }
        let is_same = units
            .iter()
            .enumerate()
            .all(|(i, unit)| i == usize::from(*unit))
            && groups
                .iter()
                .enumerate()
                .all(|(i, group)| i == usize::from(*group));
        for (ours, theirs) in self.histograms.iter_mut().zip(&other.histograms) {
            if is_same {
                ours.merge(theirs);
                continue;
            }
            let mut theirs = theirs.clone();
            theirs.settle();
            for (packed, weight) in theirs.packed() {
                let cell = HistogramCell::unpack(*packed);
                let group = groups.get(usize::from(cell.group)).copied().unwrap_or(0);
                let moved = HistogramCell {
                    unit: units[usize::from(cell.unit)],
                    group,
                    ..cell
                };
                if let Some(packed) = moved.pack() {
                    ours.add(packed, *weight);
                }
            }
            ours.settle();
        }
        Ok(())
    }

    /// The cells and the undated counts, for keeping.
    pub(crate) fn parts(&self) -> (&[Cell], &[i64]) {
        (&self.cells, &self.undated)
    }

    /// Puts kept undated counts back; `None` if they do not fit.
    pub(crate) fn set_undated(&mut self, undated: Vec<i64>) -> Option<()> {
        (undated.len() == self.undated.len()).then(|| self.undated = undated)
    }

    /// Brings histograms in order, so that they can be read.
    pub(crate) fn settle(&mut self) {
        for histogram in &mut self.histograms {
            histogram.settle();
        }
    }
}
