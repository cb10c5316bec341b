//! Makes the workspace of a fictional group and plays its months forward, as if each export had arrived on its day.

mod assets;
mod budgets;
mod closing;
mod dice;
mod forms;
mod incidents;
mod lists;
mod page;
mod people;
mod sheet;
mod story;
mod tables;
mod vulnerabilities;

use std::path::Path;

use include_dir::{Dir, include_dir};
use keiki_model::calendar::{Day, Month, local_day};
use keiki_model::text::Text;
use keiki_report::scorecard::Line;

use super::ingest::{self, Confirmation, Ingest, Outcome, What};
use super::init;
use crate::config::{Opening, Workspace, settings};
use crate::error::{Error, Result};
use crate::progress::{Progress, Silent, Step};

pub use page::period;
use story::{Delivery, Fate};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/operations/demo/files");

/// Who is said to have run the ingests of the story.
const AUTHOR: &str = "keiki demo";

/// The played story.
#[derive(Debug)]
pub struct Played {
    /// The workspace.
    pub workspace: Workspace,
    /// What became of each export, in the order of their arrival.
    pub outcomes: Vec<Outcome>,
    /// The exports that could not be used, as the story has it.
    pub refused: Vec<Refused>,
    /// The group's figures for the last month, with their trend.
    pub scorecard: Vec<Line>,
}

/// An export that could not be used.
#[derive(Debug)]
pub struct Refused {
    /// Its source.
    pub source: String,
    /// The day on which it arrived.
    pub on: Day,
    /// Why.
    pub reason: Text,
}

/// Whether the story's months are closed too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Books {
    /// They stay open.
    Open,
    /// Eleven months are closed and signed, and two of them restated.
    Closed,
}

/// Makes the sample group in a new folder, takes its evidence in month by month, and measures the last month.
///
/// A numbered copy of each export goes to `deliveries`, where that is given: later ones take the place of earlier ones in the workspace.
///
/// # Errors
/// The folder holds a workspace already, or cannot be written.
pub async fn demo(
    folder: &Path,
    (books, deliveries): (Books, Option<&Path>),
    progress: &dyn Progress,
) -> Result<Played> {
    init::write(folder, &files(books))?;
    let mut kept = Kept {
        folder: deliveries,
        count: 0,
    };
    let workspace = Workspace::load(folder)?;
    let journal = workspace.journal(Opening::Create).await?;
    let zone = &workspace.settings.zone;
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut refused: Vec<Refused> = Vec::new();
    let mut acts = Vec::new();
    if books == Books::Closed {
        closing::make_key(&workspace)?;
        acts = closing::acts(zone);
        acts.reverse();
    }
    let deliveries = story::deliveries(zone);
    for (position, arrived) in deliveries.chunk_by(arrive_together).enumerate() {
        let (as_of, arrives_at) = (arrived[0].as_of, arrived[0].arrives_at);
        while let Some(act) = acts.pop_if(|(at, _)| *at < arrives_at) {
            closing::carry_out(&workspace, act, progress).await?;
        }
        progress.begin(&Step::Playing {
            month: Month::of(as_of).to_string(),
        });
        for (name, text) in arrived.iter().flat_map(|delivery| &delivery.files) {
            let (name, bytes) = forms::sent(name, text);
            kept.keep(&name, &bytes)?;
            write(&workspace.root.join(name), &bytes)?;
        }
        let sources = arrived.iter().map(|delivery| delivery.source.to_owned());
        let asked = Ingest {
            surroundings: &crate::environment::Here,
            what: What::Sources(sources.collect()),
            as_of: Some(as_of),
            covers: Vec::new(),
            extent: None,
            missing: None,
            confirmation: Confirmation::Ask,
            author: AUTHOR.to_owned(),
            now: arrives_at,
        };
        // The files of the workspace stay as they are throughout the story.
        if position == 0 {
            ingest::record(&workspace, &asked).await?;
        }
        for outcome in ingest::ingest_into(&workspace, &journal, &asked, &Silent).await? {
            match &outcome.result {
                Err(error) if is_refused(arrived, &outcome.source) => refused.push(Refused {
                    source: outcome.source,
                    on: local_day(arrives_at, zone),
                    reason: error.message(),
                }),
                _ => outcomes.push(outcome),
            }
        }
    }
    while let Some(act) = acts.pop() {
        closing::carry_out(&workspace, act, progress).await?;
    }
    let scorecard = page::page(&workspace, story::end(zone), progress).await?;
    Ok(Played {
        workspace,
        outcomes,
        refused,
        scorecard,
    })
}

/// Whether two exports are read together, so that what follows from them is derived once.
fn arrive_together(one: &Delivery, next: &Delivery) -> bool {
    (one.arrives_at, one.as_of) == (next.arrives_at, next.as_of)
}

/// Whether the story has it that a source's export cannot be used.
fn is_refused(arrived: &[Delivery], source: &str) -> bool {
    let mut of_source = arrived.iter().filter(|delivery| delivery.source == source);
    of_source.any(|delivery| delivery.fate == Fate::Refused)
}

/// What a list among the files of the workspace says at the end of the story.
fn whole(list: &str) -> &'static str {
    let file = FILES.get_file(format!("evidence/{list}"));
    file.and_then(include_dir::File::contents_utf8)
        .expect("the lists of the story are among its files")
}

/// The copies of what arrived.
struct Kept<'f> {
    folder: Option<&'f Path>,
    count: usize,
}

impl Kept<'_> {
    /// Keeps a copy, named after its number and its place below the folder of evidence.
    fn keep(&mut self, place: &str, bytes: &[u8]) -> Result<()> {
        let Some(folder) = self.folder else {
            return Ok(());
        };
        self.count += 1;
        let place = place.strip_prefix("evidence/").unwrap_or(place);
        let name = format!("{:04}_{}", self.count, place.replace('/', "__"));
        write(&folder.join(name), bytes)
    }
}

/// Writes a file of evidence over the one before.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    std::fs::write(path, bytes).map_err(Error::file(path))
}

/// The files of the workspace, beside the evidence that the story brings.
fn files(books: Books) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![(".gitignore".to_owned(), b"/.keiki/\n".to_vec())];
    let mut open = vec![&FILES];
    while let Some(folder) = open.pop() {
        open.extend(folder.dirs());
        for file in folder.files() {
            let name = file.path().to_string_lossy().replace('\\', "/");
            files.extend(file.contents_utf8().map(|text| forms::sent(&name, text)));
        }
    }
    if books == Books::Closed {
        for (_, text) in files.iter_mut().filter(|(name, _)| name == settings::FILE) {
            text.extend_from_slice(closing::SETTINGS.as_bytes());
        }
    }
    files.sort();
    files
}
