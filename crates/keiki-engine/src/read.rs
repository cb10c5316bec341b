//! Reads the journal's files into cubes: one read for all measures, in as many parts as there are threads.

#[cfg(feature = "cluster")]
mod part;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl, PartitionedFile,
};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::ObjectStoreExt;
use datafusion::object_store::path::Path;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::prelude::{Expr, SessionContext, col, lit};
use futures::TryStreamExt;
use keiki_model::calendar::Day;
use keiki_model::dataset::{Dataset, ORG_UNIT};
use keiki_store::{EFFECTIVE_ON, KNOWN_AT, SEQ, Scan, WEIGHT, entries_schema};
use serde::{Deserialize, Serialize};

use crate::accumulate::Accumulator;
use crate::axis::Axis;
use crate::cube::Cube;
use crate::error::{EngineError, Result};
use crate::plan::DatasetPlan;
#[cfg(feature = "cluster")]
pub(crate) use part::{PartRead, Ranges, read_part};

/// Which entries are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bounds {
    /// Commits after this one.
    pub(crate) after_seq: i64,
    /// Commits up to this one.
    pub(crate) until_seq: i64,
    /// What was known at this instant; `None` = everything.
    pub(crate) known_at: Option<i64>,
}

/// Of which org units entries are wanted, by their names in evidence, and up to which first day they hold. What lies in parts of
/// files without any is not read.
#[derive(Debug, Clone)]
pub(crate) struct Only {
    /// Ascending; an empty name stands for none.
    pub(crate) org_units: Vec<String>,
    /// Absent = whatever the day.
    pub(crate) until: Option<Day>,
}

impl Only {
    fn condition(&self) -> Expr {
        let names = self.org_units.iter().filter(|name| !name.is_empty());
        let list: Vec<Expr> = names.map(|name| lit(name.as_str())).collect();
        let unit = || col(ORG_UNIT);
        // A long list says nothing of the statistics of a file; its ends do.
        let mut wanted = match (list.first().cloned(), list.last().cloned()) {
            (Some(first), Some(last)) => unit()
                .gt_eq(first)
                .and(unit().lt_eq(last))
                .and(unit().in_list(list, false)),
            _ => lit(false),
        };
        if self.org_units.iter().any(String::is_empty) {
            wanted = wanted.or(unit().is_null());
        }
        match self.until {
            None => wanted,
            Some(day) => wanted.and(col(EFFECTIVE_ON).lt_eq(lit(ScalarValue::Date32(Some(day))))),
        }
    }
}

/// Reads entries into a cube, in which so many org units may come up.
pub(crate) async fn read_cube(
    context: &SessionContext,
    plan: &Arc<DatasetPlan>,
    scan: &Scan,
    bounds: Bounds,
    axis: &Axis,
    units: usize,
) -> Result<Cube> {
    if scan.files.is_empty() {
        return Ok(Cube::new(axis.clone(), &plan.has_value()));
    }
    let read = added_up(context, plan, scan, bounds, axis, units).await;
    or_why_not(scan, read).await
}

async fn added_up(
    context: &SessionContext,
    plan: &Arc<DatasetPlan>,
    scan: &Scan,
    bounds: Bounds,
    axis: &Axis,
    units: usize,
) -> Result<Cube> {
    let physical = cube_plan(context, plan, scan, bounds).await?;
    let mut parts = Vec::new();
    for partition in 0..physical.output_partitioning().partition_count() {
        let mut stream = physical.execute(partition, context.task_ctx())?;
        let (plan, axis) = (Arc::clone(plan), axis.clone());
        parts.push(tokio::spawn(async move {
            // Where a small file is read in parts, some of these have no rows.
            let mut accumulator = None;
            while let Some(batch) = stream.try_next().await? {
                accumulator
                    .get_or_insert_with(|| Accumulator::new(Arc::clone(&plan), axis.clone(), units))
                    .add(&within(batch, bounds)?)?;
            }
            Ok::<Option<Cube>, EngineError>(accumulator.map(Accumulator::finish))
        }));
    }
    let mut total: Option<Cube> = None;
    for part in parts {
        let part = part.await.map_err(|e| EngineError::stopped(&e))??;
        match (&mut total, part) {
            (Some(total), Some(part)) => total.merge(part)?,
            (None, Some(part)) => total = Some(part),
            (_, None) => {}
        }
    }
    Ok(total.unwrap_or_else(|| Cube::new(axis.clone(), &plan.has_value())))
}

async fn cube_plan(
    context: &SessionContext,
    plan: &DatasetPlan,
    scan: &Scan,
    bounds: Bounds,
) -> Result<Arc<dyn ExecutionPlan>> {
    let read = plan.reading()?;
    let mut columns: Vec<&str> = read.columns.iter().map(String::as_str).collect();
    columns.extend([ORG_UNIT, WEIGHT, EFFECTIVE_ON]);
    let columns = with_bounds(&columns, scan, bounds);
    physical_plan(context, &plan.dataset, scan, &columns, None).await
}

/// Reads rows of entries within bounds: whole, or the journal's columns with those of the dataset that are needed; all, or only
/// those that are wanted.
pub(crate) async fn read_rows(
    context: &SessionContext,
    dataset: &Dataset,
    scan: &Scan,
    bounds: Bounds,
    needed: Option<&Vec<String>>,
    only: Option<&Only>,
) -> Result<Vec<RecordBatch>> {
    if scan.files.is_empty() {
        return Ok(Vec::new());
    }
    let schema = entries_schema(dataset);
    let is_needed = |name: &str| {
        let is_of_journal = dataset.column(name).is_none() || name == ORG_UNIT;
        is_of_journal || needed.is_none_or(|needed| needed.iter().any(|one| one == name))
    };
    let columns: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| is_needed(name))
        .collect();
    let physical = physical_plan(context, dataset, scan, &columns, only).await?;
    let batches = datafusion::physical_plan::collect(physical, context.task_ctx()).await;
    let batches = or_why_not(scan, batches.map_err(EngineError::from)).await?;
    batches
        .into_iter()
        .map(|batch| within(batch, bounds))
        .collect()
}

/// Adds the columns that the bounds need, where files hold rows beyond them.
fn with_bounds<'c>(columns: &[&'c str], scan: &Scan, bounds: Bounds) -> Vec<&'c str> {
    let mut columns = columns.to_vec();
    if scan
        .files
        .iter()
        .any(|file| file.first_seq <= bounds.after_seq || file.last_seq > bounds.until_seq)
    {
        columns.push(SEQ);
    }
    if bounds.known_at.is_some() {
        columns.push(KNOWN_AT);
    }
    columns.sort_unstable();
    columns.dedup();
    columns
}

async fn physical_plan(
    context: &SessionContext,
    dataset: &Dataset,
    scan: &Scan,
    columns: &[&str],
    only: Option<&Only>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(only) = only else {
        return whole_columns(context, dataset, scan, columns).await;
    };
    let table = entries_listing(context, dataset, scan)?;
    let frame = context.read_table(Arc::new(table))?;
    let frame = frame.filter(only.condition())?.select_columns(columns)?;
    let physical = frame.create_physical_plan().await?;
    let found = files_of(&physical)?;
    let mut files = scan.files.iter();
    // A file that is not there would be read as if it had no rows.
    match files.find(|file| !found.contains(&Path::from(file.path.as_str()))) {
        // A condition that nothing can meet leaves no files to look for.
        Some(_) if found.is_empty() => all_there(scan).await?,
        Some(file) => return Err(EngineError::MissingFile(file.path.clone())),
        None => {}
    }
    Ok(physical)
}

/// Where entries could not be read, says it of the file that is not there or that the store does not give: the reader's own error
/// tells little of that.
async fn or_why_not<T>(scan: &Scan, read: Result<T>) -> Result<T> {
    if read.is_err() {
        all_there(scan).await?;
    }
    read
}

/// Makes sure that each file of a scan is there.
async fn all_there(scan: &Scan) -> Result<()> {
    for file in &scan.files {
        match scan.store.head(&Path::from(file.path.as_str())).await {
            Ok(_) => {}
            Err(datafusion::object_store::Error::NotFound { .. }) => {
                return Err(EngineError::MissingFile(file.path.clone()));
            }
            Err(error) => return Err(DataFusionError::from(error).into()),
        }
    }
    Ok(())
}

/// The files that a plan reads.
fn files_of(physical: &Arc<dyn ExecutionPlan>) -> Result<HashSet<Path>> {
    let mut found = HashSet::new();
    physical.apply(|node| {
        if let Some(config) = file_scan(node) {
            let files = config.file_groups.iter().flat_map(FileGroup::iter);
            found.extend(files.map(|file| file.object_meta.location.clone()));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// What an operator reads files by; `None` where it reads none.
fn file_scan(node: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    let source = node.downcast_ref::<DataSourceExec>()?;
    source.data_source().downcast_ref::<FileScanConfig>()
}

/// Reads columns as they lie. What the files are is known from the journal, which nobody has to be asked for again, and there is
/// nothing for an optimiser to find: looking takes longer than reading a small commit.
async fn whole_columns(
    context: &SessionContext,
    dataset: &Dataset,
    scan: &Scan,
    columns: &[&str],
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = nullable(&entries_schema(dataset));
    let places = columns.iter().map(|name| schema.index_of(name));
    let places: Vec<usize> = places.collect::<std::result::Result<_, _>>()?;
    let state = context.state();
    let parts = state.config().target_partitions();
    let files = scan.files.iter();
    let files = files.map(|file| PartitionedFile::new(file.path.as_str(), file.size_bytes));
    let format = format();
    let config =
        FileScanConfigBuilder::new(place(context, scan)?, format.file_source(schema.into()))
            .with_file_groups(FileGroup::new(files.collect()).split_files(parts))
            .with_projection_indices(Some(places))?
            .build();
    let plan = format.create_physical_plan(&state, config).await?;
    // A large file is read in as many parts as there are threads.
    let parted = plan.repartitioned(parts, state.config_options())?;
    Ok(parted.unwrap_or(plan))
}

/// The store of a scan, as a session knows it.
fn place(context: &SessionContext, scan: &Scan) -> Result<ObjectStoreUrl> {
    let url = ObjectStoreUrl::parse("keiki://journal")?;
    context
        .runtime_env()
        .register_object_store(url.as_ref(), Arc::clone(&scan.store));
    Ok(url)
}

/// How entries are read.
fn format() -> ParquetFormat {
    // What a query does not want is not decoded (decision 0112).
    let mut options = TableParquetOptions::default();
    options.global.pushdown_filters = true;
    options.global.reorder_filters = true;
    ParquetFormat::default().with_options(options)
}

/// The files of a scan as a table with the dataset's schema; columns that older files lack are null.
pub(crate) fn entries_listing(
    context: &SessionContext,
    dataset: &Dataset,
    scan: &Scan,
) -> Result<ListingTable> {
    let url = place(context, scan)?;
    let paths: Vec<ListingTableUrl> = scan
        .files
        .iter()
        .map(|file| ListingTableUrl::parse(format!("{url}{}", file.path)))
        .collect::<std::result::Result<_, _>>()?;
    let options = ListingOptions::new(Arc::new(format())).with_file_extension(".parquet");
    let schema = nullable(&entries_schema(dataset));
    let config = ListingTableConfig::new_with_multi_paths(paths)
        .with_listing_options(options)
        .with_schema(schema);
    Ok(ListingTable::try_new(config)?)
}

fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| f.as_ref().clone().with_nullable(true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// Leaves out rows beyond the bounds.
fn within(batch: RecordBatch, bounds: Bounds) -> Result<RecordBatch> {
    let mut keep: Option<BooleanArray> = None;
    if let Some(seqs) = batch
        .column_by_name(SEQ)
        .and_then(|c| c.as_primitive_opt::<Int64Type>())
    {
        keep = Some(
            seqs.values()
                .iter()
                .map(|seq| Some(*seq > bounds.after_seq && *seq <= bounds.until_seq))
                .collect(),
        );
    }
    if let (Some(limit), Some(known)) = (
        bounds.known_at,
        batch
            .column_by_name(KNOWN_AT)
            .and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>()),
    ) {
        let known: BooleanArray = known.values().iter().map(|at| Some(*at <= limit)).collect();
        keep = Some(match keep {
            Some(keep) => arrow::compute::and(&keep, &known)?,
            None => known,
        });
    }
    match keep {
        Some(keep) if keep.true_count() < batch.num_rows() => {
            Ok(arrow::compute::filter_record_batch(&batch, &keep)?)
        }
        _ => Ok(batch),
    }
}
