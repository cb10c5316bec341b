//! What a person decides about the identity of a record: that a merge was wrong, or that two records are one after all.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use keiki_model::dataset::{Dataset, MINTED, is_minted};
use keiki_model::text::Text;

use super::attempt::{Attempt, append};
use super::freeze::replaced;
use super::making::Said;
use super::unite::{Decision, Finder};
use super::{ATTEMPTS, Journal, only_columns};
use crate::batches::Batch;
use crate::error::{Result, StoreError};
use crate::heads::{seqs, strings};
use crate::identity::{IDENTITY_SOURCE, Index, Judgement, Merge, Separation, identifiers_of};
use crate::plan::{Apart, History, Output, Pick};
use crate::schema::RECORD_KEY;

impl Journal {
    /// Takes back the merge of a record: it stands for itself again with all that was said of it, in a commit of its own. Rows
    /// with its identifiers are about it from now on. What was known before stays as it was.
    ///
    /// # Errors
    /// The record was not merged, or the journal cannot be written.
    pub async fn separate(&self, judgement: &Judgement) -> Result<Separation> {
        for _ in 0..ATTEMPTS {
            let (mut batches, snapshot) = self.list().await?;
            let index = Index::read(self, &snapshot, &judgement.dataset).await?;
            let record = &judgement.record;
            let merge = index.events().absorbed(record);
            let (from, first, last) = match merge {
                Some(merge) => (merge.into, merge.first, merge.last),
                // Its rows were taken for the other record's from the first.
                None => match index.record_of_key(record, judgement.today) {
                    Some(from) if from != record && !judgement.sources.is_empty() => {
                        (from, i64::MAX, 0)
                    }
                    _ => return Err(not_merged(record)),
                },
            };
            let separation = Separation {
                record: record.clone(),
                from: from.to_owned(),
                identifiers: Vec::new(),
                reason: judgement.reason.clone(),
            };
            let decision = Decision::Separate {
                separation,
                commits: (first, last),
                sources: &judgement.sources,
            };
            let finder = Finder::from(judgement);
            let decided = self.decided(&finder, decision, &snapshot);
            let (batch, changes) = decided.await?;
            append(self, &format!("{}.parquet", batch.batch_id), &changes).await?;
            if batches.commit(&batch).await?.is_ok() {
                self.bring_heads_up(&changes).await?;
                return last_separation(batch);
            }
        }
        Err(StoreError::Contended(ATTEMPTS))
    }

    /// Makes a record one with another because a person says so, in a commit of its own; a separation of the two is taken back
    /// by it.
    ///
    /// # Errors
    /// One of them is not known or has a key that somebody declared, or the journal cannot be written.
    pub async fn join(&self, judgement: &Judgement, into: &str) -> Result<Merge> {
        for _ in 0..ATTEMPTS {
            let (mut batches, snapshot) = self.list().await?;
            let index = Index::read(self, &snapshot, &judgement.dataset).await?;
            let record = &judgement.record;
            if !is_minted(record) {
                return Err(declared(record));
            }
            if let Some(absorbed) = index.events().absorbed(record)
                && !index.is_alive(record)
            {
                return Err(merged_already(record, absorbed.into));
            }
            for known in [record.as_str(), into] {
                if !index.is_alive(known) || record == into {
                    return Err(unknown(known));
                }
            }
            let merge = Merge {
                absorbed: record.clone(),
                into: into.to_owned(),
                identifier: String::new(),
                reason: Some(judgement.reason.clone()),
            };
            let merges = std::slice::from_ref(&merge);
            let finder = Finder::from(judgement);
            let decided = self.decided(&finder, Decision::Merge(merges), &snapshot);
            let (batch, changes) = decided.await?;
            append(self, &format!("{}.parquet", batch.batch_id), &changes).await?;
            if batches.commit(&batch).await?.is_ok() {
                self.bring_heads_up(&changes).await?;
                return Ok(merge);
            }
        }
        Err(StoreError::Contended(ATTEMPTS))
    }
}

fn last_separation(batch: Batch) -> Result<Separation> {
    let separation = batch.separations.into_iter().next();
    separation
        .ok_or_else(|| StoreError::damaged("分離の記録がありません", "a separation is missing"))
}

/// What it takes to give a record back what is its own; fills in its identifiers.
pub(super) async fn separated(
    attempt: &Attempt,
    separation: &mut Separation,
    (first, last): (i64, i64),
    sources: &[String],
) -> Result<Output> {
    let dataset = &attempt.submission().dataset;
    let column = dataset.minted_column().unwrap_or_default();
    let mut output = Output::new(dataset, IDENTITY_SOURCE)?;
    let keys = HashSet::from([separation.record.as_str(), separation.from.as_str()]);
    let said = Said::read(attempt, &keys, &mut output).await?;
    let shape = crate::heads::heads_schema(dataset);
    let mut renamed: HashMap<u32, u32> = HashMap::new();
    let mut original: HashMap<u32, u32> = HashMap::new();
    for (rows, number) in &said.rows {
        let own = vec![separation.record.as_str(); rows.num_rows()];
        let own: ArrayRef = Arc::new(StringArray::from(own));
        let plain = only_columns(&crate::table::conform(rows, &shape)?, dataset)?;
        let under_own = output.add_values(replaced(&plain, column, &own)?)?;
        renamed.insert(*number, under_own);
        original.insert(under_own, *number);
    }
    let lines = Lines::read(&said.rows, dataset)?;
    let identifiers = lines.identifiers_of_the_separated(separation, (first, last));
    let is_of = |pick: Pick| lines.carries(pick, &identifiers);
    let rename = |(number, row): Pick| (renamed.get(&number).copied().unwrap_or(number), row);
    let in_scope = |batch: &Batch, (number, row): Pick| {
        let number = original.get(&number).copied().unwrap_or(number);
        said.scopes.contains(batch, (number, row))
    };
    let history = History::new(&said.rows, attempt.snapshot().batches(), &dataset.name)?;
    let apart = Apart {
        record: &separation.record,
        from: &separation.from,
        first,
        last,
        sources,
        is_of: &is_of,
        renamed: &rename,
    };
    history.separate(&apart, &attempt.reading(), &in_scope, &mut output);
    separation.identifiers = identifiers.into_iter().collect();
    Ok(output)
}

/// What was said of two records, with the identifiers of each line.
struct Lines {
    lines: HashMap<Pick, (String, i64, Vec<String>)>,
}

impl Lines {
    fn read(said: &[(RecordBatch, u32)], dataset: &Dataset) -> Result<Self> {
        let mut lines = HashMap::new();
        for (rows, number) in said {
            let (keys, commits) = (strings(rows, RECORD_KEY)?, seqs(rows)?);
            for (row, identifiers) in identifiers_of(rows, dataset)?.into_iter().enumerate() {
                let pick = (*number, u32::try_from(row).unwrap_or(u32::MAX));
                let line = (keys.value(row).to_owned(), commits.value(row), identifiers);
                lines.insert(pick, line);
            }
        }
        Ok(Self { lines })
    }

    fn carries(&self, pick: Pick, identifiers: &BTreeSet<String>) -> bool {
        let line = self.lines.get(&pick);
        line.is_some_and(|(_, _, own)| own.iter().any(|one| identifiers.contains(one)))
    }

    /// The identifiers of a record that was merged: those that it had, and those that rows with one of them brought since and
    /// that the other record had not before.
    fn identifiers_of_the_separated(
        &self,
        separation: &Separation,
        (first, last): (i64, i64),
    ) -> BTreeSet<String> {
        let of = |record: &str, before: i64| -> BTreeSet<String> {
            let lines = self.lines.values();
            let own = lines.filter(|(key, seq, _)| key == record && *seq < before);
            own.flat_map(|(_, _, identifiers)| identifiers.iter().cloned())
                .collect()
        };
        let mut found = of(&separation.record, first);
        found.extend(separation.record.strip_prefix(MINTED).map(str::to_owned));
        let others = of(&separation.from, last);
        loop {
            let since = self.lines.values().filter(|(key, seq, own)| {
                let is_theirs = key == &separation.from && *seq >= last;
                is_theirs && own.iter().any(|one| found.contains(one))
            });
            let brought = since.flat_map(|(_, _, own)| own);
            let new: Vec<String> = brought
                .filter(|one| !others.contains(*one) && !found.contains(*one))
                .cloned()
                .collect();
            if new.is_empty() {
                return found;
            }
            found.extend(new);
        }
    }
}

fn not_merged(record: &str) -> StoreError {
    StoreError::identity(
        Text::new(
            format!("このレコードは統合されていません: {record}"),
            format!("this record was not merged: {record}"),
        ),
        Text::new(
            "`keiki identity` に表示される、統合で消えた側のキー(seen: で始まる値)を指定してください。取込の時点で別のレコードと判定された行を分けるには、その取得元を --source で指定してください",
            "name the key that gave way, as `keiki identity` shows it: it begins with seen:; for rows that were taken for another record when they were read, name their source with --source",
        ),
    )
}

fn declared(record: &str) -> StoreError {
    StoreError::identity(
        Text::new(
            format!("申告されたキーは、ほかのレコードに統合できません: {record}"),
            format!("a key that somebody declared does not give way: {record}"),
        ),
        Text::new(
            "誤って申告されたキーは、申告した取得元で直してください。統合できるのは seen: で始まるキーだけです",
            "mend a wrong key where it is declared; only keys that begin with seen: can be merged",
        ),
    )
}

fn merged_already(record: &str, into: &str) -> StoreError {
    StoreError::identity(
        Text::new(
            format!("このレコードは、すでに {into} に統合されています: {record}"),
            format!("this record is {into} already: {record}"),
        ),
        Text::new(
            "先に `keiki identity separate` で分離してください",
            "take it apart first, with `keiki identity separate`",
        ),
    )
}

fn unknown(record: &str) -> StoreError {
    StoreError::identity(
        Text::new(
            format!("統合できるレコードがありません: {record}"),
            format!("there is no record that could be merged: {record}"),
        ),
        Text::new(
            "現在のレコードのキーを二つ、異なるものを指定してください。`keiki sql` で調べられます",
            "name two different records that there are; `keiki sql` lists their keys",
        ),
    )
}
