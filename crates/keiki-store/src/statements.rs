//! The book of statements: every close and every reopening in the order in which they happened, each bound by a hash to the
//! one before it, so that none can be changed or taken out unseen.

use std::path::Path;

use keiki_model::statement::Statement;
use keiki_model::text::Text;
use serde::{Deserialize, Serialize};

use crate::chain::{Chain, Link, Seen};
use crate::error::{Result, StoreError};

/// What happened to a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    },
}

impl Event {
    /// The period that it is about.
    #[must_use]
    pub fn period(&self) -> &str {
        match self {
            Self::Closed(statement) => &statement.period,
            Self::Reopened { period, .. } => period,
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
    pub async fn open(path: &Path) -> Result<Self> {
        let chain = Chain::open(path, "statements", "period").await?;
        Ok(Self { chain })
    }

    /// All events in order.
    ///
    /// # Errors
    /// The database cannot be read, or an event is damaged.
    pub async fn events(&self) -> Result<Vec<Recorded>> {
        let links = self.chain.links(None).await?;
        links.into_iter().map(|link| self.recorded(link)).collect()
    }

    /// The events of one period in order.
    ///
    /// # Errors
    /// The database cannot be read, or an event is damaged.
    pub async fn of_period(&self, period: &str) -> Result<Vec<Recorded>> {
        let links = self.chain.links(Some(period)).await?;
        links.into_iter().map(|link| self.recorded(link)).collect()
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
        let text = serde_json::to_vec(event).map_err(|e| {
            StoreError::damaged(
                format!("報告書を書き込めません: {e}"),
                format!("a statement cannot be written: {e}"),
            )
        })?;
        let seen = Seen::OfTopic(last_of_period);
        let (number, sha256) = self.chain.add(event.period(), &text, seen).await?;
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
