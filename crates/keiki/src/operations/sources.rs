//! Lists the sources with what they last brought.

use std::collections::BTreeMap;

use keiki_ingest::Source;
use keiki_model::calendar::{Day, date_of};
use keiki_store::{Batch, Standing, StoreError};

use super::ingest::{FILES_SOURCE, due};
use super::refusals::{self, Refused};
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};

/// A source and its last reading.
#[derive(Debug, Clone)]
pub struct Listed<'w> {
    /// The source; absent for readings of files named on the command line.
    pub source: Option<&'w Source>,
    /// Its name.
    pub name: String,
    /// The dataset.
    pub dataset: String,
    /// Its last reading.
    pub last: Option<Batch>,
    /// The reading that was refused last.
    pub refused: Option<Refused>,
    /// When it was tried last, and how that went.
    pub standing: Standing,
    /// When it is to be read next, UTC microseconds; not after now where it is due. Absent without a schedule.
    pub next_due: Option<i64>,
}

/// Lists the workspace's sources, then those that the journal alone knows.
///
/// # Errors
/// The journal cannot be read; that there is none yet is no error.
pub async fn list(workspace: &Workspace, now: i64) -> Result<Vec<Listed<'_>>> {
    let batches = match workspace.journal(Opening::Existing).await {
        Ok(journal) => journal.snapshot().await?.batches().to_vec(),
        Err(Error::Store(StoreError::NoJournal(_))) => Vec::new(),
        Err(error) => return Err(error),
    };
    let all_refused = refusals::refused(workspace, &batches).await?;
    let refused = |name: &str, dataset: &str| {
        let mut latest_first = all_refused.iter().rev();
        latest_first
            .find(|one| one.reading.source == name && one.reading.dataset == dataset)
            .cloned()
    };
    let last = |name: &str, dataset: &str| {
        batches
            .iter()
            .rev()
            .find(|batch| batch.source == name && batch.dataset == dataset)
            .cloned()
    };
    // A workspace that has read nothing yet has no database, and is not given one by a look.
    let standings = if workspace.database()?.is_there() {
        workspace.readings().await?.all().await?
    } else {
        BTreeMap::new()
    };
    let mut listed: Vec<Listed<'_>> = workspace
        .sources
        .iter()
        .map(|source| {
            let standing = standings.get(&source.name).cloned().unwrap_or_default();
            Listed {
                source: Some(source),
                name: source.name.clone(),
                dataset: source.dataset.clone(),
                last: last(&source.name, &source.dataset),
                next_due: due::next(workspace, source, &standing, now),
                standing,
                refused: refused(&source.name, &source.dataset),
            }
        })
        .collect();
    for batch in batches.iter().rev() {
        if !listed
            .iter()
            .any(|known| known.name == batch.source && known.dataset == batch.dataset)
        {
            listed.push(Listed {
                source: None,
                name: batch.source.clone(),
                dataset: batch.dataset.clone(),
                last: Some(batch.clone()),
                refused: refused(&batch.source, &batch.dataset),
                standing: Standing::default(),
                next_due: None,
            });
        }
    }
    Ok(listed)
}

/// The command by which retirements that a reading held back are confirmed.
#[must_use]
pub fn confirming(source: &str, dataset: &str, as_of: Day) -> String {
    let as_of = date_of(as_of);
    if source == FILES_SOURCE {
        format!("keiki ingest --dataset {dataset} FILE --full --as-of {as_of} --confirm-missing")
    } else {
        format!("keiki ingest {source} --as-of {as_of} --confirm-missing")
    }
}
