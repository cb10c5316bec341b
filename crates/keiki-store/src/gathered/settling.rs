//! Puts the rows of a chunk into the order of their buckets, with all that is known of them beside.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, UInt64Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use keiki_model::calendar::Day;
use keiki_model::dataset::Dataset;
use keiki_model::evidence::Evidence;

use super::{DAY, KNOWN, ORDER};
use crate::error::Result;
use crate::heads::{BUCKETS, bucket_of_hash, hash_of};
use crate::journal::keys_of;

/// The rows of a chunk in the order of their buckets.
#[derive(Debug)]
pub(super) struct Part {
    rows: RecordBatch,
    /// Per row, a hash of its key and day.
    hashes: Vec<u64>,
    /// Per bucket, its first row; and the number of rows.
    starts: Vec<usize>,
}

impl Part {
    /// The memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        // Columns without a value are shared by chunks, and a key of one column is that column.
        let columns = self.rows.columns();
        let is_own = |number: usize| {
            let column = &columns[number];
            column.null_count() < column.len()
                && !columns[..number]
                    .iter()
                    .any(|other| Arc::ptr_eq(other, column))
        };
        let own = (0..columns.len()).filter(|number| is_own(*number));
        let bytes: usize = own
            .map(|number| Array::get_array_memory_size(columns[number].as_ref()))
            .sum();
        bytes + self.hashes.len() * size_of::<u64>()
    }

    /// Where the rows of some buckets stand.
    pub(super) fn range(&self, buckets: RangeInclusive<usize>) -> Range<usize> {
        self.starts[*buckets.start()]..self.starts[*buckets.end() + 1]
    }

    /// The rows of a bucket, of all parts that have any.
    pub(super) fn slices(parts: &[Self], bucket: usize) -> Vec<RecordBatch> {
        let ranges = parts.iter().map(|part| (part, part.range(bucket..=bucket)));
        ranges
            .filter(|(_, range)| !range.is_empty())
            .map(|(part, range)| part.rows.slice(range.start, range.len()))
            .collect()
    }

    /// The hashes of the keys and days of a bucket's rows, of all parts.
    pub(super) fn hashes(parts: &[Self], bucket: usize) -> impl Iterator<Item = u64> {
        let of = move |part: &Self| part.range(bucket..=bucket);
        let hashes = parts.iter().map(move |part| &part.hashes[of(part)]);
        hashes.flatten().copied()
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
    let hashes: Vec<u64> = keys
        .iter()
        .map(|key| hash_of(key.unwrap_or_default()))
        .collect();
    let buckets: Vec<usize> = hashes.iter().map(|hash| bucket_of_hash(*hash)).collect();
    let (order, starts) = sorted(&buckets);
    let day = |row: usize| {
        let days = chunk.effective_on.as_ref()?;
        days.is_valid(row).then(|| days.value(row))
    };
    let rows = order.values().iter().map(|row| *row as usize);
    let hashes = rows.map(|row| with_day(hashes[row], day(row))).collect();
    let null = |name: &str| -> Result<ArrayRef> {
        let field = schema.field_with_name(name)?;
        Ok(new_null_array(field.data_type(), count))
    };
    let mut places = chunk.places;
    places.resize(count, 0);
    let mut columns = chunk.rows.columns().to_vec();
    let keys: ArrayRef = Arc::new(keys);
    // A key of one column is mostly that column itself, which need not be in memory twice.
    let twin = same_as(&keys, &columns);
    columns.extend([
        keys,
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
    let key_at = chunk.rows.num_columns();
    let mut taken: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for (number, column) in columns.iter().enumerate() {
        taken.push(match twin {
            Some(twin) if number == key_at => Arc::clone(&taken[twin]),
            // What is the same in every row is so in any order.
            _ if column.null_count() == count => Arc::clone(column),
            _ => take(column, &order, None)?,
        });
    }
    Ok(Part {
        rows: RecordBatch::try_new(Arc::clone(schema), taken)?,
        hashes,
        starts,
    })
}

/// The column that an array is, in memory and not only by its values.
pub(super) fn same_as(array: &ArrayRef, columns: &[ArrayRef]) -> Option<usize> {
    let data = array.to_data();
    columns.iter().position(|column| {
        column.data_type() == array.data_type() && column.to_data().ptr_eq(&data)
    })
}

/// Puts a day into a hash.
fn with_day(hash: u64, day: Option<Day>) -> u64 {
    // *Source*: the golden ratio's fraction in 64 bits (Knuth, The Art of Computer Programming, vol. 3, section 6.4).
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    let spread = |day: Day| i64::from(day).cast_unsigned().wrapping_mul(SPREAD);
    day.map_or(hash, |day| hash ^ spread(day) ^ SPREAD.rotate_left(32))
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
