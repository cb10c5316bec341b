//! Takes evidence in: reads the files of sources, journals what is accepted, keeps what is rejected.

mod claims;
pub(super) mod derived;
pub mod due;
pub(super) mod fetching;
pub(super) mod reading;
pub(super) mod scope;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use keiki_ingest::live::Surroundings;
use keiki_ingest::{InputFile, Kind, Kinds, Source, place};
use keiki_model::calendar::{Day, local_day};
use keiki_model::dataset::ORG_UNIT;
use keiki_model::evidence::{Extent, Missing};
use keiki_model::text::Text;
use keiki_store::{Journal, Readings, Receipt, Tried};

use super::programme::{self, Run};
use super::{compact, refusals};
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};
use crate::progress::Progress;

pub(super) use fetching::FETCHED_PREFIX;
use reading::Begun;

/// The name under which files that the user names are journalled.
pub const FILES_SOURCE: &str = "files";

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Sources by name; empty = all.
    Sources(Vec<String>),
    /// Sources that their schedule says are due.
    Due,
    /// Files in the place of a source's own, by its mapping: a part, such as rows that were mended.
    Mended {
        /// The source.
        source: String,
        /// The files.
        files: Vec<PathBuf>,
    },
    /// Files into a dataset, columns by name.
    Files {
        /// The dataset.
        dataset: String,
        /// The files.
        files: Vec<PathBuf>,
    },
    /// Files that somebody sent who speaks for some org units alone: rows of others are rejected.
    Sent {
        /// What they are read as.
        into: SentInto,
        /// The org units, each without those below it; empty = all.
        org_units: Vec<String>,
        /// The files.
        files: Vec<PathBuf>,
        /// Documents that back them: kept beside them, and not read.
        attachments: Vec<PathBuf>,
        /// The journal version at which what becomes of them was looked at: where another came meanwhile, nothing is taken in.
        as_seen: Option<i64>,
    },
}

/// What files that somebody sent are read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentInto {
    /// A source's own, by its mapping.
    Source(String),
    /// A dataset, columns by name.
    Dataset(String),
}

impl What {
    /// Whether it is the evidence of sources from where they have it, not files that were named for once.
    fn is_of_sources(&self) -> bool {
        self.tried() == Tried::Source
    }

    /// What it counts as where it comes to nothing.
    pub(super) fn tried(&self) -> Tried {
        match self {
            Self::Sources(_) | Self::Due => Tried::Source,
            Self::Mended { .. } | Self::Files { .. } | Self::Sent { .. } => Tried::Files,
        }
    }
}

/// Whether retirements that were held back are confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// They wait.
    Ask,
    /// They are carried out.
    Given,
}

/// An ingest.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// What is to be read.
    pub what: What,
    /// The day that the reading speaks for; absent = today, or for a load of history the last day of its knowledge.
    pub as_of: Option<Day>,
    /// The org units that it covers; empty = what the source says, else the org units of its rows.
    pub covers: Vec<String>,
    /// Whether it is a full export; absent = what the source says.
    pub extent: Option<Extent>,
    /// What leaving a record out means; absent = what the source says.
    pub missing: Option<Missing>,
    /// Whether retirements that were held back are confirmed.
    pub confirmation: Confirmation,
    /// What connectors to live systems run in.
    pub surroundings: &'static dyn Surroundings,
    /// Who runs it.
    pub author: String,
    /// Now, UTC microseconds.
    pub now: i64,
}

impl Ingest {
    /// Documents that back what is read.
    fn attachments(&self) -> Vec<InputFile> {
        let What::Sent { attachments, .. } = &self.what else {
            return Vec::new();
        };
        let file = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            InputFile::new(format!("{}/{name}", self.author), path)
        };
        attachments.iter().map(file).collect()
    }

    /// The journal version at which somebody looked at it.
    pub(super) fn as_seen(&self) -> Option<i64> {
        match &self.what {
            What::Sent { as_seen, .. } => *as_seen,
            _ => None,
        }
    }
}

/// What became of one source.
#[derive(Debug)]
pub struct Outcome {
    /// The source's name.
    pub source: String,
    /// The dataset.
    pub dataset: String,
    /// What was read, or why nothing was.
    pub result: Result<Report>,
}

/// What one reading did.
#[derive(Debug)]
pub struct Report {
    /// The files read.
    pub files: Vec<String>,
    /// The day that it speaks for.
    pub as_of: Day,
    /// What the journal did with it.
    pub receipt: Receipt,
    /// Org units that the reading says it covers.
    pub covers: Vec<String>,
    /// Org units of rows that the reading cannot be said to cover.
    pub uncovered: Vec<String>,
    /// Org units of rows that the tree does not know: what they hold counts as unassigned.
    pub unassigned: Vec<String>,
}

/// Reads each source in turn. What is wrong with one does not keep the next from being read.
///
/// # Errors
/// What is asked for does not exist, or the journal cannot be opened; what befalls one source is in its outcome.
pub async fn ingest(
    workspace: &Workspace,
    asked: &Ingest,
    progress: &dyn Progress,
) -> Result<Vec<Outcome>> {
    let mut wanted = wanted(workspace, asked)?;
    if asked.what != What::Due {
        return Box::pin(read_recorded(workspace, wanted, asked, progress)).await;
    }
    let claimant = Readings::new_claimant();
    let claimed = due::claim(workspace, &mut wanted, (&claimant, asked.now)).await;
    let read = match claimed {
        Ok(()) if wanted.is_empty() => Ok(Vec::new()),
        Ok(()) => Box::pin(read_recorded(workspace, wanted, asked, progress)).await,
        Err(error) => Err(error),
    };
    let released = async { Ok::<(), Error>(workspace.readings().await?.release(&claimant).await?) };
    if let Err(error) = released.await {
        // What was read counts; the claim lapses by itself.
        tracing::warn!(?error, "a claim of readings was not given up");
    }
    read
}

async fn read_recorded(
    workspace: &Workspace,
    wanted: Vec<Wanted>,
    asked: &Ingest,
    progress: &dyn Progress,
) -> Result<Vec<Outcome>> {
    record(workspace, asked).await?;
    let journal = workspace.journal(Opening::Create).await?;
    read_all(workspace, &journal, wanted, asked, progress).await
}

/// Records what the files say, since it is by them that the evidence is read.
pub(super) async fn record(workspace: &Workspace, asked: &Ingest) -> Result<()> {
    let run = Run {
        author: asked.author.clone(),
        now: asked.now,
    };
    programme::record(workspace, &run, None).await?;
    Ok(())
}

/// Checks what is asked for and says what is to be read: sources, with the files that the user named for them.
fn wanted(workspace: &Workspace, asked: &Ingest) -> Result<Vec<Wanted>> {
    if asked
        .missing
        .is_some_and(|missing| missing != Missing::Keep)
        && asked.extent == Some(Extent::Part)
    {
        return Err(Error::user(
            Text::new(
                "一部だけの取込では、欠けているレコードを判断できません",
                "a part says nothing about the records that it leaves out",
            ),
            Text::new("--full を付けてください", "add --full"),
        ));
    }
    let today = local_day(asked.now, &workspace.settings.zone);
    if let Some(as_of) = asked.as_of.filter(|as_of| *as_of > today) {
        return Err(in_future(as_of, None));
    }
    scope::check_units(workspace, &asked.covers)?;
    let mut wanted = Vec::new();
    match &asked.what {
        What::Due => wanted.extend(due::scheduled(workspace)?),
        What::Sources(names) if names.is_empty() => {
            wanted.extend(
                workspace
                    .sources
                    .iter()
                    .map(|source| (source.clone(), None)),
            );
        }
        What::Sources(names) => {
            for name in names {
                wanted.push((workspace.source(name)?.clone(), None));
            }
        }
        What::Mended { source, files } => {
            let source = Source {
                extent: Extent::Part,
                missing: Missing::Keep,
                ..workspace.source(source)?.clone()
            };
            wanted.push((source, Some(place::named(files)?)));
        }
        What::Sent {
            into,
            org_units,
            files,
            attachments: _,
            as_seen: _,
        } => {
            let (source, mut files) = sent(workspace, into, org_units, files)?;
            // Files of one name that come for others are others: none takes the place of the rows of another.
            let whose = match asked.covers.as_slice() {
                [] => asked.author.clone(),
                covers => covers.join("+"),
            };
            for file in &mut files {
                file.name = format!("{whose}/{}", file.name);
            }
            wanted.push((source, Some(files)));
        }
        What::Files { dataset, files } => {
            let files = place::named(files)?;
            let kind = kind_of(&files, &workspace.kinds)?;
            wanted.push((
                Source::by_name(FILES_SOURCE, &kind, &workspace.dataset(dataset)?.name),
                Some(files),
            ));
        }
    }
    if wanted.is_empty() {
        return Err(Error::user(
            Text::new(
                "取得元が1つも定義されていません",
                "the workspace has no source",
            ),
            Text::new(
                "sources/ に定義を置くか、--dataset D FILE.. でファイルを指定してください",
                "put one into sources/, or name files with --dataset D FILE..",
            ),
        ));
    }
    Ok(wanted)
}

/// What files that somebody sent are read by: a source that takes rows of some org units alone.
pub(super) fn sent(
    workspace: &Workspace,
    into: &SentInto,
    org_units: &[String],
    files: &[PathBuf],
) -> Result<(Source, Vec<InputFile>)> {
    let mut files = place::named(files)?;
    for file in &mut files {
        // Where it lay in the meantime is nobody's name for it, and another each time.
        file.name = place::last_part(&file.name).to_owned();
    }
    let mut source = match into {
        SentInto::Source(name) => workspace.source(name)?.clone(),
        SentInto::Dataset(name) => {
            let kind = kind_of(&files, &workspace.kinds)?;
            Source::by_name(FILES_SOURCE, &kind, &workspace.dataset(name)?.name)
        }
    };
    if !org_units.is_empty() {
        let quoted = org_units
            .iter()
            .map(|id| format!("'{}'", id.replace('\'', "''")));
        let known = quoted.collect::<Vec<_>>().join(", ");
        let own = format!("coalesce({ORG_UNIT} in ({known}), false)");
        source.scope.predicate = Some(match source.scope.predicate.take() {
            Some(before) => format!("({before}) and {own}"),
            None => own,
        });
    }
    Ok((source, files))
}

/// Reads each source in turn into a journal that is open, by files that are recorded.
pub(super) async fn ingest_into(
    workspace: &Workspace,
    journal: &Journal,
    asked: &Ingest,
    progress: &dyn Progress,
) -> Result<Vec<Outcome>> {
    read_all(
        workspace,
        journal,
        wanted(workspace, asked)?,
        asked,
        progress,
    )
    .await
}

type Wanted = (Source, Option<Vec<InputFile>>);

/// A source, its files where they are named, and the day for which they speak where they say it.
type Parted = (Source, Option<Vec<InputFile>>, Option<Day>);

async fn read_all(
    workspace: &Workspace,
    journal: &Journal,
    wanted: Vec<Wanted>,
    asked: &Ingest,
    progress: &dyn Progress,
) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    let order = derived::Order::new(workspace).await?;
    let (mut derive, wanted): (Vec<Wanted>, Vec<Wanted>) = wanted
        .into_iter()
        .partition(|(source, files)| source.query.is_some() && files.is_none());
    let parted = parted(workspace, wanted, asked, &mut outcomes);
    for outcome in &outcomes {
        refusals::note(workspace, outcome, asked).await?;
    }
    let mut begun = None;
    let mut parted = parted.into_iter().peekable();
    while let Some((source, files, as_of)) = parted.next() {
        let asked = Ingest {
            as_of,
            ..asked.clone()
        };
        let source = adjusted(source, &asked);
        let what = (source, files, begun.take());
        // What comes next is read while this is committed.
        let (outcome, next) = tokio::join!(
            Box::pin(one(workspace, journal, what, &asked, progress)),
            Box::pin(begin(workspace, journal, parted.peek(), &asked)),
        );
        begun = next;
        outcomes.push(outcome?);
    }
    // What follows from what came in is derived again, each source after those on which it rests.
    for source in order.sources() {
        let rests_on_new = outcomes.iter().any(|outcome| {
            let is_new = |report: &Report| report.receipt.seq.is_some();
            outcome.result.as_ref().is_ok_and(is_new)
                && order.follows(source, &outcome.source, &outcome.dataset)
        });
        let place = derive
            .iter()
            .position(|(asked, _)| asked.name == source.name);
        if place.is_some() || rests_on_new {
            let source = match place {
                Some(place) => adjusted(derive.remove(place).0, asked),
                None => (*source).clone(),
            };
            let what = (source, None, None);
            let outcome = one(workspace, journal, what, asked, progress).await?;
            outcomes.push(outcome);
        }
    }
    let brought = |outcome: &Outcome| {
        outcome
            .result
            .as_ref()
            .is_ok_and(|r| r.receipt.seq.is_some())
    };
    if outcomes.iter().any(brought) {
        compact::after_ingest(workspace, journal).await;
    }
    Ok(outcomes)
}

/// Reads files before their turn, where that can be.
async fn begin(
    workspace: &Workspace,
    journal: &Journal,
    next: Option<&Parted>,
    asked: &Ingest,
) -> Option<Begun> {
    let (source, files, as_of) = next?;
    let asked = Ingest {
        as_of: *as_of,
        ..asked.clone()
    };
    let source = adjusted(source.clone(), &asked);
    reading::begin(workspace, journal, (&source, files.as_deref()), &asked).await
}

/// Reads one source. What is wrong with it is in its outcome.
async fn one(
    workspace: &Workspace,
    journal: &Journal,
    what: (Source, Option<Vec<InputFile>>, Option<Begun>),
    asked: &Ingest,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let (name, dataset) = (what.0.name.clone(), what.0.dataset.clone());
    let reading = reading::read(workspace, journal, what, asked, progress);
    let result = Box::pin(reading).await;
    let outcome = Outcome {
        source: name,
        dataset,
        result,
    };
    refusals::note(workspace, &outcome, asked).await?;
    Ok(outcome)
}

/// Parts the readings of sources whose files say themselves for which day they speak: each day is a reading, the earlier
/// first. What cannot be parted is an outcome.
fn parted(
    workspace: &Workspace,
    wanted: Vec<Wanted>,
    asked: &Ingest,
    outcomes: &mut Vec<Outcome>,
) -> Vec<Parted> {
    let mut readings = Vec::new();
    for (source, files) in wanted {
        let Some(form) = source
            .format
            .as_of
            .clone()
            .filter(|_| asked.as_of.is_none())
        else {
            readings.push((source, files, asked.as_of));
            continue;
        };
        match days(workspace, &source, files, &form, asked) {
            Ok(days) => readings.extend(
                days.into_iter()
                    .map(|(day, files)| (source.clone(), Some(files), Some(day))),
            ),
            Err(error) => outcomes.push(Outcome {
                source: source.name,
                dataset: source.dataset,
                result: Err(error),
            }),
        }
    }
    readings
}

fn days(
    workspace: &Workspace,
    source: &Source,
    files: Option<Vec<InputFile>>,
    form: &str,
    asked: &Ingest,
) -> Result<BTreeMap<Day, Vec<InputFile>>> {
    let files = match (files, &source.place) {
        (Some(files), _) => files,
        (None, Some(place)) => place::expand(&place.value, &workspace.root)?,
        (None, None) => Vec::new(),
    };
    let days = place::by_day(files, form)?;
    let today = local_day(asked.now, &workspace.settings.zone);
    match days.last_key_value().filter(|(day, _)| **day > today) {
        Some((day, files)) => Err(in_future(
            *day,
            files.first().map(|file| file.name.as_str()),
        )),
        None => Ok(days),
    }
}

fn in_future(day: Day, file: Option<&str>) -> Error {
    let date = keiki_model::calendar::date_of(day);
    let file = file.map(|file| format!(" ({file})")).unwrap_or_default();
    Error::user(
        Text::new(
            format!("基準日が未来です: {date}{file}"),
            format!("the as-of day lies in the future: {date}{file}"),
        ),
        Text::new(
            "証跡が示す日(今日以前)を指定してください",
            "give the day that the evidence speaks for, today or before",
        ),
    )
}

/// The source with what the user says of this reading put over what its definition says.
fn adjusted(mut source: Source, asked: &Ingest) -> Source {
    if let Some(extent) = asked.extent {
        source.extent = extent;
    }
    if let Some(missing) = asked.missing {
        source.missing = missing;
    }
    if !asked.covers.is_empty() {
        source.covers.clone_from(&asked.covers);
    }
    source
}

fn kind_of(files: &[InputFile], known: &Kinds) -> Result<Arc<Kind>> {
    let kinds: Vec<&Arc<Kind>> = files.iter().map(|file| known.of_file(&file.path)).collect();
    match kinds.first() {
        Some(first) if kinds.iter().all(|kind| kind.name == first.name) => Ok(Arc::clone(first)),
        _ => Err(Error::user(
            Text::new(
                "形式の異なるファイルを一度に取り込めません",
                "files of several formats cannot be one reading",
            ),
            Text::new(
                "形式ごとに取り込んでください",
                "ingest the CSV files and the JSON files one after the other",
            ),
        )),
    }
}
