//! Reads evidence: extract, map, convert, check, and sort the rows into accepted and rejected.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch,
    RecordBatchOptions, TimestampMicrosecondArray,
};
use arrow::compute::{filter, filter_record_batch};
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use jiff::tz::TimeZone;
use keiki_model::dataset::Dataset;
use keiki_model::evidence::{Evidence, Reason, RejectedRow};
use keiki_model::expression::Expressions;

use crate::columns::{self, Rejections, Typed};
use crate::convert::Forms;
use crate::error::IngestError;
use crate::extract::{AbsentColumn, Extract, RowPlace};
use crate::limits::Limits;
use crate::mapping::Mapping;
use crate::place::InputFile;
use crate::source::Source;
use crate::{checks, duplicates};

/// What a reading needs beside its source and files.
#[derive(Clone)]
pub struct Context<'c> {
    /// Compiles the expressions of mappings and rules.
    pub expressions: &'c dyn Expressions,
    /// The workspace's zone.
    pub zone: TimeZone,
    /// Bounds of the reading.
    pub limits: Limits,
}

/// Reads the files of a source as one reading of a dataset.
///
/// *Shape*: rows are in the order of the files and, in each, of its rows; rejected rows and values
/// left unknown too. A row that repeats an earlier one word for word is accepted with it and counts
/// once.
///
/// # Errors
/// What makes the reading as a whole unusable; nothing of it is accepted then.
pub fn read_evidence(
    source: &Source,
    dataset: &Dataset,
    files: &[InputFile],
    context: &Context<'_>,
) -> Result<Evidence, IngestError> {
    let problems = source.check(dataset);
    if !problems.is_empty() {
        return Err(IngestError::Definition { problems });
    }
    let extract = source.kind.read(files, source, context)?;
    if extract.absent == AbsentColumn::Null && extract.places.is_empty() {
        // Without a record there are no columns either; the mapping has nothing to be held against.
        return Ok(nothing(dataset, extract));
    }
    let mapping = Mapping::new(source, dataset, &extract, context.expressions)?;
    let forms = Forms::new(&source.format, &context.zone);
    let mut rejections = Rejections::default();
    let typed = columns::compute(&mapping, dataset, &forms, &mut rejections)?;
    drop(mapping);
    checks::rules(dataset, &typed.batch, context.expressions, &mut rejections)?;
    checks::scope(
        source,
        dataset,
        &typed.batch,
        context.expressions,
        &mut rejections,
    )?;
    let dropped = if source.history.is_some() {
        Vec::new()
    } else {
        duplicates::find(
            dataset,
            &typed,
            |row| extract.places[row].row,
            &mut rejections,
        )?
    };
    sort_out(source, dataset, extract, &typed, rejections, &dropped)
}

fn nothing(dataset: &Dataset, extract: Extract) -> Evidence {
    let files = extract.files;
    Evidence {
        rows: RecordBatch::new_empty(dataset.schema()),
        places: Vec::new(),
        effective_on: None,
        known_at: None,
        version_order: None,
        rejected: extract
            .rejected
            .into_iter()
            .map(|(place, reason)| rejected_row(&files, place, None, reason))
            .collect(),
        left_unknown: Vec::new(),
    }
}

/// Puts accepted and rejected rows apart.
fn sort_out(
    source: &Source,
    dataset: &Dataset,
    mut extract: Extract,
    typed: &Typed,
    rejections: Rejections,
    dropped: &[usize],
) -> Result<Evidence, IngestError> {
    let keep = (!rejections.is_empty() || !dropped.is_empty()).then(|| {
        let mut keep: Vec<bool> = (0..extract.places.len())
            .map(|row| !rejections.contains(row))
            .collect();
        for row in dropped {
            keep[*row] = false;
        }
        BooleanArray::from(keep)
    });
    let kept = |array: &ArrayRef| match &keep {
        None => Ok(array.clone()),
        Some(keep) => filter(array, keep).map_err(|e| IngestError::internal(&e)),
    };
    let version_order = match (&source.history, &typed.order) {
        (None, _) => None,
        (Some(_), Some(order)) => Some(kept(order)?.as_primitive::<Int64Type>().clone()),
        (Some(_), None) => {
            let rows = i64::try_from(extract.places.len()).unwrap_or(i64::MAX);
            let order: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
            Some(kept(&order)?.as_primitive::<Int64Type>().clone())
        }
    };
    let effective_on: Option<Date32Array> = typed
        .effective_on
        .as_ref()
        .map(&kept)
        .transpose()?
        .map(|a| a.as_primitive::<Date32Type>().clone());
    let known_at: Option<TimestampMicrosecondArray> = typed
        .known_at
        .as_ref()
        .map(&kept)
        .transpose()?
        .map(|a| a.as_primitive::<TimestampMicrosecondType>().clone());
    let rows = journalled(dataset, &typed.batch)?;
    let rows = match &keep {
        None => rows,
        Some(keep) => filter_record_batch(&rows, keep).map_err(|e| IngestError::internal(&e))?,
    };
    let is_kept = |row: usize| keep.as_ref().is_none_or(|keep| keep.value(row));
    let left_unknown = left_unknown(dataset, &extract, typed, is_kept);
    let places = (0..extract.places.len())
        .filter(|row| is_kept(*row))
        .map(|row| extract.places[row].row)
        .collect();
    let rejected = rejected(dataset, &mut extract, typed, rejections);
    Ok(Evidence {
        rows,
        places,
        effective_on,
        known_at,
        version_order,
        rejected,
        left_unknown,
    })
}

fn journalled(dataset: &Dataset, batch: &RecordBatch) -> Result<RecordBatch, IngestError> {
    let columns: Vec<ArrayRef> = dataset
        .columns
        .iter()
        .zip(batch.columns())
        .filter(|(column, _)| column.journalled)
        .map(|(_, array)| array.clone())
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(dataset.schema(), columns, &options)
        .map_err(|e| IngestError::internal(&e))
}

/// All rejected rows in the order of the files, those that could not be read among them.
fn rejected(
    dataset: &Dataset,
    extract: &mut Extract,
    typed: &Typed,
    rejections: Rejections,
) -> Vec<RejectedRow> {
    let unread = std::mem::take(&mut extract.rejected);
    let mut all: Vec<(RowPlace, Option<String>, Reason)> = unread
        .into_iter()
        .map(|(place, reason)| (place, None, reason))
        .collect();
    for (row, reason) in rejections.into_reasons() {
        let reason = not_stated(extract, row, reason);
        all.push((
            extract.places[row],
            duplicates::record_key(dataset, typed, row),
            reason,
        ));
    }
    all.sort_by_key(|(place, _, _)| *place);
    all.into_iter()
        .map(|(place, key, reason)| rejected_row(&extract.files, place, key, reason))
        .collect()
}

/// Where the reader knows why a required value is missing, that is the better reason.
fn not_stated(extract: &Extract, row: usize, reason: Reason) -> Reason {
    let Reason::MissingValue { column } = &reason else {
        return reason;
    };
    let known = extract
        .left_unknown
        .iter()
        .find(|left| left.row == row && left.column == column);
    match known {
        Some(left) => Reason::NotStated {
            column: column.clone(),
            ja: left.why.ja.clone(),
            en: left.why.en.clone(),
        },
        None => reason,
    }
}

/// What the reader left unknown in accepted rows, where the mapping did not fill it from elsewhere.
fn left_unknown(
    dataset: &Dataset,
    extract: &Extract,
    typed: &Typed,
    is_kept: impl Fn(usize) -> bool,
) -> Vec<RejectedRow> {
    let is_null = |row: usize, column: &str| {
        typed
            .batch
            .column_by_name(column)
            .is_some_and(|array| array.is_null(row))
    };
    extract
        .left_unknown
        .iter()
        .filter(|left| is_kept(left.row) && is_null(left.row, left.column))
        .map(|left| {
            let key = duplicates::record_key(dataset, typed, left.row);
            let reason = Reason::NotStated {
                column: left.column.to_owned(),
                ja: left.why.ja.clone(),
                en: left.why.en.clone(),
            };
            rejected_row(&extract.files, extract.places[left.row], key, reason)
        })
        .collect()
}

fn rejected_row(
    files: &[String],
    place: RowPlace,
    record_key: Option<String>,
    reason: Reason,
) -> RejectedRow {
    let file = usize::try_from(place.file)
        .ok()
        .and_then(|file| files.get(file))
        .cloned()
        .unwrap_or_default();
    RejectedRow {
        file,
        row: place.row,
        record_key,
        reason,
    }
}
