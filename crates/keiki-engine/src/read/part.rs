//! Reads a part of the journal's files, as a worker does: some files, and of some of them only groups of rows.
//!
//! A part may hold a range of a file's bytes instead of the file. A group of rows belongs to the range in which its first page begins,
//! by `DataFusion`'s own rule, whatever lies behind the range's end is read with it. So ranges that cover a file without a gap give each
//! of its rows once, in one range; a range in which no group begins gives none.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::prelude::SessionContext;
use futures::{TryStreamExt, stream};
use keiki_store::Scan;

use super::{Bounds, cube_plan, file_scan, or_why_not, within};
use crate::accumulate::Accumulator;
use crate::axis::Axis;
use crate::cube::Cube;
use crate::error::Result;
use crate::plan::DatasetPlan;

/// Where the groups of rows of a file lie: from the first byte to the one behind the last.
pub(crate) type Ranges = HashMap<String, Vec<(u64, u64)>>;

/// Files, or ranges of them, that are read at the same time.
const FILES_AT_ONCE: usize = 4;

/// What was read of a part.
pub(crate) struct PartRead {
    pub(crate) cube: Cube,
    /// Rows of the files, whether they lie within the bounds or not.
    pub(crate) rows: u64,
    /// Bytes that were read of the files.
    pub(crate) bytes: u64,
}

/// Reads files into a cube; of those for which there are ranges, the groups of rows that lie in these.
pub(crate) async fn read_part(
    context: &SessionContext,
    plan: &Arc<DatasetPlan>,
    (scan, ranges): (&Scan, &Ranges),
    bounds: Bounds,
    axis: &Axis,
) -> Result<PartRead> {
    let read = async {
        let physical = cube_plan(context, plan, scan, bounds).await?;
        let physical = narrowed(physical, ranges)?;
        let mut accumulator = Accumulator::new(Arc::clone(plan), axis.clone(), 0);
        let mut rows = 0;
        let partitions = 0..physical.output_partitioning().partition_count();
        let streams = partitions.map(|partition| physical.execute(partition, context.task_ctx()));
        let streams: Vec<_> = streams.collect::<std::result::Result<_, _>>()?;
        // While one waits for the store, the rows of another are added.
        let mut streams = stream::select_all(streams);
        while let Some(batch) = streams.try_next().await? {
            rows += batch.num_rows() as u64;
            accumulator.add(&within(batch, bounds)?)?;
        }
        Ok(PartRead {
            cube: accumulator.finish(),
            rows,
            bytes: read_bytes(physical.as_ref()),
        })
    };
    or_why_not(scan, Box::pin(read).await).await
}

/// The plan with the ranges of its files.
fn narrowed(physical: Arc<dyn ExecutionPlan>, ranges: &Ranges) -> Result<Arc<dyn ExecutionPlan>> {
    if ranges.is_empty() {
        return Ok(physical);
    }
    let narrow = |node: Arc<dyn ExecutionPlan>| {
        let Some(config) = file_scan(&node) else {
            return Ok(Transformed::no(node));
        };
        let files = in_groups(in_ranges(config, ranges));
        let config = FileScanConfigBuilder::from(config.clone()).with_file_groups(files);
        let source: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config.build());
        Ok(Transformed::yes(source))
    };
    Ok(physical.transform_down(narrow).data()?)
}

/// Files in the groups of which each is read by itself.
fn in_groups(files: Vec<PartitionedFile>) -> Vec<FileGroup> {
    let mut groups = vec![Vec::new(); files.len().clamp(1, FILES_AT_ONCE)];
    let count = groups.len();
    for (number, file) in files.into_iter().enumerate() {
        groups[number % count].push(file);
    }
    groups.into_iter().map(FileGroup::new).collect()
}

/// Each file once for each of its ranges, or once where it has none; however the plan had cut it up itself.
fn in_ranges(config: &FileScanConfig, ranges: &Ranges) -> Vec<PartitionedFile> {
    let mut files: Vec<PartitionedFile> = Vec::new();
    let all = config.file_groups.iter().flat_map(FileGroup::iter);
    for file in all {
        let path = &file.object_meta.location;
        if files
            .iter()
            .any(|known| known.object_meta.location == *path)
        {
            continue;
        }
        let mut whole = file.clone();
        whole.range = None;
        match ranges.get(path.as_ref()) {
            None => files.push(whole),
            Some(ranges) => files.extend(ranges.iter().map(|(from, until)| {
                let at = |place: u64| i64::try_from(place).unwrap_or(i64::MAX);
                whole.clone().with_range(at(*from), at(*until))
            })),
        }
    }
    files
}

fn read_bytes(physical: &dyn ExecutionPlan) -> u64 {
    let own = physical.metrics().and_then(|metrics| {
        let scanned = metrics.sum_by_name("bytes_scanned")?;
        u64::try_from(scanned.as_usize()).ok()
    });
    let children = physical.children().into_iter();
    let below: u64 = children.map(|child| read_bytes(child.as_ref())).sum();
    own.unwrap_or(0) + below
}
