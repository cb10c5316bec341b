//! Finds rows of one reading that speak of the same record and day.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use arrow::row::{Row, RowConverter, Rows, SortField};
use arrow::util::display::array_value_to_string;

use crate::dataset::Dataset;
use crate::evidence::{Reason, join_key};

/// Stands for a value that names a person.
pub const MASK: &str = "•••";

/// A row that has the key and day of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// The row.
    pub row: usize,
    /// The first row with that key and day.
    pub first: usize,
    /// Whether all its values are those of the first: it says nothing and is dropped. Else it contradicts.
    pub is_same: bool,
}

impl Repeat {
    /// Why a row that contradicts is rejected.
    ///
    /// *Shape*: `rows` as given to `find`; `first_row` is where the first one stood.
    #[must_use]
    pub fn reason(&self, dataset: &Dataset, rows: &RecordBatch, first_row: u64) -> Reason {
        Reason::DuplicateKey {
            key: shown_key(dataset, rows, self.row),
            first_row,
        }
    }
}

/// Finds the rows that repeat one before them, in order.
///
/// *Shape*: `rows` has the dataset's journalled columns; `days` the day of each row where rows carry their own.
///
/// # Errors
/// The columns cannot be compared, which is a fault of Keiki.
pub fn find(
    dataset: &Dataset,
    rows: &RecordBatch,
    days: Option<ArrayRef>,
) -> Result<Vec<Repeat>, ArrowError> {
    let mut keys = key_columns(dataset, rows);
    keys.extend(days);
    let keys = comparable(&keys)?;
    let shared = sharing_a_hash(&keys);
    let mut first: HashMap<Row<'_>, usize> = HashMap::with_capacity(shared.len());
    let mut repeated = Vec::new();
    for row in shared {
        let earlier = *first.entry(keys.row(row)).or_insert(row);
        if earlier != row {
            repeated.push((row, earlier));
        }
    }
    if repeated.is_empty() {
        return Ok(Vec::new());
    }
    let values = comparable(rows.columns())?;
    let repeat = |(row, first)| Repeat {
        row,
        first,
        is_same: values.row(row) == values.row(first),
    };
    Ok(repeated.into_iter().map(repeat).collect())
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

/// The key of a row for people, without what names a person.
fn shown_key(dataset: &Dataset, rows: &RecordBatch, row: usize) -> String {
    let parts: Vec<String> = dataset
        .key
        .iter()
        .zip(key_columns(dataset, rows))
        .map(|(name, array)| match dataset.column(name) {
            Some(column) if column.personal => MASK.to_owned(),
            _ => array_value_to_string(&array, row).unwrap_or_default(),
        })
        .collect();
    join_key(parts.iter().map(String::as_str))
}

/// The key of a row as one text, if every part of it could be read.
#[must_use]
pub fn record_key(dataset: &Dataset, rows: &RecordBatch, row: usize) -> Option<String> {
    let parts: Option<Vec<String>> = key_columns(dataset, rows)
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

fn key_columns(dataset: &Dataset, rows: &RecordBatch) -> Vec<ArrayRef> {
    dataset
        .key
        .iter()
        .filter_map(|name| rows.column_by_name(name).cloned())
        .collect()
}

fn comparable(columns: &[ArrayRef]) -> Result<Rows, ArrowError> {
    let fields = columns
        .iter()
        .map(|column| SortField::new(column.data_type().clone()))
        .collect();
    RowConverter::new(fields)?.convert_columns(columns)
}
