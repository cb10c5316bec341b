//! The ledger of definitions: records what the files say, shows what changed, and finds what was in force.

use std::path::Path;

use keiki_model::text::Text;
use keiki_store::{Edition, EditionOf, NewEdition, Texts};

use crate::config::Workspace;
use crate::error::{Error, Result};

/// How a file differs between two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its text changed.
    Changed,
}

/// A file that differs, with the lines that do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The file.
    pub file: String,
    /// How.
    pub change: Change,
    /// Lines that are gone and lines that are new, in order, each with its sign.
    pub lines: Vec<(char, String)>,
    /// The same with the lines of the tables in which they stand, which have a space as their sign.
    pub in_context: Vec<(char, String)>,
}

/// How far the lines of a table are shown before and after one that differs.
const TABLE_LINES: usize = 12;

/// Who runs a command, and when.
#[derive(Debug, Clone)]
pub struct Run {
    /// Who.
    pub author: String,
    /// When, UTC microseconds.
    pub now: i64,
}

impl Run {
    /// Nobody in particular: what few may see is withheld from all.
    pub(crate) fn of_nobody(now: i64) -> Self {
        Self {
            author: String::new(),
            now,
        }
    }
}

/// Records the files as a new edition if they differ from the last one. Returns the edition that has them: an earlier one where
/// somebody has changed the files since the workspace was loaded.
///
/// # Errors
/// The ledger cannot be written.
pub async fn record(workspace: &Workspace, run: &Run, reason: Option<&str>) -> Result<EditionOf> {
    let new = NewEdition {
        texts: workspace.content.texts(),
        now: run.now,
        author: &run.author,
        reason,
        fulfils: None,
    };
    let ledger = workspace.ledger().await?;
    Ok(ledger.record(new, || workspace.is_as_on_disk()).await?)
}

/// The workspace as it was in force at an instant; `None` where that is what the files say. What the files say now is
/// recorded first, so that a figure of today can be computed again.
///
/// # Errors
/// The ledger cannot be used, or this program no longer takes what was recorded.
pub async fn in_force(
    workspace: &Workspace,
    known_at: Option<i64>,
    run: &Run,
) -> Result<Option<Workspace>> {
    record(workspace, run, None).await?;
    let Some(known_at) = known_at else {
        return Ok(None);
    };
    let ledger = workspace.ledger().await?;
    let Some(edition) = ledger.at(known_at).await? else {
        return Ok(None);
    };
    let texts = ledger.texts(edition.number).await?;
    if texts == *workspace.content.texts() {
        return Ok(None);
    }
    workspace.recorded(texts).map(Some)
}

/// The workspace as an edition has it.
///
/// # Errors
/// There is no such edition, or this program no longer takes what was recorded.
pub(super) async fn of_edition(workspace: &Workspace, number: i64) -> Result<Workspace> {
    workspace.recorded(workspace.ledger().await?.texts(number).await?)
}

/// The workspace as an edition has it; `None` where that is what its files say, so that nothing has to be compiled again.
///
/// # Errors
/// There is no such edition, or this program no longer takes what was recorded.
pub(super) async fn unless_as_is(workspace: &Workspace, number: i64) -> Result<Option<Workspace>> {
    let texts = workspace.ledger().await?.texts(number).await?;
    if texts == *workspace.content.texts() {
        return Ok(None);
    }
    workspace.recorded(texts).map(Some)
}

/// The editions in order.
///
/// # Errors
/// The ledger cannot be read.
pub async fn editions(workspace: &Workspace) -> Result<Vec<Edition>> {
    Ok(workspace.ledger().await?.editions().await?)
}

/// What the files would change against the last edition, or what one edition changed against the one before it.
///
/// # Errors
/// There is no such edition.
pub async fn differences(workspace: &Workspace, edition: Option<i64>) -> Result<Vec<Difference>> {
    let ledger = workspace.ledger().await?;
    let editions = ledger.editions().await?;
    let texts_of = async |number: i64| -> Result<Texts> {
        Ok(if number < 1 {
            Texts::new()
        } else {
            ledger.texts(number).await?
        })
    };
    let (before, after) = match edition {
        None => {
            let last = editions.last().map_or(0, |last| last.number);
            (texts_of(last).await?, workspace.content.texts().clone())
        }
        Some(number) => {
            find(&editions, number)?;
            (texts_of(number - 1).await?, texts_of(number).await?)
        }
    };
    Ok(compare(&before, &after))
}

/// Writes the files of an edition, by default the last, into a new folder, the shipped definitions left out. Returns how many.
///
/// # Errors
/// There is no such edition, or the folder is there already.
pub async fn export(workspace: &Workspace, edition: Option<i64>, folder: &Path) -> Result<usize> {
    let ledger = workspace.ledger().await?;
    let editions = ledger.editions().await?;
    let last = editions.last().map_or(0, |last| last.number);
    let edition = edition.unwrap_or(last);
    find(&editions, edition)?;
    if folder.exists() {
        return Err(Error::user(
            Text::new(
                format!("すでに存在します: {}", folder.display()),
                format!("exists already: {}", folder.display()),
            ),
            Text::new(
                "新しいフォルダを指定してください",
                "name a folder that is not there",
            ),
        ));
    }
    let mut written = 0;
    for (name, text) in ledger.texts(edition).await? {
        if name.starts_with('<') {
            continue;
        }
        let path = folder.join(&name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(Error::file(parent))?;
        }
        std::fs::write(&path, text).map_err(Error::file(&path))?;
        written += 1;
    }
    Ok(written)
}

fn find(editions: &[Edition], number: i64) -> Result<()> {
    if editions.iter().any(|edition| edition.number == number) {
        return Ok(());
    }
    let last = editions.last().map_or(0, |edition| edition.number);
    Err(Error::user(
        Text::new(
            format!("その版はありません: {number}"),
            format!("there is no such edition: {number}"),
        ),
        Text::new(
            format!("1から{last}まであります。`keiki programme log` で確認できます"),
            format!("editions run from 1 to {last}; see `keiki programme log`"),
        ),
    ))
}

pub(super) fn compare(before: &Texts, after: &Texts) -> Vec<Difference> {
    let mut found = Vec::new();
    for (file, old) in before {
        match after.get(file) {
            None => found.push(difference(file, Change::Removed, old, "")),
            Some(new) if new != old => found.push(difference(file, Change::Changed, old, new)),
            Some(_) => {}
        }
    }
    for (file, new) in after.iter().filter(|(file, _)| !before.contains_key(*file)) {
        found.push(difference(file, Change::Added, "", new));
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    found
}

fn difference(file: &str, change: Change, old: &str, new: &str) -> Difference {
    let all: Vec<(char, String)> = similar::TextDiff::from_lines(old, new)
        .iter_all_changes()
        .map(|line| {
            let sign = match line.tag() {
                similar::ChangeTag::Equal => ' ',
                similar::ChangeTag::Delete => '-',
                similar::ChangeTag::Insert => '+',
            };
            (sign, line.value().trim_end_matches('\n').to_owned())
        })
        .collect();
    let mut is_shown: Vec<bool> = all.iter().map(|(sign, _)| *sign != ' ').collect();
    let is_table = Path::new(file)
        .extension()
        .is_some_and(|kind| kind == "toml");
    for at in (0..all.len()).filter(|at| is_table && all[*at].0 != ' ') {
        around(&all, at, &mut is_shown);
    }
    let shown = all.into_iter().zip(is_shown).filter(|(_, is)| *is);
    let in_context: Vec<(char, String)> = shown.map(|(line, _)| line).collect();
    let lines = in_context.iter().filter(|(sign, _)| *sign != ' ').cloned();
    Difference {
        file: file.to_owned(),
        change,
        lines: lines.collect(),
        in_context,
    }
}

/// Marks the lines of the table in which a line stands: from its heading to its end.
fn around(all: &[(char, String)], at: usize, is_shown: &mut [bool]) {
    let is_heading = |at: usize| all[at].1.starts_with('[');
    let is_blank = |at: usize| all[at].1.trim().is_empty();
    for before in (0..at).rev().take(TABLE_LINES) {
        if is_heading(at) || is_blank(before) {
            break;
        }
        is_shown[before] = true;
        if is_heading(before) {
            break;
        }
    }
    for after in (at + 1..all.len()).take(TABLE_LINES) {
        if is_heading(after) || is_blank(after) {
            break;
        }
        is_shown[after] = true;
    }
}
