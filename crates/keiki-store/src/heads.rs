//! Heads: what each source says last of each record, kept in buckets so that an ingest reads and writes only what it touches.
//!
//! They are a cache: `replay` rebuilds them from the assertions, and a journal without them is whole.

mod file;
mod folded;
mod layers;
mod ledger;
mod manifest;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::ipc::writer::FileWriter;
use futures::{Stream, StreamExt, stream};
use keiki_model::dataset::Dataset;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::async_writer::AsyncFileWriter;
use tokio::runtime::Handle;

pub(crate) use folded::{fold, unfold};
pub(crate) use layers::{Layers, Stand};
pub(crate) use ledger::Ledger;
use manifest::{
    FOLDED, LATER_FILES, LATER_ROWS, LATER_SHARE, LEDGER, Later, Manifest, are_kept, is_much,
    is_readable, manifest_path, shape_of,
};

use crate::error::{Result, StoreError};
use crate::parallel::{self, together};
use crate::schema::{EFFECTIVE_ON, KNOWN_AT, RECORD_KEY, SEQ, SOURCE, WORD, instant};

/// Number of buckets; a record lies in the bucket of its key's hash.
pub(crate) const BUCKETS: usize = 128;

/// The hash of a record's key. *Source*: FNV-1a, 64 bits (Fowler, Noll, Vo), which is stable across machines and versions.
pub(crate) fn hash_of(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The bucket of a hash.
pub(crate) fn bucket_of_hash(hash: u64) -> usize {
    usize::try_from((hash ^ (hash >> 32)) % BUCKETS as u64).unwrap_or(0)
}

/// The bucket of a record.
pub(crate) fn bucket_of(key: &str) -> usize {
    bucket_of_hash(hash_of(key))
}

/// The schema of heads: the dataset's journalled columns as they are, and what is known of the assertion.
pub(crate) fn heads_schema(dataset: &Dataset) -> SchemaRef {
    let mut fields: Vec<Field> = dataset
        .schema()
        .fields()
        .iter()
        .map(|f| f.as_ref().clone())
        .collect();
    fields.extend([
        Field::new(RECORD_KEY, DataType::Utf8, false),
        Field::new(SOURCE, DataType::Utf8, false),
        Field::new(WORD, DataType::Utf8, false),
        Field::new(EFFECTIVE_ON, DataType::Date32, false),
        Field::new(KNOWN_AT, instant(), false),
        Field::new(SEQ, DataType::Int64, false),
    ]);
    Arc::new(Schema::new(fields))
}

/// Rows of a file that are written at a time.
const FILE_ROWS: usize = 1 << 16;

/// Buckets that are read at a time where all are wanted: they wait for the store together.
const BUCKETS_AHEAD: usize = 8;

/// Room that is made for the rows of a file, at most, and for what stands around them.
const ROOM_BYTES: usize = 32 << 20;
const HEADER_BYTES: usize = 64 << 10;

/// What a commit makes of the heads: files of buckets, and rows that are laid over the others.
#[derive(Debug, Default)]
pub(crate) struct Renewed {
    files: BTreeMap<usize, (String, u64)>,
    later: HashMap<usize, Vec<RecordBatch>>,
    later_rows: u64,
    /// Files that others have taken the place of.
    replaced: Vec<String>,
    /// The file of assertions whose rows are the heads.
    ledger: Option<Ledger>,
}

impl Renewed {
    /// What a first load makes of the heads.
    pub(crate) fn of_ledger(ledger: Ledger) -> Self {
        Self {
            ledger: Some(ledger),
            ..Self::default()
        }
    }

    /// Adds what became of other buckets.
    pub(crate) fn extend(&mut self, other: Self) {
        self.files.extend(other.files);
        self.later.extend(other.later);
        self.later_rows += other.later_rows;
        self.replaced.extend(other.replaced);
    }
}

/// What is known of assertions beside what they say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Said<'s> {
    /// The buckets in which they come, each with the number of assertions up to its end, if they come so.
    pub(crate) buckets: Option<&'s [(usize, usize)]>,
    pub(crate) repeated: Repeated,
}

/// Whether several of some assertions may be about one record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// They may.
    #[default]
    Perhaps,
    /// Of records of which nothing was said before, none is.
    Never,
}

/// The folder of all heads of a journal.
pub(crate) fn root(journal: &Path) -> Path {
    journal.clone().join("heads")
}

/// The names of the files in a folder of heads that are of use: its list, and what the list names.
pub(crate) async fn named_files(
    store: &dyn ObjectStore,
    folder: &Path,
) -> Result<BTreeSet<String>> {
    let manifest = Manifest::read(store, folder).await?;
    let later = manifest.later.into_iter().map(|later| later.file);
    let own = manifest_path(folder).filename().map(str::to_owned);
    let files = manifest.buckets.into_values().chain(later).chain(own);
    Ok(files.collect())
}

/// The heads of one dataset.
#[derive(Debug)]
pub(crate) struct Heads {
    schema: SchemaRef,
    folder: Path,
    store: Arc<dyn ObjectStore>,
    manifest: Manifest,
    /// Assertions that came after the files of the buckets, by bucket, in order.
    later: HashMap<usize, Vec<RecordBatch>>,
    /// Those of them that no file holds yet.
    unwritten: Vec<RecordBatch>,
    /// Whether of the ledger's rows those are among the later ones that matter.
    stands_on_some: bool,
}

impl Heads {
    /// Opens the heads of a dataset; they start empty where there are none that fit.
    pub(crate) async fn open(
        store: Arc<dyn ObjectStore>,
        root: &Path,
        dataset: &Dataset,
    ) -> Result<Self> {
        let folder = self::root(root).join(dataset.name.as_str());
        Self::open_folder(store, folder, heads_schema(dataset)).await
    }

    async fn open_folder(
        store: Arc<dyn ObjectStore>,
        folder: Path,
        schema: SchemaRef,
    ) -> Result<Self> {
        let manifest = Manifest::read(store.as_ref(), &folder).await?;
        let shape = shape_of(&schema);
        let fits = is_readable(&manifest.shape, &shape);
        let manifest = if fits { manifest } else { Manifest::default() };
        let mut heads = Self {
            schema,
            folder,
            store,
            manifest: Manifest { shape, ..manifest },
            later: HashMap::new(),
            unwritten: Vec::new(),
            stands_on_some: false,
        };
        let (are_kept, later) = futures::join!(
            are_kept(&heads.store, &heads.folder, &heads.manifest),
            heads.read_later()
        );
        if !are_kept? {
            return Ok(heads.emptied());
        }
        for rows in later? {
            heads.lay(rows)?;
        }
        Ok(heads)
    }

    /// The rows of the files that came after those of the buckets, in order.
    async fn read_later(&self) -> Result<Vec<RecordBatch>> {
        let later = self.manifest.later.iter();
        // There are few: where they are many they are put into the buckets.
        together(LATER_FILES, later.map(|later| self.read(&later.file))).await
    }

    /// The heads of all buckets that may hold any, as `these`.
    pub(crate) fn all(&self) -> impl Stream<Item = Result<RecordBatch>> + '_ {
        self.these(self.filled())
    }

    /// The heads of some buckets, in their order; some are read ahead.
    pub(crate) fn these(
        &self,
        buckets: Vec<usize>,
    ) -> impl Stream<Item = Result<RecordBatch>> + '_ {
        let buckets: Vec<_> = buckets.into_iter().map(|one| self.bucket(one)).collect();
        stream::iter(buckets).buffered(BUCKETS_AHEAD)
    }

    /// The journal version that they show before `replay`.
    pub(crate) fn seq(&self) -> i64 {
        self.manifest.seq
    }

    /// Takes in assertions that came after the manifest, in order of `seq`.
    pub(crate) fn replay(&mut self, assertions: &[RecordBatch]) -> Result<()> {
        for rows in assertions {
            let rows = speaking(rows, &self.schema)?;
            if rows.num_rows() > 0 {
                let sorted = self.lay(rows)?;
                self.unwritten.push(sorted);
            }
        }
        Ok(())
    }

    /// Lays rows over the heads, and returns them in the order of their buckets.
    fn lay(&mut self, rows: RecordBatch) -> Result<RecordBatch> {
        let (rows, buckets) = by_bucket(rows)?;
        for (bucket, rows) in buckets {
            let rows = match self.manifest.since.get(&bucket) {
                None => rows,
                Some(since) => {
                    let newer: BooleanArray = seqs(&rows)?
                        .iter()
                        .map(|seq| seq.map(|seq| seq > *since))
                        .collect();
                    filter_record_batch(&rows, &newer)?
                }
            };
            if rows.num_rows() > 0 {
                self.later.entry(bucket).or_default().push(rows);
            }
        }
        Ok(rows)
    }

    /// About how many heads a bucket has.
    pub(crate) fn rows(&self, bucket: usize) -> usize {
        let base = self.manifest.rows.get(&bucket).copied().unwrap_or(0);
        let later = self.later.get(&bucket).into_iter().flatten();
        usize::try_from(base).unwrap_or(usize::MAX)
            + later.map(RecordBatch::num_rows).sum::<usize>()
    }

    /// Works out what assertions of a commit make of the heads. Where they are many, the files of their buckets are written,
    /// which nobody reads before `install`.
    pub(crate) async fn renew(
        &self,
        so_far: &mut Renewed,
        assertions: &RecordBatch,
        said: Said<'_>,
    ) -> Result<()> {
        let rows = speaking(assertions, &self.schema)?;
        let given = said
            .buckets
            .filter(|_| rows.num_rows() == assertions.num_rows());
        let buckets = match given {
            Some(buckets) => given_buckets(&rows, buckets),
            None => by_bucket(rows)?.1,
        };
        for (bucket, rows) in buckets {
            let count = rows.num_rows() as u64;
            let base = self.manifest.rows.get(&bucket).copied().unwrap_or(0);
            let parts = BUCKETS as u64;
            let share = base / LATER_SHARE;
            let is_much = count > share.clamp(LATER_ROWS.start / parts, LATER_ROWS.end / parts)
                || so_far.later_rows + count > LATER_ROWS.end;
            // What lies over rows of the ledger stays there: no bucket has them.
            if !is_much || self.manifest.ledger.is_some() {
                so_far.later_rows += count;
                so_far.later.entry(bucket).or_default().push(rows);
                continue;
            }
            let (base, mut later) = match so_far.files.get(&bucket) {
                Some((file, _)) => (self.read(file).await?, Vec::new()),
                None => (
                    self.base(bucket).await?,
                    self.later.get(&bucket).cloned().unwrap_or_default(),
                ),
            };
            later.extend(so_far.later.remove(&bucket).unwrap_or_default());
            later.push(rows);
            let is_first = base.num_rows() == 0 && later.len() == 1;
            let rows = match later.pop() {
                Some(only) if is_first && said.repeated == Repeated::Never => only,
                last => {
                    later.extend(last);
                    Layers::new(&self.schema, base, &later)?.rows()?
                }
            };
            let new = self.write_bucket(bucket, &rows).await?;
            if let Some((old, _)) = so_far.files.insert(bucket, new) {
                so_far.replaced.push(old);
            }
        }
        Ok(())
    }

    /// Makes what a commit makes of the heads the heads as of that commit.
    pub(crate) async fn install(&self, seq: i64, renewed: &Renewed) -> Result<()> {
        let mut manifest = self.manifest.clone();
        let mut replaced = renewed.replaced.clone();
        for (bucket, (file, rows)) in &renewed.files {
            replaced.extend(manifest.buckets.insert(*bucket, file.clone()));
            manifest.rows.insert(*bucket, *rows);
            manifest.since.insert(*bucket, seq - 1);
        }
        let later = self
            .unwritten
            .iter()
            .chain(renewed.later.values().flatten());
        let later: Vec<&RecordBatch> = later.collect();
        let count: u64 = later.iter().map(|rows| rows.num_rows() as u64).sum();
        if count > 0 {
            let rows = concat_batches(&self.schema, later)?;
            let file = format!("later-{}.arrow", uuid::Uuid::new_v4());
            self.write_file(&file, &rows).await?;
            manifest.later.push(Later { file, rows: count });
        }
        if renewed.ledger.is_some() {
            manifest.ledger.clone_from(&renewed.ledger);
        }
        let is_much = is_much(&manifest) && manifest.ledger.is_none();
        self.write_manifest(seq, manifest).await?;
        self.delete(&replaced).await?;
        if is_much {
            let (store, folder) = (Arc::clone(&self.store), self.folder.clone());
            let heads = Self::open_folder(store, folder, Arc::clone(&self.schema)).await?;
            heads.write_buckets(seq).await?;
        }
        Ok(())
    }

    /// Clears away what a commit that came to nothing made of the heads.
    pub(crate) async fn discard(&self, renewed: &Renewed) -> Result<()> {
        let files = renewed.files.values().map(|(file, _)| file);
        let files: Vec<String> = files.chain(&renewed.replaced).cloned().collect();
        self.delete(&files).await
    }

    async fn delete(&self, files: &[String]) -> Result<()> {
        let paths: Vec<_> = files.iter().map(|file| Ok(self.path(file))).collect();
        let mut deleted = self.store.delete_stream(stream::iter(paths).boxed());
        while let Some(deleted) = deleted.next().await {
            match deleted {
                // Somebody else cleared it away.
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn base(&self, bucket: usize) -> Result<RecordBatch> {
        if self.manifest.ledger.is_some() && !self.stands_on_some {
            return Err(StoreError::damaged(
                "現況表がまだ分けられていません",
                "heads are asked for that are in no bucket yet",
            ));
        }
        match self.manifest.buckets.get(&bucket) {
            None => Ok(RecordBatch::new_empty(Arc::clone(&self.schema))),
            Some(file) => self.read(file).await,
        }
    }

    /// The heads of a bucket. *Shape*: `heads_schema`, one row per source and record.
    pub(crate) async fn bucket(&self, bucket: usize) -> Result<RecordBatch> {
        self.layers(bucket).await?.rows()
    }

    /// The heads of a bucket as they are kept.
    pub(crate) async fn layers(&self, bucket: usize) -> Result<Layers> {
        let base = self.base(bucket).await?;
        let later = self.later.get(&bucket).map_or(&[] as &[_], Vec::as_slice);
        Layers::new(&self.schema, base, later)
    }

    /// The buckets that may hold anything.
    pub(crate) fn filled(&self) -> Vec<usize> {
        let mut buckets: Vec<usize> = self
            .manifest
            .buckets
            .keys()
            .chain(self.later.keys())
            .copied()
            .collect();
        buckets.sort_unstable();
        buckets.dedup();
        buckets
    }

    /// Writes what was replayed, as heads as of `seq`: as a file of its own, or, where that becomes too much, into the buckets.
    pub(crate) async fn write(self, seq: i64) -> Result<()> {
        let unwritten: u64 = self
            .unwritten
            .iter()
            .map(|rows| rows.num_rows() as u64)
            .sum();
        if unwritten == 0 {
            return self.write_manifest(seq, self.manifest.clone()).await;
        }
        let file = format!("later-{}.arrow", uuid::Uuid::new_v4());
        let mut manifest = self.manifest.clone();
        manifest.later.push(Later {
            file: file.clone(),
            rows: unwritten,
        });
        if is_much(&manifest) && manifest.ledger.is_none() {
            return self.write_buckets(seq).await;
        }
        let rows = concat_batches(&self.schema, &self.unwritten)?;
        self.write_file(&file, &rows).await?;
        self.write_manifest(seq, manifest).await
    }

    /// Puts all later rows into their buckets.
    async fn write_buckets(self, seq: i64) -> Result<()> {
        let mut touched: Vec<usize> = self.later.keys().copied().collect();
        touched.sort_unstable();
        let heads = Arc::new(self);
        let (shared, runtime) = (Arc::clone(&heads), Handle::current());
        let written = parallel::each(touched.len(), move |number| {
            let bucket = touched[number];
            let heads = &shared;
            runtime.block_on(async {
                let rows = heads.bucket(bucket).await?;
                Ok((bucket, heads.write_bucket(bucket, &rows).await?))
            })
        })
        .await?;
        let mut manifest = heads.manifest.clone();
        let mut replaced: Vec<String> = manifest.later.drain(..).map(|later| later.file).collect();
        manifest.since.clear();
        for (bucket, (file, rows)) in written {
            replaced.extend(manifest.buckets.insert(bucket, file));
            manifest.rows.insert(bucket, rows);
        }
        heads.write_manifest(seq, manifest).await?;
        heads.delete(&replaced).await
    }

    async fn write_manifest(&self, seq: i64, mut manifest: Manifest) -> Result<()> {
        manifest.shape.pop();
        let mark = match manifest.ledger {
            Some(_) => LEDGER,
            None => FOLDED,
        };
        manifest.shape.push(mark.to_owned());
        let manifest = serde_json::to_vec(&Manifest { seq, ..manifest }).map_err(|e| {
            StoreError::damaged(
                format!("現況表を書き込めません: {e}"),
                format!("heads cannot be written: {e}"),
            )
        })?;
        self.store
            .put(&manifest_path(&self.folder), manifest.into())
            .await?;
        Ok(())
    }

    /// Writes a file of the heads of a bucket. Returns its name, and how many they are.
    async fn write_bucket(&self, bucket: usize, rows: &RecordBatch) -> Result<(String, u64)> {
        let file = format!("{bucket}-{}.arrow", uuid::Uuid::new_v4());
        self.write_file(&file, rows).await?;
        Ok((file, rows.num_rows() as u64))
    }

    async fn write_file(&self, file: &str, rows: &RecordBatch) -> Result<()> {
        let rows = fold(rows)?;
        let mut target = BufWriter::new(Arc::clone(&self.store), self.path(file));
        let columns = rows.columns().iter();
        let bytes = columns.map(|column| column.to_data().get_slice_memory_size());
        let bytes: usize = bytes.sum::<std::result::Result<_, _>>()?;
        // At once, and not by doubling.
        let room = Vec::with_capacity(bytes.min(ROOM_BYTES) + HEADER_BYTES);
        let mut writer = FileWriter::try_new(room, &rows.schema())?;
        let mut start = 0;
        while start < rows.num_rows() {
            let count = FILE_ROWS.min(rows.num_rows() - start);
            writer.write(&rows.slice(start, count))?;
            start += count;
            let bytes = std::mem::take(writer.get_mut());
            target.put(bytes.into()).await?;
        }
        writer.finish()?;
        let bytes = std::mem::take(writer.get_mut());
        target.put(bytes.into()).await?;
        Ok(target.complete().await?)
    }

    async fn read(&self, file: &str) -> Result<RecordBatch> {
        let bytes = file::bytes(self.store.as_ref(), &self.path(file)).await?;
        file::decode(bytes, &self.schema)
    }

    fn path(&self, file: &str) -> Path {
        self.folder.clone().join(file)
    }
}

/// The rows of assertions that say something, in the schema of heads.
fn speaking(assertions: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let rows = crate::table::conform(assertions, schema)?;
    let words = strings(&rows, WORD)?;
    if !words.iter().any(|word| word == Some("absent")) {
        return Ok(rows);
    }
    let speaks: BooleanArray = words
        .iter()
        .map(|word| Some(word != Some("absent")))
        .collect();
    Ok(filter_record_batch(&rows, &speaks)?)
}

/// Parts rows that come bucket by bucket; `buckets` says of each where its rows end.
fn given_buckets(rows: &RecordBatch, buckets: &[(usize, usize)]) -> Vec<(usize, RecordBatch)> {
    let mut start = 0;
    let mut parts = Vec::new();
    for (bucket, end) in buckets {
        if start < *end {
            parts.push((*bucket, rows.slice(start, end - start)));
        }
        start = *end;
    }
    parts
}

/// Brings rows into the order of their buckets, and says which are of which.
pub(crate) fn by_bucket(rows: RecordBatch) -> Result<(RecordBatch, Vec<(usize, RecordBatch)>)> {
    let keys = strings(&rows, RECORD_KEY)?;
    let mut of: Vec<usize> = keys
        .iter()
        .map(|key| bucket_of(key.unwrap_or_default()))
        .collect();
    let rows = if of.is_sorted() {
        rows
    } else {
        let mut order: Vec<u32> = (0..).take(of.len()).collect();
        order.sort_by_key(|row| of[*row as usize]);
        of.sort_unstable();
        take_record_batch(&rows, &UInt32Array::from(order))?
    };
    let mut start = 0;
    let mut buckets = Vec::new();
    for part in of.chunk_by(|a, b| a == b) {
        buckets.push((part[0], rows.slice(start, part.len())));
        start += part.len();
    }
    Ok((rows, buckets))
}

/// Reads a primitive column.
pub(crate) fn primitive<'a, T: arrow::datatypes::ArrowPrimitiveType>(
    rows: &'a RecordBatch,
    name: &str,
) -> Result<&'a arrow::array::PrimitiveArray<T>> {
    rows.column_by_name(name)
        .and_then(|column| column.as_primitive_opt::<T>())
        .ok_or_else(|| {
            StoreError::damaged(
                format!("台帳のファイルに、その型の列 `{name}` がありません"),
                format!("a journal file has no column `{name}` of its type"),
            )
        })
}

/// Reads a column of text, whatever form it has.
pub(crate) fn strings(rows: &RecordBatch, name: &str) -> Result<arrow::array::StringArray> {
    let column = rows.column_by_name(name).ok_or_else(|| {
        StoreError::damaged(
            format!("台帳のファイルに列 `{name}` がありません"),
            format!("a journal file has no column `{name}`"),
        )
    })?;
    if let Some(texts) = column.as_string_opt::<i32>() {
        return Ok(texts.clone());
    }
    Ok(arrow::compute::cast(column, &DataType::Utf8)?
        .as_string::<i32>()
        .clone())
}

/// Reads the commit numbers of rows.
pub(crate) fn seqs(rows: &RecordBatch) -> Result<&arrow::array::Int64Array> {
    primitive::<Int64Type>(rows, SEQ)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use keiki_model::dataset::read_dataset;
    use object_store::memory::InMemory;

    use super::*;

    const THINGS: &str = r#"
        name = "things"
        kind = "register"
        title = { ja = "物", en = "Things" }
        description = { ja = "物", en = "Things" }
        key = ["id"]
        freshness_days = 1
        [columns.id]
        type = "text"
        title = { ja = "番号", en = "Number" }
        description = { ja = "番号", en = "Number" }
    "#;

    /// Assertions of one commit: key, source, word, day.
    fn said(dataset: &Dataset, seq: i64, lines: &[(String, &str, &str, i32)]) -> RecordBatch {
        let keys = || StringArray::from_iter_values(lines.iter().map(|line| &line.0));
        let text = |texts: Vec<&str>| Arc::new(StringArray::from(texts));
        let known = TimestampMicrosecondArray::from(vec![seq; lines.len()]).with_timezone("UTC");
        RecordBatch::try_new(
            heads_schema(dataset),
            vec![
                Arc::new(keys()),
                Arc::new(keys()),
                text(lines.iter().map(|line| line.1).collect()),
                text(lines.iter().map(|line| line.2).collect()),
                Arc::new(Date32Array::from_iter_values(
                    lines.iter().map(|line| line.3),
                )),
                Arc::new(known),
                Arc::new(Int64Array::from(vec![seq; lines.len()])),
            ],
        )
        .expect("rows in the schema of heads")
    }

    /// Record, source, word, day and commit of all heads, in order.
    async fn shown(heads: &Heads) -> Vec<(String, String, String, i32, i64)> {
        let mut all = Vec::new();
        for bucket in heads.filled() {
            let rows = heads.bucket(bucket).await.expect("heads can be read");
            let text = |name| strings(&rows, name).expect("a column of text");
            let (keys, sources, words) = (text(RECORD_KEY), text(SOURCE), text(WORD));
            let days =
                primitive::<arrow::datatypes::Date32Type>(&rows, EFFECTIVE_ON).expect("days");
            for row in 0..rows.num_rows() {
                all.push((
                    keys.value(row).to_owned(),
                    sources.value(row).to_owned(),
                    words.value(row).to_owned(),
                    days.value(row),
                    seqs(&rows).expect("commits").value(row),
                ));
            }
        }
        all.sort();
        all
    }

    #[tokio::test]
    async fn heads_that_are_kept_in_steps_are_those_of_all_assertions() {
        let dataset = read_dataset("things.toml", THINGS).expect("a dataset");
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let root = Path::from("journal");
        let open = || Heads::open(Arc::clone(&store), &root, &dataset);
        let mut whole = open().await.expect("no heads yet");
        for seq in 1..40_i64 {
            let step = i32::try_from(seq).expect("a small number");
            // Some come late, some are left out, each commit brings a new record, one commit many.
            let count = if seq == 20 { 9_000 } else { 30 };
            let lines: Vec<_> = (0..count)
                .map(|number| {
                    let day = if (number + step) % 7 == 0 {
                        step - 5
                    } else {
                        step
                    };
                    let word = match (number * 3 + step) % 4 {
                        1 => "ended",
                        3 => "absent",
                        _ => "says",
                    };
                    let source = if number % 5 == 0 { "b" } else { "a" };
                    (format!("R{}", number + step), source, word, day)
                })
                .collect();
            let rows = said(&dataset, seq, &lines);
            whole
                .replay(std::slice::from_ref(&rows))
                .expect("assertions");
            let mut kept = open().await.expect("heads");
            assert_eq!(kept.seq(), seq - 1);
            kept.replay(&[rows]).expect("assertions");
            let before = shown(&kept).await;
            kept.write(seq).await.expect("heads can be written");
            let after = shown(&open().await.expect("heads")).await;
            assert_eq!(before, after, "commit {seq}");
            assert_eq!(after, shown(&whole).await, "commit {seq}");
        }
        let kept = open().await.expect("heads");
        assert!(!kept.manifest.buckets.is_empty() && !kept.manifest.later.is_empty());
    }

    #[tokio::test]
    async fn heads_without_files_of_later_rows_are_read_as_they_are() {
        let dataset = read_dataset("things.toml", THINGS).expect("a dataset");
        let columns = shape_of(&heads_schema(&dataset));
        let text =
            serde_json::json!({ "seq": 3, "columns": columns, "buckets": {"7": "7-x.arrow"} });
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let place = manifest_path(&Path::from("journal/heads/things"));
        let put = store.put(&place, text.to_string().into()).await;
        put.expect("the manifest can be written");
        let root = Path::from("journal");
        let open = || async {
            let heads = Heads::open(Arc::clone(&store), &root, &dataset).await;
            let heads = heads.expect("heads");
            (heads.seq(), heads.filled())
        };
        // A file that it names is not there, and they start empty.
        assert_eq!(open().await, (0, vec![]));
        let file = Path::from("journal/heads/things/7-x.arrow");
        store.put(&file, "…".into()).await.expect("a file");
        assert_eq!(open().await, (3, vec![7]));
    }
}
