//! The list of the heads: which files hold them, and of what form they are.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::Schema;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};

use super::Ledger;
use crate::error::Result;

/// When later rows are put into the buckets: at this many files of them, or at this share of the rows of the buckets. Fewer
/// rows than the first bound and more than the second are neither worth it nor kept apart.
pub(super) const LATER_FILES: usize = 16;
pub(super) const LATER_SHARE: u64 = 8;
pub(super) const LATER_ROWS: std::ops::Range<u64> = 4_096..262_144;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The journal version that the heads show.
    pub(super) seq: i64,
    /// The columns that the files have, so that a changed definition rebuilds them. Its name was `columns` before there
    /// were files of later rows: a program that knows none finds no columns, and rebuilds.
    #[serde(alias = "columns")]
    pub(super) shape: Vec<String>,
    /// The file of each bucket that is not empty.
    pub(super) buckets: BTreeMap<usize, String>,
    /// The rows of each of these files.
    #[serde(default)]
    pub(super) rows: BTreeMap<usize, u64>,
    /// Files of rows that came after those of the buckets, in order.
    #[serde(default)]
    pub(super) later: Vec<Later>,
    /// Buckets whose file is newer than some of the later rows: it has those up to this commit.
    #[serde(default)]
    pub(super) since: BTreeMap<usize, i64>,
    /// A file of assertions whose rows are heads as well, in no bucket yet. Older programs see by the shape that they do not
    /// know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ledger: Option<Ledger>,
}

/// A file of assertions that stand over those of the buckets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Later {
    pub(super) file: String,
    pub(super) rows: u64,
}

impl Manifest {
    /// Reads the list of a folder of heads; it is empty where there is none that can be read.
    pub(super) async fn read(store: &dyn ObjectStore, folder: &Path) -> Result<Self> {
        match store.get(&manifest_path(folder)).await {
            Ok(found) => Ok(serde_json::from_slice(&found.bytes().await?).unwrap_or_default()),
            Err(object_store::Error::NotFound { .. }) => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Tells whether so much lies over the files of the buckets that it is put into them.
pub(super) fn is_much(manifest: &Manifest) -> bool {
    let later: u64 = manifest.later.iter().map(|later| later.rows).sum();
    let of_ledger = manifest.ledger.as_ref().map_or(0, |ledger| ledger.rows);
    let share = (manifest.rows.values().sum::<u64>() + of_ledger) / LATER_SHARE;
    later > share.clamp(LATER_ROWS.start, LATER_ROWS.end) || manifest.later.len() > LATER_FILES
}

/// Tells whether all files of a manifest are there: of two ingests that wrote at once, one may have cleared away what the
/// other's manifest names.
pub(super) async fn are_kept(
    store: &Arc<dyn ObjectStore>,
    folder: &Path,
    manifest: &Manifest,
) -> Result<bool> {
    let later = manifest.later.iter().map(|later| &later.file);
    let mut named: HashSet<&str> = manifest
        .buckets
        .values()
        .chain(later)
        .map(String::as_str)
        .collect();
    if named.is_empty() {
        return Ok(true);
    }
    for file in store.list_with_delimiter(Some(folder)).await?.objects {
        named.remove(file.location.filename().unwrap_or_default());
    }
    Ok(named.is_empty())
}

pub(super) fn manifest_path(folder: &Path) -> Path {
    folder.clone().join("manifest.json")
}

pub(super) fn shape_of(schema: &Schema) -> Vec<String> {
    let fields = schema.fields().iter();
    let columns = fields.map(|f| format!("{} {}", f.name(), f.data_type()));
    columns.chain([FOLDED.to_owned()]).collect()
}

/// Says that files leave out columns that a word says as well: a program that does not know of that rebuilds the heads.
pub(super) const FOLDED: &str = "#folded";
/// Said before that they leave out columns without a value. Such files are read as they are.
pub(super) const SPARSE: &str = "#sparse";
/// Says that rows of the ledger are heads, too. A program that does not know of that rebuilds them.
pub(super) const LEDGER: &str = "#ledger";

/// Tells whether files of a shape are read by this program.
pub(super) fn is_readable(shape: &[String], wanted: &[String]) -> bool {
    let (Some((last, columns)), Some((_, wanted))) = (shape.split_last(), wanted.split_last())
    else {
        return false;
    };
    columns == wanted && [FOLDED, SPARSE, LEDGER].contains(&last.as_str())
}
