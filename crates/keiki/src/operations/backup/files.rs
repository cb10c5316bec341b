//! Folders as they are copied and compared.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use keiki_model::text::{Text, hexadecimal};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Copies a folder. Returns whether nothing of it went away meanwhile.
pub(super) fn copy(from: &Path, to: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Result<bool> {
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
pub(super) fn hashes(root: &Path) -> Result<BTreeMap<String, String>> {
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
pub(super) fn new_folder(to: &Path, root: &Path) -> Result<()> {
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
pub(super) fn resolved(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(Error::file(path))?;
    for there in absolute.ancestors() {
        if let Ok(found) = there.canonicalize() {
            let rest = absolute.strip_prefix(there).unwrap_or(Path::new(""));
            return Ok(found.join(rest));
        }
    }
    Ok(absolute)
}
