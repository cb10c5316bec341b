//! Draws the collection workbook: a cover, one sheet per dataset, what was reported for the period before, and what tells the
//! form when it comes back.

mod cell;
mod cover;
mod own;
mod problems;
mod reference;
mod sheet;
mod style;
mod validation;

use keiki_model::collection::{Form, Mark, SIGNATURE_MARK, SIGNATURE_SHEET, SheetKind};
use keiki_model::text::{Language, Text};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, Worksheet, XlsxError};

use style::Style;

/// The workbook could not be drawn, which is a fault of Keiki or a form beyond the limits of Excel.
#[derive(Debug, thiserror::Error)]
#[error("the workbook cannot be drawn: {0}")]
pub struct WorkbookError(#[from] XlsxError);

impl WorkbookError {
    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> Text {
        Text::new(
            format!("ブックを作成できません: {}", self.0),
            self.to_string(),
        )
    }
}

type Result<T> = std::result::Result<T, XlsxError>;

/// The row of the names that the program reads, hidden.
pub(crate) const NAMES_ROW: u32 = 0;
/// The row with the answer for a sheet as a whole.
pub(crate) const ANSWER_ROW: u32 = 4;
/// The column of that answer.
pub(crate) const ANSWER_COLUMN: u16 = 2;
/// The row of the headings.
pub(crate) const HEADER_ROW: u32 = 6;
/// The first row of records.
pub(crate) const FIRST_ROW: u32 = 7;
/// The first column of values; the one before it is hidden.
pub(crate) const FIRST_COLUMN: u16 = 1;
/// The number of a sheet's first row of records as a person counts, from 1.
pub const FIRST_RECORD_ROW: u64 = FIRST_ROW as u64 + 1;

/// Characters of a part of the signature; a cell takes no more than 32 767.
const SIGNATURE_PART: usize = 30_000;

/// A form and what everything in it needs to be drawn.
pub(crate) struct Drawing<'f> {
    pub(crate) form: &'f Form,
    pub(crate) marks: &'f [Mark],
    pub(crate) language: Language,
    pub(crate) style: Style,
    /// The names of the sheets, in their order.
    pub(crate) names: Vec<String>,
}

impl Drawing<'_> {
    /// A text in the form's language.
    pub(crate) fn say<'t>(&self, ja: &'t str, en: &'t str) -> &'t str {
        match self.language {
            Language::Ja => ja,
            Language::En => en,
        }
    }
}

/// Draws a form as the bytes of an `.xlsx`, with the marks of what is wrong with it, if any.
///
/// # Errors
/// The form is beyond the limits of Excel.
pub fn draw(form: &Form, marks: &[Mark]) -> std::result::Result<Vec<u8>, WorkbookError> {
    let language = form.signature.language;
    let drawing = Drawing {
        form,
        marks,
        language,
        style: Style::new(language),
        names: sheet_names(form),
    };
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties(&drawing)?);
    let mut lists = validation::Lists::default();
    workbook.push_worksheet(cover::draw(&drawing)?);
    if !marks.is_empty() {
        workbook.push_worksheet(problems::draw(&drawing)?);
    }
    for position in 0..form.sheets.len() {
        workbook.push_worksheet(sheet::draw(&drawing, position, &mut lists)?);
    }
    if let Some(sheet) = reference::draw(&drawing)? {
        workbook.push_worksheet(sheet);
    }
    for sheet in own::draw(&drawing)? {
        workbook.push_worksheet(sheet);
    }
    workbook.push_worksheet(signature(&drawing, &lists)?);
    Ok(workbook.save_to_buffer()?)
}

fn properties(drawing: &Drawing<'_>) -> Result<DocProperties> {
    let form = drawing.form;
    let title = format!(
        "{} {}",
        form.org_unit.get(drawing.language),
        form.signature.period
    );
    let issued = keiki_model::calendar::date_of(form.issued_on);
    let created = ExcelDateTime::from_ymd(
        u16::try_from(issued.year()).unwrap_or(1900),
        u8::try_from(issued.month()).unwrap_or(1),
        u8::try_from(issued.day()).unwrap_or(1),
    )?;
    Ok(DocProperties::new()
        .set_title(title)
        .set_author("Keiki")
        .set_company(form.organisation.get(drawing.language))
        .set_creation_datetime(&created))
}

/// The sheet by which the form is told, hidden from the user.
fn signature(drawing: &Drawing<'_>, lists: &validation::Lists) -> Result<Worksheet> {
    let mut sheet = Worksheet::new();
    sheet.set_name(SIGNATURE_SHEET)?;
    sheet.set_very_hidden(true);
    sheet.write_string(0, 0, SIGNATURE_MARK)?;
    let sealed: Vec<char> = drawing.form.signature.sealed().chars().collect();
    for (column, part) in (1..).zip(sealed.chunks(SIGNATURE_PART)) {
        sheet.write_string(0, column, part.iter().collect::<String>())?;
    }
    lists.write(&mut sheet)?;
    sheet.protect();
    Ok(sheet)
}

/// The names of the sheets: the datasets' titles, as Excel takes them, each once.
fn sheet_names(form: &Form) -> Vec<String> {
    const CHARACTERS_MAX: usize = 31;
    let mut names: Vec<String> = Vec::new();
    for sheet in &form.sheets {
        let title: String = sheet
            .dataset
            .title
            .get(form.signature.language)
            .chars()
            .map(|c| if "[]:*?/\\'".contains(c) { ' ' } else { c })
            .take(CHARACTERS_MAX)
            .collect();
        let title = title.trim().to_owned();
        let is_taken = |name: &String| names.iter().any(|taken| taken.eq_ignore_ascii_case(name));
        let numbered = (2..).map(|number| {
            let short: String = title.chars().take(CHARACTERS_MAX - 4).collect();
            format!("{short} {number}")
        });
        let name = std::iter::once(title.clone())
            .chain(numbered)
            .find(|name| !name.is_empty() && !is_taken(name));
        names.push(name.unwrap_or_default());
    }
    names
}

/// How many rows a sheet has room for.
pub(crate) fn room(kind: SheetKind, rows: usize) -> usize {
    match kind {
        SheetKind::Facts => rows + 200,
        SheetKind::Register => rows + 100,
        SheetKind::Totals => rows,
    }
}
