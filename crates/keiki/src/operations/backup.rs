//! Copies a workspace with its books, all of one moment, and puts such a copy back.
//!
//! The list of what is visible is copied first, then the operational database, then what the list names. If something was committed or
//! closed meanwhile, it is begun again, so that the database and the journal are of the same moment. *Source*: decision 0101.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use keiki_model::calendar::instant_text;
use keiki_model::text::{Text, hexadecimal};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::programme::{self, Run};
use crate::config::settings::DatabaseSettings;
use crate::config::{Opening, STATE_FOLDER, Workspace};
use crate::error::{Error, Result};

/// What tells that a backup is whole, and of what.
const MANIFEST: &str = "backup.json";
/// The folder with the workspace.
const INSIDE: &str = "workspace";
/// What is not worth keeping: caches, and what waits or is on its way.
const PASSING: [&str; 3] = ["cubes", "waiting", "spill"];
/// Where the last backup is noted, within the state folder.
const LAST: &str = "last-backup.json";
/// How often it is begun again where something came in meanwhile.
const ATTEMPTS: usize = 8;
/// The form of the manifest.
const FORM: u32 = 1;

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
    /// Every file with the SHA-256 of its bytes.
    pub files: BTreeMap<String, String>,
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
    let inside = to.join(INSIDE);
    for _ in 0..ATTEMPTS {
        let Some((journal_version, statements)) =
            whole(workspace, &places, (&inside, database)).await?
        else {
            std::fs::remove_dir_all(&inside).map_err(Error::file(&inside))?;
            continue;
        };
        let listed = inside.clone();
        let files = tokio::task::spawn_blocking(move || hashes(&listed));
        let manifest = Manifest {
            form: FORM,
            made_at: instant_text(run.now),
            made_by: run.author.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            journal_version,
            statements,
            files: files.await.map_err(Error::stopped)??,
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
    journal: PathBuf,
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
        let within = |place: PathBuf| {
            let inside = place.strip_prefix(&workspace.root);
            inside.map(Path::to_owned).ok()
        };
        let journal = url.to_file_path().ok().and_then(within).ok_or_else(|| {
            Error::user(
                Text::new(
                    "証跡台帳がワークスペースのフォルダの外にあります",
                    "the journal does not lie in the workspace's folder",
                ),
                Text::new(
                    "台帳のある保管先の機能で控えを取ってください",
                    "back it up with the tools of the place where it lies",
                ),
            )
        })?;
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
    let seq = match workspace.journal(Opening::Existing).await {
        Ok(journal) => journal.snapshot().await?.seq(),
        Err(Error::Store(keiki_store::StoreError::NoJournal(_))) => 0,
        Err(error) => return Err(error),
    };
    Ok((seq, workspace.statements().await?.last_number().await?))
}

/// Copies everything once; `None` where something came in meanwhile.
async fn whole(
    workspace: &Workspace,
    places: &Places,
    (inside, database): (&Path, DatabaseCopy),
) -> Result<Option<Moment>> {
    let before = moment(workspace).await?;
    let batches = places.journal.join("batches");
    let (root, to) = (workspace.root.clone(), inside.to_owned());
    let first = batches.clone();
    let copied =
        tokio::task::spawn_blocking(move || copy(&root.join(&first), &to.join(&first), &|_| true));
    if !copied.await.map_err(Error::stopped)?? {
        return Ok(None);
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
    let (root, to) = (workspace.root.clone(), inside.to_owned());
    let of_database = places.database.clone();
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
            !is_passing && !is_database && !is_server && relative != batches
        };
        copy(&root, &to, &is_wanted)
    });
    let is_whole = copied.await.map_err(Error::stopped)??;
    let after = moment(workspace).await?;
    Ok((is_whole && before == after).then_some(before))
}

/// Copies a folder. Returns whether nothing of it went away meanwhile.
fn copy(from: &Path, to: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Result<bool> {
    let entries = match std::fs::read_dir(from) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        found => found.map_err(Error::file(from))?,
    };
    std::fs::create_dir_all(to).map_err(Error::file(to))?;
    for entry in entries {
        let entry = entry.map_err(Error::file(from))?;
        let (place, target) = (entry.path(), to.join(entry.file_name()));
        if !is_wanted(&place) {
            continue;
        }
        let kind = entry.file_type().map_err(Error::file(&place))?;
        if kind.is_dir() {
            if !copy(&place, &target, is_wanted)? {
                return Ok(false);
            }
            continue;
        }
        // What a link leads to is kept where it is.
        if !kind.is_file() {
            continue;
        }
        match std::fs::copy(&place, &target) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            copied => copied.map_err(Error::file(&place))?,
        };
    }
    Ok(true)
}

/// Every file below a folder with the hash of its bytes.
fn hashes(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(Error::file(&folder))? {
            let place = entry.map_err(Error::file(&folder))?.path();
            if place.is_dir() {
                folders.push(place);
                continue;
            }
            let relative = place.strip_prefix(root).unwrap_or(&place);
            let name = relative.to_string_lossy().into_owned();
            found.insert(name, hash(&place)?);
        }
    }
    Ok(found)
}

fn hash(place: &Path) -> Result<String> {
    let mut file = std::fs::File::open(place).map_err(Error::file(place))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        let length = file.read(&mut piece).map_err(Error::file(place))?;
        if length == 0 {
            return Ok(hexadecimal(&hash.finalize()));
        }
        hash.update(&piece[..length]);
    }
}

/// Makes a folder that is its owner's alone; what lies in it is as personal as the books.
fn new_folder(to: &Path, root: &Path) -> Result<()> {
    let absolute = resolved(to)?;
    let is_empty = match std::fs::read_dir(to) {
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        found => found.map_err(Error::file(to))?.next().is_none(),
    };
    if !is_empty || absolute.starts_with(root) {
        let shown = to.display();
        return Err(Error::user(
            Text::new(
                format!("控えを置ける空のフォルダではありません: {shown}"),
                format!("not an empty folder outside the workspace: {shown}"),
            ),
            Text::new(
                "新しいフォルダをワークスペースの外に指定してください",
                "name a new folder that is not in the workspace",
            ),
        ));
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(to).map_err(Error::file(to))
}

/// Where a path leads, of which the end need not be there yet.
fn resolved(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(Error::file(path))?;
    for there in absolute.ancestors() {
        if let Ok(found) = there.canonicalize() {
            let rest = absolute.strip_prefix(there).unwrap_or(Path::new(""));
            return Ok(found.join(rest));
        }
    }
    Ok(absolute)
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

/// Puts a backup into a new folder, if every file of it is what it was.
///
/// # Errors
/// It is no backup, it is not whole, or the folder is not empty.
pub fn restore(from: &Path, to: &Path) -> Result<Manifest> {
    let place = from.join(MANIFEST);
    let no_backup = || {
        let shown = from.display();
        Error::user(
            Text::new(
                format!("控えではないか、途中までの控えです: {shown}"),
                format!("no backup, or one that was not finished: {shown}"),
            ),
            Text::new(
                "`keiki backup` で作ったフォルダを指定してください",
                "name a folder that `keiki backup` made",
            ),
        )
    };
    let text = std::fs::read(&place).map_err(|_| no_backup())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| no_backup())?;
    if manifest.form != FORM {
        return Err(no_backup());
    }
    let inside = from.join(INSIDE);
    let found = hashes(&inside)?;
    let altered = manifest
        .files
        .iter()
        .find(|(name, hash)| found.get(*name) != Some(hash));
    let added = found
        .keys()
        .find(|name| !manifest.files.contains_key(*name));
    if let Some(name) = altered.map(|(name, _)| name).or(added) {
        return Err(Error::user(
            Text::new(
                format!("控えの内容が作成時と異なります: {name}"),
                format!("the backup is not what it was: {name}"),
            ),
            Text::new("別の控えから戻してください", "restore from another backup"),
        ));
    }
    new_folder(to, from)?;
    copy(&inside, to, &|_| true)?;
    Ok(manifest)
}
