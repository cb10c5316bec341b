//! What can go wrong with the books.

use keiki_model::problem::Problem;

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
    #[error("the journal has format {found}, newer than this program knows: {known}")]
    NewerFormat {
        /// The journal's format.
        found: u32,
        /// The newest format that this program reads.
        known: u32,
    },
    /// There is no journal.
    #[error("there is no journal at {0}")]
    NoJournal(String),
    /// Something stored is not what it must be.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
    /// A definition does not fit what is journalled, or an expression cannot be computed.
    #[error("{0}")]
    Definition(Problem),
    /// A thread of the work did not end as it should.
    #[error("the work was stopped: {0}")]
    Stopped(String),
    /// The file changed while it was read.
    #[error("the file changed while it was read: {0}")]
    ChangedWhileRead(String),
    /// Another ingest won every time.
    #[error("other ingests kept committing first; gave up after {0} attempts")]
    Contended(u32),
    /// Somebody else closed or reopened the period first.
    #[error("{0} was closed or reopened by somebody else meanwhile")]
    StatementMoved(String),
}

impl StoreError {
    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NewerFormat { .. } => {
                Some("install a newer Keiki, or restore a backup made by this one".into())
            }
            Self::NoJournal(_) => {
                Some("run `keiki init DIR` first, or name the workspace with --workspace".into())
            }
            Self::Damaged(_) => {
                Some("run `keiki verify`, and restore the journal from a backup".into())
            }
            Self::ChangedWhileRead(_) => Some(
                "wait until the export is complete, then ingest again; nothing was taken in".into(),
            ),
            Self::Contended(_) => {
                Some("try again when fewer ingests run at once; nothing was taken in".into())
            }
            Self::StatementMoved(_) => {
                Some("look at `keiki statement`, then try again; nothing was written".into())
            }
            Self::Definition(problem) => problem.hint.as_ref().map(|hint| hint.en.clone()),
            Self::File { source, .. } if is_full(source) => {
                Some("free space on the disk, then try again; nothing was taken in".into())
            }
            other if mentions_full_disk(other) => {
                Some("free space on the disk, then try again; nothing was taken in".into())
            }
            _ => None,
        }
    }
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
