//! The SQL functions that definitions and mappings use beside `DataFusion`'s own.

mod days;
mod json;
mod vectors;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Date32Array, Decimal128Array, Int64Array,
    PrimitiveArray, StringArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{binary, cast, max, min};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarUDF, Signature, SimpleScalarUDF, TypeSignature, Volatility,
};
use jiff::tz::TimeZone;
use keiki_model::calendar::{Calendar, Day, LocalDays, months_after};
use keiki_model::calendars::{Calendars, GROUP};

use days::{DayTables, FiscalDays, days_after};

/// The arguments of a call. *Shape*: one value per row, or one value that stands for all rows.
struct Arguments {
    arrays: Vec<ArrayRef>,
    rows: usize,
}

impl Arguments {
    fn new(values: &[ColumnarValue]) -> Result<Self> {
        let rows = values.iter().find_map(|value| match value {
            ColumnarValue::Array(array) => Some(array.len()),
            ColumnarValue::Scalar(_) => None,
        });
        let arrays = values
            .iter()
            .map(|value| match value {
                ColumnarValue::Array(array) => Ok(Arc::clone(array)),
                ColumnarValue::Scalar(scalar) => scalar.to_array_of_size(1),
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            arrays,
            rows: rows.unwrap_or(1),
        })
    }

    /// An argument as values of a type, one for each row.
    fn column<T: ArrowPrimitiveType>(&self, index: usize) -> Result<Column<T>> {
        let array = to_type(&self.arrays[index], &T::DATA_TYPE)?;
        Ok(Column(array.as_primitive::<T>().clone()))
    }
}

/// An argument's values by row.
struct Column<T: ArrowPrimitiveType>(PrimitiveArray<T>);

impl<T: ArrowPrimitiveType> Column<T> {
    #[inline]
    fn get(&self, row: usize) -> Option<T::Native> {
        let row = if self.0.len() == 1 { 0 } else { row };
        self.0.is_valid(row).then(|| self.0.value(row))
    }

    /// The least and the greatest value.
    fn bounds(&self) -> Option<(T::Native, T::Native)> {
        min(&self.0).zip(max(&self.0))
    }
}

/// Computes a value for each row.
fn by_row<T: ArrowPrimitiveType>(
    rows: usize,
    mut value: impl FnMut(usize) -> Option<T::Native>,
) -> ArrayRef {
    let mut values = vec![T::Native::default(); rows];
    let known = BooleanBuffer::collect_bool(rows, |row| match value(row) {
        Some(value) => {
            values[row] = value;
            true
        }
        None => false,
    });
    Arc::new(PrimitiveArray::<T>::new(
        values.into(),
        Some(NullBuffer::new(known)),
    ))
}

/// Functions that give a value or null for all arguments of their types.
pub(super) const NEVER_FAIL: [&str; 11] = [
    "fiscal_year_start",
    "fiscal_year_end",
    "cycle_end",
    "days_after",
    "months_after",
    "local_date",
    "days_between",
    "seconds_between",
    "urgent_since",
    "least",
    "greatest",
];

type Body = dyn Fn(&Arguments) -> Result<ArrayRef> + Send + Sync;

/// The functions of the fiscal calendar, each with the number of its arguments without the org unit.
pub(super) const OF_CALENDAR: [(&str, usize); 3] = [
    ("fiscal_year_start", 1),
    ("fiscal_year_end", 1),
    ("cycle_end", 2),
];

/// Makes all functions.
pub(super) fn all(calendars: Calendars, zone: TimeZone) -> Vec<ScalarUDF> {
    let calendars = Arc::new(calendars);
    let fiscal = || FiscalDays::new(Arc::clone(&calendars));
    let (start, end, cycle) = (fiscal(), fiscal(), fiscal());
    let months_later = DayTables::default();
    let day_zone = zone.clone();
    let between_zone = zone;
    vec![
        of_calendar("fiscal_year_start", 1, move |a| {
            let first = |of: &Calendar, day, _| Some(of.fiscal_year_start(day));
            start.of(a, 1, first)
        }),
        of_calendar("fiscal_year_end", 1, move |a| {
            let last = |of: &Calendar, day, _| Some(of.fiscal_year_end(day));
            end.of(a, 1, last)
        }),
        of_calendar("cycle_end", 2, move |a| {
            let last = |of: &Calendar, day, months: Option<i64>| {
                Some(of.cycle_end(day, i32::try_from(months?).ok()?))
            };
            cycle.of(a, 2, last)
        }),
        make("days_after", 2, DataType::Date32, days_after),
        make("months_after", 2, DataType::Date32, move |a| {
            months_later.of(GROUP, a, |d, n| Some(months_after(d, n?)))
        }),
        make("local_date", 1, DataType::Date32, move |a| {
            local_date(&a.arrays[0], &day_zone)
        }),
        make("days_between", 2, DataType::Int64, days_between),
        make("seconds_between", 2, DataType::Int64, move |a| {
            seconds_between(a, &between_zone)
        }),
        make("urgent_since", 5, DataType::Date32, urgent_since),
        make("json_text", 2, DataType::Utf8, json::json_text),
        make("cvss_score", 1, vectors::SCORE, vectors::base_score),
        make(
            "cvss_environmental_score",
            1,
            vectors::SCORE,
            vectors::environmental_score,
        ),
        make("cvss_version", 1, DataType::Utf8, vectors::version),
    ]
}

fn make(
    name: &str,
    arguments: usize,
    returns: DataType,
    body: impl Fn(&Arguments) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let signature = Signature::any(arguments, Volatility::Immutable);
    function(name, signature, returns, body)
}

/// Makes a function of days that may be told, as its last argument, whose fiscal calendar is meant.
fn of_calendar(
    name: &str,
    arguments: usize,
    body: impl Fn(&Arguments) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let forms = vec![
        TypeSignature::Any(arguments),
        TypeSignature::Any(arguments + 1),
    ];
    let signature = Signature::one_of(forms, Volatility::Immutable);
    function(name, signature, DataType::Date32, body)
}

fn function(
    name: &str,
    signature: Signature,
    returns: DataType,
    body: impl Fn(&Arguments) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let body: Arc<Body> = Arc::new(body);
    ScalarUDF::from(SimpleScalarUDF::new_with_signature(
        name,
        signature,
        returns,
        Arc::new(move |values: &[ColumnarValue]| {
            let are_scalars = values
                .iter()
                .all(|value| matches!(value, ColumnarValue::Scalar(_)));
            let result = body(&Arguments::new(values)?)?;
            if are_scalars && result.len() == 1 {
                let scalar = datafusion::common::ScalarValue::try_from_array(&result, 0)?;
                return Ok(ColumnarValue::Scalar(scalar));
            }
            Ok(ColumnarValue::Array(result))
        }),
    ))
}

/// An argument as text.
fn texts(arguments: &Arguments, index: usize) -> Result<StringArray> {
    let array = &arguments.arrays[index];
    match array.data_type() {
        DataType::Utf8 => Ok(array.as_string().clone()),
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(..) | DataType::Null => {
            Ok(cast(array, &DataType::Utf8)?.as_string().clone())
        }
        other => Err(DataFusionError::Plan(format!(
            "expected text, found {other}"
        ))),
    }
}

fn to_type(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let is_inexact = matches!(
        (array.data_type(), to),
        (
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(..),
            _,
        ) | (DataType::Timestamp(..), DataType::Date32)
    );
    if is_inexact {
        return Err(DataFusionError::Plan(format!(
            "expected {to}, found {}",
            array.data_type()
        )));
    }
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    cast(array, to).map_err(DataFusionError::from)
}

fn local_date(instants: &ArrayRef, zone: &TimeZone) -> Result<ArrayRef> {
    if instants.data_type() == &DataType::Date32 {
        return Ok(Arc::clone(instants));
    }
    let instants = to_type(
        instants,
        &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    )?;
    let instants = instants.as_primitive::<TimestampMicrosecondType>();
    let mut days = LocalDays::new(zone);
    let micros = instants.values().iter();
    // What lies where nothing is known may be any instant.
    let days: Vec<Day> = match instants.nulls() {
        None => micros.map(|micros| days.of(*micros)).collect(),
        Some(known) => micros
            .zip(known)
            .map(|(micros, is_known)| if is_known { days.of(*micros) } else { 0 })
            .collect(),
    };
    let days = Date32Array::new(days.into(), instants.nulls().cloned());
    Ok(Arc::new(days))
}

fn days_between(arguments: &Arguments) -> Result<ArrayRef> {
    let (from, until) = (
        arguments.column::<Date32Type>(0)?,
        arguments.column::<Date32Type>(1)?,
    );
    let days = |from: Day, until: Day| i64::from(until) - i64::from(from);
    if from.0.len() == until.0.len() {
        let days: Int64Array = binary(&from.0, &until.0, days)?;
        return Ok(Arc::new(days));
    }
    Ok(by_row::<Int64Type>(arguments.rows, |row| {
        Some(days(from.get(row)?, until.get(row)?))
    }))
}

/// Seconds from the first to the second; a date stands for the start of that day in the workspace's zone.
fn seconds_between(arguments: &Arguments, zone: &TimeZone) -> Result<ArrayRef> {
    if arguments
        .arrays
        .iter()
        .all(|array| array.data_type() == &DataType::Date32)
    {
        // Between two dates every day has 86 400 seconds, whatever the zone does.
        let days = days_between(arguments)?;
        let days = days.as_primitive::<Int64Type>();
        let seconds: Int64Array = days.unary(|days| days * 86_400);
        return Ok(Arc::new(seconds));
    }
    let from = Column(seconds(&arguments.arrays[0], zone)?);
    let until = Column(seconds(&arguments.arrays[1], zone)?);
    if from.0.len() == until.0.len() {
        let seconds: Int64Array = binary(&from.0, &until.0, |from, until| until - from)?;
        return Ok(Arc::new(seconds));
    }
    Ok(by_row::<Int64Type>(arguments.rows, |row| {
        Some(until.get(row)? - from.get(row)?)
    }))
}

fn seconds(array: &ArrayRef, zone: &TimeZone) -> Result<Int64Array> {
    if array.data_type() == &DataType::Date32 {
        let dates = array.as_primitive::<Date32Type>();
        return Ok(dates
            .iter()
            .map(|day| {
                let date = keiki_model::calendar::date_of(day?);
                zone.to_ambiguous_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
                    .compatible()
                    .ok()
                    .map(jiff::Timestamp::as_second)
            })
            .collect());
    }
    let instants = to_type(
        array,
        &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    )?;
    let instants = instants.as_primitive::<TimestampMicrosecondType>();
    Ok(instants.unary(|micros| micros.div_euclid(1_000_000)))
}

/// Scores of whatever scale, in millionths.
struct Scores {
    values: Decimal128Array,
    factor: i128,
}

impl Scores {
    const SCALE: i8 = 6;

    fn new(array: &ArrayRef) -> Result<Self> {
        let exact = match array.data_type() {
            DataType::Decimal128(_, scale) if (0..=Self::SCALE).contains(scale) => {
                Arc::clone(array)
            }
            _ => to_type(array, &DataType::Decimal128(18, Self::SCALE))?,
        };
        let values = exact.as_primitive::<Decimal128Type>().clone();
        let digits = u32::try_from(Self::SCALE - values.scale()).unwrap_or(0);
        Ok(Self {
            values,
            factor: 10_i128.pow(digits),
        })
    }

    /// Tells of each row whether its score is known, and whether it is at or above the limit of the row.
    fn reach(&self, limits: &Self, rows: usize) -> (BooleanBuffer, BooleanBuffer) {
        let place = |array: &Decimal128Array, row: usize| if array.len() == 1 { 0 } else { row };
        let known = match self.values.nulls() {
            Some(known) if known.len() == rows => known.inner().clone(),
            Some(known) if known.is_null(0) => BooleanBuffer::new_unset(rows),
            _ => BooleanBuffer::new_set(rows),
        };
        let (scores, factor) = (self.values.values(), self.factor);
        let reached = match limits.values.values().as_ref() {
            _ if self.values.null_count() == self.values.len() => BooleanBuffer::new_unset(rows),
            [limit] if limits.values.is_valid(0) && scores.len() == rows => {
                // In the scores' own scale, so that nothing is multiplied row by row.
                let limit = limit * limits.factor;
                let limit = limit.div_euclid(factor) + i128::from(limit.rem_euclid(factor) != 0);
                let scores = &scores[..rows];
                BooleanBuffer::collect_bool(rows, |row| scores[row] >= limit)
            }
            all => BooleanBuffer::collect_bool(rows, |row| {
                let at = place(&limits.values, row);
                let is_reached =
                    scores[place(&self.values, row)] * factor >= all[at] * limits.factor;
                limits.values.is_valid(at) && is_reached
            }),
        };
        (&reached & &known, known)
    }
}

/// The day on which a vulnerability became urgent: published with a score at or above the threshold (environmental where
/// given, else base), or listed as exploited, whichever came first; null if it is not urgent.
fn urgent_since(arguments: &Arguments) -> Result<ArrayRef> {
    let rows = arguments.rows;
    let score = |index: usize| Scores::new(&arguments.arrays[index]);
    let (environmental, base, threshold) = (score(0)?, score(1)?, score(4)?);
    let (published, listed) = (
        arguments.column::<Date32Type>(2)?,
        arguments.column::<Date32Type>(3)?,
    );
    let (by_environment, is_known) = environmental.reach(&threshold, rows);
    let is_high = match is_known.count_set_bits() {
        0 => base.reach(&threshold, rows).0,
        all if all == rows => by_environment,
        _ => &by_environment | &(&base.reach(&threshold, rows).0 & &!&is_known),
    };
    let is_listed = listed.0.null_count() < listed.0.len();
    if published.0.len() == rows && !is_listed {
        let is_high = NullBuffer::new(is_high);
        let known = NullBuffer::union(published.0.nulls(), Some(&is_high));
        return Ok(Arc::new(Date32Array::new(
            published.0.values().clone(),
            known,
        )));
    }
    Ok(by_row::<Date32Type>(rows, |row| {
        let by_score = published.get(row).filter(|_| is_high.value(row));
        match (by_score, listed.get(row)) {
            (Some(published), Some(listed)) => Some(published.min(listed)),
            (one, other) => one.or(other),
        }
    }))
}

#[cfg(test)]
mod tests {
    use arrow::array::TimestampMicrosecondArray;
    use keiki_model::calendar::local_day;
    use proptest::prelude::*;

    use super::*;

    /// Instants, of which only some are known.
    fn instants(drawn: &[(i64, bool)]) -> ArrayRef {
        let (micros, known): (Vec<i64>, Vec<bool>) = drawn.iter().copied().unzip();
        let instants = TimestampMicrosecondArray::new(micros.into(), Some(known.into()));
        Arc::new(instants.with_timezone("UTC"))
    }

    fn drawn() -> impl Strategy<Value = Vec<(i64, bool)>> {
        prop::collection::vec(
            (
                -4_000_000_000_000_000_i64..4_000_000_000_000_000,
                any::<bool>(),
            ),
            40,
        )
    }

    proptest! {
        #[test]
        fn what_is_computed_of_whole_columns_is_what_each_row_comes_to(
            from in drawn(),
            until in drawn(),
        ) {
            let zone = TimeZone::get("America/New_York").expect("the zone is known");
            let days = local_date(&instants(&from), &zone).expect("it computes");
            let day = |(micros, is_known): &(i64, bool)| is_known.then(|| local_day(*micros, &zone));
            let expected: Date32Array = from.iter().map(day).collect();
            prop_assert_eq!(days.as_primitive::<Date32Type>(), &expected);

            let arguments = Arguments {
                arrays: vec![instants(&from), instants(&until)],
                rows: from.len(),
            };
            let seconds = seconds_between(&arguments, &zone).expect("it computes");
            let between = |((from, is_from), (until, is_until)): (&(i64, bool), &(i64, bool))| {
                let second = |micros: &i64| micros.div_euclid(1_000_000);
                (*is_from && *is_until).then(|| second(until) - second(from))
            };
            let expected: Int64Array = from.iter().zip(&until).map(between).collect();
            prop_assert_eq!(seconds.as_primitive::<Int64Type>(), &expected);
        }
    }
}
