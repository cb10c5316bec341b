//! Puts the journal's many small files together, and takes raw files away whose time is over; no figure moves.

use std::fs;

use keiki_store::{Compacted, Journal};

use super::ingest::FETCHED_PREFIX;
use super::person::{self, Grounds};
use super::programme::Run;
use crate::config::{Opening, STATE_FOLDER, Workspace};
use crate::error::{Error, Result};
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
    let mut compacted = journal.compact(&workspace.datasets()).await?;
    compacted.leftovers_removed += sweep_fetched(workspace)?;
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

/// Puts files together after an ingest where a table has gathered more of them than `keiki.toml` says. The evidence is in by
/// then: that this fails means only that there is more to do next time.
pub(super) async fn after_ingest(workspace: &Workspace, journal: &Journal) {
    let Some(most) = workspace.settings.table_files else {
        return;
    };
    let done = journal.compact_gathered(&workspace.datasets(), most).await;
    match done {
        Ok(done) => tracing::debug!(?done, "compacted"),
        Err(error) => tracing::warn!(%error, "the journal's files could not be put together"),
    }
}

/// Takes away what fetchings left that never came to an end.
fn sweep_fetched(workspace: &Workspace) -> Result<usize> {
    let state = workspace.root.join(STATE_FOLDER);
    let mut removed = 0;
    for entry in fs::read_dir(&state).map_err(Error::file(&state))? {
        let entry = entry.map_err(Error::file(&state))?;
        let is_left = entry
            .file_name()
            .to_string_lossy()
            .starts_with(FETCHED_PREFIX);
        if is_left && entry.path().is_dir() {
            fs::remove_dir_all(entry.path()).map_err(Error::file(&entry.path()))?;
            removed += 1;
        }
    }
    Ok(removed)
}
