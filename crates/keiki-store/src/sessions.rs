//! Who is signed in: sessions by the hash of their token, so that a look into the database opens none.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::Result;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The SHA-256 of its token, in hexadecimal.
    pub token_sha256: String,
    /// The account, by id.
    pub account_id: String,
    /// When it began, UTC microseconds.
    pub created_at: i64,
    /// When it was used last.
    pub seen_at: i64,
    /// When it ends at the latest.
    pub expires_at: i64,
    /// What the browser called itself.
    pub agent: String,
}

/// The sessions, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Sessions {
    pool: AnyPool,
}

const COLUMNS: &str = "token_sha256, account_id, created_at, seen_at, expires_at, agent";

impl Sessions {
    /// Opens the sessions in the workspace's database, making them where there are none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database
            .with_tables(&[
            "CREATE TABLE IF NOT EXISTS sessions (token_sha256 TEXT PRIMARY KEY, account_id TEXT NOT NULL, \
             created_at BIGINT NOT NULL, seen_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, agent TEXT NOT NULL)",
            ])
            .await?;
        Ok(Self { pool })
    }

    /// Begins a session, and takes away those that have ended.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(&self, session: &StoredSession) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE expires_at < $1")
            .bind(session.created_at)
            .execute(&self.pool)
            .await?;
        sqlx::query(
            "INSERT INTO sessions (token_sha256, account_id, created_at, seen_at, expires_at, agent) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&session.token_sha256)
        .bind(&session.account_id)
        .bind(session.created_at)
        .bind(session.seen_at)
        .bind(session.expires_at)
        .bind(&session.agent)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The session of a token's hash that has not ended.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn find(&self, token_sha256: &str, now: i64) -> Result<Option<StoredSession>> {
        let query = "SELECT token_sha256, account_id, created_at, seen_at, expires_at, agent FROM sessions \
                     WHERE token_sha256 = $1 AND expires_at > $2";
        let row = sqlx::query(query)
            .bind(token_sha256)
            .bind(now)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(session).transpose()
    }

    /// The sessions of an account that have not ended, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn of_account(&self, account_id: &str, now: i64) -> Result<Vec<StoredSession>> {
        let query = format!(
            "SELECT {COLUMNS} FROM sessions WHERE account_id = $1 AND expires_at > $2 ORDER BY seen_at DESC"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(account_id)
            .bind(now)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(session).collect()
    }

    /// Notes that a session is used.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn touch(&self, token_sha256: &str, now: i64) -> Result<()> {
        sqlx::query("UPDATE sessions SET seen_at = $1 WHERE token_sha256 = $2")
            .bind(now)
            .bind(token_sha256)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn end(&self, token_sha256: &str) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE token_sha256 = $1")
            .bind(token_sha256)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends all sessions of an account.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn end_all_of(&self, account_id: &str) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE account_id = $1")
            .bind(account_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

fn session(row: &AnyRow) -> Result<StoredSession> {
    Ok(StoredSession {
        token_sha256: row.try_get(0)?,
        account_id: row.try_get(1)?,
        created_at: row.try_get(2)?,
        seen_at: row.try_get(3)?,
        expires_at: row.try_get(4)?,
        agent: row.try_get(5)?,
    })
}
