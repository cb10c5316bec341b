//! The operator that computes partial cubes: one part of the work in each of its partitions, a cube out of each.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{AsArray, BinaryArray, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties, SendableRecordBatchStream,
};
use futures::stream;
use futures::{StreamExt, TryStreamExt};
use keiki_store::{EntryFile, Place, Reading, Scan};
use sha2::{Digest, Sha256};
use url::Url;

use super::share::{FilePart, Share, not_on_cluster};
use crate::error::Result;
use crate::expressions::session;
use crate::plan::DatasetPlan;
use crate::read::{PartRead, read_part};

/// The size of the pieces in which a cube travels: a message takes no more than sixteen times as much.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// Plans that a worker keeps: definitions seldom change.
const PLANS_KEPT: usize = 64;

/// Computes partial cubes, of the parts that its input names. A scheduler deals partitions of an input out to tasks; an operator
/// without one it would have each task compute as a whole.
#[derive(Debug)]
pub(super) struct PartialCubes {
    pub(super) share: Arc<Share>,
    input: Arc<dyn ExecutionPlan>,
    /// What reads files; `None` where nothing is computed, as with who asks and with the scheduler.
    reader: Option<Arc<Reader>>,
    properties: Arc<PlanProperties>,
}

impl PartialCubes {
    /// Computes all parts, each in a partition of its own.
    pub(super) fn of_all(share: Arc<Share>) -> Result<Self> {
        let named = Arc::new(Schema::new(vec![Field::new(
            "part",
            DataType::UInt32,
            false,
        )]));
        let parts = (0..number(share.parts.len())?).map(|part| {
            let part = UInt32Array::from(vec![part]);
            let part = RecordBatch::try_new(Arc::clone(&named), vec![Arc::new(part)])?;
            Ok(vec![part])
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let input = MemorySourceConfig::try_new_exec(&parts, named, None)?;
        Ok(Self::new(share, input, None))
    }

    pub(super) fn new(
        share: Arc<Share>,
        input: Arc<dyn ExecutionPlan>,
        reader: Option<Arc<Reader>>,
    ) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            share,
            input,
            reader,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for PartialCubes {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartialCubes: parts={}", self.share.parts.len())
    }
}

type DataFusionResult<T> = std::result::Result<T, DataFusionError>;

impl ExecutionPlan for PartialCubes {
    fn name(&self) -> &'static str {
        "PartialCubes"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children)
            .map_err(|_| DataFusionError::Internal("partial cubes have one input".to_owned()))?;
        let share = Arc::clone(&self.share);
        Ok(Arc::new(Self::new(share, input, self.reader.clone())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let reader = self.reader.clone().ok_or_else(|| {
            DataFusionError::Internal("partial cubes are computed by workers".to_owned())
        })?;
        let parts = self.input.execute(partition, context)?;
        let share = Arc::clone(&self.share);
        let pieces = parts.and_then(move |named| {
            let (reader, share) = (Arc::clone(&reader), Arc::clone(&share));
            async move {
                let mut pieces = Vec::new();
                for part in named_parts(&named)? {
                    let computed = reader.compute(&share, part).await;
                    pieces.extend(computed.map_err(|e| DataFusionError::External(Box::new(e)))?);
                }
                Ok(stream::iter(pieces).map(Ok))
            }
        });
        let pieces = pieces.try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), pieces)))
    }
}

fn named_parts(rows: &RecordBatch) -> DataFusionResult<Vec<usize>> {
    let named = rows.columns().first();
    let named = named.and_then(|column| column.as_primitive_opt::<UInt32Type>());
    let named = named.ok_or_else(|| DataFusionError::Internal("no parts are named".to_owned()))?;
    let place = |part: &u32| usize::try_from(*part).ok();
    Ok(named.values().iter().filter_map(place).collect())
}

/// The columns of what comes out: the pieces of cubes, each with what it takes to see that none is missing.
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("part", DataType::UInt32, false),
        Field::new("piece", DataType::UInt32, false),
        Field::new("pieces", DataType::UInt32, false),
        Field::new("bytes", DataType::Binary, false),
        Field::new("sha256", DataType::Binary, false),
        Field::new("rows", DataType::UInt64, false),
        Field::new("read_bytes", DataType::UInt64, false),
        Field::new("worker", DataType::Utf8, false),
    ]))
}

/// What a worker reads files with.
#[derive(Debug)]
pub(super) struct Reader {
    worker: String,
    reading: Reading,
    places: Mutex<HashMap<Url, Place>>,
    plans: Mutex<HashMap<String, Arc<DatasetPlan>>>,
}

impl Reader {
    pub(super) fn new(worker: String, reading: Reading) -> Self {
        Self {
            worker,
            reading,
            places: Mutex::default(),
            plans: Mutex::default(),
        }
    }

    fn place(&self, url: &Url) -> Result<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(url) {
            return Ok(place.clone());
        }
        let place = Place::open(url, &self.reading)?;
        places.insert(url.clone(), place.clone());
        Ok(place)
    }

    fn plan(&self, share: &Share) -> Result<Arc<DatasetPlan>> {
        let key = format!("{} {:?} {}", share.version, share.calendars, share.zone);
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&key) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(share.plan()?);
        if plans.len() >= PLANS_KEPT {
            plans.clear();
        }
        plans.insert(key, Arc::clone(&plan));
        Ok(plan)
    }

    async fn compute(&self, share: &Share, part: usize) -> Result<Vec<RecordBatch>> {
        let files = share.parts.get(part).ok_or_else(|| {
            not_on_cluster(
                format!("集計の区分がありません: {part}"),
                format!("there is no such part of the work: {part}"),
            )
        })?;
        let plan = self.plan(share)?;
        let place = self.place(&share.journal)?;
        let context = session(share.calendars.clone(), share.zone()?);
        let scan = Scan {
            store: Arc::clone(place.store()),
            files: whole_files(files),
        };
        let ranges = ranges(files);
        let (bounds, axis) = (share.bounds, &share.axis);
        let read = read_part(&context, &plan, (&scan, &ranges), bounds, axis).await?;
        tracing::info!(
            part,
            rows = read.rows,
            bytes = read.bytes,
            "computed a partial cube"
        );
        self.pieces(part, &read)
    }

    fn pieces(&self, part: usize, read: &PartRead) -> Result<Vec<RecordBatch>> {
        let bytes = crate::keep::to_bytes(&read.cube).map_err(|error| {
            not_on_cluster(
                format!("部分キューブを書き込めません: {error}"),
                format!("a partial cube cannot be written: {error}"),
            )
        })?;
        let sha256 = Sha256::digest(&bytes);
        let count = number(bytes.len().div_ceil(PIECE_BYTES))?;
        let pieces = bytes.chunks(PIECE_BYTES).zip(0..);
        pieces
            .map(|(piece, at)| {
                let row = RecordBatch::try_new(
                    schema(),
                    vec![
                        Arc::new(UInt32Array::from(vec![number(part)?])),
                        Arc::new(UInt32Array::from(vec![at])),
                        Arc::new(UInt32Array::from(vec![count])),
                        Arc::new(BinaryArray::from_vec(vec![piece])),
                        Arc::new(BinaryArray::from_vec(vec![sha256.as_slice()])),
                        Arc::new(UInt64Array::from(vec![read.rows])),
                        Arc::new(UInt64Array::from(vec![read.bytes])),
                        Arc::new(StringArray::from(vec![self.worker.as_str()])),
                    ],
                );
                Ok(row?)
            })
            .collect()
    }
}

fn number(count: usize) -> Result<u32> {
    u32::try_from(count)
        .map_err(|_| not_on_cluster("集計の区分が多すぎます", "there are too many parts"))
}

/// The files of which parts are read, each once.
fn whole_files(parts: &[FilePart]) -> Vec<EntryFile> {
    let mut files: Vec<EntryFile> = Vec::new();
    for part in parts {
        if !files.iter().any(|file| file.path == part.path) {
            files.push(EntryFile {
                path: part.path.clone(),
                size_bytes: part.size_bytes,
                rows: part.rows,
                first_seq: part.first_seq,
                last_seq: part.last_seq,
            });
        }
    }
    files
}

/// The bytes of files whose groups of rows are read; files that are read whole are not among them.
fn ranges(parts: &[FilePart]) -> HashMap<String, Vec<(u64, u64)>> {
    let mut ranges: HashMap<String, Vec<(u64, u64)>> = HashMap::new();
    for part in parts {
        if let Some(range) = part.bytes {
            ranges.entry(part.path.clone()).or_default().push(range);
        }
    }
    ranges
}
