//! Columns that are filled from another dataset's record, when a reading comes in and when the other record changes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::DataType;
use keiki_model::calendar::BEGINNING;
use keiki_model::dataset::{Column, Dataset, Lookup};
use keiki_model::evidence::join_key;
use keiki_model::timeline::Word;

use crate::batches::{Batch, Snapshot};
use crate::error::{Result, StoreError};
use crate::heads::strings;
use crate::journal::{Journal, Submission, only_columns};
use crate::plan::{Changes, Output};
use crate::schema::{RECORD_KEY, SOURCE, WORD};

/// Returns the reading's rows with their looked-up columns filled.
pub(crate) async fn fill(
    journal: &Journal,
    snapshot: &Snapshot,
    submission: &Submission,
) -> Result<RecordBatch> {
    let mut rows = submission.evidence.rows.clone();
    for column in submission
        .dataset
        .columns
        .iter()
        .filter(|c| c.lookup.is_some())
    {
        let Some(lookup) = &column.lookup else {
            continue;
        };
        let other = dataset_named(submission, &lookup.dataset)?;
        let found = Found::read(journal, snapshot, other, &lookup.column).await?;
        rows = with_column(
            &rows,
            &submission.dataset,
            column,
            &found.values_for(&rows, lookup, column)?,
        )?;
    }
    Ok(rows)
}

fn dataset_named<'s>(submission: &'s Submission, name: &str) -> Result<&'s Arc<Dataset>> {
    let found = submission
        .datasets
        .iter()
        .find(|dataset| dataset.name == name);
    found.ok_or_else(|| {
        StoreError::Damaged(format!(
            "a lookup names a dataset that does not exist: {name}"
        ))
    })
}

/// One column of another dataset, by the record's key.
struct Found {
    rows: HashMap<String, u32>,
    column: ArrayRef,
}

impl Found {
    async fn read(
        journal: &Journal,
        snapshot: &Snapshot,
        other: &Dataset,
        column: &str,
    ) -> Result<Self> {
        let heads = journal.heads(other, snapshot).await?;
        let mut batches = Vec::new();
        for bucket in heads.filled() {
            batches.push(heads.bucket(bucket).await?);
        }
        Self::from_heads(&batches, other, column)
    }

    /// Takes the first source that speaks, in the order of names; lookups are meant for data of one source.
    fn from_heads(batches: &[RecordBatch], other: &Dataset, column: &str) -> Result<Self> {
        let schema = crate::heads::heads_schema(other);
        let all = arrow::compute::concat_batches(&schema, batches)?;
        let (keys, words, sources) = (
            strings(&all, RECORD_KEY)?,
            strings(&all, WORD)?,
            strings(&all, SOURCE)?,
        );
        let mut rows: HashMap<String, u32> = HashMap::new();
        for row in (0..all.num_rows()).filter(|row| words.value(*row) == "says") {
            let position = u32::try_from(row).unwrap_or(u32::MAX);
            rows.entry(keys.value(row).to_owned())
                .and_modify(|kept| {
                    if sources.value(row) < sources.value(*kept as usize) {
                        *kept = position;
                    }
                })
                .or_insert(position);
        }
        let column = all.column_by_name(column).ok_or_else(|| {
            StoreError::Damaged(format!(
                "a lookup names a column that does not exist: {column}"
            ))
        })?;
        Ok(Self {
            rows,
            column: Arc::clone(column),
        })
    }

    fn values_for(&self, rows: &RecordBatch, lookup: &Lookup, column: &Column) -> Result<ArrayRef> {
        let keys = lookup_keys(rows, &lookup.key)?;
        let picks: UInt32Array = keys
            .iter()
            .map(|key| key.as_ref().and_then(|key| self.rows.get(key)).copied())
            .collect();
        let taken = arrow::compute::take(&self.column, &picks, None)?;
        Ok(arrow::compute::cast(&taken, &column.kind.arrow())?)
    }
}

/// The key of the looked-up record for each row; `None` where a part is null.
fn lookup_keys(rows: &RecordBatch, names: &[String]) -> Result<Vec<Option<String>>> {
    let parts: Vec<StringArray> = names
        .iter()
        .map(|name| {
            let column = rows.column_by_name(name).ok_or_else(|| {
                StoreError::Damaged(format!(
                    "a lookup uses a column that does not exist: {name}"
                ))
            })?;
            Ok(arrow::compute::cast(column, &DataType::Utf8)?
                .as_string::<i32>()
                .clone())
        })
        .collect::<Result<_>>()?;
    Ok((0..rows.num_rows())
        .map(|row| {
            parts
                .iter()
                .all(|p| p.is_valid(row))
                .then(|| join_key(parts.iter().map(|p| p.value(row))))
        })
        .collect())
}

fn with_column(
    rows: &RecordBatch,
    dataset: &Dataset,
    column: &Column,
    values: &ArrayRef,
) -> Result<RecordBatch> {
    let schema = dataset.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(rows.columns())
        .map(|(field, old)| {
            Arc::clone(if *field.name() == column.name {
                values
            } else {
                old
            })
        })
        .collect();
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// Gives the records of other datasets that look up what this commit changed a new version, in the same commit.
pub(crate) async fn follow(
    journal: &Journal,
    snapshot: &Snapshot,
    submission: &Submission,
    batch: &Batch,
    changes: &mut Vec<(Arc<Dataset>, Changes)>,
) -> Result<()> {
    let changed = &submission.dataset;
    let assertions = changes[0].1.assertions.clone();
    if assertions.num_rows() == 0 {
        return Ok(());
    }
    let touched: HashSet<String> = strings(&assertions, RECORD_KEY)?
        .iter()
        .flatten()
        .map(str::to_owned)
        .collect();
    for dependent in &submission.datasets {
        let columns: Vec<&Column> = dependent
            .columns
            .iter()
            .filter(|c| c.lookup.as_ref().is_some_and(|l| l.dataset == changed.name))
            .collect();
        if columns.is_empty() || dependent.name == changed.name {
            continue;
        }
        let mut heads = journal.heads(changed, snapshot).await?;
        heads.replay(std::slice::from_ref(&assertions))?;
        let mut lookup_rows = Vec::new();
        for bucket in heads.filled() {
            lookup_rows.push(heads.bucket(bucket).await?);
        }
        let mut output = Output::new(dependent)?;
        let dependents = journal.heads(dependent, snapshot).await?;
        let mut sources: BTreeMap<String, ()> = BTreeMap::new();
        for bucket in dependents.filled() {
            let rows = dependents.bucket(bucket).await?;
            sources.extend(refill(
                &rows,
                dependent,
                &columns,
                changed,
                &lookup_rows,
                &touched,
                batch,
                &mut output,
            )?);
        }
        let source = sources
            .into_keys()
            .next()
            .unwrap_or_else(|| batch.source.clone());
        changes.push((
            Arc::clone(dependent),
            output.finish(dependent, &source, batch.seq, &batch.batch_id)?,
        ));
    }
    Ok(())
}

/// Writes new versions of the heads whose looked-up values changed; returns their sources.
#[expect(clippy::too_many_arguments, reason = "both sides of a join")]
fn refill(
    heads: &RecordBatch,
    dependent: &Dataset,
    columns: &[&Column],
    changed: &Dataset,
    lookup_rows: &[RecordBatch],
    touched: &HashSet<String>,
    batch: &Batch,
    output: &mut Output,
) -> Result<Vec<(String, ())>> {
    let old = only_columns(heads, dependent)?;
    let mut new = old.clone();
    let mut affected = vec![false; heads.num_rows()];
    for column in columns {
        let Some(lookup) = &column.lookup else {
            continue;
        };
        for (flag, key) in affected.iter_mut().zip(lookup_keys(&old, &lookup.key)?) {
            *flag |= key.is_some_and(|key| touched.contains(&key));
        }
        let found = Found::from_heads(lookup_rows, changed, &lookup.column)?;
        new = with_column(
            &new,
            dependent,
            column,
            &found.values_for(&old, lookup, column)?,
        )?;
    }
    let (keys, words, sources) = (
        strings(heads, RECORD_KEY)?,
        strings(heads, WORD)?,
        strings(heads, SOURCE)?,
    );
    let (old, new) = (output.add_values(old)?, output.add_values(new)?);
    let mut written = Vec::new();
    for row in (0..heads.num_rows()).filter(|row| affected[*row] && words.value(*row) == "says") {
        let position = u32::try_from(row).unwrap_or(u32::MAX);
        let (before, after) = ((old, position), (new, position));
        if output.values().are_equal(before, after) {
            continue;
        }
        output.assert(
            keys.value(row),
            Word::Says(after),
            BEGINNING,
            batch.known_at,
        );
        output.change(
            keys.value(row),
            Some(before),
            Some(after),
            BEGINNING,
            batch.known_at,
        );
        written.push((sources.value(row).to_owned(), ()));
    }
    Ok(written)
}
