//! Tells whether any two of many keys may be the same, however many there are: by their hashes, or by their order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use arrow::array::StringArray;

use crate::error::{Result, on_file};

/// Hashes that are held in memory; more go to a temporary file, in order.
const HELD: usize = 4 << 20;

/// Bytes that are written and read at a time.
const BUFFER_BYTES: usize = 1 << 18;

/// The hashes of many keys.
pub(super) struct Hashes {
    order: Order,
    held: Vec<u64>,
    folder: PathBuf,
    /// Each with `HELD` hashes in order.
    runs: Vec<File>,
}

/// In which order the keys come.
enum Order {
    /// Each comes behind the one before it, so that none comes twice. Most exports are in the order of a number. *Shape*: the last.
    Rising(String),
    Any,
}

impl Order {
    fn add(&mut self, keys: &StringArray) {
        let Self::Rising(last) = self else { return };
        let mut before = last.as_str();
        for key in keys.iter().flatten() {
            if key <= before {
                *self = Self::Any;
                return;
            }
            before = key;
        }
        *last = before.to_owned();
    }
}

impl Hashes {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            order: Order::Rising(String::new()),
            held: Vec::new(),
            folder,
            runs: Vec::new(),
        }
    }

    /// Adds keys with their hashes.
    pub(super) fn add(&mut self, keys: &StringArray, hashes: &[u64]) -> Result<()> {
        self.order.add(keys);
        self.held.extend_from_slice(hashes);
        if self.held.len() >= HELD {
            self.set_aside()?;
        }
        Ok(())
    }

    fn set_aside(&mut self) -> Result<()> {
        self.held.sort_unstable();
        std::fs::create_dir_all(&self.folder).map_err(on_file(&self.folder))?;
        let mut file = tempfile::tempfile_in(&self.folder).map_err(on_file(&self.folder))?;
        let mut writer = BufWriter::with_capacity(BUFFER_BYTES, &mut file);
        let written = self
            .held
            .drain(..)
            .try_for_each(|hash| writer.write_all(&hash.to_le_bytes()))
            .and_then(|()| writer.flush());
        drop(writer);
        written
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .map_err(on_file(&self.folder))?;
        self.runs.push(file);
        Ok(())
    }

    /// Tells whether two are the same.
    pub(super) fn may_repeat(mut self) -> Result<bool> {
        if matches!(self.order, Order::Rising(_)) {
            return Ok(false);
        }
        self.held.sort_unstable();
        if self.runs.is_empty() {
            return Ok(self.held.windows(2).any(|pair| pair[0] == pair[1]));
        }
        let of_file = |file: File| -> Box<dyn Iterator<Item = std::io::Result<u64>>> {
            let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
            let mut word = [0; size_of::<u64>()];
            Box::new(std::iter::from_fn(move || {
                match file.read_exact(&mut word) {
                    Ok(()) => Some(Ok(u64::from_le_bytes(word))),
                    Err(end) if end.kind() == std::io::ErrorKind::UnexpectedEof => None,
                    Err(error) => Some(Err(error)),
                }
            }))
        };
        let mut runs: Vec<_> = self.runs.into_iter().map(of_file).collect();
        runs.push(Box::new(self.held.into_iter().map(Ok)));
        let fault = on_file(&self.folder);
        let mut next = BinaryHeap::new();
        let found = (|| {
            for (number, run) in runs.iter_mut().enumerate() {
                next.extend(run.next().transpose()?.map(|hash| Reverse((hash, number))));
            }
            let mut last = None;
            while let Some(Reverse((hash, number))) = next.pop() {
                if last == Some(hash) {
                    return Ok(true);
                }
                last = Some(hash);
                let following = runs[number].next().transpose()?;
                next.extend(following.map(|hash| Reverse((hash, number))));
            }
            Ok(false)
        })();
        found.map_err(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeats(hashes: &[u64], at_a_time: usize) -> bool {
        let folder = tempfile::tempdir().expect("a folder");
        let mut all = Hashes::new(folder.path().to_owned());
        // Keys in an order that says nothing.
        let keys = StringArray::from(vec!["a"; at_a_time]);
        for part in hashes.chunks(at_a_time) {
            all.add(&keys, part).expect("they are taken");
            if part.len() == at_a_time {
                all.set_aside().expect("a file can be made");
            }
        }
        all.may_repeat().expect("the files can be read")
    }

    #[test]
    fn two_that_are_the_same_are_found_wherever_they_are() {
        for at_a_time in [1, 2, 3, 10] {
            assert!(!repeats(&[5, 1, u64::MAX, 0, 7], at_a_time));
            assert!(repeats(&[5, 1, u64::MAX, 0, 7, 5], at_a_time));
            assert!(repeats(&[0, 0], at_a_time));
            assert!(!repeats(&[], at_a_time));
        }
    }

    #[test]
    fn keys_that_rise_are_all_different_whatever_their_hashes_are() {
        let may_repeat = |parts: &[&[&str]]| {
            let folder = tempfile::tempdir().expect("a folder");
            let mut all = Hashes::new(folder.path().to_owned());
            for part in parts {
                let keys = StringArray::from(part.to_vec());
                all.add(&keys, &vec![7; part.len()])
                    .expect("they are taken");
            }
            all.may_repeat().expect("nothing is read")
        };
        assert!(!may_repeat(&[&["a", "b"], &[], &["c", "ca"], &["d"]]));
        assert!(may_repeat(&[&["a", "b", "b"]]));
        assert!(may_repeat(&[&["a", "b"], &["b", "c"]]));
        assert!(may_repeat(&[&["b", "a"], &["c", "d"]]));
        assert!(may_repeat(&[&["", "a"], &["b"]]));
    }
}
