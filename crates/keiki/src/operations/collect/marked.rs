//! The copy of a returned workbook in which every problem is marked in its cell.
//!
//! The form is drawn again from what was read, so that the copy is a form as sound as the first: what the user entered stands
//! where it stood.

use std::sync::Arc;

use keiki_ingest::collection::FilledSheet;
use keiki_model::calendar::local_day;
use keiki_model::catalogue::full_schema;
use keiki_model::collection::{Form, FormColumn, FormSheet, Mark, SheetKind, Value, Weight};
use keiki_model::dataset::{ColumnType, Dataset};
use keiki_model::evidence::{Reason, RejectedRow};
use keiki_model::expression::Expressions as _;
use keiki_model::text::Text;
use keiki_store::Receipt;

use super::draft::{columns, totals_columns, totals_row};
use super::returned::{Book, Examined, State};
use super::span;
use crate::config::Workspace;
use crate::error::{Error, Result};

/// What the journal said of a sheet when it was taken in.
pub(super) struct Extra {
    sheet: usize,
    rejected: Vec<RejectedRow>,
    noted: Vec<RejectedRow>,
}

impl Extra {
    pub(super) fn of(sheet: usize, receipt: &Receipt) -> Self {
        Self {
            sheet,
            rejected: receipt.rejected.clone(),
            noted: receipt
                .left_unknown
                .iter()
                .chain(&receipt.kept)
                .cloned()
                .collect(),
        }
    }
}

/// A copy to be drawn.
pub(super) struct Copy {
    form: Form,
    marks: Vec<Mark>,
    /// Per sheet, what is needed to find the cell of a fault.
    places: Vec<Places>,
}

struct Places {
    first_row: u64,
    columns: Vec<FormColumn>,
    /// The columns that each rule reads, by the rule's message.
    rules: Vec<(String, Vec<String>)>,
    dataset: Arc<Dataset>,
}

impl Copy {
    /// Makes the copy of a workbook with what was found in it.
    pub(super) fn of(workspace: &Workspace, book: &Book) -> Self {
        let mut sheets = Vec::new();
        let mut places = Vec::new();
        for examined in &book.sheets {
            let sheet = form_sheet(workspace, book, examined);
            places.push(Places {
                first_row: examined.sheet.header_row + 1,
                columns: sheet.columns.clone(),
                rules: rules(workspace, &examined.dataset),
                dataset: Arc::clone(&examined.dataset),
            });
            sheets.push(sheet);
        }
        let tree = workspace.organisation.tree(book.as_of);
        let unit = tree.position_of_evidence(&book.signature.org_unit);
        let mut copy = Self {
            form: Form {
                own: book.added.clone(),
                signature: book.signature.clone(),
                organisation: workspace.settings.name.clone(),
                org_unit: tree.nodes()[unit].name.clone(),
                zone: super::zone_name(workspace),
                span: span(workspace, book.period).unwrap_or((book.as_of, book.as_of)),
                due: None,
                issued_on: local_day(book.signature.issued_at, &workspace.settings.zone),
                sheets,
            },
            marks: Vec::new(),
            places,
        };
        for (position, examined) in book.sheets.iter().enumerate() {
            copy.mark(position, examined);
        }
        copy
    }

    fn mark(&mut self, sheet: usize, examined: &Examined) {
        match &examined.state {
            State::Ready(found) => {
                self.add(sheet, &found.faults, Weight::Rejected);
                self.add(sheet, &found.evidence.left_unknown, Weight::Noted);
            }
            State::Open(why) | State::Refused(why) => self.marks.push(Mark {
                sheet,
                row: None,
                column: None,
                weight: Weight::Rejected,
                reason: why.clone(),
            }),
        }
        let places = &self.places[sheet];
        for row in &examined.sheet.rows {
            for (name, cell) in examined.sheet.columns.iter().zip(&row.cells) {
                if cell.is_formula {
                    self.marks.push(Mark {
                        sheet,
                        row: places.row(row.row),
                        column: places.column(name),
                        weight: Weight::Noted,
                        reason: Text::new(
                            "数式の計算結果を読みました。この控えでは値に置き換えてあります",
                            "a formula; its result was read and stands here as a value",
                        ),
                    });
                }
            }
        }
    }

    /// Marks the cells of faults, each reason once in a cell.
    fn add(&mut self, sheet: usize, faults: &[RejectedRow], weight: Weight) {
        for fault in faults {
            let places = &self.places[sheet];
            let row = places.row(fault.row);
            let reason = fault.reason.message_in(Some(&places.dataset));
            for column in places.columns_of(&fault.reason) {
                let mark = Mark {
                    sheet,
                    row: Some(row.unwrap_or(0)),
                    column,
                    weight,
                    reason: reason.clone(),
                };
                let is_known = self.marks.iter().any(|known| {
                    (known.sheet, known.row) == (mark.sheet, mark.row)
                        && known.reason == mark.reason
                        && known.column == mark.column
                });
                if !is_known {
                    self.marks.push(mark);
                }
            }
        }
    }

    /// Draws the copy. Returns its bytes, and how many cells are to be mended.
    pub(super) fn draw(mut self, extra: &[Extra]) -> Result<(Vec<u8>, usize)> {
        for more in extra {
            self.add(more.sheet, &more.rejected, Weight::Rejected);
            self.add(more.sheet, &more.noted, Weight::Noted);
        }
        let order = |mark: &Mark| (mark.sheet, mark.row, mark.column);
        self.marks.sort_by_key(order);
        let wrong = self
            .marks
            .iter()
            .filter(|mark| mark.weight == Weight::Rejected)
            .count();
        let bytes = keiki_report::collection::draw(&self.form, &self.marks)
            .map_err(|error| Error::stopped(error.message()))?;
        Ok((bytes, wrong))
    }
}

impl Places {
    /// The position of a row by its number in the workbook.
    fn row(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first_row)?).ok()
    }

    fn column(&self, name: &str) -> Option<usize> {
        let is_it = |column: &FormColumn| column.name.as_deref() == Some(name);
        self.columns.iter().position(is_it)
    }

    /// The columns at which a reason points; the row as a whole where it points at none.
    fn columns_of(&self, reason: &Reason) -> Vec<Option<usize>> {
        let named: Vec<Option<usize>> = match reason {
            Reason::RuleBroken { en, .. } => self
                .rules
                .iter()
                .filter(|(message, _)| message == en)
                .flat_map(|(_, columns)| columns)
                .filter_map(|name| self.column(name))
                .map(Some)
                .collect(),
            Reason::OutsideScope { .. } => {
                vec![self.column(keiki_model::dataset::ORG_UNIT)]
            }
            other => vec![other.column().and_then(|name| self.column(name))],
        };
        if named.is_empty() { vec![None] } else { named }
    }
}

/// The columns that the rules of a dataset read, by message.
fn rules(workspace: &Workspace, dataset: &Dataset) -> Vec<(String, Vec<String>)> {
    let schema = full_schema(dataset);
    let of_rule = |rule: &keiki_model::dataset::RowRule| {
        let compiled = workspace
            .expressions
            .compile(&rule.require.value, &schema)
            .ok()?;
        Some((rule.message.en.clone(), compiled.columns().to_vec()))
    };
    dataset.rules.iter().filter_map(of_rule).collect()
}

/// The sheet of the form with what the user entered.
fn form_sheet(workspace: &Workspace, book: &Book, examined: &Examined) -> FormSheet {
    let (sheet, dataset) = (&examined.sheet, &examined.dataset);
    let mut drawn = match examined.signed.kind {
        SheetKind::Totals => totals_columns(dataset),
        SheetKind::Facts | SheetKind::Register => {
            columns(dataset, &book.own, &book.signature.org_unit)
        }
    };
    for name in &sheet.columns {
        if !drawn.iter().any(|of| of.name.as_ref() == Some(name)) {
            drawn.push(unknown_column(name));
        }
    }
    let last = sheet.rows.last().map_or(0, |row| row.row);
    let count = usize::try_from(last.saturating_sub(sheet.header_row)).unwrap_or(0);
    let mut rows = vec![vec![Value::Empty; drawn.len()]; count];
    for filled in &sheet.rows {
        let at = usize::try_from(filled.row - sheet.header_row - 1).unwrap_or(0);
        let Some(row) = rows.get_mut(at) else {
            continue;
        };
        if examined.signed.kind == SheetKind::Totals {
            row.splice(.., totals_of(workspace, book, sheet, filled, drawn.len()));
        }
        for (name, cell) in sheet.columns.iter().zip(&filled.cells) {
            let position = drawn.iter().position(|of| of.name.as_ref() == Some(name));
            if let Some(position) = position {
                row[position] = cell.value.clone();
            }
        }
    }
    FormSheet {
        version: sheet.version.clone(),
        kind: examined.signed.kind,
        columns: drawn,
        rows,
        answer: sheet.answer,
        reference: None,
        dataset: std::sync::Arc::clone(dataset),
    }
}

/// A column of the form that the dataset no longer has.
fn unknown_column(name: &str) -> FormColumn {
    FormColumn {
        name: Some(name.to_owned()),
        kind: ColumnType::Text,
        title: Text::new(name, name),
        description: Text::default(),
        choices: Vec::new(),
        is_required: false,
        is_locked: false,
    }
}

/// What the form itself says in a row of totals.
fn totals_of(
    workspace: &Workspace,
    book: &Book,
    sheet: &FilledSheet,
    filled: &keiki_ingest::collection::FilledRow,
    width: usize,
) -> Vec<Value> {
    let value = |name: &str| {
        let at = sheet.columns.iter().position(|column| column == name);
        at.map(|at| filled.cells[at].value.evidence())
            .unwrap_or_default()
    };
    let kpi = workspace.catalogue.kpi(&value("kpi_no"));
    let code = value("indicator");
    let row = kpi.and_then(|kpi| {
        let indicator = kpi.indicators.iter().find(|of| of.code == code)?;
        Some(totals_row(
            kpi,
            indicator,
            &book.signature.period,
            book.signature.language,
        ))
    });
    let mut row = row.unwrap_or_default();
    row.resize(width, Value::Empty);
    row
}
