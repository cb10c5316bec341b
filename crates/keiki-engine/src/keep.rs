//! Kept cubes: what was read once is kept, in memory and on disk, and new entries are added to it.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use keiki_model::histogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::cube::{Cell, Cube, Names};
use crate::error::Dimension;

/// The form in which cubes are kept; another form is computed again.
pub(crate) const FORM: u32 = 4;

/// A cube with the commit up to which it holds everything.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// The versions of its measures.
    pub(crate) measures: Arc<[String]>,
    pub(crate) seq: i64,
    pub(crate) cube: Arc<Cube>,
    pub(crate) history: Arc<History>,
}

/// A cube that figures are computed from, with its history if it is one that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Filled {
    pub(crate) cube: Arc<Cube>,
    pub(crate) history: Option<Arc<History>>,
}

/// Which commits brought a kept cube its entries.
#[derive(Debug, Clone)]
pub(crate) struct History {
    /// What the cube was computed by.
    key: Arc<str>,
    bins: usize,
    /// The last commit that changed a bin. *Shape*: measure, bin.
    changed: Vec<i64>,
    /// The last commit that changed what lies in no bin. *Shape*: measure.
    undated: Vec<i64>,
}

/// What a kept cube holds of a measure in some bins, by what it came from.
#[derive(Debug, Clone)]
pub(crate) struct Contents {
    key: Arc<str>,
    /// The last commit that brought entries.
    seq: i64,
}

impl Kept {
    /// What it rests on beside the definitions of its measures: its key without their version.
    pub(crate) fn basis(&self) -> &str {
        let key = &self.history.key;
        key.rsplit_once('-').map_or(key, |(basis, _)| basis)
    }
}

impl History {
    /// The history of a cube that was read in one go.
    pub(crate) fn new(key: &str, seq: i64, cube: &Cube) -> Self {
        let bins = cube.axis.bins();
        Self {
            key: key.into(),
            bins,
            changed: vec![seq; cube.measures * bins],
            undated: vec![seq; cube.measures],
        }
    }

    /// Notes what a commit brings.
    pub(crate) fn note(&mut self, seq: i64, fresh: &Cube) {
        fresh.filled_bins(|measure, bin| self.changed[measure * self.bins + bin] = seq);
        for (at, count) in fresh.all_undated().iter().enumerate() {
            if *count != 0 {
                self.undated[at % fresh.measures] = seq;
            }
        }
    }

    /// What the cube holds of a measure in some ranges of bins.
    pub(crate) fn contents(
        &self,
        measure: usize,
        ranges: impl Iterator<Item = RangeInclusive<usize>>,
    ) -> Contents {
        Contents {
            key: Arc::clone(&self.key),
            seq: self.last_change(measure, ranges),
        }
    }

    /// Tells whether the cube still holds the same of a measure in some ranges of bins.
    pub(crate) fn still_holds(
        &self,
        known: &Contents,
        measure: usize,
        ranges: impl Iterator<Item = RangeInclusive<usize>>,
    ) -> bool {
        let is_same = Arc::ptr_eq(&self.key, &known.key) || self.key == known.key;
        is_same && self.last_change(measure, ranges) == known.seq
    }

    /// The last commit that changed any of these bins of a measure.
    fn last_change(
        &self,
        measure: usize,
        ranges: impl Iterator<Item = RangeInclusive<usize>>,
    ) -> i64 {
        let of_measure = &self.changed[measure * self.bins..][..self.bins];
        let of_range = |range: RangeInclusive<usize>| of_measure[range].iter().copied().max();
        let changed = ranges.filter_map(of_range).max();
        self.undated[measure].max(changed.unwrap_or(0))
    }
}

/// The form in which a cube lies on disk.
#[derive(Serialize, Deserialize)]
struct Stored {
    measures: Vec<String>,
    seq: i64,
    axis: Axis,
    has_value: Vec<bool>,
    units: Names,
    groups: Names,
    /// Cells that are not zero, by measure and bin, and org unit.
    cells: Vec<((u64, u16), Cell)>,
    undated: Vec<i64>,
    histograms: Vec<Vec<(u128, i64)>>,
}

/// Keeps cubes by the content of what they were computed from.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    folder: Option<PathBuf>,
    memory: Mutex<HashMap<String, Kept>>,
}

impl Keeper {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            memory: Mutex::default(),
        }
    }

    /// Takes a kept cube out, so that it can be added to without a copy.
    pub(crate) fn take(&self, key: &str) -> Option<Kept> {
        let found = self.find(key);
        let mut memory = self
            .memory
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        memory.remove(key);
        found
    }

    /// Finds a kept cube. A file that cannot be read is no error: the cube is computed again.
    pub(crate) fn find(&self, key: &str) -> Option<Kept> {
        let mut memory = self
            .memory
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(kept) = memory.get(key) {
            return Some(kept.clone());
        }
        let kept = stored(key, &self.path(key)?)?;
        memory.insert(key.to_owned(), kept.clone());
        Some(kept)
    }

    /// Cubes whose keys begin like this, of whatever definitions, in memory and on disk.
    pub(crate) fn relatives(&self, beginning: &str) -> Vec<Kept> {
        let mut found: BTreeMap<String, Kept> = BTreeMap::new();
        let files = self.folder.as_ref().map(std::fs::read_dir);
        for file in files.into_iter().flatten().flatten().flatten() {
            let path = file.path();
            let key = path.file_stem().and_then(|stem| stem.to_str());
            let is_cube = path
                .extension()
                .is_some_and(|extension| extension == "cube");
            if let Some(key) = key.filter(|key| is_cube && key.starts_with(beginning))
                && let Some(kept) = stored(key, &path)
            {
                found.insert(key.to_owned(), kept);
            }
        }
        let memory = self
            .memory
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = memory.iter().filter(|(key, _)| key.starts_with(beginning));
        found.extend(known.map(|(key, kept)| (key.clone(), kept.clone())));
        found.into_values().collect()
    }

    /// Keeps a cube. Failing to write it to disk costs the next run a read, nothing else.
    pub(crate) fn keep(&self, key: &str, kept: &Kept) {
        let mut memory = self
            .memory
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        memory.insert(key.to_owned(), kept.clone());
        let Some(path) = self.path(key) else { return };
        if let Ok(bytes) =
            postcard::to_allocvec(&Stored::new(kept.seq, kept.measures.to_vec(), &kept.cube))
        {
            write_whole(&path, &bytes);
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        self.folder
            .as_ref()
            .map(|folder| folder.join(format!("{key}.cube")))
    }
}

/// Reads a kept cube from disk.
fn stored(key: &str, path: &Path) -> Option<Kept> {
    let bytes = std::fs::read(path).ok()?;
    let stored: Stored = postcard::from_bytes(&bytes).ok()?;
    let (seq, measures) = (stored.seq, Arc::from(stored.measures.as_slice()));
    let cube = stored.into_cube()?;
    Some(Kept {
        measures,
        seq,
        history: Arc::new(History::new(key, seq, &cube)),
        cube: Arc::new(cube),
    })
}

/// How many files were written by this program.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Writes a file beside its place and moves it there, so that a reader sees all of it or nothing. Several engines of one program
/// may keep the same cube at the same time: each writes a file of its own.
fn write_whole(path: &Path, bytes: &[u8]) {
    let Some(folder) = path.parent() else { return };
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let aside = path.with_extension(format!("{}-{number}.part", std::process::id()));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&aside, bytes))
        .and_then(|()| std::fs::rename(&aside, path));
    if let Err(error) = written {
        tracing::warn!(path = %path.display(), %error, "a cube could not be kept");
    }
}

/// A cube as bytes, as it travels between machines.
#[cfg(feature = "cluster")]
pub(crate) fn to_bytes(cube: &Cube) -> std::result::Result<Vec<u8>, postcard::Error> {
    postcard::to_allocvec(&Stored::new(0, Vec::new(), cube))
}

/// A cube that was bytes; `None` if these are no cube.
#[cfg(feature = "cluster")]
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Cube> {
    let stored: Stored = postcard::from_bytes(bytes).ok()?;
    stored.into_cube()
}

impl Stored {
    fn new(seq: i64, measures: Vec<String>, cube: &Cube) -> Self {
        Self {
            measures,
            seq,
            axis: cube.axis.clone(),
            has_value: cube.has_value(),
            units: cube.units.clone(),
            groups: cube.groups.clone(),
            cells: cube.filled(),
            undated: cube.all_undated().to_vec(),
            histograms: cube
                .histograms
                .iter()
                .map(|h| h.packed().collect())
                .collect(),
        }
    }

    fn into_cube(self) -> Option<Cube> {
        let mut cube = Cube::new(self.axis, &self.has_value);
        for name in self.units.list() {
            cube.unit(name).ok()?;
        }
        for name in self.groups.list() {
            cube.groups.number(name, Dimension::Groups).ok()?;
        }
        for (at, cell) in self.cells {
            cube.put(at, cell)?;
        }
        cube.set_undated(self.undated)?;
        for (histogram, packed) in cube.histograms.iter_mut().zip(self.histograms) {
            *histogram = Histogram::from_packed(packed);
        }
        Some(cube)
    }
}
