//! Takes back workbooks: each sheet is a reading of its own, by the org unit that filled it in, for the period that it was sent.

mod book;
mod looking;
mod taking;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use keiki_ingest::collection::SheetEvidence;
use keiki_model::collection::{COLLECTION_SOURCE, Signature};
use keiki_model::evidence::RejectedRow;
use keiki_model::text::Text;
use keiki_store::{Journal, StoreError};

use super::{dropped, marked};
use crate::config::{Opening, STATE_FOLDER, Workspace};
use crate::error::{Error, Result};
use crate::operations::ingest::{self, Confirmation, Ingest, Report, What};
use crate::progress::Progress;
use book::book;
pub(super) use book::{Book, Examined, State};
pub use looking::{Looked, LookedSheet, look, signature};
use taking::Taking;

/// Workbooks to be taken in, or checked.
#[derive(Debug, Clone)]
pub struct Import {
    /// The files; empty = those in the drop folder that were not taken in yet.
    pub files: Vec<PathBuf>,
    /// Where to write copies with every problem marked: a file for one workbook, a folder for several.
    pub marked: Option<PathBuf>,
    /// Whether retirements that were held back are confirmed.
    pub confirmation: Confirmation,
    /// The journal version at which what becomes of them was looked at: where another came meanwhile, nothing is taken in.
    pub as_seen: Option<i64>,
    /// Who runs it.
    pub author: String,
    /// Now, UTC microseconds.
    pub now: i64,
}

/// What became of a workbook.
#[derive(Debug)]
pub struct Returned {
    /// The file as the user knows it.
    pub file: String,
    /// What it says of itself, where it could be read.
    pub signature: Option<Signature>,
    /// What became of each sheet, or why nothing did of any.
    pub result: Result<Vec<Taken>>,
    /// The copy with every problem marked, and how many there are.
    pub marked: Option<(PathBuf, usize)>,
    /// Sheets that people added to the workbook: they are not read; what stands on them is in the copy.
    pub added: Vec<String>,
}

/// What became of a sheet.
#[derive(Debug)]
pub struct Taken {
    /// The dataset.
    pub dataset: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What is to be known about it.
    pub notes: Vec<Text>,
}

/// What a sheet came to.
#[derive(Debug)]
pub enum Outcome {
    /// It was taken in.
    Read(Box<Report>),
    /// It could be taken in.
    Checked {
        /// Rows that would be accepted.
        accepted: usize,
        /// Rows that would not, with every reason.
        rejected: Vec<RejectedRow>,
    },
    /// It says nothing, so that nothing was reported.
    Open(Text),
    /// It cannot be used.
    Refused(Text),
    /// It could not be taken in.
    Failed(Error),
}

/// Takes workbooks in.
///
/// # Errors
/// The journal cannot be opened; what befalls one workbook is in what is returned of it.
pub async fn import(
    workspace: &Workspace,
    asked: &Import,
    progress: &dyn Progress,
) -> Result<Vec<Returned>> {
    let reading = as_ingest(asked);
    ingest::record(workspace, &reading).await?;
    let journal = workspace.journal(Opening::Create).await?;
    let files = if asked.files.is_empty() {
        new_ones(&journal, dropped(workspace)?).await?
    } else {
        asked.files.clone()
    };
    let is_one = files.len() == 1;
    let mut all = Vec::new();
    for file in files {
        let mut returned = blank(workspace, &file);
        let found = book(workspace, Some(&journal), &file, asked.now).await;
        returned.signature = found.as_ref().ok().map(|book| book.signature.clone());
        match found {
            Err(error) => returned.result = Err(error),
            Ok(book) => {
                returned.added = names(&book);
                let to = Taking {
                    workspace,
                    journal: &journal,
                    reading: &reading,
                    as_seen: asked.as_seen,
                };
                let mut extra = Vec::new();
                let marks = asked
                    .marked
                    .as_ref()
                    .map(|place| copy_at(place, &file, is_one));
                let copy = marked::Copy::of(workspace, &book);
                let taken = Box::pin(to.take(book, &file, &mut extra, progress)).await;
                if let (Some(place), Ok(_)) = (marks, &taken) {
                    returned.marked = write_copy(copy, &extra, &place)?;
                }
                returned.result = taken;
            }
        }
        all.push(returned);
    }
    Ok(all)
}

/// Looks into workbooks without taking anything in.
///
/// # Errors
/// The journal cannot be opened, or a copy cannot be written.
pub async fn check(workspace: &Workspace, asked: &Import) -> Result<Vec<Returned>> {
    let journal = match workspace.journal(Opening::Existing).await {
        Ok(journal) => Some(journal),
        Err(Error::Store(StoreError::NoJournal(_))) => None,
        Err(error) => return Err(error),
    };
    let files = if asked.files.is_empty() {
        dropped(workspace)?
    } else {
        asked.files.clone()
    };
    let is_one = files.len() == 1;
    let mut all = Vec::new();
    for file in files {
        let mut returned = blank(workspace, &file);
        match book(workspace, journal.as_ref(), &file, asked.now).await {
            Err(error) => returned.result = Err(error),
            Ok(book) => {
                returned.signature = Some(book.signature.clone());
                returned.added = names(&book);
                if let Some(place) = &asked.marked {
                    let place = copy_at(place, &file, is_one);
                    returned.marked = write_copy(marked::Copy::of(workspace, &book), &[], &place)?;
                }
                returned.result = Ok(checked(book));
            }
        }
        all.push(returned);
    }
    Ok(all)
}

fn checked(book: Book) -> Vec<Taken> {
    let mut taken: Vec<Taken> = book
        .sheets
        .into_iter()
        .map(|examined| Taken {
            dataset: examined.dataset.name.clone(),
            outcome: match examined.state {
                State::Ready(found) => Outcome::Checked {
                    accepted: accepted(&found),
                    rejected: found.faults,
                },
                State::Open(why) => Outcome::Open(why),
                State::Refused(why) => Outcome::Refused(why),
            },
            notes: examined.notes,
        })
        .collect();
    taken.extend(book.others.into_iter().map(without_notes));
    taken
}

/// The rows that would be accepted: those without a fault.
fn accepted(found: &SheetEvidence) -> usize {
    let wrong: BTreeSet<u64> = found.faults.iter().map(|fault| fault.row).collect();
    let places = found.evidence.places.iter();
    places.filter(|place| !wrong.contains(place)).count()
}

fn without_notes((dataset, outcome): (String, Outcome)) -> Taken {
    Taken {
        dataset,
        outcome,
        notes: Vec::new(),
    }
}

fn blank(workspace: &Workspace, file: &Path) -> Returned {
    Returned {
        file: shown(workspace, file),
        signature: None,
        result: Ok(Vec::new()),
        marked: None,
        added: Vec::new(),
    }
}

/// The names of the sheets that people added.
fn names(book: &Book) -> Vec<String> {
    book.added.iter().map(|sheet| sheet.name.clone()).collect()
}

/// A file as the user knows it: relative to the workspace where it lies in it. Where a file that was sent lay in the meantime is
/// nobody's name for it.
fn shown(workspace: &Workspace, file: &Path) -> String {
    let inside = file.strip_prefix(&workspace.root).unwrap_or(file);
    let is_of_state = inside.starts_with(STATE_FOLDER);
    let name = inside.file_name().filter(|_| is_of_state);
    name.map_or(inside, Path::new)
        .to_string_lossy()
        .into_owned()
}

fn copy_at(place: &Path, file: &Path, is_one: bool) -> PathBuf {
    if is_one && !place.is_dir() {
        place.to_owned()
    } else {
        place.join(file.file_name().unwrap_or_default())
    }
}

fn write_copy(
    copy: marked::Copy,
    extra: &[marked::Extra],
    place: &Path,
) -> Result<Option<(PathBuf, usize)>> {
    let (bytes, count) = copy.draw(extra)?;
    if let Some(folder) = place
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    std::fs::write(place, bytes).map_err(Error::file(place))?;
    Ok(Some((place.to_owned(), count)))
}

fn as_ingest(asked: &Import) -> Ingest {
    Ingest {
        surroundings: &crate::environment::Here,
        what: What::Sources(vec![COLLECTION_SOURCE.to_owned()]),
        as_of: None,
        covers: Vec::new(),
        extent: None,
        missing: None,
        confirmation: asked.confirmation,
        author: asked.author.clone(),
        now: asked.now,
    }
}

/// The workbooks whose bytes were not taken in before.
async fn new_ones(journal: &Journal, files: Vec<PathBuf>) -> Result<Vec<PathBuf>> {
    use sha2::{Digest, Sha256};
    let snapshot = journal.snapshot().await?;
    let known: std::collections::HashSet<&str> = snapshot
        .batches()
        .iter()
        .filter(|batch| batch.source == COLLECTION_SOURCE)
        .flat_map(|batch| batch.files.iter().map(|file| file.sha256.as_str()))
        .collect();
    let mut new = Vec::new();
    for file in files {
        let bytes = std::fs::read(&file).map_err(Error::file(&file))?;
        let hash = format!("{:x}", Sha256::digest(&bytes));
        if !known.contains(hash.as_str()) {
            new.push(file);
        }
    }
    Ok(new)
}
