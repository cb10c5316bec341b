//! Starts a workspace with a small example that passes the check.

use std::path::{Path, PathBuf};

use keiki_model::text::Text;

use crate::config::{ORG_FILE, Opening, Workspace, settings};
use crate::error::{Error, Result};

/// The files of a new workspace.
const FILES: [(&str, &str); 5] = [
    (settings::FILE, include_str!("init/keiki.toml")),
    (ORG_FILE, include_str!("init/org.csv")),
    ("sources/assets.toml", include_str!("init/assets.toml")),
    ("evidence/.gitkeep", ""),
    (".gitignore", "/.keiki/\n"),
];

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The workspace's folder.
    pub root: PathBuf,
    /// The files, relative to it.
    pub files: Vec<String>,
}

/// Makes a workspace in a folder that holds none yet.
///
/// # Errors
/// The folder holds one of the files already, or cannot be written.
pub async fn init(folder: &Path) -> Result<Made> {
    write(
        folder,
        &FILES.map(|(name, text)| (name.to_owned(), text.to_owned())),
    )?;
    let workspace = Workspace::load(folder)?;
    workspace.journal(Opening::Create).await?;
    Ok(Made {
        root: folder.to_owned(),
        files: FILES.iter().map(|(name, _)| (*name).to_owned()).collect(),
    })
}

/// The workspace that would be made in a folder, before anything is written there: who only looks at what is shipped needs none.
///
/// # Errors
/// The example is not sound.
pub fn example(folder: &Path) -> Result<Workspace> {
    let texts = FILES
        .iter()
        .filter(|(name, _)| *name == settings::FILE || *name == ORG_FILE);
    let texts = texts.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Workspace::shipped(folder.to_owned(), texts)
}

/// Writes files into a folder in which none of them is yet.
///
/// # Errors
/// One of them is, and nothing was written; or the folder cannot be written.
pub(crate) fn write(folder: &Path, files: &[(String, impl AsRef<[u8]>)]) -> Result<()> {
    if let Some((name, _)) = files.iter().find(|(name, _)| folder.join(name).exists()) {
        let path = folder.join(name);
        return Err(Error::user(
            Text::new(
                format!("既にあります: {}", path.display()),
                format!("the file exists already: {}", path.display()),
            ),
            Text::new(
                "別の空のフォルダを指定してください",
                "name another, empty folder",
            ),
        ));
    }
    for (name, text) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(Error::file(parent))?;
        }
        std::fs::write(&path, text).map_err(Error::file(&path))?;
    }
    Ok(())
}
