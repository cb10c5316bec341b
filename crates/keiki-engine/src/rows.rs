//! What a row of entries adds to a measure, and when: row by row, for explanations.

use std::borrow::Cow;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array,
    RecordBatch, TimestampMicrosecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use keiki_model::calendar::Day;
use keiki_model::text::Text;
use keiki_store::{EFFECTIVE_ON, WEIGHT};

use crate::error::{EngineError, Result};
use crate::plan::{ClockPlan, DatasetPlan, Deciders, Kin, MeasurePlan};

/// How many keys are looked at together.
pub(crate) const KEYS: usize = 64;

/// The key of a few rows that is the same in all of them; rows of a kind mostly lie together.
#[inline]
pub(crate) fn only_key(keys: &[i32]) -> Option<i32> {
    let first = *keys.first()?;
    let differences = keys.iter().fold(0, |all, key| all | (key ^ first));
    (differences == 0).then_some(first)
}

/// Stands for a case that is still open.
pub(crate) const OPEN: i64 = keiki_model::histogram::VALUE_LIMIT;

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// What a batch of entries says of a measure and its kin.
pub(crate) struct Rows<'r> {
    weights: &'r Int32Array,
    effective: &'r Date32Array,
    kin: &'r Kin,
    deciders: Deciders,
    deciding: Vec<ArrayRef>,
    values: Vec<ArrayRef>,
}

impl<'r> Rows<'r> {
    /// Evaluates the expressions of a measure over a batch.
    pub(crate) fn new(
        plan: &'r DatasetPlan,
        measure: usize,
        batch: &'r RecordBatch,
    ) -> Result<Self> {
        let (family, at) = plan
            .kin_of(measure)?
            .expect("every measure of a dataset has its kin");
        let kin = &family.kin[at];
        Ok(Self {
            weights: column(batch, WEIGHT)?.as_primitive::<Int32Type>(),
            effective: column(batch, EFFECTIVE_ON)?.as_primitive::<Date32Type>(),
            kin,
            deciders: family.whole.of_kin[at],
            deciding: plan.evaluate(&family.whole.program, batch)?,
            values: plan.evaluate(&kin.program, batch)?,
        })
    }

    pub(crate) fn weight(&self, row: usize) -> i64 {
        i64::from(self.weights.value(row))
    }

    /// The predicate.
    fn mask(&self) -> Option<&BooleanArray> {
        let place = self.deciders.filter;
        place.and_then(|place| self.deciding[place].as_boolean_opt())
    }

    /// The first day on which a row counts.
    fn from(&self) -> Option<&Date32Array> {
        let place = self.deciders.from;
        place.and_then(|place| self.deciding[place].as_primitive_opt::<Date32Type>())
    }

    /// The values of another expression, by its number.
    fn value(&self, number: usize) -> &ArrayRef {
        self.kin.value(&self.values, number)
    }

    fn dates(&self, number: Option<usize>) -> Option<&Date32Array> {
        number.and_then(|number| self.value(number).as_primitive_opt::<Date32Type>())
    }
}

pub(crate) fn column<'r>(batch: &'r RecordBatch, name: &str) -> Result<&'r ArrayRef> {
    batch
        .column_by_name(name)
        .ok_or_else(|| EngineError::no_column(&Text::new("記帳", "entries"), name))
}

/// The values of a measure.
pub(crate) enum Values<'v> {
    One,
    /// Types of fewer bits are cast once.
    Integer(Cow<'v, Int64Array>),
    Decimal(&'v Decimal128Array),
    Date(&'v Date32Array),
}

impl<'v> Values<'v> {
    pub(crate) fn new(array: Option<&'v ArrayRef>) -> Result<Self> {
        let Some(array) = array else {
            return Ok(Self::One);
        };
        Ok(match array.data_type() {
            DataType::Int64 => Self::Integer(Cow::Borrowed(array.as_primitive::<Int64Type>())),
            DataType::Decimal128(..) => Self::Decimal(array.as_primitive::<Decimal128Type>()),
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>()),
            _ => {
                let cast = cast(array, &DataType::Int64)?;
                Self::Integer(Cow::Owned(cast.as_primitive::<Int64Type>().clone()))
            }
        })
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<i128> {
        match self {
            Self::One => Some(1),
            Self::Integer(array) => array.is_valid(row).then(|| i128::from(array.value(row))),
            Self::Decimal(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Date(array) => array.is_valid(row).then(|| i128::from(array.value(row))),
        }
    }

    /// Where they are known; `None` = everywhere.
    pub(crate) fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::One => None,
            Self::Integer(array) => array.nulls(),
            Self::Decimal(array) => array.nulls(),
            Self::Date(array) => array.nulls(),
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
    plan: &'m MeasurePlan,
}

impl<'m> MeasureRows<'m> {
    pub(crate) fn new(rows: &'m Rows<'m>, plan: &'m MeasurePlan) -> Result<Self> {
        let (mut from, mut until, mut on, mut spell) = (None, None, None, None);
        match &plan.clock {
            ClockPlan::Stock { until: u, .. } => {
                (from, until) = (rows.from(), rows.dates(*u));
            }
            ClockPlan::Flow { on: index } => on = rows.dates(Some(*index)),
            ClockPlan::Spell { begins, ends } => {
                spell = Some((
                    steps(rows.value(*begins), plan.step),
                    steps(rows.value(*ends), plan.step),
                ));
            }
        }
        Ok(Self {
            rows,
            mask: rows.mask(),
            values: Values::new(plan.value.map(|number| rows.value(number)))?,
            from,
            until,
            on,
            spell,
            plan,
        })
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
                    on: Some(self.plan.day_of_onset(begins.value(row))),
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
pub(crate) fn steps(array: &ArrayRef, step: i64) -> Int64Array {
    if array.data_type() == &DataType::Date32 {
        return array.as_primitive::<Date32Type>().unary(i64::from);
    }
    let instants: &TimestampMicrosecondArray = array.as_primitive::<TimestampMicrosecondType>();
    instants.unary(|micros| micros.div_euclid(MICROS * step.max(1)))
}
