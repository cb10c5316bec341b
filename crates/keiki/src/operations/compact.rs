//! Puts the journal's many small files together; no figure moves.

use keiki_store::Compacted;

use crate::config::{Opening, Workspace};
use crate::error::Result;
use crate::progress::{Progress, Step};

/// Compacts the journal.
///
/// # Errors
/// A table cannot be read or written; what was done before stays done.
pub async fn compact(workspace: &Workspace, progress: &dyn Progress) -> Result<Compacted> {
    let journal = workspace.journal(Opening::Existing).await?;
    progress.begin(&Step::Compacting);
    Ok(journal.compact(&workspace.datasets()).await?)
}
