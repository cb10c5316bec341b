//! Readings that were refused as a whole: noted when they fail, listed with what mended them.

use keiki_ingest::IngestError;
use keiki_store::{Batch, Refusal};

use super::ingest::Ingest;
use crate::config::Workspace;
use crate::error::{Error, Kind, Result};

/// A refused reading, and whether a later one came in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What was refused, and why.
    pub refusal: Refusal,
    /// The commit that mended it.
    pub mended_by: Option<i64>,
}

/// The refused readings with what mended them.
///
/// # Errors
/// The database cannot be read.
pub(super) async fn refused(workspace: &Workspace, batches: &[Batch]) -> Result<Vec<Refused>> {
    // A workspace that has read nothing yet has no database, and is not given one by a look.
    if !workspace.root.join(&workspace.settings.database).is_file() {
        return Ok(Vec::new());
    }
    let all = workspace.refusals().await?.all().await?.into_iter();
    let with_mending = |refusal: Refusal| Refused {
        mended_by: refusal.mended_by(batches).map(|batch| batch.seq),
        refusal,
    };
    Ok(all.map(with_mending).collect())
}

/// Notes that a reading was refused for what it is; a definition that is wrong, or no file at all, is no reading.
pub(super) async fn note(
    workspace: &Workspace,
    (source, dataset): (&str, &str),
    asked: &Ingest,
    error: &Error,
) -> Result<()> {
    let is_no_reading = matches!(
        error,
        Error::Ingest(
            IngestError::NoFile { .. }
                | IngestError::OutsideWorkspace { .. }
                | IngestError::Pattern { .. }
        ) | Error::Fetch(_)
    );
    if error.kind() != Kind::Evidence || is_no_reading {
        return Ok(());
    }
    let place = match error {
        Error::Ingest(error) => error.place(),
        _ => None,
    };
    let refusal = Refusal {
        source: source.to_owned(),
        dataset: dataset.to_owned(),
        at: asked.now,
        as_of: asked.as_of,
        file: place.map(|place| place.file),
        reason: error.message(),
        author: asked.author.clone(),
    };
    workspace.refusals().await?.add(&refusal).await?;
    Ok(())
}
