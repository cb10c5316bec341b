//! The book of statements: every close and every reopening in the order in which they happened, each bound by a hash to the
//! one before it, so that none can be changed or taken out unseen.

use keiki_model::restatement::{Cause, Restatement};
use keiki_model::statement::{Obstacle, Statement};
use keiki_model::text::Text;
use serde::{Deserialize, Serialize};

use crate::chain::{Chain, Link, Seen, bound};
use crate::database::Database;
use crate::error::{Result, StoreError};
use crate::requests::Agreed;

/// What happened to a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every event is a statement"
)]
pub enum Event {
    /// It was closed.
    Closed(Statement),
    /// It was opened again.
    Reopened {
        /// The period as written.
        period: String,
        /// When, UTC microseconds.
        at: i64,
        /// Who opened it.
        by: String,
        /// Why.
        reason: String,
        /// The cause that was stated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    /// Figures differ from what was reported, and too little to open it for.
    Noted {
        /// The period as written.
        period: String,
        /// When, UTC microseconds.
        at: i64,
        /// Who noted it.
        by: String,
        /// Why they differ, in the words of who noted it.
        reason: String,
        /// What differs.
        restatement: Restatement,
    },
    /// Its figures were put before those who certify them.
    Preliminary {
        /// The period as written.
        period: String,
        /// When, UTC microseconds; it holds what was known then.
        at: i64,
        /// Who did it.
        by: String,
        /// The journal version.
        journal_version: i64,
        /// What stood in the way of the close then.
        obstacles: Vec<Obstacle>,
    },
}

impl Event {
    /// The period that it is about.
    #[must_use]
    pub fn period(&self) -> &str {
        match self {
            Self::Closed(statement) => &statement.period,
            Self::Reopened { period, .. }
            | Self::Noted { period, .. }
            | Self::Preliminary { period, .. } => period,
        }
    }
}

/// An event with its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its number, from 1.
    pub number: i64,
    /// The hash that binds it to the one before it.
    pub sha256: String,
    /// What happened.
    pub event: Event,
}

/// What of a closed statement can be told at a glance, without its measurements.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClosedHead {
    /// The period as written.
    pub period: String,
    /// Its revision.
    pub revision: u32,
    /// When it was closed, UTC microseconds.
    pub closed_at: i64,
    /// The hash of the list of the journal's files.
    #[serde(default)]
    pub journal_sha256: Option<String>,
}

/// An event of which only a close is read.
#[derive(Debug, Deserialize)]
struct Glance {
    #[serde(default)]
    closed: Option<ClosedHead>,
}

/// The book.
#[derive(Debug, Clone)]
pub struct Statements {
    chain: Chain,
}

impl Statements {
    /// Opens the book in the workspace's database, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let chain = Chain::open(database, "statements", "period").await?;
        Ok(Self { chain })
    }

    /// The number of the last event; `None` where there is none. Whoever keeps what follows from the book sees by it whether it moved.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn last_number(&self) -> Result<Option<i64>> {
        self.chain.last_number().await
    }

    /// All events in order.
    ///
    /// # Errors
    /// The database cannot be read, or an event is damaged.
    pub async fn events(&self) -> Result<Vec<Recorded>> {
        let links = self.chain.links(None).await?;
        links.into_iter().map(|link| self.recorded(link)).collect()
    }

    /// All closes in order, at a glance.
    ///
    /// # Errors
    /// The database cannot be read, or an event is damaged.
    pub async fn closed(&self) -> Result<Vec<ClosedHead>> {
        let mut heads = Vec::new();
        for link in self.chain.links(None).await? {
            let glance: Glance = serde_json::from_slice(&link.text)
                .map_err(|e| self.chain.damaged(link.number, &e.to_string()))?;
            heads.extend(glance.closed);
        }
        Ok(heads)
    }

    /// The events of one period in order.
    ///
    /// # Errors
    /// The database cannot be read, or an event is damaged.
    pub async fn of_period(&self, period: &str) -> Result<Vec<Recorded>> {
        let links = self.chain.links(Some(period)).await?;
        links.into_iter().map(|link| self.recorded(link)).collect()
    }

    /// The texts of all events, as their hashes cover them, with their numbers and hashes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn texts(&self) -> Result<Vec<(i64, String, Vec<u8>)>> {
        let links = self.chain.links(None).await?;
        let texts = links.into_iter();
        Ok(texts
            .map(|link| (link.number, link.sha256, link.text))
            .collect())
    }

    fn recorded(&self, link: Link) -> Result<Recorded> {
        let event = serde_json::from_slice(&link.text);
        let event = event.map_err(|e| self.chain.damaged(link.number, &e.to_string()))?;
        Ok(Recorded {
            number: link.number,
            sha256: link.sha256,
            event,
        })
    }

    /// Adds an event. `last_of_period` is the number of the period's last event that the caller has seen.
    ///
    /// # Errors
    /// Somebody else has closed or reopened the period meanwhile, or the database cannot be written.
    pub async fn add(&self, event: &Event, last_of_period: Option<i64>) -> Result<Recorded> {
        self.add_as_agreed(event, last_of_period, None).await
    }

    /// The same, by which a request is done where there is one.
    ///
    /// # Errors
    /// As `add`; or the request is done already.
    pub async fn add_as_agreed(
        &self,
        event: &Event,
        last_of_period: Option<i64>,
        fulfils: Option<&Agreed>,
    ) -> Result<Recorded> {
        let text = serde_json::to_vec(event).map_err(|e| {
            StoreError::damaged(
                format!("報告書を書き込めません: {e}"),
                format!("a statement cannot be written: {e}"),
            )
        })?;
        let seen = Seen::OfTopic(last_of_period);
        let chain = &self.chain;
        let (number, sha256) = chain
            .add_as_agreed(event.period(), &text, seen, fulfils)
            .await?;
        Ok(Recorded {
            number,
            sha256,
            event: event.clone(),
        })
    }

    /// Follows the chain of hashes. *Shape*: the number of the first event that does not fit, with why; `None` = all fit.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn broken(&self) -> Result<Option<(i64, Text)>> {
        let is_of = |text: &[u8], period: &str| {
            let event: Option<Event> = serde_json::from_slice(text).ok();
            event.is_some_and(|event| event.period() == period)
        };
        self.chain.broken(is_of).await
    }
}

/// The hash that binds the text of an event to the hash of the event before it; of the first, to nothing.
#[must_use]
pub fn bound_sha256(before: &str, text: &[u8]) -> String {
    bound(before, text)
}
