//! The rows of a batch that may count for some measures, and what they add.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Date32Array, MutableArrayData,
    PrimitiveArray, RecordBatch, downcast_primitive_array, make_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{FilterBuilder, FilterPredicate, cast};
use arrow::datatypes::{DataType, Date32Type, Int32Type};
use arrow::error::ArrowError;
use keiki_model::calendar::Day;
use keiki_model::dataset::ORG_UNIT;
use keiki_store::{EFFECTIVE_ON, WEIGHT};

use super::adding::{Adding, Days, Groups};
use super::bits::picked;
use crate::axis::Axis;
use crate::cube::{Adder, Cell, Cube};
use crate::dates::filled;
use crate::error::{Dimension, Result};
use crate::plan::{ClockPlan, DatasetPlan, Deciders, Kin, MeasurePlan};
use crate::rows::{OPEN, Values, column, steps};

/// Stands for a day that never comes.
const NEVER: Day = Day::MAX;

/// The rows that may count for measures that are kin, with all that these measures read of them.
pub(super) struct ChosenRows<'k> {
    kin: &'k Kin,
    weights: ArrayRef,
    effective: ArrayRef,
    units: ArrayRef,
    /// The cube's numbers of their org units, once these are known.
    numbers: Vec<u16>,
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
        (deciders, decided): (Deciders, &[ArrayRef]),
        batch: &RecordBatch,
    ) -> Result<Option<Self>> {
        let filter = deciders.filter.and_then(|at| decided[at].as_boolean_opt());
        let known = filter.and_then(Array::nulls).map(NullBuffer::inner);
        let may_count = filter.map(may_count);
        let from = deciders.from.map(|at| &decided[at]);
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
            units: rows(column(batch, ORG_UNIT)?)?,
            numbers: Vec::new(),
            known: known.filter(|known| known.count_set_bits() < known.len()),
            from: from.map(rows).transpose()?,
        }))
    }

    /// Their org units as they are named.
    pub(super) fn units(&self) -> &ArrayRef {
        &self.units
    }

    /// The same rows with the cube's numbers of their org units.
    pub(super) fn with_units(self, numbers: Vec<u16>) -> Self {
        Self { numbers, ..self }
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
            units: &self.numbers,
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
                let until = until.map(|until| self.dates(until));
                let until = until.filter(|until| until.null_count() < until.len());
                let leaves = until.map(|until| {
                    let mut leaves = filled(until, NEVER).into_owned();
                    for (until, enters) in leaves.iter_mut().zip(enters.iter()) {
                        *until = (*until).max(*enters);
                    }
                    leaves
                });
                let days = Days {
                    enters: &enters,
                    leaves: leaves.as_deref(),
                    dated,
                };
                let values = self.values_of(plan)?;
                self.add_each(&adding, &days, &values, &mut cube.adder(index))
            }
            ClockPlan::Flow { on } => {
                let on = self.dates(*on);
                for row in undated(on) {
                    adding.undated(index, row, cube);
                }
                let on = filled(on, NEVER);
                let days = Days {
                    enters: &on,
                    leaves: None,
                    dated: &on,
                };
                let values = self.values_of(plan)?;
                self.add_each(&adding, &days, &values, &mut cube.adder(index))
            }
            ClockPlan::Spell { begins, ends } => {
                self.add_cases(&adding, index, (*begins, *ends), cube)
            }
        }
    }

    /// Adds each row's value on the day on which it counts, and takes it out on the day from which it no longer does.
    fn add_each(
        &self,
        adding: &Adding<'_>,
        days: &Days<'_>,
        values: &Values<'_>,
        adder: &mut Adder<'_>,
    ) -> Result<()> {
        let known = self.known.clone().map(NullBuffer::new);
        let known = NullBuffer::union(known.as_ref(), values.nulls());
        let known = known.as_ref();
        match values {
            Values::One if known.is_none() && !adding.plan.has_histogram => {
                adding.count(days, adder);
                Ok(())
            }
            Values::One => adding.each(days, known, |_| 1, adder),
            Values::Integer(array) => {
                let values = array.values();
                adding.each(days, known, |row| i128::from(values[row]), adder)
            }
            Values::Decimal(array) => {
                let values = array.values();
                adding.each(days, known, |row| values[row], adder)
            }
            Values::Date(array) => {
                let values = array.values();
                adding.each(days, known, |row| i128::from(values[row]), adder)
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
                    let unknown = Cell {
                        unknown: i64::from(adding.weights[row]),
                        ..Cell::default()
                    };
                    adder.add(adder.place(adding.units[row], bin), unknown);
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
    places: Places,
}

/// Where the chosen rows of a batch lie.
enum Places {
    All,
    /// Few runs of rows, each from its first to the one behind its last, as they are where rows of a kind lie together.
    Runs(Vec<(usize, usize)>),
    Scattered(BooleanBuffer, FilterPredicate),
}

/// Rows are copied run by run where the runs have so many rows each.
const ROWS_OF_RUN: usize = 64;

impl Chosen {
    pub(super) fn new(chosen: BooleanBuffer) -> Self {
        let count = chosen.count_set_bits();
        let places = if count == chosen.len() {
            Places::All
        } else if runs(&chosen) * ROWS_OF_RUN <= count {
            Places::Runs(chosen.set_slices().collect())
        } else {
            let filter = FilterBuilder::new(&BooleanArray::from(chosen.clone()));
            Places::Scattered(chosen, filter.optimize().build())
        };
        Self { count, places }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The chosen rows of an array.
    pub(super) fn rows(&self, array: &ArrayRef) -> std::result::Result<ArrayRef, ArrowError> {
        match &self.places {
            Places::All => Ok(Arc::clone(array)),
            Places::Runs(_) | Places::Scattered(..) if array.null_count() == array.len() => {
                Ok(array.slice(0, self.count))
            }
            Places::Runs(runs) => Ok(match &runs[..] {
                [(from, until)] => array.slice(*from, until - from),
                runs => in_runs(array, runs, self.count)?,
            }),
            Places::Scattered(chosen, rows) => {
                let picked_nulls =
                    |nulls: &NullBuffer| NullBuffer::new(picked(nulls.inner(), chosen));
                let nulls = array.nulls().map(picked_nulls);
                let array = &**array;
                downcast_primitive_array!(
                    array => values_and_nulls(array, nulls, rows),
                    DataType::Boolean => {
                        let values = picked(array.as_boolean().values(), chosen);
                        Ok(Arc::new(BooleanArray::new(values, nulls)))
                    }
                    _ => rows.filter(array),
                )
            }
        }
    }
}

/// In how many runs the chosen rows lie.
fn runs(chosen: &BooleanBuffer) -> usize {
    let mut before = 0;
    let begun = chosen.bit_chunks().iter_padded().map(|word: u64| {
        let begins = word & !(word << 1 | before);
        before = word >> 63;
        begins.count_ones() as usize
    });
    begun.sum()
}

/// Rows of an array, run by run.
fn in_runs(
    array: &ArrayRef,
    runs: &[(usize, usize)],
    count: usize,
) -> std::result::Result<ArrayRef, ArrowError> {
    let data = array.to_data();
    let mut rows = MutableArrayData::new(vec![&data], false, count);
    for (from, until) in runs {
        rows.try_extend(0, *from, *until)?;
    }
    Ok(make_array(rows.freeze()))
}

/// The chosen rows, values and nulls apart: the filter picks bits one by one.
fn values_and_nulls<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    nulls: Option<NullBuffer>,
    rows: &FilterPredicate,
) -> std::result::Result<ArrayRef, ArrowError> {
    let values = rows.filter(&PrimitiveArray::<T>::new(array.values().clone(), None))?;
    let values = values.as_primitive::<T>().values().clone();
    let values = PrimitiveArray::<T>::new(values, nulls);
    Ok(Arc::new(values.with_data_type(array.data_type().clone())))
}

/// The rows without a value.
fn undated(array: &impl Array) -> Vec<usize> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    let absent = nulls.map(|nulls| !nulls.inner());
    let rows = absent.iter().flat_map(BooleanBuffer::set_indices);
    rows.collect()
}
