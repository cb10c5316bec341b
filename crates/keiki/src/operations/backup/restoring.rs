//! Puts a backup back: into a new folder, and its journal into that folder or onto an object store.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use keiki_model::text::Text;
use keiki_store::{FORMAT_FILE, Place};
use toml_edit::{DocumentMut, value};
use url::Url;

use super::files::{copy, hashes, new_folder};
use super::{FORM, FORM_WITH_JOURNAL, INSIDE, JOURNAL, MANIFEST, Manifest};
use crate::config::settings::{self, Settings};
use crate::error::{Error, Result};

/// Puts a backup into a new folder, if every file of it is what it was. Its journal goes where `journal` says, an address or a path
/// within the folder; absent, a journal that lay elsewhere goes to its usual place in the folder.
///
/// # Errors
/// It is no backup, it is not whole, the folder is not empty, or something lies where the journal is to go.
pub async fn restore(from: &Path, to: &Path, journal: Option<&str>) -> Result<Manifest> {
    let manifest = manifest(from)?;
    let compared = (from.to_owned(), manifest.clone());
    let compared = tokio::task::spawn_blocking(move || is_as_it_was(&compared.0, &compared.1));
    compared.await.map_err(Error::stopped)??;
    new_folder(to, from)?;
    let moved = Moved::of(from, to, &manifest, journal)?;
    let going = moved.as_ref().and_then(|moved| moved.files.as_ref());
    if let Some(going) = going {
        going.place.must_be_empty().await?;
    }
    let inside = from.join(INSIDE);
    let left_out = going.map(|going| going.source.as_path());
    copy(&inside, to, &|path| left_out != Some(path))?;
    if let Some(going) = going {
        going.place.fill(&going.source, &going.names).await?;
    }
    if let Some(moved) = &moved {
        let file = to.join(settings::FILE);
        std::fs::write(&file, &moved.settings).map_err(Error::file(&file))?;
    }
    Ok(manifest)
}

fn manifest(from: &Path) -> Result<Manifest> {
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
    let text = std::fs::read(from.join(MANIFEST)).map_err(|_| no_backup())?;
    let manifest: Option<Manifest> = serde_json::from_slice(&text).ok();
    let known = [FORM, FORM_WITH_JOURNAL];
    let manifest = manifest.filter(|manifest| known.contains(&manifest.form));
    manifest.ok_or_else(no_backup)
}

/// Makes sure that a backup holds the files that were put into it, and no others.
fn is_as_it_was(from: &Path, manifest: &Manifest) -> Result<()> {
    compare(&from.join(INSIDE), &manifest.files)?;
    if manifest.journal.is_empty() {
        return Ok(());
    }
    compare(&from.join(JOURNAL), &manifest.journal)
}

fn compare(folder: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    let found = hashes(folder)?;
    let altered = files
        .iter()
        .find(|(name, hash)| found.get(*name) != Some(hash));
    let added = found.keys().find(|name| !files.contains_key(*name));
    let Some(name) = altered.map(|(name, _)| name).or(added) else {
        return Ok(());
    };
    Err(Error::user(
        Text::new(
            format!("控えの内容が作成時と異なります: {name}"),
            format!("the backup is not what it was: {name}"),
        ),
        Text::new("別の控えから戻してください", "restore from another backup"),
    ))
}

/// What of a journal is not as it lay in the workspace that was backed up.
struct Moved {
    /// Its files, and where they go; `None` = they lie in the new folder as they did in the old one.
    files: Option<Going>,
    /// `keiki.toml` with its new place.
    settings: String,
}

/// Files of a journal that go elsewhere.
struct Going {
    /// The folder of the backup in which they lie.
    source: PathBuf,
    names: Vec<String>,
    place: Place,
}

impl Moved {
    fn of(
        from: &Path,
        to: &Path,
        manifest: &Manifest,
        journal: Option<&str>,
    ) -> Result<Option<Self>> {
        let inside = from.join(INSIDE);
        let file = inside.join(settings::FILE);
        let text = std::fs::read_to_string(&file).map_err(Error::file(&file))?;
        let read = |text: &str| {
            let read = Settings::read(settings::FILE, text);
            read.map_err(|problems| Error::Problems { problems })
        };
        let before = read(&text)?.journal;
        let within = within(&before, manifest);
        let stays = manifest.journal.is_empty() && journal.is_none();
        if stays && is_relative(&before) && within.is_some() {
            return Ok(None);
        }
        let mut document: DocumentMut = text.parse().map_err(Error::stopped)?;
        // An address of the old workspace is not taken over: what is restored never writes to the old books.
        let kept = within.clone().filter(|_| stays);
        let kept = kept.unwrap_or_else(|| settings::JOURNAL.to_owned());
        document["journal"] = value(journal.unwrap_or(&kept));
        let settings = document.to_string();
        let changed = read(&settings)?;
        let files = if stays {
            None
        } else {
            let (source, names) = lying(from, manifest, within);
            let place = place(to, &changed)?;
            nothing_else_lies_there(&place, (&inside, to), &source, manifest)?;
            Some(Going {
                source,
                names,
                place,
            })
        };
        Ok(Some(Self { files, settings }))
    }
}

/// Whether a journal's place is a path that is taken from the workspace.
fn is_relative(journal: &str) -> bool {
    !journal.contains("://") && Path::new(journal).is_relative()
}

/// The folder of the workspace in which the journal lay, without detours; `None` where it did not lie in it.
///
/// An address or a whole path tells where the workspace was too, which no longer counts: its end does that leads to a journal.
fn within(journal: &str, manifest: &Manifest) -> Option<String> {
    let path = match Url::parse(journal) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok()?,
        Ok(_) => return None,
        Err(_) => PathBuf::from(journal),
    };
    let is_relative = path.is_relative();
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => _ = parts.pop()?,
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    if is_relative {
        return Some(parts.join("/")).filter(|folder| !folder.is_empty());
    }
    let is_there = |folder: &String| {
        let format = format!("{folder}/{FORMAT_FILE}");
        manifest.files.contains_key(&format)
    };
    let mut ends = (0..parts.len()).map(|from| parts[from..].join("/"));
    ends.find(is_there)
}

/// The folder of a backup in which its journal lies, and the names of its files.
fn lying(from: &Path, manifest: &Manifest, within: Option<String>) -> (PathBuf, Vec<String>) {
    if !manifest.journal.is_empty() {
        let names = manifest.journal.keys().cloned().collect();
        return (from.join(JOURNAL), names);
    }
    // Nothing was read yet where it lies in no folder.
    let Some(within) = within else {
        return (from.join(JOURNAL), Vec::new());
    };
    let prefix = format!("{within}/");
    let files = manifest.files.keys();
    let names = files.filter_map(|name| Some(name.strip_prefix(&prefix)?.to_owned()));
    let names = names.collect();
    (from.join(INSIDE).join(within), names)
}

fn place(to: &Path, settings: &Settings) -> Result<Place> {
    let root = std::path::absolute(to).map_err(Error::file(to))?;
    let url = settings.journal_url(&root);
    let url = url.map_err(|problem| Error::Problems {
        problems: vec![problem],
    })?;
    Ok(Place::open(&url, &settings.object_store.reading_itself())?)
}

/// Makes sure that nothing of the workspace comes to lie where its journal goes.
fn nothing_else_lies_there(
    place: &Place,
    (inside, to): (&Path, &Path),
    source: &Path,
    manifest: &Manifest,
) -> Result<()> {
    let root = std::path::absolute(to).map_err(Error::file(to))?;
    let path = place.url().to_file_path().ok();
    let Some(folder) = path
        .as_deref()
        .and_then(|path| path.strip_prefix(root).ok())
    else {
        return Ok(());
    };
    let mut names = manifest.files.keys().map(Path::new);
    let other =
        names.find(|name| name.starts_with(folder) && !inside.join(name).starts_with(source));
    let Some(other) = other else { return Ok(()) };
    let (folder, other) = (folder.display(), other.display());
    Err(Error::user(
        Text::new(
            format!("証跡台帳の置き場所に、ワークスペースのファイルがあります: {folder} ({other})"),
            format!("files of the workspace lie where the journal is to go: {folder} ({other})"),
        ),
        Text::new(
            format!(
                "ほかに何もないフォルダを指定してください(例: {})",
                settings::JOURNAL
            ),
            format!(
                "name a folder in which nothing else lies, such as {}",
                settings::JOURNAL
            ),
        ),
    ))
}
