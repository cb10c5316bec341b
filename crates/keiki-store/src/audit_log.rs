//! Who did what, and who looked at records that name people: a book whose events are bound by hashes as statements are.

use keiki_model::text::Text;
use serde::{Deserialize, Serialize};

use crate::chain::{Chain, Link, Seen};
use crate::database::Database;
use crate::error::{Result, StoreError};

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// When, UTC microseconds.
    #[serde(with = "keiki_model::written::instant")]
    pub at: i64,
    /// Who, by the name with which they sign in; empty where nobody was signed in.
    pub actor: String,
    /// What, as a word such as `sign_in`.
    pub action: String,
    /// To what: an account, a source, a period, a figure.
    pub object: String,
    /// What belongs to it.
    pub detail: String,
    /// From where.
    pub address: String,
}

/// An event with its place in the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAudit {
    /// Its number, from 1.
    pub number: i64,
    /// The hash that binds it to the one before it.
    pub sha256: String,
    /// The event.
    pub event: AuditEvent,
}

/// The book.
#[derive(Debug, Clone)]
pub struct AuditLog {
    chain: Chain,
}

impl AuditLog {
    /// Opens the book in the workspace's database, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let chain = Chain::open(database, "audit_log", "actor").await?;
        Ok(Self { chain })
    }

    /// Adds an event.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(&self, event: &AuditEvent) -> Result<()> {
        let text = serde_json::to_vec(event)
            .map_err(|e| StoreError::damaged(e.to_string(), e.to_string()))?;
        self.chain.add(&event.actor, &text, Seen::Whatever).await?;
        Ok(())
    }

    /// The events before a number, the latest first; `None` = from the last one on.
    ///
    /// # Errors
    /// The database cannot be read, or an event is damaged.
    pub async fn before(&self, number: Option<i64>, count: u32) -> Result<Vec<RecordedAudit>> {
        let links = self.chain.links_before(number, count).await?;
        let read = |link: Link| {
            let event = serde_json::from_slice(&link.text);
            let event = event.map_err(|e| self.chain.damaged(link.number, &e.to_string()))?;
            Ok(RecordedAudit {
                number: link.number,
                sha256: link.sha256,
                event,
            })
        };
        links.into_iter().map(read).collect()
    }

    /// Follows the hashes. *Shape*: the number of the first event that does not fit, with why; `None` = all fit.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn broken(&self) -> Result<Option<(i64, Text)>> {
        let is_filed = |text: &[u8], topic: &str| {
            serde_json::from_slice::<AuditEvent>(text).is_ok_and(|event| event.actor == topic)
        };
        self.chain.broken(is_filed).await
    }
}
