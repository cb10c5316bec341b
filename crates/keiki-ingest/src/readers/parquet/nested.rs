//! Writes values of columns as JSON: lists and maps, and whole rows where records lie within them.
//!
//! Whole numbers, decimals, finite floating-point numbers and truth values stand bare, everything else is a text. A map is an object.
//! Binary values are left out.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;

/// A column from which JSON can be written, row by row.
pub(super) enum Shape {
    /// Values that hold no others.
    Leaf { texts: StringArray, is_number: bool },
    /// Structures.
    Object {
        nulls: Option<NullBuffer>,
        parts: Vec<(String, Shape)>,
    },
    /// Lists: where the items of each begin and end.
    List {
        nulls: Option<NullBuffer>,
        ranges: Vec<Range<usize>>,
        items: Box<Shape>,
    },
    /// A list without items.
    Nothing,
    /// Maps: where the entries of each begin and end.
    Map {
        nulls: Option<NullBuffer>,
        ranges: Vec<Range<usize>>,
        keys: StringArray,
        values: Box<Shape>,
    },
}

/// The values of a column that hold no others, as exact text; `None` where they cannot be told.
pub(super) fn leaf(array: &ArrayRef) -> Result<Option<StringArray>, ArrowError> {
    let kind = array.data_type();
    let is_binary = matches!(
        kind,
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
    );
    if is_binary || kind.is_nested() {
        return Ok(None);
    }
    let array = if let DataType::Timestamp(_, Some(_)) = kind {
        // An offset that is no zone's name needs no database of zones.
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
        cast(array, &utc)?
    } else {
        std::sync::Arc::clone(array)
    };
    if !arrow::compute::can_cast_types(array.data_type(), &DataType::Utf8) {
        return Ok(None);
    }
    let texts = cast(&array, &DataType::Utf8)?;
    Ok(Some(texts.as_string().clone()))
}

impl Shape {
    /// The shape of a column; `None` where nothing of it can be told, or it is nested deeper than so many levels.
    pub(super) fn new(array: &ArrayRef, levels: usize) -> Result<Option<Self>, ArrowError> {
        let Some(levels) = levels.checked_sub(1) else {
            return Ok(None);
        };
        let nulls = array.logical_nulls();
        let kind = array.data_type();
        let (ranges, items) = match kind {
            DataType::Struct(fields) => {
                let mut parts = Vec::new();
                for (field, part) in fields.iter().zip(array.as_struct().columns()) {
                    if let Some(part) = Self::new(part, levels)? {
                        parts.push((field.name().clone(), part));
                    }
                }
                return Ok(Some(Self::Object { nulls, parts }));
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let Some(keys) = leaf(map.keys())? else {
                    return Ok(None);
                };
                let values = Self::new(map.values(), levels)?;
                let ranges = ranges(map.value_offsets());
                return Ok(values.map(|values| Self::Map {
                    nulls,
                    ranges,
                    keys,
                    values: Box::new(values),
                }));
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                (ranges(list.value_offsets()), list.values())
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                (ranges(list.value_offsets()), list.values())
            }
            DataType::FixedSizeList(_, size) => {
                let (list, size) = (array.as_fixed_size_list(), place(*size));
                let ranges = (0..list.len()).map(|row| row * size..(row + 1) * size);
                (ranges.collect(), list.values())
            }
            kind => {
                let is_number = kind.is_numeric() || *kind == DataType::Boolean;
                return Ok(leaf(array)?.map(|texts| Self::Leaf { texts, is_number }));
            }
        };
        Ok(Self::new(items, levels)?.map(|items| Self::List {
            nulls,
            ranges,
            items: Box::new(items),
        }))
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Leaf { texts, .. } => texts.is_null(row),
            Self::Nothing => false,
            Self::Object { nulls, .. } | Self::List { nulls, .. } | Self::Map { nulls, .. } => {
                nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
            }
        }
    }

    /// Writes the value of a row.
    pub(super) fn write(&self, row: usize, text: &mut String) {
        if self.is_null(row) {
            text.push_str("null");
            return;
        }
        match self {
            Self::Leaf { texts, is_number } => {
                let value = texts.value(row);
                // What is not finite is no number of JSON.
                let is_bare = *is_number && !value.contains(['N', 'i']);
                if is_bare {
                    text.push_str(value);
                } else {
                    quote(value, text);
                }
            }
            Self::Object { parts, .. } => {
                let parts = parts.iter().map(|(name, part)| (name.as_str(), part, row));
                object(parts, text);
            }
            Self::Nothing => text.push_str("[]"),
            Self::List { ranges, items, .. } => {
                text.push('[');
                for at in ranges[row].clone() {
                    if at > ranges[row].start {
                        text.push(',');
                    }
                    items.write(at, text);
                }
                text.push(']');
            }
            Self::Map {
                ranges,
                keys,
                values,
                ..
            } => {
                let entries = ranges[row].clone();
                object(entries.map(|at| (keys.value(at), &**values, at)), text);
            }
        }
    }
}

/// The rows of a batch, from which JSON can be written.
pub(super) struct Rows {
    columns: Vec<(String, Shape)>,
    pub(super) count: usize,
}

impl Rows {
    /// Those of a batch.
    pub(super) fn new(batch: &RecordBatch, levels: usize) -> Result<Self, ArrowError> {
        let mut columns = Vec::new();
        let schema = batch.schema();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            if let Some(column) = Shape::new(array, levels)? {
                columns.push((field.name().clone(), column));
            }
        }
        let count = batch.num_rows();
        Ok(Self { columns, count })
    }

    /// Writes a row as an object in which a list of that name is never null: without one there is nothing to unfold.
    pub(super) fn write(&self, row: usize, unfolded: &str, text: &mut String) {
        const NOTHING: &Shape = &Shape::Nothing;
        let columns = self.columns.iter().map(|(name, column)| {
            let is_without = name == unfolded && column.is_null(row);
            let column = if is_without { NOTHING } else { column };
            (name.as_str(), column, row)
        });
        object(columns, text);
        text.push('\n');
    }
}

fn object<'s>(entries: impl Iterator<Item = (&'s str, &'s Shape, usize)>, text: &mut String) {
    text.push('{');
    for (number, (name, value, row)) in entries.enumerate() {
        if number > 0 {
            text.push(',');
        }
        quote(name, text);
        text.push(':');
        value.write(row, text);
    }
    text.push('}');
}

fn quote(value: &str, text: &mut String) {
    text.push_str(&serde_json::Value::from(value).to_string());
}

fn ranges<O: Copy + TryInto<usize>>(offsets: &[O]) -> Vec<Range<usize>> {
    let offsets = offsets.windows(2);
    offsets.map(|pair| place(pair[0])..place(pair[1])).collect()
}

/// A place in an array, which is never negative.
fn place<O: TryInto<usize>>(offset: O) -> usize {
    offset.try_into().unwrap_or(0)
}
