//! Evidence that follows from other evidence: a source's query over the books as they stand on a day.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionContext, col};
use keiki_model::calendar::{Day, date_of};
use keiki_model::dataset::Dataset;
use keiki_model::text::Text;
use keiki_store::{EFFECTIVE_ON, Journal, RECORD_KEY, WEIGHT, entries_schema};

use crate::engine::Engine;
use crate::error::{EngineError, Result};
use crate::expressions::session;
use crate::read::entries_listing;

/// How the table of a dataset's entries is named beside that of its records.
const ENTRIES: &str = "entries_of_";

/// What stands for the day in a query.
const AS_OF: &str = "$as_of";

/// A source's query.
#[derive(Debug, Clone, Copy)]
pub struct Derivation<'d> {
    /// The source, whose own word the query does not see.
    pub source: &'d str,
    /// The dataset into which its rows go.
    pub dataset: &'d str,
    /// The query. *Shape*: each dataset is a table of its records, without columns that name people; the source's own dataset as
    /// the other sources have it. `$as_of` is the day.
    pub query: &'d str,
}

/// What a query would give, and from what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its columns.
    pub schema: SchemaRef,
    /// The datasets that it reads, its own aside.
    pub inputs: BTreeSet<String>,
    /// What it does with its own.
    pub own: Own,
}

/// What a query does with what other sources say of its own dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// It takes it over.
    Read,
    /// It does without.
    Unread,
}

impl Engine {
    /// Plans a source's query without reading anything.
    ///
    /// # Errors
    /// The query is wrong, or would change something.
    pub async fn outline(&self, derivation: Derivation<'_>) -> Result<Outline> {
        let context = session(self.setting.calendars.clone(), self.setting.zone.clone());
        for dataset in self.setting.catalogue.datasets.values() {
            let table = MemTable::try_new(records_schema(dataset), vec![Vec::new()])?;
            context.register_table(dataset.name.as_str(), Arc::new(table))?;
        }
        let frame = plan(&context, derivation.query, 0).await?;
        let mut inputs = BTreeSet::new();
        tables(frame.logical_plan(), &mut inputs)?;
        let own = if inputs.remove(derivation.dataset) {
            Own::Read
        } else {
            Own::Unread
        };
        let fields = frame.schema().as_arrow().fields().clone();
        Ok(Outline {
            schema: Arc::new(Schema::new(fields)),
            inputs,
            own,
        })
    }

    /// Runs a source's query over what is known now of a day. *Shape*: rows in an order of their own, so that the same books
    /// give the same rows; at least one batch.
    ///
    /// # Errors
    /// The query is wrong, or the journal cannot be read.
    pub async fn derive(
        &self,
        journal: &Journal,
        derivation: Derivation<'_>,
        as_of: Day,
    ) -> Result<Vec<RecordBatch>> {
        let context = session(self.setting.calendars.clone(), self.setting.zone.clone());
        let snapshot = journal.snapshot().await?;
        let read = self.outline(derivation).await?.inputs;
        let datasets = self.setting.catalogue.datasets.values();
        let inputs = datasets.filter(|dataset| read.contains(&dataset.name));
        let inputs: Vec<&Dataset> = inputs.map(Arc::as_ref).collect();
        journal.open_entries(&inputs).await?;
        for dataset in self.setting.catalogue.datasets.values() {
            let schema = records_schema(dataset);
            let name = dataset.name.as_str();
            if name == derivation.dataset {
                let rows = journal
                    .standing(dataset, &snapshot, derivation.source)
                    .await?;
                let rows = projected(&rows, &schema)?;
                let table = MemTable::try_new(schema, vec![vec![rows]])?;
                context.register_table(name, Arc::new(table))?;
                continue;
            }
            let scan = if read.contains(name) {
                Some(journal.scan(dataset, &snapshot, 0, snapshot.seq()).await?)
            } else {
                None
            };
            let Some(scan) = scan.filter(|scan| !scan.files.is_empty()) else {
                let table = MemTable::try_new(schema, vec![Vec::new()])?;
                context.register_table(name, Arc::new(table))?;
                continue;
            };
            let entries = format!("{ENTRIES}{name}");
            let listing = entries_listing(&context, dataset, &scan)?;
            context.register_table(entries.as_str(), Arc::new(listing))?;
            let records = context
                .sql(&records_query(dataset, &entries, as_of))
                .await?
                .into_view();
            context.register_table(name, records)?;
        }
        let frame = plan(&context, derivation.query, as_of).await?;
        let schema = Arc::new(Schema::new(frame.schema().as_arrow().fields().clone()));
        let columns = frame.schema().columns();
        let order = columns
            .into_iter()
            .map(|column| col(column).sort(true, true))
            .collect();
        let found = frame.sort(order)?.collect().await.map_err(|e| wrong(&e))?;
        Ok(if found.is_empty() {
            vec![RecordBatch::new_empty(schema)]
        } else {
            found
        })
    }
}

/// The columns of a dataset's records, without those that name people.
fn records_schema(dataset: &Dataset) -> SchemaRef {
    let entries = entries_schema(dataset);
    let shown = dataset.journalled().filter(|column| !column.personal);
    let names = shown.map(|column| column.name.as_str()).chain([RECORD_KEY]);
    let fields: Vec<Arc<Field>> = names
        .filter_map(|name| entries.field_with_name(name).ok())
        .map(|field| Arc::new(field.clone().with_nullable(true)))
        .collect();
    Arc::new(Schema::new(fields))
}

fn records_query(dataset: &Dataset, entries: &str, as_of: Day) -> String {
    let schema = records_schema(dataset);
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| format!("\"{}\"", field.name()))
        .collect();
    let columns = columns.join(", ");
    let day = date_of(as_of);
    format!(
        "select {columns} from {entries} where {EFFECTIVE_ON} <= date '{day}' group by {columns} \
         having sum({WEIGHT}) > 0"
    )
}

fn projected(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| match rows.column_by_name(field.name()) {
            Some(column) => Ok(arrow::compute::cast(column, field.data_type())?),
            None => Ok(arrow::array::new_null_array(
                field.data_type(),
                rows.num_rows(),
            )),
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

async fn plan(context: &SessionContext, query: &str, as_of: Day) -> Result<DataFrame> {
    let reading = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let query = query.replace(AS_OF, &format!("date '{}'", date_of(as_of)));
    context
        .sql_with_options(&query, reading)
        .await
        .map_err(|e| wrong(&e))
}

fn wrong(error: &DataFusionError) -> EngineError {
    EngineError::query(Text::quoted(error.strip_backtrace()))
}

/// The tables that a plan reads, those of its subqueries among them.
fn tables(plan: &LogicalPlan, found: &mut BTreeSet<String>) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            found.insert(scan.table_name.table().to_owned());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}
