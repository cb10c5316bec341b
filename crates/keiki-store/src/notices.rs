//! What was told to whom, so that nobody is told the same twice; and how figures stood when they were last looked at.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::Result;

/// How a figure stands, and how it stood before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenStatus {
    /// The period.
    pub period: String,
    /// How it stands.
    pub status: String,
    /// How it stood before; `None` where it was never looked at before.
    pub before: Option<String>,
    /// When that changed, UTC microseconds.
    pub since: i64,
}

/// A message to somebody, from when somebody takes it upon themselves to send it until it is known to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsettledMessage {
    /// What tells it from others; the same for the same things told to the same recipient.
    pub id: String,
    /// To whom.
    pub recipient: String,
    /// When it was last taken upon themselves, UTC microseconds.
    pub claimed_at: i64,
    /// What it tells, in order.
    pub notices: Vec<String>,
}

/// The ledger of notices, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Notices {
    pool: AnyPool,
}

impl Notices {
    /// Opens the ledger, making it where there is none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database.with_tables(&[
            "CREATE TABLE IF NOT EXISTS sent_notices (recipient TEXT NOT NULL, notice TEXT NOT NULL, sent_at BIGINT NOT NULL, \
             PRIMARY KEY (recipient, notice))",
            "CREATE TABLE IF NOT EXISTS seen_statuses (figure TEXT PRIMARY KEY, period TEXT NOT NULL, status TEXT NOT NULL, \
             before TEXT, since BIGINT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS notice_claims (recipient TEXT NOT NULL, notice TEXT NOT NULL, message TEXT NOT NULL, \
             claimed_at BIGINT NOT NULL, PRIMARY KEY (recipient, notice))",
        ]).await?;
        Ok(Self { pool })
    }

    /// Whether something was told to somebody.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn is_sent(&self, recipient: &str, notice: &str) -> Result<bool> {
        let query = "SELECT 1 FROM sent_notices WHERE recipient = $1 AND notice = $2";
        let row = sqlx::query(query)
            .bind(recipient)
            .bind(notice)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// When somebody was last told something, UTC microseconds; `None` where that never happened.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn last(&self, recipient: &str) -> Result<Option<i64>> {
        let query = "SELECT max(sent_at) FROM sent_notices WHERE recipient = $1";
        let last = sqlx::query_scalar(query).bind(recipient);
        Ok(last.fetch_one(&self.pool).await?)
    }

    /// Takes it upon oneself to tell somebody those of some things that nobody has told or is telling, all of them or, where that fails,
    /// none: of two who try at the same time, one does. `None` where there are none.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn claim(
        &self,
        recipient: &str,
        notices: &[&str],
        now: i64,
    ) -> Result<Option<UnsettledMessage>> {
        let mut transaction = self.pool.begin().await?;
        let mut claimed = Vec::with_capacity(notices.len());
        for notice in notices {
            let added = sqlx::query(
                "INSERT INTO sent_notices (recipient, notice, sent_at) VALUES ($1, $2, $3) ON CONFLICT (recipient, notice) DO NOTHING",
            )
            .bind(recipient)
            .bind(*notice)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
            if added.rows_affected() > 0 {
                claimed.push((*notice).to_owned());
            }
        }
        if claimed.is_empty() {
            return Ok(None);
        }
        claimed.sort();
        let id = message_id(recipient, &claimed);
        for notice in &claimed {
            sqlx::query(
                "INSERT INTO notice_claims (recipient, notice, message, claimed_at) VALUES ($1, $2, $3, $4)",
            )
            .bind(recipient)
            .bind(notice)
            .bind(&id)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(Some(UnsettledMessage {
            id,
            recipient: recipient.to_owned(),
            claimed_at: now,
            notices: claimed,
        }))
    }

    /// Takes a message upon oneself that somebody else took upon themselves and never settled. Returns whether nobody else did meanwhile.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn claim_again(&self, message: &UnsettledMessage, now: i64) -> Result<bool> {
        let claimed = sqlx::query(
            "UPDATE notice_claims SET claimed_at = $1 WHERE recipient = $2 AND message = $3 AND claimed_at = $4",
        )
        .bind(now)
        .bind(&message.recipient)
        .bind(&message.id)
        .bind(message.claimed_at)
        .execute(&self.pool)
        .await?;
        Ok(claimed.rows_affected() > 0)
    }

    /// The messages that are being sent, or of which it is not known whether they were.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn unsettled(&self) -> Result<Vec<UnsettledMessage>> {
        let query = "SELECT recipient, message, claimed_at, notice FROM notice_claims ORDER BY recipient, message, notice";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        let mut messages: Vec<UnsettledMessage> = Vec::new();
        for row in &rows {
            let (recipient, id): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let notice = row.try_get(3)?;
            match messages.last_mut() {
                Some(last) if last.recipient == recipient && last.id == id => {
                    last.notices.push(notice);
                }
                _ => messages.push(UnsettledMessage {
                    id,
                    recipient,
                    claimed_at: row.try_get(2)?,
                    notices: vec![notice],
                }),
            }
        }
        Ok(messages)
    }

    /// Writes down that a message was sent, or that nobody sends it any more.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn settle(&self, message: &UnsettledMessage) -> Result<()> {
        sqlx::query("DELETE FROM notice_claims WHERE recipient = $1 AND message = $2")
            .bind(&message.recipient)
            .bind(&message.id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Gives up a message that could not be sent, so that what it tells is told another time.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn release(&self, message: &UnsettledMessage) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "DELETE FROM sent_notices WHERE recipient = $1 AND notice IN \
             (SELECT notice FROM notice_claims WHERE recipient = $1 AND message = $2)",
        )
        .bind(&message.recipient)
        .bind(&message.id)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM notice_claims WHERE recipient = $1 AND message = $2")
            .bind(&message.recipient)
            .bind(&message.id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// How figures stood when they were last looked at, by KPI, indicator and org unit.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn statuses(&self) -> Result<BTreeMap<String, SeenStatus>> {
        let query = "SELECT figure, period, status, before, since FROM seen_statuses";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        let seen = rows.iter().map(|row| {
            let status = SeenStatus {
                period: row.try_get(1)?,
                status: row.try_get(2)?,
                before: row.try_get(3)?,
                since: row.try_get(4)?,
            };
            Ok((row.try_get(0)?, status))
        });
        seen.collect()
    }

    /// Writes down how figures stand.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn see(&self, figures: &[(String, SeenStatus)]) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        for (figure, seen) in figures {
            sqlx::query(
                "INSERT INTO seen_statuses (figure, period, status, before, since) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (figure) DO UPDATE SET period = excluded.period, status = excluded.status, \
                 before = excluded.before, since = excluded.since",
            )
            .bind(figure)
            .bind(&seen.period)
            .bind(&seen.status)
            .bind(&seen.before)
            .bind(seen.since)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// What tells the message of some things to somebody from others, whoever sends it and however often.
fn message_id(recipient: &str, notices: &[String]) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(recipient).chain(notices.iter().map(String::as_str)) {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let mut id = format!("{:x}", hash.finalize());
    id.truncate(32);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn where_not_all_can_be_claimed_none_is() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let database = Database::file(&folder.path().join("keiki.db"));
        let notices = Notices::open(&database).await.expect("it opens");
        let breaking = "CREATE TRIGGER breaking BEFORE INSERT ON sent_notices WHEN new.notice = 'second' \
                        BEGIN SELECT raise(ABORT, 'the disk is full'); END";
        let made = sqlx::query(breaking).execute(&notices.pool).await;
        made.expect("it is made");
        let claimed = notices.claim("account:1", &["first", "second"], 1).await;
        assert!(claimed.is_err(), "{claimed:?}");
        // Nobody tells it now, and it is told the next time.
        let is_sent = notices.is_sent("account:1", "first").await;
        assert!(!is_sent.expect("it is read"));
    }
}
