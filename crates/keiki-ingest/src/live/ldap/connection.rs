//! A connection to a directory: plain, `StartTLS` or LDAPS, bound with a secret.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry, StdStream};
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use super::super::Request;
use super::super::error::FetchError;
use super::super::secret::{self, SecretReference};
use super::super::tls;
use super::{Entry, written};
use crate::limits::Quantity;

/// Entries asked for at once; directories seldom give more than 1,000.
const PAGE_SIZE: i32 = 500;
/// Ranges of one long attribute that are asked for.
const RANGE_COUNT: usize = 1_000;
/// An extended request for `StartTLS` as message 1. *Source*: RFC 4511, sections 4.12 and 4.14.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// A search's result code for an entry that is not there.
const NO_SUCH_OBJECT: u32 = 32;

/// Where the directory is and how one binds.
#[derive(Debug)]
pub(super) struct Server {
    host: String,
    port: u16,
    security: Security,
    ca: Option<String>,
    bind: Option<(String, SecretReference)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Tls,
    StartTls,
    Plain,
}

impl Server {
    /// Reads the keys `url`, `start_tls`, `ca`, `bind` and `password`.
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        let ca = node.string("ca");
        let bind = node.string("bind");
        let password = secret::reference(node, "password");
        let start_tls = node.flag("start_tls");
        let text = node.required_string("url")?;
        let url = Url::parse(&text).ok();
        let parts = url.as_ref().and_then(|url| {
            let (port, security) = match (url.scheme(), start_tls) {
                ("ldaps", _) => (636, Security::Tls),
                ("ldap", true) => (389, Security::StartTls),
                ("ldap", false) => (389, Security::Plain),
                _ => return None,
            };
            Some((
                url.host_str()?.to_owned(),
                url.port().unwrap_or(port),
                security,
            ))
        });
        let Some((host, port, security)) = parts else {
            node.report(
                Problem::new(
                    node.place_of("url"),
                    Text::new(
                        "`url` がディレクトリのアドレスではありません",
                        "`url` is not a directory's address",
                    ),
                )
                .hint(Text::new(
                    "ldaps://host または ldap://host:389 のように書いてください",
                    "write it as ldaps://host or ldap://host:389",
                )),
            );
            return None;
        };
        let is_here = host == "localhost" || host.starts_with("127.") || host == "[::1]";
        if bind.is_some() && security == Security::Plain && !is_here {
            node.report(
                Problem::new(
                    node.place_of("url"),
                    Text::new(
                        "パスワードが暗号化されずに送られます",
                        "the password would go unencrypted",
                    ),
                )
                .hint(Text::new(
                    "ldaps:// か start_tls = true を使ってください",
                    "use ldaps://, or start_tls = true",
                )),
            );
        }
        if bind.is_some() != node.has("password") {
            node.report(
                Problem::new(
                    node.place(),
                    Text::new(
                        "`bind` と `password` は組で指定します",
                        "`bind` and `password` belong together",
                    ),
                )
                .hint(Text::new(
                    "bind = \"cn=…\" と password = { env = \"名前\" } を書いてください",
                    "write bind = \"cn=…\" and password = { env = \"NAME\" }",
                )),
            );
        }
        Some(Self {
            host,
            port,
            security,
            ca,
            bind: bind.zip(password),
        })
    }

    pub(super) fn place(&self) -> String {
        let scheme = if self.security == Security::Tls {
            "ldaps"
        } else {
            "ldap"
        };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

/// An open connection.
pub(super) struct Directory {
    handle: ldap3::Ldap,
    place: String,
    seconds: u64,
}

impl Directory {
    /// Connects and binds.
    ///
    /// # Errors
    /// The server is not there, its certificate is not good, or the bind is refused.
    pub(super) async fn connect(
        server: &Server,
        request: &Request<'_>,
    ) -> Result<Self, FetchError> {
        let place = server.place();
        let seconds = request.limits.answer_seconds;
        let connecting = stream(server, request);
        let (scheme, stream) = tokio::time::timeout(Duration::from_secs(seconds), connecting)
            .await
            .map_err(|_| FetchError::limit(&place, Quantity::Seconds, seconds))??;
        let settings = LdapConnSettings::new().set_std_stream(stream);
        let (connection, handle) = LdapConnAsync::with_settings(settings, scheme)
            .await
            .map_err(|e| FetchError::unreachable(&place, e))?;
        tokio::spawn(connection.drive());
        let mut directory = Self {
            handle,
            place,
            seconds,
        };
        if let Some((name, password)) = &server.bind {
            let password = request.vault.open(password)?;
            directory.handle.with_timeout(Duration::from_secs(seconds));
            let bound = directory.handle.simple_bind(name, password.expose()).await;
            bound
                .and_then(ldap3::LdapResult::success)
                .map_err(|e| directory.refused(&e))?;
        }
        Ok(directory)
    }

    /// Hands on the entries that a filter finds, page by page, until the visit breaks. A base that is
    /// not there has none.
    ///
    /// # Errors
    /// The server refuses, or the visit fails.
    pub(super) async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[String],
        visit: &mut (dyn FnMut(Entry) -> Result<ControlFlow<()>, FetchError> + Send),
    ) -> Result<(), FetchError> {
        let adapters: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> = vec![
            Box::new(EntriesOnly::new()),
            Box::new(PagedResults::new(PAGE_SIZE)),
        ];
        self.handle.with_timeout(Duration::from_secs(self.seconds));
        let begun = self
            .handle
            .streaming_search_with(adapters, base, scope, filter, attributes.to_vec())
            .await;
        let mut found = begun.map_err(|e| self.refused(&e))?;
        while let Some(entry) = found.next().await.map_err(|e| self.refused(&e))? {
            let entry = SearchEntry::construct(entry);
            if self.visit(entry, visit).await?.is_break() {
                return Ok(());
            }
        }
        match found.finish().await {
            result if result.rc == NO_SUCH_OBJECT => Ok(()),
            result => result.success().map(drop).map_err(|e| self.refused(&e)),
        }
    }

    async fn visit(
        &self,
        entry: SearchEntry,
        visit: &mut (dyn FnMut(Entry) -> Result<ControlFlow<()>, FetchError> + Send),
    ) -> Result<ControlFlow<()>, FetchError> {
        let dn = entry.dn.clone();
        let mut values = HashMap::new();
        let mut ranged = Vec::new();
        for (name, found) in entry.attrs {
            match name.split_once(";range=") {
                Some((attribute, range)) => {
                    ranged.push((attribute.to_owned(), range.to_owned(), found));
                }
                None => {
                    values.insert(name, found);
                }
            }
        }
        for (attribute, range, found) in ranged {
            let all = self.rest(&dn, &attribute, range, found).await?;
            values.insert(attribute, all);
        }
        let mut written = Map::new();
        let mut names: Vec<&String> = values.keys().collect();
        names.sort();
        for name in names {
            let value = match values[name].as_slice() {
                [] => continue,
                // A binary value that happens to be text.
                [one] if written::is_binary(name) => match written::text(name, one.as_bytes()) {
                    Some(text) => text.into(),
                    None => continue,
                },
                [one] => Value::from(one.as_str()),
                many => many.iter().map(String::as_str).collect(),
            };
            written.insert(name.clone(), value);
        }
        for (name, found) in entry.bin_attrs {
            if let Some(text) = found.first().and_then(|bytes| written::text(&name, bytes)) {
                written.insert(name, text.into());
            }
        }
        visit(Entry {
            dn,
            values: written,
        })
    }

    /// All values of an attribute of which the directory gave a range.
    async fn rest(
        &self,
        dn: &str,
        attribute: &str,
        range: String,
        mut found: Vec<String>,
    ) -> Result<Vec<String>, FetchError> {
        let mut range = range;
        for _ in 0..RANGE_COUNT {
            let last = match range.split_once('-') {
                Some((_, "*")) | None => return Ok(found),
                Some((_, last)) => last.parse::<usize>().unwrap_or(usize::MAX - 1),
            };
            let asked = format!("{attribute};range={}-*", last.saturating_add(1));
            let mut handle = self.handle.clone();
            handle.with_timeout(Duration::from_secs(self.seconds));
            let result = handle
                .search(dn, Scope::Base, "(objectClass=*)", vec![asked])
                .await
                .and_then(ldap3::SearchResult::success)
                .map_err(|e| self.refused(&e))?;
            let next = result.0.into_iter().next().map(SearchEntry::construct);
            let prefix = format!("{attribute};range=");
            let part = next.and_then(|entry| {
                entry.attrs.into_iter().find_map(|(name, values)| {
                    let range = name.strip_prefix(&prefix)?.to_owned();
                    Some((range, values))
                })
            });
            let Some((given, values)) = part else {
                return Ok(found);
            };
            found.extend(values);
            range = given;
        }
        Err(FetchError::limit(
            &self.place,
            Quantity::Pages,
            RANGE_COUNT as u64,
        ))
    }

    /// Says goodbye. What the server makes of it does not matter.
    pub(super) async fn end(mut self) {
        let _ = self.handle.unbind().await;
    }

    fn refused(&self, error: &LdapError) -> FetchError {
        match error {
            LdapError::LdapResult { result } => {
                let text = if result.text.is_empty() {
                    result.to_string()
                } else {
                    format!("{result}: {}", result.text)
                };
                FetchError::refused(&self.place, Text::quoted(text))
            }
            LdapError::Timeout { .. } => {
                FetchError::limit(&self.place, Quantity::Seconds, self.seconds)
            }
            other => FetchError::unreachable(&self.place, other),
        }
    }
}

/// The stream to the server, and the scheme under which the LDAP client takes it. TLS is made here
/// and the client is given one end of a pair of sockets, so that one TLS stack serves everything.
async fn stream(
    server: &Server,
    request: &Request<'_>,
) -> Result<(&'static str, StdStream), FetchError> {
    let place = server.place();
    let unreachable = |e: std::io::Error| FetchError::unreachable(&place, e);
    let host = server.host.trim_matches(['[', ']']);
    let mut tcp = TcpStream::connect((host, server.port))
        .await
        .map_err(unreachable)?;
    if server.security == Security::Plain {
        let tcp = tcp.into_std().map_err(unreachable)?;
        return Ok(("ldap://localhost", StdStream::Tcp(tcp)));
    }
    if server.security == Security::StartTls {
        start_tls(&mut tcp, &place).await?;
    }
    let ca = server.ca.as_ref().map(|path| request.workspace.join(path));
    let mut secured = tls::begin(tcp, host, ca.as_deref(), &place).await?;
    let (near, mut far) = tokio::net::UnixStream::pair().map_err(unreachable)?;
    tokio::spawn(async move {
        // Either side ends it; the client sees a closed connection then.
        let _ = tokio::io::copy_bidirectional(&mut far, &mut secured).await;
    });
    let near = near.into_std().map_err(unreachable)?;
    Ok(("ldapi://connected", StdStream::Unix(near)))
}

async fn start_tls(tcp: &mut TcpStream, place: &str) -> Result<(), FetchError> {
    let unreachable = |e: std::io::Error| FetchError::unreachable(place, e);
    tcp.write_all(START_TLS).await.map_err(unreachable)?;
    let mut head = [0; 2];
    tcp.read_exact(&mut head).await.map_err(unreachable)?;
    let [0x30, length @ 0..0x80] = head else {
        return Err(FetchError::unusable(
            place,
            Text::new(
                "StartTLSへの応答がLDAPではありません",
                "the answer to StartTLS is not LDAP",
            ),
        ));
    };
    let mut body = vec![0; usize::from(length)];
    tcp.read_exact(&mut body).await.map_err(unreachable)?;
    // Message 1, an extended response, and its result code: success.
    let is_success =
        body.starts_with(&[0x02, 0x01, 0x01, 0x78]) && body.get(5..8) == Some(&[0x0a, 0x01, 0x00]);
    if is_success {
        Ok(())
    } else {
        Err(FetchError::refused(
            place,
            Text::new(
                "サーバーがTLSを開始しません",
                "the server does not begin TLS",
            ),
        ))
    }
}
