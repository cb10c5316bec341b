//! What can go wrong in a use case: its kind, which decides the exit code, and the hints that mend it.

use keiki_engine::EngineError;
use keiki_ingest::IngestError;
use keiki_ingest::live::FetchError;
use keiki_model::problem::Problem;
use keiki_model::text::{Language, Text, Wording};
use keiki_store::StoreError;

use crate::messages;

/// Who can mend an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Who gave the command.
    User,
    /// Who keeps the workspace's files.
    Config,
    /// Who sends the evidence.
    Evidence,
    /// Who keeps accounts: the reader may not do this.
    Forbidden,
    /// Nobody: there is no such thing, as far as the reader may know.
    Absent,
    /// Nobody but the makers of the program, or of the computer.
    Internal,
}

/// An error of a use case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Files of the workspace are wrong; all problems at once.
    #[error("{}", count(problems))]
    Problems {
        /// What is wrong.
        problems: Vec<Problem>,
    },
    /// What the user asked for does not exist or does not fit.
    #[error("{}", message.en)]
    User {
        /// What is wrong.
        message: Text,
        /// How to mend it.
        hint: Option<Text>,
    },
    /// A file of the workspace cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file as the user knows it.
        path: String,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// Standard output takes no more: what was asked for did not come out as a whole.
    #[error("standard output cannot be written: {source}")]
    Output {
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// A reading cannot be used at all.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// A live system gave no evidence.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The books cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Figures cannot be computed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The reader may not do this.
    #[error("not allowed")]
    Forbidden,
    /// There is no such thing, or the reader may not know of it: nothing tells which.
    #[error("no such thing")]
    Absent,
    /// A part of the program stopped.
    #[error("a part of the program stopped: {}", .0.en)]
    Stopped(Box<Text>),
}

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

fn count(problems: &[Problem]) -> String {
    match problems {
        [one] => one.to_string(),
        many => format!("{} problems", many.len()),
    }
}

impl Error {
    /// Makes an error of the user's making.
    #[must_use]
    pub fn user(message: Text, hint: Text) -> Self {
        Self::User {
            message,
            hint: Some(hint),
        }
    }

    /// Makes an error of a part of the program that stopped.
    #[must_use]
    pub fn stopped(why: impl Wording) -> Self {
        Self::Stopped(Box::new(why.into_text()))
    }

    /// Makes an error from a file that could not be used.
    pub fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + use<'_> {
        move |source| Self::File {
            path: path.display().to_string(),
            source,
        }
    }

    /// Who can mend it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Problems { .. }
            | Self::Ingest(IngestError::Definition { .. })
            | Self::Engine(EngineError::Definition(_) | EngineError::TooMany(_)) => Kind::Config,
            Self::Stopped(_)
            | Self::Ingest(IngestError::Internal { .. })
            | Self::Engine(
                EngineError::Sql(_) | EngineError::Arrow(_) | EngineError::MissingFile(_),
            ) => Kind::Internal,
            Self::Ingest(_) | Self::Fetch(_) | Self::Engine(EngineError::ValueTooLarge { .. }) => {
                Kind::Evidence
            }
            Self::Store(error) | Self::Engine(EngineError::Store(error)) => kind_of_store(error),
            Self::Forbidden => Kind::Forbidden,
            Self::Absent => Kind::Absent,
            Self::User { .. } | Self::File { .. } | Self::Output { .. } | Self::Engine(_) => {
                Kind::User
            }
        }
    }

    /// Who can mend it where it befalls a server: who sends a request mends neither its files, nor its disk, nor its output.
    #[must_use]
    pub fn kind_on_server(&self) -> Kind {
        let is_of_server = match self {
            Self::File { .. } | Self::Output { .. } => true,
            Self::Store(error) | Self::Engine(EngineError::Store(error)) => !matches!(
                error,
                StoreError::NewerFormat { .. }
                    | StoreError::NoJournal(_)
                    | StoreError::Contended(_)
                    | StoreError::NotAsSeen(_)
                    | StoreError::GatherAgain
                    | StoreError::StatementMoved(_)
                    | StoreError::NotUndone
                    | StoreError::Identity { .. }
            ),
            _ => false,
        };
        match self.kind() {
            Kind::User if is_of_server => Kind::Internal,
            kind => kind,
        }
    }

    /// The problems with places of their own that it stands for; empty where it is one thing without a place.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Problems { problems } | Self::Ingest(IngestError::Definition { problems }) => {
                problems
            }
            Self::Store(StoreError::Definition(problem))
            | Self::Engine(EngineError::Definition(problem)) => std::slice::from_ref(problem),
            _ => &[],
        }
    }

    /// What is wrong, in the user's languages where the message is the program's own.
    #[must_use]
    pub fn message(&self) -> Text {
        match self {
            Self::User { message, .. } => message.clone(),
            Self::Fetch(error) => error.message(),
            Self::Store(error) => error.message(),
            Self::Engine(error) => error.message(),
            Self::Ingest(error) => error.message(),
            Self::File { .. } => Text::quoted(self),
            Self::Forbidden => Text::new("この操作の権限がありません", self.to_string()),
            Self::Absent => Text::new("見つかりません", self.to_string()),
            Self::Output { source } => Text::new(
                format!("標準出力に書き込めません: {source}"),
                self.to_string(),
            ),
            Self::Stopped(why) => Text::new(
                format!("プログラムの一部が停止しました: {}", why.ja),
                self.to_string(),
            ),
            Self::Problems { problems } => match problems.as_slice() {
                [one] => Text::new(one.said(Language::Ja), one.to_string()),
                many => messages::problems(many.len()),
            },
        }
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Option<Text> {
        match self {
            Self::User { hint, .. } => hint.clone(),
            Self::Forbidden => Some(Text::new(
                "必要であれば管理者に役割を依頼してください",
                "ask an administrator for the role, if you need it",
            )),
            Self::File { source, .. } => hint_of_file(source),
            Self::Output { source } => hint_of_file(source).or_else(|| {
                Some(Text::new(
                    "出力先を確かめ、もう一度実行してください。出力は途中までです",
                    "check where the output goes and run it again; what came out is not complete",
                ))
            }),
            Self::Ingest(error) => Some(error.hint()),
            Self::Fetch(error) => Some(error.hint()),
            Self::Store(StoreError::NoJournal(_))
            | Self::Engine(EngineError::Store(StoreError::NoJournal(_))) => Some(Text::new(
                "まだ何も取り込まれていません。`keiki ingest` を実行してください",
                "nothing was ingested yet; run `keiki ingest`",
            )),
            Self::Store(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::Absent | Self::Problems { .. } => None,
            Self::Stopped(_) => Some(internal_hint()),
        }
        .or_else(|| (self.kind() == Kind::Internal).then(internal_hint))
    }
}

fn kind_of_store(error: &StoreError) -> Kind {
    match error {
        StoreError::Definition(_) => Kind::Config,
        StoreError::NewerFormat { .. }
        | StoreError::NoJournal(_)
        | StoreError::Contended(_)
        | StoreError::NotAsSeen(_)
        | StoreError::GatherAgain
        | StoreError::StatementMoved(_)
        | StoreError::NotUndone
        | StoreError::Identity { .. } => Kind::User,
        StoreError::ChangedWhileRead(_) => Kind::Evidence,
        // What comes with a hint is the user's to mend, a full disk for one.
        StoreError::Damaged(_) => Kind::Internal,
        other if other.hint().is_some() => Kind::User,
        _ => Kind::Internal,
    }
}

fn hint_of_file(error: &std::io::Error) -> Option<Text> {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => Some(Text::new("パスを確かめてください", "check the path")),
        ErrorKind::PermissionDenied => Some(Text::new(
            "ファイルの権限を確かめてください",
            "check the permissions of the file",
        )),
        ErrorKind::StorageFull => Some(Text::new(
            "ディスクの空きを増やしてください",
            "free space on the disk, then try again",
        )),
        ErrorKind::InvalidData => Some(Text::new(
            "ファイルをUTF-8で保存してください",
            "save the file as UTF-8",
        )),
        _ => None,
    }
}

fn internal_hint() -> Text {
    Text::new(
        "KEIKI_LOG=debug を付けて再実行し、その出力とともに報告してください",
        "run it again with KEIKI_LOG=debug and report it with what that prints",
    )
}
