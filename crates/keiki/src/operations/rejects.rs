//! Lists rejected rows, values left unknown, days of plans that were kept and readings that were refused, what became of them, and
//! how rows stood in their files.

mod still_out;
mod stream;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keiki_ingest::original::{OriginalRow, original_rows};
use keiki_ingest::{Context, InputFile, Limits, Source};
use keiki_model::text::Text;
use keiki_store::{Afterwards, Batch, Journal, Outcome, Snapshot, StoredReject};

use super::ingest::FILES_SOURCE;
use super::refusals::{Refused, refused};
use crate::config::{Workspace, suggestion};
use crate::error::{Error, Result};
pub use still_out::{OutOf, Place, Shown, StillOut, still_out};
pub use stream::{Part, each};

/// Which rejects are listed.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Those of this source; absent = of all.
    pub source: Option<String>,
    /// Those alone that are still out.
    pub open: Option<StillOpen>,
    /// Whether the rows are read again as they stood in their files.
    pub originals: Originals,
}

/// Narrows a list to what is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StillOpen;

/// Whose original cells are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Originals {
    /// Nobody's.
    #[default]
    None,
    /// Those of datasets that name no person.
    Impersonal,
    /// All.
    All,
}

/// A reject, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The reject.
    pub reject: StoredReject,
    /// What became of it.
    pub afterwards: Afterwards,
    /// The row as it stood in its file, where it was asked for and can be read.
    pub original: Option<OriginalRow>,
}

/// Why a row was rejected, in words that name columns as users know them.
#[must_use]
pub fn message(workspace: &Workspace, reject: &StoredReject) -> Text {
    let dataset = workspace.catalogue.datasets.get(&reject.dataset);
    reject.row.reason.message_in(dataset.map(AsRef::as_ref))
}

/// The readings that were refused as a whole.
async fn refused_of(
    workspace: &Workspace,
    snapshot: &Snapshot,
    asked: &Asked,
) -> Result<Vec<Refused>> {
    let mut refused = refused(workspace, snapshot.batches()).await?;
    refused.retain(|one| {
        let source = asked.source.as_ref();
        let is_open = asked.open.is_none() || one.mended_by.is_none();
        is_open && source.is_none_or(|name| one.reading.source == *name)
    });
    Ok(refused)
}

fn is_wanted(one: &Listed, asked: &Asked) -> bool {
    let source = asked.source.as_ref();
    let is_open = one.reject.outcome == Outcome::Rejected && one.afterwards == Afterwards::Open;
    source.is_none_or(|name| one.reject.source == *name) && (asked.open.is_none() || is_open)
}

/// Checks that there is such a source.
fn check_source(workspace: &Workspace, snapshot: &Snapshot, asked: &Asked) -> Result<()> {
    if let Some(name) = &asked.source {
        let known = snapshot.batches().iter().map(|batch| batch.source.as_str());
        let all = known.chain(workspace.sources.iter().map(|source| source.name.as_str()));
        if !all.clone().any(|known| known == name) {
            let message = Text::new(
                format!("取得元がありません: {name}"),
                format!("unknown source: {name}"),
            );
            return Err(Error::user(message, suggestion(name, all)));
        }
    }
    Ok(())
}

/// Reads the rows again from the raw evidence, batch by batch. What was redacted, or can no longer be read by its source's
/// definition, stays without its original.
async fn add_originals(
    workspace: &Workspace,
    journal: &Journal,
    snapshot: &Snapshot,
    found: &mut [Listed],
    whose: Originals,
) -> Result<Vec<String>> {
    let mut wanted: BTreeMap<i64, BTreeSet<(String, u64)>> = BTreeMap::new();
    for one in found.iter() {
        let dataset = workspace.catalogue.datasets.get(&one.reject.dataset);
        let is_personal = dataset.is_none_or(|dataset| dataset.is_personal());
        if whose == Originals::All || !is_personal {
            let rows = wanted.entry(one.reject.seq).or_default();
            rows.insert((one.reject.row.file.clone(), one.reject.row.row));
        }
    }
    let mut columns: Vec<String> = Vec::new();
    let mut originals: HashMap<(i64, String, u64), OriginalRow> = HashMap::new();
    for (seq, rows) in wanted {
        let Some(batch) = snapshot.batches().iter().find(|batch| batch.seq == seq) else {
            continue;
        };
        let Some((names, rows)) = read_again(workspace, journal, batch, rows).await? else {
            continue;
        };
        for name in names {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        originals.extend(
            rows.into_iter()
                .map(|row| ((seq, row.file.clone(), row.row), row)),
        );
    }
    for one in found.iter_mut() {
        let row = &one.reject.row;
        one.original = originals.remove(&(one.reject.seq, row.file.clone(), row.row));
    }
    Ok(columns)
}

/// Reads wanted rows of a batch again.
pub(super) async fn read_again(
    workspace: &Workspace,
    journal: &Journal,
    batch: &Batch,
    rows: BTreeSet<(String, u64)>,
) -> Result<Option<(Vec<String>, Vec<OriginalRow>)>> {
    let names: BTreeSet<&str> = rows.iter().map(|(file, _)| file.as_str()).collect();
    let is_wanted = |name: &str| names.contains(name);
    let Some(again) = raw_again(workspace, journal, batch, is_wanted).await? else {
        return Ok(None);
    };
    let context = context_of(workspace, batch);
    Ok(original_rows(&again.source, &again.files, &rows, &context).ok())
}

/// Raw files of a batch, to be read again.
pub(super) struct Again {
    /// What they are read by.
    pub(super) source: Source,
    /// The files.
    pub(super) files: Vec<InputFile>,
    /// Where they lie meanwhile.
    _folder: tempfile::TempDir,
}

/// What the raw files of a batch are read with.
pub(super) fn context_of<'w>(workspace: &'w Workspace, batch: &Batch) -> Context<'w> {
    Context {
        expressions: workspace.mappings.as_ref(),
        zone: workspace.settings.zone.clone(),
        limits: Limits::default(),
        as_of: batch.as_of,
    }
}

/// Lays raw files of a batch into a temporary folder, which only this user can read. *Shape*: `None` where they were taken away,
/// or nothing says any more how they are read.
pub(super) async fn raw_again(
    workspace: &Workspace,
    journal: &Journal,
    batch: &Batch,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Option<Again>> {
    let folder = tempfile::tempdir().map_err(Error::file(&workspace.root))?;
    let mut files = Vec::new();
    let raw = batch.files.iter().enumerate();
    for (number, reference) in raw.filter(|(_, reference)| is_wanted(&reference.name)) {
        let Some(bytes) = journal.read_raw(reference).await? else {
            continue;
        };
        // The extension is kept, by which some kinds tell what they read.
        let name = std::path::Path::new(&reference.name);
        let base = name.file_name().unwrap_or_default().to_string_lossy();
        let path = folder.path().join(format!("{number}-{base}"));
        std::fs::write(&path, bytes).map_err(Error::file(&path))?;
        files.push(InputFile::new(reference.name.clone(), path));
    }
    let source = match workspace.sources.iter().find(|s| s.name == batch.source) {
        Some(source) => source.clone(),
        None if batch.source == FILES_SOURCE && !files.is_empty() => {
            let kind = workspace.kinds.of_file(&files[0].path);
            Source::by_name(FILES_SOURCE, kind, &batch.dataset)
        }
        None => return Ok(None),
    };
    let again = Again {
        source,
        files,
        _folder: folder,
    };
    Ok((!again.files.is_empty()).then_some(again))
}
