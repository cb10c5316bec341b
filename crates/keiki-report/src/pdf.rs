//! The PDF edition of a statement, set with Typst: A4, PDF/A-2b and PDF/UA-1, bookmarks, tags, fonts embedded; the same report gives the same
//! bytes.
//!
//! The template is code of Typst in files of its own and gets the report as data; no text of the report is ever read as code.
//! *Source*: ISO 19005-2 (PDF/A-2), ISO 14289-1 (PDF/UA-1), decision 0042.

mod world;

use keiki_model::text::Text;
use serde_json::{Value, json};
use typst::foundations::{Datetime, Smart};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::report::Report;
use world::Desk;

/// What stands for a character that no font has, as printers in Japan set it. *Source*: JIS X 0208, geta mark.
const MISSING: char = '〓';

/// What an edition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// For the board: the first page, each group's KPIs with chart, target, trend, comparison and actions, the words.
    Board,
    /// Every KPI with its definition, its formula filled in, the reading note and each company's figure.
    Full,
}

impl Edition {
    fn name(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Full => "full",
        }
    }
}

/// The report could not be set.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The template and the report do not fit each other.
    #[error("the document cannot be set: {message}")]
    Setting {
        /// What Typst said.
        message: String,
    },
    /// The document does not conform to PDF/A or PDF/UA.
    #[error("the document cannot be written as PDF/A-2b and PDF/UA-1: {message}")]
    Conformance {
        /// What Typst said.
        message: String,
    },
    /// The report cannot be handed to the template.
    #[error("the report is not data: {0}")]
    Data(#[from] serde_json::Error),
}

impl PdfError {
    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> Text {
        let ja = match self {
            Self::Setting { message } => format!("文書を組版できません: {message}"),
            Self::Conformance { message } => {
                format!("PDF/A-2b・PDF/UA-1として書き出せません: {message}")
            }
            Self::Data(error) => format!("報告書をデータにできません: {error}"),
        };
        Text::new(ja, self.to_string())
    }
}

/// Draws the edition as the bytes of a PDF.
///
/// # Errors
/// The template and the report do not fit each other, which the tests of every edition and language rule out.
pub fn draw(report: &Report<'_>, edition: Edition) -> Result<Vec<u8>, PdfError> {
    let mut data = json!({ "edition": edition.name(), "report": report });
    printable(&mut data);
    let desk = Desk::new(&serde_json::to_vec(&data)?);
    let set = typst::compile(&desk).output;
    let document = set.map_err(|problems| PdfError::Setting {
        message: said(problems.iter().map(|problem| problem.message.as_str())),
    })?;
    // To be kept for years, and to be read aloud.
    let standards = PdfStandards::new(&[PdfStandard::A_2b, PdfStandard::Ua_1]);
    let standards = standards.map_err(|problem| PdfError::Conformance {
        message: problem.message().to_string(),
    })?;
    let statement = report.source.statement;
    let options = PdfOptions {
        // The statement itself, whoever prints it and whenever.
        ident: Smart::Custom(format!(
            "keiki/{}/{}/{}/{}/{}",
            report.source.organisation,
            statement.period,
            statement.revision,
            statement.journal_version,
            edition.name()
        )),
        creator: Smart::Custom(Some("Keiki".to_owned())),
        timestamp: timestamp(statement.closed_at),
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&document, &options).map_err(|problems| PdfError::Conformance {
        message: said(problems.iter().map(|problem| problem.message.as_str())),
    })
}

/// Puts what the fonts have into the place of what they have not: people write what they like, and a document that is to be kept
/// shows every character that is in it.
fn printable(part: &mut Value) {
    match part {
        Value::String(text) if !text.chars().all(world::has) => {
            let shown = text.chars().filter(|c| !is_unseen(*c) || world::has(*c));
            *text = shown
                .map(|c| if world::has(c) { c } else { MISSING })
                .collect();
        }
        Value::Array(parts) => parts.iter_mut().for_each(printable),
        Value::Object(fields) => fields.values_mut().for_each(printable),
        _ => {}
    }
}

/// Whether a character is never drawn: controls, joiners, marks of direction, selectors of variants, tags. *Source*: Unicode,
/// `Default_Ignorable_Code_Point`, as far as people type them.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            u32::from(c),
            0xad | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff | 0xe_0000..=0xe_0fff
        )
}

fn said<'p>(messages: impl Iterator<Item = &'p str>) -> String {
    messages.collect::<Vec<_>>().join("; ")
}

/// The time of the close stands for that of the file.
fn timestamp(closed_at: i64) -> Option<Timestamp> {
    let at = jiff::Timestamp::from_microsecond(closed_at).ok()?;
    let at = at.to_zoned(jiff::tz::TimeZone::UTC);
    let part = |part: i8| u8::try_from(part).ok();
    let at = Datetime::from_ymd_hms(
        i32::from(at.year()),
        part(at.month())?,
        part(at.day())?,
        part(at.hour())?,
        part(at.minute())?,
        part(at.second())?,
    )?;
    Some(Timestamp::new_utc(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_font_has_is_shown_as_missing_and_what_cannot_be_seen_is_left_out() {
        let mut data = json!({ "said": ["plain 表\n", "a\u{4}b\u{d52e6}c\u{fe0f}"], "count": 2 });
        printable(&mut data);
        assert_eq!(data, json!({ "said": ["plain 表\n", "ab〓c"], "count": 2 }));
        assert!(world::has(MISSING));
    }
}
