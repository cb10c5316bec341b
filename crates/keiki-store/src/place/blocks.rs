//! Parts of files on disk, each with a hash: a part that is not what was written counts as missing. The oldest go first when there
//! is no room.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use chrono::DateTime;
use object_store::ObjectMeta;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The size of a part.
pub(super) const BLOCK_BYTES: u64 = 1 << 20;

/// The length of the hash that ends a kept part.
const HASH_BYTES: usize = 32;

/// Parts of files on disk.
#[derive(Debug)]
pub(super) struct Blocks {
    folder: PathBuf,
    bucket: String,
    /// Bytes that are kept at most.
    most: u64,
    /// Bytes that are kept, once they have been counted.
    kept: Mutex<Option<u64>>,
}

/// What is known of a file.
#[derive(Serialize, Deserialize)]
struct About {
    size: u64,
    modified_micros: i64,
    e_tag: Option<String>,
}

impl Blocks {
    pub(super) fn new(folder: &FilePath, bucket: &str, most: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            bucket: bucket.to_owned(),
            most,
            kept: Mutex::default(),
        }
    }

    /// The folder of a file's parts.
    fn of(&self, location: &Path) -> PathBuf {
        let name = Sha256::digest(format!("{}\n{location}", self.bucket));
        let name: String = name[..16].iter().map(|b| format!("{b:02x}")).collect();
        self.folder.join(name)
    }

    /// What was noted of a file.
    pub(super) fn about(&self, location: &Path) -> Option<ObjectMeta> {
        let bytes = read_sealed(&self.of(location).join("about"))?;
        let about: About = serde_json::from_slice(&bytes).ok()?;
        Some(ObjectMeta {
            location: location.clone(),
            last_modified: DateTime::from_timestamp_micros(about.modified_micros)?,
            size: about.size,
            e_tag: about.e_tag,
            version: None,
        })
    }

    /// Notes what is known of a file.
    pub(super) fn note(&self, about: &ObjectMeta) {
        let noted = About {
            size: about.size,
            modified_micros: about.last_modified.timestamp_micros(),
            e_tag: about.e_tag.clone(),
        };
        if let Ok(bytes) = serde_json::to_vec(&noted) {
            self.write(&self.of(&about.location), "about", &bytes);
        }
    }

    /// The parts of a file that are kept.
    pub(super) fn read(&self, about: &ObjectMeta, wanted: &BTreeSet<u64>) -> BTreeMap<u64, Bytes> {
        let folder = self.of(&about.location);
        let whole = |number: u64| (about.size - number * BLOCK_BYTES).min(BLOCK_BYTES);
        let kept = wanted.iter().filter_map(|number| {
            let bytes = read_sealed(&folder.join(number.to_string()))?;
            (bytes.len() as u64 == whole(*number)).then(|| (*number, Bytes::from(bytes)))
        });
        kept.collect()
    }

    /// Keeps parts of a file.
    pub(super) fn keep(&self, about: &ObjectMeta, parts: &[(u64, Bytes)]) {
        let folder = self.of(&about.location);
        for (number, bytes) in parts {
            self.write(&folder, &number.to_string(), bytes);
        }
    }

    /// Forgets a file that was deleted.
    pub(super) fn forget(&self, location: &Path) {
        let _was_not_kept = fs::remove_dir_all(self.of(location));
    }

    /// Writes a part with its hash. That it cannot be written costs another read, nothing else.
    fn write(&self, folder: &FilePath, name: &str, bytes: &[u8]) {
        let size = (bytes.len() + HASH_BYTES) as u64;
        if size > self.most || !self.make_room(size) {
            return;
        }
        let aside = folder.join(format!("{name}.{}.part", uuid::Uuid::new_v4()));
        let sealed = [bytes, Sha256::digest(bytes).as_slice()].concat();
        let written = fs::create_dir_all(folder)
            .and_then(|()| fs::write(&aside, sealed))
            .and_then(|()| fs::rename(&aside, folder.join(name)));
        if let Err(error) = written {
            tracing::debug!(%error, "a part of a file could not be kept");
            let _never_written = fs::remove_file(&aside);
        }
    }

    /// Deletes the oldest parts until there is room. Returns whether there is.
    fn make_room(&self, size: u64) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match *kept {
            Some(bytes) if bytes + size <= self.most => bytes,
            // Others may have written into the folder too, and deleted from it.
            _ => self.clear_for(size),
        };
        *kept = Some(before + size);
        before + size <= self.most
    }

    /// Deletes the oldest parts where there are too many, and some more, so that it need not be done each time.
    fn clear_for(&self, size: u64) -> u64 {
        let mut parts = Vec::new();
        gather(&self.folder, &mut parts);
        let mut bytes: u64 = parts.iter().map(|(_, _, bytes)| bytes).sum();
        if bytes + size <= self.most {
            return bytes;
        }
        parts.sort();
        let goal = (self.most / 10 * 9).saturating_sub(size);
        for (_, path, of_part) in parts {
            if bytes <= goal {
                break;
            }
            if fs::remove_file(&path).is_ok() {
                bytes -= of_part;
                // A folder goes with its last part.
                let _still_used = path.parent().map(fs::remove_dir);
            }
        }
        bytes
    }
}

fn gather(folder: &FilePath, parts: &mut Vec<(SystemTime, PathBuf, u64)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(about) = entry.metadata() else {
            continue;
        };
        if about.is_dir() {
            gather(&entry.path(), parts);
        } else if let Ok(modified) = about.modified() {
            parts.push((modified, entry.path(), about.len()));
        }
    }
}

/// The bytes of a part, if they are those that were written.
fn read_sealed(path: &FilePath) -> Option<Vec<u8>> {
    let mut bytes = fs::read(path).ok()?;
    let length = bytes.len().checked_sub(HASH_BYTES)?;
    let is_whole = Sha256::digest(&bytes[..length]).as_slice() == &bytes[length..];
    bytes.truncate(length);
    is_whole.then_some(bytes)
}
