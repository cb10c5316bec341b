//! The SQL functions that definitions use beside `DataFusion`'s own.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Signature, SimpleScalarUDF, Volatility};
use jiff::tz::TimeZone;
use keiki_model::calendar::{Calendar, Day, local_day, months_after};

type Body = dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync;

/// Makes all functions.
pub(super) fn all(calendar: Calendar, zone: TimeZone) -> Vec<ScalarUDF> {
    let calendar = Arc::new(calendar);
    let (start, end, cycle) = (Arc::clone(&calendar), Arc::clone(&calendar), calendar);
    let day_zone = zone.clone();
    let between_zone = zone;
    vec![
        make("fiscal_year_start", 1, DataType::Date32, move |a| {
            days(a, |d, _| Some(start.fiscal_year_start(d)))
        }),
        make("fiscal_year_end", 1, DataType::Date32, move |a| {
            days(a, |d, _| Some(end.fiscal_year_end(d)))
        }),
        make("cycle_end", 2, DataType::Date32, move |a| {
            days(a, |d, n| Some(cycle.cycle_end(d, i32::try_from(n?).ok()?)))
        }),
        make("days_after", 2, DataType::Date32, |a| {
            days(a, |d, n| d.checked_add(i32::try_from(n?).ok()?))
        }),
        make("months_after", 2, DataType::Date32, |a| {
            days(a, |d, n| Some(months_after(d, n?)))
        }),
        make("local_date", 1, DataType::Date32, move |a| {
            local_date(&a[0], &day_zone)
        }),
        make("days_between", 2, DataType::Int64, days_between),
        make("seconds_between", 2, DataType::Int64, move |a| {
            seconds_between(a, &between_zone)
        }),
        make("urgent_since", 5, DataType::Date32, urgent_since),
    ]
}

fn make(
    name: &str,
    arguments: usize,
    returns: DataType,
    body: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let body: Arc<Body> = Arc::new(body);
    let signature = Signature::any(arguments, Volatility::Immutable);
    ScalarUDF::from(SimpleScalarUDF::new_with_signature(
        name,
        signature,
        returns,
        Arc::new(move |values: &[ColumnarValue]| {
            let are_scalars = values
                .iter()
                .all(|value| matches!(value, ColumnarValue::Scalar(_)));
            let arrays = ColumnarValue::values_to_arrays(values)?;
            let result = body(&arrays)?;
            if are_scalars && result.len() == 1 {
                let scalar = datafusion::common::ScalarValue::try_from_array(&result, 0)?;
                return Ok(ColumnarValue::Scalar(scalar));
            }
            Ok(ColumnarValue::Array(result))
        }),
    ))
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
    cast(array, to).map_err(DataFusionError::from)
}

fn days(arguments: &[ArrayRef], f: impl Fn(Day, Option<i64>) -> Option<Day>) -> Result<ArrayRef> {
    let dates = to_type(&arguments[0], &DataType::Date32)?;
    let dates = dates.as_primitive::<Date32Type>();
    let numbers = arguments
        .get(1)
        .map(|array| to_type(array, &DataType::Int64))
        .transpose()?;
    let numbers = numbers
        .as_ref()
        .map(arrow::array::AsArray::as_primitive::<Int64Type>);
    // A batch holds few distinct dates; the calendar is asked once for each.
    let mut known: HashMap<(Day, Option<i64>), Option<Day>> = HashMap::new();
    let result: Date32Array = (0..dates.len())
        .map(|row| {
            let number = numbers.and_then(|n| n.is_valid(row).then(|| n.value(row)));
            if !dates.is_valid(row) {
                return None;
            }
            let argument = (dates.value(row), number);
            *known
                .entry(argument)
                .or_insert_with(|| f(argument.0, argument.1))
        })
        .collect();
    Ok(Arc::new(result))
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
    let result: Date32Array = instants
        .iter()
        .map(|i| i.map(|micros| local_day(micros, zone)))
        .collect();
    Ok(Arc::new(result))
}

fn days_between(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let (a, b) = (
        to_type(&arguments[0], &DataType::Date32)?,
        to_type(&arguments[1], &DataType::Date32)?,
    );
    let (a, b) = (
        a.as_primitive::<Date32Type>(),
        b.as_primitive::<Date32Type>(),
    );
    let result: Int64Array = a
        .iter()
        .zip(b)
        .map(|(a, b)| Some(i64::from(b?) - i64::from(a?)))
        .collect();
    Ok(Arc::new(result))
}

/// Seconds from the first to the second; a date stands for the start of that day in the workspace's zone.
fn seconds_between(arguments: &[ArrayRef], zone: &TimeZone) -> Result<ArrayRef> {
    if arguments
        .iter()
        .all(|array| array.data_type() == &DataType::Date32)
    {
        // Between two dates every day has 86 400 seconds, whatever the zone does.
        let days = days_between(arguments)?;
        let days = days.as_primitive::<Int64Type>();
        return Ok(Arc::new(
            days.iter()
                .map(|d| d.map(|d| d * 86_400))
                .collect::<Int64Array>(),
        ));
    }
    let (a, b) = (seconds(&arguments[0], zone)?, seconds(&arguments[1], zone)?);
    let result: Int64Array = a.iter().zip(&b).map(|(a, b)| Some(b? - a?)).collect();
    Ok(Arc::new(result))
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
    Ok(instants
        .iter()
        .map(|i| i.map(|micros| micros.div_euclid(1_000_000)))
        .collect())
}

/// The day on which a vulnerability became urgent: published with a score at or above the threshold (environmental where
/// given, else base), or listed as exploited, whichever came first; null if it is not urgent.
fn urgent_since(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let score_type = DataType::Decimal128(18, 6);
    let scores: Vec<ArrayRef> = [0, 1, 4]
        .iter()
        .map(|index| to_type(&arguments[*index], &score_type))
        .collect::<Result<_>>()?;
    let dates: Vec<ArrayRef> = [2, 3]
        .iter()
        .map(|index| to_type(&arguments[*index], &DataType::Date32))
        .collect::<Result<_>>()?;
    let [environmental, base, threshold] =
        [0, 1, 2].map(|i| scores[i].as_primitive::<Decimal128Type>());
    let [published, listed] = [0, 1].map(|i| dates[i].as_primitive::<Date32Type>());
    let result: Date32Array = (0..published.len())
        .map(|row| {
            let number = |a: &arrow::array::Decimal128Array| a.is_valid(row).then(|| a.value(row));
            let date = |a: &Date32Array| a.is_valid(row).then(|| a.value(row));
            let score = number(environmental).or(number(base));
            let is_high = score
                .zip(number(threshold))
                .is_some_and(|(score, limit)| score >= limit);
            let by_score = date(published).filter(|_| is_high);
            by_score.into_iter().chain(date(listed)).min()
        })
        .collect();
    Ok(Arc::new(result))
}
