//! Copies a workspace with its books, all of one moment, and puts such a copy back.
//!
//! The list of what is visible is copied first, then the operational database, then what the list names. If something was committed or
//! closed meanwhile, it is begun again, so that the database and the journal are of the same moment. Of a journal that lies elsewhere
//! a version of its logs is pinned in the place of the list, and what these name is copied at the end. *Source*: decisions 0101, 0119.

mod files;
mod restoring;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use keiki_model::calendar::instant_text;
use keiki_model::text::Text;
use keiki_store::{Copied, Journal, Pinned, StoreError};
use serde::{Deserialize, Serialize};

use super::programme::{self, Run};
use crate::config::settings::DatabaseSettings;
use crate::config::{Opening, STATE_FOLDER, Workspace};
use crate::error::{Error, Result};
use files::{copy, hashes, new_folder, resolved};
pub use restoring::restore;

/// What tells that a backup is whole, and of what.
const MANIFEST: &str = "backup.json";
/// The folder with the workspace.
const INSIDE: &str = "workspace";
/// The folder with the journal, where it does not lie in the workspace.
const JOURNAL: &str = "journal";
/// What is not worth keeping: caches, and what waits or is on its way.
const PASSING: [&str; 4] = ["cubes", "objects", "waiting", "spill"];
/// The table of what is visible, within a journal.
const BATCHES: &str = "batches";
/// Where the last backup is noted, within the state folder.
const LAST: &str = "last-backup.json";
/// How often it is begun again where something came in meanwhile.
const ATTEMPTS: usize = 8;
/// The form of a manifest without a journal of its own, and of one with it: programs that know only the first take no other.
const FORM: u32 = 1;
const FORM_WITH_JOURNAL: u32 = 2;

/// Whether the operational database goes into a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseCopy {
    /// It does: it is a file.
    Taken,
    /// Somebody else sees to it, with the tools of its server.
    Elsewhere,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    form: u32,
    /// When it was made.
    pub made_at: String,
    /// Who made it.
    pub made_by: String,
    /// The program.
    pub version: String,
    /// The journal version; 0 where nothing was read yet.
    pub journal_version: i64,
    /// The last event of the book of statements.
    pub statements: Option<i64>,
    /// Every file of the workspace with the SHA-256 of its bytes.
    pub files: BTreeMap<String, String>,
    /// The same of the journal, where it does not lie in the workspace.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub journal: BTreeMap<String, String>,
}

/// The backup that was made last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    /// When, UTC microseconds.
    pub at: i64,
    /// Where it is.
    pub place: String,
    /// The journal version that it holds.
    pub journal_version: i64,
}

/// Copies a workspace with its books into a new folder.
///
/// # Errors
/// Books lie where they cannot be copied from, or something cannot be read or written.
pub async fn back_up(
    workspace: &Workspace,
    to: &Path,
    (run, database): (&Run, DatabaseCopy),
) -> Result<Manifest> {
    programme::record(workspace, run, None).await?;
    let places = Places::of(workspace, database)?;
    new_folder(to, &workspace.root)?;
    for _ in 0..ATTEMPTS {
        let Some(whole) = whole(workspace, &places, (to, database)).await? else {
            for part in [INSIDE, JOURNAL] {
                let part = to.join(part);
                if part.exists() {
                    std::fs::remove_dir_all(&part).map_err(Error::file(&part))?;
                }
            }
            continue;
        };
        let (journal_version, statements) = whole.moment;
        let listed = to.join(INSIDE);
        let files = tokio::task::spawn_blocking(move || hashes(&listed));
        let manifest = Manifest {
            form: if whole.journal.is_empty() {
                FORM
            } else {
                FORM_WITH_JOURNAL
            },
            made_at: instant_text(run.now),
            made_by: run.author.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            journal_version,
            statements,
            files: files.await.map_err(Error::stopped)??,
            journal: whole.journal,
        };
        let place = to.join(MANIFEST);
        let text = serde_json::to_vec_pretty(&manifest).map_err(Error::stopped)?;
        std::fs::write(&place, text).map_err(Error::file(&place))?;
        noted(workspace, to, run.now, journal_version)?;
        return Ok(manifest);
    }
    Err(Error::user(
        Text::new(
            "取込や締めが続いているため、同じ時点の控えを作れません",
            "something is taken in or closed all the time, and no moment could be copied",
        ),
        Text::new(
            "取込の合間にもう一度実行してください",
            "run it again between two ingests",
        ),
    ))
}

/// Where the books of a workspace lie below its folder.
struct Places {
    /// `None` = the journal lies elsewhere.
    journal: Option<PathBuf>,
    database: Option<PathBuf>,
}

impl Places {
    fn of(workspace: &Workspace, copy: DatabaseCopy) -> Result<Self> {
        let url = workspace
            .settings
            .journal_url(&workspace.root)
            .map_err(|problem| Error::Problems {
                problems: vec![problem],
            })?;
        // A link leads to where files lie, and links are not copied.
        let root = resolved(&workspace.root)?;
        let place = url.to_file_path().ok();
        let place = place.map(|place| resolved(&place)).transpose()?;
        let journal = place.and_then(|place| Some(place.strip_prefix(&root).ok()?.to_owned()));
        let database = match (&workspace.settings.database, copy) {
            (_, DatabaseCopy::Elsewhere) => None,
            (DatabaseSettings::File(path), DatabaseCopy::Taken) => Some(PathBuf::from(path)),
            (DatabaseSettings::Server { .. }, DatabaseCopy::Taken) => {
                return Err(Error::user(
                    Text::new(
                        "データベースがPostgreSQLのため、ここからは控えを取れません",
                        "the database is a PostgreSQL and cannot be copied from here",
                    ),
                    Text::new(
                        "先に pg_dump で控えを取り、--without-database を付けて実行してください",
                        "dump it with pg_dump first, then add --without-database",
                    ),
                ));
            }
        };
        Ok(Self { journal, database })
    }
}

/// The journal version, and the last event of the book of statements.
type Moment = (i64, Option<i64>);

async fn moment(workspace: &Workspace) -> Result<Moment> {
    let seq = match existing(workspace.journal(Opening::Existing).await)? {
        Some(journal) => journal.snapshot().await?.seq(),
        None => 0,
    };
    Ok((seq, workspace.statements().await?.last_number().await?))
}

/// A journal; `None` where nothing was read yet.
fn existing(opened: Result<Journal>) -> Result<Option<Journal>> {
    match opened {
        Ok(journal) => Ok(Some(journal)),
        Err(Error::Store(StoreError::NoJournal(_))) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A copy that is whole.
struct Whole {
    moment: Moment,
    /// The files of a journal that lies elsewhere, with their hashes.
    journal: BTreeMap<String, String>,
}

/// Copies everything once; `None` where something came in meanwhile.
async fn whole(
    workspace: &Workspace,
    places: &Places,
    (to, database): (&Path, DatabaseCopy),
) -> Result<Option<Whole>> {
    let inside = to.join(INSIDE);
    let before = moment(workspace).await?;
    let mut elsewhere = None;
    if let Some(journal) = &places.journal {
        if !visible(workspace, &journal.join(BATCHES), &inside).await? {
            return Ok(None);
        }
    } else if let Some(journal) = existing(Box::pin(workspace.journal_itself()).await)? {
        let pinned = journal.pinned().await?;
        if pinned.seq != before.0 {
            return Ok(None);
        }
        elsewhere = Some((journal, pinned));
    }
    if let Some(path) = &places.database {
        let to = inside.join(path);
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        if database == DatabaseCopy::Taken {
            workspace.database()?.copy_to_file(&to).await?;
        }
    }
    let is_whole = rest(workspace, places, &inside).await?;
    if !is_whole || moment(workspace).await? != before {
        return Ok(None);
    }
    let journal = journal_elsewhere(elsewhere, &to.join(JOURNAL)).await?;
    Ok(journal.map(|journal| Whole {
        moment: before,
        journal,
    }))
}

/// Copies the list of what is visible in a journal that lies in the workspace; nothing else of it may be older.
async fn visible(workspace: &Workspace, batches: &Path, inside: &Path) -> Result<bool> {
    let (from, to) = (workspace.root.join(batches), inside.join(batches));
    let copied = tokio::task::spawn_blocking(move || copy(&from, &to, &|_| true));
    copied.await.map_err(Error::stopped)?
}

/// Copies what lies in the workspace beside the database and the list of what is visible.
async fn rest(workspace: &Workspace, places: &Places, inside: &Path) -> Result<bool> {
    let (root, to) = (workspace.root.clone(), inside.to_owned());
    let of_database = places.database.clone();
    let batches = places.journal.as_ref().map(|journal| journal.join(BATCHES));
    let copied = tokio::task::spawn_blocking(move || {
        let is_wanted = |path: &Path| {
            let relative = path.strip_prefix(&root).unwrap_or(path);
            let text = relative.to_string_lossy();
            let state = relative.strip_prefix(STATE_FOLDER);
            let is_passing = state.is_ok_and(|rest| {
                rest == Path::new(LAST) || PASSING.iter().any(|name| rest.starts_with(name))
            });
            // The file of the database and those beside it in which it writes.
            let is_database = of_database
                .as_ref()
                .is_some_and(|of| text.starts_with(&*of.to_string_lossy()));
            let is_server = of_database.is_none() && text.starts_with(".keiki/keiki.db");
            let is_list = batches.as_deref() == Some(relative);
            !is_passing && !is_database && !is_server && !is_list
        };
        copy(&root, &to, &is_wanted)
    });
    copied.await.map_err(Error::stopped)?
}

/// Copies a journal that lies elsewhere; `None` where something of it was taken away meanwhile.
async fn journal_elsewhere(
    journal: Option<(Journal, Pinned)>,
    to: &Path,
) -> Result<Option<BTreeMap<String, String>>> {
    let Some((journal, pinned)) = journal else {
        return Ok(Some(BTreeMap::new()));
    };
    match journal.copy_to(&pinned, to).await? {
        Copied::Whole(hashes) => Ok(Some(hashes)),
        Copied::Gone(file) => {
            tracing::warn!(
                file,
                "the journal was put together anew, and is copied again"
            );
            Ok(None)
        }
    }
}

/// Notes where the last backup is.
fn noted(workspace: &Workspace, to: &Path, at: i64, journal_version: i64) -> Result<()> {
    let last = LastBackup {
        at,
        place: to.display().to_string(),
        journal_version,
    };
    let state = workspace.root.join(STATE_FOLDER);
    let place = state.join(LAST);
    let mut beside = tempfile::NamedTempFile::new_in(&state).map_err(Error::file(&place))?;
    let text = serde_json::to_vec(&last).map_err(Error::stopped)?;
    beside.write_all(&text).map_err(Error::file(&place))?;
    let kept = beside.persist(&place);
    kept.map_err(|error| Error::file(&place)(error.error))?;
    Ok(())
}

/// The backup that was made last; `None` where there is none that the workspace knows of.
#[must_use]
pub fn last(root: &Path) -> Option<LastBackup> {
    let text = std::fs::read(root.join(STATE_FOLDER).join(LAST)).ok()?;
    serde_json::from_slice(&text).ok()
}
