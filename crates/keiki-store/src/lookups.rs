//! Columns that are filled from another dataset's record, when a reading comes in and when the other record changes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array, new_null_array,
};
use arrow::datatypes::DataType;
use futures::TryStreamExt;
use keiki_model::calendar::BEGINNING;
use keiki_model::dataset::{Column, Dataset, Lookup};
use keiki_model::evidence::join_key;
use keiki_model::text::plain;
use keiki_model::timeline::{Word, resolve};

use crate::batches::{Batch, Snapshot};
use crate::error::{Result, StoreError};
use crate::heads::strings;
use crate::identity::Differing;
use crate::journal::{Journal, Submission, only_columns};
use crate::plan::{Changes, Output};
use crate::schema::{RECORD_KEY, SOURCE, WORD};

/// Fills the looked-up columns of a reading's rows.
pub(crate) struct Fill(Vec<(Column, Lookup, Found)>);

impl Fill {
    /// Reads what the columns of the reading's dataset look up.
    pub(crate) async fn read(
        journal: &Journal,
        snapshot: &Snapshot,
        (dataset, datasets): (&Dataset, &[Arc<Dataset>]),
    ) -> Result<Self> {
        let mut columns = Vec::new();
        for column in &dataset.columns {
            let Some(lookup) = &column.lookup else {
                continue;
            };
            let other = dataset_named(datasets, &lookup.dataset)?;
            let found = Found::read(journal, snapshot, other, &lookup.column).await?;
            columns.push((column.clone(), lookup.clone(), found));
        }
        Ok(Self(columns))
    }

    /// Returns rows with their looked-up columns filled.
    pub(crate) fn apply(&self, dataset: &Dataset, mut rows: RecordBatch) -> Result<RecordBatch> {
        for (column, lookup, found) in &self.0 {
            let values = found.values_for(&rows, lookup, column)?;
            rows = with_column(&rows, dataset, column, &values)?;
        }
        Ok(rows)
    }
}

fn dataset_named<'d>(datasets: &'d [Arc<Dataset>], name: &str) -> Result<&'d Arc<Dataset>> {
    let found = datasets.iter().find(|dataset| dataset.name == name);
    found.ok_or_else(|| {
        StoreError::damaged(
            format!("参照先のデータ種別がありません: {name}"),
            format!("a lookup names a dataset that does not exist: {name}"),
        )
    })
}

/// One column of another dataset, by the record's key, as the dataset's sources together have it.
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
        let batches: Vec<RecordBatch> = heads.all().try_collect().await?;
        Self::from_heads(&batches, other, &snapshot.precedence(&other.name), column)
    }

    fn from_heads(
        batches: &[RecordBatch],
        other: &Dataset,
        precedence: &HashMap<String, i32>,
        column: &str,
    ) -> Result<Self> {
        let schema = crate::heads::heads_schema(other);
        let all = arrow::compute::concat_batches(&schema, batches)?;
        let mut rows: HashMap<String, u32> = HashMap::new();
        for (key, told) in by_record(&all, precedence)? {
            if let Some(row) = resolve(told.iter().map(|told| told.word)) {
                rows.insert(key, row);
            }
        }
        let column = all.column_by_name(column).ok_or_else(|| {
            StoreError::damaged(
                format!("参照先の列がありません: {column}"),
                format!("a lookup names a column that does not exist: {column}"),
            )
        })?;
        Ok(Self {
            rows,
            column: Arc::clone(column),
        })
    }

    fn values_for(&self, rows: &RecordBatch, lookup: &Lookup, column: &Column) -> Result<ArrayRef> {
        if self.rows.is_empty() {
            return Ok(new_null_array(&column.kind.arrow(), rows.num_rows()));
        }
        let keys = lookup_keys(rows, &lookup.key)?;
        let picks: UInt32Array = keys
            .iter()
            .map(|key| key.as_ref().and_then(|key| self.rows.get(key)).copied())
            .collect();
        let taken = arrow::compute::take(&self.column, &picks, None)?;
        Ok(arrow::compute::cast(&taken, &column.kind.arrow())?)
    }
}

/// What one source says of a record: the source and the row of its head.
struct Told {
    source: String,
    word: Word<u32>,
}

/// Heads by record, the sources of each in order of precedence.
fn by_record(
    heads: &RecordBatch,
    precedence: &HashMap<String, i32>,
) -> Result<BTreeMap<String, Vec<Told>>> {
    let (keys, words, sources) = (
        strings(heads, RECORD_KEY)?,
        strings(heads, WORD)?,
        strings(heads, SOURCE)?,
    );
    let mut records: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    for row in 0..heads.num_rows() {
        let position = u32::try_from(row).unwrap_or(u32::MAX);
        let word = match words.value(row) {
            "ended" => Word::Ended,
            "silent" => Word::Silent,
            _ => Word::Says(position),
        };
        records
            .entry(keys.value(row).to_owned())
            .or_default()
            .push(Told {
                source: sources.value(row).to_owned(),
                word,
            });
    }
    for told in records.values_mut() {
        told.sort_by_cached_key(|told| {
            let rank = precedence.get(&told.source).copied().unwrap_or(i32::MAX);
            (rank, told.source.clone())
        });
    }
    Ok(records)
}

impl Journal {
    /// The records of a dataset as its sources say last, one of them left out. *Shape*: the dataset's journalled columns and
    /// what is known of the assertion.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn standing(
        &self,
        dataset: &Dataset,
        snapshot: &Snapshot,
        except: &str,
    ) -> Result<RecordBatch> {
        let heads = self.heads(dataset, snapshot).await?;
        let precedence = snapshot.precedence(&dataset.name);
        let mut parts = Vec::new();
        for bucket in heads.filled() {
            let rows = heads.bucket(bucket).await?;
            let picks: UInt32Array = by_record(&rows, &precedence)?
                .values()
                .filter_map(|told| {
                    let others = told.iter().filter(|told| told.source != except);
                    resolve(others.map(|told| told.word))
                })
                .collect::<Vec<u32>>()
                .into();
            parts.push(arrow::compute::take_record_batch(&rows, &picks)?);
        }
        let schema = crate::heads::heads_schema(dataset);
        Ok(arrow::compute::concat_batches(&schema, &parts)?)
    }
}

/// The values in which the sources of a dataset's records differ.
pub(crate) async fn differing(
    journal: &Journal,
    snapshot: &Snapshot,
    dataset: &Dataset,
) -> Result<Vec<Differing>> {
    let heads = journal.heads(dataset, snapshot).await?;
    let precedence = snapshot.precedence(&dataset.name);
    let mut found = Vec::new();
    let mut buckets = std::pin::pin!(heads.all());
    while let Some(rows) = buckets.try_next().await? {
        let mut columns = Vec::new();
        for column in dataset.journalled().filter(|column| !column.personal) {
            columns.push((&column.name, strings(&rows, &column.name)?));
        }
        for (record, told) in by_record(&rows, &precedence)? {
            for (column, values) in &columns {
                let said = told.iter().filter_map(|told| match told.word {
                    Word::Says(row) if values.is_valid(row as usize) => {
                        Some((told.source.clone(), values.value(row as usize).to_owned()))
                    }
                    _ => None,
                });
                let said: Vec<(String, String)> = said.collect();
                if said
                    .iter()
                    .any(|(_, value)| plain(value) != plain(&said[0].1))
                {
                    found.push(Differing {
                        record: record.clone(),
                        column: (*column).clone(),
                        said,
                    });
                }
            }
        }
    }
    found.sort_by(|a, b| (&a.record, &a.column).cmp(&(&b.record, &b.column)));
    Ok(found)
}

/// The key of the looked-up record for each row; `None` where a part is null.
fn lookup_keys(rows: &RecordBatch, names: &[String]) -> Result<Vec<Option<String>>> {
    let parts: Vec<StringArray> = names
        .iter()
        .map(|name| {
            let column = rows.column_by_name(name).ok_or_else(|| {
                StoreError::damaged(
                    format!("参照に使う列がありません: {name}"),
                    format!("a lookup uses a column that does not exist: {name}"),
                )
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
    let mut precedence = snapshot.precedence(&changed.name);
    precedence.insert(submission.source.clone(), submission.precedence);
    for dependent in &submission.datasets {
        let columns: Vec<(&Column, &Lookup)> = dependent
            .columns
            .iter()
            .filter_map(|column| Some((column, column.lookup.as_ref()?)))
            .filter(|(_, lookup)| lookup.dataset == changed.name)
            .collect();
        if columns.is_empty() || dependent.name == changed.name {
            continue;
        }
        let mut heads = journal.heads(changed, snapshot).await?;
        heads.replay(std::slice::from_ref(&assertions))?;
        let lookup_rows: Vec<RecordBatch> = heads.all().try_collect().await?;
        let found = columns
            .into_iter()
            .map(|(column, lookup)| {
                let found = Found::from_heads(&lookup_rows, changed, &precedence, &lookup.column)?;
                Ok((column, lookup, found))
            })
            .collect::<Result<Vec<_>>>()?;
        let refill = Refill {
            dependent,
            columns: found,
            touched: &touched,
            precedence: snapshot.precedence(&dependent.name),
            known_at: batch.known_at,
        };
        let mut output = Output::new(dependent, &batch.source)?;
        let dependents = journal.heads(dependent, snapshot).await?;
        let mut buckets = std::pin::pin!(dependents.all());
        while let Some(bucket) = buckets.try_next().await? {
            refill.bucket(&bucket, &mut output)?;
        }
        let written = output.finish(dependent, batch.seq, &batch.batch_id)?;
        changes.push((Arc::clone(dependent), written));
    }
    Ok(())
}

/// What it takes to give dependent records their looked-up values anew.
struct Refill<'a> {
    dependent: &'a Dataset,
    columns: Vec<(&'a Column, &'a Lookup, Found)>,
    touched: &'a HashSet<String>,
    precedence: HashMap<String, i32>,
    known_at: i64,
}

impl Refill<'_> {
    /// Writes a new version of each head whose looked-up values changed, by the source whose head it is, and the entries of
    /// each record that is thereby resolved to other values.
    fn bucket(&self, heads: &RecordBatch, output: &mut Output) -> Result<()> {
        let old = only_columns(heads, self.dependent)?;
        let mut new = old.clone();
        let mut affected = vec![false; heads.num_rows()];
        for (column, lookup, found) in &self.columns {
            for (flag, key) in affected.iter_mut().zip(lookup_keys(&old, &lookup.key)?) {
                *flag |= key.is_some_and(|key| self.touched.contains(&key));
            }
            let values = found.values_for(&old, lookup, column)?;
            new = with_column(&new, self.dependent, column, &values)?;
        }
        let (old, new) = (output.add_values(old)?, output.add_values(new)?);
        for (key, told) in by_record(heads, &self.precedence)? {
            let mut winner = None;
            for told in &told {
                let Word::Says(row) = told.word else {
                    continue;
                };
                winner = winner.or(Some(told.source.as_str()));
                let is_changed =
                    affected[row as usize] && !output.values().are_equal((old, row), (new, row));
                if is_changed {
                    output.let_speak(&told.source);
                    output.assert(&key, Word::Says((new, row)), BEGINNING, self.known_at);
                }
            }
            let resolved = resolve(told.iter().map(|told| told.word));
            if let (Some(row), Some(winner)) = (resolved, winner)
                && affected[row as usize]
            {
                output.let_speak(winner);
                let (before, after) = ((old, row), (new, row));
                output.change(&key, Some(before), Some(after), BEGINNING, self.known_at);
            }
        }
        Ok(())
    }
}
