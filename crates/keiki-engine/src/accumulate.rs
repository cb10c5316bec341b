//! Adds rows of entries to a cube. This is the loop that reads everything; it allocates per batch, never per row.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use keiki_model::calendar::Day;
use keiki_model::dataset::ORG_UNIT;
use keiki_model::histogram::Cell as HistogramCell;
use keiki_store::{EFFECTIVE_ON, WEIGHT};

use crate::axis::Axis;
use crate::cube::{Cube, Spot};
use crate::error::{EngineError, Result};
use crate::plan::{ClockPlan, DatasetPlan, MeasurePlan};

/// Stands for a case that is still open.
pub(crate) const OPEN: i64 = keiki_model::histogram::VALUE_LIMIT;

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// The columns of a batch that every measure reads.
pub(crate) struct Rows<'r> {
    weights: &'r Int32Array,
    effective: &'r Date32Array,
    values: Vec<ArrayRef>,
}

impl<'r> Rows<'r> {
    /// Evaluates all expressions of a dataset over a batch, each once.
    pub(crate) fn new(plan: &DatasetPlan, batch: &'r RecordBatch) -> Result<Self> {
        let values = plan.program.evaluate(batch).map_err(|message| {
            EngineError::Query(format!(
                "an expression over {} cannot be computed: {message}",
                plan.dataset.name
            ))
        })?;
        let weights = column(batch, WEIGHT)?.as_primitive::<Int32Type>();
        let effective = column(batch, EFFECTIVE_ON)?.as_primitive::<Date32Type>();
        Ok(Self {
            weights,
            effective,
            values,
        })
    }

    pub(crate) fn weight(&self, row: usize) -> i64 {
        i64::from(self.weights.value(row))
    }

    fn mask(&self, index: Option<usize>) -> Option<&BooleanArray> {
        index.and_then(|index| self.values[index].as_boolean_opt())
    }

    fn dates(&self, index: Option<usize>) -> Option<&Date32Array> {
        index.and_then(|index| self.values[index].as_primitive_opt::<Date32Type>())
    }
}

fn column<'r>(batch: &'r RecordBatch, name: &str) -> Result<&'r ArrayRef> {
    batch
        .column_by_name(name)
        .ok_or_else(|| EngineError::Query(format!("entries lack the column {name}")))
}

/// The values of a measure.
pub(crate) enum Values<'v> {
    One,
    Integer(&'v Int64Array),
    Decimal(&'v Decimal128Array),
    Date(&'v Date32Array),
    /// Other integer types, cast once.
    Cast(Int64Array),
}

impl<'v> Values<'v> {
    fn new(rows: &'v Rows<'_>, index: Option<usize>) -> Result<Self> {
        let Some(index) = index else {
            return Ok(Self::One);
        };
        let array = &rows.values[index];
        Ok(match array.data_type() {
            DataType::Int64 => Self::Integer(array.as_primitive::<Int64Type>()),
            DataType::Decimal128(..) => Self::Decimal(array.as_primitive::<Decimal128Type>()),
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>()),
            _ => Self::Cast(
                cast(array, &DataType::Int64)?
                    .as_primitive::<Int64Type>()
                    .clone(),
            ),
        })
    }

    #[inline]
    fn get(&self, row: usize) -> Option<i128> {
        match self {
            Self::One => Some(1),
            Self::Integer(array) => array.is_valid(row).then(|| i128::from(array.value(row))),
            Self::Decimal(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Date(array) => array.is_valid(row).then(|| i128::from(array.value(row))),
            Self::Cast(array) => array.is_valid(row).then(|| i128::from(array.value(row))),
        }
    }
}

/// One row's part in a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Nothing.
    None,
    /// Counted from a day on, until before another; `dated` is the value's own day.
    Level {
        enters: Day,
        leaves: Option<Day>,
        value: Option<i128>,
        dated: Day,
    },
    /// Counted on a day; `None` where the date is null.
    Happening {
        on: Option<Day>,
        value: Option<i128>,
    },
    /// A case with onset and finish, in steps.
    Case { begins: i64, ends: Option<i64> },
}

/// The expressions of one measure over one batch.
pub(crate) struct MeasureRows<'m> {
    rows: &'m Rows<'m>,
    mask: Option<&'m BooleanArray>,
    values: Values<'m>,
    from: Option<&'m Date32Array>,
    until: Option<&'m Date32Array>,
    on: Option<&'m Date32Array>,
    spell: Option<(Int64Array, Int64Array)>,
    step: i64,
    is_dated: bool,
    pub(crate) groups: Option<StringArray>,
}

impl<'m> MeasureRows<'m> {
    pub(crate) fn new(rows: &'m Rows<'m>, plan: &MeasurePlan) -> Result<Self> {
        let (mut from, mut until, mut on, mut spell) = (None, None, None, None);
        match &plan.clock {
            ClockPlan::Stock { from: f, until: u } => {
                (from, until) = (rows.dates(*f), rows.dates(*u));
            }
            ClockPlan::Flow { on: index } => on = rows.dates(Some(*index)),
            ClockPlan::Spell { begins, ends } => {
                spell = Some((
                    steps(&rows.values[*begins], plan.step),
                    steps(&rows.values[*ends], plan.step),
                ));
            }
        }
        let groups = plan
            .group
            .map(|index| {
                Ok::<_, EngineError>(
                    cast(&rows.values[index], &DataType::Utf8)?
                        .as_string::<i32>()
                        .clone(),
                )
            })
            .transpose()?;
        Ok(Self {
            rows,
            mask: rows.mask(plan.filter),
            values: Values::new(rows, plan.value)?,
            from,
            until,
            on,
            spell,
            step: plan.step,
            is_dated: plan.is_dated,
            groups,
        })
    }

    /// The day of an onset in steps; of an instant the day in UTC, which is near enough for what is unknown.
    fn day_of_onset(&self, onset: i64) -> Day {
        let day = if self.is_dated {
            onset
        } else {
            onset.saturating_mul(self.step).div_euclid(86_400)
        };
        Day::try_from(day).unwrap_or(Day::MAX)
    }

    /// Visits the rows whose predicate is true or unknown.
    fn rows_that_may_count(&self, mut visit: impl FnMut(usize) -> Result<()>) -> Result<()> {
        let Some(mask) = self.mask else {
            return (0..self.rows.weights.len()).try_for_each(visit);
        };
        match mask.nulls() {
            None => mask.values().set_indices().try_for_each(visit),
            Some(known) => {
                let may_count = mask.values() | &!known.inner();
                may_count.set_indices().try_for_each(&mut visit)
            }
        }
    }

    /// The part of a row. A value of `None` is unknown: the predicate or the value is null.
    #[inline]
    pub(crate) fn part(&self, row: usize) -> Part {
        let is_known = match self.mask {
            None => true,
            Some(mask) if mask.is_null(row) => false,
            Some(mask) if mask.value(row) => true,
            Some(_) => return Part::None,
        };
        if let Some((begins, ends)) = &self.spell {
            if begins.is_null(row) {
                return Part::Happening {
                    on: None,
                    value: None,
                };
            }
            if !is_known {
                return Part::Happening {
                    on: Some(self.day_of_onset(begins.value(row))),
                    value: None,
                };
            }
            return Part::Case {
                begins: begins.value(row),
                ends: ends.is_valid(row).then(|| ends.value(row)),
            };
        }
        let value = if is_known { self.values.get(row) } else { None };
        if let Some(on) = self.on {
            return Part::Happening {
                on: on.is_valid(row).then(|| on.value(row)),
                value,
            };
        }
        let mut enters = self.rows.effective.value(row);
        let mut dated = enters;
        if let Some(from) = self.from {
            if from.is_null(row) {
                return Part::None;
            }
            dated = from.value(row);
            enters = enters.max(dated);
        }
        let leaves = self
            .until
            .filter(|until| until.is_valid(row))
            .map(|until| until.value(row).max(enters));
        Part::Level {
            enters,
            leaves,
            value,
            dated,
        }
    }
}

/// Turns dates into days and instants into steps of so many seconds.
fn steps(array: &ArrayRef, step: i64) -> Int64Array {
    if array.data_type() == &DataType::Date32 {
        return array
            .as_primitive::<Date32Type>()
            .iter()
            .map(|day| day.map(i64::from))
            .collect();
    }
    let instants: &TimestampMicrosecondArray = array.as_primitive::<TimestampMicrosecondType>();
    instants
        .iter()
        .map(|at| at.map(|micros| micros.div_euclid(MICROS * step.max(1))))
        .collect()
}

/// Adds a batch of entries to a cube.
pub(crate) fn accumulate(plan: &DatasetPlan, batch: &RecordBatch, cube: &mut Cube) -> Result<()> {
    let rows = Rows::new(plan, batch)?;
    let units = unit_numbers(batch, cube)?;
    let axis = cube.axis.clone();
    for (index, measure) in plan.measures.iter().enumerate() {
        let measured = MeasureRows::new(&rows, measure)?;
        accumulate_measure(measure, index, &measured, &rows, &units, &axis, cube)?;
    }
    Ok(())
}

/// The cube's number of each row's org unit; one look per distinct value of a dictionary.
fn unit_numbers(batch: &RecordBatch, cube: &mut Cube) -> Result<Vec<u16>> {
    let array = column(batch, ORG_UNIT)?;
    if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
        let names = cast(dictionary.values(), &DataType::Utf8)?;
        let names = names.as_string::<i32>();
        let mut numbers: Vec<Option<u16>> = vec![None; names.len()];
        return dictionary
            .keys()
            .iter()
            .map(|key| match key.and_then(|key| usize::try_from(key).ok()) {
                None => cube.unit(""),
                Some(key) => {
                    if let Some(number) = numbers[key] {
                        Ok(number)
                    } else {
                        let number = cube.unit(names.value(key))?;
                        numbers[key] = Some(number);
                        Ok(number)
                    }
                }
            })
            .collect();
    }
    let names = cast(array, &DataType::Utf8)?;
    names
        .as_string::<i32>()
        .iter()
        .map(|name| cube.unit(name.unwrap_or_default()))
        .collect()
}

fn accumulate_measure(
    plan: &MeasurePlan,
    index: usize,
    measured: &MeasureRows<'_>,
    rows: &Rows<'_>,
    units: &[u16],
    axis: &Axis,
    cube: &mut Cube,
) -> Result<()> {
    let groups = GroupNumbers::new(plan, measured, cube)?;
    let mut add = |row: usize, day: Option<Day>, value: Option<i128>, dated: Day, weight: i64| {
        let Some(bin) = day.and_then(|day| axis.bin(day)) else {
            return Ok(());
        };
        let at = Spot {
            measure: index,
            unit: usize::from(units[row]),
            bin,
        };
        cube.add(at, value, weight);
        if let (true, Some(value)) = (plan.has_histogram, value) {
            let step = in_steps(plan, value)?;
            let pair = if plan.keeps_day {
                (i64::from(dated), step)
            } else {
                (step, 0)
            };
            histogram(cube, plan, at, groups.of(row), pair, weight)?;
        }
        Ok::<(), EngineError>(())
    };
    let mut undated: Vec<(usize, i64)> = Vec::new();
    let mut cases = Vec::new();
    measured.rows_that_may_count(|row| {
        let weight = rows.weight(row);
        match measured.part(row) {
            Part::None => {}
            Part::Case { begins, ends } => cases.push((row, (begins, ends.unwrap_or(OPEN)))),
            Part::Happening { on: None, .. } => undated.push((row, weight)),
            Part::Happening { on, value } => add(row, on, value, on.unwrap_or_default(), weight)?,
            Part::Level {
                enters,
                leaves,
                value,
                dated,
            } => {
                add(row, Some(enters), value, dated, weight)?;
                add(row, leaves, value, dated, -weight)?;
            }
        }
        Ok(())
    })?;
    for (row, weight) in undated {
        cube.add_undated(index, usize::from(units[row]), weight);
    }
    for (row, pair) in cases {
        let at = Spot {
            measure: index,
            unit: usize::from(units[row]),
            bin: 0,
        };
        histogram(cube, plan, at, groups.of(row), pair, rows.weight(row))?;
    }
    Ok(())
}

/// The cube's numbers of the groups of a batch's rows.
enum GroupNumbers {
    /// All rows are in one.
    One(u16),
    /// *Shape*: row.
    Each(Vec<u16>),
}

impl GroupNumbers {
    fn new(plan: &MeasurePlan, measured: &MeasureRows<'_>, cube: &mut Cube) -> Result<Self> {
        let is_kept = plan.has_histogram;
        match measured.groups.as_ref().filter(|_| is_kept) {
            None if is_kept => Ok(Self::One(cube.groups.number("", "groups")?)),
            None => Ok(Self::One(0)),
            Some(groups) => groups
                .iter()
                .map(|group| cube.groups.number(group.unwrap_or_default(), "groups"))
                .collect::<Result<_>>()
                .map(Self::Each),
        }
    }

    fn of(&self, row: usize) -> u16 {
        match self {
            Self::One(group) => *group,
            Self::Each(groups) => groups[row],
        }
    }
}

/// A value in steps of the resolution; a step once begun counts whole.
pub(crate) fn in_steps(plan: &MeasurePlan, value: i128) -> Result<i64> {
    let step = i128::from(plan.step.max(1));
    let steps = value.div_euclid(step) + i128::from(value.rem_euclid(step) != 0);
    i64::try_from(steps)
        .ok()
        .filter(|steps| steps.abs() < OPEN)
        .ok_or_else(|| EngineError::ValueTooLarge {
            measure: plan.name.clone(),
            value,
        })
}

fn histogram(
    cube: &mut Cube,
    plan: &MeasurePlan,
    at: Spot,
    group: u16,
    pair: (i64, i64),
    weight: i64,
) -> Result<()> {
    let cell = HistogramCell {
        unit: u16::try_from(at.unit).unwrap_or(u16::MAX),
        bin: u16::try_from(at.bin).unwrap_or(u16::MAX),
        group,
        first: pair.0,
        second: pair.1,
    };
    let packed = cell.pack().ok_or_else(|| EngineError::ValueTooLarge {
        measure: plan.name.clone(),
        value: i128::from(pair.0),
    })?;
    cube.histograms[at.measure].add(packed, weight);
    Ok(())
}
