//! How each source stands: when it was last read, why it last was not, and where the next reading goes on.

use std::collections::BTreeMap;
use std::path::Path;

use keiki_model::text::Text;
use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use crate::error::Result;

/// Where a reading ended, as its connector wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The connector's own text.
    pub position: String,
    /// The definition under which it was reached; under another one, reading begins afresh.
    pub definition: String,
}

/// How a source stands. *Units*: instants are UTC microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// When it was last read.
    pub succeeded_at: Option<i64>,
    /// When it last could not be read, if that was after it was last read.
    pub failed_at: Option<i64>,
    /// How often it could not be read since.
    pub failures: u32,
    /// Why.
    pub reason: Option<Text>,
    /// Where the next reading goes on.
    pub cursor: Option<Cursor>,
}

/// The book of readings, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Readings {
    pool: SqlitePool,
}

impl Readings {
    /// Opens the book, making it where there is none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(path: &Path) -> Result<Self> {
        let pool = crate::tokens::database(path).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS readings (source TEXT PRIMARY KEY, succeeded_at INTEGER, failed_at INTEGER, \
             failures INTEGER NOT NULL DEFAULT 0, reason_ja TEXT, reason_en TEXT, position TEXT, definition TEXT)",
        )
        .execute(&pool)
        .await?;
        Ok(Self { pool })
    }

    /// How every source stands that was ever tried.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all(&self) -> Result<BTreeMap<String, Standing>> {
        let rows = sqlx::query("SELECT * FROM readings ORDER BY source")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok((row.try_get("source")?, standing(row)?)))
            .collect()
    }

    /// How a source stands; nothing is known of one that was never tried.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn of(&self, source: &str) -> Result<Standing> {
        let row = sqlx::query("SELECT * FROM readings WHERE source = ?")
            .bind(source)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref()
            .map_or_else(|| Ok(Standing::default()), standing)
    }

    /// Records that a source was read and its evidence is in the journal.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn succeeded(&self, source: &str, now: i64, cursor: Option<&Cursor>) -> Result<()> {
        sqlx::query(
            "INSERT INTO readings (source, succeeded_at, position, definition) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (source) DO UPDATE SET succeeded_at = ?2, failed_at = NULL, failures = 0, \
             reason_ja = NULL, reason_en = NULL, position = ?3, definition = ?4",
        )
        .bind(source)
        .bind(now)
        .bind(cursor.map(|cursor| cursor.position.as_str()))
        .bind(cursor.map(|cursor| cursor.definition.as_str()))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Records that a source could not be read, and why. Where the next reading goes on stays as it was.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn failed(&self, source: &str, now: i64, reason: &Text) -> Result<()> {
        sqlx::query(
            "INSERT INTO readings (source, failed_at, failures, reason_ja, reason_en) VALUES (?1, ?2, 1, ?3, ?4) \
             ON CONFLICT (source) DO UPDATE SET failed_at = ?2, failures = failures + 1, reason_ja = ?3, reason_en = ?4",
        )
        .bind(source)
        .bind(now)
        .bind(&reason.ja)
        .bind(&reason.en)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn standing(row: &SqliteRow) -> Result<Standing> {
    let (ja, en): (Option<String>, Option<String>) =
        (row.try_get("reason_ja")?, row.try_get("reason_en")?);
    let (position, definition): (Option<String>, Option<String>) =
        (row.try_get("position")?, row.try_get("definition")?);
    Ok(Standing {
        succeeded_at: row.try_get("succeeded_at")?,
        failed_at: row.try_get("failed_at")?,
        failures: row.try_get("failures")?,
        reason: ja.zip(en).map(|(ja, en)| Text::new(ja, en)),
        cursor: position
            .zip(definition)
            .map(|(position, definition)| Cursor {
                position,
                definition,
            }),
    })
}
