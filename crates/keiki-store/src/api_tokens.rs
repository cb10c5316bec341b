//! The tokens with which programs act for an account: by their hash, so that a look into the database opens nothing.

use keiki_model::access::Right;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::{Result, StoreError};

/// A token of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredApiToken {
    /// Its identity, which is no secret.
    pub id: String,
    /// The SHA-256 of the token, in hexadecimal.
    pub token_sha256: String,
    /// The account, by id.
    pub account_id: String,
    /// What its owner calls it.
    pub name: String,
    /// What may be done with it, of what its account may do.
    pub rights: Vec<Right>,
    /// When it was made, UTC microseconds.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
    /// When it was used last.
    pub seen_at: Option<i64>,
}

/// The tokens, in the workspace's database.
#[derive(Debug, Clone)]
pub struct ApiTokens {
    pool: AnyPool,
}

impl ApiTokens {
    /// Opens the tokens in the workspace's database, making them where there are none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database
            .with_tables(&[
            "CREATE TABLE IF NOT EXISTS api_tokens (id TEXT PRIMARY KEY, token_sha256 TEXT NOT NULL UNIQUE, \
             account_id TEXT NOT NULL, name TEXT NOT NULL, rights TEXT NOT NULL, created_at BIGINT NOT NULL, \
             expires_at BIGINT NOT NULL, seen_at BIGINT)",
            ])
            .await?;
        Ok(Self { pool })
    }

    /// Keeps a token, and takes away those that ended before it was made.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(&self, token: &StoredApiToken) -> Result<()> {
        sqlx::query("DELETE FROM api_tokens WHERE expires_at < $1")
            .bind(token.created_at)
            .execute(&self.pool)
            .await?;
        let rights: Vec<&str> = token.rights.iter().map(|right| right.code()).collect();
        sqlx::query(
            "INSERT INTO api_tokens (id, token_sha256, account_id, name, rights, created_at, expires_at, seen_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)",
        )
        .bind(&token.id)
        .bind(&token.token_sha256)
        .bind(&token.account_id)
        .bind(&token.name)
        .bind(rights.join(" "))
        .bind(token.created_at)
        .bind(token.expires_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A token that has not ended, by its hash.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn find(&self, token_sha256: &str, now: i64) -> Result<Option<StoredApiToken>> {
        let query = "SELECT id, token_sha256, account_id, name, rights, created_at, expires_at, seen_at FROM api_tokens \
                     WHERE token_sha256 = $1 AND expires_at > $2";
        let row = sqlx::query(query)
            .bind(token_sha256)
            .bind(now)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(token).transpose()
    }

    /// All tokens that have not ended, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all(&self, now: i64) -> Result<Vec<StoredApiToken>> {
        let query = "SELECT id, token_sha256, account_id, name, rights, created_at, expires_at, seen_at FROM api_tokens \
                     WHERE expires_at > $1 ORDER BY created_at DESC, id";
        let rows = sqlx::query(query).bind(now).fetch_all(&self.pool).await?;
        rows.iter().map(token).collect()
    }

    /// Notes that a token is used.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn touch(&self, id: &str, now: i64) -> Result<()> {
        sqlx::query("UPDATE api_tokens SET seen_at = $1 WHERE id = $2")
            .bind(now)
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Takes all tokens of an account away.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn revoke_all_of(&self, account_id: &str) -> Result<()> {
        sqlx::query("DELETE FROM api_tokens WHERE account_id = $1")
            .bind(account_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Takes a token away. Returns whether it was there.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn revoke(&self, id: &str) -> Result<bool> {
        let gone = sqlx::query("DELETE FROM api_tokens WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(gone.rows_affected() > 0)
    }
}

fn token(row: &AnyRow) -> Result<StoredApiToken> {
    let rights: String = row.try_get(4)?;
    let right = |code: &str| {
        Right::from_code(code).ok_or_else(|| {
            StoreError::damaged(
                format!("不明な権限です: {code}"),
                format!("an unknown right: {code}"),
            )
        })
    };
    Ok(StoredApiToken {
        id: row.try_get(0)?,
        token_sha256: row.try_get(1)?,
        account_id: row.try_get(2)?,
        name: row.try_get(3)?,
        rights: rights
            .split_whitespace()
            .map(right)
            .collect::<Result<Vec<Right>>>()?,
        created_at: row.try_get(5)?,
        expires_at: row.try_get(6)?,
        seen_at: row.try_get(7)?,
    })
}
