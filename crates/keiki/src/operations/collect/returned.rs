//! Takes back workbooks: each sheet is a reading of its own, by the org unit that filled it in, for the period that it was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray;
use keiki_ingest::collection::{Filled, FilledSheet, OnFile, SheetEvidence, open};
use keiki_ingest::{Context, InputFile, Kinds, Limits, Source};
use keiki_model::calendar::{Day, Period};
use keiki_model::collection::{
    Answer, COLLECTION_SOURCE, SheetKind, Signature, SignedSheet, Value, on_file,
};
use keiki_model::dataset::{Dataset, ORG_UNIT, ORG_UNIT_SEPARATOR};
use keiki_model::evidence::{Extent, Missing, Reason, RejectedRow};
use keiki_model::org::UNASSIGNED;
use keiki_model::text::Text;
use keiki_store::{Journal, MEMORY_BYTES, RawFile, RawWriter, Repeats, StoreError};

use super::records::{self, Wanted};
use super::{as_of, dropped, marked, owed, span};
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};
use crate::operations::ingest::reading::Reading;
use crate::operations::ingest::{self, Confirmation, Ingest, Report, What};
use crate::progress::{Progress, Step};

/// Workbooks to be taken in, or checked.
#[derive(Debug, Clone)]
pub struct Import {
    /// The files; empty = those in the drop folder that were not taken in yet.
    pub files: Vec<PathBuf>,
    /// Where to write copies with every problem marked: a file for one workbook, a folder for several.
    pub marked: Option<PathBuf>,
    /// Whether retirements that were held back are confirmed.
    pub confirmation: Confirmation,
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
    /// Sheets that people added to the workbook: they are not read, and not in the copy.
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

/// A sheet that was looked into.
pub(super) struct Examined {
    pub(super) sheet: FilledSheet,
    pub(super) dataset: Arc<Dataset>,
    pub(super) signed: SignedSheet,
    pub(super) state: State,
    pub(super) notes: Vec<Text>,
}

/// What a sheet holds.
pub(super) enum State {
    Ready(Box<SheetEvidence>),
    Open(Text),
    Refused(Text),
}

/// A workbook that was looked into.
pub(super) struct Book {
    pub(super) signature: Signature,
    pub(super) period: Period,
    pub(super) as_of: Day,
    pub(super) own: Vec<String>,
    claimed: Vec<String>,
    pub(super) sheets: Vec<Examined>,
    /// Datasets of which the workbook has no sheet that can be used, and why.
    others: Vec<(String, Outcome)>,
    /// Sheets that people added.
    added: Vec<String>,
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
                returned.added.clone_from(&book.added);
                let to = Taking {
                    workspace,
                    journal: &journal,
                    reading: &reading,
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
                returned.added.clone_from(&book.added);
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

/// A file as the user knows it: relative to the workspace where it lies in it.
fn shown(workspace: &Workspace, file: &Path) -> String {
    let inside = file.strip_prefix(&workspace.root);
    inside.unwrap_or(file).to_string_lossy().into_owned()
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

/// Reads a workbook and looks into its sheets.
async fn book(
    workspace: &Workspace,
    journal: Option<&Journal>,
    path: &Path,
    now: i64,
) -> Result<Book> {
    let file = InputFile::new(shown(workspace, path), path);
    let filled = tokio::task::spawn_blocking(move || open(&file))
        .await
        .map_err(Error::stopped)?
        .map_err(|fault| Error::user(fault.message(), fault.hint()))?;
    let Filled {
        signature,
        sheets,
        added,
    } = filled;
    let period = crate::operations::period::period(&signature.period)?;
    let as_of = as_of(workspace, period, now)?;
    let tree = workspace.organisation.tree(as_of);
    let unit = tree.position_of_evidence(&signature.org_unit);
    if tree.nodes()[unit].id == UNASSIGNED {
        return Err(Error::user(
            Text::new(
                format!("様式の組織が組織図にありません: {}", signature.org_unit),
                format!(
                    "the org unit of the form is unknown: {}",
                    signature.org_unit
                ),
            ),
            Text::new(
                "このワークスペースで作成した様式か確かめてください",
                "see whether the form was made by this workspace",
            ),
        ));
    }
    let mut book = Book {
        added,
        own: owed::own_units(workspace, &tree, unit),
        claimed: owed::claimed(&tree, unit),
        signature,
        period,
        as_of,
        sheets: Vec::new(),
        others: Vec::new(),
    };
    fill(workspace, journal, &mut book, sheets).await?;
    Ok(book)
}

/// Looks into the sheets of a workbook, and says which are not there.
async fn fill(
    workspace: &Workspace,
    journal: Option<&Journal>,
    book: &mut Book,
    sheets: Vec<FilledSheet>,
) -> Result<()> {
    let mut by_dataset: BTreeMap<String, Vec<FilledSheet>> = BTreeMap::new();
    for sheet in sheets {
        by_dataset
            .entry(sheet.dataset.clone())
            .or_default()
            .push(sheet);
    }
    for signed in book.signature.sheets.clone() {
        let mut found = by_dataset.remove(&signed.dataset).unwrap_or_default();
        let dataset = workspace.catalogue.datasets.get(&signed.dataset);
        let outcome = match (found.len(), dataset) {
            (0, _) => Outcome::Open(Text::new(
                "シートがありません",
                "the workbook no longer has the sheet",
            )),
            (1, Some(dataset)) => {
                let sheet = found.remove(0);
                let dataset = Arc::clone(dataset);
                let examined = examine(workspace, journal, book, sheet, dataset, signed);
                let examined = examined.await?;
                book.sheets.push(examined);
                continue;
            }
            (1, None) => Outcome::Refused(Text::new(
                "データ種別が現在の定義にありません",
                "the dataset is no longer defined",
            )),
            (count, _) => Outcome::Refused(Text::new(
                format!("同じデータ種別のシートが{count}枚あります。1枚にまとめてください"),
                format!("there are {count} sheets of this dataset; put them into one"),
            )),
        };
        book.others.push((signed.dataset.clone(), outcome));
    }
    for dataset in by_dataset.into_keys() {
        let why = Text::new(
            "この様式にはないシートです",
            "the form was not made with this sheet",
        );
        book.others.push((dataset, Outcome::Refused(why)));
    }
    Ok(())
}

async fn examine(
    workspace: &Workspace,
    journal: Option<&Journal>,
    book: &Book,
    sheet: FilledSheet,
    dataset: Arc<Dataset>,
    signed: SignedSheet,
) -> Result<Examined> {
    let mut notes = Vec::new();
    let mut state = None;
    if sheet.version != dataset.version {
        match sheet.misfit(&dataset) {
            Some(why) => state = Some(State::Refused(why)),
            None => notes.push(Text::new(
                "様式を作成した後にデータ種別の定義が変わりましたが、列は対応しています",
                "the definition has changed since the form was made; its columns still fit",
            )),
        }
    }
    let formulas = sheet
        .rows
        .iter()
        .flat_map(|row| &row.cells)
        .filter(|cell| cell.is_formula)
        .count();
    if formulas > 0 {
        notes.push(Text::new(
            format!("数式の入ったセルが{formulas}個あり、保存時の計算結果を読みました"),
            format!("cells with formulas: {formulas}; their results as saved were read"),
        ));
    }
    if state.is_none() {
        state = unready(&sheet, signed.kind);
    }
    let state = if let Some(state) = state {
        state
    } else {
        let known = on_file_of(workspace, journal, book, &sheet, &dataset).await?;
        match evidence(workspace, book, &sheet, &dataset, &known).await {
            Ok(found) => State::Ready(Box::new(found)),
            Err(Error::Ingest(error)) => {
                let text = error.to_string();
                State::Refused(Text::new(text.clone(), text))
            }
            Err(error) => return Err(error),
        }
    };
    Ok(Examined {
        sheet,
        dataset,
        signed,
        state,
        notes,
    })
}

/// Why a sheet reports nothing, or contradicts itself; `None` where it is to be read.
fn unready(sheet: &FilledSheet, kind: SheetKind) -> Option<State> {
    let has_rows = !sheet.rows.is_empty();
    if let Some(found) = &sheet.unknown_answer {
        return Some(State::Refused(Text::new(
            format!("回答を読み取れません: 「{found}」"),
            format!("not an answer: {found}"),
        )));
    }
    match (kind, sheet.answer, has_rows) {
        (SheetKind::Totals, ..) if sheet.reports() => None,
        (SheetKind::Totals, ..) => Some(State::Open(Text::new(
            "合計値の記入がないため、未報告として扱います",
            "no total was entered: not reported",
        ))),
        (_, Answer::Nothing, true) => Some(State::Refused(Text::new(
            "「該当なし」と回答していますが、行が残っています",
            "the answer is “nothing to report”, but there are rows",
        ))),
        (_, Answer::Open, false) => Some(State::Open(Text::new(
            "行も回答もないため、未報告として扱います",
            "neither rows nor an answer: not reported",
        ))),
        (SheetKind::Register, Answer::Open, true) => Some(State::Open(Text::new(
            "現況の確認(回答「記入済み」)がないため、未報告として扱います",
            "the list is not confirmed (answer “complete”): not reported",
        ))),
        (_, Answer::Complete, false) => Some(State::Refused(Text::new(
            "「記入済み」と回答していますが、行がありません。1件もなければ「該当なし」とします",
            "the answer is “complete”, but there are no rows; where there are none, answer “nothing to report”",
        ))),
        _ => None,
    }
}

/// Whom the books know of the records of a sheet that says so.
async fn on_file_of(
    workspace: &Workspace,
    journal: Option<&Journal>,
    book: &Book,
    sheet: &FilledSheet,
    dataset: &Dataset,
) -> Result<OnFile> {
    let words = on_file();
    let is_said = sheet.rows.iter().flat_map(|row| &row.cells).any(
        |cell| matches!(&cell.value, Value::Text(text) if [&words.ja, &words.en].contains(&text)),
    );
    let Some(journal) = journal.filter(|_| is_said && dataset.is_personal()) else {
        return Ok(OnFile::new());
    };
    let wanted = Wanted {
        units: &book.own,
        day: book.as_of,
        between: None,
        filter: None,
    };
    let found = records::read(workspace, journal, dataset, &wanted).await?;
    Ok(records::on_file(&found))
}

async fn evidence(
    workspace: &Workspace,
    book: &Book,
    sheet: &FilledSheet,
    dataset: &Arc<Dataset>,
    known: &OnFile,
) -> Result<SheetEvidence> {
    let (sheet, dataset, known) = (sheet.clone(), Arc::clone(dataset), known.clone());
    let source = source(book, &dataset);
    let (expressions, zone) = (
        Arc::clone(&workspace.expressions),
        workspace.settings.zone.clone(),
    );
    let unit = book.signature.org_unit.clone();
    let as_of = book.as_of;
    let name = sheet.place.clone();
    let task = tokio::task::spawn_blocking(move || {
        let context = Context {
            expressions: expressions.as_ref(),
            as_of,
            zone,
            limits: Limits::default(),
        };
        sheet.evidence(&source, &dataset, &unit, &known, &context)
    });
    let mut found = task.await.map_err(Error::stopped)??;
    let outside = outside(&found, book);
    found
        .faults
        .extend(outside.into_iter().map(|(row, unit)| RejectedRow {
            file: name.clone(),
            row,
            record_key: None,
            reason: Reason::OutsideScope {
                found: format!("{ORG_UNIT} {unit}"),
            },
        }));
    found.faults.sort_by_key(|fault| fault.row);
    Ok(found)
}

/// The rows of other org units, which the journal will reject.
fn outside(found: &SheetEvidence, book: &Book) -> Vec<(u64, String)> {
    let rows = &found.evidence.rows;
    let Some(units) = rows.column_by_name(ORG_UNIT) else {
        return Vec::new();
    };
    let is_own = |id: &str| book.own.iter().any(|own| own == id);
    units
        .as_string::<i32>()
        .iter()
        .zip(&found.evidence.places)
        .filter_map(|(unit, place)| Some((*place, unit?)))
        .filter(|(_, unit)| !unit.split(ORG_UNIT_SEPARATOR).any(is_own))
        .map(|(place, unit)| (place, unit.to_owned()))
        .collect()
}

/// The reading of a sheet as a source.
fn source(book: &Book, dataset: &Dataset) -> Source {
    let kind = Kinds::shipped()
        .get(COLLECTION_SOURCE)
        .expect("the kind is shipped, and has the source's name");
    let mut source = Source::by_name(COLLECTION_SOURCE, kind, &dataset.name);
    source.version = book.signature.id();
    source.covers.clone_from(&book.claimed);
    source.scope.org_units = vec![book.signature.org_unit.clone()];
    source
}

/// What sheets are taken into.
struct Taking<'t> {
    workspace: &'t Workspace,
    journal: &'t Journal,
    reading: &'t Ingest,
}

impl Taking<'_> {
    /// Takes each sheet in, all of it or nothing.
    async fn take(
        &self,
        book: Book,
        path: &Path,
        extra: &mut Vec<marked::Extra>,
        progress: &dyn Progress,
    ) -> Result<Vec<Taken>> {
        let is_personal = book.sheets.iter().any(|sheet| sheet.dataset.is_personal());
        let writer = if is_personal {
            RawWriter::Encrypted
        } else {
            RawWriter::Plain
        };
        let name = shown(self.workspace, path);
        progress.begin(&Step::Reading {
            source: COLLECTION_SOURCE.to_owned(),
            files: 1,
        });
        let stored = vec![self.journal.store_raw(path, &name, writer).await?];
        let mut taken = Vec::new();
        let mut is_kept = false;
        let Book {
            signature,
            period,
            as_of,
            own,
            claimed,
            sheets,
            others,
            added,
        } = book;
        let whose = Book {
            added,
            signature,
            period,
            as_of,
            own,
            claimed,
            sheets: Vec::new(),
            others: Vec::new(),
        };
        for (position, examined) in sheets.into_iter().enumerate() {
            let dataset = examined.dataset.name.clone();
            let outcome = match examined.state {
                State::Open(why) => Outcome::Open(why),
                State::Refused(why) => Outcome::Refused(why),
                State::Ready(found) => {
                    let of = (Arc::clone(&examined.dataset), &examined.signed);
                    let done = self
                        .commit(&whose, of, *found, &stored, &name, progress)
                        .await;
                    match done {
                        Ok(report) => {
                            is_kept |= report.receipt.seq.is_some();
                            extra.push(marked::Extra::of(position, &report.receipt));
                            Outcome::Read(Box::new(report))
                        }
                        Err(error) => Outcome::Failed(error),
                    }
                }
            };
            taken.push(Taken {
                dataset,
                outcome,
                notes: examined.notes,
            });
        }
        if !is_kept {
            self.journal.discard_raw(&stored).await?;
        }
        taken.extend(others.into_iter().map(without_notes));
        Ok(taken)
    }

    async fn commit(
        &self,
        book: &Book,
        (dataset, signed): (Arc<Dataset>, &SignedSheet),
        found: SheetEvidence,
        stored: &[RawFile],
        name: &str,
        progress: &dyn Progress,
    ) -> Result<Report> {
        let mut source = source(book, &dataset);
        source.window_from = span(self.workspace, book.period)?.0;
        // A register that was listed comes back whole: what is no longer in it is no more.
        if signed.as_of.is_some() {
            source.extent = Extent::Full;
            source.missing = Missing::Retire;
        }
        let asked = Ingest {
            as_of: Some(book.as_of),
            ..self.reading.clone()
        };
        let reading = Reading {
            workspace: self.workspace,
            journal: self.journal,
            source,
            dataset,
            asked: &asked,
            stored,
            scope_units: Some(book.own.clone()),
            inputs: None,
        };
        let mut gathering =
            self.journal
                .gather(&reading.dataset, book.as_of, Repeats::Allowed, MEMORY_BYTES);
        gathering.add(found.evidence).await?;
        let gathered = gathering.finish().await?;
        reading
            .commit(gathered, vec![name.to_owned()], progress)
            .await
    }
}
