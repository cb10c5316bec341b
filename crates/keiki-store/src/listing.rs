//! Lists the journal's files with their hashes, so that one flipped bit is seen whatever it stands for.
//!
//! Files of the journal are written once. Raw evidence has hashes of its own, and heads are a cache; both are left out.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::journal::Journal;
use crate::parallel::{BYTES_AT_ONCE, in_groups, together};

/// Folders of the journal that a listing leaves out; they hold no tables.
pub(crate) const LEFT_OUT: [&str; 2] = [RAW, HEADS];

/// The folder of the cache of current states.
const HEADS: &str = "heads";

/// A file of Delta that is written again and again: where the last checkpoint is, which the log itself tells too.
const POINTER: &str = "_last_checkpoint";

/// The hashes of the journal's files, by their place in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    files: BTreeMap<String, String>,
}

impl Listing {
    /// Reads a listing as it is kept.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let files = text.lines().filter_map(|line| line.split_once("  "));
        Self {
            files: files
                .map(|(sha256, file)| (file.to_owned(), sha256.to_owned()))
                .collect(),
        }
    }

    /// The listing as it is kept, in the form that `sha256sum --check` reads.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self.files.iter();
        lines
            .map(|(file, sha256)| format!("{sha256}  {file}\n"))
            .collect()
    }

    /// The first file whose bytes are not those listed, if it is still there.
    #[must_use]
    pub fn first_changed<'l>(&'l self, now: &Self) -> Option<&'l str> {
        let mut files = self.files.iter();
        let changed = |(file, sha256): &(&String, &String)| {
            now.files.get(*file).is_some_and(|now| now != *sha256)
        };
        files.find(changed).map(|(file, _)| file.as_str())
    }
}

/// A folder of the journal whose files batches name one by one.
const RAW: &str = "raw";

impl Listing {
    /// The files that another listing does not have.
    pub fn beyond<'l>(&'l self, other: &'l Self) -> impl Iterator<Item = &'l str> {
        let files = self.files.keys().map(String::as_str);
        files.filter(|file| !other.files.contains_key(*file))
    }
}

impl Journal {
    /// Lists the files that no batch names: raw evidence of no reading, rows of no commit, and what a program that was killed had
    /// not written to its end. They count for nothing.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn strays(&self) -> Result<Vec<String>> {
        let snapshot = self.snapshot().await?;
        let raw: BTreeSet<&str> = snapshot
            .batches()
            .iter()
            .flat_map(|batch| batch.files.iter().map(|file| file.path.as_str()))
            .collect();
        let ids: BTreeSet<&str> = snapshot
            .batches()
            .iter()
            .map(|batch| batch.batch_id.as_str())
            .collect();
        let is_stray = |file: &str| match file.split_once('/') {
            Some((RAW, _)) => !raw.contains(file),
            _ => rows_of(file).is_some_and(|id| !ids.contains(id)),
        };
        let mut found = Vec::new();
        let mut objects = self.store.list(Some(&self.prefix));
        while let Some(object) = objects.try_next().await? {
            let Some(parts) = object.location.prefix_match(&self.prefix) else {
                continue;
            };
            let parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
            let file = parts.join("/");
            let is_log = parts.iter().any(|part| part.starts_with('_'));
            let is_cache = parts.first().is_some_and(|first| first == HEADS);
            if !is_log && !is_cache && is_stray(&file) {
                found.push(file);
            }
        }
        if let Ok(root) = self.place.url().to_file_path() {
            for upload in crate::maintenance::uploads(self)? {
                let place = upload.strip_prefix(&root).unwrap_or(&upload);
                found.push(place.to_string_lossy().into_owned());
            }
        }
        found.sort();
        Ok(found)
    }

    /// Lists the journal's files. What `known` lists is taken from there and not read again.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn listing(&self, known: &Listing) -> Result<Listing> {
        let mut found = Listing::default();
        let mut unknown = Vec::new();
        let mut objects = self.store.list(Some(&self.prefix));
        while let Some(object) = objects.try_next().await? {
            let parts = object.location.prefix_match(&self.prefix);
            let parts: Vec<String> = match parts {
                Some(parts) => parts.map(|part| part.as_ref().to_owned()).collect(),
                None => continue,
            };
            let is_left_out = parts
                .first()
                .is_some_and(|first| LEFT_OUT.contains(&first.as_str()));
            if is_left_out || parts.last().is_some_and(|last| last == POINTER) {
                continue;
            }
            let file = parts.join("/");
            if let Some(sha256) = known.files.get(&file) {
                found.files.insert(file, sha256.clone());
            } else {
                unknown.push((object.size, (file, object.location.clone())));
            }
        }
        for group in in_groups(unknown, BYTES_AT_ONCE) {
            let read = group.into_iter().map(|(file, location)| async move {
                let bytes = self.store.get(&location).await?.bytes().await?;
                Ok((file, format!("{:x}", Sha256::digest(&bytes))))
            });
            let read = together(self.place.at_once(), read).await?;
            found.files.extend(read);
        }
        Ok(found)
    }
}

/// The batch whose rows a file of a table holds; `None` for compacted files, which hold those of several.
fn rows_of(file: &str) -> Option<&str> {
    let (_, name) = file.rsplit_once('/')?;
    let id = name.strip_suffix(".parquet")?;
    uuid::Uuid::try_parse(id).is_ok().then_some(id)
}
