//! Sets the rows of some buckets against what was said last of their records, on a thread of its own.
//!
//! A reading is worked on a group of buckets at a time, so that only few of its rows are in memory.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType, UInt32Type, UInt64Type};
use keiki_model::calendar::BEGINNING;
use keiki_model::dataset::DatasetKind;
use keiki_model::evidence::{Counts, Extent, Missing, Reason, RejectedRow};
use tokio::runtime::Handle;

use super::attempt::Attempt;
use super::only_columns;
use super::scope::scope_flags;
use crate::batches::Batch;
use crate::error::Result;
use crate::gathered::{DAY, FILE, KNOWN, Loaded, ORDER, PLACE, Settled};
use crate::heads::{BUCKETS, Heads, Renewed, Repeated, Said, primitive, strings};
use crate::lookups::Fill;
use crate::plan::{Changes, Incoming, Output, Reading, Sieved, leave_out_all, plan_bucket, sieve};
use crate::schema::RECORD_KEY;

/// What a group of buckets needs beside its rows.
pub(super) struct Work {
    pub(super) attempt: Arc<Attempt>,
    pub(super) reading: Reading,
    pub(super) fill: Fill,
    pub(super) heads: Heads,
}

/// Records of a bucket that a full reading left out.
pub(super) struct LeftOut {
    pub(super) bucket: usize,
    pub(super) keys: Vec<String>,
    /// Those of them of which only their history tells whether they are missing.
    pub(super) unsure: Vec<String>,
    /// The heads of these records, unless they have to be read again.
    pub(super) heads: Option<RecordBatch>,
}

/// What became of the rows of a group.
#[derive(Default)]
pub(super) struct Done {
    pub(super) counts: Counts,
    /// Rows that the journal does not take.
    pub(super) rejected: Vec<RejectedRow>,
    /// Days of approved plans that were kept although a row gives another.
    pub(super) kept: Vec<RejectedRow>,
    /// How many records of the source are alive and in scope.
    pub(super) alive: u64,
    pub(super) left_out: Vec<LeftOut>,
    /// Rows before something that is known of their records already.
    pub(super) late: Option<Incoming>,
    pub(super) changes: Option<Changes>,
    /// The heads that follow.
    pub(super) heads: Renewed,
}

/// The groups in which a reading is worked on: the buckets of its rows and, of a full reading, all that have heads.
pub(super) fn groups(rows: &Settled, heads: &Heads, extent: Extent) -> Vec<RangeInclusive<usize>> {
    let filled: BTreeSet<usize> = heads.filled().into_iter().collect();
    let weight = |bucket: usize| {
        let count = rows.count(bucket);
        let is_asked = count > 0 || (extent == Extent::Full && filled.contains(&bucket));
        is_asked.then(|| (bucket, count + heads.rows(bucket)))
    };
    rows.groups((0..BUCKETS).filter_map(weight))
}

impl Work {
    /// Works on the buckets of a group.
    pub(super) fn group(&self, buckets: &RangeInclusive<usize>, runtime: &Handle) -> Result<Done> {
        let attempt = &self.attempt;
        let reading = &self.reading;
        let mut done = Done::default();
        let (mut incoming, ends) = self.incoming(buckets, &mut done)?;
        done.counts.accepted = incoming.order.len() as u64;
        done.kept = runtime.block_on(attempt.keep_plans(reading, &mut incoming, &self.heads))?;
        let (incoming, sieved) = self.sift(&incoming, (buckets, &ends), runtime)?;
        let mut output = Output::new(&reading.dataset, &reading.source)?;
        let values = output.add_values(incoming.rows.clone())?;
        let mut late = BTreeSet::new();
        let mut said = Vec::with_capacity(sieved.len());
        for (bucket, sieved) in sieved {
            self.bucket(
                &incoming,
                values,
                bucket,
                &sieved,
                &mut output,
                &mut late,
                &mut done,
            )?;
            said.push((bucket, output.said()));
        }
        if !late.is_empty() {
            let is_late = |row: &u32| late.contains(incoming.keys.value(*row as usize));
            let rows: Vec<u32> = incoming.order.iter().copied().filter(is_late).collect();
            done.late = Some(incoming.take(&rows)?);
        }
        let changes = output.finish(
            &reading.dataset,
            attempt.batch().seq,
            &attempt.batch().batch_id,
        )?;
        let heads = &mut done.heads;
        let said = Said {
            buckets: Some(&said),
            repeated: if reading.has_each_key_once {
                Repeated::Never
            } else {
                Repeated::Perhaps
            },
        };
        runtime.block_on(self.heads.renew(heads, &changes.assertions, said))?;
        done.changes = Some(changes);
        Ok(done)
    }

    /// Sets the rows of one bucket that may say something new against its heads.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one group in the making"
    )]
    fn bucket(
        &self,
        incoming: &Incoming,
        values: u32,
        bucket: usize,
        sieved: &Sieved,
        output: &mut Output,
        late: &mut BTreeSet<String>,
        done: &mut Done,
    ) -> Result<()> {
        let reading = &self.reading;
        done.counts.unchanged += sieved.unchanged;
        done.alive += sieved.alive;
        if sieved.rows.is_empty() && sieved.heads.num_rows() == 0 {
            return Ok(());
        }
        let head_values = output.add_values(only_columns(&sieved.heads, &reading.dataset)?)?;
        let heads = (&sieved.heads, head_values);
        let result = plan_bucket(
            reading,
            incoming,
            values,
            &sieved.rows,
            heads,
            &sieved.in_scope,
            output,
        )?;
        done.counts.changed += result.counts.changed;
        done.counts.unchanged += result.counts.unchanged;
        done.counts.accepted -= result.out_of_order.len() as u64;
        for (row, reason) in result.out_of_order {
            done.rejected
                .push(self.attempt.reject(incoming, row, reason));
        }
        late.extend(result.late);
        done.alive += result.alive;
        let unsure = result.unsure;
        let mut keys = result.left_out;
        keys.extend(unsure.iter().cloned());
        if keys.is_empty() {
            return Ok(());
        }
        if self.attempt.submission().missing == Missing::Keep {
            let keys: Vec<_> = keys.into_iter().map(|key| (key, None)).collect();
            leave_out_all(reading, &keys, heads, output)?;
            return Ok(());
        }
        done.left_out.push(LeftOut {
            bucket,
            heads: Some(of_keys(&sieved.heads, &keys)?),
            keys,
            unsure,
        });
        Ok(())
    }

    /// Puts keys, days and times beside the rows, and takes out those outside the stated scope or of the future.
    /// Returns where the rows of each bucket end, too.
    fn incoming(
        &self,
        buckets: &RangeInclusive<usize>,
        done: &mut Done,
    ) -> Result<(Incoming, Vec<usize>)> {
        let attempt = &self.attempt;
        let batch = attempt.batch();
        let Loaded { rows: all, ends } = attempt.rows().load(buckets)?;
        let rows = only_columns(&all, &self.reading.dataset)?;
        let rows = self.fill.apply(&self.reading.dataset, rows)?;
        let days = primitive::<Date32Type>(&all, DAY)?;
        let days = match self.reading.dataset.kind {
            DatasetKind::Register => days.iter().map(|day| day.unwrap_or(batch.as_of)).collect(),
            _ => vec![BEGINNING; all.num_rows()],
        };
        let known = primitive::<TimestampMicrosecondType>(&all, KNOWN)?;
        let known = known.iter().map(|at| at.unwrap_or(batch.known_at));
        let mut incoming = Incoming {
            rows,
            keys: strings(&all, RECORD_KEY)?,
            days,
            known: known.collect(),
            places: primitive::<UInt64Type>(&all, PLACE)?.values().to_vec(),
            files: primitive::<UInt32Type>(&all, FILE)?.values().to_vec(),
            order: (0..).take(all.num_rows()).collect(),
        };
        self.put_in_order(&mut incoming, &all)?;
        // Their order stays; what was closed stays what was known.
        let earliest = attempt.submission().closed_at.saturating_add(1);
        for known in &mut incoming.known {
            *known = (*known).max(earliest.min(batch.known_at));
        }
        let inside = scope_flags(
            attempt.journal().expressions.as_ref(),
            &self.reading.dataset,
            batch,
            &incoming.rows,
        )?;
        let limit = batch.known_at;
        let reason = |row: u32| {
            let at = row as usize;
            if !inside[at] {
                let found = incoming.keys.value(at).to_owned();
                return Some(Reason::OutsideScope { found });
            }
            let known = incoming.known[at];
            (known > limit).then(|| crate::plan::knowledge_reason(known, limit))
        };
        let mut order = Vec::with_capacity(incoming.order.len());
        for row in &incoming.order {
            match reason(*row) {
                None => order.push(*row),
                Some(reason) => done.rejected.push(attempt.reject(&incoming, *row, reason)),
            }
        }
        incoming.order = order;
        Ok((incoming, ends))
    }

    fn put_in_order(&self, incoming: &mut Incoming, all: &RecordBatch) -> Result<()> {
        let summary = &self.attempt.rows().summary;
        if !(summary.known_at.is_some() || summary.has_own_days || summary.has_order) {
            return Ok(());
        }
        let version = primitive::<Int64Type>(all, ORDER)?;
        let (known, days) = (&incoming.known, &incoming.days);
        incoming.order.sort_by_key(|row| {
            let row = *row as usize;
            let version = if version.is_valid(row) {
                version.value(row)
            } else {
                0
            };
            (known[row], days[row], version, row)
        });
        Ok(())
    }

    /// Keeps the rows that are not plainly unchanged, with the heads of their buckets.
    fn sift(
        &self,
        incoming: &Incoming,
        (buckets, ends): (&RangeInclusive<usize>, &[usize]),
        runtime: &Handle,
    ) -> Result<(Incoming, Vec<(usize, Sieved)>)> {
        let reading = &self.reading;
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); ends.len()];
        for row in &incoming.order {
            rows[ends.partition_point(|end| *end <= *row as usize)].push(*row);
        }
        let mut sieved = Vec::new();
        for (bucket, rows) in buckets.clone().zip(&rows) {
            if rows.is_empty() && reading.extent != Extent::Full {
                continue;
            }
            let layers = runtime.block_on(self.heads.layers(bucket))?;
            let batch = self.attempt.batch();
            let in_scope = if reading.extent == Extent::Full && has_scope(batch) {
                let heads = only_columns(&layers.rows()?, &reading.dataset)?;
                let expressions = self.attempt.journal().expressions.as_ref();
                let flags = scope_flags(expressions, &reading.dataset, batch, &heads)?;
                Some(flags)
            } else {
                None
            };
            let left = sieve(reading, incoming, rows, &layers, in_scope.as_deref())?;
            sieved.push((bucket, left));
        }
        renumbered(incoming, sieved)
    }
}

/// Tells whether a batch states a scope, so that some records may lie outside.
fn has_scope(batch: &Batch) -> bool {
    !batch.scope_units.is_empty() || batch.scope.predicate.is_some()
}

/// The heads of some records.
fn of_keys(heads: &RecordBatch, keys: &[String]) -> Result<RecordBatch> {
    let wanted: std::collections::HashSet<&str> = keys.iter().map(String::as_str).collect();
    let of: StringArray = strings(heads, RECORD_KEY)?;
    let rows: UInt32Array = (0_u32..)
        .zip(&of)
        .filter(|(_, key)| key.is_some_and(|key| wanted.contains(key)))
        .map(|(row, _)| row)
        .collect();
    Ok(take_record_batch(heads, &rows)?)
}

/// Takes the rows that are left, and gives them their new numbers.
fn renumbered(
    incoming: &Incoming,
    mut buckets: Vec<(usize, Sieved)>,
) -> Result<(Incoming, Vec<(usize, Sieved)>)> {
    let mut numbers = vec![None; incoming.rows.num_rows()];
    for row in buckets.iter().flat_map(|(_, sieved)| &sieved.rows) {
        numbers[*row as usize] = Some(0);
    }
    let left: Vec<u32> = incoming
        .order
        .iter()
        .copied()
        .filter(|row| numbers[*row as usize].is_some())
        .collect();
    if left.len() == numbers.len() {
        return Ok((incoming.clone(), buckets));
    }
    for (number, row) in (0_u32..).zip(&left) {
        numbers[*row as usize] = Some(number);
    }
    for row in buckets.iter_mut().flat_map(|(_, sieved)| &mut sieved.rows) {
        *row = numbers[*row as usize].unwrap_or(u32::MAX);
    }
    Ok((incoming.take(&left)?, buckets))
}
