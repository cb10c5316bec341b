//! A reading as one evidence: its chunks put together, and the rows that repeat others taken out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, new_null_array,
};
use arrow::compute::{concat, concat_batches, filter, filter_record_batch};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use keiki_model::dataset::Dataset;
use keiki_model::evidence::{Evidence, RejectedRow};
use keiki_model::repeats;

use crate::error::IngestError;

/// Puts chunks together.
pub(crate) fn joined(dataset: &Dataset, chunks: Vec<Evidence>) -> Result<Evidence, IngestError> {
    let fault = |e| IngestError::internal(&e);
    let rows: Vec<&RecordBatch> = chunks.iter().map(|chunk| &chunk.rows).collect();
    let whole = concat_batches(&dataset.schema(), rows).map_err(fault)?;
    let effective_on = column(&chunks, |chunk| array(chunk.effective_on.as_ref()))?;
    let known_at = column(&chunks, |chunk| array(chunk.known_at.as_ref()))?;
    let version_order = column(&chunks, |chunk| array(chunk.version_order.as_ref()))?;
    let mut evidence = Evidence {
        rows: whole,
        places: Vec::new(),
        files: Vec::new(),
        effective_on: effective_on.map(|days| days.as_primitive::<Date32Type>().clone()),
        known_at: known_at.map(|known| known.as_primitive::<TimestampMicrosecondType>().clone()),
        version_order: version_order.map(|order| order.as_primitive().clone()),
        rejected: Vec::new(),
        left_unknown: Vec::new(),
        open_ends: Vec::new(),
    };
    for chunk in chunks {
        evidence.places.extend(chunk.places);
        evidence.files.extend(chunk.files);
        evidence.rejected.extend(chunk.rejected);
        evidence.left_unknown.extend(chunk.left_unknown);
        evidence.open_ends.extend(chunk.open_ends);
    }
    Ok(evidence)
}

fn array<A: Array + Clone + 'static>(array: Option<&A>) -> Option<ArrayRef> {
    array.map(|array| Arc::new(array.clone()) as ArrayRef)
}

/// A column of all chunks; null in those that lack it, absent where all do.
fn column(
    chunks: &[Evidence],
    of: impl Fn(&Evidence) -> Option<ArrayRef>,
) -> Result<Option<ArrayRef>, IngestError> {
    let parts: Vec<Option<ArrayRef>> = chunks.iter().map(of).collect();
    let Some(kind) = parts.iter().flatten().map(Array::data_type).next() else {
        return Ok(None);
    };
    let whole: Vec<ArrayRef> = parts
        .iter()
        .zip(chunks)
        .map(|(part, chunk)| {
            part.clone()
                .unwrap_or_else(|| new_null_array(kind, chunk.rows.num_rows()))
        })
        .collect();
    let whole: Vec<&dyn Array> = whole.iter().map(AsRef::as_ref).collect();
    Ok(Some(concat(&whole).map_err(|e| IngestError::internal(&e))?))
}

/// Lets the first row of each record and day pass, for forms that say one thing in several places.
pub(crate) struct Firsts<'f> {
    dataset: &'f Dataset,
    seen: HashSet<(String, Option<i32>)>,
}

impl<'f> Firsts<'f> {
    pub(crate) fn new(dataset: &'f Dataset) -> Self {
        Self {
            dataset,
            seen: HashSet::new(),
        }
    }

    /// The rows of a chunk that no row before has the key and day of.
    ///
    /// # Errors
    /// The rows cannot be put apart, which is a fault of Keiki.
    pub(crate) fn of(&mut self, evidence: Evidence) -> Result<Evidence, IngestError> {
        let keep: Vec<bool> = (0..evidence.rows.num_rows())
            .map(|row| {
                let day = evidence.effective_on.as_ref();
                let day = day.and_then(|days| days.is_valid(row).then(|| days.value(row)));
                let key = repeats::record_key(self.dataset, &evidence.rows, row);
                key.is_none_or(|key| self.seen.insert((key, day)))
            })
            .collect();
        if keep.iter().all(|is_kept| *is_kept) {
            return Ok(evidence);
        }
        let rejected = evidence.rejected.clone();
        kept(evidence, &BooleanArray::from(keep), rejected)
    }
}

/// Takes out the rows that repeat one before them, and rejects those of them that contradict it.
pub(crate) fn without_repeats(
    dataset: &Dataset,
    evidence: Evidence,
) -> Result<Evidence, IngestError> {
    let fault = |e| IngestError::internal(&e);
    let days = array(evidence.effective_on.as_ref());
    let found = repeats::find(dataset, &evidence.rows, days).map_err(fault)?;
    if found.is_empty() {
        return Ok(evidence);
    }
    let mut keep = vec![true; evidence.places.len()];
    let files = numbers_of_files(&evidence);
    let mut rejected: Vec<(usize, RejectedRow)> = Vec::new();
    for repeat in found {
        keep[repeat.row] = false;
        if !repeat.is_same {
            let first_row = evidence.places[repeat.first];
            let row = RejectedRow {
                file: name_of_row(&evidence, repeat.row),
                row: evidence.places[repeat.row],
                record_key: repeats::record_key(dataset, &evidence.rows, repeat.row),
                reason: repeat.reason(dataset, &evidence.rows, first_row),
            };
            rejected.push((files.get(&row.file).copied().unwrap_or(usize::MAX), row));
        }
    }
    rejected.extend(evidence.rejected.iter().map(|row| {
        let number = files.get(&row.file).copied().unwrap_or(usize::MAX);
        (number, row.clone())
    }));
    rejected.sort_by_key(|(file, row)| (*file, row.row));
    let rejected = rejected.into_iter().map(|(_, row)| row).collect();
    kept(evidence, &BooleanArray::from(keep), rejected)
}

/// The rows that are to be kept, with the rows that are rejected in all.
fn kept(
    evidence: Evidence,
    keep: &BooleanArray,
    rejected: Vec<RejectedRow>,
) -> Result<Evidence, IngestError> {
    let fault = |e| IngestError::internal(&e);
    let gone: HashSet<(String, u64)> = (0..keep.len())
        .filter(|row| !keep.value(*row))
        .map(|row| (name_of_row(&evidence, row), evidence.places[row]))
        .collect();
    let filtered = |array: Option<ArrayRef>| -> Result<Option<ArrayRef>, IngestError> {
        array
            .map(|array| filter(&array, keep).map_err(fault))
            .transpose()
    };
    let is_kept = |left: &RejectedRow| !gone.contains(&(left.file.clone(), left.row));
    Ok(Evidence {
        rows: filter_record_batch(&evidence.rows, keep).map_err(fault)?,
        effective_on: filtered(array(evidence.effective_on.as_ref()))?
            .map(|days| days.as_primitive::<Date32Type>().clone()),
        known_at: filtered(array(evidence.known_at.as_ref()))?
            .map(|known| known.as_primitive::<TimestampMicrosecondType>().clone()),
        version_order: filtered(array(evidence.version_order.as_ref()))?
            .map(|order| Int64Array::clone(order.as_primitive())),
        files: kept_files(&evidence, keep),
        places: (0..evidence.places.len())
            .filter(|row| keep.value(*row))
            .map(|row| evidence.places[row])
            .collect(),
        rejected,
        left_unknown: evidence.left_unknown.into_iter().filter(is_kept).collect(),
        open_ends: evidence.open_ends,
    })
}

/// The files in the order in which they were read.
fn numbers_of_files(evidence: &Evidence) -> HashMap<String, usize> {
    let mut numbers = HashMap::new();
    for (file, _) in &evidence.files {
        let next = numbers.len();
        numbers.entry(file.clone()).or_insert(next);
    }
    numbers
}

fn name_of_row(evidence: &Evidence, row: usize) -> String {
    let mut end = 0;
    let file = evidence.files.iter().find(|(_, rows)| {
        end += rows;
        row < end
    });
    file.map(|(name, _)| name.clone()).unwrap_or_default()
}

fn kept_files(evidence: &Evidence, keep: &BooleanArray) -> Vec<(String, usize)> {
    let mut start = 0;
    let files = evidence.files.iter().map(|(name, rows)| {
        let kept = keep.slice(start, *rows).true_count();
        start += rows;
        (name.clone(), kept)
    });
    files.collect()
}
