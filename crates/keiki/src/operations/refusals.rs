//! Readings that came to nothing: noted when they fail; those whose evidence was refused are listed with what mended them.

use keiki_ingest::IngestError;
use keiki_store::{Batch, FailedReading, Fault, Tried};

use super::ingest::{Ingest, Outcome};
use crate::config::Workspace;
use crate::error::{Error, Kind, Result};

/// A refused reading, and whether a later one came in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What was refused, and why.
    pub reading: FailedReading,
    /// The commit that mended it.
    pub mended_by: Option<i64>,
}

/// The refused readings with what mended them.
///
/// # Errors
/// The database cannot be read.
pub(super) async fn refused(workspace: &Workspace, batches: &[Batch]) -> Result<Vec<Refused>> {
    // A workspace that has read nothing yet has no database, and is not given one by a look.
    if !workspace.database()?.is_there() {
        return Ok(Vec::new());
    }
    let all = workspace.readings().await?.refused().await?.into_iter();
    let with_mending = |reading: FailedReading| Refused {
        mended_by: reading.mended_by(batches).map(|batch| batch.seq),
        reading,
    };
    Ok(all.map(with_mending).collect())
}

/// Notes that a reading came to nothing. That it was read is noted with the reading itself.
pub(super) async fn note(workspace: &Workspace, outcome: &Outcome, asked: &Ingest) -> Result<()> {
    let Err(error) = &outcome.result else {
        return Ok(());
    };
    let (tried, fault) = (asked.what.tried(), fault(error));
    if tried == Tried::Files && fault == Fault::Access {
        return Ok(());
    }
    let place = match error {
        Error::Ingest(error) => error.place(),
        _ => None,
    };
    let failed = FailedReading {
        source: outcome.source.clone(),
        dataset: outcome.dataset.clone(),
        at: asked.now,
        as_of: asked.as_of,
        file: place.map(|place| place.file),
        reason: error.message(),
        author: asked.author.clone(),
        tried,
        fault,
    };
    Ok(workspace.readings().await?.failed(&failed).await?)
}

/// Whether evidence was refused for what it is; a definition that is wrong, or no file at all, is no evidence.
fn fault(error: &Error) -> Fault {
    let is_no_reading = matches!(
        error,
        Error::Ingest(
            IngestError::NoFile { .. }
                | IngestError::OutsideWorkspace { .. }
                | IngestError::Pattern { .. }
        ) | Error::Fetch(_)
    );
    if error.kind() == Kind::Evidence && !is_no_reading {
        Fault::Evidence
    } else {
        Fault::Access
    }
}
