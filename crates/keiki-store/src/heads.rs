//! Heads: what each source says last of each record, kept in buckets so that an ingest reads and writes only what it touches.
//!
//! They are a cache: `replay` rebuilds them from the assertions, and a journal without them is whole.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{
    DataType, Date32Type, Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use keiki_model::dataset::Dataset;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::schema::{EFFECTIVE_ON, KNOWN_AT, RECORD_KEY, SEQ, SOURCE, WORD, instant};

/// Number of buckets; a record lies in the bucket of its key's hash.
pub(crate) const BUCKETS: usize = 128;

/// The bucket of a record. *Source*: FNV-1a, 64 bits (Fowler, Noll, Vo), which is stable across machines and versions.
pub(crate) fn bucket_of(key: &str) -> usize {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    usize::try_from((hash ^ (hash >> 32)) % BUCKETS as u64).unwrap_or(0)
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

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Manifest {
    /// The journal version that the heads show.
    seq: i64,
    /// The columns that the files have, so that a changed definition rebuilds them.
    columns: Vec<String>,
    /// The file of each bucket that is not empty.
    buckets: BTreeMap<usize, String>,
}

/// The heads of one dataset.
#[derive(Debug)]
pub(crate) struct Heads {
    schema: SchemaRef,
    folder: Path,
    store: Arc<dyn ObjectStore>,
    manifest: Manifest,
    /// Assertions that came after the manifest, by bucket, in order.
    later: HashMap<usize, Vec<RecordBatch>>,
}

impl Heads {
    /// Opens the heads of a dataset; they start empty where there are none that fit.
    pub(crate) async fn open(
        store: Arc<dyn ObjectStore>,
        root: &Path,
        dataset: &Dataset,
    ) -> Result<Self> {
        let folder = Path::from(format!("{root}/heads/{}", dataset.name));
        let schema = heads_schema(dataset);
        let manifest = match store.get(&manifest_path(&folder)).await {
            Ok(found) => {
                serde_json::from_slice::<Manifest>(&found.bytes().await?).unwrap_or_default()
            }
            Err(object_store::Error::NotFound { .. }) => Manifest::default(),
            Err(error) => return Err(error.into()),
        };
        let columns = columns_of(&schema);
        let manifest = if manifest.columns == columns {
            manifest
        } else {
            Manifest {
                columns,
                ..Manifest::default()
            }
        };
        Ok(Self {
            schema,
            folder,
            store,
            manifest,
            later: HashMap::new(),
        })
    }

    /// The journal version that they show before `replay`.
    pub(crate) fn seq(&self) -> i64 {
        self.manifest.seq
    }

    /// Takes in assertions that came after the manifest, in order of `seq`.
    pub(crate) fn replay(&mut self, assertions: &[RecordBatch]) -> Result<()> {
        for rows in assertions {
            for (bucket, part) in by_bucket(rows, RECORD_KEY)? {
                self.later.entry(bucket).or_default().push(part);
            }
        }
        Ok(())
    }

    /// The heads of a bucket. *Shape*: `heads_schema`, one row per source and record.
    pub(crate) async fn bucket(&self, bucket: usize) -> Result<RecordBatch> {
        let base = match self.manifest.buckets.get(&bucket) {
            None => RecordBatch::new_empty(Arc::clone(&self.schema)),
            Some(file) => {
                let bytes = self
                    .store
                    .get(&self.folder.clone().join(file.as_str()))
                    .await?
                    .bytes()
                    .await?;
                let reader = FileReader::try_new(Cursor::new(bytes), None)?;
                let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
                concat_batches(&self.schema, &batches)?
            }
        };
        match self.later.get(&bucket) {
            None => Ok(base),
            Some(later) => merge(&self.schema, base, later),
        }
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

    /// Writes the heads as of `seq`: `changed` are assertions of that commit, in order.
    pub(crate) async fn write(mut self, seq: i64, changed: &[RecordBatch]) -> Result<()> {
        self.replay(changed)?;
        let mut replaced = Vec::new();
        let touched: Vec<usize> = self.later.keys().copied().collect();
        for bucket in touched {
            let rows = self.bucket(bucket).await?;
            let mut bytes = Vec::new();
            let mut writer = FileWriter::try_new(&mut bytes, &self.schema)?;
            writer.write(&rows)?;
            writer.finish()?;
            drop(writer);
            let file = format!("{bucket}-{}.arrow", uuid::Uuid::new_v4());
            self.store
                .put(&self.folder.clone().join(file.as_str()), bytes.into())
                .await?;
            replaced.extend(self.manifest.buckets.insert(bucket, file));
        }
        self.manifest.seq = seq;
        let manifest = serde_json::to_vec(&self.manifest)
            .map_err(|e| StoreError::Damaged(format!("heads cannot be written: {e}")))?;
        self.store
            .put(&manifest_path(&self.folder), manifest.into())
            .await?;
        for file in replaced {
            match self
                .store
                .delete(&self.folder.clone().join(file.as_str()))
                .await
            {
                // Somebody else cleared it away.
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn manifest_path(folder: &Path) -> Path {
    folder.clone().join("manifest.json")
}

fn columns_of(schema: &Schema) -> Vec<String> {
    schema
        .fields()
        .iter()
        .map(|f| format!("{} {}", f.name(), f.data_type()))
        .collect()
}

/// Splits rows by the bucket of their key, keeping their order.
pub(crate) fn by_bucket(rows: &RecordBatch, key: &str) -> Result<Vec<(usize, RecordBatch)>> {
    let keys = rows
        .column_by_name(key)
        .ok_or_else(|| StoreError::Damaged(format!("rows have no column {key}")))?;
    let keys = arrow::compute::cast(keys, &DataType::Utf8)?;
    let mut parts: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for (row, key) in keys.as_string::<i32>().iter().enumerate() {
        parts
            .entry(bucket_of(key.unwrap_or_default()))
            .or_default()
            .push(u32::try_from(row).unwrap_or(u32::MAX));
    }
    parts
        .into_iter()
        .map(|(bucket, rows_of)| {
            let indices = arrow::array::UInt32Array::from(rows_of);
            Ok((bucket, arrow::compute::take_record_batch(rows, &indices)?))
        })
        .collect()
}

/// Puts later assertions over heads: on one day the later commit wins, and the head is the assertion with the last day.
fn merge(schema: &SchemaRef, base: RecordBatch, later: &[RecordBatch]) -> Result<RecordBatch> {
    let mut batches = vec![base];
    for rows in later {
        batches.push(crate::table::conform(rows, schema)?);
    }
    let mut heads: HashMap<(String, String), (usize, usize, i32, i64)> = HashMap::new();
    let mut order: Vec<(String, String)> = Vec::new();
    for (batch, rows) in batches.iter().enumerate() {
        let text = |name: &str| {
            rows.column_by_name(name)
                .map(|c| c.as_string::<i32>().clone())
        };
        let (Some(keys), Some(sources), Some(words)) = (text(RECORD_KEY), text(SOURCE), text(WORD))
        else {
            return Err(StoreError::Damaged("heads lack a column".into()));
        };
        let days = primitive::<Date32Type>(rows, EFFECTIVE_ON)?;
        let known = primitive::<TimestampMicrosecondType>(rows, KNOWN_AT)?;
        for row in 0..rows.num_rows() {
            if words.value(row) == "absent" {
                continue;
            }
            let identity = (keys.value(row).to_owned(), sources.value(row).to_owned());
            let head = (batch, row, days.value(row), known.value(row));
            match heads.get_mut(&identity) {
                None => {
                    order.push(identity.clone());
                    heads.insert(identity, head);
                }
                Some(old) if head.2 >= old.2 => *old = head,
                Some(_) => {}
            }
        }
    }
    let picks: Vec<(usize, usize)> = order
        .iter()
        .map(|identity| {
            let h = heads[identity];
            (h.0, h.1)
        })
        .collect();
    let refs: Vec<&RecordBatch> = batches.iter().collect();
    if picks.is_empty() {
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    Ok(interleave_record_batch(&refs, &picks)?)
}

/// Reads a primitive column.
pub(crate) fn primitive<'a, T: arrow::datatypes::ArrowPrimitiveType>(
    rows: &'a RecordBatch,
    name: &str,
) -> Result<&'a arrow::array::PrimitiveArray<T>> {
    rows.column_by_name(name)
        .and_then(|column| column.as_primitive_opt::<T>())
        .ok_or_else(|| {
            StoreError::Damaged(format!("a journal file has no column `{name}` of its type"))
        })
}

/// Reads a column of text, whatever form it has.
pub(crate) fn strings(rows: &RecordBatch, name: &str) -> Result<arrow::array::StringArray> {
    let column = rows
        .column_by_name(name)
        .ok_or_else(|| StoreError::Damaged(format!("a journal file has no column `{name}`")))?;
    Ok(arrow::compute::cast(column, &DataType::Utf8)?
        .as_string::<i32>()
        .clone())
}

/// Reads the commit numbers of rows.
pub(crate) fn seqs(rows: &RecordBatch) -> Result<&arrow::array::Int64Array> {
    primitive::<Int64Type>(rows, SEQ)
}
