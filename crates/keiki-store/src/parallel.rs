//! Does the same work for many items, on as many threads as the machine has.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::BoxStream;
use futures::{StreamExt, stream};

use crate::error::{Result, StoreError};

/// More threads than these add memory and no speed.
const THREADS: usize = 8;

/// Does the work of each number below `count`; the results are in the order of the numbers.
///
/// Each thread holds what one number needs at a time. Work may wait for the object store with `Handle::block_on`.
pub(crate) async fn each<T: Send + 'static>(
    count: usize,
    work: impl Fn(usize) -> Result<T> + Send + Sync + 'static,
) -> Result<Vec<T>> {
    let (work, next) = (Arc::new(work), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..threads().min(count))
        .map(|_| {
            let (work, next) = (Arc::clone(&work), Arc::clone(&next));
            tokio::task::spawn_blocking(move || {
                let mut done = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok(done);
                    }
                    done.push((number, work(number)?));
                }
            })
        })
        .collect();
    let mut all = Vec::with_capacity(count);
    for task in tasks {
        let done: Result<Vec<(usize, T)>> = task.await.map_err(StoreError::stopped)?;
        all.extend(done?);
    }
    all.sort_unstable_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, done)| done).collect())
}

/// Does the work of each number below `count` and hands on the results in the order of the numbers, before many more are
/// begun: on so many threads, of which each holds what one number needs.
pub(crate) fn in_order<T: Send + 'static>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> Result<T> + Send + Sync + 'static,
) -> BoxStream<'static, Result<T>> {
    let work = Arc::new(work);
    let tasks = stream::iter(0..count).map(move |number| {
        let work = Arc::clone(&work);
        let task = tokio::task::spawn_blocking(move || work(number));
        async move { task.await.map_err(StoreError::stopped)? }
    });
    tasks.buffered(threads).boxed()
}

/// How many threads do the work of `each`.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .clamp(1, THREADS)
}
