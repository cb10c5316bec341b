//! The collection workbook: the form in which an org unit gives its evidence of a period, as it is drawn, and what tells it when
//! it comes back.

use std::sync::Arc;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::calendar::{Day, date_of};
use crate::dataset::{ColumnType, Dataset, content_version};
use crate::text::{Language, Text};

/// The source under whose name workbooks are journalled.
pub const COLLECTION_SOURCE: &str = "collection";

/// The newest form that this program writes and reads.
pub const FORM_VERSION: u32 = 1;

/// The sheets of a form that ask for nothing, by their names in Japanese and English: the cover, the list of what is to be mended,
/// and the records of the period before.
pub const COVER_SHEET: (&str, &str) = ("表紙", "Cover");
/// As `COVER_SHEET`.
pub const PROBLEMS_SHEET: (&str, &str) = ("確認のお願い", "To be mended");
/// As `COVER_SHEET`.
pub const REFERENCE_SHEET: (&str, &str) = ("前期の記録", "Period before");

/// The hidden sheet that holds the signature.
pub const SIGNATURE_SHEET: &str = "_keiki";

/// Stands before the signature on its sheet.
pub const SIGNATURE_MARK: &str = "keiki-form";

/// Stands, before dataset and version, in the hidden row that names a sheet's columns for the program.
pub const DATASET_MARK: &str = "keiki-dataset";

/// Stands in the hidden column of the row with the answer of a sheet.
pub const ANSWER_MARK: &str = "keiki-answer";

/// Stands in the hidden column of the row with a sheet's headings; records stand below it.
pub const HEADER_MARK: &str = "keiki-header";

/// What a sheet asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SheetKind {
    /// What happened in the period; the sheet is empty.
    Facts,
    /// The records in force; the sheet lists them, and has to be confirmed.
    Register,
    /// Totals in the place of rows.
    Totals,
}

/// One sheet as the signature has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedSheet {
    /// The dataset.
    pub dataset: String,
    /// The version of its definition.
    pub version: String,
    /// What it asks for.
    pub kind: SheetKind,
    /// The day of the records that it lists.
    pub as_of: Option<Day>,
}

/// What a workbook says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The version of the form.
    pub form: u32,
    /// The org unit that fills it in.
    pub org_unit: String,
    /// The period, as people write it.
    pub period: String,
    /// The language in which it is written.
    pub language: Language,
    /// When it was made, UTC microseconds.
    pub issued_at: i64,
    /// Its sheets.
    pub sheets: Vec<SignedSheet>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    id: String,
    #[serde(flatten)]
    signature: Signature,
}

/// Says why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// It is not what a form carries.
    #[error("the signature cannot be read")]
    Unreadable,
    /// What it says is not what was signed.
    #[error("the signature was changed")]
    Changed,
    /// A newer Keiki made it.
    #[error("the form is of a newer version: {0}")]
    Newer(u32),
}

impl Signature {
    /// The form's number: a hash of everything that the signature says.
    #[must_use]
    pub fn id(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        content_version(&text)[..12].to_owned()
    }

    /// The signature as the hidden sheet carries it.
    #[must_use]
    pub fn sealed(&self) -> String {
        let sealed = Sealed {
            id: self.id(),
            signature: self.clone(),
        };
        serde_json::to_string(&sealed).unwrap_or_default()
    }

    /// Reads what a hidden sheet carries.
    ///
    /// # Errors
    /// It is no signature, is not what was signed, or is of a newer form.
    pub fn open(text: &str) -> Result<Self, SignatureFault> {
        #[derive(Deserialize)]
        struct Version {
            form: u32,
        }
        let Version { form } =
            serde_json::from_str(text).map_err(|_| SignatureFault::Unreadable)?;
        if form > FORM_VERSION {
            return Err(SignatureFault::Newer(form));
        }
        let sealed: Sealed = serde_json::from_str(text).map_err(|_| SignatureFault::Unreadable)?;
        if sealed.signature.id() == sealed.id {
            Ok(sealed.signature)
        } else {
            Err(SignatureFault::Changed)
        }
    }
}

/// The value of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Empty,
    /// A text.
    Text(String),
    /// A number, as exact text with a point.
    Number(String),
    /// A date.
    Day(Day),
    /// A local date and time.
    Moment(DateTime),
    /// True or false.
    Boolean(bool),
    /// A person whom the books know and the form does not name.
    OnFile,
    /// An error of the spreadsheet program, such as `#N/A`.
    Fault(String),
}

impl Value {
    /// Tells whether nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }

    /// The value as text, as evidence writes it; empty where nothing is there or the books know it.
    #[must_use]
    pub fn evidence(&self) -> String {
        match self {
            Self::Empty | Self::OnFile => String::new(),
            Self::Text(text) | Self::Number(text) | Self::Fault(text) => text.clone(),
            Self::Day(day) => date_of(*day).to_string(),
            Self::Moment(moment) => moment.strftime("%Y-%m-%d %H:%M:%S%.f").to_string(),
            Self::Boolean(true) => "true".to_owned(),
            Self::Boolean(false) => "false".to_owned(),
        }
    }

    /// The value as people read it.
    #[must_use]
    pub fn shown(&self, language: Language) -> String {
        match self {
            Self::Boolean(true) => yes().get(language).to_owned(),
            Self::Boolean(false) => no().get(language).to_owned(),
            Self::OnFile => on_file().get(language).to_owned(),
            other => other.evidence(),
        }
    }
}

/// A column of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormColumn {
    /// The dataset's column; absent where it is there to be read only.
    pub name: Option<String>,
    /// Its type.
    pub kind: ColumnType,
    /// Heading.
    pub title: Text,
    /// What to enter.
    pub description: Text,
    /// The closed list of its values; empty where it is open.
    pub choices: Vec<String>,
    /// Whether a row without it is rejected.
    pub is_required: bool,
    /// Whether the user leaves it as it is.
    pub is_locked: bool,
}

/// What was reported for the period before, shown beside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reference {
    /// The period.
    pub period: String,
    /// Headings.
    pub titles: Vec<Text>,
    /// Rows; of totals they stand beside the form's own.
    pub rows: Vec<Vec<Value>>,
}

/// What an org unit answers for a sheet as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answer {
    /// Nothing.
    #[default]
    Open,
    /// The rows are all that there is.
    Complete,
    /// There is nothing to report: covered and zero.
    Nothing,
}

impl Answer {
    /// The answer in words; empty for none.
    #[must_use]
    pub fn words(self) -> Text {
        match self {
            Self::Open => Text::default(),
            Self::Complete => Text::new("記入済み", "complete"),
            Self::Nothing => Text::new("該当なし", "nothing to report"),
        }
    }

    /// Reads an answer in either language; `None` if it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Complete, Self::Nothing].into_iter().find(|answer| {
            let words = answer.words();
            text.trim() == words.ja || text.trim().eq_ignore_ascii_case(&words.en)
        })
    }
}

/// A sheet of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormSheet {
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// The version of its definition by which the sheet was made.
    pub version: String,
    /// What it asks for.
    pub kind: SheetKind,
    /// Columns.
    pub columns: Vec<FormColumn>,
    /// Rows, each with a value per column; empty rows are drawn empty.
    pub rows: Vec<Vec<Value>>,
    /// The answer for the sheet as a whole.
    pub answer: Answer,
    /// What was reported for the period before.
    pub reference: Option<Reference>,
}

/// A form for one org unit and period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What it says of itself.
    pub signature: Signature,
    /// The organisation.
    pub organisation: Text,
    /// The org unit's name.
    pub org_unit: Text,
    /// The zone of its times, by its name.
    pub zone: String,
    /// First and last day of the period.
    pub span: (Day, Day),
    /// When it is to be back.
    pub due: Option<Day>,
    /// When it was made, in the workspace's zone.
    pub issued_on: Day,
    /// Its sheets.
    pub sheets: Vec<FormSheet>,
    /// Sheets that people added; nothing is read of them.
    pub own: Vec<OwnSheet>,
}

/// A sheet that people added to a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSheet {
    /// What its tab says.
    pub name: String,
    /// What stands on it, by row and column from 0; of a formula its last result.
    pub cells: Vec<(u32, u32, Value)>,
}

/// Where something is said of a returned form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Position of the sheet.
    pub sheet: usize,
    /// Position of the row; absent = the answer of the sheet.
    pub row: Option<usize>,
    /// Position of the column; absent = the row as a whole.
    pub column: Option<usize>,
    /// How grave it is.
    pub weight: Weight,
    /// What is said.
    pub reason: Text,
}

/// How grave a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// What is marked is not accepted.
    Rejected,
    /// It is accepted; something is to be known about it.
    Noted,
}

/// A true value as the form writes it.
#[must_use]
pub fn yes() -> Text {
    Text::new("はい", "yes")
}

/// A false value as the form writes it.
#[must_use]
pub fn no() -> Text {
    Text::new("いいえ", "no")
}

/// What stands for a person whom the books know and the form does not name.
#[must_use]
pub fn on_file() -> Text {
    Text::new("(登録済み)", "(on file)")
}

/// The columns of a dataset that a form asks for: journalled, and not looked up elsewhere.
pub fn asked(dataset: &Dataset) -> impl Iterator<Item = &crate::dataset::Column> {
    dataset
        .columns
        .iter()
        .filter(|column| column.journalled && column.lookup.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature() -> Signature {
        Signature {
            form: FORM_VERSION,
            org_unit: "JP3".into(),
            period: "2026-10".into(),
            language: Language::Ja,
            issued_at: 1,
            sheets: vec![SignedSheet {
                dataset: "assets".into(),
                version: "0123456789abcdef".into(),
                kind: SheetKind::Register,
                as_of: Some(20_000),
            }],
        }
    }

    #[test]
    fn a_signature_comes_back_as_it_was_sealed() {
        assert_eq!(Signature::open(&signature().sealed()), Ok(signature()));
    }

    #[test]
    fn a_signature_that_was_changed_is_told_from_one_that_is_newer() {
        let changed = signature().sealed().replace("JP3", "JP4");
        assert_eq!(Signature::open(&changed), Err(SignatureFault::Changed));
        let newer = signature().sealed().replace("\"form\":1", "\"form\":9");
        assert_eq!(Signature::open(&newer), Err(SignatureFault::Newer(9)));
        assert_eq!(Signature::open("?"), Err(SignatureFault::Unreadable));
    }

    #[test]
    fn answers_are_read_in_both_languages_and_nothing_else_is_one() {
        assert_eq!(Answer::read("該当なし"), Some(Answer::Nothing));
        assert_eq!(Answer::read(" Complete "), Some(Answer::Complete));
        assert_eq!(Answer::read(""), None);
        assert_eq!(Answer::read("none"), None);
    }
}
