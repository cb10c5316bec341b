//! Second factors of accounts: the secrets of their one-time codes, and the codes for whoever lost theirs.

use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::Result;

/// The second factor of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFactor {
    /// The secret, in base 32.
    pub secret: String,
    /// The last step of time whose code was taken; `None` = its owner has not shown a code yet, and it does not count.
    pub last_step: Option<i64>,
    /// How many recovery codes are left.
    pub codes: i64,
}

/// The second factors, in the workspace's database.
#[derive(Debug, Clone)]
pub struct SecondFactors {
    pool: AnyPool,
}

impl SecondFactors {
    /// Opens them, making the tables where there are none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database.with_tables(&[
            "CREATE TABLE IF NOT EXISTS second_factors (account_id TEXT PRIMARY KEY, secret TEXT NOT NULL, last_step BIGINT)",
            "CREATE TABLE IF NOT EXISTS recovery_codes (account_id TEXT NOT NULL, code_sha256 TEXT NOT NULL, \
             PRIMARY KEY (account_id, code_sha256))",
        ]).await?;
        Ok(Self { pool })
    }

    /// The second factor of an account.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn find(&self, account_id: &str) -> Result<Option<StoredFactor>> {
        let query = "SELECT secret, last_step, (SELECT COUNT(*) FROM recovery_codes WHERE account_id = $1) \
                     FROM second_factors WHERE account_id = $1";
        let row = sqlx::query(query)
            .bind(account_id)
            .fetch_optional(&self.pool)
            .await?;
        row.map_or(Ok(None), |row| {
            Ok(Some(StoredFactor {
                secret: row.try_get(0)?,
                last_step: row.try_get(1)?,
                codes: row.try_get(2)?,
            }))
        })
    }

    /// Begins a second factor, which does not count yet. Returns whether there was none that counts.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin(&self, account_id: &str, secret: &str) -> Result<bool> {
        let begun = sqlx::query(
            "INSERT INTO second_factors (account_id, secret, last_step) VALUES ($1, $2, NULL) \
             ON CONFLICT (account_id) DO UPDATE SET secret = excluded.secret WHERE second_factors.last_step IS NULL",
        )
        .bind(account_id)
        .bind(secret)
        .execute(&self.pool)
        .await?;
        Ok(begun.rows_affected() > 0)
    }

    /// Makes a second factor count, with its recovery codes by their hashes. Returns whether it had begun and did not count yet.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn confirm(&self, account_id: &str, step: i64, codes: &[String]) -> Result<bool> {
        let mut transaction = self.pool.begin().await?;
        let confirmed = sqlx::query(
            "UPDATE second_factors SET last_step = $1 WHERE account_id = $2 AND last_step IS NULL",
        )
        .bind(step)
        .bind(account_id)
        .execute(&mut *transaction)
        .await?;
        if confirmed.rows_affected() == 0 {
            return Ok(false);
        }
        for code in codes {
            sqlx::query("INSERT INTO recovery_codes (account_id, code_sha256) VALUES ($1, $2)")
                .bind(account_id)
                .bind(code)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Takes the code of a step of time. Returns whether it was the first of that step or a later one.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn take_step(&self, account_id: &str, step: i64) -> Result<bool> {
        let taken = sqlx::query(
            "UPDATE second_factors SET last_step = $1 WHERE account_id = $2 AND last_step < $1",
        )
        .bind(step)
        .bind(account_id)
        .execute(&self.pool)
        .await?;
        Ok(taken.rows_affected() > 0)
    }

    /// Takes a recovery code, which cannot be used again. Returns whether it was there.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn take_code(&self, account_id: &str, code_sha256: &str) -> Result<bool> {
        let taken =
            sqlx::query("DELETE FROM recovery_codes WHERE account_id = $1 AND code_sha256 = $2")
                .bind(account_id)
                .bind(code_sha256)
                .execute(&self.pool)
                .await?;
        Ok(taken.rows_affected() > 0)
    }

    /// Takes a second factor away, with its recovery codes.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn remove(&self, account_id: &str) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        for query in [
            "DELETE FROM second_factors WHERE account_id = $1",
            "DELETE FROM recovery_codes WHERE account_id = $1",
        ] {
            sqlx::query(query)
                .bind(account_id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
