//! Does the same work for many items: on as many threads as the machine has, or while all of them wait for the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::vec::IntoIter;

use futures::stream::{BoxStream, Buffered, Iter, TryCollect};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

use crate::error::{Result, StoreError};
use crate::journal::Journal;

/// More threads than these add memory and no speed.
const THREADS: usize = 8;

/// Bytes that are read at a time of what is small; what is larger is read by itself.
pub(crate) const BYTES_AT_ONCE: u64 = 16 << 20;

/// Waits for work of which so much is under way at a time; the results are in its order.
pub(crate) fn together<T, F: Future<Output = Result<T>>>(
    at_once: usize,
    work: impl Iterator<Item = F>,
) -> TryCollect<Buffered<Iter<IntoIter<F>>>, Vec<T>> {
    let work: Vec<F> = work.collect();
    let under_way = stream::iter(work).buffered(at_once.max(1));
    under_way.try_collect()
}

/// Parts items into groups whose sizes come to no more than so much; what is larger is a group by itself.
pub(crate) fn in_groups<T>(sized: Vec<(u64, T)>, most: u64) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut room = 0;
    for (size, item) in sized {
        match groups.last_mut() {
            Some(group) if size <= room => group.push(item),
            _ => {
                groups.push(vec![item]);
                room = most;
            }
        }
        room = room.saturating_sub(size);
    }
    groups
}

/// Does the work of each number below `count`; the results are in the order of the numbers.
///
/// Each thread holds what one number needs at a time. Work may wait for the object store with `Handle::block_on`, so that there are
/// more threads than processors.
pub(crate) async fn each<T: Send + 'static>(
    count: usize,
    work: impl Fn(usize) -> Result<T> + Send + Sync + 'static,
) -> Result<Vec<T>> {
    let (work, next) = (Arc::new(work), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..THREADS.min(count))
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
/// begun. The threads stay until all is done, so that the memory of what one of them did serves what it does next.
pub(crate) fn in_order<T: Send + 'static>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> Result<T> + Send + Sync + 'static,
) -> BoxStream<'static, Result<T>> {
    let (to_taker, from_workers) = channel(1);
    // While one waits for its turn another is begun.
    let room = Arc::new(Semaphore::new(threads + 1));
    let shared = Arc::new((work, AtomicUsize::new(0)));
    let tasks = (0..threads.min(count)).map(|_| {
        let (shared, to_taker, room) = (Arc::clone(&shared), to_taker.clone(), room.clone());
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            let _closing = Closing(Arc::clone(&room));
            let (work, next) = shared.as_ref();
            while let Ok(permit) = runtime.block_on(room.acquire()) {
                permit.forget();
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count || to_taker.blocking_send((number, work(number))).is_err() {
                    return;
                }
            }
        })
    });
    let working = Working {
        tasks: tasks.collect(),
        from_workers,
        room,
        early: BTreeMap::new(),
        next: 0,
        count,
    };
    let each = |mut working: Working<T>| async move {
        let done = working.next().await?;
        Some((done, working))
    };
    stream::unfold(working, each).boxed()
}

/// Lets nobody wait for room any more where a thread panics: what the others wait for does not come.
struct Closing(Arc<Semaphore>);

impl Drop for Closing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

/// Work that is being done.
struct Working<T> {
    tasks: Vec<JoinHandle<()>>,
    from_workers: Receiver<(usize, Result<T>)>,
    room: Arc<Semaphore>,
    /// What is done and waits for its turn.
    early: BTreeMap<usize, Result<T>>,
    next: usize,
    count: usize,
}

impl<T> Working<T> {
    /// The next result; `None` when all are taken and no thread holds anything any more.
    async fn next(&mut self) -> Option<Result<T>> {
        while self.next < self.count {
            if let Some(done) = self.early.remove(&self.next) {
                self.next += 1;
                self.room.add_permits(1);
                return Some(done);
            }
            match self.from_workers.recv().await {
                Some((number, done)) => {
                    self.early.insert(number, done);
                }
                None => break,
            }
        }
        self.next = self.count;
        for task in self.tasks.drain(..) {
            if let Err(stopped) = task.await {
                return Some(Err(StoreError::stopped(stopped)));
            }
        }
        None
    }
}

impl<T> Drop for Working<T> {
    fn drop(&mut self) {
        // Who waits for room to begin more is not waited for.
        self.room.close();
    }
}

/// How many threads there are for work of which each waits for a journal: where it is far, twice as many.
pub(crate) fn threads_for(journal: &Journal) -> usize {
    let share = if journal.is_far() { 2 } else { 1 };
    (share * threads()).min(THREADS)
}

/// How many threads there are for work.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .clamp(1, THREADS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_goes_together_and_what_is_large_by_itself() {
        let sized = [3, 4, 3, 1, 20, 1, 9].into_iter().map(|size| (size, size));
        let groups = in_groups(sized.collect(), 10);
        assert_eq!(groups, [vec![3, 4, 3], vec![1], vec![20], vec![1, 9]]);
    }
}
