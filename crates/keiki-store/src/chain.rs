//! A book of texts in the order in which they came, each bound by a hash to the one before it, so that none can be changed or
//! taken out unseen.

use keiki_model::text::Text;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, AssertSqlSafe, Row};

use crate::database::Database;
use crate::error::{Result, StoreError};
use crate::requests::Agreed;

/// The book, a table of the workspace's database.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    database: Database,
    pool: AnyPool,
    table: &'static str,
    topic: &'static str,
}

/// A text with its place in the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// Its number, from 1.
    pub(crate) number: i64,
    /// What it is filed under.
    pub(crate) topic: String,
    /// The hash that binds it to the one before it.
    pub(crate) sha256: String,
    /// The text.
    pub(crate) text: Vec<u8>,
}

impl Chain {
    /// Opens the book, making it where there is none. `table` and `topic`, the column of what texts are filed under, are names
    /// that the program chose.
    pub(crate) async fn open(
        database: &Database,
        table: &'static str,
        topic: &'static str,
    ) -> Result<Self> {
        let make = format!(
            "CREATE TABLE IF NOT EXISTS {table} (number INTEGER PRIMARY KEY, {topic} TEXT NOT NULL, \
             sha256 TEXT NOT NULL, event BLOB NOT NULL)"
        );
        let pool = database.with_tables(&[&make]).await?;
        let database = database.clone();
        Ok(Self {
            database,
            pool,
            table,
            topic,
        })
    }

    /// The texts in order; with a topic, those filed under it.
    pub(crate) async fn links(&self, topic: Option<&str>) -> Result<Vec<Link>> {
        let Self {
            table, topic: of, ..
        } = self;
        let query = format!(
            "SELECT number, {of}, sha256, event FROM {table} WHERE $1 IS NULL OR {of} = $1 ORDER BY number"
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(topic)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| self.link(row)).collect()
    }

    /// The texts before a number, the latest first; `None` = from the last one on.
    pub(crate) async fn links_before(&self, number: Option<i64>, count: u32) -> Result<Vec<Link>> {
        let Self {
            table, topic: of, ..
        } = self;
        let query = format!(
            "SELECT number, {of}, sha256, event FROM {table} WHERE $1 IS NULL OR number < $1 \
             ORDER BY number DESC LIMIT $2"
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(number)
            .bind(i64::from(count))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| self.link(row)).collect()
    }

    /// The number of the last text; `None` where there is none.
    pub(crate) async fn last_number(&self) -> Result<Option<i64>> {
        let query = format!("SELECT max(number) FROM {}", self.table);
        let last = sqlx::query_scalar(AssertSqlSafe(query));
        Ok(last.fetch_one(&self.pool).await?)
    }

    fn link(&self, row: &AnyRow) -> Result<Link> {
        let number: i64 = row.try_get(0)?;
        let packed: Vec<u8> = row.try_get(3)?;
        let text = zstd::decode_all(packed.as_slice())
            .map_err(|error| self.damaged(number, &error.to_string()))?;
        Ok(Link {
            number,
            topic: row.try_get(1)?,
            sha256: row.try_get(2)?,
            text,
        })
    }

    /// An event that cannot be read.
    pub(crate) fn damaged(&self, number: i64, why: &str) -> StoreError {
        StoreError::damaged(
            format!("{} の記録{number}: {why}", self.table),
            format!("event {number} of {}: {why}", self.table),
        )
    }

    /// Adds a text. `last` is the number of the last event that the caller has seen: of the topic, or of the whole book.
    ///
    /// # Errors
    /// Somebody else has added one meanwhile, or the database cannot be written.
    pub(crate) async fn add(&self, topic: &str, text: &[u8], seen: Seen) -> Result<(i64, String)> {
        self.add_as_agreed(topic, text, seen, None).await
    }

    /// The same, by which a request is done where there is one.
    pub(crate) async fn add_as_agreed(
        &self,
        topic: &str,
        text: &[u8],
        seen: Seen,
        fulfils: Option<&Agreed>,
    ) -> Result<(i64, String)> {
        let Self {
            table, topic: of, ..
        } = self;
        let mut transaction = self.database.writing(table).await?;
        if let Some(agreed) = fulfils {
            agreed.done(&mut transaction).await?;
        }
        let asked = match seen {
            Seen::OfTopic(last) => Some((
                format!("SELECT max(number) FROM {table} WHERE {of} = $1"),
                last,
            )),
            Seen::OfAll(last) => Some((
                format!("SELECT max(number) FROM {table} WHERE $1 IS NOT NULL"),
                last,
            )),
            Seen::Whatever => None,
        };
        if let Some((query, expected)) = asked {
            let found: Option<i64> = sqlx::query_scalar(AssertSqlSafe(query))
                .bind(topic)
                .fetch_one(&mut *transaction)
                .await?;
            if found != expected {
                return Err(StoreError::StatementMoved(topic.to_owned()));
            }
        }
        let query = format!("SELECT number, sha256 FROM {table} ORDER BY number DESC LIMIT 1");
        let last = sqlx::query(AssertSqlSafe(query))
            .fetch_optional(&mut *transaction)
            .await?;
        let (number, before): (i64, String) = match &last {
            None => (1, String::new()),
            Some(row) => (row.try_get::<i64, _>(0)? + 1, row.try_get(1)?),
        };
        let sha256 = bound(&before, text);
        let packed = zstd::encode_all(text, zstd::DEFAULT_COMPRESSION_LEVEL)
            .map_err(|error| self.damaged(number, &error.to_string()))?;
        let query =
            format!("INSERT INTO {table} (number, {of}, sha256, event) VALUES ($1, $2, $3, $4)");
        sqlx::query(AssertSqlSafe(query))
            .bind(number)
            .bind(topic)
            .bind(&sha256)
            .bind(packed)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok((number, sha256))
    }

    /// Follows the hashes. *Shape*: the number of the first event that does not fit, with why; `None` = all fit. `is_filed`
    /// tells whether a text is one of its topic.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) async fn broken(
        &self,
        is_filed: impl Fn(&[u8], &str) -> bool,
    ) -> Result<Option<(i64, Text)>> {
        let Self {
            table, topic: of, ..
        } = self;
        let query = format!("SELECT number, {of}, sha256, event FROM {table} ORDER BY number");
        let rows = sqlx::query(AssertSqlSafe(query))
            .fetch_all(&self.pool)
            .await?;
        let mut before = String::new();
        for (row, expected) in rows.iter().zip(1_i64..) {
            let number: i64 = row.try_get(0)?;
            let why = |ja: &str, en: &str| Ok(Some((number, Text::new(ja, en))));
            if number != expected {
                return Ok(Some((
                    expected,
                    Text::new("記録がありません", "it is missing"),
                )));
            }
            let Ok(link) = self.link(row) else {
                return why("内容を読めません", "its text cannot be read");
            };
            if bound(&before, &link.text) != link.sha256 {
                return why(
                    "この記録か直前の記録の内容が、記録時と一致しません",
                    "its text, or that of the one before it, is not what was recorded",
                );
            }
            if !is_filed(&link.text, &link.topic) {
                return why(
                    "別の項目の記録として保存されています",
                    "it is filed under another topic",
                );
            }
            before = link.sha256;
        }
        Ok(None)
    }
}

/// The last event that a writer has seen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen {
    /// Of the topic.
    OfTopic(Option<i64>),
    /// Of the whole book.
    OfAll(Option<i64>),
    /// It writes what is so whatever came before.
    Whatever,
}

/// The hash of a text that comes after another hash.
pub(crate) fn bound(before: &str, text: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(b"\n");
    hash.update(text);
    format!("{:x}", hash.finalize())
}
