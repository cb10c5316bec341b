//! Readings that could not be used at all, in the workspace's database: that one failed is knowledge too.

use std::path::Path;

use keiki_model::calendar::Day;
use keiki_model::text::Text;
use sqlx::Row;
use sqlx::sqlite::SqlitePool;

use crate::batches::Batch;
use crate::error::Result;

/// A reading that was refused. Nothing of it is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The source.
    pub source: String,
    /// The dataset.
    pub dataset: String,
    /// When it was tried, UTC microseconds.
    pub at: i64,
    /// The day that it would have spoken for; absent where nobody said.
    pub as_of: Option<Day>,
    /// The file or place at fault, where one is known.
    pub file: Option<String>,
    /// Why.
    pub reason: Text,
    /// Who tried.
    pub author: String,
}

impl Refusal {
    /// The first later batch of the same source, which mends it.
    #[must_use]
    pub fn mended_by<'b>(&self, batches: &'b [Batch]) -> Option<&'b Batch> {
        batches.iter().find(|batch| {
            batch.source == self.source && batch.dataset == self.dataset && batch.known_at > self.at
        })
    }
}

/// The table of refused readings.
#[derive(Debug, Clone)]
pub struct Refusals {
    pool: SqlitePool,
}

impl Refusals {
    /// Opens the table in the workspace's database, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(path: &Path) -> Result<Self> {
        let pool = crate::tokens::database(path).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS refusals (number INTEGER PRIMARY KEY, source TEXT NOT NULL, \
             dataset TEXT NOT NULL, at INTEGER NOT NULL, as_of INTEGER, file TEXT, reason_ja TEXT NOT NULL, \
             reason_en TEXT NOT NULL, author TEXT NOT NULL)",
        )
        .execute(&pool)
        .await?;
        Ok(Self { pool })
    }

    /// Notes a refused reading.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(&self, refusal: &Refusal) -> Result<()> {
        sqlx::query(
            "INSERT INTO refusals (source, dataset, at, as_of, file, reason_ja, reason_en, author) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&refusal.source)
        .bind(&refusal.dataset)
        .bind(refusal.at)
        .bind(refusal.as_of)
        .bind(&refusal.file)
        .bind(&refusal.reason.ja)
        .bind(&refusal.reason.en)
        .bind(&refusal.author)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// All of them, in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all(&self) -> Result<Vec<Refusal>> {
        let rows = sqlx::query(
            "SELECT source, dataset, at, as_of, file, reason_ja, reason_en, author FROM refusals ORDER BY number",
        )
        .fetch_all(&self.pool)
        .await?;
        let refusal = |row: &sqlx::sqlite::SqliteRow| -> Result<Refusal> {
            Ok(Refusal {
                source: row.try_get(0)?,
                dataset: row.try_get(1)?,
                at: row.try_get(2)?,
                as_of: row.try_get(3)?,
                file: row.try_get(4)?,
                reason: Text {
                    ja: row.try_get(5)?,
                    en: row.try_get(6)?,
                },
                author: row.try_get(7)?,
            })
        };
        rows.iter().map(refusal).collect()
    }
}
