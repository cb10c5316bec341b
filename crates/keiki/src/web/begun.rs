//! Work that comes to its end once it has begun, whoever still waits for it: a server that stops waits for it too.

use std::future::Future;
use std::sync::Arc;

use axum::response::Response;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::failure;

/// What has begun.
#[derive(Debug, Clone, Default)]
pub(super) struct Begun(Arc<RwLock<()>>);

impl Begun {
    /// Does work to its end, also where whoever asked for it leaves meanwhile.
    pub(super) async fn finish(
        &self,
        work: impl Future<Output = Response> + Send + 'static,
    ) -> Response {
        let begun = self.one().await;
        let task = tokio::spawn(async move {
            let answer = work.await;
            drop(begun);
            answer
        });
        failure::of_task(task.await)
    }

    /// Begins something, which is done when the value goes.
    pub(super) async fn one(&self) -> OwnedRwLockReadGuard<()> {
        Arc::clone(&self.0).read_owned().await
    }

    /// Waits until all that has begun is done. Nothing else begins as long as the value stays.
    pub(super) async fn all_done(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.0).write_owned().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum::response::IntoResponse;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_any_longer_is_done_before_the_server_stops() {
        let begun = Begun::default();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let (started, has_started) = oneshot::channel::<()>();
        let is_done = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&is_done);
        let other = begun.clone();
        let visitor = tokio::spawn(async move {
            let work = async move {
                started.send(()).expect("the test waits for it");
                may_go_on.await.expect("the test lets it");
                done.store(true, Ordering::SeqCst);
                ().into_response()
            };
            other.finish(work).await
        });
        has_started.await.expect("it starts");
        visitor.abort();
        assert!(visitor.await.is_err());
        let stopping = tokio::spawn(async move { begun.all_done().await });
        go_on
            .send(())
            .expect("it goes on although its visitor has left");
        stopping.await.expect("it stops");
        assert!(is_done.load(Ordering::SeqCst));
    }
}
