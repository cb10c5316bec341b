//! Where messages are sent: the counterpart of fetching, under the same limits and with the same care for secrets and addresses.

use std::path::Path;

use jiff::Timestamp;
use keiki_model::document::Node;

use super::error::FetchError;
use super::http::{Client, Endpoint};
use super::{Amount, FetchLimits, Request, Vault};

/// Where messages are sent.
#[derive(Debug)]
pub struct Destination {
    endpoint: Endpoint,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its body, JSON.
    pub body: String,
    /// Headers beside those of the destination.
    pub headers: Vec<(&'static str, String)>,
}

impl Destination {
    /// Reads the keys of a destination: those of an endpoint from which evidence is fetched.
    #[must_use]
    pub fn read(node: &Node<'_>) -> Option<Self> {
        let endpoint = Endpoint::read_secret(node)?;
        Some(Self { endpoint })
    }

    /// The host: the rest of an address to which one may write is as secret as a password.
    #[must_use]
    pub fn place(&self) -> String {
        self.endpoint.place()
    }

    /// Sends a message, again where that may help.
    ///
    /// # Errors
    /// It was not taken, or the address is not one that may be reached.
    pub async fn send(
        &self,
        message: &Message,
        now: Timestamp,
        (workspace, vault): (&Path, &Vault<'_>),
        limits: &FetchLimits,
    ) -> Result<(), FetchError> {
        let request = Request {
            source: "",
            now,
            cursor: None,
            amount: Amount::All,
            records: None,
            folder: workspace,
            workspace,
            limits,
            vault,
        };
        let mut client = Client::new(&self.endpoint, &request)?;
        client.add("content-type", "application/json")?;
        for (name, value) in &message.headers {
            client.add(name, value)?;
        }
        client.post(message.body.as_bytes()).await.map(drop)
    }
}
