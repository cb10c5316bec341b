//! Reads Parquet: every column as exact text, nested ones with dotted names.
//!
//! *Source*: Apache Parquet and its Arrow types. Whole numbers, decimals, dates, truth values and
//! instants come over exactly. A floating-point number is written with the fewest digits that say which
//! one it is, so that an exact column takes it only where that is exact at the column's scale. Lists and
//! maps are JSON text, binary columns are left out. Rows are numbered from 1 in each file. A file that is packed is unpacked to a temporary
//! one first, since Parquet is read from its end.
//!
//! With a path of records, lists within rows are unfolded as those of JSON are, which is what the rows are written as, into a
//! temporary file: a row each.

mod nested;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use keiki_model::evidence::Reason;
use keiki_model::text::Text;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use tempfile::NamedTempFile;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, Columns, ExtractBuilder};
use crate::foreign;
use crate::limits::Limits;
use crate::place::InputFile;
use crate::readers::faults::{field_too_long, field_with_nul};
use crate::readers::json;
use crate::reading::Context;
use crate::source::Source;
use crate::unpack;

use nested::{Rows, Shape};

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 8192;

/// Reads the files as one reading. Columns are those of all files together.
///
/// # Errors
/// A file cannot be read, or is no Parquet.
pub(crate) fn read(
    input: &[InputFile],
    source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    if let Some(path) = &source.format.records {
        return read_within_rows(path, input, source, context, rows);
    }
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

/// Reads records that lie in lists within rows.
fn read_within_rows(
    path: &str,
    input: &[InputFile],
    source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    // Each row is a root, so that the path always unfolds something.
    let (plain, or_none) = path
        .strip_suffix('?')
        .map_or((path, ""), |plain| (plain, "?"));
    let brackets = if path.contains("[]") { "" } else { "[]" };
    let mut source = source.clone();
    source.format.records = Some(format!("{plain}{brackets}{or_none}"));
    let first = plain.split('.').next().unwrap_or_default();
    let first = first.trim_end_matches("[]");
    for file in input {
        match write_rows(file, first, &context.limits)? {
            Some(written) => {
                let lines = InputFile::new(file.name.clone(), written.path());
                json::read(&[lines], &source, context, rows)?;
            }
            // A table without rows is a nil return.
            None => rows.begin_file(&file.name),
        }
    }
    Ok(AbsentColumn::Null)
}

/// Writes the rows of a file as lines of JSON into a temporary one; `None` where there are none.
fn write_rows(
    input: &InputFile,
    unfolded: &str,
    limits: &Limits,
) -> Result<Option<NamedTempFile>, IngestError> {
    let failed = |e: std::io::Error| IngestError::io(&input.name, e);
    // JSON is told by this name to hold lines.
    let written = tempfile::Builder::new().suffix(".ndjson").tempfile();
    let mut written = written.map_err(failed)?;
    let mut lines = BufWriter::new(written.as_file_mut());
    let (mut batches, _) = open(input)?;
    let (mut text, mut is_empty) = (String::new(), true);
    let make = |batch: &RecordBatch| Rows::new(batch, limits.json_depth);
    while let Some(rows) = next(input, &mut batches, make)? {
        for row in 0..rows.count {
            text.clear();
            rows.write(row, unfolded, &mut text);
            lines.write_all(text.as_bytes()).map_err(failed)?;
            is_empty = false;
        }
    }
    lines.flush().map_err(failed)?;
    drop(lines);
    Ok((!is_empty).then_some(written))
}

fn fault(input: &InputFile, why: Text) -> IngestError {
    IngestError::Sheet {
        file: input.name.clone(),
        detail: Box::new(Text::new(
            format!("Parquetとして読めません({})", why.ja),
            why.en,
        )),
        hint: Box::new(Text::new(
            "出力が完全であることを確かめてください",
            "check that the export is complete",
        )),
    }
}

/// Opens a file: its rows, and a batch without any.
fn open(input: &InputFile) -> Result<(ParquetRecordBatchReader, RecordBatch), IngestError> {
    let opened: File = unpack::seekable(input)?;
    if opened.metadata().is_ok_and(|metadata| metadata.len() == 0) {
        return Err(IngestError::EmptyFile {
            file: input.name.clone(),
        });
    }
    let broken = || fault(input, foreign::broken());
    let builder = foreign::guarded(|| ParquetRecordBatchReaderBuilder::try_new(opened));
    let builder = builder.ok_or_else(broken)?;
    let builder =
        builder.map_err(|e| fault(input, Text::new(e.to_string(), format!("no Parquet: {e}"))))?;
    let empty = RecordBatch::new_empty(Arc::clone(builder.schema()));
    let batches = foreign::guarded(|| builder.with_batch_size(BATCH_ROWS).build());
    let batches = batches.ok_or_else(broken)?;
    let batches = batches.map_err(|e| fault(input, Text::quoted(e)))?;
    Ok((batches, empty))
}

/// What is made of the next rows; `None` behind the last.
fn next<T>(
    input: &InputFile,
    batches: &mut ParquetRecordBatchReader,
    make: impl Fn(&RecordBatch) -> Result<T, ArrowError>,
) -> Result<Option<T>, IngestError> {
    let next = foreign::guarded(|| {
        let batch = batches.next()?;
        Some(batch.and_then(|batch| make(&batch)))
    });
    let made = next.ok_or_else(|| fault(input, foreign::broken()))?;
    made.transpose().map_err(|e| fault(input, Text::quoted(e)))
}

fn read_file(
    input: &InputFile,
    all_columns: Columns,
    limits: &Limits,
    rows: &mut ExtractBuilder<'_>,
) -> Result<(), IngestError> {
    let (mut batches, empty) = open(input)?;
    let told = |batch: &RecordBatch| texts(batch, limits.json_depth);
    let names = told(&empty).map_err(|e| fault(input, Text::quoted(e)))?;
    let columns = names
        .iter()
        .map(|(name, _)| rows.column(name))
        .collect::<Result<Vec<_>, _>>()?;
    if all_columns == Columns::Complete {
        rows.complete_columns();
    }
    let mut number = 0;
    while let Some(texts) = next(input, &mut batches, told)? {
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

/// The columns of a batch as text, those of structures with dotted names, lists and maps as JSON.
fn texts(batch: &RecordBatch, levels: usize) -> Result<Vec<(String, StringArray)>, ArrowError> {
    let mut found = Vec::new();
    let schema = batch.schema();
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        add(field.name(), array, levels, &mut found)?;
    }
    Ok(found)
}

fn add(
    name: &str,
    array: &ArrayRef,
    levels: usize,
    found: &mut Vec<(String, StringArray)>,
) -> Result<(), ArrowError> {
    match array.data_type() {
        DataType::Struct(fields) => {
            let parts = array.as_struct();
            for (field, part) in fields.iter().zip(parts.columns()) {
                let nulls = arrow::buffer::NullBuffer::union(parts.nulls(), part.nulls());
                let data = part.to_data().into_builder().nulls(nulls).build()?;
                let (name, part) = (
                    format!("{name}.{}", field.name()),
                    arrow::array::make_array(data),
                );
                add(&name, &part, levels, found)?;
            }
        }
        kind if kind.is_nested() => {
            if let Some(shape) = Shape::new(array, levels)? {
                let written = (0..array.len()).map(|row| {
                    let mut text = String::new();
                    shape.write(row, &mut text);
                    array.is_valid(row).then_some(text)
                });
                found.push((name.to_owned(), written.collect()));
            }
        }
        _ => {
            if let Some(texts) = nested::leaf(array)? {
                found.push((name.to_owned(), texts));
            }
        }
    }
    Ok(())
}
