//! Whom a provider of sign-ins names: an account for each of its subjects, and what it said of each session.

use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::Result;

/// The subjects of providers, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Subjects {
    pool: AnyPool,
}

const MAKE: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS account_subjects (issuer TEXT NOT NULL, subject TEXT NOT NULL, account_id TEXT NOT NULL, \
     PRIMARY KEY (issuer, subject))",
    "CREATE TABLE IF NOT EXISTS session_id_tokens (session_sha256 TEXT PRIMARY KEY, id_token TEXT NOT NULL)",
];

impl Subjects {
    /// Opens the subjects in the workspace's database, making them where there are none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database.with_tables(&MAKE).await?;
        Ok(Self { pool })
    }

    /// The account of a provider's subject, by id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn account(&self, issuer: &str, subject: &str) -> Result<Option<String>> {
        let query = "SELECT account_id FROM account_subjects WHERE issuer = $1 AND subject = $2";
        let row = sqlx::query(query)
            .bind(issuer)
            .bind(subject)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Ties an account to a provider's subject. Returns whether it did: of two at the same time, one does.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(&self, issuer: &str, subject: &str, account_id: &str) -> Result<bool> {
        let added = sqlx::query(
            "INSERT INTO account_subjects (issuer, subject, account_id) VALUES ($1, $2, $3) \
             ON CONFLICT (issuer, subject) DO NOTHING",
        )
        .bind(issuer)
        .bind(subject)
        .bind(account_id)
        .execute(&self.pool)
        .await?;
        Ok(added.rows_affected() > 0)
    }

    /// Keeps what a provider said when a session began, and forgets what belongs to sessions that have ended.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn keep_id_token(&self, session_sha256: &str, id_token: &str) -> Result<()> {
        sqlx::query(
            "DELETE FROM session_id_tokens WHERE session_sha256 NOT IN (SELECT token_sha256 FROM sessions)",
        )
        .execute(&self.pool)
        .await?;
        sqlx::query("INSERT INTO session_id_tokens (session_sha256, id_token) VALUES ($1, $2)")
            .bind(session_sha256)
            .bind(id_token)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// What a provider said when a session began; `None` where it began otherwise. It is told once.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn take_id_token(&self, session_sha256: &str) -> Result<Option<String>> {
        let query = "DELETE FROM session_id_tokens WHERE session_sha256 = $1 RETURNING id_token";
        let row = sqlx::query(query)
            .bind(session_sha256)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}
