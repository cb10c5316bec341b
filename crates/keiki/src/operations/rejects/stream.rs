//! Hands rejects on a part at a time: the memory holds no more than that, however many there are.

use std::collections::BTreeSet;

use keiki_store::{Aftermath, Batch, Journal, Snapshot, StoredRejects};

use super::{
    Asked, Listed, Originals, Refused, add_originals, check_source, is_wanted, read_again,
    refused_of,
};
use crate::config::{Opening, Workspace};
use crate::error::Result;

/// Rows of a part: for each part the files of its commit are read once.
const ROWS_MAX: usize = 50_000;

/// A part of the list.
#[derive(Debug)]
pub enum Part {
    /// The columns of the files from which the original rows come; the first part.
    Columns(Vec<String>),
    /// Rejects, in the order of commits and places.
    Rows(Vec<Listed>),
    /// Readings that were refused as a whole, in order; the last part.
    Refused(Vec<Refused>),
}

/// Hands the rejects on.
///
/// # Errors
/// The source is unknown, the journal cannot be read, or what `take` says.
pub async fn each(
    workspace: &Workspace,
    asked: &Asked,
    take: &mut (dyn FnMut(Part) -> Result<()> + Send),
) -> Result<()> {
    let journal = workspace.journal(Opening::Existing).await?;
    let snapshot = journal.snapshot().await?;
    check_source(workspace, &snapshot, asked)?;
    let listing = Listing {
        workspace,
        asked,
        aftermath: journal.aftermath(&snapshot).await?,
        journal,
        snapshot,
    };
    let mut batches = listing.journal.rejecting(&listing.snapshot).await?;
    let source = asked.source.as_ref();
    batches.retain(|batch| source.is_none_or(|name| batch.source == *name));
    take(Part::Columns(listing.columns(&batches).await?))?;
    for batch in &batches {
        let stored = listing.rejects_of(batch).await?;
        for first in (0..stored.len()).step_by(ROWS_MAX) {
            let mut rows = listing.rows(&stored, first)?;
            if asked.originals != Originals::None {
                let (journal, snapshot) = (&listing.journal, &listing.snapshot);
                add_originals(workspace, journal, snapshot, &mut rows, asked.originals).await?;
            }
            take(Part::Rows(rows))?;
        }
    }
    let refused = refused_of(workspace, &listing.snapshot, asked).await?;
    take(Part::Refused(refused))
}

struct Listing<'l> {
    workspace: &'l Workspace,
    asked: &'l Asked,
    journal: Journal,
    snapshot: Snapshot,
    aftermath: Aftermath,
}

impl Listing<'_> {
    async fn rejects_of(&self, batch: &Batch) -> Result<StoredRejects> {
        let stored = self
            .journal
            .rejects_of(&self.snapshot, batch.seq, batch.seq);
        Ok(stored.await?)
    }

    fn listed(&self, stored: &StoredRejects, position: usize) -> Result<Option<Listed>> {
        let reject = stored.get(position)?;
        let one = Listed {
            afterwards: self.aftermath.of(&reject),
            reject,
            original: None,
        };
        Ok(is_wanted(&one, self.asked).then_some(one))
    }

    fn rows(&self, stored: &StoredRejects, first: usize) -> Result<Vec<Listed>> {
        let last = (first + ROWS_MAX).min(stored.len());
        let found = (first..last).filter_map(|at| self.listed(stored, at).transpose());
        found.collect()
    }

    /// The columns of all files whose rows are shown, those of the first first.
    async fn columns(&self, batches: &[Batch]) -> Result<Vec<String>> {
        let mut columns: Vec<String> = Vec::new();
        for batch in batches {
            let dataset = self.workspace.catalogue.datasets.get(&batch.dataset);
            let is_personal = dataset.is_none_or(|dataset| dataset.is_personal());
            let is_shown = match self.asked.originals {
                Originals::None => false,
                Originals::Impersonal => !is_personal,
                Originals::All => true,
            };
            if !is_shown {
                continue;
            }
            let stored = self.rejects_of(batch).await?;
            let mut files: BTreeSet<(String, u64)> = BTreeSet::new();
            for position in 0..stored.len() {
                if let Some(one) = self.listed(&stored, position)? {
                    // No row has this number: what is asked for is the columns.
                    files.insert((one.reject.row.file, u64::MAX));
                }
            }
            let again = read_again(self.workspace, &self.journal, batch, files).await?;
            for name in again.into_iter().flat_map(|(names, _)| names) {
                if !columns.contains(&name) {
                    columns.push(name);
                }
            }
        }
        Ok(columns)
    }
}
