//! Reads Parquet: every column as exact text, nested ones with dotted names.
//!
//! *Source*: Apache Parquet and its Arrow types. Whole numbers, decimals, dates, truth values and
//! instants come over exactly. A floating-point number is written with the fewest digits that say which
//! one it is, so that an exact column takes it only where that is exact at the column's scale. Lists,
//! maps and binary columns are left out. Rows are numbered from 1 in each file. A file that is packed is unpacked to a temporary
//! one first, since Parquet is read from its end.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::{can_cast_types, cast};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use keiki_model::evidence::Reason;
use keiki_model::text::Text;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, Columns, ExtractBuilder};
use crate::foreign;
use crate::limits::Limits;
use crate::place::InputFile;
use crate::readers::faults::{field_too_long, field_with_nul};
use crate::reading::Context;
use crate::unpack;

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 8192;

/// Reads the files as one reading. Columns are those of all files together.
///
/// # Errors
/// A file cannot be read, or is no Parquet.
pub(crate) fn read(
    input: &[InputFile],
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    for (number, file) in input.iter().enumerate() {
        rows.begin_file(&file.name);
        let columns = if number + 1 == input.len() {
            Columns::Complete
        } else {
            Columns::Growing
        };
        read_file(file, columns, &context.limits, rows)?;
    }
    Ok(AbsentColumn::Fault)
}

fn read_file(
    input: &InputFile,
    all_columns: Columns,
    limits: &Limits,
    rows: &mut ExtractBuilder<'_>,
) -> Result<(), IngestError> {
    let fault = |why: Text| IngestError::Sheet {
        file: input.name.clone(),
        detail: Box::new(Text::new(
            format!("Parquetとして読めません({})", why.ja),
            why.en,
        )),
        hint: Box::new(Text::new(
            "出力が完全であることを確かめてください",
            "check that the export is complete",
        )),
    };
    let opened = unpack::seekable(input)?;
    if opened.metadata().is_ok_and(|metadata| metadata.len() == 0) {
        return Err(IngestError::EmptyFile {
            file: input.name.clone(),
        });
    }
    let broken = || fault(foreign::broken());
    let builder = foreign::guarded(|| ParquetRecordBatchReaderBuilder::try_new(opened));
    let builder = builder
        .ok_or_else(broken)?
        .map_err(|e| fault(Text::new(e.to_string(), format!("no Parquet: {e}"))))?;
    let schema = Arc::clone(builder.schema());
    let empty = RecordBatch::new_empty(schema);
    let names = texts(&empty).map_err(|e| fault(Text::quoted(e)))?;
    let columns = names
        .iter()
        .map(|(name, _)| rows.column(name))
        .collect::<Result<Vec<_>, _>>()?;
    if all_columns == Columns::Complete {
        rows.complete_columns();
    }
    let batches = foreign::guarded(|| builder.with_batch_size(BATCH_ROWS).build());
    let mut batches = batches
        .ok_or_else(broken)?
        .map_err(|e| fault(Text::quoted(e)))?;
    let mut number = 0;
    loop {
        let next = foreign::guarded(|| {
            let batch = batches.next()?;
            Some(batch.and_then(|batch| texts(&batch)))
        });
        let Some(texts) = next.ok_or_else(broken)? else {
            break;
        };
        let texts = texts.map_err(|e| fault(Text::quoted(e)))?;
        let count = texts.first().map_or(0, |(_, array)| array.len());
        for row in 0..count {
            number += 1;
            match stage(&texts, &columns, row, limits, rows) {
                Some(reason) => rows.reject(number, reason)?,
                None => rows.accept(number)?,
            }
        }
    }
    Ok(())
}

/// Stages the values of a row, or says why it cannot be read.
fn stage(
    texts: &[(String, StringArray)],
    columns: &[usize],
    row: usize,
    limits: &Limits,
    rows: &mut ExtractBuilder<'_>,
) -> Option<Reason> {
    for ((name, array), column) in texts.iter().zip(columns) {
        if array.is_null(row) {
            continue;
        }
        let text = array.value(row);
        let detail = if text.len() > limits.field_bytes {
            field_too_long(name, limits.field_bytes)
        } else if text.contains('\0') {
            field_with_nul(name)
        } else if rows.stage(*column, text) {
            continue;
        } else {
            Text::new(
                format!("列名が重複しています: `{name}`"),
                format!("the column `{name}` is given twice"),
            )
        };
        return Some(Reason::Unreadable { detail });
    }
    None
}

/// The columns of a batch as text, those of structures with dotted names.
fn texts(batch: &RecordBatch) -> Result<Vec<(String, StringArray)>, ArrowError> {
    let mut found = Vec::new();
    let schema = batch.schema();
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        add(field.name(), array, &mut found)?;
    }
    Ok(found)
}

fn add(
    name: &str,
    array: &ArrayRef,
    found: &mut Vec<(String, StringArray)>,
) -> Result<(), ArrowError> {
    let array = match array.data_type() {
        DataType::Struct(fields) => {
            let parts = array.as_struct();
            for (field, part) in fields.iter().zip(parts.columns()) {
                let nulls = arrow::buffer::NullBuffer::union(parts.nulls(), part.nulls());
                let data = part.to_data().into_builder().nulls(nulls).build()?;
                add(
                    &format!("{name}.{}", field.name()),
                    &arrow::array::make_array(data),
                    found,
                )?;
            }
            return Ok(());
        }
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => return Ok(()),
        DataType::Timestamp(_, Some(_)) => {
            // An offset that is no zone's name needs no database of zones.
            let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
            cast(array, &utc)?
        }
        _ => Arc::clone(array),
    };
    if can_cast_types(array.data_type(), &DataType::Utf8) && !array.data_type().is_nested() {
        let text = cast(&array, &DataType::Utf8)?;
        found.push((name.to_owned(), text.as_string().clone()));
    }
    Ok(())
}
