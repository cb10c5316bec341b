//! The book of statements: every close and every reopening in the order in which they happened, each bound by a hash to the
//! one before it, so that none can be changed or taken out unseen.

use std::path::Path;

use keiki_model::statement::Statement;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use crate::error::{Result, StoreError};

/// What happened to a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It was closed.
    Closed(Statement),
    /// It was opened again.
    Reopened {
        /// The period as written.
        period: String,
        /// When, UTC microseconds.
        at: i64,
        /// Who opened it.
        by: String,
        /// Why.
        reason: String,
    },
}

impl Event {
    /// The period that it is about.
    #[must_use]
    pub fn period(&self) -> &str {
        match self {
            Self::Closed(statement) => &statement.period,
            Self::Reopened { period, .. } => period,
        }
    }
}

/// An event with its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its number, from 1.
    pub number: i64,
    /// The hash that binds it to the one before it.
    pub sha256: String,
    /// What happened.
    pub event: Event,
}

/// The book.
#[derive(Debug, Clone)]
pub struct Statements {
    pool: SqlitePool,
}

impl Statements {
    /// Opens the book in the workspace's database, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(path: &Path) -> Result<Self> {
        let pool = crate::tokens::database(path).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS statements (number INTEGER PRIMARY KEY, period TEXT NOT NULL, \
             sha256 TEXT NOT NULL, event BLOB NOT NULL)",
        )
        .execute(&pool)
        .await?;
        Ok(Self { pool })
    }

    /// All events in order.
    ///
    /// # Errors
    /// The database cannot be read, or an event is damaged.
    pub async fn events(&self) -> Result<Vec<Recorded>> {
        let rows = sqlx::query("SELECT number, sha256, event FROM statements ORDER BY number")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(recorded).collect()
    }

    /// The events of one period in order.
    ///
    /// # Errors
    /// The database cannot be read, or an event is damaged.
    pub async fn of_period(&self, period: &str) -> Result<Vec<Recorded>> {
        let rows = sqlx::query(
            "SELECT number, sha256, event FROM statements WHERE period = ? ORDER BY number",
        )
        .bind(period)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(recorded).collect()
    }

    /// Adds an event. `last_of_period` is the number of the period's last event that the caller has seen.
    ///
    /// # Errors
    /// Somebody else has closed or reopened the period meanwhile, or the database cannot be written.
    pub async fn add(&self, event: &Event, last_of_period: Option<i64>) -> Result<Recorded> {
        let text = serde_json::to_vec(event)
            .map_err(|e| StoreError::Damaged(format!("a statement cannot be written: {e}")))?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let seen: Option<i64> =
            sqlx::query_scalar("SELECT max(number) FROM statements WHERE period = ?")
                .bind(event.period())
                .fetch_one(&mut *transaction)
                .await?;
        if seen != last_of_period {
            return Err(StoreError::StatementMoved(event.period().to_owned()));
        }
        let last =
            sqlx::query("SELECT number, sha256 FROM statements ORDER BY number DESC LIMIT 1")
                .fetch_optional(&mut *transaction)
                .await?;
        let (number, before): (i64, String) = match &last {
            None => (1, String::new()),
            Some(row) => (row.try_get::<i64, _>(0)? + 1, row.try_get(1)?),
        };
        let sha256 = bound(&before, &text);
        let packed = zstd::encode_all(text.as_slice(), zstd::DEFAULT_COMPRESSION_LEVEL)
            .map_err(|e| StoreError::Damaged(format!("a statement cannot be compressed: {e}")))?;
        sqlx::query("INSERT INTO statements (number, period, sha256, event) VALUES (?, ?, ?, ?)")
            .bind(number)
            .bind(event.period())
            .bind(&sha256)
            .bind(packed)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Recorded {
            number,
            sha256,
            event: event.clone(),
        })
    }

    /// Follows the chain of hashes. *Shape*: the number of the first event that does not fit, with why; `None` = all fit.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn broken(&self) -> Result<Option<(i64, String)>> {
        let rows =
            sqlx::query("SELECT number, sha256, event, period FROM statements ORDER BY number")
                .fetch_all(&self.pool)
                .await?;
        let mut before = String::new();
        for (row, expected) in rows.iter().zip(1_i64..) {
            let number: i64 = row.try_get(0)?;
            if number != expected {
                return Ok(Some((expected, "it is missing".to_owned())));
            }
            let sha256: String = row.try_get(1)?;
            let packed: Vec<u8> = row.try_get(2)?;
            let Ok(text) = zstd::decode_all(packed.as_slice()) else {
                return Ok(Some((number, "its text cannot be read".to_owned())));
            };
            if bound(&before, &text) != sha256 {
                let why = "its text, or that of the one before it, is not what was recorded";
                return Ok(Some((number, why.to_owned())));
            }
            let period: String = row.try_get(3)?;
            let event: Option<Event> = serde_json::from_slice(&text).ok();
            if event.is_none_or(|event| event.period() != period) {
                return Ok(Some((
                    number,
                    "it is filed under another period".to_owned(),
                )));
            }
            before = sha256;
        }
        Ok(None)
    }
}

/// The hash of a text that comes after another hash.
fn bound(before: &str, text: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(b"\n");
    hash.update(text);
    format!("{:x}", hash.finalize())
}

fn recorded(row: &SqliteRow) -> Result<Recorded> {
    let number: i64 = row.try_get(0)?;
    let damaged = |why: String| StoreError::Damaged(format!("statement event {number}: {why}"));
    let packed: Vec<u8> = row.try_get(2)?;
    let text = zstd::decode_all(packed.as_slice()).map_err(|e| damaged(e.to_string()))?;
    Ok(Recorded {
        number,
        sha256: row.try_get(1)?,
        event: serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?,
    })
}
