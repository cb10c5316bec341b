//! Services that are asked for what they know themselves, such as who somebody is: under the same limits as fetching, and with the same
//! care for addresses.

use std::path::Path;

use jiff::Timestamp;
use keiki_model::document::Node;
use url::{Host, Url, form_urlencoded};

use super::error::FetchError;
use super::http::{Client, Endpoint, Network};
use super::{Amount, FetchLimits, Request, Vault};

/// How a service is reached, whatever its addresses are.
#[derive(Debug)]
pub struct Service {
    network: Network,
    ca: Option<String>,
    proxy: Option<String>,
}

/// What is asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'q> {
    /// What lies at the address.
    Get,
    /// What comes of a form.
    Form(&'q [(&'q str, &'q str)]),
}

/// By what one is known to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownTo<'s> {
    /// Nothing.
    Nothing,
    /// A token.
    Bearer(&'s str),
    /// A name and a secret.
    Basic(&'s str, &'s str),
}

/// What a service is asked with.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The instant now.
    pub now: Timestamp,
    /// The folder from which paths of the definition are taken.
    pub workspace: &'a Path,
    /// Opens secrets, and keeps them out of texts.
    pub vault: &'a Vault<'a>,
    /// Bounds on what comes from outside.
    pub limits: &'a FetchLimits,
}

impl Service {
    /// Reads the keys `network`, `ca` and `proxy`.
    #[must_use]
    pub fn read(node: &Node<'_>) -> Self {
        Self {
            network: node
                .choice("network", &Network::ALL)
                .unwrap_or(Network::Public),
            ca: node.string("ca"),
            proxy: node.string("proxy"),
        }
    }

    /// Whether what goes to an address is kept from others: by TLS, or because it never leaves this computer.
    #[must_use]
    pub fn is_guarded(url: &Url) -> bool {
        let is_here = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        url.scheme() == "https" || (url.scheme() == "http" && is_here)
    }

    /// Asks a service, and gives the body of its answer.
    ///
    /// # Errors
    /// It cannot be reached, may not be, refuses, or says too much.
    pub async fn ask(
        &self,
        url: &Url,
        question: Question<'_>,
        shown: ShownTo<'_>,
        asking: Asking<'_>,
    ) -> Result<Vec<u8>, FetchError> {
        let (ca, proxy) = (self.ca.clone(), self.proxy.clone());
        let endpoint = Endpoint::of_service(url, self.network, ca, proxy);
        if !Self::is_guarded(url) {
            return Err(FetchError::Elsewhere {
                system: endpoint.place(),
                target: url.origin().ascii_serialization(),
            });
        }
        let request = Request {
            source: "",
            now: asking.now,
            cursor: None,
            amount: Amount::All,
            records: None,
            folder: asking.workspace,
            workspace: asking.workspace,
            limits: asking.limits,
            vault: asking.vault,
        };
        let mut client = Client::new(&endpoint, &request)?;
        match shown {
            ShownTo::Nothing => {}
            ShownTo::Bearer(token) => client.add("authorization", &format!("Bearer {token}"))?,
            ShownTo::Basic(name, secret) => client.add_basic(name, secret)?,
        }
        let answer = match question {
            Question::Get => client.get(client.url()).await?,
            Question::Form(fields) => {
                client.add("content-type", "application/x-www-form-urlencoded")?;
                client.post(written(fields).as_bytes()).await?
            }
        };
        Ok(answer.body)
    }
}

fn written(fields: &[(&str, &str)]) -> String {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    body.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_computer_is_spoken_to_in_the_clear() {
        let is_guarded = |text: &str| Service::is_guarded(&Url::parse(text).expect("an address"));
        for good in [
            "https://login.example.jp/",
            "http://127.0.0.1:3000/",
            "http://[::1]/",
            "http://localhost:3000/",
        ] {
            assert!(is_guarded(good), "{good}");
        }
        for bad in [
            "http://login.example.jp/",
            "http://localhost.example.jp/",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
        ] {
            assert!(!is_guarded(bad), "{bad}");
        }
    }
}
