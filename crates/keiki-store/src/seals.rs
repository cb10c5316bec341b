//! What proves that statements are what they were: signatures, time stamps, and lists of the journal's files with their hashes.

use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::{Result, StoreError};

/// What a seal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealKind {
    /// An Ed25519 signature.
    Signature,
    /// A time stamp of an outside authority (RFC 3161).
    TimeStamp,
}

impl SealKind {
    /// The word in the database and in bundles.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Signature => "ed25519",
            Self::TimeStamp => "rfc3161",
        }
    }
}

/// A seal on an event of the book of statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The number of the event.
    pub event: i64,
    /// What it is.
    pub kind: SealKind,
    /// When it was put there, UTC microseconds.
    pub at: i64,
    /// Who put it there.
    pub by: String,
    /// The public key, or the certificates of the authorities that are trusted; as PEM.
    pub key: String,
    /// The signature, or the token.
    pub data: Vec<u8>,
}

/// The book of seals, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Seals {
    pool: AnyPool,
}

impl Seals {
    /// Opens the book, making it where there is none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database.with_tables(&[
            "CREATE TABLE IF NOT EXISTS seals (event INTEGER NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, \
             author TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL)",
            "CREATE TABLE IF NOT EXISTS journal_listings (sha256 TEXT PRIMARY KEY, text BLOB NOT NULL)",
        ]).await?;
        Ok(Self { pool })
    }

    /// All seals, in the order of events.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all(&self) -> Result<Vec<Seal>> {
        let rows =
            sqlx::query("SELECT event, kind, at, author, key, data FROM seals ORDER BY event, at")
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(seal).collect()
    }

    /// Adds a seal.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(&self, seal: &Seal) -> Result<()> {
        sqlx::query(
            "INSERT INTO seals (event, kind, at, author, key, data) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(seal.event)
        .bind(seal.kind.code())
        .bind(seal.at)
        .bind(&seal.by)
        .bind(&seal.key)
        .bind(&seal.data)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps a listing of the journal's files under its hash, which is returned.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn keep_listing(&self, text: &str) -> Result<String> {
        let sha256 = format!("{:x}", Sha256::digest(text));
        let packed =
            zstd::encode_all(text.as_bytes(), zstd::DEFAULT_COMPRESSION_LEVEL).map_err(|e| {
                StoreError::damaged(
                    format!("ファイル一覧を圧縮できません: {e}"),
                    format!("a listing cannot be compressed: {e}"),
                )
            })?;
        sqlx::query(
            "INSERT INTO journal_listings (sha256, text) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(&sha256)
        .bind(packed)
        .execute(&self.pool)
        .await?;
        Ok(sha256)
    }

    /// The listing of a hash. *Shape*: `None` where it is missing or is not what its hash says.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn listing(&self, sha256: &str) -> Result<Option<String>> {
        let row = sqlx::query("SELECT text FROM journal_listings WHERE sha256 = $1")
            .bind(sha256)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let packed: Vec<u8> = row.try_get(0)?;
        let text = zstd::decode_all(packed.as_slice()).ok();
        let text = text.and_then(|text| String::from_utf8(text).ok());
        Ok(text.filter(|text| format!("{:x}", Sha256::digest(text)) == sha256))
    }
}

fn seal(row: &AnyRow) -> Result<Seal> {
    let kind: String = row.try_get(1)?;
    let event = row.try_get(0)?;
    let kinds = [SealKind::Signature, SealKind::TimeStamp];
    let kind = kinds.into_iter().find(|one| one.code() == kind);
    Ok(Seal {
        event,
        kind: kind.ok_or_else(|| {
            StoreError::damaged(
                format!("報告書の履歴 {event} の署名等の種類が不明です"),
                format!("a seal of event {event} is of no known kind"),
            )
        })?,
        at: row.try_get(2)?,
        by: row.try_get(3)?,
        key: row.try_get(4)?,
        data: row.try_get(5)?,
    })
}
