//! Puts a backup back: into a new folder, and its journal into that folder or onto an object store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keiki_model::text::Text;
use keiki_store::Place;
use toml_edit::{DocumentMut, value};

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
    if let Some(moved) = &moved {
        moved.place.must_be_empty().await?;
    }
    let inside = from.join(INSIDE);
    let left_out = moved.as_ref().map(|moved| moved.source.clone());
    copy(&inside, to, &|path| left_out.as_deref() != Some(path))?;
    if let Some(moved) = moved {
        moved.place.fill(&moved.source, &moved.names).await?;
        let file = to.join(settings::FILE);
        std::fs::write(&file, moved.settings).map_err(Error::file(&file))?;
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

/// A journal that comes back at another place than where it lies in the backup's workspace.
struct Moved {
    /// The folder of the backup in which it lies, and its files.
    source: PathBuf,
    names: Vec<String>,
    place: Place,
    /// `keiki.toml` with its new place.
    settings: String,
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
        let (source, names) = if manifest.journal.is_empty() {
            if journal.is_none() {
                return Ok(None);
            }
            let within = read(&text)?.journal;
            let prefix = format!("{}/", within.trim_end_matches('/'));
            let files = manifest.files.keys();
            let names = files.filter_map(|name| Some(name.strip_prefix(&prefix)?.to_owned()));
            let names: Vec<String> = names.collect();
            (inside.join(within), names)
        } else {
            let names = manifest.journal.keys().cloned().collect();
            (from.join(JOURNAL), names)
        };
        let mut document: DocumentMut = text.parse().map_err(Error::stopped)?;
        document["journal"] = value(journal.unwrap_or(settings::JOURNAL));
        let settings = document.to_string();
        let changed = read(&settings)?;
        let root = std::path::absolute(to).map_err(Error::file(to))?;
        let url = changed
            .journal_url(&root)
            .map_err(|problem| Error::Problems {
                problems: vec![problem],
            })?;
        let place = Place::open(&url, &changed.object_store.reading_itself())?;
        Ok(Some(Self {
            source,
            names,
            place,
            settings,
        }))
    }
}
