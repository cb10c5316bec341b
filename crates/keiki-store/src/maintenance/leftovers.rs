//! Sweeps what programs left that were stopped in their midst: files of heads that no list names, and uploads to a local folder
//! that never became files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::{Result, on_file};
use crate::heads;
use crate::journal::Journal;
use crate::raw::INCOMING;

/// Deletes them, and says how many there were. Nobody else may write meanwhile.
pub(super) async fn sweep(journal: &Journal) -> Result<usize> {
    let mut removed = sweep_heads(journal).await? + sweep_incoming(journal).await?;
    for path in uploads(journal)? {
        fs::remove_file(&path).map_err(on_file(&path))?;
        removed += 1;
    }
    Ok(removed)
}

/// Raw evidence that was on its way in, and never got its name.
async fn sweep_incoming(journal: &Journal) -> Result<usize> {
    let folder = journal.prefix.clone().join("raw");
    let store = &journal.store;
    let found: Vec<_> = store.list(Some(&folder)).try_collect().await?;
    let mut removed = 0;
    for file in found {
        let name = file.location.filename().unwrap_or_default();
        if name.starts_with(INCOMING) {
            store.delete(&file.location).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// The uploads to a local folder that never became files; the store does not show them.
pub(crate) fn uploads(journal: &Journal) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if let Ok(root) = journal.place.url().to_file_path() {
        find_uploads(&root, &mut found)?;
    }
    Ok(found)
}

async fn sweep_heads(journal: &Journal) -> Result<usize> {
    let store = &journal.store;
    let folders = store
        .list_with_delimiter(Some(&heads::root(&journal.prefix)))
        .await?
        .common_prefixes;
    let mut removed = 0;
    for folder in folders {
        // Heads whose list cannot be read are rebuilt by the next ingest, from nothing.
        let named: BTreeSet<String> = heads::named_files(store.as_ref(), &folder).await?;
        let found: Vec<_> = store.list(Some(&folder)).try_collect().await?;
        for file in found {
            let name = file.location.filename().unwrap_or_default();
            if !named.contains(name) {
                store.delete(&file.location).await?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// A local store writes a file as `<name>#<number>` and renames it when it is whole.
fn find_uploads(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(on_file(folder))? {
        let entry = entry.map_err(on_file(folder))?;
        let path = entry.path();
        if path.is_dir() {
            find_uploads(&path, found)?;
        } else if is_upload(&entry.file_name().to_string_lossy()) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_upload(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(name, number)| {
        !name.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_known_by_its_number() {
        assert!(is_upload("x.parquet#1") && is_upload("a#b#23"));
        assert!(
            !is_upload("x.parquet") && !is_upload("#1") && !is_upload("x#") && !is_upload("x#1a")
        );
    }
}
