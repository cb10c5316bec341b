//! Identity: which record a row without a key is about, and which records turn out to be one.
//!
//! *Source*: decisions 0024 and 0033. An identifier belongs to every record of which any source ever said it; keys made from identifiers
//! give way to keys that somebody declared. What follows depends on what was said, not on the order in which it came.

mod events;
mod index;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use keiki_model::calendar::Day;
use keiki_model::dataset::{Dataset, is_minted};
use keiki_model::evidence::{Evidence, RejectedRow};
use serde::{Deserialize, Serialize};

use crate::batches::{Batch, Snapshot};
use crate::error::Result;
use crate::heads::strings;
use crate::journal::Journal;
pub(crate) use index::{Asked, Index};

/// The source under which Keiki itself journals that records are one. No file can have this name.
pub const IDENTITY_SOURCE: &str = "keiki/identity";

/// A record that was found to be another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Merge {
    /// The key that is no more.
    pub absorbed: String,
    /// The key of the record that it is.
    pub into: String,
    /// The identifier that both have; empty where a person says that they are one.
    pub identifier: String,
    /// Why a person says that they are one; absent = a rule of identity says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A merge that a person took back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Separation {
    /// The record that stands for itself again.
    pub record: String,
    /// The record that it is not.
    pub from: String,
    /// Its identifiers: whatever has one of them is not the other record.
    pub identifiers: Vec<String>,
    /// Why.
    pub reason: String,
}

/// What a person decides about the identity of a record.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// All datasets of the workspace, for lookups and derived datasets.
    pub datasets: Vec<Arc<Dataset>>,
    /// The record whose key was made from an identifier.
    pub record: String,
    /// The sources that speak of it and not of the other; empty = those that the other was not known by before.
    pub sources: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who.
    pub author: String,
    /// When, UTC microseconds.
    pub now: i64,
    /// The day of that.
    pub today: Day,
}

/// An identifier that several declared records have, so that it tells nobody which is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharedIdentifier {
    /// The identifier.
    pub identifier: String,
    /// The records that have it.
    pub records: Vec<String>,
}

/// Tells whether the dataset's records may include some whose key was made from an identifier.
pub(crate) fn has_minted(snapshot: &Snapshot, dataset: &Dataset) -> bool {
    let mut of = snapshot.batches().iter();
    !dataset.identity.is_empty() && of.any(|b| b.dataset == dataset.name && b.minted > 0)
}

/// The identifiers of each row.
pub(crate) fn identifiers_of(rows: &RecordBatch, dataset: &Dataset) -> Result<Vec<Vec<String>>> {
    let names: BTreeSet<&String> = dataset.identity.iter().flat_map(|r| &r.columns).collect();
    let mut columns: Vec<(&str, StringArray)> = Vec::new();
    for name in names {
        // Assertions that were written before the column was there do not have it.
        if rows.column_by_name(name).is_some() {
            columns.push((name, strings(rows, name)?));
        }
    }
    let of = |row: usize| {
        let value = |name: &str| {
            let (_, column) = columns.iter().find(|(column, _)| *column == name)?;
            column.is_valid(row).then(|| column.value(row))
        };
        dataset.identifiers(&value)
    };
    Ok((0..rows.num_rows()).map(of).collect())
}

/// Puts the key of the record that is known by a row's identifiers in the place of the key that was made from them.
#[derive(Debug)]
pub(crate) struct Identifier {
    journal: Journal,
    dataset: Arc<Dataset>,
    /// The day of rows that have none of their own.
    as_of: Day,
    /// Read when the first row asks for it.
    index: Option<Index>,
}

impl Identifier {
    pub(crate) fn new(journal: &Journal, dataset: &Arc<Dataset>, as_of: Day) -> Self {
        Self {
            as_of,
            journal: journal.clone(),
            dataset: Arc::clone(dataset),
            index: None,
        }
    }

    /// Gives the rows of a chunk their keys. Returns how many are about records that no key but a made one names.
    pub(crate) async fn identify(&mut self, chunk: &mut Evidence) -> Result<u64> {
        let Some(column) = self.dataset.minted_column().map(str::to_owned) else {
            return Ok(0);
        };
        let keys = strings(&chunk.rows, &column)?;
        let has_made = keys.iter().flatten().any(is_minted);
        let is_made = |row: &RejectedRow| row.record_key.as_deref().is_some_and(is_minted);
        if !has_made && !chunk.rejected.iter().any(is_made) {
            return Ok(0);
        }
        if self.index.is_none() {
            let snapshot = self.journal.snapshot().await?;
            self.index = Some(Index::read(&self.journal, &snapshot, &self.dataset).await?);
        }
        let Some(index) = &self.index else {
            return Ok(0);
        };
        for row in chunk.rejected.iter_mut().filter(|row| is_made(row)) {
            let known = row.record_key.as_deref();
            let known = known
                .and_then(|key| index.record_of_key(key, self.as_of))
                .map(str::to_owned);
            row.record_key = known.or(row.record_key.take());
        }
        let identifiers = identifiers_of(&chunk.rows, &self.dataset)?;
        let day = |row: usize| {
            let days = chunk.effective_on.as_ref();
            let own = days.filter(|days| days.is_valid(row));
            own.map_or(self.as_of, |days| days.value(row))
        };
        let mut minted = 0;
        let resolved: StringArray = keys
            .iter()
            .zip(&identifiers)
            .enumerate()
            .map(|(row, (key, identifiers))| {
                let key = key?;
                if !is_minted(key) {
                    return Some(key.to_owned());
                }
                let asked = Asked {
                    identifiers,
                    day: day(row),
                };
                let known = index.record(asked).unwrap_or(key);
                minted += u64::from(is_minted(known));
                Some(known.to_owned())
            })
            .collect();
        let resolved: ArrayRef = Arc::new(resolved);
        chunk.rows = crate::journal::replaced(&chunk.rows, &column, &resolved)?;
        Ok(minted)
    }
}

/// What identity came to in a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityReport {
    /// The commits that made records one or took them apart.
    pub commits: Vec<Batch>,
    /// Identifiers that tell nobody which record is meant.
    pub shared: Vec<SharedIdentifier>,
    /// Values in which sources differ about a record.
    pub differing: Vec<Differing>,
}

/// A column in which the sources of a record differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// The record.
    pub record: String,
    /// The column.
    pub column: String,
    /// Sources and what they say, in order of precedence: the first stands.
    pub said: Vec<(String, String)>,
}

impl Journal {
    /// Reports what is known of the identity of a dataset's records.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn identity(&self, snapshot: &Snapshot, dataset: &Dataset) -> Result<IdentityReport> {
        let commits = snapshot.batches().iter().filter(|batch| {
            let decides = !batch.merges.is_empty() || !batch.separations.is_empty();
            batch.dataset == dataset.name && decides
        });
        let shared = if dataset.identity.is_empty() {
            Vec::new()
        } else {
            Index::read(self, snapshot, dataset).await?.shared()
        };
        Ok(IdentityReport {
            commits: commits.cloned().collect(),
            shared,
            differing: crate::lookups::differing(self, snapshot, dataset).await?,
        })
    }
}
