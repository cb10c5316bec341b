//! Puts the journal's many small files together, and takes raw files away whose time is over; no figure moves.

use keiki_store::Compacted;

use super::person::{self, Grounds};
use super::programme::Run;
use crate::config::{Opening, Workspace};
use crate::error::Result;
use crate::progress::{Progress, Step};

/// Microseconds in a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// What was done.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// By compaction.
    pub compacted: Compacted,
    /// For how many days raw files with personal data are kept, and how many were over it; absent = they are kept for ever.
    pub expired: Option<(i32, usize)>,
}

/// Compacts the journal.
///
/// # Errors
/// A table cannot be read or written; what was done before stays done.
pub async fn compact(workspace: &Workspace, run: &Run, progress: &dyn Progress) -> Result<Done> {
    let journal = workspace.journal(Opening::Existing).await?;
    progress.begin(&Step::Compacting);
    let compacted = journal.compact(&workspace.datasets()).await?;
    let mut expired = None;
    if let Some(days) = workspace.settings.personal_files_days {
        let before = run.now - i64::from(days) * DAY_MICROS;
        let reason = format!("kept for {days} days, as keiki.toml states");
        let files = journal.expire_raw(before, &reason).await?;
        if files > 0 {
            let grounds = Grounds {
                reason,
                run: run.clone(),
            };
            let count = i64::try_from(files).unwrap_or(i64::MAX);
            person::note(workspace, "expire", None, count, &grounds).await?;
        }
        expired = Some((days, files));
    }
    Ok(Done { compacted, expired })
}
