//! The identity of records: which were found to be one or taken apart, which identifiers decide nothing, where sources differ;
//! and what a person decides about it.

use keiki_model::calendar::local_day;
use keiki_model::dataset::DatasetKind;
use keiki_store::{Differing, Judgement, Merge, Separation, SharedIdentifier};

use crate::config::{Opening, Workspace};
use crate::error::Result;
use crate::operations::programme::Run;

/// One thing about identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A record was found to be another.
    Merged {
        /// The commit.
        seq: i64,
        /// When it became known, UTC microseconds.
        known_at: i64,
        /// Who ran what showed it, or decided it.
        author: String,
        /// What was found.
        merge: Merge,
    },
    /// A person took a merge back.
    Separated {
        /// The commit.
        seq: i64,
        /// When it became known, UTC microseconds.
        known_at: i64,
        /// Who.
        author: String,
        /// What was decided.
        separation: Separation,
    },
    /// An identifier that several declared records have.
    Shared(SharedIdentifier),
    /// A value in which the sources of a record differ.
    Differs(Differing),
}

/// What was found in one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The dataset.
    pub dataset: String,
    /// What was found.
    pub finding: Finding,
}

/// Lists the findings of a dataset, or of all that have several sources or rules of identity.
///
/// # Errors
/// There is no such dataset, or the journal cannot be read.
pub async fn list(workspace: &Workspace, dataset: Option<&str>) -> Result<Vec<Listed>> {
    let journal = workspace.journal(Opening::Existing).await?;
    let snapshot = journal.snapshot().await?;
    let datasets = match dataset {
        Some(name) => vec![workspace.dataset(name)?],
        None => workspace.datasets(),
    };
    let mut listed = Vec::new();
    for dataset in datasets {
        let has_evidence = snapshot.batches().iter().any(|b| b.dataset == dataset.name);
        if dataset.kind == DatasetKind::Derived || !has_evidence {
            continue;
        }
        let report = journal.identity(&snapshot, &dataset).await?;
        let decided = report.commits.iter().flat_map(|batch| {
            let merged = batch.merges.iter().map(|merge| Finding::Merged {
                seq: batch.seq,
                known_at: batch.known_at,
                author: batch.author.clone(),
                merge: merge.clone(),
            });
            let separated = batch.separations.iter().map(|one| Finding::Separated {
                seq: batch.seq,
                known_at: batch.known_at,
                author: batch.author.clone(),
                separation: one.clone(),
            });
            merged.chain(separated)
        });
        let shared = report.shared.into_iter().map(Finding::Shared);
        let differs = report.differing.into_iter().map(Finding::Differs);
        listed.extend(decided.chain(shared).chain(differs).map(|finding| Listed {
            dataset: dataset.name.clone(),
            finding,
        }));
    }
    Ok(listed)
}

/// Takes a merge back: the record stands for itself again.
///
/// # Errors
/// There is no such dataset, the record was not merged, or the journal cannot be written.
pub async fn separate(workspace: &Workspace, asked: Asked, run: &Run) -> Result<Separation> {
    let journal = workspace.journal(Opening::Existing).await?;
    let judgement = judgement(workspace, asked, run)?;
    Ok(Box::pin(journal.separate(&judgement)).await?)
}

/// Makes a record one with another.
///
/// # Errors
/// There is no such dataset, the records cannot be one, or the journal cannot be written.
pub async fn join(workspace: &Workspace, asked: Asked, into: &str, run: &Run) -> Result<Merge> {
    let journal = workspace.journal(Opening::Existing).await?;
    let judgement = judgement(workspace, asked, run)?;
    Ok(Box::pin(journal.join(&judgement, into)).await?)
}

/// What a person says about a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The dataset.
    pub dataset: String,
    /// The record, by a key that was made from an identifier.
    pub record: String,
    /// The sources that speak of it and not of the record that it was taken for; empty = those that came with it.
    pub sources: Vec<String>,
    /// Why.
    pub reason: String,
}

fn judgement(workspace: &Workspace, asked: Asked, run: &Run) -> Result<Judgement> {
    Ok(Judgement {
        dataset: workspace.dataset(&asked.dataset)?,
        datasets: workspace.datasets(),
        record: asked.record,
        sources: asked.sources,
        reason: asked.reason,
        author: run.author.clone(),
        now: run.now,
        today: local_day(run.now, &workspace.settings.zone),
    })
}
