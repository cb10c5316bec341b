//! Finds rows of one reading that speak of the same record and day.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use arrow::array::{Array, ArrayRef};
use arrow::error::ArrowError;
use arrow::row::{Row, RowConverter, Rows, SortField};
use arrow::util::display::array_value_to_string;
use keiki_model::dataset::Dataset;
use keiki_model::evidence::{Reason, join_key};

use crate::columns::{MASK, Rejections, Typed};
use crate::error::IngestError;

/// Drops the rows that repeat one before them, and rejects those that contradict it: the same key
/// and day, other values. Returns the rows that are dropped. Rows that are rejected already are no
/// example for others.
///
/// # Errors
/// The columns cannot be compared, which is a fault of Keiki.
pub(crate) fn find(
    dataset: &Dataset,
    typed: &Typed,
    row_number: impl Fn(usize) -> u64,
    rejections: &mut Rejections,
) -> Result<Vec<usize>, IngestError> {
    let mut keys = key_columns(dataset, typed);
    keys.extend(typed.effective_on.clone());
    let keys = comparable(&keys).map_err(|e| IngestError::internal(&e))?;
    let shared = sharing_a_hash(&keys);
    let mut first: HashMap<Row<'_>, usize> = HashMap::with_capacity(shared.len());
    let mut repeated = Vec::new();
    for row in shared.into_iter().filter(|row| !rejections.contains(*row)) {
        let earlier = *first.entry(keys.row(row)).or_insert(row);
        if earlier != row {
            repeated.push((row, earlier));
        }
    }
    if repeated.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<ArrayRef> = dataset
        .journalled()
        .filter_map(|column| typed.batch.column_by_name(&column.name).cloned())
        .collect();
    let values = comparable(&values).map_err(|e| IngestError::internal(&e))?;
    let mut dropped = Vec::new();
    for (row, earlier) in repeated {
        if values.row(row) == values.row(earlier) {
            dropped.push(row);
        } else {
            let key = shown_key(dataset, typed, row);
            rejections.add(
                row,
                Reason::DuplicateKey {
                    key,
                    first_row: row_number(earlier),
                },
            );
        }
    }
    Ok(dropped)
}

/// The rows whose key has the hash of another row's, in order: those that repeat one, and next to none besides. To sort
/// hashes costs far less than to look up every key.
fn sharing_a_hash(keys: &Rows) -> Vec<usize> {
    let state = RandomState::new();
    let hashes: Vec<u64> = keys.iter().map(|key| state.hash_one(key)).collect();
    let mut sorted = hashes.clone();
    sorted.sort_unstable();
    let shared: HashSet<u64> = sorted
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    if shared.is_empty() {
        return Vec::new();
    }
    (0..hashes.len())
        .filter(|row| shared.contains(&hashes[*row]))
        .collect()
}

/// The key of a row as one text, if every part of it could be read.
pub(crate) fn record_key(dataset: &Dataset, typed: &Typed, row: usize) -> Option<String> {
    let parts: Option<Vec<String>> = key_columns(dataset, typed)
        .iter()
        .map(|array| {
            array
                .is_valid(row)
                .then(|| array_value_to_string(array, row).ok())
                .flatten()
        })
        .collect();
    let parts = parts?;
    Some(join_key(parts.iter().map(String::as_str)))
}

/// The key of a row for people, without what names a person.
fn shown_key(dataset: &Dataset, typed: &Typed, row: usize) -> String {
    let parts: Vec<String> = dataset
        .key
        .iter()
        .zip(key_columns(dataset, typed))
        .map(|(name, array)| match dataset.column(name) {
            Some(column) if column.personal => MASK.to_owned(),
            _ => array_value_to_string(&array, row).unwrap_or_default(),
        })
        .collect();
    join_key(parts.iter().map(String::as_str))
}

fn key_columns(dataset: &Dataset, typed: &Typed) -> Vec<ArrayRef> {
    dataset
        .key
        .iter()
        .filter_map(|name| typed.batch.column_by_name(name).cloned())
        .collect()
}

fn comparable(columns: &[ArrayRef]) -> Result<Rows, ArrowError> {
    let fields = columns
        .iter()
        .map(|column| SortField::new(column.data_type().clone()))
        .collect();
    RowConverter::new(fields)?.convert_columns(columns)
}
