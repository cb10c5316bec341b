//! The operator that computes partial cubes: one part of the work in each of its partitions, a cube out of each.

use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, BinaryArray, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type};
use ballista_core::error::BallistaError;
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

use super::answer::{number, schema};
use super::computing::Reader;
use super::parts::{self, FilePart};
use super::stopping::Task;
use crate::error::Result;

/// Computes partial cubes, of the parts that its input holds. A scheduler deals partitions of an input out to tasks, each of which
/// gets its own alone; an operator without one it would have each task compute as a whole.
#[derive(Debug)]
pub(super) struct PartialCubes {
    /// What is computed, as it travels: only who computes has to understand it.
    pub(super) share: Arc<[u8]>,
    input: Arc<dyn ExecutionPlan>,
    /// What reads files; `None` where nothing is computed, as with who asks and with the scheduler.
    reader: Option<Arc<Reader>>,
    properties: Arc<PlanProperties>,
}

impl PartialCubes {
    /// Computes all parts, each in a partition of its own.
    pub(super) fn of_all(share: Arc<[u8]>, parts: &[Vec<FilePart>]) -> Result<Self> {
        let told = Arc::new(Schema::new(vec![
            Field::new("part", DataType::UInt32, false),
            Field::new("files", DataType::Binary, false),
        ]));
        let partitions = parts.iter().zip(0..number(parts.len())?);
        let partitions = partitions.map(|(files, part)| {
            let files = parts::to_bytes(files)?;
            let part = RecordBatch::try_new(
                Arc::clone(&told),
                vec![
                    Arc::new(UInt32Array::from(vec![part])),
                    Arc::new(BinaryArray::from_vec(vec![files.as_slice()])),
                ],
            )?;
            Ok(vec![part])
        });
        let partitions = partitions.collect::<Result<Vec<_>>>()?;
        let input = MemorySourceConfig::try_new_exec(&partitions, told, None)?;
        Ok(Self::new(share, input, None))
    }

    pub(super) fn new(
        share: Arc<[u8]>,
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
        let parts = self.input.output_partitioning().partition_count();
        write!(f, "PartialCubes: parts={parts}")
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
        let task: Option<Arc<Task>> = context
            .task_id()
            .as_deref()
            .and_then(Task::parse)
            .map(Arc::new);
        let parts = self.input.execute(partition, context)?;
        let share = Arc::clone(&self.share);
        let rows = parts.and_then(move |told| {
            let (reader, share) = (Arc::clone(&reader), Arc::clone(&share));
            let task = task.clone();
            async move {
                let mut rows = Vec::new();
                for told in parts_told(&told)? {
                    let answer = reader.answer(task.as_deref(), &share, told).await;
                    let answer = answer.map_err(|e| DataFusionError::External(Box::new(e)))?;
                    rows.extend(answer.ok_or_else(cancelled)?);
                }
                Ok(stream::iter(rows).map(Ok))
            }
        });
        let rows = rows.try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), rows)))
    }
}

/// As Ballista itself says that a task was cancelled.
fn cancelled() -> DataFusionError {
    DataFusionError::External(Box::new(BallistaError::Cancelled))
}

/// The parts that rows of the input stand for, each with its files.
fn parts_told(rows: &RecordBatch) -> DataFusionResult<Vec<(u32, &[u8])>> {
    let told = || {
        let parts = rows.column_by_name("part")?;
        let files = rows.column_by_name("files")?;
        let parts = parts.as_primitive_opt::<UInt32Type>()?.values().iter();
        Some((parts, files.as_binary_opt::<i32>()?.iter()))
    };
    let (parts, files) =
        told().ok_or_else(|| DataFusionError::Internal("no parts are named".to_owned()))?;
    let parts = parts.copied().zip(files);
    Ok(parts
        .filter_map(|(part, files)| Some((part, files?)))
        .collect())
}
