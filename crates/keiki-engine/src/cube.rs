//! The dense array: base measure by org unit by bin of time, with exact histograms beside it. Cubes of parts add up.

use std::collections::{BTreeMap, HashMap};

use keiki_model::histogram::{Cell as HistogramCell, Histogram};
use keiki_model::parallel::in_parallel;
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
    #[inline]
    pub(crate) fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
        self.unknown += other.unknown;
    }

    #[inline]
    pub(crate) fn take(&mut self, other: Self) {
        *self = self.minus(other);
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
    /// The places of the org units of a bin.
    width: usize,
    offset: usize,
    counts: &'c mut [i64],
    /// Nothing as long as nothing is unknown.
    unknown: &'c mut Vec<i64>,
    sums: Option<Sums<'c>>,
    pub(crate) histogram: &'c mut Histogram,
}

struct Sums<'c> {
    offset: usize,
    values: &'c mut [i128],
}

impl Adder<'_> {
    /// The place of an org unit in a bin.
    #[inline]
    pub(crate) fn place(&self, unit: u16, bin: usize) -> usize {
        bin * self.width + usize::from(unit)
    }

    /// Adds records at a place, for a measure that sums nothing but records.
    #[inline]
    pub(crate) fn count(&mut self, (place, weight): (usize, i64)) {
        self.counts[self.offset + place] += weight;
    }

    /// Adds a cell at a place.
    #[inline]
    pub(crate) fn add(&mut self, place: usize, cell: Cell) {
        self.counts[self.offset + place] += cell.count;
        if cell.unknown != 0 {
            self.unknown.resize(self.counts.len(), 0);
            self.unknown[self.offset + place] += cell.unknown;
        }
        if let Some(of) = &mut self.sums {
            of.values[of.offset + place] += cell.sum;
        }
    }
}

/// The fewest places that a bin has for org units.
const LEAST_WIDTH: usize = 16;

/// Gives each bin more places for org units, of which so many are taken.
fn widen<T: Copy + Default>(cells: &mut Vec<T>, (from, to): (usize, usize), taken: usize) {
    let mut wider = vec![T::default(); cells.len() / from * to];
    if taken > 0 {
        for (wide, narrow) in wider.chunks_exact_mut(to).zip(cells.chunks_exact(from)) {
            wide[..taken].copy_from_slice(&narrow[..taken]);
        }
    }
    *cells = wider;
}

/// Adds the cells of all bins to those of another, whose places for org units are others.
fn add_all<T: Copy + std::ops::AddAssign>(
    (to, width): (&mut [T], usize),
    (from, others_width): (&[T], usize),
    places: &[u16],
) {
    let bins = to.chunks_exact_mut(width);
    for (ours, theirs) in bins.zip(from.chunks_exact(others_width)) {
        for (part, place) in theirs.iter().zip(places) {
            ours[usize::from(*place)] += *part;
        }
    }
}

/// How many cells of histograms are merged on several threads.
const WORTH_THREADS: usize = 1 << 16;

/// Adds the cells of a histogram to those of another, in which org units and groups have other numbers.
fn merge_moved(ours: &mut Histogram, theirs: &Histogram, units: &[u16], groups: &[u16]) {
    for (cell, weight) in theirs.cells() {
        let moved = HistogramCell {
            unit: units[usize::from(cell.unit)],
            group: groups.get(usize::from(cell.group)).copied().unwrap_or(0),
            ..cell
        };
        ours.add(moved, weight)
            .expect("a cell that was held once can be held again");
    }
    ours.settle();
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

/// What a cube holds, by names, to compare.
#[derive(Debug, PartialEq, Eq)]
struct Contents<'c> {
    cells: BTreeMap<(u64, &'c str), (i128, i64, i64)>,
    undated: BTreeMap<(usize, &'c str), i64>,
    histograms: BTreeMap<(usize, HistogramCell, &'c str, Option<&'c str>), i64>,
}

/// The cube of one dataset.
#[derive(Debug, Clone)]
pub(crate) struct Cube {
    pub(crate) axis: Axis,
    pub(crate) measures: usize,
    pub(crate) units: Names,
    pub(crate) groups: Names,
    /// The places for org units in each bin. Units lie side by side, since rows that come together are of few
    /// bins and many units.
    width: usize,
    /// Number of records. *Shape*: measure, bin, org unit.
    counts: Vec<i64>,
    /// Number of records of which it is unknown whether or how much they count. *Shape*: as `counts`; nothing as long as there
    /// are none, as is usual.
    unknown: Vec<i64>,
    /// Per measure its position among those with values; the sum of others is their count.
    valued: Vec<Option<usize>>,
    /// *Shape*: measure with values, bin, org unit.
    sums: Vec<i128>,
    /// Records that would count but have no date. *Shape*: org unit, measure.
    undated: Vec<i64>,
    pub(crate) histograms: Vec<Histogram>,
}

impl Cube {
    /// Makes an empty cube; `has_value` tells for each measure whether it sums more than records.
    pub(crate) fn new(axis: Axis, has_value: &[bool]) -> Self {
        let mut places = 0..;
        let cells = axis.bins() * LEAST_WIDTH;
        let valued = has_value.iter().filter(|has| **has).count();
        Self {
            axis,
            measures: has_value.len(),
            units: Names::default(),
            groups: Names::default(),
            width: LEAST_WIDTH,
            counts: vec![0; has_value.len() * cells],
            unknown: Vec::new(),
            valued: has_value
                .iter()
                .map(|has| if *has { places.next() } else { None })
                .collect(),
            sums: vec![0; valued * cells],
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
        let units = self.units.list().len();
        if units > self.width {
            self.make_room(units + units / 2);
        }
        if self.undated.len() < units * self.measures {
            self.undated.resize(units * self.measures, 0);
        }
        Ok(number)
    }

    /// Makes room for so many org units at once.
    pub(crate) fn make_room(&mut self, units: usize) {
        let wider = units.next_multiple_of(LEAST_WIDTH);
        if wider > self.width {
            let widths = (self.width, wider);
            let taken = self.units.list().len().min(self.width);
            widen(&mut self.counts, widths, taken);
            widen(&mut self.unknown, widths, taken);
            widen(&mut self.sums, widths, taken);
            self.width = wider;
        }
    }

    /// Position of a cell.
    fn position(&self, at: Spot) -> usize {
        (at.measure * self.axis.bins() + at.bin) * self.width + at.unit
    }

    /// Position of a cell among the sums; `None` where they are the counts.
    fn position_of_sum(&self, at: Spot) -> Option<usize> {
        let place = self.valued[at.measure]?;
        Some((place * self.axis.bins() + at.bin) * self.width + at.unit)
    }

    /// A way to add to the bins of one measure.
    pub(crate) fn adder(&mut self, measure: usize) -> Adder<'_> {
        let cells = self.axis.bins() * self.width;
        Adder {
            width: self.width,
            offset: measure * cells,
            counts: &mut self.counts,
            unknown: &mut self.unknown,
            sums: self.valued[measure].map(|place| Sums {
                offset: place * cells,
                values: &mut self.sums,
            }),
            histogram: &mut self.histograms[measure],
        }
    }

    /// What a bin holds.
    fn cell(&self, at: Spot) -> Cell {
        let position = self.position(at);
        let count = self.counts[position];
        let sum = self.position_of_sum(at);
        Cell {
            sum: sum.map_or(i128::from(count), |sum| self.sums[sum]),
            count,
            unknown: self.unknown.get(position).copied().unwrap_or(0),
        }
    }

    /// Adds a cell to a bin.
    fn add_cell(&mut self, at: Spot, cell: Cell) {
        let position = self.position(at);
        self.counts[position] += cell.count;
        if cell.unknown != 0 {
            self.unknown.resize(self.counts.len(), 0);
            self.unknown[position] += cell.unknown;
        }
        if let Some(sum) = self.position_of_sum(at) {
            self.sums[sum] += cell.sum;
        }
    }

    pub(crate) fn add_undated(&mut self, measure: usize, unit: usize, weight: i64) {
        self.undated[unit * self.measures + measure] += weight;
    }

    pub(crate) fn undated(&self, measure: usize, unit: usize) -> i64 {
        self.undated[unit * self.measures + measure]
    }

    /// Adds what a bin holds of a measure to a level for each org unit.
    pub(crate) fn add_bin(&self, measure: usize, bin: usize, levels: &mut [Cell]) {
        let first = Spot {
            measure,
            unit: 0,
            bin,
        };
        let at = self.position(first);
        for (level, count) in levels.iter_mut().zip(&self.counts[at..]) {
            level.count += count;
        }
        if let Some(at) = self.position_of_sum(first) {
            for (level, sum) in levels.iter_mut().zip(&self.sums[at..]) {
                level.sum += sum;
            }
        } else {
            for (level, count) in levels.iter_mut().zip(&self.counts[at..]) {
                level.sum += i128::from(*count);
            }
        }
        let unknown = self.unknown.get(at..).unwrap_or_default();
        for (level, unknown) in levels.iter_mut().zip(unknown) {
            level.unknown += unknown;
        }
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
        let (width, others) = (self.width, other.width);
        add_all((&mut self.counts, width), (&other.counts, others), &units);
        if !other.unknown.is_empty() {
            self.unknown.resize(self.counts.len(), 0);
            add_all((&mut self.unknown, width), (&other.unknown, others), &units);
        }
        add_all((&mut self.sums, width), (&other.sums, others), &units);
        for (theirs, ours) in units.iter().enumerate() {
            for measure in 0..self.measures {
                self.undated[usize::from(*ours) * self.measures + measure] +=
                    other.undated[theirs * self.measures + measure];
            }
        }
        let groups_stay = (0..).zip(&groups).all(|(place, number)| place == *number);
        let merged = |(mut ours, theirs): (Histogram, Histogram)| {
            if groups_stay {
                ours.merge(theirs, &units);
            } else {
                merge_moved(&mut ours, &theirs, &units, &groups);
            }
            ours
        };
        let cells: usize = other.histograms.iter().map(Histogram::len).sum();
        let ours = std::mem::take(&mut self.histograms).into_iter();
        let pairs: Vec<(Histogram, Histogram)> = ours.zip(other.histograms).collect();
        self.histograms = if cells < WORTH_THREADS {
            pairs.into_iter().map(merged).collect()
        } else {
            in_parallel(pairs, merged)
        };
        Ok(())
    }

    /// Takes measures over from another cube of the same axis, settled. *Shape*: their place here, and there.
    pub(crate) fn take_measures(&mut self, other: &Self, places: &[(usize, usize)]) -> Result<()> {
        let names = other.units.list().iter();
        let units: Vec<u16> = names.map(|name| self.unit(name)).collect::<Result<_>>()?;
        let names = other.groups.list().iter();
        let groups: Vec<u16> = names
            .map(|name| self.groups.number(name, Dimension::Groups))
            .collect::<Result<_>>()?;
        for (ours, theirs) in places {
            for (there, here) in units.iter().enumerate() {
                let here = usize::from(*here);
                for bin in 0..self.axis.bins() {
                    let at = |measure, unit| Spot { measure, unit, bin };
                    let cell = other.cell(at(*theirs, there));
                    if !cell.is_zero() {
                        self.add_cell(at(*ours, here), cell);
                    }
                }
                self.add_undated(*ours, here, other.undated(*theirs, there));
            }
            let histogram = &mut self.histograms[*ours];
            merge_moved(histogram, &other.histograms[*theirs], &units, &groups);
        }
        Ok(())
    }

    /// Tells whether another cube of the same measures and axis holds the same, whatever the order in which org units came.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.contents() == other.contents()
    }

    /// What it holds, by names: cells, counts without a date, and cells of histograms by measure, bin, two values, unit and group.
    fn contents(&self) -> Contents<'_> {
        let (units, groups) = (self.units.list(), self.groups.list());
        let cells = self.filled().into_iter().map(|((row, unit), cell)| {
            let name = units[usize::from(unit)].as_str();
            ((row, name), (cell.sum, cell.count, cell.unknown))
        });
        let undated = self
            .undated
            .iter()
            .enumerate()
            .filter(|(_, count)| **count != 0);
        let undated = undated.map(|(at, count)| {
            let name = units[at / self.measures].as_str();
            ((at % self.measures, name), *count)
        });
        let mut histograms = BTreeMap::new();
        for (measure, histogram) in self.histograms.iter().enumerate() {
            for (cell, weight) in histogram.cells() {
                let group = groups.get(usize::from(cell.group)).map(String::as_str);
                let name = units[usize::from(cell.unit)].as_str();
                let plain = HistogramCell {
                    unit: 0,
                    group: 0,
                    ..cell
                };
                *histograms.entry((measure, plain, name, group)).or_insert(0) += weight;
            }
        }
        Contents {
            cells: cells.collect(),
            undated: undated.collect(),
            histograms,
        }
    }

    /// Visits the measures and bins in which any org unit has something; some come several times.
    pub(crate) fn filled_bins(&self, mut visit: impl FnMut(usize, usize)) {
        let (bins, width) = (self.axis.bins(), self.width);
        let rows = self.counts.chunks_exact(width);
        for (row, counts) in rows.enumerate() {
            let (measure, bin) = (row / bins, row % bins);
            let unknown = self.unknown.get(row * width..(row + 1) * width);
            let unknown = unknown.unwrap_or_default();
            let sums = self.valued[measure].map_or(&[] as &[i128], |place| {
                &self.sums[(place * bins + bin) * width..][..width]
            });
            let is_zero = |numbers: &[i64]| numbers.iter().all(|number| *number == 0);
            if !is_zero(counts) || !is_zero(unknown) || sums.iter().any(|sum| *sum != 0) {
                visit(measure, bin);
            }
        }
        // What cancels out in number may still differ in value.
        for (measure, histogram) in self.histograms.iter().enumerate() {
            for (cell, _) in histogram.cells() {
                visit(measure, usize::from(cell.bin));
            }
        }
    }

    /// The cells that hold something, for keeping. *Shape*: (measure and bin, org unit).
    pub(crate) fn filled(&self) -> Vec<((u64, u16), Cell)> {
        let mut filled = Vec::new();
        for row in 0..self.measures * self.axis.bins() {
            for unit in 0..self.units.list().len() {
                let cell = self.cell(self.spot(row, unit));
                if !cell.is_zero() {
                    filled.push(((row as u64, u16::try_from(unit).unwrap_or(u16::MAX)), cell));
                }
            }
        }
        filled
    }

    /// Puts a kept cell back; `None` if there is no such place.
    pub(crate) fn put(&mut self, (row, unit): (u64, u16), cell: Cell) -> Option<()> {
        let (row, unit) = (usize::try_from(row).ok()?, usize::from(unit));
        let is_there = row < self.measures * self.axis.bins() && unit < self.units.list().len();
        is_there.then(|| self.add_cell(self.spot(row, unit), cell))
    }

    fn spot(&self, row: usize, unit: usize) -> Spot {
        let bins = self.axis.bins();
        Spot {
            measure: row / bins,
            unit,
            bin: row % bins,
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
