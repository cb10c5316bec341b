//! `keiki ingest`

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::ValueEnum;
use keiki_model::calendar::date_of;
use keiki_model::collection::COLLECTION_SOURCE;
use keiki_model::dataset::Dataset;
use keiki_model::evidence::{Extent, Missing, RejectedRow};
use keiki_model::text::{Language, Text};
use keiki_report::format;

use crate::cli::session::Session;
use crate::cli::{Exit, failure};
use crate::config::Workspace;
use crate::environment;
use crate::error::{Error, Result};
use crate::messages::{self, Phrase};
use crate::operations::collect::{self, Input};
use crate::operations::ingest::{self, Confirmation, Ingest, Outcome, Report, What};
use crate::operations::{period, sources};

/// The rejected rows that are shown at once.
const SHOWN_REJECTS: usize = 5;

/// The reasons for unknown values that are shown at once.
const SHOWN_REASONS: usize = 3;

/// Take evidence in: of all sources, of the sources named, of files into a dataset, or of collection workbooks
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Sources [default: all, and new workbooks in evidence/collected], or workbooks; with --dataset: files
    #[arg(value_name = "SOURCE|FILE")]
    inputs: Vec<String>,
    /// Read the sources that are due by their schedule
    #[arg(long, conflicts_with_all = ["inputs", "dataset", "as_of"])]
    due: bool,
    /// Read files into this dataset, columns by name
    #[arg(long, value_name = "DATASET", requires = "inputs")]
    dataset: Option<String>,
    /// Read this file in the place of the source's own, by its mapping: rows that were mended, say
    #[arg(
        long,
        value_name = "FILE",
        requires = "inputs",
        conflicts_with = "dataset"
    )]
    file: Vec<PathBuf>,
    /// The day that the evidence speaks for [default: today]
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// Org units that the evidence covers, with all below them
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    covers: Vec<String>,
    /// The files hold every record of their scope
    #[arg(long)]
    full: bool,
    /// What a full export means by leaving a record out
    #[arg(long, value_name = "WHAT")]
    missing: Option<Gone>,
    /// Carry out retirements that were held back
    #[arg(long)]
    confirm_missing: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Gone {
    /// Nothing
    Keep,
    /// The record is no more
    Retire,
    /// The source no longer speaks of it
    Withdraw,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        if self.due {
            return self.take_due(&workspace, session).await;
        }
        let what = collect::input(&workspace, &self.inputs, self.dataset.as_deref())?;
        if let Input::Workbooks(files) = what {
            return super::collect::take_files(files, &workspace, session).await;
        }
        let mut exit = Exit::Fine;
        if what != Input::DropFolder {
            let asked = self.asked()?;
            let outcomes = ingest::ingest(&workspace, &asked, session.progress()).await?;
            for outcome in &outcomes {
                exit = worse(exit, show(outcome, &workspace, session));
            }
        }
        if what != Input::Sources {
            exit = worse(
                exit,
                super::collect::take_dropped(&workspace, session).await?,
            );
        }
        Ok(exit)
    }

    async fn take_due(self, workspace: &Workspace, session: &Session) -> Result<Exit> {
        let outcomes = ingest::ingest(workspace, &self.asked()?, session.progress()).await?;
        if outcomes.is_empty() {
            session.line(messages::NOTHING_DUE.get(session.language()));
        }
        let shown = outcomes
            .iter()
            .map(|outcome| show(outcome, workspace, session));
        Ok(shown.fold(Exit::Fine, worse))
    }

    fn asked(self) -> Result<Ingest> {
        let missing = self.missing.map(|gone| match gone {
            Gone::Keep => Missing::Keep,
            Gone::Retire => Missing::Retire,
            Gone::Withdraw => Missing::Withdraw,
        });
        let what = match self.dataset {
            Some(dataset) => What::Files {
                dataset,
                files: self.inputs.iter().map(PathBuf::from).collect(),
            },
            None if !self.file.is_empty() => What::Mended {
                source: one(self.inputs)?,
                files: self.file,
            },
            None if self.due => What::Due,
            None => What::Sources(self.inputs),
        };
        let is_part = matches!(what, What::Files { .. }) && missing.is_some();
        Ok(Ingest {
            what,
            as_of: self.as_of.as_deref().map(period::day).transpose()?,
            covers: self.covers,
            extent: if self.full {
                Some(Extent::Full)
            } else {
                is_part.then_some(Extent::Part)
            },
            missing,
            confirmation: if self.confirm_missing {
                Confirmation::Given
            } else {
                Confirmation::Ask
            },
            surroundings: &environment::Here,
            author: environment::author(),
            now: environment::now(),
        })
    }
}

/// The one source whose file is given.
fn one(mut names: Vec<String>) -> Result<String> {
    match (names.pop(), names.is_empty()) {
        (Some(name), true) => Ok(name),
        _ => Err(Error::user(
            Text::new(
                "--file には取得元を1つだけ指定します",
                "--file goes with one source",
            ),
            Text::new(
                "取得元ごとに取り込んでください",
                "ingest the files of each source by themselves",
            ),
        )),
    }
}

/// Of two exits, the one that tells more: a fault of the program, then of the input, then rejected rows.
pub(crate) fn worse(a: Exit, b: Exit) -> Exit {
    let weight = |exit| match exit {
        Exit::Fine => 0,
        Exit::Rejected => 1,
        Exit::Wrong => 2,
        Exit::Internal => 3,
    };
    if weight(b) > weight(a) { b } else { a }
}

/// Shows what became of a source.
pub(crate) fn show(outcome: &Outcome, workspace: &Workspace, session: &Session) -> Exit {
    match &outcome.result {
        Ok(report) => {
            session.print(&summary(outcome, report, workspace, session.language()));
            if report.receipt.rejected.is_empty() {
                Exit::Fine
            } else {
                Exit::Rejected
            }
        }
        Err(error) => {
            session.line(format!("{} → {}", outcome.source, outcome.dataset));
            session.complain(failure::words(error, session));
            failure::exit(error)
        }
    }
}

fn summary(
    outcome: &Outcome,
    report: &Report,
    workspace: &Workspace,
    language: Language,
) -> String {
    let head = format!(
        "{} → {}  {} {}  {}",
        outcome.source,
        outcome.dataset,
        messages::AS_OF.get(language),
        format::day(&date_of(report.as_of).to_string(), language),
        messages::files(&report.files).get(language),
    );
    let again = sources::confirming(&outcome.source, &outcome.dataset, report.as_of);
    let dataset = workspace.catalogue.datasets.get(&outcome.dataset);
    let words = (dataset.map(AsRef::as_ref), language);
    below(head, (&outcome.source, &again), report, words)
}

/// Shows what became of a sheet of a workbook.
pub(crate) fn sheet(
    dataset: &str,
    report: &Report,
    workspace: &Workspace,
    language: Language,
) -> String {
    let head = format!(
        "  {dataset}  {} {}",
        messages::AS_OF.get(language),
        format::day(&date_of(report.as_of).to_string(), language)
    );
    let files = report.files.join(" ");
    let again = format!("keiki collect import {files} --confirm-missing");
    let dataset = workspace.catalogue.datasets.get(dataset);
    let words = (dataset.map(AsRef::as_ref), language);
    below(head, (COLLECTION_SOURCE, &again), report, words)
}

fn below(
    head: String,
    (source, again): (&str, &str),
    report: &Report,
    words: (Option<&Dataset>, Language),
) -> String {
    let (_, language) = words;
    let mut lines = vec![head];
    lines.push(format!("  {}", counts(report, language)));
    if report.receipt.seq.is_none() {
        lines.push(format!("  {}", messages::REPLAY.get(language)));
    }
    let held = report.receipt.counts.retirements_held;
    if held > 0 {
        lines.push(format!("  {}", messages::held(held).get(language)));
        let why = report.receipt.wait.iter();
        lines.extend(why.map(|why| format!("    {}", messages::wait(why).get(language))));
        let mut shown = report.receipt.held.iter();
        let first: Vec<&str> = shown
            .by_ref()
            .take(SHOWN_REJECTS)
            .map(String::as_str)
            .collect();
        let more = if shown.next().is_some() { ", …" } else { "" };
        lines.push(format!("    {}{more}", first.join(", ")));
        lines.push(format!(
            "    hint: {}",
            messages::confirm_hint(again).get(language)
        ));
    }
    if !report.uncovered.is_empty() {
        lines.push(format!(
            "  {}",
            messages::uncovered(&report.uncovered.join(", ")).get(language)
        ));
    }
    if !report.unassigned.is_empty() {
        let units = report.unassigned.join(", ");
        lines.push(format!("  {}", messages::unassigned(&units).get(language)));
    }
    let merged = report.receipt.merged.len();
    if merged > 0 {
        lines.push(format!("  {}", messages::merged(merged).get(language)));
    }
    let kept = &report.receipt.kept;
    if !kept.is_empty() {
        let text = messages::kept(kept.len(), source);
        lines.push(format!("  {}", text.get(language)));
    }
    lines.extend(
        kept.iter()
            .take(SHOWN_REJECTS)
            .map(|row| format!("    {}", rejected_row(row, words))),
    );
    lines.extend(left_unknown(&report.receipt.left_unknown, source, words));
    let mut hints = BTreeSet::new();
    for row in report.receipt.rejected.iter().take(SHOWN_REJECTS) {
        lines.push(format!("    {}", rejected_row(row, words)));
        // What several rows have in common is said once.
        if let Some(hint) = row.reason.hint() {
            let hint = format!("      hint: {}", hint.get(language));
            if hints.insert(hint.clone()) {
                lines.push(hint);
            }
        }
    }
    let count = usize::try_from(report.receipt.counts.rejected).unwrap_or(usize::MAX);
    if count > SHOWN_REJECTS {
        let more = messages::more_rejects(count - SHOWN_REJECTS, source);
        lines.push(format!("    {}", more.get(language)));
    }
    lines.join("\n") + "\n"
}

/// Why values are unknown, the most frequent reasons first.
fn left_unknown(
    rows: &[RejectedRow],
    source: &str,
    (dataset, language): (Option<&Dataset>, Language),
) -> Vec<String> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let message = row.reason.message_in(dataset);
        *reasons.entry(message.get(language).to_owned()).or_default() += 1;
    }
    let mut reasons: Vec<(String, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let shown = reasons.iter().take(SHOWN_REASONS);
    let mut lines: Vec<String> = shown
        .map(|(message, count)| {
            let said = messages::unknown_because(*count, message);
            format!("    {}", said.get(language))
        })
        .collect();
    if !rows.is_empty() {
        let all = messages::all_unknown(source);
        lines.push(format!("    {}", all.get(language)));
    }
    lines
}

fn counts(report: &Report, language: Language) -> String {
    let counts = report.receipt.counts;
    let word = |phrase: Phrase, count: u64| {
        format!(
            "{} {}",
            phrase.get(language),
            format::count(i128::from(count))
        )
    };
    let mut words = vec![
        word(messages::ACCEPTED, counts.accepted),
        word(messages::CHANGED, counts.changed),
        word(messages::UNCHANGED, counts.unchanged),
        word(messages::RETIRED, counts.retired),
        word(messages::REJECTED, counts.rejected),
    ];
    let unknown = report.receipt.left_unknown.len() as u64;
    if unknown > 0 {
        words.push(word(messages::LEFT_UNKNOWN, unknown));
    }
    let kept = report.receipt.kept.len() as u64;
    if kept > 0 {
        words.push(word(messages::KEPT, kept));
    }
    words.join("  ")
}

fn rejected_row(row: &RejectedRow, (dataset, language): (Option<&Dataset>, Language)) -> String {
    format!(
        "{}:{}  {}",
        row.file,
        row.row,
        row.reason.said_in(dataset).get(language)
    )
}
