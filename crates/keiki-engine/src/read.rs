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
use datafusion::object_store::path::Path;
use datafusion::object_store::{self, ObjectStoreExt};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::prelude::{Expr, SessionContext, col, lit};
use futures::{StreamExt, TryStreamExt, stream};
use keiki_model::calendar::Day;
use keiki_model::dataset::{Dataset, ORG_UNIT};
use keiki_store::{EFFECTIVE_ON, EntryFile, KNOWN_AT, SEQ, Scan, WEIGHT, entries_schema};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::accumulate::Accumulator;
use crate::axis::Axis;
use crate::cube::Cube;
use crate::error::{EngineError, Result};
use crate::plan::DatasetPlan;
#[cfg(feature = "cluster")]
pub(crate) use part::{PartRead, Ranges, read_part};

/// Files that are asked for at the same time what they hold.
const FILES_AT_ONCE: usize = 32;

/// What a Parquet file ends with: how long its footer is, and a mark. *Source*: the Parquet file format.
const FOOTER_BYTES: u64 = 8;

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
    let read = async {
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
                        .get_or_insert_with(|| {
                            Accumulator::new(Arc::clone(&plan), axis.clone(), units)
                        })
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
    };
    or_why_not(scan, Box::pin(read).await).await
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
    let read = async {
        let physical = physical_plan(context, dataset, scan, &columns, only).await?;
        Ok(datafusion::physical_plan::collect(physical, context.task_ctx()).await?)
    };
    let batches = or_why_not(scan, Box::pin(read).await).await?;
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
    match files.find(|file| !path(file).is_ok_and(|path| found.contains(&path))) {
        // A condition that nothing can meet leaves no files to look for.
        Some(_) if found.is_empty() => all_there(scan).await?,
        Some(file) => return Err(EngineError::MissingFile(file.path.clone())),
        None => {}
    }
    Ok(physical)
}

/// Where files could not be read, says it of the one that is not there or that the store does not give: the reader's own error mostly
/// tells little of that.
async fn or_why_not<T>(scan: &Scan, read: Result<T>) -> Result<T> {
    if let Err(EngineError::Sql(_) | EngineError::Arrow(_)) = &read {
        all_there(scan).await?;
    }
    read
}

/// Makes sure that the store gives each file of a scan.
async fn all_there(scan: &Scan) -> Result<()> {
    let looks = scan.files.iter().map(|file| async move {
        // The end of a file says where all else is, and shows that it is as long as the journal says.
        let end = file.size_bytes.saturating_sub(FOOTER_BYTES)..file.size_bytes;
        match scan.store.get_range(&path(file)?, end).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::NotFound { .. }) => {
                Err(EngineError::MissingFile(file.path.clone()))
            }
            Err(error) => Err(DataFusionError::from(error).into()),
        }
    });
    let looks: Vec<_> = looks.collect();
    let looked = stream::iter(looks).buffered(FILES_AT_ONCE);
    looked.try_collect().await
}

fn path(file: &EntryFile) -> Result<Path> {
    let path = Path::parse(&file.path).map_err(object_store::Error::from);
    Ok(path.map_err(DataFusionError::from)?)
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

/// Reads columns as they lie. Which files there are and how large is known from the journal, so that nobody is asked for that again;
/// and there is nothing for an optimiser to find: looking takes longer than reading a small commit.
async fn whole_columns(
    context: &SessionContext,
    dataset: &Dataset,
    scan: &Scan,
    columns: &[&str],
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = nullable(&entries_schema(dataset));
    let places = columns.iter().map(|name| schema.index_of(name));
    let places: Vec<usize> = places.collect::<std::result::Result<_, _>>()?;
    let schema = Arc::new(schema.project(&places)?);
    let (state, format) = (context.state(), parquet());
    let files = scan.files.iter().map(|file| async {
        let location = path(file)?;
        let mut file = PartitionedFile::new(String::new(), file.size_bytes);
        file.object_meta.location = location;
        // What a file says about its columns comes with where they lie in it, which the reader asks for next.
        let told = format.infer_stats(&state, &scan.store, Arc::clone(&schema), &file.object_meta);
        file.statistics = Some(Arc::new(told.await?));
        Ok::<_, EngineError>(file)
    });
    let files: Vec<_> = files.collect();
    let files = stream::iter(files).buffered(FILES_AT_ONCE);
    let files = FileGroup::new(files.try_collect().await?);
    let parts = state.config().target_partitions();
    let source = format.file_source(Arc::clone(&schema).into());
    let config = FileScanConfigBuilder::new(store_of(context, scan)?, source)
        .with_file_groups(files.split_files(parts))
        .build();
    let plan = format.create_physical_plan(&state, config).await?;
    // A large file is read in several parts.
    let parted = plan.repartitioned(parts, state.config_options())?;
    Ok(parted.unwrap_or(plan))
}

/// The store of a scan, as a session knows it.
fn store_of(context: &SessionContext, scan: &Scan) -> Result<ObjectStoreUrl> {
    let url = ObjectStoreUrl::parse("keiki://journal")?;
    context
        .runtime_env()
        .register_object_store(url.as_ref(), Arc::clone(&scan.store));
    Ok(url)
}

/// How entries are read.
fn parquet() -> ParquetFormat {
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
    let store = store_of(context, scan)?;
    let listed = |file: &EntryFile| {
        let mut url: Url = AsRef::<Url>::as_ref(&store).clone();
        let segments = url.path_segments_mut();
        let mut segments = segments.expect("an address with a host has a path");
        segments.pop_if_empty().extend(file.path.split('/'));
        drop(segments);
        ListingTableUrl::try_new(url, None)
    };
    let paths = scan.files.iter().map(listed);
    let paths: Vec<ListingTableUrl> = paths.collect::<std::result::Result<_, _>>()?;
    let options = ListingOptions::new(Arc::new(parquet())).with_file_extension(".parquet");
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
