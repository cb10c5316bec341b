//! Checks that the books balance.

use keiki_store::Verification;

use crate::config::{Opening, Workspace};
use crate::error::Result;
use crate::progress::{Progress, Step};

/// Verifies the journal.
///
/// # Errors
/// It cannot be read at all; what does not fit is a finding.
pub async fn verify(workspace: &Workspace, progress: &dyn Progress) -> Result<Verification> {
    let journal = workspace.journal(Opening::Existing).await?;
    progress.begin(&Step::Verifying);
    Ok(journal.verify(&workspace.datasets()).await?)
}
