//! The processor time that work takes, on whichever threads it is done.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use cpu_time::ThreadTime;

/// Does work and tells how long processors were at it.
pub(super) async fn measured<W: Future>(work: W) -> (W::Output, Duration) {
    let mut work = pin!(work);
    let mut used = Duration::ZERO;
    let done = poll_fn(|context| {
        let began = ThreadTime::now();
        let polled = work.as_mut().poll(context);
        used += began.elapsed();
        polled
    });
    let done = done.await;
    (done, used)
}
