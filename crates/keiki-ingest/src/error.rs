//! What makes a whole reading unusable; everything less is a rejected row.

mod wording;

use std::io;

use keiki_model::problem::{Place, Problem};
use keiki_model::text::Text;

use crate::limits::Quantity;
use crate::unpack::{Altered, Damaged, Overflow};

/// Says why a reading cannot be used at all. Nothing of it is accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The definition of the source or dataset is wrong, or does not fit the file.
    #[error("{}", summary(problems))]
    Definition {
        /// Everything that is wrong.
        problems: Vec<Problem>,
    },
    /// The file cannot be opened or read.
    #[error("{file}: cannot be read: {source}")]
    Io {
        /// The file as the user knows it.
        file: String,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The file holds nothing, not even a header.
    #[error("{file}: the file is empty")]
    EmptyFile {
        /// The file as the user knows it.
        file: String,
    },
    /// The file is not of its encoding.
    #[error("{place}: the file is of another encoding: {}", found.en)]
    Encoding {
        /// Where it shows.
        place: Place,
        /// What was found.
        found: Box<Text>,
    },
    /// The header cannot serve as one.
    #[error("{place}: the header cannot be used: {}", detail.en)]
    Header {
        /// Where the header stands.
        place: Place,
        /// Why.
        detail: Box<Text>,
    },
    /// Two columns of the header have the same name.
    #[error("{place}: columns {first} and {second} have the same name: {name}")]
    DuplicateHeader {
        /// Where the header stands.
        place: Place,
        /// The name.
        name: String,
        /// Number of the first of the two, from 1.
        first: usize,
        /// Number of the second, from 1.
        second: usize,
    },
    /// The file ends in the middle of what it holds.
    #[error("{place}: the file ends too early, in {}", within.en)]
    Truncated {
        /// Where it ends.
        place: Place,
        /// What it ends in.
        within: Box<Text>,
    },
    /// The file is not of its format.
    #[error("{place}: expected {}, found {}", expected.en, found.en)]
    Syntax {
        /// Where.
        place: Place,
        /// What should stand there.
        expected: Box<Text>,
        /// What stands there.
        found: Box<Text>,
    },
    /// The file declares entities of its own.
    #[error("{place}: the document type declares entities")]
    Entities {
        /// Where.
        place: Place,
    },
    /// The path of the records leads nowhere.
    #[error("{file}: there are no records at: {path}")]
    NoRecords {
        /// The file as the user knows it.
        file: String,
        /// The path that was looked for.
        path: String,
        /// The keys that exist where the path breaks off.
        keys: Vec<String>,
    },
    /// The reading is larger than a limit.
    #[error("{file}: more than the limit of {}", what.amount(*limit as u64).en)]
    TooLarge {
        /// The file in which it was exceeded.
        file: String,
        /// What is limited.
        what: Quantity,
        /// The limit.
        limit: usize,
    },
    /// What is packed is cut off or damaged.
    #[error("{file}: what is packed cannot be read: {}", detail.en)]
    Broken {
        /// The file as the user knows it.
        file: String,
        /// Why.
        detail: Box<Text>,
    },
    /// The archive holds what may not be in it.
    #[error("{file}: the archive cannot be used: {}", detail.en)]
    Archive {
        /// The file as the user knows it.
        file: String,
        /// Why.
        detail: Box<Text>,
    },
    /// The sheet or range that is asked for is not in the workbook.
    #[error("{file}: {}", detail.en)]
    Sheet {
        /// The file as the user knows it.
        file: String,
        /// Why.
        detail: Box<Text>,
        /// How to mend it.
        hint: Box<Text>,
    },
    /// The name of a file does not say for which day it speaks.
    #[error("{file}: the name holds no day of the form {form}")]
    NoDay {
        /// The file as the user knows it.
        file: String,
        /// The form that was looked for.
        form: String,
    },
    /// No file is there.
    #[error("no file matches: {place}")]
    NoFile {
        /// The place as the definition or the user wrote it.
        place: String,
    },
    /// The place leads out of the workspace.
    #[error("the place leads out of the workspace: {place}")]
    OutsideWorkspace {
        /// The place as the definition wrote it, or the file that it leads to.
        place: String,
    },
    /// The place is not a pattern.
    #[error("not a pattern of file names: {place}: {detail}")]
    Pattern {
        /// The place as the definition wrote it.
        place: String,
        /// Why.
        detail: String,
    },
    /// The columns could not be put together: a fault of Keiki, not of the evidence.
    #[error("the rows could not be put together: {detail}")]
    Internal {
        /// Why.
        detail: String,
    },
}

impl IngestError {
    /// Where it is, if it is in a file.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Definition { problems } => problems.first().map(|problem| problem.place.clone()),
            Self::Io { file, .. }
            | Self::EmptyFile { file }
            | Self::NoRecords { file, .. }
            | Self::Archive { file, .. }
            | Self::Broken { file, .. }
            | Self::NoDay { file, .. }
            | Self::Sheet { file, .. }
            | Self::TooLarge { file, .. } => Some(Place::file(file)),
            Self::Encoding { place, .. }
            | Self::Header { place, .. }
            | Self::DuplicateHeader { place, .. }
            | Self::Truncated { place, .. }
            | Self::Entities { place }
            | Self::Syntax { place, .. } => Some(place.clone()),
            _ => None,
        }
    }

    pub(crate) fn io(file: &str, source: io::Error) -> Self {
        let overflow = source.get_ref().and_then(|e| e.downcast_ref::<Overflow>());
        if let Some(Overflow { what, limit }) = overflow {
            return Self::TooLarge {
                file: file.to_owned(),
                what: *what,
                limit: usize::try_from(*limit).unwrap_or(usize::MAX),
            };
        }
        let altered = source.get_ref().and_then(|e| e.downcast_ref::<Altered>());
        let damaged = source.get_ref().and_then(|e| e.downcast_ref::<Damaged>());
        let detail = match (altered, damaged) {
            (Some(_), _) => Text::new("チェックサムが一致しません", "its checksum is another"),
            (_, Some(Damaged::CutOff)) => Text::new("途中で終わっています", "it ends too early"),
            (_, Some(Damaged::Corrupt)) => Text::new("壊れています", "it is damaged"),
            (None, None) => {
                let file = file.to_owned();
                return Self::Io { file, source };
            }
        };
        Self::Broken {
            file: file.to_owned(),
            detail: Box::new(detail),
        }
    }

    pub(crate) fn internal(detail: &impl ToString) -> Self {
        Self::Internal {
            detail: detail.to_string(),
        }
    }
}

fn summary(problems: &[Problem]) -> String {
    match problems {
        [] => "the definition is wrong".into(),
        [one] => format!("{}: {}", one.place, one.message.en),
        [first, rest @ ..] => {
            format!(
                "{}: {} (and {} more)",
                first.place,
                first.message.en,
                rest.len()
            )
        }
    }
}
