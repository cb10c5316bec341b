//! The ledger of definitions: what the files of a workspace said, edition by edition, with who recorded it and when.
//!
//! Texts are kept once by their hash. An edition is never changed, so that a figure can be computed again by what was in force
//! then, whatever the files say now.

use std::collections::BTreeMap;

use keiki_model::text::Text;
use sha2::{Digest, Sha256};
use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::{Result, StoreError};

/// The texts of a workspace's files, by name.
pub type Texts = BTreeMap<String, String>;

/// One recorded state of all files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Its number, from 1.
    pub number: i64,
    /// When it was recorded, UTC microseconds.
    pub known_at: i64,
    /// Who recorded it.
    pub author: String,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

/// The ledger.
#[derive(Debug, Clone)]
pub struct Ledger {
    database: Database,
    pool: AnyPool,
}

impl Ledger {
    /// Opens the ledger in the workspace's database, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database.with_tables(&[
            "CREATE TABLE IF NOT EXISTS contents (sha256 TEXT PRIMARY KEY, text BLOB NOT NULL)",
            "CREATE TABLE IF NOT EXISTS editions (number INTEGER PRIMARY KEY, known_at INTEGER NOT NULL, \
             author TEXT NOT NULL, reason TEXT)",
            "CREATE TABLE IF NOT EXISTS edition_files (edition INTEGER NOT NULL, name TEXT NOT NULL, \
             sha256 TEXT NOT NULL, PRIMARY KEY (edition, name))",
        ]).await?;
        let database = database.clone();
        Ok(Self { database, pool })
    }

    /// All editions in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn editions(&self) -> Result<Vec<Edition>> {
        let rows =
            sqlx::query("SELECT number, known_at, author, reason FROM editions ORDER BY number")
                .fetch_all(&self.pool)
                .await?;
        rows.iter()
            .map(|row| {
                Ok(Edition {
                    number: row.try_get(0)?,
                    known_at: row.try_get(1)?,
                    author: row.try_get(2)?,
                    reason: row.try_get(3)?,
                })
            })
            .collect()
    }

    /// The edition in force at an instant: the last that was recorded by then, or the first of all.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn at(&self, known_at: i64) -> Result<Option<Edition>> {
        let editions = self.editions().await?;
        let by_then = editions.iter().rev().find(|e| e.known_at <= known_at);
        Ok(by_then.or(editions.first()).cloned())
    }

    /// The texts of an edition.
    ///
    /// # Errors
    /// There is no such edition, or the database cannot be read.
    pub async fn texts(&self, number: i64) -> Result<Texts> {
        let rows = sqlx::query(
            "SELECT f.name, c.text FROM edition_files f JOIN contents c ON c.sha256 = f.sha256 WHERE f.edition = $1",
        )
        .bind(number)
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() {
            return Err(StoreError::damaged(
                format!("定義の第{number}版がありません"),
                format!("the ledger has no edition {number}"),
            ));
        }
        rows.iter()
            .map(|row| {
                let damaged = || {
                    StoreError::damaged(
                        format!("定義の第{number}版を読めません"),
                        format!("edition {number} cannot be read"),
                    )
                };
                let bytes: Vec<u8> = row.try_get(1)?;
                let text = zstd::decode_all(bytes.as_slice()).map_err(|_| damaged())?;
                let text = String::from_utf8(text).map_err(|_| damaged())?;
                Ok((row.try_get(0)?, text))
            })
            .collect()
    }

    /// Records the texts as a new edition if they differ from the last one's. Returns its number, or `None`.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn record(
        &self,
        texts: &Texts,
        now: i64,
        author: &str,
        reason: Option<&str>,
    ) -> Result<Option<i64>> {
        let hashes: BTreeMap<&str, String> = texts
            .iter()
            .map(|(name, text)| (name.as_str(), format!("{:x}", Sha256::digest(text))))
            .collect();
        let mut transaction = self.database.writing("editions").await?;
        let last =
            sqlx::query("SELECT number, known_at FROM editions ORDER BY number DESC LIMIT 1")
                .fetch_optional(&mut *transaction)
                .await?;
        let (number, known_at) = match &last {
            None => (0, i64::MIN),
            Some(row) => (row.try_get(0)?, row.try_get(1)?),
        };
        let rows = sqlx::query("SELECT name, sha256 FROM edition_files WHERE edition = $1")
            .bind(number)
            .fetch_all(&mut *transaction)
            .await?;
        let known: BTreeMap<String, String> = rows
            .iter()
            .map(|row| Ok::<_, StoreError>((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_>>()?;
        let is_same = known.len() == hashes.len()
            && hashes
                .iter()
                .all(|(name, hash)| known.get(*name) == Some(hash));
        if is_same {
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO editions (number, known_at, author, reason) VALUES ($1, $2, $3, $4)",
        )
        .bind(number + 1)
        .bind(now.max(known_at))
        .bind(author)
        .bind(reason)
        .execute(&mut *transaction)
        .await?;
        for (name, hash) in &hashes {
            if known.get(*name) != Some(hash) {
                sqlx::query(
                    "INSERT INTO contents (sha256, text) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                )
                .bind(hash)
                .bind(compressed(&texts[*name])?)
                .execute(&mut *transaction)
                .await?;
            }
            sqlx::query("INSERT INTO edition_files (edition, name, sha256) VALUES ($1, $2, $3)")
                .bind(number + 1)
                .bind(*name)
                .bind(hash)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(Some(number + 1))
    }
}

impl Ledger {
    /// The hash of an edition: over its files' names and hashes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn digest(&self, number: i64) -> Result<String> {
        let rows =
            sqlx::query("SELECT name, sha256 FROM edition_files WHERE edition = $1 ORDER BY name")
                .bind(number)
                .fetch_all(&self.pool)
                .await?;
        let mut texts = Vec::new();
        for row in &rows {
            texts.push((row.try_get(0)?, row.try_get(1)?));
        }
        Ok(digest_of(texts))
    }

    /// Looks whether every text is what its hash says. *Shape*: the first edition that does not fit, with why.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn broken(&self) -> Result<Option<(i64, Text)>> {
        let rows = sqlx::query(
            "SELECT f.edition, f.name, f.sha256, c.text FROM edition_files f \
             LEFT JOIN contents c ON c.sha256 = f.sha256 ORDER BY f.edition, f.name",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut sound = std::collections::HashSet::new();
        for row in &rows {
            let (edition, name, sha256): (i64, String, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            if sound.contains(&sha256) {
                continue;
            }
            let packed: Option<Vec<u8>> = row.try_get(3)?;
            let text = packed.and_then(|packed| zstd::decode_all(packed.as_slice()).ok());
            if text.is_none_or(|text| format!("{:x}", Sha256::digest(text)) != sha256) {
                let why = Text::new(
                    format!("{name} の内容が記録時と異なります"),
                    format!("the text of {name} is not what was recorded"),
                );
                return Ok(Some((edition, why)));
            }
            sound.insert(sha256);
        }
        Ok(None)
    }
}

/// The hash of an edition whose files have these names and hashes, in any order.
#[must_use]
pub fn digest_of(mut texts: Vec<(String, String)>) -> String {
    texts.sort();
    let mut hash = Sha256::new();
    for (name, sha256) in texts {
        hash.update(format!("{sha256}  {name}\n"));
    }
    format!("{:x}", hash.finalize())
}

fn compressed(text: &str) -> Result<Vec<u8>> {
    zstd::encode_all(text.as_bytes(), zstd::DEFAULT_COMPRESSION_LEVEL).map_err(|e| {
        StoreError::damaged(
            format!("定義を圧縮できません: {e}"),
            format!("a text cannot be compressed: {e}"),
        )
    })
}
