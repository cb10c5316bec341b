//! Adds rows of entries to a cube. This is the loop that reads everything; it allocates per batch, never per row.
//!
//! First it is looked which rows measures may be about at all, then decided which of those may count; only of those, often few, is the rest computed. Days become bins by a table, and
//! each measure is added in a loop of its own over plain slices.

mod adding;
mod bits;
mod chosen;
mod summing;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};

use crate::axis::Axis;
use crate::cube::Cube;
use crate::error::Result;
use crate::plan::{DatasetPlan, Deciding, Family};
use crate::rows::{KEYS, only_key};
use chosen::{Chosen, ChosenRows, may_count};

/// Adds batch after batch to a cube of its own.
pub(crate) struct Accumulator {
    plan: Arc<DatasetPlan>,
    axis: Axis,
    cube: Cube,
    units: UnitNumbers,
}

impl Accumulator {
    /// Makes one with room for some of the org units that may come up, of which there are so many.
    pub(crate) fn new(plan: Arc<DatasetPlan>, axis: Axis, units: usize) -> Self {
        let mut cube = Cube::new(axis.clone(), &plan.has_value());
        cube.make_room(units.min(UNITS_AT_ONCE));
        Self {
            cube,
            plan,
            axis,
            units: UnitNumbers::default(),
        }
    }

    /// Adds a batch of entries.
    pub(crate) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        for family in &plan.reading()?.families {
            if let Some((deciding, rows)) = passing(&plan, family, batch)? {
                self.add_family(family, deciding, &rows)?;
            }
        }
        Ok(())
    }

    fn add_family(
        &mut self,
        family: &Family,
        deciding: &Deciding,
        rows: &RecordBatch,
    ) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        let decided = plan.evaluate(&deciding.program, rows)?;
        for (kin, deciders) in family.kin.iter().zip(&deciding.of_kin) {
            if let Some(rows) = ChosenRows::new(&plan, kin, (*deciders, &decided), rows)? {
                let units = self.units.of(rows.units(), &mut self.cube)?;
                let rows = rows.with_units(units);
                for measure in &kin.measures {
                    let of_measure = &plan.measures[*measure];
                    rows.add(*measure, of_measure, &self.axis, &mut self.cube)?;
                }
            }
        }
        Ok(())
    }

    /// The cube of all batches.
    pub(crate) fn finish(mut self) -> Cube {
        self.cube.settle();
        self.cube
    }
}

/// The rows of a batch of which a family's gate is not false, with what is left to decide of them; `None` where there are none.
fn passing<'f>(
    plan: &DatasetPlan,
    family: &'f Family,
    batch: &RecordBatch,
) -> Result<Option<(&'f Deciding, RecordBatch)>> {
    let (Some(gate), Some(rest)) = (&family.gate, &family.rest) else {
        return Ok(Some((&family.whole, batch.clone())));
    };
    let gate = plan.evaluate(gate, batch)?;
    let gate = gate[0].as_boolean();
    let chosen = Chosen::new(may_count(gate));
    if chosen.is_empty() {
        return Ok(None);
    }
    let deciding = if gate.null_count() == 0 {
        rest
    } else {
        &family.whole
    };
    let schema = batch.schema_ref();
    let places = deciding.columns.iter().map(|name| schema.index_of(name));
    let read = batch.project(&places.collect::<std::result::Result<Vec<_>, _>>()?)?;
    let columns = read.columns().iter().map(|column| chosen.rows(column));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Some((
        deciding,
        RecordBatch::try_new(read.schema(), columns)?,
    )))
}

/// The cube's numbers of org units: one look per distinct value of a dictionary, and batches share dictionaries.
#[derive(Default)]
struct UnitNumbers {
    names: Option<StringArray>,
    /// *Shape*: place in the dictionary; `UNNUMBERED` where it has not come up yet.
    numbers: Vec<u16>,
}

const UNNUMBERED: u16 = u16::MAX;

/// For how many org units of a dictionary room is made before it is known that their rows count.
const UNITS_AT_ONCE: usize = 1 << 10;

impl UnitNumbers {
    /// The number of each row's org unit.
    fn of(&mut self, array: &ArrayRef, cube: &mut Cube) -> Result<Vec<u16>> {
        let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() else {
            let names = cast(array, &DataType::Utf8)?;
            let names = names.as_string::<i32>().iter();
            let numbers = names.map(|name| cube.unit(name.unwrap_or_default()));
            return numbers.collect();
        };
        let names = cast(dictionary.values(), &DataType::Utf8)?;
        let names = names.as_string::<i32>();
        if !self
            .names
            .as_ref()
            .is_some_and(|known| is_same(known, names))
        {
            self.numbers = vec![UNNUMBERED; names.len()];
            cube.make_room(names.len().min(UNITS_AT_ONCE));
            self.names = Some(names.clone());
        }
        let keys = dictionary.keys();
        let place = |key: i32| usize::try_from(key).ok();
        let known = |key: &i32| place(*key).and_then(|place| self.numbers.get(place));
        let known = |key: &i32| known(key).copied().unwrap_or(UNNUMBERED);
        let mut numbers: Vec<u16> = Vec::with_capacity(keys.len());
        for keys in keys.values().chunks(KEYS) {
            match only_key(keys) {
                Some(key) => numbers.resize(numbers.len() + keys.len(), known(&key)),
                None => numbers.extend(keys.iter().map(known)),
            }
        }
        if keys.null_count() == 0 && !numbers.contains(&UNNUMBERED) {
            return Ok(numbers);
        }
        for (row, number) in numbers.iter_mut().enumerate() {
            let Some(place) = place(keys.value(row)).filter(|_| keys.is_valid(row)) else {
                *number = cube.unit("")?;
                continue;
            };
            if self.numbers[place] == UNNUMBERED {
                self.numbers[place] = cube.unit(names.value(place))?;
            }
            *number = self.numbers[place];
        }
        Ok(numbers)
    }
}

/// Tells whether two arrays share the memory in which their texts lie.
fn is_same(one: &StringArray, other: &StringArray) -> bool {
    one.len() == other.len()
        && std::ptr::eq(one.value_data(), other.value_data())
        && std::ptr::eq(one.value_offsets(), other.value_offsets())
}
