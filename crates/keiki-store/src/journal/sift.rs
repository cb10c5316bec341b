//! Sifts a reading: the rows that say what is known already are counted, and the few others go on.

use std::collections::BTreeSet;
use std::sync::Arc;

use keiki_model::evidence::Extent;
use keiki_model::expression::Expressions;
use tokio::runtime::Handle;

use super::only_columns;
use super::scope::scope_flags;
use crate::batches::Batch;
use crate::error::Result;
use crate::heads::{BUCKETS, Heads, bucket_of};
use crate::parallel;
use crate::plan::{Incoming, Reading, Sieved, sieve};

/// What is left of a reading.
pub(super) struct Sifted {
    /// The rows that may say something new.
    pub(super) incoming: Incoming,
    /// The buckets that were looked at; their rows are positions in `incoming`.
    pub(super) buckets: Vec<(usize, Sieved)>,
}

/// Sets all rows against the heads, a bucket at a time on each thread, and keeps what is not plainly unchanged.
pub(super) async fn sift(
    expressions: &Arc<dyn Expressions>,
    batch: &Batch,
    reading: &Arc<Reading>,
    incoming: Incoming,
    heads: Heads,
) -> Result<Sifted> {
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); BUCKETS];
    for row in &incoming.order {
        rows[bucket_of(incoming.keys.value(*row as usize))].push(*row);
    }
    let mut buckets: BTreeSet<usize> = (0..BUCKETS).filter(|b| !rows[*b].is_empty()).collect();
    if reading.extent == Extent::Full {
        buckets.extend(heads.filled());
    }
    let buckets: Vec<usize> = buckets.into_iter().collect();
    let incoming = Arc::new(incoming);
    let sieved = {
        let (buckets, incoming, reading) =
            (buckets.clone(), Arc::clone(&incoming), Arc::clone(reading));
        let (expressions, batch) = (Arc::clone(expressions), batch.clone());
        let runtime = Handle::current();
        parallel::each(buckets.len(), move |number| {
            let layers = runtime.block_on(heads.layers(buckets[number]))?;
            let in_scope = if reading.extent == Extent::Full && has_scope(&batch) {
                let rows = only_columns(&layers.rows()?, &reading.dataset)?;
                let flags = scope_flags(expressions.as_ref(), &reading.dataset, &batch, &rows)?;
                Some(flags)
            } else {
                None
            };
            sieve(
                &reading,
                &incoming,
                &rows[buckets[number]],
                &layers,
                in_scope.as_deref(),
            )
        })
        .await?
    };
    renumbered(&incoming, buckets.into_iter().zip(sieved).collect())
}

/// Tells whether a batch states a scope, so that some records may lie outside.
fn has_scope(batch: &Batch) -> bool {
    !batch.scope_units.is_empty() || batch.scope.predicate.is_some()
}

/// Takes the rows that are left, and gives them their new numbers.
fn renumbered(incoming: &Incoming, mut buckets: Vec<(usize, Sieved)>) -> Result<Sifted> {
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
        return Ok(Sifted {
            incoming: incoming.clone(),
            buckets,
        });
    }
    for (number, row) in (0_u32..).zip(&left) {
        numbers[*row as usize] = Some(number);
    }
    for row in buckets.iter_mut().flat_map(|(_, sieved)| &mut sieved.rows) {
        *row = numbers[*row as usize].unwrap_or(u32::MAX);
    }
    Ok(Sifted {
        incoming: incoming.take(&left)?,
        buckets,
    })
}
