//! Finds the files of a reading: one file, a folder or a pattern below the workspace.

use std::path::{Component, Path, PathBuf};

use crate::error::IngestError;
use crate::limits::FILE_COUNT;

/// One file of evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// Its name as the user knows it: relative to the workspace, with `/`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Which member of it, where it is an archive.
    pub(crate) member: Option<usize>,
}

impl InputFile {
    /// Makes a file of evidence from its name and where it is.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            member: None,
        }
    }
}

/// Finds the files of a source's `place` below `workspace`, sorted by name.
///
/// A folder stands for the files directly in it; names that begin with a dot are left out.
///
/// # Errors
/// No file is there, the pattern is wrong, or a file lies outside the workspace, be it through `..`
/// or a symbolic link.
pub fn expand(place: &str, workspace: &Path) -> Result<Vec<InputFile>, IngestError> {
    let relative = Path::new(place);
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if place.is_empty() || !relative.components().all(inside) {
        return Err(IngestError::OutsideWorkspace {
            place: place.to_owned(),
        });
    }
    let root = workspace
        .canonicalize()
        .map_err(|e| IngestError::io(&workspace.display().to_string(), e))?;
    let mut files = Vec::new();
    for path in candidates(place, &root)? {
        let real = path
            .canonicalize()
            .map_err(|e| IngestError::io(&path.display().to_string(), e))?;
        if !real.starts_with(&root) {
            return Err(IngestError::OutsideWorkspace {
                place: name_below(&root, &path),
            });
        }
        if real.is_file() {
            files.push(InputFile::new(name_below(&root, &path), path));
        }
    }
    finish(files, place)
}

/// Takes files that a person named on the command line; they may lie anywhere. A folder stands for
/// the files in it.
///
/// # Errors
/// A file is not there.
pub fn named(paths: &[PathBuf]) -> Result<Vec<InputFile>, IngestError> {
    let mut files = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        if path.is_dir() {
            for path in folder(path)?.into_iter().filter(|path| path.is_file()) {
                files.push(InputFile::new(path.display().to_string(), path));
            }
        } else if path.is_file() {
            files.push(InputFile::new(name, path.clone()));
        } else {
            return Err(IngestError::NoFile { place: name });
        }
    }
    let shown = paths
        .first()
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    finish(files, &shown)
}

fn finish(mut files: Vec<InputFile>, place: &str) -> Result<Vec<InputFile>, IngestError> {
    files.sort();
    files.dedup();
    match files.len() {
        0 => Err(IngestError::NoFile {
            place: place.to_owned(),
        }),
        1..=FILE_COUNT => Ok(files),
        _ => Err(IngestError::TooLarge {
            file: place.to_owned(),
            what: "files",
            limit: FILE_COUNT,
        }),
    }
}

/// The paths that a place stands for, before it is known what they are. A file whose very name is
/// the place comes first, so that names with brackets need no escape.
fn candidates(place: &str, root: &Path) -> Result<Vec<PathBuf>, IngestError> {
    let plain = root.join(place);
    if plain.is_dir() {
        return folder(&plain);
    }
    if plain.exists() {
        return Ok(vec![plain]);
    }
    let fault = |detail: String| IngestError::Pattern {
        place: place.to_owned(),
        detail,
    };
    let escaped = glob::Pattern::escape(&root.display().to_string());
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let matches = glob::glob_with(&format!("{escaped}/{place}"), options)
        .map_err(|e| fault(e.to_string()))?;
    matches
        .map(|found| {
            found.map_err(|e| {
                let file = name_below(root, e.path());
                IngestError::io(&file, e.into())
            })
        })
        .collect()
}

fn folder(path: &Path) -> Result<Vec<PathBuf>, IngestError> {
    let fault = |e| IngestError::io(&path.display().to_string(), e);
    let mut paths = Vec::new();
    for entry in path.read_dir().map_err(fault)? {
        let entry = entry.map_err(fault)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

fn name_below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    below
        .iter()
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}
