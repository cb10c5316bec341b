//! Tries a source: reads a few rows and shows what would become of them. Nothing is journalled, and no cursor moves.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::row::{RowConverter, SortField};
use arrow::util::display::array_value_to_string;
use keiki_ingest::live::{Amount, Surroundings};
use keiki_ingest::{Context, InputFile, Limits, Source, place, read_evidence};
use keiki_model::calendar::{Day, local_day};
use keiki_model::dataset::{Dataset, ORG_UNIT, ORG_UNIT_SEPARATOR, OrgUnits, is_minted};
use keiki_model::evidence::{Evidence, RejectedRow, join_key};
use keiki_model::org::UNASSIGNED;
use sha2::{Digest, Sha256};

use super::ingest::fetching::{self, Part};
use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::progress::{Progress, Step};

/// Rows that are shown.
pub const ROWS: usize = 10;

/// What stands in the place of a value that names a person.
pub const HIDDEN: &str = "•••";

/// What became of the rows of a trial.
#[derive(Debug)]
pub struct Trial {
    /// The source's name.
    pub source: String,
    /// The dataset.
    pub dataset: String,
    /// The files read.
    pub files: Vec<String>,
    /// How many rows would be accepted.
    pub accepted: usize,
    /// The first of them.
    pub rows: Vec<TriedRow>,
    /// Rows that would be rejected.
    pub rejected: Vec<RejectedRow>,
    /// Values that would be left unknown.
    pub left_unknown: Vec<RejectedRow>,
    /// Org units of rows that the tree does not know.
    pub unassigned: Vec<String>,
    /// The keys of the rows that would be accepted; where a key is made from identifiers, or names people, it is not among them.
    pub keys: Vec<String>,
    /// The keys that name people, in parts: each value, and whether it names one.
    pub keys_of_people: Vec<Vec<(String, bool)>>,
    /// By what else the records of those rows are known.
    pub identifiers: Identifiers,
    /// The hash of every value that would be accepted.
    pub content_sha256: String,
}

/// By what records are known beside their keys.
#[derive(Debug, Default)]
pub struct Identifiers {
    /// Of records that have a key of their own.
    pub declared: BTreeSet<String>,
    /// Of records whose key is made from them.
    pub made: BTreeSet<String>,
}

impl Identifiers {
    /// Those by which a record here would be united with one of others: two with keys of their own stay two.
    pub(super) fn shared<'i>(&'i self, others: &'i Self) -> impl Iterator<Item = &'i String> {
        let declared = self.declared.intersection(&others.made);
        let made = self.made.iter();
        declared
            .chain(made.filter(|one| others.made.contains(*one) || others.declared.contains(*one)))
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.declared.is_empty() && self.made.is_empty()
    }
}

/// A row as it would be journalled.
#[derive(Debug)]
pub struct TriedRow {
    /// Its line or number in its file.
    pub row: u64,
    /// Columns and their values as text; `None` is unknown.
    pub values: Vec<(String, Option<String>)>,
}

/// Reads rows of a source: about ten of a live system, the files of any other.
///
/// # Errors
/// There is no such source, nothing could be fetched, or the files cannot be used.
pub async fn try_source(
    workspace: &Workspace,
    name: &str,
    now: i64,
    surroundings: &dyn Surroundings,
    progress: &dyn Progress,
) -> Result<Trial> {
    let source = workspace.source(name)?;
    progress.begin(&Step::Fetching {
        source: source.name.clone(),
    });
    let part = Part {
        cursor: None,
        amount: Amount::Sample(ROWS),
        now,
    };
    let fetched = fetching::fetch_part(workspace, source, part, surroundings).await?;
    let files = match (&fetched, &source.place) {
        (Some(fetched), _) => fetched.files.clone(),
        (None, Some(place)) => place::expand(&place.value, &workspace.root)?,
        (None, None) => Vec::new(),
    };
    progress.begin(&Step::Reading {
        source: source.name.clone(),
        files: files.len(),
    });
    let today = local_day(now, &workspace.settings.zone);
    try_files(workspace, source, files, today).await
}

/// Reads files by a source and tells what would become of their rows. Nothing is journalled.
///
/// # Errors
/// The files cannot be used.
pub(super) async fn try_files(
    workspace: &Workspace,
    source: &Source,
    files: Vec<InputFile>,
    today: Day,
) -> Result<Trial> {
    let dataset = workspace.dataset(&source.dataset)?;
    let evidence = evidence(workspace, source, &dataset, &files, today).await?;
    let mut trial = Trial::of(workspace, &dataset, evidence, today)?;
    trial.source.clone_from(&source.name);
    trial.files = files.into_iter().map(|file| file.name).collect();
    Ok(trial)
}

impl Trial {
    /// What would become of rows that were read, on a day.
    ///
    /// # Errors
    /// A value cannot be written down.
    pub(super) fn of(
        workspace: &Workspace,
        dataset: &Dataset,
        evidence: Evidence,
        today: Day,
    ) -> Result<Self> {
        let keys = key_parts(dataset, &evidence)?;
        let (keys, keys_of_people) = if dataset.key_is_personal() {
            (Vec::new(), keys)
        } else {
            (keys, Vec::new())
        };
        Ok(Self {
            source: String::new(),
            dataset: dataset.name.clone(),
            files: Vec::new(),
            accepted: evidence.rows.num_rows(),
            rows: rows(dataset, &evidence),
            unassigned: unassigned(workspace, dataset, &evidence, today),
            keys: joined(&keys),
            keys_of_people,
            identifiers: match dataset.minted_column() {
                Some(key) => identifiers(dataset, &evidence.rows, key)?,
                None => Identifiers::default(),
            },
            content_sha256: content_sha256(&evidence)?,
            rejected: evidence.rejected,
            left_unknown: evidence.left_unknown,
        })
    }
}

/// The hash of every value that would be accepted.
fn content_sha256(evidence: &Evidence) -> Result<String> {
    let mut hash = Sha256::new();
    let days = evidence.effective_on.iter();
    let days = days.map(|array| Arc::new(array.clone()) as ArrayRef);
    let instants = evidence.known_at.iter();
    let instants = instants.map(|array| Arc::new(array.clone()) as ArrayRef);
    let columns = evidence.rows.columns().iter().cloned();
    let columns: Vec<ArrayRef> = columns.chain(days).chain(instants).collect();
    for field in evidence.rows.schema().fields() {
        hash.update(field.name().as_bytes());
        hash.update([0]);
    }
    if columns.is_empty() {
        return Ok(format!("{:x}", hash.finalize()));
    }
    let fields = columns.iter().map(|column| column.data_type().clone());
    let converter = RowConverter::new(fields.map(SortField::new).collect());
    let converter = converter.map_err(Error::stopped)?;
    let written = converter
        .convert_columns(&columns)
        .map_err(Error::stopped)?;
    for row in &written {
        hash.update(row.as_ref().len().to_le_bytes());
        hash.update(row);
    }
    Ok(format!("{:x}", hash.finalize()))
}

async fn evidence(
    workspace: &Workspace,
    source: &Source,
    dataset: &Arc<Dataset>,
    files: &[InputFile],
    today: Day,
) -> Result<Evidence> {
    let (source, dataset, files) = (source.clone(), Arc::clone(dataset), files.to_vec());
    let (expressions, zone) = (
        Arc::clone(&workspace.mappings),
        workspace.settings.zone.clone(),
    );
    let task = tokio::task::spawn_blocking(move || {
        let context = Context {
            expressions: expressions.as_ref(),
            zone,
            limits: Limits::default(),
            as_of: today,
        };
        read_evidence(&source, &dataset, &files, &context)
    });
    Ok(task.await.map_err(Error::stopped)??)
}

/// The columns by which records of a dataset are known beside their key.
pub(super) fn identity_columns(dataset: &Dataset) -> BTreeSet<&String> {
    let rules = dataset.identity.iter();
    rules.flat_map(|rule| &rule.columns).collect()
}

/// By what the records of rows are known beside their key, which stands in a column.
pub(super) fn identifiers(dataset: &Dataset, rows: &RecordBatch, key: &str) -> Result<Identifiers> {
    let keys = rows.column_by_name(key);
    let mut columns = BTreeMap::new();
    for name in identity_columns(dataset) {
        if let Some(column) = rows.column_by_name(name) {
            columns.insert(name.as_str(), column);
        }
    }
    let mut found = Identifiers::default();
    for row in 0..rows.num_rows() {
        let mut values = BTreeMap::new();
        for (name, column) in columns.iter().filter(|(_, column)| column.is_valid(row)) {
            let value = array_value_to_string(column, row).map_err(Error::stopped)?;
            values.insert(*name, value);
        }
        let value = |name: &str| values.get(name).map(String::as_str);
        let key = keys.map(|keys| array_value_to_string(keys, row));
        let key = key.transpose().map_err(Error::stopped)?;
        if key.is_some_and(|key| is_minted(&key)) {
            found.made.extend(dataset.identifiers(&value));
        } else {
            found.declared.extend(dataset.identifiers(&value));
        }
    }
    Ok(found)
}

/// The keys of rows that have all of it, in parts: each value, and whether it names a person.
fn key_parts(dataset: &Dataset, evidence: &Evidence) -> Result<Vec<Vec<(String, bool)>>> {
    let columns = dataset.key.iter().map(|name| {
        let is_personal = dataset.column(name).is_some_and(|column| column.personal);
        Some((evidence.rows.column_by_name(name)?, is_personal))
    });
    let Some(columns) = columns.collect::<Option<Vec<_>>>() else {
        return Ok(Vec::new());
    };
    let is_whole = |row: &usize| columns.iter().all(|(column, _)| column.is_valid(*row));
    let parts = |row: usize| {
        let parts = columns.iter().map(|(column, is_personal)| {
            let value = array_value_to_string(column, row).map_err(Error::stopped)?;
            Ok((value, *is_personal))
        });
        parts.collect::<Result<Vec<_>>>()
    };
    let rows = 0..evidence.rows.num_rows();
    rows.filter(is_whole).map(parts).collect()
}

/// Keys as the books write them.
fn joined(keys: &[Vec<(String, bool)>]) -> Vec<String> {
    let key = |parts: &Vec<(String, bool)>| join_key(parts.iter().map(|(value, _)| value.as_str()));
    keys.iter().map(key).collect()
}

/// Keys that name people as the books write them, each with how its sender wrote it; `tokens` stand for people. Whom the books do not
/// know is in no key of theirs.
pub(super) fn keys_with_tokens(
    keys: &[Vec<(String, bool)>],
    tokens: &HashMap<String, String>,
) -> Vec<(String, String)> {
    let key = |parts: &Vec<(String, bool)>| {
        let kept: Option<Vec<&str>> = parts
            .iter()
            .map(|(value, is_personal)| {
                if *is_personal {
                    tokens.get(value).map(String::as_str)
                } else {
                    Some(value.as_str())
                }
            })
            .collect();
        let sent = parts.iter().map(|(value, _)| value.as_str());
        Some((join_key(kept?), sent.collect::<Vec<_>>().join(" ")))
    };
    keys.iter().filter_map(key).collect()
}

/// The org units of rows that the tree of the day does not know.
fn unassigned(
    workspace: &Workspace,
    dataset: &Dataset,
    evidence: &Evidence,
    today: Day,
) -> Vec<String> {
    let column = evidence.rows.column_by_name(ORG_UNIT);
    let column = column.and_then(|column| column.as_string_opt::<i32>());
    let Some(column) = column.filter(|_| dataset.org_units != OrgUnits::None) else {
        return Vec::new();
    };
    let tree = workspace.organisation.tree(today);
    let units: BTreeSet<&str> = column
        .iter()
        .flatten()
        .flat_map(|value| value.split(ORG_UNIT_SEPARATOR).map(str::trim))
        .filter(|unit| !unit.is_empty())
        .filter(|unit| tree.nodes()[tree.position_of_evidence(unit)].id == UNASSIGNED)
        .collect();
    units.into_iter().map(str::to_owned).collect()
}

fn rows(dataset: &Dataset, evidence: &Evidence) -> Vec<TriedRow> {
    let schema = evidence.rows.schema();
    let extra: [(&str, Option<&dyn Array>); 2] = [
        (
            "effective_on",
            evidence
                .effective_on
                .as_ref()
                .map(|array| array as &dyn Array),
        ),
        (
            "known_at",
            evidence.known_at.as_ref().map(|array| array as &dyn Array),
        ),
    ];
    let is_personal = |name: &str| dataset.column(name).is_some_and(|column| column.personal);
    (0..evidence.rows.num_rows().min(ROWS))
        .map(|row| {
            let text = |array: &dyn Array| {
                array
                    .is_valid(row)
                    .then(|| array_value_to_string(array, row).unwrap_or_default())
            };
            let columns = schema.fields().iter().zip(evidence.rows.columns());
            let mut values: Vec<(String, Option<String>)> = columns
                .map(|(field, array)| {
                    let value = text(array.as_ref());
                    let value = if is_personal(field.name()) {
                        value.map(|_| HIDDEN.to_owned())
                    } else {
                        value
                    };
                    (field.name().clone(), value)
                })
                .collect();
            for (name, array) in extra {
                if let Some(array) = array {
                    values.push((name.to_owned(), text(array)));
                }
            }
            TriedRow {
                row: evidence.places[row],
                values,
            }
        })
        .collect()
}
