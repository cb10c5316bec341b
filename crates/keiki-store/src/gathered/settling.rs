//! Puts the rows of a chunk into the order of their buckets, with all that is known of them beside.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array, new_null_array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use keiki_model::dataset::Dataset;
use keiki_model::evidence::Evidence;

use super::{DAY, KNOWN, ORDER};
use crate::error::Result;
use crate::heads::{BUCKETS, bucket_of};
use crate::journal::keys_of;

/// The rows of a chunk in the order of their buckets.
#[derive(Debug)]
pub(super) struct Part {
    rows: RecordBatch,
    /// Per bucket, its first row; and the number of rows.
    starts: Vec<usize>,
}

impl Part {
    /// The memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.rows.get_array_memory_size()
    }

    /// Where the rows of some buckets stand.
    pub(super) fn range(&self, buckets: RangeInclusive<usize>) -> Range<usize> {
        self.starts[*buckets.start()]..self.starts[*buckets.end() + 1]
    }

    /// The rows of some buckets, of all parts that have any.
    pub(super) fn slices(parts: &[Self], buckets: &RangeInclusive<usize>) -> Vec<RecordBatch> {
        let ranges = parts.iter().map(|part| (part, part.range(buckets.clone())));
        ranges
            .filter(|(_, range)| !range.is_empty())
            .map(|(part, range)| part.rows.slice(range.start, range.len()))
            .collect()
    }
}

/// Settles a chunk whose first row has the position `first` in the reading.
pub(super) fn settle(
    dataset: &Dataset,
    schema: &SchemaRef,
    files: &[String],
    first: u64,
    chunk: Evidence,
) -> Result<Part> {
    let count = chunk.rows.num_rows();
    let keys = keys_of(&chunk.rows, dataset)?;
    let buckets: Vec<usize> = keys
        .iter()
        .map(|key| bucket_of(key.unwrap_or_default()))
        .collect();
    let (order, starts) = sorted(&buckets);
    let null = |name: &str| -> Result<ArrayRef> {
        let field = schema.field_with_name(name)?;
        Ok(new_null_array(field.data_type(), count))
    };
    let mut places = chunk.places;
    places.resize(count, 0);
    let mut columns = chunk.rows.columns().to_vec();
    columns.extend([
        Arc::new(keys) as ArrayRef,
        Arc::new(numbers_of_files(files, &chunk.files, count)),
        Arc::new(UInt64Array::from(places)),
        Arc::new(UInt64Array::from_iter_values((first..).take(count))),
        match chunk.effective_on {
            Some(days) => Arc::new(days),
            None => null(DAY)?,
        },
        match chunk.known_at {
            Some(known) => Arc::new(known.with_timezone("UTC")),
            None => null(KNOWN)?,
        },
        match chunk.version_order {
            Some(order) => Arc::new(order),
            None => null(ORDER)?,
        },
    ]);
    let rows = RecordBatch::try_new(Arc::clone(schema), columns)?;
    let rows = take_record_batch(&rows, &order)?;
    Ok(Part { rows, starts })
}

/// The rows in the order of their buckets, and where each bucket begins. *Shape*: one start more than there are buckets.
fn sorted(buckets: &[usize]) -> (UInt32Array, Vec<usize>) {
    let mut starts = vec![0; BUCKETS + 1];
    for bucket in buckets {
        starts[bucket + 1] += 1;
    }
    for bucket in 0..BUCKETS {
        starts[bucket + 1] += starts[bucket];
    }
    let mut next = starts.clone();
    let mut order = vec![0_u32; buckets.len()];
    for (row, bucket) in (0_u32..).zip(buckets) {
        order[next[*bucket]] = row;
        next[*bucket] += 1;
    }
    (UInt32Array::from(order), starts)
}

/// Per row, the number of its file.
fn numbers_of_files(files: &[String], of_chunk: &[(String, usize)], rows: usize) -> UInt32Array {
    let mut numbers = Vec::with_capacity(rows);
    for (name, count) in of_chunk {
        let number = files.iter().rposition(|file| file == name);
        let number = number.and_then(|number| u32::try_from(number).ok());
        let wanted = (numbers.len() + count).min(rows);
        numbers.resize(wanted, number.unwrap_or(u32::MAX));
    }
    numbers.resize(rows, u32::MAX);
    UInt32Array::from(numbers)
}
