//! An object store that remembers on disk what was read of files that never change, and reads ahead in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt};
use futures::{TryStreamExt, future};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, RenameOptions, Result,
};
use url::Url;

use super::blocks::{BLOCK_BYTES, Blocks};

/// Parts that are asked for at a time where many are read on end: one such group is read ahead of who takes them.
const GROUP_BLOCKS: u64 = 8;

/// How many ends of files have to have room among what is kept, that a file which is not known yet is asked for by its end.
const ENDS_WITH_ROOM: u64 = 16;

/// What remembers.
#[derive(Debug, Clone)]
pub(super) struct Remembering {
    inner: Arc<dyn ObjectStore>,
    blocks: Arc<Blocks>,
    ahead_blocks: u64,
    /// Bytes of the end of a file that are read with what is known of it; `None` = none.
    end_bytes: Option<u64>,
}

impl fmt::Display for Remembering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with a cache", self.inner)
    }
}

/// Whether a file never changes: files of tables and of heads are named anew each time; what the log consists of is not.
fn is_unchanging(location: &Path) -> bool {
    let is_of = |ending| location.extension() == Some(ending);
    (is_of("parquet") || is_of("arrow")) && !location.as_ref().contains("_delta_log")
}

/// Whether nothing is asked but for bytes of the file as it is.
fn is_plain(options: &GetOptions) -> bool {
    options.if_match.is_none()
        && options.if_none_match.is_none()
        && options.if_modified_since.is_none()
        && options.if_unmodified_since.is_none()
        && options.version.is_none()
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic {
        store: "cache",
        source: Box::new(error),
    }
}

impl Remembering {
    /// *Units*: bytes that are kept at most, and bytes that are read ahead.
    pub(super) fn new(
        inner: Arc<dyn ObjectStore>,
        folder: &FilePath,
        url: &Url,
        (kept, ahead): (u64, u64),
    ) -> Self {
        let end_bytes = (ahead / BLOCK_BYTES + 1) * BLOCK_BYTES;
        Self {
            end_bytes: (kept / ENDS_WITH_ROOM >= end_bytes).then_some(end_bytes),
            inner,
            blocks: Arc::new(Blocks::new(
                folder,
                url.host_str().unwrap_or_default(),
                kept,
            )),
            ahead_blocks: ahead / BLOCK_BYTES,
        }
    }

    /// What is known of a file, without asking where that is known already.
    async fn about(&self, location: &Path) -> Result<ObjectMeta> {
        let (blocks, of) = (Arc::clone(&self.blocks), location.clone());
        let known = tokio::task::spawn_blocking(move || blocks.about(&of)).await;
        if let Some(known) = known.map_err(failed)? {
            return Ok(known);
        }
        let (about, parts) = match self.end_bytes {
            Some(bytes) => self.end(location, bytes).await?,
            None => (self.inner.head(location).await?, Vec::new()),
        };
        let (blocks, found) = (Arc::clone(&self.blocks), about.clone());
        let noted = tokio::task::spawn_blocking(move || {
            blocks.note(&about);
            blocks.keep(&about, &parts);
        });
        noted.await.map_err(failed)?;
        Ok(found)
    }

    /// What is known of a file, with the parts at its end: there it says what is in it, and a small file is had by one request.
    async fn end(&self, location: &Path, bytes: u64) -> Result<(ObjectMeta, Vec<(u64, Bytes)>)> {
        let options = GetOptions {
            range: Some(GetRange::Suffix(bytes)),
            ..GetOptions::default()
        };
        let found = self.inner.get_opts(location, options).await?;
        let (about, start) = (found.meta.clone(), found.range.start);
        let bytes = found.bytes().await?;
        let whole = start.div_ceil(BLOCK_BYTES)..about.size.div_ceil(BLOCK_BYTES);
        Ok((about, in_parts(&bytes, start, whole)))
    }

    /// The parts of a file that ranges touch, from disk or from the store.
    async fn parts(
        &self,
        about: &ObjectMeta,
        ranges: &[Range<u64>],
    ) -> Result<BTreeMap<u64, Bytes>> {
        let numbers = ranges.iter().filter(|range| range.start < range.end);
        let numbers: BTreeSet<u64> = numbers
            .flat_map(|range| range.start / BLOCK_BYTES..=(range.end - 1) / BLOCK_BYTES)
            .collect();
        let (blocks, of, wanted) = (Arc::clone(&self.blocks), about.clone(), numbers.clone());
        let found = tokio::task::spawn_blocking(move || blocks.read(&of, &wanted)).await;
        let mut found = found.map_err(failed)?;
        let missing = numbers
            .into_iter()
            .filter(|number| !found.contains_key(number));
        let runs = self.runs(about, missing);
        let read = runs.into_iter().map(|run| self.fetch(about, run));
        for parts in future::try_join_all(read).await? {
            found.extend(parts);
        }
        Ok(found)
    }

    /// The bytes of a range, part by part, so that few are in memory at a time.
    fn stream(&self, about: &ObjectMeta, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
        let groups = groups(&range).into_iter().map(|group| {
            let (this, about, range) = (self.clone(), about.clone(), range.clone());
            async move {
                let parts = this.parts(&about, std::slice::from_ref(&group)).await?;
                let touched: Vec<Result<Bytes>> = touched(&parts, &range).map(Ok).collect();
                Ok::<_, object_store::Error>(stream::iter(touched))
            }
        });
        let groups: Vec<_> = groups.collect();
        stream::iter(groups).buffered(2).try_flatten().boxed()
    }

    /// Parts that lie side by side are read by one request, which reads on beyond the last of them.
    fn runs(&self, about: &ObjectMeta, missing: impl Iterator<Item = u64>) -> Vec<Range<u64>> {
        let all = about.size.div_ceil(BLOCK_BYTES);
        let mut runs: Vec<Range<u64>> = Vec::new();
        for number in missing {
            let end = (number + 1 + self.ahead_blocks).min(all);
            match runs.last_mut() {
                Some(last) if number <= last.end => last.end = last.end.max(end),
                _ => runs.push(number..end),
            }
        }
        runs
    }

    async fn fetch(&self, about: &ObjectMeta, run: Range<u64>) -> Result<Vec<(u64, Bytes)>> {
        let start = run.start * BLOCK_BYTES;
        let end = (run.end * BLOCK_BYTES).min(about.size);
        let bytes = self.inner.get_range(&about.location, start..end).await?;
        let parts = in_parts(&bytes, start, run);
        let (blocks, of, kept) = (Arc::clone(&self.blocks), about.clone(), parts.clone());
        let kept = tokio::task::spawn_blocking(move || blocks.keep(&of, &kept)).await;
        kept.map_err(failed)?;
        Ok(parts)
    }
}

/// Cuts bytes that begin at a place of their file into the parts of some numbers.
fn in_parts(bytes: &Bytes, start: u64, numbers: Range<u64>) -> Vec<(u64, Bytes)> {
    let part = |number: u64| {
        let place = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
        let until = place((number + 1) * BLOCK_BYTES).min(bytes.len());
        let from = place(number * BLOCK_BYTES).min(until);
        (number, bytes.slice(from..until))
    };
    numbers.map(part).collect()
}

/// A range in groups of parts that are read at a time.
fn groups(range: &Range<u64>) -> Vec<Range<u64>> {
    const GROUP_BYTES: u64 = GROUP_BLOCKS * BLOCK_BYTES;
    let first = range.start / GROUP_BYTES;
    let starts = (first..).map(|number| number * GROUP_BYTES);
    starts
        .take_while(|start| *start < range.end)
        .map(|start| start.max(range.start)..(start + GROUP_BYTES).min(range.end))
        .collect()
}

/// What parts hold of a range, in order.
fn touched(parts: &BTreeMap<u64, Bytes>, range: &Range<u64>) -> impl Iterator<Item = Bytes> {
    parts.iter().map(|(number, part)| {
        let offset = number * BLOCK_BYTES;
        let place = |at: u64| usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
        let until = place(range.end).min(part.len());
        part.slice(place(range.start).min(until)..until)
    })
}

/// Puts a range together from the parts that it touches, which are among others.
fn joined(parts: &BTreeMap<u64, Bytes>, range: &Range<u64>) -> Bytes {
    if range.start >= range.end {
        return Bytes::new();
    }
    let numbers = range.start / BLOCK_BYTES..=(range.end - 1) / BLOCK_BYTES;
    let own = parts
        .range(numbers)
        .map(|(number, part)| (*number, part.clone()));
    let touched: Vec<Bytes> = touched(&own.collect(), range).collect();
    if let [only] = touched.as_slice() {
        return only.clone();
    }
    let mut bytes = BytesMut::with_capacity(touched.iter().map(Bytes::len).sum());
    for part in touched {
        bytes.extend_from_slice(&part);
    }
    bytes.freeze()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Remembering {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if !is_unchanging(location) || !is_plain(&options) {
            return self.inner.get_opts(location, options).await;
        }
        let meta = self.about(location).await?;
        let whole = 0..meta.size;
        let range = match &options.range {
            Some(range) if !options.head => range.as_range(meta.size).map_err(failed)?,
            _ => whole,
        };
        let bytes = if options.head {
            stream::empty().boxed()
        } else {
            self.stream(&meta, range.clone())
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(bytes),
            meta,
            range,
            attributes: Attributes::default(),
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if !is_unchanging(location) {
            return self.inner.get_ranges(location, ranges).await;
        }
        let meta = self.about(location).await?;
        let ranges = ranges
            .iter()
            .map(|range| GetRange::Bounded(range.clone()).as_range(meta.size));
        let ranges: Vec<Range<u64>> = ranges
            .collect::<std::result::Result<_, _>>()
            .map_err(failed)?;
        let parts = self.parts(&meta, &ranges).await?;
        Ok(ranges.iter().map(|range| joined(&parts, range)).collect())
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let blocks = Arc::clone(&self.blocks);
        let deleted = self.inner.delete_stream(locations);
        deleted.inspect_ok(move |path| blocks.forget(path)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;
    use tempfile::TempDir;

    const SIZE: u64 = 5 * BLOCK_BYTES / 2;

    async fn store(folder: &TempDir, kept: u64) -> (Arc<InMemory>, Remembering, Path, Vec<u8>) {
        let inner = Arc::new(InMemory::new());
        let path = Path::from("journal/entries/assets/0a.parquet");
        let numbers = (0..SIZE).map(|n| u8::try_from(n * 7 % 251).unwrap_or(0));
        let bytes: Vec<u8> = numbers.collect();
        inner
            .put(&path, bytes.clone().into())
            .await
            .expect("a file");
        let url = Url::parse("s3://bucket/journal/").expect("an address");
        let of: Arc<dyn ObjectStore> = Arc::<InMemory>::clone(&inner);
        let store = Remembering::new(of, folder.path(), &url, (kept, BLOCK_BYTES));
        (inner, store, path, bytes)
    }

    fn slice(bytes: &[u8], range: &Range<u64>) -> Vec<u8> {
        let place = |at: u64| usize::try_from(at).expect("a small file");
        bytes[place(range.start)..place(range.end)].to_vec()
    }

    #[tokio::test]
    async fn what_was_read_once_is_read_again_without_the_store() {
        let folder = TempDir::new().expect("a folder");
        let (inner, store, path, bytes) = store(&folder, 1 << 30).await;
        let ranges = [
            0..10,
            BLOCK_BYTES - 3..BLOCK_BYTES + 3,
            5..SIZE,
            SIZE - 8..SIZE,
        ];
        let expected: Vec<Vec<u8>> = ranges.iter().map(|range| slice(&bytes, range)).collect();
        let first = store.get_ranges(&path, &ranges).await.expect("its bytes");
        assert_eq!(first, expected);
        inner.delete(&path).await.expect("it was there");
        assert_eq!(store.get_ranges(&path, &ranges).await.expect("kept"), first);
        let whole = store.get(&path).await.expect("kept").bytes().await;
        assert_eq!(whole.expect("kept").as_ref(), bytes.as_slice());
        store
            .delete(&path)
            .await
            .expect("nothing is forgotten too late");
        assert!(store.get(&path).await.is_err());
    }

    #[tokio::test]
    async fn a_range_is_handed_on_part_by_part() {
        let folder = TempDir::new().expect("a folder");
        let (_inner, store, path, bytes) = store(&folder, 1 << 30).await;
        for range in [0..SIZE, 5..SIZE - 5, BLOCK_BYTES..BLOCK_BYTES + 2, 7..7] {
            let about = store.head(&path).await.expect("a file");
            let parts: Vec<Bytes> = store
                .stream(&about, range.clone())
                .try_collect()
                .await
                .expect("its bytes");
            let longest = parts.iter().map(Bytes::len).max().unwrap_or(0) as u64;
            assert!(longest <= BLOCK_BYTES, "{range:?}: {longest}");
            assert_eq!(parts.concat(), slice(&bytes, &range));
        }
    }

    #[tokio::test]
    async fn what_is_known_of_a_file_comes_with_its_end() {
        let folder = TempDir::new().expect("a folder");
        let (inner, store, path, bytes) = store(&folder, 1 << 30).await;
        let about = store.head(&path).await.expect("a file");
        assert_eq!(about.size, SIZE);
        inner.delete(&path).await.expect("it was there");
        // Two parts of it, of which the first that is touched is not whole.
        let end = SIZE - BLOCK_BYTES..SIZE;
        let found = store.get_range(&path, end.clone()).await.expect("kept");
        assert_eq!(found.as_ref(), slice(&bytes, &end));
        assert!(store.get_range(&path, 0..1).await.is_err());
    }

    #[test]
    fn groups_of_parts_cover_a_range_and_no_more() {
        const GROUP_BYTES: u64 = GROUP_BLOCKS * BLOCK_BYTES;
        let last = 3 * GROUP_BYTES - 1;
        assert_eq!(
            groups(&(5..last)),
            [
                5..GROUP_BYTES,
                GROUP_BYTES..2 * GROUP_BYTES,
                2 * GROUP_BYTES..last
            ]
        );
        assert_eq!(groups(&(GROUP_BYTES..GROUP_BYTES + 2)).len(), 1);
        assert_eq!(groups(&(7..7)).first(), Some(&(7..7)));
    }

    #[tokio::test]
    async fn a_kept_part_that_was_altered_is_read_from_the_store_again() {
        let folder = TempDir::new().expect("a folder");
        let (_inner, store, path, bytes) = store(&folder, 1 << 30).await;
        store
            .get(&path)
            .await
            .expect("a file")
            .bytes()
            .await
            .expect("its bytes");
        let mut altered = 0;
        for file in walk(folder.path()) {
            let mut kept = std::fs::read(&file).expect("a kept part");
            kept[0] ^= 1;
            std::fs::write(&file, kept).expect("altered");
            altered += 1;
        }
        assert!(altered >= 3, "{altered}");
        let again = store.get(&path).await.expect("a file").bytes().await;
        assert_eq!(again.expect("its bytes").as_ref(), bytes.as_slice());
    }

    #[tokio::test]
    async fn no_more_is_kept_than_there_is_room_for() {
        let folder = TempDir::new().expect("a folder");
        let (_inner, store, path, bytes) = store(&folder, BLOCK_BYTES * 3 / 2).await;
        let whole = store.get(&path).await.expect("a file").bytes().await;
        assert_eq!(whole.expect("its bytes").as_ref(), bytes.as_slice());
        let sizes = walk(folder.path()).into_iter();
        let kept: u64 = sizes
            .map(|file| file.metadata().expect("a kept part").len())
            .sum();
        assert!((1..=BLOCK_BYTES * 3 / 2).contains(&kept), "{kept}");
    }

    fn walk(folder: &FilePath) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths
            .flat_map(|path| {
                if path.is_dir() {
                    walk(&path)
                } else {
                    vec![path]
                }
            })
            .collect()
    }
}
