//! The heads of a bucket as they are kept: the rows of its file, and later rows that stand over them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Date32Type, SchemaRef};
use keiki_model::calendar::Day;

use super::{hash_of, primitive, strings};
use crate::error::Result;
use crate::schema::{EFFECTIVE_ON, RECORD_KEY, SOURCE};

/// Where a head stands: in the file of its bucket, or among the later rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// Row of the base.
    Base(usize),
    /// Row of the later rows.
    Later(usize),
}

/// The heads of a bucket, not yet put together: most rows are the base's, few have later rows over them.
#[derive(Debug)]
pub(crate) struct Layers {
    base: RecordBatch,
    /// One row for each head that came later.
    later: RecordBatch,
    /// Per row of the base, the later row in its place, if there are later rows.
    over: Vec<Option<usize>>,
    /// The later rows of records that the base does not have.
    added: Vec<usize>,
}

impl Layers {
    /// Puts later assertions over heads: the head is the assertion with the last day; of one day, the later one.
    ///
    /// *Shape*: all rows in the schema of heads; `later` in order of commits, without absences.
    pub(super) fn new(
        schema: &SchemaRef,
        base: RecordBatch,
        later: &[RecordBatch],
    ) -> Result<Self> {
        let named = later.iter().map(Named::new).collect::<Result<Vec<_>>>()?;
        if base.num_rows() == 0
            && let ([only], [named]) = (later, named.as_slice())
            && named.are_all_different()
        {
            // What a first load says, of which nothing stands over another.
            return Ok(Self {
                base,
                later: only.clone(),
                over: Vec::new(),
                added: (0..only.num_rows()).collect(),
            });
        }
        let mut last: HashMap<(&str, &str), (usize, usize)> = HashMap::new();
        let mut order = Vec::new();
        for (batch, rows) in named.iter().enumerate() {
            for row in 0..later[batch].num_rows() {
                let identity = rows.identity(row);
                match last.get_mut(&identity) {
                    None => {
                        order.push(identity);
                        last.insert(identity, (batch, row));
                    }
                    Some(old) if rows.day(row) >= named[old.0].day(old.1) => *old = (batch, row),
                    Some(_) => {}
                }
            }
        }
        let standing = Named::new(&base)?;
        let mut over = Vec::new();
        let mut picks = Vec::new();
        if !last.is_empty() {
            over.resize(base.num_rows(), None);
            for (row, place) in over.iter_mut().enumerate() {
                let Some((batch, later)) = last.remove(&standing.identity(row)) else {
                    continue;
                };
                if named[batch].day(later) >= standing.day(row) {
                    *place = Some(picks.len());
                    picks.push((batch, later));
                }
            }
        }
        let replacing = picks.len();
        picks.extend(order.iter().filter_map(|identity| last.get(identity)));
        let added = (replacing..picks.len()).collect();
        let later = if picks.is_empty() {
            RecordBatch::new_empty(Arc::clone(schema))
        } else {
            interleave_record_batch(&later.iter().collect::<Vec<_>>(), &picks)?
        };
        Ok(Self {
            base,
            later,
            over,
            added,
        })
    }

    /// Number of heads.
    pub(crate) fn count(&self) -> usize {
        self.base.num_rows() + self.added.len()
    }

    /// Where the head of a number stands.
    pub(crate) fn stand(&self, number: usize) -> Stand {
        let base = self.base.num_rows();
        if number >= base {
            return Stand::Later(self.added[number - base]);
        }
        self.over
            .get(number)
            .copied()
            .flatten()
            .map_or(Stand::Base(number), Stand::Later)
    }

    /// The rows of the bucket's file.
    pub(crate) fn base(&self) -> &RecordBatch {
        &self.base
    }

    /// The rows that came later.
    pub(crate) fn later(&self) -> &RecordBatch {
        &self.later
    }

    /// The heads of the given numbers, as rows.
    pub(crate) fn pick(&self, numbers: impl Iterator<Item = usize>) -> Result<RecordBatch> {
        let picks: Vec<(usize, usize)> = numbers
            .map(|number| match self.stand(number) {
                Stand::Base(row) => (0, row),
                Stand::Later(row) => (1, row),
            })
            .collect();
        if picks.is_empty() {
            return Ok(RecordBatch::new_empty(self.base.schema()));
        }
        Ok(interleave_record_batch(&[&self.base, &self.later], &picks)?)
    }

    /// All heads, as rows.
    pub(crate) fn rows(&self) -> Result<RecordBatch> {
        if self.later.num_rows() == 0 {
            return Ok(self.base.clone());
        }
        if self.base.num_rows() == 0 && self.added.len() == self.later.num_rows() {
            return Ok(self.later.clone());
        }
        self.pick(0..self.count())
    }
}

/// The columns that say which head a row is.
struct Named<'r> {
    keys: StringArray,
    sources: StringArray,
    days: &'r arrow::array::Date32Array,
}

impl<'r> Named<'r> {
    fn new(rows: &'r RecordBatch) -> Result<Self> {
        Ok(Self {
            keys: strings(rows, RECORD_KEY)?,
            sources: strings(rows, SOURCE)?,
            days: primitive::<Date32Type>(rows, EFFECTIVE_ON)?,
        })
    }

    /// Tells whether no two rows have a key in common, as far as their hashes show it.
    fn are_all_different(&self) -> bool {
        let mut hashes: Vec<u64> = self.keys.iter().flatten().map(hash_of).collect();
        hashes.sort_unstable();
        hashes.windows(2).all(|pair| pair[0] != pair[1])
    }

    fn identity(&self, row: usize) -> (&str, &str) {
        (self.keys.value(row), self.sources.value(row))
    }

    fn day(&self, row: usize) -> Day {
        self.days.value(row)
    }
}
