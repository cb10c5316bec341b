//! The ledger of definitions: what the files of a workspace said, edition by edition, with who recorded it and when.
//!
//! Texts are kept once by their hash. An edition is never changed, so that a figure can be computed again by what was in force
//! then, whatever the files say now.

use std::collections::BTreeMap;

use keiki_model::text::Text;
use sha2::{Digest, Sha256};
use sqlx::any::Any;
use sqlx::{AnyPool, Row, Transaction};

use crate::database::Database;
use crate::error::{Result, StoreError};
use crate::requests::{Agreed, PutText};

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

/// Texts to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct NewEdition<'n> {
    /// The texts.
    pub texts: &'n Texts,
    /// When, UTC microseconds; an edition is not known before the one before it.
    pub now: i64,
    /// Who records them.
    pub author: &'n str,
    /// Why, where somebody says so.
    pub reason: Option<&'n str>,
    /// The request that is done by it.
    pub fulfils: Option<&'n Agreed>,
}

/// The edition that has the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EditionOf {
    /// Its number.
    pub number: i64,
    /// Whether it was recorded just now.
    pub is_new: bool,
}

impl EditionOf {
    /// Its number, if it was recorded just now.
    #[must_use]
    pub fn new_number(self) -> Option<i64> {
        self.is_new.then_some(self.number)
    }
}

/// The files of an edition, each with its hash.
type Hashes = BTreeMap<String, String>;

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

    /// Records texts as a new edition if they differ from the last one's. Where an earlier edition has them, `is_so_again` tells
    /// whether they hold once more: to who read them before they were changed they do not, and that edition is theirs.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn record(
        &self,
        new: NewEdition<'_>,
        is_so_again: impl FnOnce() -> bool + Send,
    ) -> Result<EditionOf> {
        let hashes = hashes(new.texts);
        let mut transaction = self.database.writing("editions").await?;
        let last = Last::read(&mut transaction).await?;
        if last.hashes == hashes {
            return Ok(last.again());
        }
        let earlier = with_hashes(&mut transaction, &hashes).await?;
        if let Some(number) = earlier.filter(|_| !is_so_again()) {
            return Ok(EditionOf {
                number,
                is_new: false,
            });
        }
        let edition = insert(&mut transaction, new, (&last, &hashes)).await?;
        transaction.commit().await?;
        Ok(edition)
    }

    /// Puts texts in their place and records them, so that nobody who reads them there records them first, or changes them between.
    ///
    /// # Errors
    /// The request that this was to do is done already, and they are not put there; they could not be put there, and nothing is recorded; or the database cannot be written.
    pub async fn record_as_put<E: From<StoreError>>(
        &self,
        new: NewEdition<'_>,
        put: impl FnOnce() -> std::result::Result<(), E> + Send,
    ) -> std::result::Result<EditionOf, E> {
        let hashes = hashes(new.texts);
        let mut transaction = self.database.writing("editions").await?;
        let last = Last::read(&mut transaction).await?;
        if let Some(agreed) = new.fulfils {
            agreed.done(&mut transaction).await?;
        }
        put()?;
        let edition = if last.hashes == hashes {
            last.again()
        } else {
            insert(&mut transaction, new, (&last, &hashes)).await?
        };
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(edition)
    }

    /// The last edition after another that has a file with a text of this hash.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn edition_with(&self, text: &PutText) -> Result<Option<i64>> {
        let query = "SELECT max(edition) FROM edition_files WHERE name = $1 AND sha256 = $2 AND edition > $3";
        let last = sqlx::query_scalar(query)
            .bind(&text.file)
            .bind(&text.sha256)
            .bind(text.after_edition);
        Ok(last.fetch_one(&self.pool).await?)
    }
}

/// The last edition; without number and files where there is none.
struct Last {
    number: i64,
    known_at: i64,
    hashes: Hashes,
}

impl Last {
    async fn read(transaction: &mut Transaction<'_, Any>) -> Result<Self> {
        let last =
            sqlx::query("SELECT number, known_at FROM editions ORDER BY number DESC LIMIT 1")
                .fetch_optional(&mut **transaction)
                .await?;
        let (number, known_at) = match &last {
            None => (0, i64::MIN),
            Some(row) => (row.try_get(0)?, row.try_get(1)?),
        };
        let rows = sqlx::query("SELECT name, sha256 FROM edition_files WHERE edition = $1")
            .bind(number)
            .fetch_all(&mut **transaction)
            .await?;
        let hashes = rows
            .iter()
            .map(|row| Ok::<_, StoreError>((row.try_get(0)?, row.try_get(1)?)));
        Ok(Self {
            number,
            known_at,
            hashes: hashes.collect::<Result<_>>()?,
        })
    }

    fn again(&self) -> EditionOf {
        EditionOf {
            number: self.number,
            is_new: false,
        }
    }
}

fn hashes(texts: &Texts) -> Hashes {
    let hashed = texts.iter();
    hashed
        .map(|(name, text)| (name.clone(), format!("{:x}", Sha256::digest(text))))
        .collect()
}

/// The latest edition whose files are these.
async fn with_hashes(
    transaction: &mut Transaction<'_, Any>,
    hashes: &Hashes,
) -> Result<Option<i64>> {
    let rows = sqlx::query("SELECT edition, name, sha256 FROM edition_files")
        .fetch_all(&mut **transaction)
        .await?;
    let mut all: BTreeMap<i64, Hashes> = BTreeMap::new();
    for row in &rows {
        let of = all.entry(row.try_get(0)?).or_default();
        of.insert(row.try_get(1)?, row.try_get(2)?);
    }
    let mut all = all.into_iter().rev();
    let same = all.find(|(_, known)| known == hashes);
    Ok(same.map(|(number, _)| number))
}

/// Writes an edition after the last.
async fn insert(
    transaction: &mut Transaction<'_, Any>,
    new: NewEdition<'_>,
    (last, hashes): (&Last, &Hashes),
) -> Result<EditionOf> {
    let number = last.number + 1;
    sqlx::query("INSERT INTO editions (number, known_at, author, reason) VALUES ($1, $2, $3, $4)")
        .bind(number)
        .bind(new.now.max(last.known_at))
        .bind(new.author)
        .bind(new.reason)
        .execute(&mut **transaction)
        .await?;
    for (name, hash) in hashes {
        if last.hashes.get(name) != Some(hash) {
            sqlx::query(
                "INSERT INTO contents (sha256, text) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(hash)
            .bind(compressed(&new.texts[name])?)
            .execute(&mut **transaction)
            .await?;
        }
        sqlx::query("INSERT INTO edition_files (edition, name, sha256) VALUES ($1, $2, $3)")
            .bind(number)
            .bind(name)
            .bind(hash)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(EditionOf {
        number,
        is_new: true,
    })
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
