//! A user's own SQL over the journal: one table per dataset with its entries, and the batch list.

use std::sync::Arc;

use arrow::array::{Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::execution::context::{SQLOptions, SessionContext};
use keiki_model::dataset::Dataset;
use keiki_model::disclosure::Legible;
use keiki_model::text::Text;
use keiki_store::{Journal, Snapshot, entries_schema};

use crate::engine::Engine;
use crate::error::{EngineError, Result};
use crate::expressions::session;
use crate::read::entries_listing;

impl Engine {
    /// Runs a query that only reads. *Shape*: tables named like the datasets, with their columns and the journal's; `batches`.
    ///
    /// # Errors
    /// The query is wrong, or would change something.
    pub async fn sql(&self, journal: &Journal, query: &str) -> Result<Vec<RecordBatch>> {
        self.sql_of(journal, query, |_| Legible::Whole).await
    }

    /// Runs such a query for somebody who may not see everything: of each dataset there is what is legible.
    ///
    /// # Errors
    /// As `sql`; what is not legible is not there.
    pub async fn sql_of(
        &self,
        journal: &Journal,
        query: &str,
        legible: impl Fn(&Dataset) -> Legible,
    ) -> Result<Vec<RecordBatch>> {
        let context = session(self.setting.calendars.clone(), self.setting.zone.clone());
        let snapshot = journal.snapshot().await?;
        let datasets = self.setting.catalogue.datasets.values();
        let datasets: Vec<&Dataset> = datasets.map(Arc::as_ref).collect();
        journal.open_entries(&datasets).await?;
        for dataset in self.setting.catalogue.datasets.values() {
            let legible = legible(dataset);
            if legible == Legible::Nothing {
                continue;
            }
            let scan = journal.scan(dataset, &snapshot, 0, snapshot.seq()).await?;
            let table: Arc<dyn TableProvider> = if scan.files.is_empty() {
                let schema = entries_schema(dataset);
                Arc::new(MemTable::try_new(schema, vec![Vec::new()])?)
            } else {
                Arc::new(entries_listing(&context, dataset, &scan)?)
            };
            let table = match legible {
                Legible::WithoutNames => without_names(&context, table, dataset)?,
                _ => table,
            };
            context.register_table(dataset.name.as_str(), table)?;
        }
        let batches = batches(&snapshot)?;
        context.register_batch("batches", batches)?;
        let reading = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        let wrong = |e: datafusion::error::DataFusionError| {
            EngineError::query(Text::quoted(e.strip_backtrace()))
        };
        let frame = context
            .sql_with_options(query, reading)
            .await
            .map_err(wrong)?;
        let schema: Schema = frame.schema().as_arrow().clone();
        let found = frame.collect().await.map_err(wrong)?;
        Ok(if found.is_empty() {
            vec![RecordBatch::new_empty(Arc::new(schema))]
        } else {
            found
        })
    }
}

/// A table without the columns that name people.
fn without_names(
    context: &SessionContext,
    table: Arc<dyn TableProvider>,
    dataset: &Dataset,
) -> Result<Arc<dyn TableProvider>> {
    let schema = table.schema();
    let is_shown = |name: &&str| dataset.column(name).is_none_or(|column| !column.personal);
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let names: Vec<&str> = names.filter(is_shown).collect();
    Ok(context
        .read_table(table)?
        .select_columns(&names)?
        .into_view())
}

fn batches(snapshot: &Snapshot) -> Result<RecordBatch> {
    let all = snapshot.batches();
    let text = |f: fn(&keiki_store::Batch) -> &str| -> arrow::array::ArrayRef {
        Arc::new(StringArray::from_iter_values(all.iter().map(f)))
    };
    let count = |f: fn(&keiki_model::evidence::Counts) -> u64| -> arrow::array::ArrayRef {
        Arc::new(Int64Array::from_iter_values(
            all.iter()
                .map(|b| i64::try_from(f(&b.counts)).unwrap_or(i64::MAX)),
        ))
    };
    Ok(RecordBatch::try_from_iter([
        (
            "seq",
            Arc::new(Int64Array::from_iter_values(all.iter().map(|b| b.seq)))
                as arrow::array::ArrayRef,
        ),
        ("batch_id", text(|b| &b.batch_id)),
        ("source", text(|b| &b.source)),
        ("dataset", text(|b| &b.dataset)),
        (
            "as_of",
            Arc::new(Date32Array::from_iter_values(all.iter().map(|b| b.as_of))),
        ),
        (
            "known_at",
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(all.iter().map(|b| b.known_at))
                    .with_timezone("UTC"),
            ),
        ),
        ("accepted", count(|c| c.accepted)),
        ("changed", count(|c| c.changed)),
        ("unchanged", count(|c| c.unchanged)),
        ("retired", count(|c| c.retired)),
        ("rejected", count(|c| c.rejected)),
        ("author", text(|b| &b.author)),
    ])?)
}
