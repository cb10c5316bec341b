//! What can go wrong with the books.

use keiki_model::problem::Problem;
use keiki_model::text::{Language, Text, Wording};

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The Delta log or table cannot be read or written.
    #[error("the journal table {table} cannot be used: {source}")]
    Delta {
        /// The table.
        table: String,
        /// Why.
        #[source]
        source: Box<deltalake_core::DeltaTableError>,
    },
    /// A Parquet file cannot be read or written.
    #[error("a journal file cannot be used: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Arrow refused an operation.
    #[error("rows cannot be put in order: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The object store failed.
    #[error("the store cannot be used: {0}")]
    Object(#[from] object_store::Error),
    /// A file of the workspace's state failed.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The operational database failed.
    #[error("the workspace database cannot be used: {0}")]
    Database(#[from] sqlx::Error),
    /// The journal was written by a newer Keiki.
    #[error("{file}: the journal has format {found}, newer than this program knows: {known}")]
    NewerFormat {
        /// The file that says so.
        file: String,
        /// The journal's format.
        found: u32,
        /// The newest format that this program reads.
        known: u32,
    },
    /// There is no journal.
    #[error("there is no journal at {0}")]
    NoJournal(String),
    /// There can be no journal at an address.
    #[error("{url}: {}", .why.en)]
    NoPlace {
        /// The address, without what nobody should read.
        url: String,
        /// Why.
        why: Box<Text>,
        /// What can be.
        hint: Box<Text>,
    },
    /// Something stored is not what it must be.
    #[error("the journal is damaged: {}", .0.en)]
    Damaged(Box<Text>),
    /// A definition does not fit what is journalled, or an expression cannot be computed.
    #[error("{0}")]
    Definition(Problem),
    /// A thread of the work did not end as it should.
    #[error("the work was stopped: {}", .0.en)]
    Stopped(Box<Text>),
    /// The file changed while it was read.
    #[error("the file changed while it was read: {0}")]
    ChangedWhileRead(String),
    /// Another ingest won every time.
    #[error("other ingests kept committing first; gave up after {0} attempts")]
    Contended(u32),
    /// Something was committed after somebody had looked.
    #[error("something was committed after commit {0}, as of which this was looked at")]
    NotAsSeen(i64),
    /// What was worked on while a reading was still read rests on what has changed since, or on what the reading turned out not
    /// to be. It has to be gathered again, without that.
    #[error("what was read so far rests on what no longer holds")]
    GatherAgain,
    /// Somebody else closed or reopened the period first.
    #[error("{0} was closed or reopened by somebody else meanwhile")]
    StatementMoved(String),
    /// What was agreed to is done already, or is not agreed to any more.
    #[error("what was agreed to is done already, or was opened again meanwhile")]
    NotUndone,
    /// What a person decides about the identity of records cannot be.
    #[error("{}", .why.en)]
    Identity {
        /// Why.
        why: Box<Text>,
        /// What can be.
        hint: Box<Text>,
    },
}

impl StoreError {
    pub(crate) fn damaged(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Damaged(Box::new(Text::new(ja, en)))
    }

    pub(crate) fn identity(why: Text, hint: Text) -> Self {
        let (why, hint) = (Box::new(why), Box::new(hint));
        Self::Identity { why, hint }
    }

    pub(crate) fn stopped(why: impl Wording) -> Self {
        Self::Stopped(Box::new(why.into_text()))
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> Text {
        let ja = match self {
            Self::Delta { table, source } => {
                format!("証跡台帳の表 {table} を使えません: {source}")
            }
            Self::Parquet(error) => format!("証跡台帳のファイルを使えません: {error}"),
            Self::Arrow(error) => format!("行を並べられません: {error}"),
            Self::Object(error) => format!("保存先を使えません: {error}"),
            Self::File { path, source } => format!("{path}: {source}"),
            Self::Database(error) => {
                format!("ワークスペースのデータベースを使えません: {error}")
            }
            Self::NewerFormat { file, found, known } => format!(
                "{file}: 証跡台帳の形式 {found} は、このプログラムが扱える形式 {known} より新しいものです"
            ),
            Self::NoJournal(place) => format!("証跡台帳がありません: {place}"),
            Self::NoPlace { url, why, .. } => format!("{url}: {}", why.ja),
            Self::Damaged(why) => format!("証跡台帳が壊れています: {}", why.ja),
            Self::Definition(problem) => problem.said(Language::Ja),
            Self::Stopped(why) => format!("処理が停止しました: {}", why.ja),
            Self::ChangedWhileRead(file) => {
                format!("読み取り中にファイルが変更されました: {file}")
            }
            Self::Contended(attempts) => {
                format!("ほかの取込が先に記帳し続けたため、{attempts}回試みて中止しました")
            }
            Self::NotAsSeen(seen) => {
                format!("確認した時点(記帳番号{seen})の後に、ほかの記帳がありました")
            }
            Self::GatherAgain => "読み取り中に前提が変わりました".to_owned(),
            Self::Identity { why, .. } => why.ja.clone(),
            Self::NotUndone => {
                "承認された内容はすでに実行されたか、その間に承認待ちに戻されました".to_owned()
            }
            Self::StatementMoved(period) => {
                format!("{period} は、その間にほかの人が締めたか、締めを解除しました")
            }
        };
        Text::new(ja, self.to_string())
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Option<Text> {
        let hint = match self {
            Self::NewerFormat { .. } => Text::new(
                "新しい版のKeikiを導入するか、この版で作成したバックアップから復元してください",
                "install a newer Keiki, or restore a backup made by this one",
            ),
            Self::NoJournal(_) => Text::new(
                "先に `keiki init DIR` を実行するか、--workspace でワークスペースを指定してください",
                "run `keiki init DIR` first, or name the workspace with --workspace",
            ),
            Self::Damaged(_) => Text::new(
                "`keiki verify` を実行し、証跡台帳をバックアップから復元してください",
                "run `keiki verify`, and restore the journal from a backup",
            ),
            Self::ChangedWhileRead(_) => Text::new(
                "出力が終わるのを待って、もう一度取り込んでください。何も取り込んでいません",
                "wait until the export is complete, then ingest again; nothing was taken in",
            ),
            Self::Contended(_) => Text::new(
                "同時に実行する取込を減らして、もう一度試してください。何も取り込んでいません",
                "try again when fewer ingests run at once; nothing was taken in",
            ),
            Self::NotAsSeen(_) => Text::new(
                "もう一度内容を確認してください。何も取り込んでいません",
                "look again at what becomes of it; nothing was taken in",
            ),
            Self::GatherAgain => Text::new(
                "もう一度取り込んでください。何も取り込んでいません",
                "ingest again; nothing was taken in",
            ),
            Self::StatementMoved(_) => Text::new(
                "`keiki statement` で確かめて、もう一度試してください。何も書き込んでいません",
                "look at `keiki statement`, then try again; nothing was written",
            ),
            Self::NotUndone => Text::new(
                "「申請」の画面で状況を確かめてください。何も書き込んでいません",
                "look at it under Requests; nothing was written",
            ),
            Self::NoPlace { hint, .. } | Self::Identity { hint, .. } => hint.as_ref().clone(),
            Self::Definition(problem) => return problem.hint.as_deref().cloned(),
            Self::File { source, .. } if is_full(source) => hint_of_full_disk(),
            other if mentions_full_disk(other) => hint_of_full_disk(),
            // A request to a store elsewhere, which a folder does not know.
            Self::Object(_) | Self::Delta { .. }
                if self.to_string().contains("Error performing") =>
            {
                Text::new(
                    "保存先が応答するか、環境変数 AWS_ENDPOINT_URL、AWS_REGION、AWS_ACCESS_KEY_ID、AWS_SECRET_ACCESS_KEY が正しいかを確かめてください",
                    "look whether the store answers, and whether AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment are right",
                )
            }
            _ => return None,
        };
        Some(hint)
    }
}

fn hint_of_full_disk() -> Text {
    Text::new(
        "ディスクの空きを増やして、もう一度試してください。何も取り込んでいません",
        "free space on the disk, then try again; nothing was taken in",
    )
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// What the system and the database say where a disk takes no more.
const FULL: [&str; 3] = ["No space left", "File too large", "disk is full"];

/// Looks through the causes for a full disk, since stores wrap the system's error.
fn mentions_full_disk(error: &StoreError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(is_full)
            || FULL.iter().any(|words| error.to_string().contains(words))
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The result of the store's functions.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// Turns an I/O error into one that names the file.
pub(crate) fn on_file(
    path: &std::path::Path,
) -> impl FnOnce(std::io::Error) -> StoreError + use<'_> {
    move |source| StoreError::File {
        path: path.display().to_string(),
        source,
    }
}
