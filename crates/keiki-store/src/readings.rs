//! How each source stands: when it was last read, every reading that came to nothing and why, and where the next one goes on.

use std::collections::BTreeMap;

use keiki_model::calendar::Day;
use keiki_model::text::Text;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::batches::Batch;
use crate::database::{Database, number};
use crate::error::Result;

/// Where a reading ended, as its connector wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The connector's own text.
    pub position: String,
    /// The definition under which it was reached; under another one, reading begins afresh.
    pub definition: String,
}

/// How a source stands. *Units*: instants are UTC microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// When it was last read.
    pub succeeded_at: Option<i64>,
    /// When it last could not be read, if that was after it was last read.
    pub failed_at: Option<i64>,
    /// How often it could not be read since.
    pub failures: u32,
    /// Why.
    pub reason: Option<Text>,
    /// Where the next reading goes on.
    pub cursor: Option<Cursor>,
}

/// What was tried when a reading came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// The source's own evidence, from where it has it: it counts for how the source stands.
    Source,
    /// Files that were named for once.
    Files,
}

/// Why a reading came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There was evidence, and it could not be used: it was refused.
    Evidence,
    /// There was none to be had: no file, no answer, a definition that is wrong.
    Access,
}

/// A reading that came to nothing. Nothing of it is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedReading {
    /// The source.
    pub source: String,
    /// The dataset.
    pub dataset: String,
    /// When it was tried, UTC microseconds.
    pub at: i64,
    /// The day that it would have spoken for; absent where nobody said.
    pub as_of: Option<Day>,
    /// The file or place at fault, where one is known.
    pub file: Option<String>,
    /// Why.
    pub reason: Text,
    /// Who tried.
    pub author: String,
    /// What was tried.
    pub tried: Tried,
    /// What was at fault.
    pub fault: Fault,
}

impl FailedReading {
    /// The first later batch of the same source, which mends it.
    #[must_use]
    pub fn mended_by<'b>(&self, batches: &'b [Batch]) -> Option<&'b Batch> {
        batches.iter().find(|batch| {
            batch.source == self.source && batch.dataset == self.dataset && batch.known_at > self.at
        })
    }
}

/// What tells whether other sources fail than before: the last failure, and which were made good. *Shape*: numbers that only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Troubles {
    failed: i64,
    settled: i64,
}

/// The book of readings, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Readings {
    pool: AnyPool,
}

/// Brings the table of an older version into today's form: what is known of successful readings stays.
async fn bring_up(pool: &AnyPool) -> Result<()> {
    let columns = sqlx::query("SELECT name FROM pragma_table_info('readings')");
    let columns = columns.fetch_all(pool).await?;
    let names = columns.iter().map(|row| row.try_get::<String, _>(0));
    let names = names.collect::<std::result::Result<Vec<String>, _>>()?;
    if names.is_empty() || names.iter().any(|name| name == "settled") {
        return Ok(());
    }
    let mut transaction = pool.begin().await?;
    for statement in [
        "ALTER TABLE readings RENAME TO readings_before",
        "CREATE TABLE readings (source TEXT PRIMARY KEY, succeeded_at INTEGER NOT NULL, position TEXT, \
         definition TEXT, settled INTEGER NOT NULL)",
        "INSERT INTO readings (source, succeeded_at, position, definition, settled) \
         SELECT source, succeeded_at, position, definition, 0 FROM readings_before WHERE succeeded_at IS NOT NULL",
        "DROP TABLE readings_before",
    ] {
        sqlx::query(statement).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// How long a claim stands that is not given up. *Units*: microseconds.
const CLAIM_STANDS: i64 = 60 * 60 * 1_000_000;

/// A source that was ever tried, with the failures since it was last read.
const STANDINGS: &str = include_str!("readings/standings.sql");

impl Readings {
    /// Opens the book, making it where there is none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        if database.is_file() {
            bring_up(database.pool().await?).await?;
        }
        // `settled` is the last failure that a later reading made good.
        let pool = database.with_tables(&[
            "CREATE TABLE IF NOT EXISTS readings (source TEXT PRIMARY KEY, succeeded_at INTEGER NOT NULL, position TEXT, \
             definition TEXT, settled INTEGER NOT NULL)",
            "CREATE TABLE IF NOT EXISTS failed_readings (number INTEGER PRIMARY KEY, source TEXT NOT NULL, \
             dataset TEXT NOT NULL, at INTEGER NOT NULL, as_of INTEGER, file TEXT, reason_ja TEXT NOT NULL, \
             reason_en TEXT NOT NULL, author TEXT NOT NULL, is_of_source INTEGER NOT NULL, is_refused INTEGER NOT NULL)",
            "CREATE TABLE IF NOT EXISTS reading_claims (source TEXT PRIMARY KEY, claimant TEXT NOT NULL, claimed_at INTEGER NOT NULL)",
        ]).await?;
        Ok(Self { pool })
    }

    /// How every source stands that was ever tried.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all(&self) -> Result<BTreeMap<String, Standing>> {
        let rows = sqlx::query(STANDINGS).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("source")?, standing(row)?)))
            .collect()
    }

    /// How a source stands; nothing is known of one that was never tried.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn of(&self, source: &str) -> Result<Standing> {
        Ok(self.all().await?.remove(source).unwrap_or_default())
    }

    /// Tells whether other sources fail than before.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn troubles(&self) -> Result<Troubles> {
        let query = "SELECT (SELECT coalesce(max(number), 0) FROM failed_readings), \
                     (SELECT CAST(coalesce(sum(settled), 0) AS BIGINT) FROM readings)";
        let row = sqlx::query(query).fetch_one(&self.pool).await?;
        Ok(Troubles {
            failed: row.try_get(0)?,
            settled: row.try_get(1)?,
        })
    }

    /// A name under which to claim sources, as no other has it.
    #[must_use]
    pub fn new_claimant() -> String {
        uuid::Uuid::new_v4().to_string()
    }

    /// Claims a source that is due, so that of several servers one reads it. Returns whether it is the claimant's: a claim of
    /// somebody else stands for an hour, since who made it may have been stopped.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn claim(&self, source: &str, claimant: &str, now: i64) -> Result<bool> {
        let claimed = sqlx::query(
            "INSERT INTO reading_claims (source, claimant, claimed_at) VALUES ($1, $2, $3) \
             ON CONFLICT (source) DO UPDATE SET claimant = excluded.claimant, claimed_at = excluded.claimed_at \
             WHERE reading_claims.claimed_at <= $4",
        )
        .bind(source)
        .bind(claimant)
        .bind(now)
        .bind(now.saturating_sub(CLAIM_STANDS))
        .execute(&self.pool)
        .await?;
        Ok(claimed.rows_affected() == 1)
    }

    /// Gives up what somebody has claimed.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn release(&self, claimant: &str) -> Result<()> {
        sqlx::query("DELETE FROM reading_claims WHERE claimant = $1")
            .bind(claimant)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Records that a source was read and its evidence is in the journal.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn succeeded(&self, source: &str, now: i64, cursor: Option<&Cursor>) -> Result<()> {
        sqlx::query(
            "INSERT INTO readings (source, succeeded_at, position, definition, settled) VALUES ($1, $2, $3, $4, \
             coalesce((SELECT max(number) FROM failed_readings WHERE source = $1), 0)) \
             ON CONFLICT (source) DO UPDATE SET succeeded_at = excluded.succeeded_at, position = excluded.position, \
             definition = excluded.definition, settled = excluded.settled",
        )
        .bind(source)
        .bind(now)
        .bind(cursor.map(|cursor| cursor.position.as_str()))
        .bind(cursor.map(|cursor| cursor.definition.as_str()))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Records that a reading came to nothing, and why. Where the next one goes on stays as it was.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn failed(&self, failed: &FailedReading) -> Result<()> {
        sqlx::query(
            "INSERT INTO failed_readings (source, dataset, at, as_of, file, reason_ja, reason_en, author, is_of_source, \
             is_refused) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&failed.source)
        .bind(&failed.dataset)
        .bind(failed.at)
        .bind(failed.as_of)
        .bind(&failed.file)
        .bind(&failed.reason.ja)
        .bind(&failed.reason.en)
        .bind(&failed.author)
        .bind(number(failed.tried == Tried::Source))
        .bind(number(failed.fault == Fault::Evidence))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The readings whose evidence was refused, in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn refused(&self) -> Result<Vec<FailedReading>> {
        let rows =
            sqlx::query("SELECT * FROM failed_readings WHERE is_refused = 1 ORDER BY number")
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(failed_reading).collect()
    }
}

fn failed_reading(row: &AnyRow) -> Result<FailedReading> {
    let is_of_source: i64 = row.try_get("is_of_source")?;
    let is_refused: i64 = row.try_get("is_refused")?;
    Ok(FailedReading {
        source: row.try_get("source")?,
        dataset: row.try_get("dataset")?,
        at: row.try_get("at")?,
        as_of: row.try_get("as_of")?,
        file: row.try_get("file")?,
        reason: Text {
            ja: row.try_get("reason_ja")?,
            en: row.try_get("reason_en")?,
        },
        author: row.try_get("author")?,
        tried: if is_of_source == 1 {
            Tried::Source
        } else {
            Tried::Files
        },
        fault: if is_refused == 1 {
            Fault::Evidence
        } else {
            Fault::Access
        },
    })
}

fn standing(row: &AnyRow) -> Result<Standing> {
    let (ja, en): (Option<String>, Option<String>) =
        (row.try_get("reason_ja")?, row.try_get("reason_en")?);
    let (position, definition): (Option<String>, Option<String>) =
        (row.try_get("position")?, row.try_get("definition")?);
    let failures: i64 = row.try_get("failures")?;
    Ok(Standing {
        succeeded_at: row.try_get("succeeded_at")?,
        failed_at: row.try_get("failed_at")?,
        failures: u32::try_from(failures).unwrap_or(u32::MAX),
        reason: ja.zip(en).map(|(ja, en)| Text::new(ja, en)),
        cursor: position
            .zip(definition)
            .map(|(position, definition)| Cursor {
                position,
                definition,
            }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(at: i64, tried: Tried, fault: Fault) -> FailedReading {
        FailedReading {
            source: "assets".to_owned(),
            dataset: "assets".to_owned(),
            at,
            as_of: None,
            file: None,
            reason: Text::new(format!("理由{at}"), format!("reason {at}")),
            author: "somebody".to_owned(),
            tried,
            fault,
        }
    }

    #[tokio::test]
    async fn of_several_that_would_read_a_source_one_has_it_until_it_gives_it_up_or_an_hour_is_over()
     {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let place = folder.path().join("keiki.db");
        let open = async || {
            let readings = Readings::open(&Database::file(&place)).await;
            readings.expect("the book opens")
        };
        let (one, other) = (open().await, open().await);
        let claim = async |readings: &Readings, who: &str, now: i64| {
            let claimed = readings.claim("assets", who, now).await;
            claimed.expect("the book can be written")
        };
        assert!(claim(&one, "one", 0).await);
        assert!(!claim(&other, "other", 1).await);
        one.release("one").await.expect("the book can be written");
        assert!(claim(&other, "other", 2).await);
        // Who was stopped in the midst of it does not keep it.
        assert!(!claim(&one, "one", 1 + CLAIM_STANDS).await);
        assert!(claim(&one, "one", 2 + CLAIM_STANDS).await);
        // It is another's now.
        other
            .release("other")
            .await
            .expect("the book can be written");
        assert!(!claim(&other, "other", 3 + CLAIM_STANDS).await);
    }

    #[tokio::test]
    async fn what_failed_is_told_until_the_source_is_read_and_what_was_refused_for_ever() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let readings = Readings::open(&Database::file(&folder.path().join("keiki.db")))
            .await
            .expect("the book opens");
        let state = async || readings.of("assets").await.expect("the book can be read");
        assert_eq!(state().await, Standing::default());
        for one in [
            failed(1, Tried::Source, Fault::Access),
            failed(2, Tried::Source, Fault::Evidence),
            failed(3, Tried::Files, Fault::Evidence),
        ] {
            readings.failed(&one).await.expect("it can be noted");
        }
        let found = state().await;
        assert_eq!((found.failures, found.failed_at), (2, Some(2)));
        assert_eq!(
            found.reason.map(|text| text.en).as_deref(),
            Some("reason 2")
        );
        readings
            .succeeded("assets", 4, None)
            .await
            .expect("it can be noted");
        let found = state().await;
        assert_eq!((found.failures, found.failed_at), (0, None));
        assert_eq!(found.succeeded_at, Some(4));
        // A reading that fails in the same instant is one after it.
        let again = failed(4, Tried::Source, Fault::Access);
        readings.failed(&again).await.expect("it can be noted");
        assert_eq!(
            (state().await.failures, state().await.failed_at),
            (1, Some(4))
        );
        let refused = readings.refused().await.expect("the book can be read");
        let at: Vec<i64> = refused.iter().map(|one| one.at).collect();
        assert_eq!(at, [2, 3]);
    }
}
