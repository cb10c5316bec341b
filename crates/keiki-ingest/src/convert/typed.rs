//! Takes over values that a mapping's expression yields typed already, exactly or not at all.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use keiki_model::calendar::BEGINNING;
use keiki_model::dataset::ColumnType;
use keiki_model::text::Text;

use super::{Converted, Misfit, number, why};

/// Says how to mend an expression whose type cannot become the column's; `None` if it can.
pub(crate) fn misfit(found: &DataType, kind: ColumnType) -> Option<Text> {
    use DataType as T;
    let fits = match found {
        T::Float16 | T::Float32 | T::Float64 => {
            return Some(Text::new(
                "数値は正確でなければなりません。cast(… as decimal(12,2)) のように、文字列・整数・十進数の値にしてください",
                "figures are exact: yield text, an integer or a decimal, for example cast(… as decimal(12,2))",
            ));
        }
        T::Null | T::Utf8 | T::LargeUtf8 | T::Utf8View => true,
        T::Dictionary(_, value) => value.is_string(),
        found if found.is_integer() || found.is_decimal() => {
            matches!(
                kind,
                ColumnType::Text | ColumnType::Integer | ColumnType::Decimal { .. }
            )
        }
        T::Boolean => matches!(kind, ColumnType::Text | ColumnType::Boolean),
        T::Date32 => matches!(kind, ColumnType::Text | ColumnType::Date),
        T::Timestamp(_, Some(_)) => kind == ColumnType::Instant,
        T::Timestamp(_, None) if kind == ColumnType::Instant => {
            return Some(Text::new(
                "時間帯のない日時からは時点が決まりません。文字列のまま渡し、読み方を `format` に書いてください",
                "a timestamp without zone is no instant: yield the text, which `format` says how to read",
            ));
        }
        _ => false,
    };
    (!fits).then(|| match kind {
        ColumnType::Date => Text::new("文字列か日付の値にしてください", "yield text or a date"),
        ColumnType::Instant => Text::new(
            "文字列か、時間帯のある日時の値にしてください",
            "yield text or a timestamp with time zone",
        ),
        ColumnType::Boolean => Text::new(
            "… = 'yes' のように、文字列か真偽の値にしてください",
            "yield text or a boolean, for example … = 'yes'",
        ),
        ColumnType::Text => Text::new("文字列の値にしてください", "yield text"),
        ColumnType::Integer | ColumnType::Decimal { .. } => Text::new(
            "文字列・整数・十進数の値にしてください",
            "yield text, an integer or a decimal",
        ),
    })
}

/// Converts an array that is not text.
///
/// # Errors
/// Arrow has no such cast.
pub(super) fn convert(array: &ArrayRef, kind: ColumnType) -> Result<Converted, String> {
    if array.data_type() == &DataType::Null {
        return Ok(Converted {
            array: new_null_array(&kind.arrow(), array.len()),
            faults: Vec::new(),
        });
    }
    let converted: ArrayRef = match kind {
        ColumnType::Integer => {
            let values = scaled(array, 38, 0)?;
            let values: Int64Array = values
                .iter()
                .map(|value| value.and_then(|value| i64::try_from(value).ok()))
                .collect();
            Arc::new(values)
        }
        ColumnType::Decimal { precision, scale } => {
            Arc::new(scaled(array, precision, scale)?.with_data_type(kind.arrow()))
        }
        ColumnType::Date => {
            let days = cast(array, &DataType::Date32).map_err(|e| e.to_string())?;
            let days = days.as_primitive::<arrow::datatypes::Date32Type>();
            Arc::new(days.unary_opt::<_, arrow::datatypes::Date32Type>(|day| {
                (day >= BEGINNING).then_some(day)
            }))
        }
        ColumnType::Instant => {
            let instants = cast(array, &kind.arrow()).map_err(|e| e.to_string())?;
            let instants = instants.as_primitive::<TimestampMicrosecondType>();
            let earliest = i64::from(BEGINNING) * 86_400_000_000;
            let kept = instants
                .unary_opt::<_, TimestampMicrosecondType>(|at| (at >= earliest).then_some(at));
            Arc::new(kept.with_timezone("UTC"))
        }
        ColumnType::Text | ColumnType::Boolean => {
            cast(array, &kind.arrow()).map_err(|e| e.to_string())?
        }
    };
    let faults = lost(array, &converted);
    Ok(Converted {
        array: converted,
        faults,
    })
}

/// Moves whole numbers and decimals to a scale; null where that is not exact.
fn scaled(array: &ArrayRef, precision: u8, scale: i8) -> Result<Decimal128Array, String> {
    let from = match array.data_type() {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    };
    let wide = cast(array, &DataType::Decimal128(38, from)).map_err(|e| e.to_string())?;
    let wide = wide.as_primitive::<Decimal128Type>();
    Ok(
        wide.unary_opt::<_, Decimal128Type>(|value| {
            number::rescaled(value, from, scale, precision)
        }),
    )
}

/// The rows that had a value and have none now.
fn lost(before: &ArrayRef, after: &ArrayRef) -> Vec<(usize, Misfit)> {
    if before.logical_null_count() == after.null_count() {
        return Vec::new();
    }
    (0..before.len())
        .filter(|row| before.is_valid(*row) && after.is_null(*row))
        .map(|row| {
            let found = array_value_to_string(before, row).unwrap_or_default();
            (
                row,
                Misfit::new(
                    &found,
                    why(
                        "範囲外か、この列の型では正確に表せません",
                        "out of range, or not exact in the column's type",
                    ),
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::TimestampNanosecondArray;

    #[test]
    fn floats_are_refused_for_every_type() {
        for kind in [
            ColumnType::Text,
            ColumnType::Integer,
            ColumnType::Date,
            ColumnType::Boolean,
        ] {
            assert!(misfit(&DataType::Float64, kind).is_some());
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_faults_and_not_rounded() {
        let values = Decimal128Array::from(vec![Some(1250), Some(1255), None]);
        let array: ArrayRef = Arc::new(
            values
                .with_precision_and_scale(10, 2)
                .expect("ten digits are enough"),
        );
        let converted = convert(
            &array,
            ColumnType::Decimal {
                precision: 4,
                scale: 1,
            },
        )
        .expect("castable");
        assert_eq!(
            converted.array.as_primitive::<Decimal128Type>().value(0),
            125
        );
        assert_eq!(converted.faults.len(), 1);
        assert_eq!(
            (converted.faults[0].0, converted.faults[0].1.found.as_str()),
            (1, "12.55")
        );
    }

    #[test]
    fn instants_come_over_in_microseconds() {
        let array: ArrayRef =
            Arc::new(TimestampNanosecondArray::from(vec![1_000_000_000]).with_timezone("+00:00"));
        let converted = convert(&array, ColumnType::Instant).expect("castable");
        assert_eq!(converted.array.data_type(), &ColumnType::Instant.arrow());
        assert_eq!(
            converted
                .array
                .as_primitive::<TimestampMicrosecondType>()
                .value(0),
            1_000_000
        );
    }
}
