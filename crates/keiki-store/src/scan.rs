//! Which files of a table are visible, and what a reader needs to know of each.

use std::sync::Arc;

use keiki_model::dataset::Dataset;
use object_store::ObjectStore;

use crate::batches::Snapshot;
use crate::error::Result;
use crate::journal::{Journal, entries_table};
use crate::place::below;
use crate::table::Table;

/// A file of entries that belong to commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFile {
    /// Path in the object store of the scan.
    pub path: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Rows.
    pub rows: u64,
    /// The first commit that it holds entries of.
    pub first_seq: i64,
    /// The last commit that it holds entries of.
    pub last_seq: i64,
    /// Whether its entries come to nothing, once all of their commits are counted: each takes out what another brought in.
    pub is_cleared: bool,
}

/// What a reader of a dataset's entries needs.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The store in which the files lie.
    pub store: Arc<dyn ObjectStore>,
    /// The visible files, in order of their commits.
    pub files: Vec<EntryFile>,
}

impl Scan {
    /// The same without what comes to nothing to whoever adds up all entries of the commits `after+1..=until`.
    #[must_use]
    pub fn without_cleared(mut self, after: i64, until: i64) -> Self {
        self.files.retain(|file| {
            let is_within = after < file.first_seq && file.last_seq <= until;
            !(file.is_cleared && is_within)
        });
        self
    }
}

impl Journal {
    /// The files that hold a dataset's entries of the commits `after+1..=until`.
    ///
    /// A file may hold entries of other commits too, once files have been compacted; compare `first_seq` and `last_seq`.
    ///
    /// # Errors
    /// The table's log cannot be read.
    pub async fn scan(
        &self,
        dataset: &Dataset,
        snapshot: &Snapshot,
        after: i64,
        until: i64,
    ) -> Result<Scan> {
        let files = match crate::evolution::entries(self, dataset, snapshot).await? {
            None => Vec::new(),
            Some(table) => visible(&table, snapshot)?
                .into_iter()
                .filter(|file| file.last_seq > after && file.first_seq <= until)
                .map(|file| {
                    let folder = below(&self.prefix, &entries_table(&dataset.name));
                    EntryFile {
                        path: format!("{folder}/{}", file.path),
                        ..file
                    }
                })
                .collect(),
        };
        Ok(Scan {
            store: Arc::clone(&self.store),
            files,
        })
    }
}

/// The files of a table whose rows belong to commits of the snapshot.
///
/// A file is named after its batch, or `compacted-<first>-<last>-<id>` where it holds the rows of several commits; `cleared-` in the
/// place of `compacted-` where these come to nothing.
pub(crate) fn visible(table: &Table, snapshot: &Snapshot) -> Result<Vec<EntryFile>> {
    let mut files: Vec<EntryFile> = table
        .files()?
        .into_iter()
        .filter_map(|file| {
            let (first_seq, last_seq, is_cleared) = held_by(&file.path, snapshot)?;
            (first_seq <= snapshot.seq()).then_some(EntryFile {
                path: file.path,
                size_bytes: file.size_bytes,
                rows: file.rows,
                first_seq,
                last_seq,
                is_cleared,
            })
        })
        .collect();
    files.sort_by(|a, b| (a.first_seq, &a.path).cmp(&(b.first_seq, &b.path)));
    Ok(files)
}

/// The first and last commit of a file by its name, and whether what it holds comes to nothing.
fn held_by(path: &str, snapshot: &Snapshot) -> Option<(i64, i64, bool)> {
    let stem = path.strip_suffix(".parquet")?;
    for (prefix, is_cleared) in [(COMPACTED, false), (CLEARED, true)] {
        if let Some(rest) = stem.strip_prefix(prefix) {
            let mut parts = rest.splitn(3, '-');
            let mut seq = || parts.next()?.parse().ok();
            return Some((seq()?, seq()?, is_cleared));
        }
    }
    let seq = snapshot.seq_of(stem)?;
    Some((seq, seq, false))
}

const COMPACTED: &str = "compacted-";
const CLEARED: &str = "cleared-";

/// The name of a file that holds the rows of several commits.
pub(crate) fn compacted_name((first_seq, last_seq): (i64, i64)) -> String {
    name(COMPACTED, first_seq, last_seq)
}

/// The name of a file whose rows come to nothing once several commits are all counted.
pub(crate) fn cleared_name((first_seq, last_seq): (i64, i64)) -> String {
    name(CLEARED, first_seq, last_seq)
}

fn name(prefix: &str, first_seq: i64, last_seq: i64) -> String {
    format!(
        "{prefix}{first_seq}-{last_seq}-{}.parquet",
        uuid::Uuid::new_v4()
    )
}
