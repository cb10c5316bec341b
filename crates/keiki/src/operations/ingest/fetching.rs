//! Fetches the evidence of a live system into a folder that is gone once it was read.

use jiff::Timestamp;
use keiki_ingest::live::{self, Amount, FetchLimits, Request, Surroundings, Vault};
use keiki_ingest::{InputFile, Source};
use keiki_store::Cursor;
use tempfile::TempDir;

use super::Ingest;
use crate::config::{STATE_FOLDER, Workspace};
use crate::error::{Error, Result};
use crate::progress::{Progress, Step};

/// What was fetched, as long as it is needed.
#[derive(Debug)]
pub(in crate::operations) struct Fetched {
    /// The files.
    pub(in crate::operations) files: Vec<InputFile>,
    position: Option<String>,
    _folder: TempDir,
}

impl Fetched {
    /// Where the next reading under the definition begins.
    pub(super) fn cursor(self, definition: String) -> Option<Cursor> {
        self.position.map(|position| Cursor {
            position,
            definition,
        })
    }
}

/// Fetches what is new in a source's system; `None` for a source of files.
pub(super) async fn fetch(
    workspace: &Workspace,
    source: &Source,
    asked: &Ingest,
    progress: &dyn Progress,
) -> Result<Option<Fetched>> {
    if source.fetch.is_none() {
        return Ok(None);
    }
    progress.begin(&Step::Fetching {
        source: source.name.clone(),
    });
    let standing = workspace.readings().await?.of(&source.name).await?;
    // Under another definition rows may be wanted that were passed by.
    let cursor = standing
        .cursor
        .filter(|cursor| cursor.definition == source.version)
        .map(|cursor| cursor.position);
    let part = Part {
        cursor: cursor.as_deref(),
        amount: Amount::All,
        now: asked.now,
    };
    fetch_part(workspace, source, part, asked.surroundings).await
}

/// How the folders begin in which fetched evidence lies while it is read.
pub(in crate::operations) const FETCHED_PREFIX: &str = "fetched-";

/// What is fetched of a system.
#[derive(Debug, Clone, Copy)]
pub(in crate::operations) struct Part<'p> {
    /// From where on.
    pub(in crate::operations) cursor: Option<&'p str>,
    /// How much.
    pub(in crate::operations) amount: Amount,
    /// Now, UTC microseconds.
    pub(in crate::operations) now: i64,
}

/// Fetches a part; `None` for a source of files.
pub(in crate::operations) async fn fetch_part(
    workspace: &Workspace,
    source: &Source,
    part: Part<'_>,
    surroundings: &dyn Surroundings,
) -> Result<Option<Fetched>> {
    let Some(connector) = &source.fetch else {
        return Ok(None);
    };
    let state = workspace.root.join(STATE_FOLDER);
    std::fs::create_dir_all(&state).map_err(Error::file(&state))?;
    let folder = tempfile::Builder::new()
        .prefix(FETCHED_PREFIX)
        .tempdir_in(&state)
        .map_err(Error::file(&state))?;
    let vault = Vault::new(surroundings, &workspace.root);
    let request = Request {
        source: &source.name,
        now: Timestamp::from_microsecond(part.now).unwrap_or_default(),
        cursor: part.cursor,
        amount: part.amount,
        records: source.format.records.as_deref(),
        folder: folder.path(),
        workspace: &workspace.root,
        limits: &FetchLimits::default(),
        vault: &vault,
    };
    let fetched = live::fetch(connector.as_ref(), &request).await?;
    Ok(Some(Fetched {
        files: fetched.files,
        position: fetched.cursor,
        _folder: folder,
    }))
}
