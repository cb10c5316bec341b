//! Rows of heads as a file holds them: a column without a value, with one value in all rows, or with the values of another
//! column is not in it. What it holds is then a word in the file's schema.

use std::collections::HashMap;
use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int64Array, RecordBatch, RecordBatchOptions,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};

use super::instant;
use crate::error::{Result, StoreError};
use crate::table::conform;

/// Begins the name under which a schema says which value a column has in all rows.
const ONE: &str = "one:";
/// Begins the name under which a schema says of which column another is a copy.
const COPY: &str = "copy:";

/// Rows without the columns that a word says as well.
pub(crate) fn fold(rows: &RecordBatch) -> Result<RecordBatch> {
    let schema = rows.schema();
    let mut words = HashMap::new();
    let mut kept: Vec<usize> = Vec::new();
    for (number, (field, column)) in schema.fields().iter().zip(rows.columns()).enumerate() {
        if column.null_count() == rows.num_rows() {
            continue;
        }
        if let Some(value) = only_value(column) {
            words.insert(format!("{ONE}{}", field.name()), value);
        } else if let Some(twin) = twin(rows, number, &kept) {
            let twin = schema.field(twin).name().clone();
            words.insert(format!("{COPY}{}", field.name()), twin);
        } else {
            kept.push(number);
        }
    }
    let columns = kept.iter().map(|number| Arc::clone(rows.column(*number)));
    let fields: Vec<_> = kept
        .iter()
        .map(|number| Arc::clone(&schema.fields()[*number]))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::new(Schema::new_with_metadata(fields, words)),
        columns.collect(),
        &options,
    )?)
}

/// The rows that were folded, in the given schema.
pub(crate) fn unfold(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let held = rows.schema();
    let words = held.metadata();
    if words.is_empty() {
        return conform(rows, schema);
    }
    let mut fields = held.fields().to_vec();
    let mut columns = rows.columns().to_vec();
    for field in schema.fields() {
        let one = words.get(&format!("{ONE}{}", field.name()));
        let copy = words.get(&format!("{COPY}{}", field.name()));
        let column = match (one, copy) {
            (Some(value), _) => repeated(value, field.data_type(), rows.num_rows())?,
            (_, Some(twin)) => Arc::clone(rows.column_by_name(twin).ok_or_else(damaged)?),
            (None, None) => continue,
        };
        fields.push(Arc::clone(field));
        columns.push(column);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let all = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
    conform(&all, schema)
}

/// The value that a column has in every row, as a word; `None` where it has several, or is of a type that is not folded.
fn only_value(column: &ArrayRef) -> Option<String> {
    if column.null_count() > 0 {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            let first = texts.value(0);
            let is_one = (1..texts.len()).all(|row| texts.value(row) == first);
            is_one.then(|| first.to_owned())
        }
        DataType::Date32 => {
            let first = one(column.as_primitive::<Date32Type>().values())?;
            Some(first.to_string())
        }
        DataType::Int64 => {
            let first = one(column.as_primitive::<Int64Type>().values())?;
            Some(first.to_string())
        }
        kind if *kind == instant() => {
            let times = column.as_primitive::<TimestampMicrosecondType>();
            Some(one(times.values())?.to_string())
        }
        _ => None,
    }
}

fn one<T: PartialEq>(values: &[T]) -> Option<&T> {
    let first = values.first()?;
    values.iter().all(|value| value == first).then_some(first)
}

/// The column among those that are kept of which a column of text is a copy.
fn twin(rows: &RecordBatch, number: usize, kept: &[usize]) -> Option<usize> {
    let column = rows.column(number);
    if *column.data_type() != DataType::Utf8 {
        return None;
    }
    let texts = column.as_string::<i32>();
    kept.iter().copied().find(|other| {
        let other = rows.column(*other);
        other
            .as_string_opt::<i32>()
            .is_some_and(|other| other.value(0) == texts.value(0) && other == texts)
    })
}

fn repeated(value: &str, kind: &DataType, count: usize) -> Result<ArrayRef> {
    let number = || value.parse::<i64>().map_err(|_| damaged());
    Ok(match kind {
        DataType::Utf8 => Arc::new(StringArray::from_iter_values(repeat_n(value, count))),
        DataType::Date32 => {
            let day = i32::try_from(number()?).map_err(|_| damaged())?;
            Arc::new(Date32Array::from(vec![day; count]))
        }
        DataType::Int64 => Arc::new(Int64Array::from(vec![number()?; count])),
        kind if *kind == instant() => {
            let times = TimestampMicrosecondArray::from(vec![number()?; count]);
            Arc::new(times.with_timezone("UTC"))
        }
        _ => return Err(damaged()),
    })
}

fn damaged() -> StoreError {
    StoreError::damaged(
        "現況表のファイルの列が読めません",
        "a column of a file of heads cannot be read",
    )
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;

    /// Key, text, day and number.
    type Line<'l> = (Option<&'l str>, Option<&'l str>, i32, i64);

    fn columns(lines: &[Line<'_>]) -> RecordBatch {
        let key = |line: &Line<'_>| line.0.map(str::to_owned);
        let times: Vec<i64> = lines.iter().map(|line| line.3).collect();
        let columns: [(&str, ArrayRef); 6] = [
            (
                "id",
                Arc::new(lines.iter().map(key).collect::<StringArray>()),
            ),
            (
                "text",
                Arc::new(lines.iter().map(|line| line.1).collect::<StringArray>()),
            ),
            (
                "day",
                Arc::new(
                    lines
                        .iter()
                        .map(|line| Some(line.2))
                        .collect::<Date32Array>(),
                ),
            ),
            ("seq", Arc::new(Int64Array::from(times.clone()))),
            (
                "at",
                Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
            ),
            (
                "key",
                Arc::new(lines.iter().map(key).collect::<StringArray>()),
            ),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true)))
            .expect("columns of one length")
    }

    #[test]
    fn what_is_folded_comes_back_as_it_was() {
        let cases: [(&[Line<'_>], usize); 5] = [
            // The key is the id, and all else the same in every row.
            (
                &[(Some("a"), Some("x"), 1, 5), (Some("b"), Some("x"), 1, 5)],
                1,
            ),
            (&[(Some("a"), None, 1, -5), (Some("b"), None, 2, -5)], 2),
            (&[(Some("a"), Some("x"), 1, 5), (Some("b"), None, 2, 6)], 5),
            (&[(None, Some(""), 0, 0)], 0),
            (&[], 0),
        ];
        for (lines, kept) in cases {
            let rows = columns(lines);
            let folded = fold(&rows).expect("rows can be folded");
            assert_eq!(folded.num_columns(), kept, "{lines:?}");
            assert_eq!(unfold(&folded, &rows.schema()).expect("and unfolded"), rows);
        }
    }

    #[test]
    fn a_word_that_is_of_no_column_is_an_error() {
        let words = HashMap::from([("copy:key".to_owned(), "gone".to_owned())]);
        let field = |name: &str| Field::new(name, DataType::Utf8, true);
        let rows = columns(&[(Some("a"), None, 1, 1)])
            .project(&[0])
            .expect("a column");
        let held = Schema::new_with_metadata(vec![field("id")], words);
        let rows = rows.with_schema(Arc::new(held)).expect("another schema");
        let wanted = Arc::new(Schema::new(vec![field("id"), field("key")]));
        assert!(unfold(&rows, &wanted).is_err());
    }
}
