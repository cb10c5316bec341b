//! Reads the collection workbook that an org unit sends back: recognised by what it says of itself, not by the names and the
//! order of its sheets and columns.

mod cells;
mod fault;

use std::collections::{BTreeMap, HashMap};

use keiki_model::collection::{
    ANSWER_MARK, Answer, COVER_SHEET, DATASET_MARK, HEADER_MARK, OwnSheet, PROBLEMS_SHEET,
    REFERENCE_SHEET, SIGNATURE_MARK, Signature, Value, on_file,
};
use keiki_model::dataset::{Column, ColumnType, Dataset, ORG_UNIT, REPORTED_FIGURES};
use keiki_model::evidence::{Evidence, Reason, RejectedRow, join_key};
use keiki_model::problem::Place;
use keiki_model::text::Text;

use crate::chunk::Mapper;
use crate::error::IngestError;
use crate::extract::{AbsentColumn, Extract, ExtractBuilder};
use crate::mapping::wanted;
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;
use crate::whole::{joined, without_repeats};

use cells::Grid;
pub use fault::FormFault;

/// A workbook that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// What it says of itself.
    pub signature: Signature,
    /// The sheets with a dataset, in the order of the workbook.
    pub sheets: Vec<FilledSheet>,
    /// Sheets that are none of the form's: people's own, of which nothing is read.
    pub added: Vec<OwnSheet>,
}

/// A sheet that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilledSheet {
    /// The workbook, and what the sheet's tab says now.
    pub place: String,
    /// The dataset.
    pub dataset: String,
    /// The version of the definition by which it was made.
    pub version: String,
    /// The names of its columns; a column that the user added has none here.
    pub columns: Vec<String>,
    /// The answer for the sheet as a whole.
    pub answer: Answer,
    /// What stands in the place of an answer and is none.
    pub unknown_answer: Option<String>,
    /// The number of the row with the headings, from 1.
    pub header_row: u64,
    /// The rows in which something stands.
    pub rows: Vec<FilledRow>,
}

/// A row that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilledRow {
    /// Its number in the sheet, from 1.
    pub row: u64,
    /// A cell per column of the sheet.
    pub cells: Vec<FilledCell>,
}

/// A cell that came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilledCell {
    /// What stands in it; of a formula its last result.
    pub value: Value,
    /// Whether it is computed.
    pub is_formula: bool,
}

/// The tokens of people by record key and column, for cells that say that the books know them.
pub type OnFile = HashMap<(String, String), String>;

/// What a sheet came to.
#[derive(Debug)]
pub struct SheetEvidence {
    /// Accepted and rejected rows, in rows of the sheet.
    pub evidence: Evidence,
    /// Every fault that was found, several of one row among them.
    pub faults: Vec<RejectedRow>,
}

/// Reads a workbook and recognises its sheets.
///
/// # Errors
/// It is no form, or none that this program knows.
pub fn open(file: &InputFile) -> Result<Filled, FormFault> {
    let name = || file.name.clone();
    let grids = cells::read(file)?;
    let sealed = grids
        .iter()
        .find_map(|grid| grid.right_of(SIGNATURE_MARK))
        .ok_or_else(|| FormFault::NotAForm { file: name() })?;
    let signature = Signature::open(&sealed).map_err(|fault| FormFault::Signature {
        file: name(),
        fault,
    })?;
    let recognised = grids.iter().filter_map(|grid| recognise(&file.name, grid));
    let sheets = recognised.collect();
    let added = grids.iter().filter(|grid| is_added(grid));
    Ok(Filled {
        signature,
        sheets,
        added: added.map(Grid::as_own).collect(),
    })
}

/// Reads the rows of a source's dataset from workbooks, as any other file: whose they are and what is answered for them as a
/// whole is not asked.
///
/// # Errors
/// A file is no form.
pub(crate) fn read(
    input: &[InputFile],
    source: &Source,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    for file in input {
        rows.begin_file(&file.name);
        let filled = open(file).map_err(|fault| IngestError::Syntax {
            place: Place::file(&file.name),
            expected: Box::new(Text::new("収集票", "a collection workbook")),
            found: Box::new(fault.message()),
        })?;
        let of_dataset = filled
            .sheets
            .iter()
            .filter(|of| of.dataset == source.dataset);
        for sheet in of_dataset {
            sheet.push(&filled.signature.org_unit, rows)?;
        }
    }
    Ok(AbsentColumn::Null)
}

/// Tells whether something stands on a sheet, and it is none of the form's, by its marks or its name.
fn is_added(grid: &Grid) -> bool {
    let is_marked = |text: &str| text.starts_with(DATASET_MARK) || text == SIGNATURE_MARK;
    let own = [COVER_SHEET, PROBLEMS_SHEET, REFERENCE_SHEET];
    let has_own_name = own
        .iter()
        .any(|(ja, en)| [*ja, *en].contains(&grid.name.as_str()));
    !has_own_name && !grid.is_empty() && grid.find(is_marked).is_none()
}

/// Finds the hidden row and column of a sheet; `None` where it has none.
fn recognise(file: &str, grid: &Grid) -> Option<FilledSheet> {
    let (row, column, text) = grid.find(|text| text.starts_with(DATASET_MARK))?;
    let mut words = text.split_whitespace().skip(1);
    let (dataset, version) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (header, ..) = grid.find(|text| text == HEADER_MARK)?;
    let named: BTreeMap<u32, String> = grid
        .row(row)
        .filter(|(at, _)| **at != column)
        .filter_map(|(at, cell)| match &cell.value {
            Value::Text(text) if !text.trim().is_empty() => Some((*at, text.trim().to_owned())),
            _ => None,
        })
        .collect();
    let (answer, unknown_answer) = answer(grid);
    let mut rows = Vec::new();
    for (number, cells) in grid.below(header) {
        let of_columns: Vec<FilledCell> = named
            .keys()
            .map(|at| cells.get(at).cloned().unwrap_or_default())
            .collect();
        if of_columns.iter().any(|cell| !cell.value.is_empty()) {
            rows.push(FilledRow {
                row: u64::from(number) + 1,
                cells: of_columns,
            });
        }
    }
    Some(FilledSheet {
        place: format!("{file} {}", grid.name),
        dataset,
        version,
        columns: named.into_values().collect(),
        answer,
        unknown_answer,
        header_row: u64::from(header) + 1,
        rows,
    })
}

/// The answer in its row: what is an answer in either language. Texts of the form itself stand before it.
fn answer(grid: &Grid) -> (Answer, Option<String>) {
    let Some((row, mark, _)) = grid.find(|text| text == ANSWER_MARK) else {
        return (Answer::Open, None);
    };
    let texts: Vec<String> = grid
        .row(row)
        .filter(|(at, _)| **at != mark)
        .map(|(_, cell)| cell.value.evidence())
        .collect();
    match texts.iter().find_map(|text| Answer::read(text)) {
        Some(answer) => (answer, None),
        // The label, what is answered, and the explanation stand in this order.
        None if texts.len() > 2 => (Answer::Open, texts.get(1).cloned()),
        None => (Answer::Open, None),
    }
}

impl FilledSheet {
    /// Says why the sheet does not fit the definition as it is now; `None` where it does.
    #[must_use]
    pub fn misfit(&self, dataset: &Dataset) -> Option<Text> {
        let gone = self
            .columns
            .iter()
            .find(|name| dataset.column(name).is_none());
        let missing = dataset.columns.iter().find(|column| {
            let is_asked = column.journalled && column.lookup.is_none() && column.name != ORG_UNIT;
            column.required && is_asked && !self.columns.contains(&column.name)
        });
        match (gone, missing) {
            (Some(name), _) => Some(Text::new(
                format!("様式の列「{name}」が、現在のデータ種別の定義にありません"),
                format!("the form has a column that the dataset no longer has: {name}"),
            )),
            (None, Some(column)) => Some(Text::new(
                format!(
                    "現在の定義で必須の項目「{}」({})が様式にありません",
                    column.title.ja, column.name
                ),
                format!(
                    "the form lacks a column that is required now: {}",
                    column.name
                ),
            )),
            (None, None) => None,
        }
    }

    /// Tells whether a sheet of totals says anything.
    #[must_use]
    pub fn reports(&self) -> bool {
        self.rows.iter().any(|filled| self.is_reported(filled))
    }

    /// Turns the sheet into evidence. Where a row names no org unit, it is the form's.
    ///
    /// # Errors
    /// What makes the sheet as a whole unusable.
    pub fn evidence(
        &self,
        source: &Source,
        dataset: &Dataset,
        org_unit: &str,
        on_file: &OnFile,
        context: &Context<'_>,
    ) -> Result<SheetEvidence, IngestError> {
        let mapper = Mapper::new(source, dataset, context);
        let mut chunks = Vec::new();
        let mut faults = Vec::new();
        let mut take = |extract: Extract| {
            chunks.push(mapper.map_noting(extract, Some(&mut faults))?);
            Ok(())
        };
        let wanted = wanted(source, dataset);
        let nulls = &source.format.nulls;
        let mut rows = ExtractBuilder::new(nulls, &context.limits, &wanted, &mut take);
        self.extract(dataset, org_unit, on_file, &mut rows)?;
        rows.finish()?;
        let evidence = without_repeats(dataset, joined(dataset, chunks)?)?;
        for rejected in &evidence.rejected {
            if !faults.contains(rejected) {
                faults.push(rejected.clone());
            }
        }
        faults.sort_by_key(|fault| fault.row);
        Ok(SheetEvidence { evidence, faults })
    }

    /// Pushes the rows as text, whatever the dataset makes of them.
    fn push(&self, org_unit: &str, rows: &mut ExtractBuilder<'_>) -> Result<(), IngestError> {
        let of_unit = rows.column(ORG_UNIT)?;
        for filled in &self.rows {
            let mut has_unit = false;
            for (name, cell) in self.columns.iter().zip(&filled.cells) {
                let number = rows.column(name)?;
                let text = cell.value.evidence();
                has_unit |= number == of_unit && !text.trim().is_empty();
                if number != of_unit || has_unit {
                    let _is_first = rows.stage(number, &text);
                }
            }
            if !has_unit {
                let _is_first = rows.stage(of_unit, org_unit);
            }
            rows.accept(filled.row)?;
        }
        Ok(())
    }

    fn extract(
        &self,
        dataset: &Dataset,
        org_unit: &str,
        on_file: &OnFile,
        builder: &mut ExtractBuilder<'_>,
    ) -> Result<(), IngestError> {
        builder.begin_file(&self.place);
        let columns: Vec<Option<&Column>> = self
            .columns
            .iter()
            .map(|name| dataset.column(name))
            .collect();
        // Every column is there, also where no row has a value for it.
        let mut numbers = Vec::new();
        for name in &self.columns {
            numbers.push(builder.column(name)?);
        }
        let of_unit = builder.column(ORG_UNIT)?;
        builder.complete_columns();
        for filled in &self.rows {
            if dataset.name == REPORTED_FIGURES && !self.is_reported(filled) {
                continue;
            }
            let key = self.key(dataset, filled);
            let mut fault = None;
            let mut has_unit = false;
            for ((cell, column), number) in filled.cells.iter().zip(&columns).zip(&numbers) {
                let Some(column) = column else { continue };
                match text_of(cell, column, &key, on_file) {
                    Ok(text) => {
                        if *number == of_unit && text.trim().is_empty() {
                            continue;
                        }
                        has_unit |= *number == of_unit;
                        // A name stands once in the hidden row, or the first of several counts.
                        let _is_first = builder.stage(*number, &text);
                    }
                    Err(reason) => fault = fault.or(Some(reason)),
                }
            }
            if !has_unit && dataset.column(ORG_UNIT).is_some() {
                let _is_first = builder.stage(of_unit, org_unit);
            }
            match fault {
                Some(reason) => builder.reject(filled.row, reason)?,
                None => builder.accept(filled.row)?,
            }
        }
        Ok(())
    }

    /// Tells whether a row of totals says anything: its key is the form's own.
    fn is_reported(&self, filled: &FilledRow) -> bool {
        const GIVEN: [&str; 4] = ["kpi_no", "indicator", "period", ORG_UNIT];
        let mut cells = self.columns.iter().zip(&filled.cells);
        cells.any(|(name, cell)| !GIVEN.contains(&name.as_str()) && !cell.value.is_empty())
    }

    fn key(&self, dataset: &Dataset, filled: &FilledRow) -> String {
        let parts: Vec<String> = dataset
            .key
            .iter()
            .map(|name| {
                let at = self.columns.iter().position(|column| column == name);
                at.map(|at| filled.cells[at].value.evidence().trim().to_owned())
                    .unwrap_or_default()
            })
            .collect();
        join_key(parts.iter().map(String::as_str))
    }
}

/// A cell's text as evidence.
fn text_of(
    cell: &FilledCell,
    column: &Column,
    key: &str,
    known: &OnFile,
) -> Result<String, Reason> {
    let is_on_file = |text: &str| text.trim() == on_file().ja || text.trim() == on_file().en;
    match &cell.value {
        Value::Fault(found) => Err(Reason::WrongType {
            column: column.name.clone(),
            expected: column.kind.name(),
            found: found.clone(),
            why: Some(Box::new(Text::new(
                "表計算ソフトのエラー値です",
                "an error of the spreadsheet",
            ))),
        }),
        Value::Text(text) if column.personal && is_on_file(text) => known
            .get(&(key.to_owned(), column.name.clone()))
            .cloned()
            .ok_or_else(|| Reason::NotStated {
                column: column.name.clone(),
                ja: format!(
                    "「{}」が{}のままですが、このキーのレコードには登録がありません",
                    column.name,
                    on_file().ja
                ),
                en: format!(
                    "`{}` says {}, but the books know nobody for a record of this key",
                    column.name,
                    on_file().en
                ),
            }),
        // A spreadsheet has no instant without a time of day: midnight looks like a day.
        Value::Day(_) if column.kind == ColumnType::Instant => {
            Ok(format!("{} 00:00:00", cell.value.evidence()))
        }
        value => Ok(value.evidence()),
    }
}
