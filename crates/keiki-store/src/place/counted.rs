//! An object store in memory that counts what it is asked, and how much of it at a time: every request stays under way until all that
//! can be asked beside it has been asked.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use futures::{FutureExt, TryStreamExt};
use object_store::limit::LimitStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use url::Url;

use super::Place;

/// How often a request lets others go first.
const TURNS: usize = 50;

/// A store that counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted {
    inner: Arc<InMemory>,
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Counted {
    /// A place on it, of which so many requests may be under way at a time.
    pub(crate) fn place(&self, at_once: usize) -> Place {
        Place {
            url: Url::parse("memory:///journal/").expect("an address"),
            store: Arc::new(LimitStore::new(self.clone(), at_once)),
            prefix: Path::from("journal"),
            at_once,
        }
    }

    /// What was asked since the last call, and how much of it at a time.
    pub(crate) fn asked(&self) -> (Vec<String>, usize) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        (
            std::mem::take(&mut *asked),
            self.most.swap(0, Ordering::SeqCst),
        )
    }

    async fn asks(&self, what: String) {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let asked = || self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked().push(what);
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }

    fn listed(
        &self,
        what: String,
        list: impl FnOnce(&InMemory) -> BoxStream<'static, Result<ObjectMeta>> + Send + 'static,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let listed = async move {
            store.asks(what).await;
            list(&store.inner)
        };
        listed.into_stream().flatten().boxed()
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} that counts", self.inner)
    }
}

fn name(prefix: Option<&Path>) -> &str {
    prefix.map_or("", Path::as_ref)
}

#[async_trait]
impl ObjectStore for Counted {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.asks(format!("put {location}")).await;
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.asks(format!("begin {location}")).await;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.asks(format!("get {location}")).await;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let deleted = async move {
            let all: Vec<Path> = locations.try_collect().await?;
            store.asks(format!("delete {}", all.len())).await;
            let all = stream::iter(all.into_iter().map(Ok)).boxed();
            Ok::<_, object_store::Error>(store.inner.delete_stream(all))
        };
        deleted.into_stream().try_flatten().boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let of = prefix.cloned();
        let what = format!("list {}", name(prefix));
        self.listed(what, move |store| store.list(of.as_ref()))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.asks(format!("list {}", name(prefix))).await;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.asks(format!("copy {from}")).await;
        self.inner.copy_opts(from, to, options).await
    }
}
