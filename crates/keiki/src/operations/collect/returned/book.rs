//! Looks into a returned workbook: what it says of itself, and what each of its sheets holds or why it cannot be used.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use keiki_ingest::collection::{Filled, FilledSheet, OnFile, SheetEvidence, open};
use keiki_ingest::{Context, InputFile, Kinds, Limits, Source};
use keiki_model::calendar::{Day, Period};
use keiki_model::collection::{
    Answer, COLLECTION_SOURCE, OwnSheet, SheetKind, Signature, SignedSheet, Value, on_file,
};
use keiki_model::dataset::{Dataset, ORG_UNIT, ORG_UNIT_SEPARATOR};
use keiki_model::evidence::{Reason, RejectedRow};
use keiki_model::org::UNASSIGNED;
use keiki_model::text::Text;
use keiki_store::Journal;

use super::super::records::{self, Wanted};
use super::super::{as_of, owed};
use super::{Outcome, shown};
use crate::config::Workspace;
use crate::error::{Error, Result};

/// A sheet that was looked into.
pub(in crate::operations::collect) struct Examined {
    pub(in crate::operations::collect) sheet: FilledSheet,
    pub(in crate::operations::collect) dataset: Arc<Dataset>,
    pub(in crate::operations::collect) signed: SignedSheet,
    pub(in crate::operations::collect) state: State,
    pub(in crate::operations::collect) notes: Vec<Text>,
}

/// What a sheet holds.
pub(in crate::operations::collect) enum State {
    Ready(Box<SheetEvidence>),
    Open(Text),
    Refused(Text),
}

/// A workbook that was looked into.
pub(in crate::operations::collect) struct Book {
    pub(in crate::operations::collect) signature: Signature,
    pub(in crate::operations::collect) period: Period,
    pub(in crate::operations::collect) as_of: Day,
    pub(in crate::operations::collect) own: Vec<String>,
    pub(super) claimed: Vec<String>,
    pub(in crate::operations::collect) sheets: Vec<Examined>,
    /// Datasets of which the workbook has no sheet that can be used, and why.
    pub(super) others: Vec<(String, Outcome)>,
    /// Sheets that people added.
    pub(in crate::operations::collect) added: Vec<OwnSheet>,
}

/// Reads a workbook.
pub(super) async fn filled(workspace: &Workspace, path: &Path) -> Result<Filled> {
    let file = InputFile::new(shown(workspace, path), path);
    tokio::task::spawn_blocking(move || open(&file))
        .await
        .map_err(Error::stopped)?
        .map_err(|fault| Error::user(fault.message(), fault.hint()))
}

/// Reads a workbook and looks into its sheets.
pub(super) async fn book(
    workspace: &Workspace,
    journal: Option<&Journal>,
    path: &Path,
    now: i64,
) -> Result<Book> {
    let Filled {
        signature,
        sheets,
        added,
    } = filled(workspace, path).await?;
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
pub(super) fn source(book: &Book, dataset: &Dataset) -> Source {
    let kind = Kinds::shipped()
        .get(COLLECTION_SOURCE)
        .expect("the kind is shipped, and has the source's name");
    let mut source = Source::by_name(COLLECTION_SOURCE, kind, &dataset.name);
    source.version = book.signature.id();
    source.covers.clone_from(&book.claimed);
    source.scope.org_units = vec![book.signature.org_unit.clone()];
    source
}
