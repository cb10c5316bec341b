//! Lists the journal's files with their hashes, so that one flipped bit is seen whatever it stands for.
//!
//! Files of the journal are written once. Raw evidence has hashes of its own, and heads are a cache; both are left out.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::journal::Journal;

/// Folders of the journal that a listing leaves out.
const LEFT_OUT: [&str; 2] = ["raw", "heads"];

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

impl Journal {
    /// Lists the journal's files. What `known` lists is taken from there and not read again.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn listing(&self, known: &Listing) -> Result<Listing> {
        let mut found = Listing::default();
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
            let sha256 = if let Some(sha256) = known.files.get(&file) {
                sha256.clone()
            } else {
                let bytes = self.store.get(&object.location).await?.bytes().await?;
                format!("{:x}", Sha256::digest(&bytes))
            };
            found.files.insert(file, sha256);
        }
        Ok(found)
    }
}
