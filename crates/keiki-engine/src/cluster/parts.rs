//! How the files of a journal are parted: some files, or some of the bytes of a file, for each part of the work.

use std::collections::HashMap;

use keiki_store::EntryFile;
use serde::{Deserialize, Serialize};

use super::share::not_on_cluster;
use crate::error::Result;
use crate::read::Ranges;

/// The fewest parts into which work is cut where there are as many files, so that several workers have something to do.
const PARTS_LEAST: u64 = 8;

/// The most parts into which work is cut: each costs a cube that travels.
const PARTS_MOST: u64 = 4096;

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FilePart {
    pub(super) path: String,
    pub(super) size_bytes: u64,
    pub(super) rows: u64,
    pub(super) first_seq: i64,
    pub(super) last_seq: i64,
    /// The bytes of it whose groups of rows are read; `None` = all.
    pub(super) bytes: Option<(u64, u64)>,
}

/// The files of a part as its worker is told them.
pub(super) fn to_bytes(part: &[FilePart]) -> Result<Vec<u8>> {
    postcard::to_allocvec(part).map_err(|error| {
        not_on_cluster(
            format!("ワーカーが読むファイルを書き表せません: {error}"),
            format!("the files that a worker reads cannot be written down: {error}"),
        )
    })
}

/// The files that a worker is told.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<Vec<FilePart>> {
    postcard::from_bytes(bytes).map_err(|error| {
        not_on_cluster(
            format!("ワーカーが読むファイルがわかりません: {error}"),
            format!("a worker cannot tell which files to read: {error}"),
        )
    })
}

/// Parts files among parts of about the same size; a large file is in several.
///
/// *Units*: `part_bytes` = how much of the files a part holds at most, about.
pub(super) fn parts(files: &[EntryFile], part_bytes: u64) -> Vec<Vec<FilePart>> {
    let total: u64 = files.iter().map(|file| file.size_bytes).sum();
    let wanted = total.div_ceil(part_bytes.max(1));
    let wanted = wanted.clamp(PARTS_LEAST.min(files.len() as u64).max(1), PARTS_MOST);
    let most = total.div_ceil(wanted).max(1);
    let mut pieces: Vec<FilePart> = files.iter().flat_map(|file| pieces(file, most)).collect();
    // The largest first, each to the part that has least: then all have about as much.
    pieces.sort_by(|a, b| (weight(b), &a.path, a.bytes).cmp(&(weight(a), &b.path, b.bytes)));
    let count = usize::try_from(wanted)
        .unwrap_or(1)
        .min(pieces.len())
        .max(1);
    let mut parts: Vec<(u64, Vec<FilePart>)> = vec![(0, Vec::new()); count];
    for piece in pieces {
        let least = parts.iter_mut().min_by_key(|(bytes, _)| *bytes);
        let (bytes, part) = least.expect("there is at least one part");
        *bytes += weight(&piece);
        part.push(piece);
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

fn weight(part: &FilePart) -> u64 {
    part.bytes
        .map_or(part.size_bytes, |(from, until)| until - from)
}

fn pieces(file: &EntryFile, most: u64) -> Vec<FilePart> {
    let piece = |bytes| FilePart {
        path: file.path.clone(),
        size_bytes: file.size_bytes,
        rows: file.rows,
        first_seq: file.first_seq,
        last_seq: file.last_seq,
        bytes,
    };
    let count = file.size_bytes / most;
    if count < 2 {
        return vec![piece(None)];
    }
    let at = |number: u64| file.size_bytes / count * number;
    (0..count)
        .map(|number| {
            let is_last = number + 1 == count;
            let until = if is_last {
                file.size_bytes
            } else {
                at(number + 1)
            };
            piece(Some((at(number), until)))
        })
        .collect()
}

/// The files of which parts are read, each once.
pub(super) fn whole_files(parts: &[FilePart]) -> Vec<EntryFile> {
    let mut files: Vec<EntryFile> = Vec::new();
    for part in parts {
        if !files.iter().any(|file| file.path == part.path) {
            files.push(EntryFile {
                path: part.path.clone(),
                size_bytes: part.size_bytes,
                rows: part.rows,
                first_seq: part.first_seq,
                last_seq: part.last_seq,
                is_cleared: false,
            });
        }
    }
    files
}

/// The bytes of files whose groups of rows are read; files that are read whole are not among them.
pub(super) fn ranges(parts: &[FilePart]) -> Ranges {
    let mut ranges: Ranges = HashMap::new();
    for part in parts {
        if let Some(range) = part.bytes {
            ranges.entry(part.path.clone()).or_default().push(range);
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(sizes: &[u64]) -> Vec<EntryFile> {
        let file = |(number, size): (usize, &u64)| EntryFile {
            path: format!("{number}.parquet"),
            size_bytes: *size,
            rows: 1,
            first_seq: 1,
            last_seq: 1,
            is_cleared: false,
        };
        sizes.iter().enumerate().map(file).collect()
    }

    #[test]
    fn each_byte_of_each_file_is_in_one_part() {
        for (sizes, part_bytes) in [
            (&[10, 1000, 3, 777][..], 100),
            (&[1_000_000][..], 64),
            (&[5; 40][..], 1000),
            (&[0][..], 10),
        ] {
            let parts = parts(&files(sizes), part_bytes);
            assert!(parts.iter().all(|part| !part.is_empty()));
            for (number, size) in sizes.iter().enumerate() {
                let path = format!("{number}.parquet");
                let of_file = parts.iter().flatten().filter(|part| part.path == path);
                let mut ranges: Vec<(u64, u64)> = of_file
                    .map(|part| part.bytes.unwrap_or((0, *size)))
                    .collect();
                ranges.sort_unstable();
                assert_eq!(ranges.first().map(|range| range.0), Some(0));
                assert_eq!(ranges.last().map(|range| range.1), Some(*size));
                assert!(
                    ranges.windows(2).all(|two| two[0].1 == two[1].0),
                    "{ranges:?}"
                );
            }
        }
    }

    #[test]
    fn small_files_are_parted_among_several_workers() {
        assert_eq!(parts(&files(&[5; 40]), 1 << 25).len(), 8);
        assert_eq!(parts(&files(&[5, 5]), 1 << 25).len(), 2);
    }

    #[test]
    fn a_worker_is_told_the_files_of_its_part_and_no_others() {
        let parts = parts(&files(&[1_000_000, 7]), 64_000);
        let told = from_bytes(&to_bytes(&parts[0]).expect("bytes")).expect("files");
        assert_eq!(told, parts[0]);
        assert!(from_bytes(b"\xff\xff").is_err());
    }
}
