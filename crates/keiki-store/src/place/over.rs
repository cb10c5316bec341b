//! An object store over another: what is written stays above, and nothing changes below.
//!
//! Of the logs of tables below only what was there at the beginning is seen, so that others may go on writing there. All other files
//! are named anew each time they are written, and are read where they lie.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use futures::{TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, RenameTargetMode, Result,
};

/// The folder of a table's log.
const LOG: &str = "_delta_log";

/// The file of a log that says where its last checkpoint is, and is written again and again.
const POINTER: &str = "_last_checkpoint";

/// A store over another.
#[derive(Debug, Clone)]
pub(super) struct Over {
    above: Arc<dyn ObjectStore>,
    below: Arc<dyn ObjectStore>,
    hidden: Arc<Mutex<BTreeSet<Path>>>,
    logs: Arc<BTreeSet<Path>>,
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {}", self.above, self.below)
    }
}

fn is_of_log(location: &Path) -> bool {
    location.parts().any(|part| part.as_ref() == LOG)
}

fn already_exists(location: &Path) -> Error {
    Error::AlreadyExists {
        path: location.to_string(),
        source: "it is there".into(),
    }
}

/// What there is of a table's log below; the pointer in it is copied above.
async fn log_of(
    above: &dyn ObjectStore,
    below: &dyn ObjectStore,
    table: &Path,
) -> Result<Vec<Path>> {
    let log = table.clone().join(LOG);
    let pointer = log.clone().join(POINTER);
    // It is read before the log is listed: then what it points to is in the list.
    match below.get(&pointer).await {
        Ok(found) => {
            let bytes = found.bytes().await?;
            above.put(&pointer, bytes.into()).await?;
        }
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    let listed: Vec<ObjectMeta> = below.list(Some(&log)).try_collect().await?;
    let files = listed.into_iter().map(|file| file.location);
    Ok(files.filter(|file| *file != pointer).collect())
}

impl Over {
    /// Puts a store over the tables of another, of whose folders the first is looked at before the others.
    pub(super) async fn new(
        above: Arc<dyn ObjectStore>,
        below: Arc<dyn ObjectStore>,
        tables: &[Path],
        at_once: usize,
    ) -> Result<Self> {
        let (first, others) = tables.split_at(tables.len().min(1));
        let mut logs = BTreeSet::new();
        for tables in [first, others] {
            let looks = tables.iter().map(|table| log_of(&*above, &*below, table));
            let looks: Vec<_> = looks.collect();
            let found = stream::iter(looks).buffered(at_once.max(1));
            logs.extend(found.try_concat().await?);
        }
        Ok(Self {
            above,
            below,
            hidden: Arc::default(),
            logs: Arc::new(logs),
        })
    }

    fn hidden(&self) -> MutexGuard<'_, BTreeSet<Path>> {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a file below is seen, if it is there.
    fn sees(&self, location: &Path) -> bool {
        (!is_of_log(location) || self.logs.contains(location)) && !self.hidden().contains(location)
    }

    async fn is_below(&self, location: &Path) -> Result<bool> {
        if !self.sees(location) {
            return Ok(false);
        }
        match self.below.head(location).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What is below and has neither been written again above nor taken away.
    fn remaining(
        &self,
        listed: BoxStream<'static, Result<ObjectMeta>>,
        above: BTreeSet<Path>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let over = self.clone();
        let is_seen =
            move |file: &ObjectMeta| over.sees(&file.location) && !above.contains(&file.location);
        let seen = listed.try_filter(move |file| std::future::ready(is_seen(file)));
        seen.boxed()
    }

    async fn delete_one(&self, location: &Path) -> Result<()> {
        match self.above.delete(location).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        self.hidden().insert(location.clone());
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Over {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        if opts.mode == PutMode::Create && self.is_below(location).await? {
            return Err(already_exists(location));
        }
        self.above.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.above.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        match self.above.get_opts(location, options.clone()).await {
            Err(Error::NotFound { .. }) if self.sees(location) => {
                self.below.get_opts(location, options).await
            }
            found => found,
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match self.above.get_ranges(location, ranges).await {
            Err(Error::NotFound { .. }) if self.sees(location) => {
                self.below.get_ranges(location, ranges).await
            }
            found => found,
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let over = self.clone();
        let deleted = locations.and_then(move |location| {
            let over = over.clone();
            async move {
                over.delete_one(&location).await?;
                Ok(location)
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (over, prefix) = (self.clone(), prefix.cloned());
        let listed = async move {
            let above: Vec<ObjectMeta> = over.above.list(prefix.as_ref()).try_collect().await?;
            let names = above.iter().map(|file| file.location.clone()).collect();
            let remaining = over.remaining(over.below.list(prefix.as_ref()), names);
            Ok::<_, Error>(stream::iter(above.into_iter().map(Ok)).chain(remaining))
        };
        stream::once(listed).try_flatten().boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (over, prefix, offset) = (self.clone(), prefix.cloned(), offset.clone());
        let listed = async move {
            let above = over.above.list_with_offset(prefix.as_ref(), &offset);
            let above: Vec<ObjectMeta> = above.try_collect().await?;
            let names = above.iter().map(|file| file.location.clone()).collect();
            let below = over.below.list_with_offset(prefix.as_ref(), &offset);
            let remaining = over.remaining(below, names);
            Ok::<_, Error>(stream::iter(above.into_iter().map(Ok)).chain(remaining))
        };
        stream::once(listed).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut found = self.above.list_with_delimiter(prefix).await?;
        let below = self.below.list_with_delimiter(prefix).await?;
        let above: BTreeSet<Path> = found.objects.iter().map(|o| o.location.clone()).collect();
        let objects = stream::iter(below.objects.into_iter().map(Ok)).boxed();
        let objects: Vec<ObjectMeta> = self.remaining(objects, above).try_collect().await?;
        found.objects.extend(objects);
        let folders = found.common_prefixes.into_iter();
        let folders: BTreeSet<Path> = folders.chain(below.common_prefixes).collect();
        found.common_prefixes = folders.into_iter().collect();
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let bytes = self.get(from).await?.bytes().await?;
        let mode = match options.mode {
            CopyMode::Overwrite => PutMode::Overwrite,
            CopyMode::Create => PutMode::Create,
        };
        self.put_opts(to, bytes.into(), mode.into()).await?;
        Ok(())
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let is_create = options.target_mode == RenameTargetMode::Create;
        if is_create && self.is_below(to).await? {
            return Err(already_exists(to));
        }
        match self.above.rename_opts(from, to, options).await {
            Err(Error::NotFound { .. }) if self.sees(from) => {
                self.copy_opts(from, to, CopyOptions::default()).await?;
                self.delete_one(from).await
            }
            renamed => renamed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    const LOG_OF: &str = "books/batches/_delta_log";

    async fn put(store: &dyn ObjectStore, path: &str, text: &'static str) {
        let bytes = Bytes::from_static(text.as_bytes());
        store
            .put(&Path::from(path), bytes.into())
            .await
            .expect("it is written");
    }

    async fn text(store: &dyn ObjectStore, path: &str) -> Option<String> {
        let found = store.get(&Path::from(path)).await.ok()?;
        let bytes = found.bytes().await.expect("its bytes");
        Some(String::from_utf8(bytes.to_vec()).expect("a text"))
    }

    async fn names(store: &dyn ObjectStore) -> BTreeSet<String> {
        let listed: Vec<ObjectMeta> = store.list(None).try_collect().await.expect("a list");
        let listed = listed.into_iter().map(|file| file.location.to_string());
        listed.collect()
    }

    async fn over() -> (Arc<InMemory>, Over) {
        let below = Arc::new(InMemory::new());
        put(&*below, &format!("{LOG_OF}/0.json"), "first").await;
        put(&*below, &format!("{LOG_OF}/_last_checkpoint"), "at 0").await;
        put(&*below, "books/batches/one.parquet", "rows").await;
        let shared: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&below);
        let tables = [Path::from("books/batches")];
        let over = Over::new(Arc::new(InMemory::new()), shared, &tables, 4).await;
        (below, over.expect("a store"))
    }

    #[tokio::test]
    async fn what_is_written_above_changes_nothing_below() {
        let (below, over) = over().await;
        let before = names(&*below).await;
        put(&over, "books/batches/two.parquet", "new rows").await;
        put(&over, "books/batches/one.parquet", "other rows").await;
        over.delete(&Path::from(format!("{LOG_OF}/0.json")))
            .await
            .expect("deleted");
        assert_eq!(
            text(&over, "books/batches/one.parquet").await.as_deref(),
            Some("other rows")
        );
        assert_eq!(text(&over, &format!("{LOG_OF}/0.json")).await, None);
        let there = names(&over).await;
        assert!(there.contains("books/batches/two.parquet"));
        assert!(!there.contains(&format!("{LOG_OF}/0.json")), "{there:?}");
        assert_eq!(there.len(), 3, "{there:?}");
        assert_eq!(names(&*below).await, before);
        assert_eq!(
            text(&*below, "books/batches/one.parquet").await.as_deref(),
            Some("rows")
        );
        let (from, to) = (Path::from("books/batches/two.parquet"), Path::from("three"));
        over.rename(&from, &to).await.expect("renamed");
        assert_eq!(text(&over, "three").await.as_deref(), Some("new rows"));
        assert_eq!(text(&over, "books/batches/two.parquet").await, None);
    }

    #[tokio::test]
    async fn commits_of_others_are_not_seen_and_own_ones_take_their_numbers() {
        let (below, over) = over().await;
        put(&*below, &format!("{LOG_OF}/1.json"), "of others").await;
        put(&*below, &format!("{LOG_OF}/_last_checkpoint"), "at 1").await;
        assert_eq!(text(&over, &format!("{LOG_OF}/1.json")).await, None);
        let pointer = text(&over, &format!("{LOG_OF}/_last_checkpoint")).await;
        assert_eq!(pointer.as_deref(), Some("at 0"));
        let create = |path: String| {
            let over = over.clone();
            let options = PutOptions::from(PutMode::Create);
            async move {
                over.put_opts(&Path::from(path), PutPayload::from_static(b"own"), options)
                    .await
            }
        };
        let taken = create(format!("{LOG_OF}/0.json")).await;
        assert!(matches!(taken, Err(Error::AlreadyExists { .. })));
        create(format!("{LOG_OF}/1.json"))
            .await
            .expect("a free number");
        let again = create(format!("{LOG_OF}/1.json")).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })));
        assert_eq!(
            text(&over, &format!("{LOG_OF}/1.json")).await.as_deref(),
            Some("own")
        );
        let (log, first) = (Path::from(LOG_OF), Path::from(format!("{LOG_OF}/0.json")));
        let later: Vec<ObjectMeta> = over
            .list_with_offset(Some(&log), &first)
            .try_collect()
            .await
            .expect("a list");
        assert_eq!(later.len(), 2, "{later:?}");
        let within = over.list_with_delimiter(Some(&Path::from("books"))).await;
        let within = within.expect("a list");
        assert_eq!(within.common_prefixes, [Path::from("books/batches")]);
    }
}
