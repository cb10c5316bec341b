//! Lists what is known of the identity of records: which were found to be one, which identifiers decide nothing, and where
//! sources differ.

use keiki_model::dataset::DatasetKind;
use keiki_store::{Differing, Merge, SharedIdentifier};

use crate::config::{Opening, Workspace};
use crate::error::Result;

/// One thing about identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A record was found to be another.
    Merged {
        /// The commit.
        seq: i64,
        /// When it became known, UTC microseconds.
        known_at: i64,
        /// What was found.
        merge: Merge,
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
        let merged = report.merged.iter().flat_map(|batch| {
            batch.merges.iter().map(|merge| Finding::Merged {
                seq: batch.seq,
                known_at: batch.known_at,
                merge: merge.clone(),
            })
        });
        let shared = report.shared.into_iter().map(Finding::Shared);
        let differs = report.differing.into_iter().map(Finding::Differs);
        listed.extend(merged.chain(shared).chain(differs).map(|finding| Listed {
            dataset: dataset.name.clone(),
            finding,
        }));
    }
    Ok(listed)
}
