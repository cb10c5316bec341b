//! Fits a table to a changed definition: new columns are added as nulls; a changed type or key is journalled anew with the
//! original commits and times.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{Field, SchemaRef};
use keiki_model::dataset::Dataset;
use keiki_model::problem::{Place, Problem};
use keiki_model::text::Text;

use crate::batches::Snapshot;
use crate::error::{Result, StoreError};
use crate::journal::{Journal, assertions_table, entries_table, keys_of};
use crate::scan::{compacted_name, visible};
use crate::schema::{RECORD_KEY, assertions_schema, entries_schema};
use crate::table::{Table, delta_type};

/// Fits a dataset's tables to its definition.
pub(crate) async fn fit(journal: &Journal, dataset: &Dataset, snapshot: &Snapshot) -> Result<()> {
    entries(journal, dataset, snapshot).await?;
    let (name, schema) = (assertions_table(&dataset.name), assertions_schema(dataset));
    fitted(journal, dataset, snapshot, &name, &schema).await?;
    Ok(())
}

/// A dataset's entries, fitted to its definition; `None` if there are none.
pub(crate) async fn entries(
    journal: &Journal,
    dataset: &Dataset,
    snapshot: &Snapshot,
) -> Result<Option<Table>> {
    let (name, schema) = (entries_table(&dataset.name), entries_schema(dataset));
    fitted(journal, dataset, snapshot, &name, &schema).await
}

async fn fitted(
    journal: &Journal,
    dataset: &Dataset,
    snapshot: &Snapshot,
    name: &str,
    schema: &SchemaRef,
) -> Result<Option<Table>> {
    let Some(mut table) = journal.table(name).await? else {
        return Ok(None);
    };
    let columns = table.columns()?;
    let missing: Vec<Field> = schema
        .fields()
        .iter()
        .filter(|field| !columns.iter().any(|(name, _)| name == field.name()))
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect();
    if !missing.is_empty() {
        table.add_columns(&missing).await?;
    }
    let changed: Vec<&Arc<Field>> = schema
        .fields()
        .iter()
        .filter(|field| {
            columns
                .iter()
                .any(|(name, kind)| name == field.name() && *kind != delta_type(field))
        })
        .collect();
    if !changed.is_empty() {
        let names: Vec<&str> = changed.iter().map(|field| field.name().as_str()).collect();
        rejournal(dataset, snapshot, &mut table, schema, &names).await?;
    }
    if !missing.is_empty() || !changed.is_empty() {
        journal.keep(name, &table).await;
    }
    Ok(Some(table))
}

/// Writes all visible rows anew in the new types, keeping commit and times; the old files leave the table in the same
/// commit that brings the new schema.
async fn rejournal(
    dataset: &Dataset,
    snapshot: &Snapshot,
    table: &mut Table,
    schema: &SchemaRef,
    changed: &[&str],
) -> Result<()> {
    let mut rewritten = Vec::new();
    for file in visible(table, snapshot)? {
        for rows in table.read(&file.path).await? {
            rewritten.push(retype(&rows, schema, dataset, changed)?);
        }
    }
    let all = arrow::compute::concat_batches(schema, &rewritten)?;
    let old = table.files()?;
    let add = table
        .write(&compacted_name((0, snapshot.seq())), &all)
        .await?;
    table.replace_with_schema(schema, &old, add).await?;
    Ok(())
}

fn retype(
    rows: &RecordBatch,
    schema: &SchemaRef,
    dataset: &Dataset,
    changed: &[&str],
) -> Result<RecordBatch> {
    let strict = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let columns: Vec<ArrayRef> =
        schema
            .fields()
            .iter()
            .map(|field| {
                let Some(column) = rows.column_by_name(field.name()) else {
                    return Ok(arrow::array::new_null_array(
                        field.data_type(),
                        rows.num_rows(),
                    ));
                };
                cast_with_options(column, field.data_type(), &strict).map_err(|error| {
                    let problem = Problem::new(
                        Place::file(&dataset.file),
                        Text::new(
                            format!(
                                "列 `{}` を {} に変えられません: {error}",
                                field.name(),
                                field.data_type()
                            ),
                            format!(
                                "column `{}` cannot become {}: {error}",
                                field.name(),
                                field.data_type()
                            ),
                        ),
                    );
                    StoreError::Definition(problem.hint(Text::new(format!(
                    "記帳済みの {} の値が新しい型に収まりません。新しい列を加えてください",
                    changed.join(", ")
                ), format!(
                    "journalled values of {} do not fit the new type; add a new column instead",
                    changed.join(", ")
                ))))
                })
            })
            .collect::<Result<_>>()?;
    let retyped = RecordBatch::try_new(Arc::clone(schema), columns)?;
    let keys = keys_of(&crate::journal::only_columns(&retyped, dataset)?, dataset)?;
    let old = retyped
        .column_by_name(RECORD_KEY)
        .map(|c| c.as_string::<i32>().clone());
    let key_of_row = |row: usize| old.as_ref().map_or("", |old| old.value(row));
    let kept: arrow::array::StringArray = (0..retyped.num_rows())
        .map(|row| {
            Some(if keys.is_valid(row) && !keys.value(row).is_empty() {
                keys.value(row).to_owned()
            } else {
                key_of_row(row).to_owned()
            })
        })
        .collect();
    let columns = schema
        .fields()
        .iter()
        .zip(retyped.columns())
        .map(|(field, column)| {
            if field.name() == RECORD_KEY {
                Arc::new(kept.clone()) as ArrayRef
            } else {
                Arc::clone(column)
            }
        })
        .collect();
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}
