//! Live systems: a connector fetches evidence into files, which are then read as files of any other
//! source are.
//!
//! *Source*: decision 0022. A connector knows its system and nothing of datasets, mappings or the
//! journal. It is one file here and one line in `CONNECTORS`.

mod airbyte;
mod command;
mod database;
mod database_server;
mod destination;
mod error;
mod http;
mod ldap;
mod limits;
mod mysql;
mod postgresql;
mod redmine;
mod rows;
mod secret;
mod server;
mod service;
mod singer;
mod sqlite;
mod tls;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use keiki_model::document::Node;

use crate::limits::Quantity;
use crate::place::InputFile;

pub use destination::{Destination, Message};
pub use error::FetchError;
pub use limits::FetchLimits;
pub use secret::{Secret, SecretReference, Vault, reference as secret_reference};
pub use service::{Asking, Question, Service, ShownTo};

/// Reads the `[fetch]` table of a source; `None` after a problem, which is reported.
type ReadDefinition = fn(&Node<'_>) -> Option<Arc<dyn Connector>>;

/// Every connector by the name that a kind gives it.
const CONNECTORS: [(&str, ReadDefinition); 8] = [
    (
        "postgresql",
        database_server::definition::<postgresql::Postgresql>,
    ),
    ("mysql", database_server::definition::<mysql::Mysql>),
    ("sqlite", sqlite::definition),
    ("http", http::definition),
    ("redmine", redmine::definition),
    ("ldap", ldap::definition),
    ("singer", singer::definition),
    ("airbyte", airbyte::definition),
];

/// Reaches one system.
#[async_trait]
pub trait Connector: fmt::Debug + Send + Sync {
    /// Where the system is, as users know it; without secrets.
    fn place(&self) -> String;

    /// Whether a reading goes on where the one before it ended.
    fn is_incremental(&self) -> bool {
        false
    }

    /// Fetches evidence into files below the request's folder.
    ///
    /// # Errors
    /// The system cannot be reached, refuses, or gives what cannot be used; nothing was fetched
    /// then.
    async fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FetchError>;
}

/// What connectors take from where the program runs.
#[async_trait]
pub trait Surroundings: fmt::Debug + Send + Sync {
    /// The value of an environment variable; `None` where it is not set.
    fn variable(&self, name: &str) -> Option<String>;

    /// Waits, between two attempts.
    async fn wait(&self, how_long: Duration);
}

/// How much is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Everything that there is since the cursor.
    All,
    /// About so many rows, to try a source.
    Sample(usize),
}

/// What a connector is asked for.
pub struct Request<'r> {
    /// The source's name.
    pub source: &'r str,
    /// The instant now, for systems that do not say their own.
    pub now: Timestamp,
    /// Where the last reading ended, as the connector itself wrote it.
    pub cursor: Option<&'r str>,
    /// How much is fetched.
    pub amount: Amount,
    /// The dotted path of records in what the system answers; `None` = it is a list itself.
    pub records: Option<&'r str>,
    /// The folder into which files are put.
    pub folder: &'r Path,
    /// The folder from which paths of the definition are taken.
    pub workspace: &'r Path,
    /// Bounds on what comes from outside.
    pub limits: &'r FetchLimits,
    /// Opens the secrets that the definition refers to.
    pub vault: &'r Vault<'r>,
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The files, in the order in which they are to be read.
    pub files: Vec<InputFile>,
    /// Where the next reading begins; kept once this one is in the journal.
    pub cursor: Option<String>,
}

/// Fetches, within the time that the limits allow. No secret is in the error.
///
/// # Errors
/// What the connector says, or that the time is over.
pub async fn fetch(
    connector: &dyn Connector,
    request: &Request<'_>,
) -> Result<Fetched, FetchError> {
    let limit = request.limits.fetch_seconds;
    let fetched = tokio::time::timeout(Duration::from_secs(limit), connector.fetch(request)).await;
    let fetched = fetched.unwrap_or_else(|_| {
        Err(FetchError::limit(
            &connector.place(),
            Quantity::Seconds,
            limit,
        ))
    });
    fetched.map_err(|error| error.map(|text| request.vault.scrub(text)))
}

/// Tells whether there is a connector of that name.
#[must_use]
pub fn is_connector(name: &str) -> bool {
    CONNECTORS.iter().any(|(known, _)| *known == name)
}

/// Reads the `[fetch]` table of a source for the connector of that name.
pub(crate) fn definition(connector: &str, node: &Node<'_>) -> Option<Arc<dyn Connector>> {
    let (_, read) = CONNECTORS.iter().find(|(name, _)| *name == connector)?;
    let read = read(node);
    node.finish();
    read
}
