//! Finds the files of a reading: one file, a folder or a pattern below the workspace.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use jiff::civil::Date;
use jiff::fmt::strtime::BrokenDownTime;
use keiki_model::calendar::{Day, day_of};

use crate::encoding::Encoding;
use crate::error::IngestError;
use crate::limits::{FILE_COUNT, Quantity};

/// One file of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Its name as the user knows it: relative to the workspace, with `/`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Which member of it, where it is an archive.
    pub(crate) member: Option<usize>,
    /// The encoding in which it is to be read; `None` = as it shows.
    pub(crate) encoding: Option<Encoding>,
}

impl InputFile {
    /// Makes a file of evidence from its name and where it is.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            member: None,
            encoding: None,
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

/// Parts files by the day that their names say they speak for, in the order of days.
///
/// `form` is looked for in the last part of each name, from the left. A form without a day says the last
/// one of its month.
///
/// # Errors
/// A name holds no such day.
pub fn by_day(
    files: Vec<InputFile>,
    form: &str,
) -> Result<BTreeMap<Day, Vec<InputFile>>, IngestError> {
    let mut days: BTreeMap<Day, Vec<InputFile>> = BTreeMap::new();
    for file in files {
        let day = day_in_name(&file.name, form).ok_or_else(|| IngestError::NoDay {
            file: file.name.clone(),
            form: form.to_owned(),
        })?;
        days.entry(day).or_default().push(file);
    }
    Ok(days)
}

/// The last part of a file's name, whichever system's separators it has.
#[must_use]
pub fn last_part(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

fn day_in_name(name: &str, form: &str) -> Option<Day> {
    let base = last_part(name);
    let mut before = None;
    for (at, c) in base.char_indices() {
        // A number is not begun in its middle, and a hyphen before it is no sign of it.
        let is_within = c.is_ascii_digit() && before.is_some_and(|c: char| c.is_ascii_digit());
        before = Some(c);
        if is_within || matches!(c, '-' | '+') && form.starts_with('%') {
            continue;
        }
        let Ok((time, length)) = BrokenDownTime::parse_prefix(form, &base[at..]) else {
            continue;
        };
        let follows = base.as_bytes().get(at + length);
        if follows.is_some_and(u8::is_ascii_digit) {
            continue;
        }
        if let Ok(date) = time.to_date() {
            return Some(day_of(date));
        }
        if let (Some(year), Some(month)) = (time.year(), time.month()) {
            return Date::new(year, month, 1)
                .ok()
                .map(|first| day_of(first.last_of_month()));
        }
    }
    None
}

fn finish(mut files: Vec<InputFile>, place: &str) -> Result<Vec<InputFile>, IngestError> {
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files.dedup();
    match files.len() {
        0 => Err(IngestError::NoFile {
            place: place.to_owned(),
        }),
        1..=FILE_COUNT => Ok(files),
        _ => Err(IngestError::TooLarge {
            file: place.to_owned(),
            what: Quantity::Files,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_a_file_is_in_its_name() {
        let shown = |name: &str, form: &str| {
            day_in_name(name, form).map(|day| keiki_model::calendar::date_of(day).to_string())
        };
        for (name, form, expected) in [
            ("evidence/assets-20260401.csv", "%Y%m%d", Some("2026-04-01")),
            (
                "20250101/assets_2026-04-01_v2.csv",
                "%Y-%m-%d",
                Some("2026-04-01"),
            ),
            ("資産台帳2026年4月.xlsx", "%Y年%m月", Some("2026-04-30")),
            ("assets-120260401.csv", "%Y%m%d", None),
            ("assets.csv", "%Y%m%d", None),
            ("a-20269999.csv", "%Y%m%d", None),
        ] {
            assert_eq!(shown(name, form).as_deref(), expected, "{name}");
        }
    }
}
