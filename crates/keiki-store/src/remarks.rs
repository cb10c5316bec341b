//! The book of remarks: what people said of figures, in order and bound by hashes as the book of statements is.

use keiki_model::remark::{Origin, Remark, Said};
use keiki_model::text::Text;

use crate::chain::{Chain, Seen};
use crate::database::Database;
use crate::error::{Result, StoreError};

/// Where steps of actions are filed.
const STEPS: &str = "steps";

/// A remark with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRemark {
    /// Its number, from 1.
    pub number: i64,
    /// The hash that binds it to the one before it.
    pub sha256: String,
    /// What was said.
    pub remark: Remark,
}

/// The book.
#[derive(Debug, Clone)]
pub struct RemarkBook {
    chain: Chain,
}

impl RemarkBook {
    /// Opens the book in the workspace's database, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let chain = Chain::open(database, "remarks", "topic").await?;
        Ok(Self { chain })
    }

    /// The number of the last event; `None` where there is none. Whoever keeps what follows from the book sees by it whether it moved.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn last_number(&self) -> Result<Option<i64>> {
        self.chain.last_number().await
    }

    /// All remarks in order.
    ///
    /// # Errors
    /// The database cannot be read, or a remark is damaged.
    pub async fn all(&self) -> Result<Vec<RecordedRemark>> {
        let links = self.chain.links(None).await?;
        links
            .into_iter()
            .map(|link| {
                let remark = serde_json::from_slice(&link.text);
                let remark = remark.map_err(|e| self.chain.damaged(link.number, &e.to_string()))?;
                Ok(RecordedRemark {
                    number: link.number,
                    sha256: link.sha256,
                    remark,
                })
            })
            .collect()
    }

    /// Adds remarks. `last` is the number of the last remark that the caller has seen.
    ///
    /// # Errors
    /// Somebody else has said something meanwhile, or the database cannot be written.
    pub async fn add(&self, remarks: &[Remark], last: Option<i64>) -> Result<()> {
        let mut last = last;
        for remark in remarks {
            let text = serde_json::to_vec(remark).map_err(|e| {
                StoreError::damaged(
                    format!("所見を書き込めません: {e}"),
                    format!("a remark cannot be written: {e}"),
                )
            })?;
            let seen = Seen::OfAll(last);
            let (number, _) = self.chain.add(topic(remark), &text, seen).await?;
            last = Some(number);
        }
        Ok(())
    }

    /// Follows the chain of hashes. *Shape*: the number of the first remark that does not fit, with why; `None` = all fit.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn broken(&self) -> Result<Option<(i64, Text)>> {
        let is_of = |text: &[u8], filed: &str| {
            let remark: Option<Remark> = serde_json::from_slice(text).ok();
            remark.is_some_and(|remark| topic(&remark) == filed)
        };
        self.chain.broken(is_of).await
    }
}

/// What a remark is filed under: the period that it is about.
fn topic(remark: &Remark) -> &str {
    match &remark.said {
        Said::Explained { subject, .. }
        | Said::Opened {
            origin: Origin::Deviation(subject),
            ..
        } => &subject.period,
        Said::Opened {
            origin: Origin::Board { period },
            ..
        }
        | Said::Certified { period, .. } => period,
        Said::Stepped { .. } => STEPS,
    }
}
