//! How the rows of entries lie in compacted files: what measures tell apart lies together, and what comes to nothing lies by itself.
//!
//! *Source*: decisions 0112 and 0131.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DynComparator, RecordBatch, StringArray, UInt32Array, make_comparator,
};
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices, take_record_batch};
use arrow::datatypes::Int32Type;
use keiki_model::dataset::{Dataset, ORG_UNIT};

use crate::error::Result;
use crate::heads::{primitive, strings};
use crate::schema::{EFFECTIVE_ON, RECORD_KEY, WEIGHT};

/// Rows that come to nothing lie in a file of their own where they are this part of all at least.
const CLEARED_PART: usize = 8;

/// How many rows away an entry is looked for that another takes out.
const NEAR: usize = 256;

/// The rows of a table of entries, as they are to be written.
pub(super) struct Laid {
    /// In order.
    pub(super) rows: RecordBatch,
    /// Entries that were taken out again, with those that did so: what they say and of which day is the same, and the weights come
    /// to zero. In order too.
    pub(super) cleared: Option<RecordBatch>,
}

/// Puts rows in order: by org unit, by the columns that have a closed list of values, which predicates ask for, by the day from which
/// they hold, and by record; those of one record and day stay as they came. What comes to nothing is set apart where it is `worth` so many rows.
pub(super) fn laid(rows: &RecordBatch, dataset: &Dataset, worth: usize) -> Result<Laid> {
    let rows = in_order(rows, dataset)?;
    let is_cleared = cleared(&rows, dataset)?;
    let count = is_cleared.iter().filter(|is| **is).count();
    if count < worth.max(1) || count * CLEARED_PART < rows.num_rows() {
        return Ok(Laid {
            rows,
            cleared: None,
        });
    }
    let those = |wanted: bool| {
        let all = (0_u32..).zip(&is_cleared);
        let places = all.filter(|(_, is)| **is == wanted).map(|(at, _)| at);
        take_record_batch(&rows, &UInt32Array::from_iter_values(places))
    };
    Ok(Laid {
        cleared: Some(those(true)?),
        rows: those(false)?,
    })
}

fn in_order(rows: &RecordBatch, dataset: &Dataset) -> Result<RecordBatch> {
    let closed = dataset.journalled().filter(|one| !one.values.is_empty());
    let names = [ORG_UNIT].into_iter();
    let names = names.chain(closed.map(|column| column.name.as_str()));
    let mut by: Vec<SortColumn> = names
        .chain([EFFECTIVE_ON, RECORD_KEY])
        .filter_map(|name| rows.column_by_name(name))
        .filter(|column| column.null_count() < column.len())
        .map(|column| ascending(Arc::clone(column)))
        .collect();
    let count = u32::try_from(rows.num_rows()).unwrap_or(u32::MAX);
    by.push(ascending(Arc::new(UInt32Array::from_iter_values(0..count))));
    let order = lexsort_to_indices(&by, None)?;
    Ok(take_record_batch(rows, &order)?)
}

fn ascending(values: ArrayRef) -> SortColumn {
    SortColumn {
        values,
        options: None,
    }
}

/// Which rows come to nothing together with another of the same record.
fn cleared(rows: &RecordBatch, dataset: &Dataset) -> Result<Vec<bool>> {
    let keys = strings(rows, RECORD_KEY)?;
    let weights = primitive::<Int32Type>(rows, WEIGHT)?.values();
    let is_same = same(rows, dataset)?;
    let mut is_cleared = vec![false; rows.num_rows()];
    let mut start = 0;
    while start < rows.num_rows() {
        let end = end_of_record(&keys, start);
        for out in (start..end).filter(|row| weights[*row] < 0) {
            let near = out.saturating_sub(NEAR).max(start)..end.min(out + NEAR);
            let mut near = near.filter(|row| !is_cleared[*row] && weights[*row] == -weights[out]);
            if let Some(found) = near.find(|row| is_same(*row, out)) {
                is_cleared[found] = true;
                is_cleared[out] = true;
            }
        }
        start = end;
    }
    Ok(is_cleared)
}

fn end_of_record(keys: &StringArray, start: usize) -> usize {
    let key = keys.value(start);
    let others = start + 1..keys.len();
    let mut others = others.skip_while(|row| keys.value(*row) == key);
    others.next().unwrap_or(keys.len())
}

/// Tells of two rows whether they say the same of the same day.
fn same(rows: &RecordBatch, dataset: &Dataset) -> Result<impl Fn(usize, usize) -> bool> {
    let names = dataset.journalled().map(|column| column.name.as_str());
    let columns = names.chain([EFFECTIVE_ON]);
    let columns = columns.filter_map(|name| rows.column_by_name(name));
    let columns = columns.filter(|column| column.null_count() < column.len());
    let compare = |column: &ArrayRef| make_comparator(column, column, SortOptions::default());
    let columns = columns.map(compare);
    let columns: Vec<DynComparator> = columns.collect::<std::result::Result<_, _>>()?;
    Ok(move |one: usize, other: usize| columns.iter().all(|by| by(one, other).is_eq()))
}
