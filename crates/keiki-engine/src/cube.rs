//! The dense array: base measure by org unit by bin of time, with exact histograms beside it. Cubes of parts add up.

use std::collections::HashMap;

use keiki_model::histogram::{Cell as HistogramCell, Histogram};
use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::error::{Dimension, EngineError, Result};

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

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            sum: self.sum - other.sum,
            count: self.count - other.count,
            unknown: self.unknown - other.unknown,
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        self == Self::default()
    }
}

/// The place of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) measure: usize,
    pub(crate) unit: usize,
    pub(crate) bin: usize,
}

/// Adds to the bins of one measure; what does not change from row to row is looked up once.
pub(crate) struct Adder<'c> {
    unit_stride: usize,
    offset: usize,
    counts: &'c mut [i64],
    unknown: &'c mut [i64],
    sums: Option<Sums<'c>>,
    pub(crate) histogram: &'c mut Histogram,
}

struct Sums<'c> {
    unit_stride: usize,
    offset: usize,
    values: &'c mut [i128],
}

impl Adder<'_> {
    /// Adds records to a bin of a measure that sums nothing but records.
    #[inline]
    pub(crate) fn count(&mut self, unit: u16, bin: usize, weight: i64) {
        self.counts[usize::from(unit) * self.unit_stride + self.offset + bin] += weight;
    }

    /// Adds records with a value, or of unknown value, to a bin.
    #[inline]
    pub(crate) fn add(&mut self, unit: u16, bin: usize, value: Option<i128>, weight: i64) {
        let unit = usize::from(unit);
        let at = unit * self.unit_stride + self.offset + bin;
        let Some(value) = value else {
            self.unknown[at] += weight;
            return;
        };
        self.counts[at] += weight;
        if let Some(of) = &mut self.sums {
            of.values[unit * of.unit_stride + of.offset + bin] += value * i128::from(weight);
        }
    }
}

/// Adds a row of one array to a row of another.
fn add_row<T: Copy + std::ops::AddAssign>(
    to: &mut [T],
    row: usize,
    from: &[T],
    of_row: usize,
    width: usize,
) {
    let to = &mut to[row * width..][..width];
    for (sum, part) in to.iter_mut().zip(&from[of_row * width..][..width]) {
        *sum += *part;
    }
}

/// Names with numbers, in order of their first appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names {
    names: Vec<String>,
    numbers: HashMap<String, u16>,
}

impl Names {
    pub(crate) fn number(&mut self, name: &str, dimension: Dimension) -> Result<u16> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let number = u16::try_from(self.names.len())
            .ok()
            .filter(|n| *n < 65_000)
            .ok_or(EngineError::TooMany(dimension))?;
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
    /// Number of records. *Shape*: org unit, measure, bin; so that a new org unit only appends.
    counts: Vec<i64>,
    /// Number of records of which it is unknown whether or how much they count. *Shape*: as `counts`.
    unknown: Vec<i64>,
    /// Per measure its position among those with values; the sum of others is their count.
    valued: Vec<Option<usize>>,
    /// *Shape*: org unit, measure with values, bin.
    sums: Vec<i128>,
    /// Records that would count but have no date. *Shape*: org unit, measure.
    undated: Vec<i64>,
    pub(crate) histograms: Vec<Histogram>,
}

impl Cube {
    /// Makes an empty cube; `has_value` tells for each measure whether it sums more than records.
    pub(crate) fn new(axis: Axis, has_value: &[bool]) -> Self {
        let mut places = 0..;
        Self {
            axis,
            measures: has_value.len(),
            units: Names::default(),
            groups: Names::default(),
            counts: Vec::new(),
            unknown: Vec::new(),
            valued: has_value
                .iter()
                .map(|has| if *has { places.next() } else { None })
                .collect(),
            sums: Vec::new(),
            undated: Vec::new(),
            histograms: vec![Histogram::default(); has_value.len()],
        }
    }

    /// Per measure, whether it sums more than records.
    pub(crate) fn has_value(&self) -> Vec<bool> {
        self.valued.iter().map(Option::is_some).collect()
    }

    pub(crate) fn unit(&mut self, name: &str) -> Result<u16> {
        let number = self.units.number(name, Dimension::OrgUnits)?;
        let (units, bins) = (self.units.list().len(), self.axis.bins());
        if self.undated.len() < units * self.measures {
            self.counts.resize(units * self.measures * bins, 0);
            self.unknown.resize(units * self.measures * bins, 0);
            let valued = self.valued.iter().flatten().count();
            self.sums.resize(units * valued * bins, 0);
            self.undated.resize(units * self.measures, 0);
        }
        Ok(number)
    }

    /// Position of the first bin of a measure and org unit.
    fn offset(&self, measure: usize, unit: usize) -> usize {
        (unit * self.measures + measure) * self.axis.bins()
    }

    /// Position of the first bin of a measure and org unit among the sums; `None` where they are the counts.
    fn offset_of_sums(&self, measure: usize, unit: usize) -> Option<usize> {
        let bins = self.axis.bins();
        let valued = self.sums.len() / (self.units.list().len() * bins).max(1);
        self.valued[measure].map(|place| (unit * valued + place) * bins)
    }

    /// A way to add to the bins of one measure.
    pub(crate) fn adder(&mut self, measure: usize) -> Adder<'_> {
        let bins = self.axis.bins();
        let valued = self.valued.iter().flatten().count();
        Adder {
            unit_stride: self.measures * bins,
            offset: measure * bins,
            counts: &mut self.counts,
            unknown: &mut self.unknown,
            sums: self.valued[measure].map(|place| Sums {
                unit_stride: valued * bins,
                offset: place * bins,
                values: &mut self.sums,
            }),
            histogram: &mut self.histograms[measure],
        }
    }

    /// What a bin holds.
    fn cell(&self, at: Spot) -> Cell {
        let Spot { measure, unit, bin } = at;
        let offset = self.offset(measure, unit) + bin;
        let count = self.counts[offset];
        let sums = self.offset_of_sums(measure, unit);
        Cell {
            sum: sums.map_or(i128::from(count), |sums| self.sums[sums + bin]),
            count,
            unknown: self.unknown[offset],
        }
    }

    /// Adds a cell to a bin.
    fn add_cell(&mut self, at: Spot, cell: Cell) {
        let Spot { measure, unit, bin } = at;
        let offset = self.offset(measure, unit) + bin;
        self.counts[offset] += cell.count;
        self.unknown[offset] += cell.unknown;
        if let Some(sums) = self.offset_of_sums(measure, unit) {
            self.sums[sums + bin] += cell.sum;
        }
    }

    pub(crate) fn add_undated(&mut self, measure: usize, unit: usize, weight: i64) {
        self.undated[unit * self.measures + measure] += weight;
    }

    pub(crate) fn undated(&self, measure: usize, unit: usize) -> i64 {
        self.undated[unit * self.measures + measure]
    }

    /// The sums of all bins before each, and of all; tells whether any bin holds something.
    pub(crate) fn levels(&self, measure: usize, unit: usize, levels: &mut Vec<Cell>) -> bool {
        let bins = self.axis.bins();
        let counts = &self.counts[self.offset(measure, unit)..][..bins];
        let unknown = &self.unknown[self.offset(measure, unit)..][..bins];
        let sums = self.offset_of_sums(measure, unit);
        let sums = sums.map(|offset| &self.sums[offset..][..bins]);
        let mut level = Cell::default();
        let mut has_any = false;
        levels.clear();
        levels.push(level);
        for bin in 0..bins {
            let cell = Cell {
                sum: sums.map_or(i128::from(counts[bin]), |sums| sums[bin]),
                count: counts[bin],
                unknown: unknown[bin],
            };
            has_any |= !cell.is_zero();
            level.add(cell);
            levels.push(level);
        }
        has_any
    }

    /// Adds another cube of the same measures and axis, both settled.
    pub(crate) fn merge(&mut self, other: Self) -> Result<()> {
        if self.units.list().is_empty() {
            *self = other;
            return Ok(());
        }
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
            .map(|name| self.groups.number(name, Dimension::Groups))
            .collect::<Result<_>>()?;
        let (per_unit, bins) = (self.measures * self.axis.bins(), self.axis.bins());
        let sums_per_unit = self.valued.iter().flatten().count() * bins;
        for (theirs, ours) in units.iter().enumerate() {
            let ours = usize::from(*ours);
            add_row(&mut self.counts, ours, &other.counts, theirs, per_unit);
            add_row(&mut self.unknown, ours, &other.unknown, theirs, per_unit);
            add_row(&mut self.sums, ours, &other.sums, theirs, sums_per_unit);
            let (undated, measures) = (&mut self.undated, self.measures);
            add_row(undated, ours, &other.undated, theirs, measures);
        }
        let groups_stay = (0..).zip(&groups).all(|(place, number)| place == *number);
        for (ours, theirs) in self.histograms.iter_mut().zip(other.histograms) {
            if groups_stay {
                ours.merge(theirs, &units);
                continue;
            }
            for (packed, weight) in theirs.packed() {
                let cell = HistogramCell::unpack(packed);
                let group = groups.get(usize::from(cell.group)).copied().unwrap_or(0);
                let moved = HistogramCell {
                    unit: units[usize::from(cell.unit)],
                    group,
                    ..cell
                };
                ours.add(moved, weight)
                    .expect("a cell that was held once can be held again");
            }
            ours.settle();
        }
        Ok(())
    }

    /// Visits the measures and bins in which any org unit has something; some come several times.
    pub(crate) fn filled_bins(&self, mut visit: impl FnMut(usize, usize)) {
        let bins = self.axis.bins();
        for position in 0..self.counts.len() {
            let at = self.bin(position, bins);
            if !self.cell(at).is_zero() {
                visit(at.measure, at.bin);
            }
        }
        // What cancels out in number may still differ in value.
        for (measure, histogram) in self.histograms.iter().enumerate() {
            for (packed, _) in histogram.packed() {
                visit(measure, usize::from(HistogramCell::unpack(packed).bin));
            }
        }
    }

    /// The cells that hold something, with their positions, for keeping.
    pub(crate) fn filled(&self) -> Vec<(u64, Cell)> {
        let bins = self.axis.bins();
        let positions = 0..self.counts.len();
        positions
            .map(|position| (position as u64, self.cell(self.bin(position, bins))))
            .filter(|(_, cell)| !cell.is_zero())
            .collect()
    }

    /// Puts a kept cell back; `None` if there is no such place.
    pub(crate) fn put(&mut self, position: u64, cell: Cell) -> Option<()> {
        let position = usize::try_from(position).ok()?;
        let at = self.bin(position, self.axis.bins());
        (position < self.counts.len()).then(|| self.add_cell(at, cell))
    }

    fn bin(&self, position: usize, bins: usize) -> Spot {
        let row = position / bins.max(1);
        Spot {
            measure: row % self.measures.max(1),
            unit: row / self.measures.max(1),
            bin: position % bins.max(1),
        }
    }

    /// The counts of records without a date, for keeping.
    pub(crate) fn all_undated(&self) -> &[i64] {
        &self.undated
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
