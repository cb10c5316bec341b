//! One person in the books: which raw files hold the person, and the log of what was done about people.

use std::collections::BTreeSet;

use sqlx::{AnyPool, Row};

use crate::batches::RawReference;
use crate::database::Database;
use crate::error::Result;
use crate::journal::Journal;
use crate::tokens::normalised;

/// What was done about a person, and by whom. It names nobody: a token stands for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonEvent {
    /// When, UTC microseconds.
    pub at: i64,
    /// Who did it.
    pub author: String,
    /// What: `find`, `export`, `erase`, `expire`.
    pub action: String,
    /// The person's token; absent where none is meant.
    pub token: Option<String>,
    /// Why.
    pub reason: String,
    /// How many records or files it was about.
    pub count: i64,
}

/// The log of what was done about people.
#[derive(Debug, Clone)]
pub struct PersonLog {
    pool: AnyPool,
}

impl PersonLog {
    /// Opens the log in the workspace's database, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database
            .with_tables(&[
            "CREATE TABLE IF NOT EXISTS person_log (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, \
             author TEXT NOT NULL, action TEXT NOT NULL, token TEXT, reason TEXT NOT NULL, count INTEGER NOT NULL)",
            ])
            .await?;
        Ok(Self { pool })
    }

    /// Adds an event.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(&self, event: &PersonEvent) -> Result<()> {
        sqlx::query(
            "INSERT INTO person_log (at, author, action, token, reason, count) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(event.at)
        .bind(&event.author)
        .bind(&event.action)
        .bind(&event.token)
        .bind(&event.reason)
        .bind(event.count)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// All events in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn events(&self) -> Result<Vec<PersonEvent>> {
        let query =
            "SELECT at, author, action, token, reason, count FROM person_log ORDER BY number";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        let event = |row: &sqlx::any::AnyRow| -> Result<PersonEvent> {
            Ok(PersonEvent {
                at: row.try_get(0)?,
                author: row.try_get(1)?,
                action: row.try_get(2)?,
                token: row.try_get(3)?,
                reason: row.try_get(4)?,
                count: row.try_get(5)?,
            })
        };
        rows.iter().map(event).collect()
    }
}

impl Journal {
    /// The encrypted raw files that hold a value, in whatever writing. A file that is no UTF-8 text cannot be searched: it
    /// counts as holding the person where `sources` has its source.
    ///
    /// # Errors
    /// A file is missing or damaged.
    pub async fn raw_with(
        &self,
        value: &str,
        sources: &BTreeSet<String>,
    ) -> Result<Vec<RawReference>> {
        let sought = normalised(value).to_lowercase();
        let mut found = Vec::new();
        for batch in self.snapshot().await?.batches() {
            for reference in batch.files.iter().filter(|file| file.is_encrypted) {
                let Some(bytes) = self.read_raw(reference).await? else {
                    continue;
                };
                let holds = match std::str::from_utf8(&bytes) {
                    // Blanks and writings differ line by line, so that lines are brought to the common form.
                    Ok(text) => text
                        .lines()
                        .any(|line| normalised(line).to_lowercase().contains(&sought)),
                    Err(_) => sources.contains(&batch.source),
                };
                if holds {
                    found.push(reference.clone());
                }
            }
        }
        Ok(found)
    }

    /// Takes away encrypted raw files that were read before an instant, leaving tombstones. Returns how many.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn expire_raw(&self, before: i64, reason: &str) -> Result<usize> {
        let mut expired = 0;
        for batch in self.snapshot().await?.batches() {
            let old = batch.known_at < before;
            for reference in batch.files.iter().filter(|file| old && file.is_encrypted) {
                if !self.is_redacted(reference).await? {
                    self.redact_raw(reference, reason).await?;
                    expired += 1;
                }
            }
        }
        Ok(expired)
    }
}
