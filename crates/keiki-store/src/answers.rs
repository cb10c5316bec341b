//! What was answered to requests that carry a key of their sender's, so that one that is sent twice is done once.

use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::Result;

/// How a request with a key stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is new, and is done now.
    New,
    /// The same is being done.
    Running,
    /// The same was done, and this was the body of its answer.
    Done(String),
    /// The key was used for another request.
    Another,
}

/// The answers, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Answers {
    pool: AnyPool,
}

impl Answers {
    /// Opens the answers in the workspace's database, making them where there are none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database
            .with_tables(&[
            "CREATE TABLE IF NOT EXISTS answers (account TEXT NOT NULL, idempotency_key TEXT NOT NULL, request_sha256 TEXT NOT NULL, \
             begun_at BIGINT NOT NULL, body TEXT, PRIMARY KEY (account, idempotency_key))",
            ])
            .await?;
        Ok(Self { pool })
    }

    /// Begins a request of an account under a key. What began before `forget_before` is forgotten, and what began before
    /// `given_up_before` and has no answer was broken off.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin(
        &self,
        (account, key): (&str, &str),
        request_sha256: &str,
        now: i64,
        (forget_before, given_up_before): (i64, i64),
    ) -> Result<Begun> {
        sqlx::query("DELETE FROM answers WHERE begun_at < $1 OR (body IS NULL AND begun_at < $2)")
            .bind(forget_before)
            .bind(given_up_before)
            .execute(&self.pool)
            .await?;
        let added = sqlx::query(
            "INSERT INTO answers (account, idempotency_key, request_sha256, begun_at, body) \
             VALUES ($1, $2, $3, $4, NULL) ON CONFLICT (account, idempotency_key) DO NOTHING",
        )
        .bind(account)
        .bind(key)
        .bind(request_sha256)
        .bind(now)
        .execute(&self.pool)
        .await?;
        if added.rows_affected() > 0 {
            return Ok(Begun::New);
        }
        let query =
            "SELECT request_sha256, body FROM answers WHERE account = $1 AND idempotency_key = $2";
        let row = sqlx::query(query)
            .bind(account)
            .bind(key)
            .fetch_optional(&self.pool)
            .await?;
        // It failed just now, and may be tried again.
        let Some(row) = row else {
            return Ok(Begun::Running);
        };
        let kept: String = row.try_get(0)?;
        let body: Option<String> = row.try_get(1)?;
        if kept != request_sha256 {
            return Ok(Begun::Another);
        }
        Ok(body.map_or(Begun::Running, Begun::Done))
    }

    /// Keeps the body of the answer to a request that was done.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn finish(&self, (account, key): (&str, &str), body: &str) -> Result<()> {
        sqlx::query("UPDATE answers SET body = $1 WHERE account = $2 AND idempotency_key = $3")
            .bind(body)
            .bind(account)
            .bind(key)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets a request that failed, so that it may be sent again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn forget(&self, (account, key): (&str, &str)) -> Result<()> {
        sqlx::query("DELETE FROM answers WHERE account = $1 AND idempotency_key = $2")
            .bind(account)
            .bind(key)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
