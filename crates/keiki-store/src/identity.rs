//! Identity: which record a row without a key is about, and which records turn out to be one.
//!
//! *Source*: decision 0024. An identifier belongs to every record of which any source ever said it; keys made from identifiers
//! give way to keys that somebody declared. What follows depends on what was said, not on the order in which it came.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use keiki_model::dataset::{Dataset, MINTED, is_minted};
use keiki_model::evidence::{Evidence, RejectedRow};
use serde::{Deserialize, Serialize};

use crate::batches::{Batch, Snapshot};
use crate::error::Result;
use crate::heads::strings;
use crate::journal::{Journal, in_order};
use crate::schema::{RECORD_KEY, SOURCE, WORD};

/// The source under which Keiki itself journals that records are one. No file can have this name.
pub const IDENTITY_SOURCE: &str = "keiki/identity";

/// A record that was found to be another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Merge {
    /// The key that is no more.
    pub absorbed: String,
    /// The key of the record that it is.
    pub into: String,
    /// The identifier that both have.
    pub identifier: String,
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
    /// Read when the first row asks for it.
    index: Option<Index>,
}

impl Identifier {
    pub(crate) fn new(journal: &Journal, dataset: &Arc<Dataset>) -> Self {
        Self {
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
                .and_then(|key| index.record_of_key(key))
                .map(str::to_owned);
            row.record_key = known.or(row.record_key.take());
        }
        let identifiers = identifiers_of(&chunk.rows, &self.dataset)?;
        let mut minted = 0;
        let resolved: StringArray = keys
            .iter()
            .zip(&identifiers)
            .map(|(key, identifiers)| {
                let key = key?;
                if !is_minted(key) {
                    return Some(key.to_owned());
                }
                let known = index.record(identifiers).unwrap_or(key);
                minted += u64::from(is_minted(known));
                Some(known.to_owned())
            })
            .collect();
        let resolved: ArrayRef = Arc::new(resolved);
        chunk.rows = crate::journal::replaced(&chunk.rows, &column, &resolved)?;
        Ok(minted)
    }
}

/// Which records have which identifiers.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Records by identifier.
    records: BTreeMap<String, BTreeSet<String>>,
    /// Identifiers by record whose key was made from one.
    minted: BTreeMap<String, BTreeSet<String>>,
    /// Records of which a source speaks.
    alive: HashSet<String>,
    /// What became of records that were found to be others.
    merged: HashMap<String, String>,
    /// The position of each rule's identifiers.
    weights: BTreeMap<String, usize>,
}

impl Index {
    /// Reads what was ever said of a dataset's records.
    pub(crate) async fn read(
        journal: &Journal,
        snapshot: &Snapshot,
        dataset: &Dataset,
    ) -> Result<Self> {
        let table = journal.assertions(&dataset.name).await?;
        let said = journal
            .read_visible(table.as_ref(), snapshot, 0, snapshot.seq())
            .await?;
        let merges = snapshot
            .batches()
            .iter()
            .filter(|batch| batch.dataset == dataset.name)
            .flat_map(|batch| &batch.merges);
        let mut index = Self {
            merged: merges
                .map(|merge| (merge.absorbed.clone(), merge.into.clone()))
                .collect(),
            ..Self::default()
        };
        let mut speaks: HashMap<(String, String), bool> = HashMap::new();
        for rows in in_order(said)? {
            let (keys, sources, words) = (
                strings(&rows, RECORD_KEY)?,
                strings(&rows, SOURCE)?,
                strings(&rows, WORD)?,
            );
            let identifiers = identifiers_of(&rows, dataset)?;
            for (row, identifiers) in identifiers.into_iter().enumerate() {
                let (key, word) = (keys.value(row), words.value(row));
                if word == "absent" {
                    continue;
                }
                let of = (key.to_owned(), sources.value(row).to_owned());
                speaks.insert(of, word == "says");
                if word == "says" {
                    index.add(key, identifiers, dataset);
                }
            }
        }
        let alive = speaks.into_iter().filter(|(_, speaks)| *speaks);
        index.alive = alive.map(|((key, _), _)| key).collect();
        Ok(index)
    }

    fn add(&mut self, key: &str, identifiers: Vec<String>, dataset: &Dataset) {
        let key = self.standing(key).to_owned();
        for identifier in identifiers {
            if !self.weights.contains_key(&identifier) {
                let weight = dataset.weight_of(&identifier);
                self.weights.insert(identifier.clone(), weight);
            }
            if is_minted(&key) {
                let of = self.minted.entry(key.clone()).or_default();
                of.insert(identifier.clone());
            }
            let records = self.records.entry(identifier).or_default();
            records.insert(key.clone());
        }
    }

    /// The key under which a record stands now.
    fn standing<'k>(&'k self, key: &'k str) -> &'k str {
        let mut key = key;
        // A merge leads to a declared key or a lesser minted one, so that the way ends.
        while let Some(into) = self.merged.get(key) {
            key = into;
        }
        key
    }

    /// The declared record that has an identifier, if it is one alone; of several, the one of which somebody still speaks.
    fn declared(&self, identifier: &str) -> Option<&str> {
        let records = self.records.get(identifier)?;
        let declared: Vec<&String> = records.iter().filter(|key| !is_minted(key)).collect();
        match declared.as_slice() {
            [only] => Some(only),
            several => {
                let mut alive = several.iter().filter(|key| self.alive.contains(**key));
                let first = alive.next()?;
                alive.next().is_none().then_some(first)
            }
        }
    }

    /// The record that a row with these identifiers is about, the weightiest first; `None` where nobody knows it.
    pub(crate) fn record(&self, identifiers: &[String]) -> Option<&str> {
        let declared = identifiers.iter().find_map(|one| self.declared(one));
        declared.or_else(|| {
            let minted = identifiers.iter().filter_map(|one| self.records.get(one));
            let minted = minted.flatten().filter(|key| is_minted(key));
            minted.min_by_key(|key| self.rank(key)).map(String::as_str)
        })
    }

    /// The record that a made key stands for.
    pub(crate) fn record_of_key(&self, key: &str) -> Option<&str> {
        let identifier = key.strip_prefix(MINTED)?;
        self.record(std::slice::from_ref(&identifier.to_owned()))
    }

    /// The order in which made keys give way to each other: the weightier identifier stands.
    fn rank<'k>(&self, key: &'k str) -> (usize, &'k str) {
        let identifier = key.strip_prefix(MINTED).unwrap_or(key);
        let weight = self.weights.get(identifier).copied();
        (weight.unwrap_or(usize::MAX), key)
    }

    /// The identifiers of a made record, the weightiest first.
    fn weighed(&self, key: &str) -> Vec<&String> {
        let mut found: Vec<&String> = self.minted.get(key).into_iter().flatten().collect();
        found.sort_by_key(|one| (self.weights.get(*one).copied(), *one));
        found
    }

    /// What is found to be one: made records that share an identifier with a declared one, and those that share one with each
    /// other. *Shape*: nothing is absorbed into what is absorbed itself.
    pub(crate) fn merges(&self) -> Vec<Merge> {
        let mut merges = Vec::new();
        let mut left: BTreeSet<&str> = BTreeSet::new();
        for key in self.minted.keys().filter(|key| self.alive.contains(*key)) {
            let found = self.weighed(key).into_iter().find_map(|identifier| {
                let into = self.declared(identifier)?;
                Some((identifier, into))
            });
            match found {
                Some((identifier, into)) => merges.push(Merge {
                    absorbed: key.clone(),
                    into: into.to_owned(),
                    identifier: identifier.clone(),
                }),
                None => {
                    left.insert(key);
                }
            }
        }
        merges.extend(self.merges_among(&left));
        merges.sort();
        merges
    }

    /// Merges among made records. Each gives way to the one of highest rank that it reaches by shared identifiers.
    fn merges_among(&self, left: &BTreeSet<&str>) -> Vec<Merge> {
        let mut by_rank: Vec<&str> = left.iter().copied().collect();
        by_rank.sort_by_key(|key| self.rank(key));
        let mut taken: HashSet<&str> = HashSet::new();
        let mut merges = Vec::new();
        for into in by_rank {
            if !taken.insert(into) {
                continue;
            }
            let mut open = vec![into];
            while let Some(at) = open.pop() {
                for identifier in self.weighed(at) {
                    let others = self.records.get(identifier).into_iter().flatten();
                    for other in others.map(String::as_str) {
                        if left.contains(other) && taken.insert(other) {
                            open.push(other);
                            merges.push(Merge {
                                absorbed: other.to_owned(),
                                into: into.to_owned(),
                                identifier: identifier.clone(),
                            });
                        }
                    }
                }
            }
        }
        merges
    }

    /// The identifiers that several declared records have at once.
    pub(crate) fn shared(&self) -> Vec<SharedIdentifier> {
        let shared = |(identifier, records): (&String, &BTreeSet<String>)| {
            let declared = records
                .iter()
                .filter(|key| !is_minted(key) && self.alive.contains(*key));
            let records: Vec<String> = declared.cloned().collect();
            (records.len() > 1).then(|| SharedIdentifier {
                identifier: identifier.clone(),
                records,
            })
        };
        self.records.iter().filter_map(shared).collect()
    }
}

/// What identity came to in a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityReport {
    /// The commits that found records to be one.
    pub merged: Vec<Batch>,
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
        let merged = snapshot.batches().iter();
        let merged = merged.filter(|b| b.dataset == dataset.name && !b.merges.is_empty());
        let shared = if dataset.identity.is_empty() {
            Vec::new()
        } else {
            Index::read(self, snapshot, dataset).await?.shared()
        };
        Ok(IdentityReport {
            merged: merged.cloned().collect(),
            shared,
            differing: crate::lookups::differing(self, snapshot, dataset).await?,
        })
    }
}
