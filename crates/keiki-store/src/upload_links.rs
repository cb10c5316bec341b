//! Links by which somebody without an account sends one file: by the hash of their token, so that a look into the database opens none.

use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::Result;

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUploadLink {
    /// Its identity, which is no secret.
    pub id: String,
    /// The SHA-256 of its token, in hexadecimal.
    pub token_sha256: String,
    /// For whom it is.
    pub holder: String,
    /// The org unit for which they speak.
    pub org_unit: String,
    /// What the file is read as.
    pub into: String,
    /// The period that it is about, as written.
    pub period: String,
    /// The day for which it speaks, in days since 1970.
    pub as_of: i32,
    /// Who made it.
    pub made_by: String,
    /// When, UTC microseconds.
    pub made_at: i64,
    /// Until when it holds.
    pub expires_at: i64,
    /// When a file was taken in by it.
    pub used_at: Option<i64>,
    /// When it was taken back.
    pub revoked_at: Option<i64>,
}

/// What becomes of a link by which somebody begins to take a file in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkUse {
    /// It was free, and is for this file now.
    New,
    /// It was for this file already: whoever began with it was stopped.
    Again,
    /// It is for another file, or does not hold.
    Refused,
}

/// The links, in the workspace's database.
#[derive(Debug, Clone)]
pub struct UploadLinks {
    pool: AnyPool,
}

const COLUMNS: &str = "id, token_sha256, holder, org_unit, into_what, period, as_of, made_by, made_at, expires_at, used_at, revoked_at";

impl UploadLinks {
    /// Opens the links in the workspace's database, making them where there are none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database
            .with_tables(&[
            "CREATE TABLE IF NOT EXISTS upload_links (id TEXT PRIMARY KEY, token_sha256 TEXT NOT NULL UNIQUE, holder TEXT NOT NULL, \
             org_unit TEXT NOT NULL, into_what TEXT NOT NULL, period TEXT NOT NULL, as_of BIGINT NOT NULL, made_by TEXT NOT NULL, \
             made_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT, revoked_at BIGINT)",
                "CREATE TABLE IF NOT EXISTS upload_link_uses (link_id TEXT PRIMARY KEY, file_id TEXT NOT NULL)",
            ])
            .await?;
        Ok(Self { pool })
    }

    /// Keeps a link.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(&self, link: &StoredUploadLink) -> Result<()> {
        sqlx::query(
            "INSERT INTO upload_links (id, token_sha256, holder, org_unit, into_what, period, as_of, made_by, made_at, expires_at, \
             used_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, NULL)",
        )
        .bind(&link.id)
        .bind(&link.token_sha256)
        .bind(&link.holder)
        .bind(&link.org_unit)
        .bind(&link.into)
        .bind(&link.period)
        .bind(i64::from(link.as_of))
        .bind(&link.made_by)
        .bind(link.made_at)
        .bind(link.expires_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// All links, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all(&self) -> Result<Vec<StoredUploadLink>> {
        let query = format!("SELECT {COLUMNS} FROM upload_links ORDER BY made_at DESC, id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(link).collect()
    }

    /// The link of a token's hash that holds: not used, taken back or too old.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn find(&self, token_sha256: &str, now: i64) -> Result<Option<StoredUploadLink>> {
        let query = format!(
            "SELECT {COLUMNS} FROM upload_links WHERE token_sha256 = $1 AND expires_at > $2 AND used_at IS NULL AND revoked_at IS NULL"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(token_sha256)
            .bind(now)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(link).transpose()
    }

    /// Begins to take a file in by a link that holds, which is for no other file until that is done or given back.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn begin(&self, id: &str, file_id: &str, now: i64) -> Result<LinkUse> {
        let begun = sqlx::query(
            "INSERT INTO upload_link_uses (link_id, file_id) SELECT id, CAST($1 AS TEXT) FROM upload_links \
             WHERE id = $2 AND expires_at > $3 AND used_at IS NULL AND revoked_at IS NULL ON CONFLICT (link_id) DO NOTHING",
        )
        .bind(file_id)
        .bind(id)
        .bind(now)
        .execute(&self.pool)
        .await?;
        if begun.rows_affected() > 0 {
            return Ok(LinkUse::New);
        }
        let query = "SELECT 1 FROM upload_link_uses WHERE link_id = $1 AND file_id = $2";
        let row = sqlx::query(query).bind(id).bind(file_id);
        let is_of_it = row.fetch_optional(&self.pool).await?.is_some();
        Ok(if is_of_it {
            LinkUse::Again
        } else {
            LinkUse::Refused
        })
    }

    /// The links by which a file is being taken in, or was when whoever did it was stopped, each with the file's identity.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn begun(&self) -> Result<Vec<(StoredUploadLink, String)>> {
        let query = format!(
            "SELECT {COLUMNS}, file_id FROM upload_links JOIN upload_link_uses ON link_id = id ORDER BY id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_all(&self.pool)
            .await?;
        let begun = rows.iter().map(|row| Ok((link(row)?, row.try_get(12)?)));
        begun.collect()
    }

    /// Uses a link up, since a file was taken in by it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn use_up(&self, id: &str, at: i64) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("UPDATE upload_links SET used_at = $1 WHERE id = $2 AND used_at IS NULL")
            .bind(at)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM upload_link_uses WHERE link_id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Lets a link hold for any file again, since nothing was taken in by it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn give_back(&self, id: &str) -> Result<()> {
        sqlx::query("DELETE FROM upload_link_uses WHERE link_id = $1")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Takes a link back. Returns whether it held until then.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn revoke(&self, id: &str, now: i64) -> Result<bool> {
        let revoked = sqlx::query(
            "UPDATE upload_links SET revoked_at = $1 WHERE id = $2 AND used_at IS NULL AND revoked_at IS NULL",
        )
        .bind(now)
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(revoked.rows_affected() > 0)
    }
}

fn link(row: &AnyRow) -> Result<StoredUploadLink> {
    let as_of: i64 = row.try_get(6)?;
    Ok(StoredUploadLink {
        id: row.try_get(0)?,
        token_sha256: row.try_get(1)?,
        holder: row.try_get(2)?,
        org_unit: row.try_get(3)?,
        into: row.try_get(4)?,
        period: row.try_get(5)?,
        as_of: i32::try_from(as_of).unwrap_or(0),
        made_by: row.try_get(7)?,
        made_at: row.try_get(8)?,
        expires_at: row.try_get(9)?,
        used_at: row.try_get(10)?,
        revoked_at: row.try_get(11)?,
    })
}
