//! The rows of a batch that may count for some measures, and what they add.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, UInt16Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{FilterBuilder, FilterPredicate, cast};
use arrow::datatypes::{DataType, Date32Type, Int32Type, UInt16Type};
use arrow::error::ArrowError;
use keiki_model::calendar::Day;
use keiki_model::histogram::Cell as HistogramCell;
use keiki_store::{EFFECTIVE_ON, WEIGHT};

use crate::axis::Axis;
use crate::cube::{Adder, Cube};
use crate::error::{Dimension, EngineError, Result};
use crate::plan::{ClockPlan, DatasetPlan, Kin, MeasurePlan};
use crate::rows::{OPEN, Values, column, steps};

/// Stands for a day that never comes.
const NEVER: Day = Day::MAX;

/// The rows that may count for measures that are kin, with all that these measures read of them.
pub(super) struct ChosenRows<'k> {
    kin: &'k Kin,
    weights: ArrayRef,
    effective: ArrayRef,
    units: ArrayRef,
    /// The rows of which the predicate is true; `None` = all. It is unknown of the others.
    known: Option<BooleanBuffer>,
    /// The days from which rows count.
    from: Option<ArrayRef>,
    /// *Shape*: as the kin's expressions.
    values: Vec<ArrayRef>,
}

impl<'k> ChosenRows<'k> {
    /// Chooses the rows of which the predicate is true or unknown, and which have a day from which they count, where one is
    /// asked for; `None` where there are none.
    pub(super) fn new(
        plan: &DatasetPlan,
        kin: &'k Kin,
        decided: &[ArrayRef],
        batch: &RecordBatch,
        units: &UInt16Array,
    ) -> Result<Option<Self>> {
        let filter = kin.filter.and_then(|at| decided[at].as_boolean_opt());
        let known = filter.and_then(Array::nulls).map(NullBuffer::inner);
        let may_count = filter.map(may_count);
        let from = kin.from.map(|at| &decided[at]);
        let dated = from.and_then(|from| from.nulls()).map(NullBuffer::inner);
        let chosen = match (may_count, dated) {
            (Some(may_count), Some(dated)) => Some(&may_count & dated),
            (one, other) => one.or_else(|| other.cloned()),
        };
        let chosen = chosen.map(Chosen::new);
        if chosen.as_ref().is_some_and(Chosen::is_empty) {
            return Ok(None);
        }
        let rows = |array: &ArrayRef| match &chosen {
            None => Ok(Arc::clone(array)),
            Some(chosen) => chosen.rows(array),
        };
        let columns = kin
            .columns
            .iter()
            .map(|name| Ok(rows(column(batch, name)?)?));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let count = chosen
            .as_ref()
            .map_or(batch.num_rows(), |chosen| chosen.count);
        let known =
            known.map(|known| rows(&(Arc::new(BooleanArray::from(known.clone())) as ArrayRef)));
        let known = known.transpose()?;
        let known = known.map(|known| known.as_boolean().values().clone());
        Ok(Some(Self {
            kin,
            values: plan.computed(kin.program.evaluate_columns(columns, count))?,
            weights: rows(column(batch, WEIGHT)?)?,
            effective: rows(column(batch, EFFECTIVE_ON)?)?,
            units: rows(&(Arc::new(units.clone()) as ArrayRef))?,
            known: known.filter(|known| known.count_set_bits() < known.len()),
            from: from.map(rows).transpose()?,
        }))
    }

    /// Adds a measure's part of the rows to a cube.
    pub(super) fn add(
        &self,
        index: usize,
        plan: &MeasurePlan,
        axis: &Axis,
        cube: &mut Cube,
    ) -> Result<()> {
        let adding = Adding {
            plan,
            axis,
            units: self.units.as_primitive::<UInt16Type>().values(),
            weights: self.weights.as_primitive::<Int32Type>().values(),
            groups: self.groups(plan, cube)?,
        };
        match &plan.clock {
            ClockPlan::Stock { until, .. } => {
                let effective = self.effective.as_primitive::<Date32Type>().values();
                let from = self.from.as_ref();
                let dated =
                    from.map_or(effective, |from| from.as_primitive::<Date32Type>().values());
                let enters: Cow<'_, [Day]> = match from {
                    None => Cow::Borrowed(effective),
                    Some(_) => effective
                        .iter()
                        .zip(dated)
                        .map(|(a, b)| *a.max(b))
                        .collect(),
                };
                let values = self.values_of(plan)?;
                let mut adder = cube.adder(index);
                self.add_each(&adding, (&enters, dated, 1), &values, &mut adder)?;
                let Some(until) = until.map(|until| self.dates(until)) else {
                    return Ok(());
                };
                if until.null_count() == until.len() {
                    return Ok(());
                }
                let leaves: Vec<Day> = or_never(until)
                    .zip(enters.iter())
                    .map(|(until, enters)| until.max(*enters))
                    .collect();
                self.add_each(&adding, (&leaves, dated, -1), &values, &mut adder)
            }
            ClockPlan::Flow { on } => {
                let on = self.dates(*on);
                for row in undated(on) {
                    adding.undated(index, row, cube);
                }
                let days: Vec<Day> = or_never(on).collect();
                let values = self.values_of(plan)?;
                self.add_each(&adding, (&days, &days, 1), &values, &mut cube.adder(index))
            }
            ClockPlan::Spell { begins, ends } => {
                self.add_cases(&adding, index, (*begins, *ends), cube)
            }
        }
    }

    /// Adds each row's value on a day, with its weight and a sign. *Shape*: (days, days of the values, sign).
    fn add_each(
        &self,
        adding: &Adding<'_>,
        on: (&[Day], &[Day], i64),
        values: &Values<'_>,
        adder: &mut Adder<'_>,
    ) -> Result<()> {
        match (&self.known, values) {
            (None, Values::One) if !adding.plan.has_histogram => {
                adding.count(on.0, on.2, adder);
                Ok(())
            }
            (None, Values::One) => adding.each(on, |_| Some(1), adder),
            (None, values) => adding.each(on, |row| values.get(row), adder),
            (Some(known), values) => {
                let value = |row: usize| known.value(row).then(|| values.get(row)).flatten();
                adding.each(on, value, adder)
            }
        }
    }

    /// Adds cases with onset and finish, for which the bin is none: they are seen through windows.
    fn add_cases(
        &self,
        adding: &Adding<'_>,
        index: usize,
        (begins, ends): (usize, usize),
        cube: &mut Cube,
    ) -> Result<()> {
        let plan = adding.plan;
        let begins = steps(self.kin.value(&self.values, begins), plan.step);
        let ends = steps(self.kin.value(&self.values, ends), plan.step);
        for row in undated(&begins) {
            adding.undated(index, row, cube);
        }
        let mut adder = cube.adder(index);
        for row in 0..begins.len() {
            if begins.is_null(row) {
                continue;
            }
            let onset = begins.value(row);
            if self.known.as_ref().is_some_and(|known| !known.value(row)) {
                if let Some(bin) = adding.axis.bin(plan.day_of_onset(onset)) {
                    adder.add(adding.units[row], bin, None, i64::from(adding.weights[row]));
                }
                continue;
            }
            let finish = if ends.is_valid(row) {
                ends.value(row)
            } else {
                OPEN
            };
            adding.put(row, 0, (onset, finish), 1, &mut adder)?;
        }
        Ok(())
    }

    fn dates(&self, index: usize) -> &Date32Array {
        self.kin
            .value(&self.values, index)
            .as_primitive::<Date32Type>()
    }

    fn values_of(&self, plan: &MeasurePlan) -> Result<Values<'_>> {
        Values::new(plan.value.map(|index| self.kin.value(&self.values, index)))
    }

    /// The cube's numbers of the groups of the rows.
    fn groups(&self, plan: &MeasurePlan, cube: &mut Cube) -> Result<Groups> {
        if !plan.has_histogram {
            return Ok(Groups::One(0));
        }
        let mut number = |name: &str| cube.groups.number(name, Dimension::Groups);
        let Some(index) = plan.group else {
            return Ok(Groups::One(number("")?));
        };
        let names = cast(self.kin.value(&self.values, index), &DataType::Utf8)?;
        let names = names.as_string::<i32>().iter();
        let numbers = names.map(|name| number(name.unwrap_or_default()));
        Ok(Groups::Each(numbers.collect::<Result<_>>()?))
    }
}

/// The rows of which a predicate is true or unknown.
pub(super) fn may_count(predicate: &BooleanArray) -> BooleanBuffer {
    match predicate.nulls() {
        None => predicate.values().clone(),
        Some(known) => predicate.values() | &!known.inner(),
    }
}

/// Which rows are chosen.
pub(super) struct Chosen {
    count: usize,
    /// `None` = all.
    rows: Option<FilterPredicate>,
}

impl Chosen {
    pub(super) fn new(chosen: BooleanBuffer) -> Self {
        let count = chosen.count_set_bits();
        let is_part = count < chosen.len();
        let rows = is_part.then(|| FilterBuilder::new(&BooleanArray::from(chosen)));
        Self {
            count,
            rows: rows.map(|rows| rows.optimize().build()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The chosen rows of an array.
    pub(super) fn rows(&self, array: &ArrayRef) -> std::result::Result<ArrayRef, ArrowError> {
        match &self.rows {
            None => Ok(Arc::clone(array)),
            Some(_) if array.null_count() == array.len() => Ok(array.slice(0, self.count)),
            Some(rows) => rows.filter(array),
        }
    }
}

/// The cube's numbers of the groups of rows.
enum Groups {
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
struct Adding<'a> {
    plan: &'a MeasurePlan,
    axis: &'a Axis,
    units: &'a [u16],
    weights: &'a [i32],
    groups: Groups,
}

impl Adding<'_> {
    /// The innermost loop where records are counted and nothing else: adds one to the bin of each row's day.
    fn count(&self, days: &[Day], sign: i64, adder: &mut Adder<'_>) {
        let rows = days.iter().zip(self.units).zip(self.weights);
        for ((day, unit), weight) in rows {
            if let Some(bin) = self.axis.bin(*day) {
                adder.count(*unit, bin, sign * i64::from(*weight));
            }
        }
    }

    /// The innermost loop: adds a value, or that it is unknown, to the bin of each row's day.
    #[inline]
    fn each(
        &self,
        (days, dated, sign): (&[Day], &[Day], i64),
        value: impl Fn(usize) -> Option<i128>,
        adder: &mut Adder<'_>,
    ) -> Result<()> {
        let rows = days.iter().zip(self.units).zip(self.weights).enumerate();
        for (row, ((day, unit), weight)) in rows {
            let Some(bin) = self.axis.bin(*day) else {
                continue;
            };
            let value = value(row);
            adder.add(*unit, bin, value, sign * i64::from(*weight));
            if let (true, Some(value)) = (self.plan.has_histogram, value) {
                let step = in_steps(self.plan, value)?;
                let pair = if self.plan.keeps_day {
                    (i64::from(dated[row]), step)
                } else {
                    (step, 0)
                };
                self.put(row, bin, pair, sign, adder)?;
            }
        }
        Ok(())
    }

    /// Adds a row's pair to the histogram.
    fn put(
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

    fn undated(&self, index: usize, row: usize, cube: &mut Cube) {
        let unit = usize::from(self.units[row]);
        cube.add_undated(index, unit, i64::from(self.weights[row]));
    }
}

/// The dates, or a day that never comes where there is none.
fn or_never(dates: &Date32Array) -> impl Iterator<Item = Day> {
    let of_row = |row: usize| {
        if dates.is_valid(row) {
            dates.value(row)
        } else {
            NEVER
        }
    };
    (0..dates.len()).map(of_row)
}

/// The rows without a value.
fn undated(array: &impl Array) -> impl Iterator<Item = usize> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    let rows = 0..nulls.map_or(0, NullBuffer::len);
    rows.filter(move |row| nulls.is_some_and(|nulls| nulls.is_null(*row)))
}

/// A value in steps of the resolution; a step once begun counts whole.
fn in_steps(plan: &MeasurePlan, value: i128) -> Result<i64> {
    let step = plan.step.max(1);
    let steps = i64::try_from(value)
        .ok()
        .map(|value| value.div_euclid(step) + i64::from(value.rem_euclid(step) != 0));
    steps
        .filter(|steps| steps.abs() < OPEN)
        .ok_or_else(|| EngineError::ValueTooLarge {
            measure: plan.name.clone(),
            value,
        })
}
