//! The one module that makes HTTP clients: what they may reach, how long they wait, how often they
//! ask again, and how much they take.

#![expect(
    clippy::disallowed_methods,
    reason = "the one module that makes HTTP clients"
)]

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use keiki_model::text::Text;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Proxy, RequestBuilder, Response, StatusCode};
use url::Url;

use super::super::error::FetchError;
use super::super::secret::SecretReference;
use super::super::{Request, Vault};
use super::address::{Network, NotPublic, PublicOnly};
use super::endpoint::{Credentials, Endpoint};
use crate::limits::Quantity;

/// Redirects within one server that are followed.
const REDIRECT_COUNT: usize = 5;
/// Bytes of a refusal that are shown.
const SHOWN_BYTES: usize = 300;

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its body.
    pub(crate) body: Vec<u8>,
    /// Its `Link` headers.
    pub(crate) links: Vec<String>,
    /// The server's own time of it.
    pub(crate) at: Option<Timestamp>,
}

/// Why an attempt gave no answer.
enum Failure {
    /// Asking again cannot help.
    Final(FetchError),
    /// Asking again may help, after that long where the system says so.
    Passing(FetchError, Option<Duration>),
}

/// A client of one endpoint, for one fetching.
pub(crate) struct Client<'r> {
    inner: reqwest::Client,
    endpoint: &'r Endpoint,
    request: &'r Request<'r>,
    url: Url,
    headers: HeaderMap,
    bytes: AtomicUsize,
}

impl<'r> Client<'r> {
    /// Makes a client and opens the secrets that it needs.
    pub(crate) fn new(
        endpoint: &'r Endpoint,
        request: &'r Request<'r>,
    ) -> Result<Self, FetchError> {
        let place = endpoint.place();
        let vault = request.vault;
        let mut url = endpoint.url.clone();
        for (name, value) in &endpoint.parameters {
            let value = vault.setting(value)?;
            url.query_pairs_mut().append_pair(name, &value);
        }
        let headers = headers(endpoint, vault, &place)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("keiki/", env!("CARGO_PKG_VERSION")))
            .redirect(within_one_server())
            .timeout(Duration::from_secs(request.limits.answer_seconds))
            .no_proxy();
        if let Some(proxy) = &endpoint.proxy {
            let proxy = Proxy::all(proxy)
                .map_err(|e| FetchError::unusable(&place, Text::quoted(chain(&e))))?;
            builder = builder.proxy(proxy);
        }
        if endpoint.network == Network::Public {
            endpoint.network.check(&url)?;
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        if let Some(path) = &endpoint.ca {
            let path = request.workspace.join(path);
            let pem = std::fs::read(&path).map_err(FetchError::file(&path))?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|e| {
                FetchError::unusable(&path.display().to_string(), Text::quoted(chain(&e)))
            })?;
            builder = builder.tls_certs_merge(certificates);
        }
        let inner = builder
            .build()
            .map_err(|e| FetchError::unusable(&place, Text::quoted(chain(&e))))?;
        Ok(Self {
            inner,
            endpoint,
            request,
            url,
            headers,
            bytes: AtomicUsize::new(0),
        })
    }

    /// The endpoint's address with its parameters.
    pub(crate) fn url(&self) -> Url {
        self.url.clone()
    }

    /// Adds a header whose value is a secret.
    pub(crate) fn add_secret(
        &mut self,
        name: &'static str,
        reference: &SecretReference,
    ) -> Result<(), FetchError> {
        let value = self.request.vault.open(reference)?;
        let value = header(value.expose(), name, &self.endpoint.place())?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(())
    }

    /// Checks that an address is of the same server.
    pub(crate) fn check_origin(&self, url: &Url) -> Result<(), FetchError> {
        if url.origin() == self.url.origin() {
            Ok(())
        } else {
            Err(FetchError::Elsewhere {
                system: self.endpoint.place(),
                target: url.origin().ascii_serialization(),
            })
        }
    }

    /// Asks for an address, again where that may help.
    pub(crate) async fn get(&self, url: Url) -> Result<Answer, FetchError> {
        self.asked(|| self.inner.get(url.clone())).await
    }

    /// Sends a message, again where that may help.
    pub(crate) async fn post(&self, body: &[u8]) -> Result<Answer, FetchError> {
        let sent = || self.inner.post(self.url.clone()).body(body.to_vec());
        self.asked(sent).await
    }

    /// Adds a header.
    pub(crate) fn add(&mut self, name: &'static str, value: &str) -> Result<(), FetchError> {
        let value = header(value, name, &self.endpoint.place())?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(())
    }

    /// Shows a name and a secret. *Source*: RFC 6749, section 2.3.1: both are encoded before they are put together.
    pub(crate) fn add_basic(&mut self, name: &str, secret: &str) -> Result<(), FetchError> {
        let encoded = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        let pair = format!("{}:{}", encoded(name), encoded(secret));
        self.add(
            "authorization",
            &format!("Basic {}", base64(pair.as_bytes())),
        )
    }

    async fn asked(&self, request: impl Fn() -> RequestBuilder) -> Result<Answer, FetchError> {
        let limits = self.request.limits;
        let mut attempt = 1;
        loop {
            let (error, asked) = match self.attempt(request()).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(error, asked)) => (error, asked),
            };
            if attempt >= limits.attempt_count {
                return Err(error);
            }
            // 1, 2, 4, … seconds, unless the system says how long.
            let wait = asked.unwrap_or_else(|| Duration::from_secs(1 << (attempt - 1).min(16)));
            if wait > Duration::from_secs(limits.wait_seconds) {
                return Err(error);
            }
            self.request.vault.surroundings().wait(wait).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let sent = request.headers(self.headers.clone()).send();
        let mut response = sent.await.map_err(|e| self.failure(e))?;
        let status = response.status();
        let links = response
            .headers()
            .get_all("link")
            .iter()
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .collect();
        let asked = retry_after(response.headers());
        let at = instant_of(response.headers(), "date");
        let body = self.body(&mut response).await?;
        if status.is_success() {
            return Ok(Answer { body, links, at });
        }
        let shown = String::from_utf8_lossy(&body[..body.len().min(SHOWN_BYTES)]).into_owned();
        let error = FetchError::refused(
            &self.endpoint.place(),
            Text::quoted(format!(
                "{status} {}",
                shown.split_whitespace().collect::<Vec<_>>().join(" ")
            )),
        );
        let is_passing = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
            || matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            );
        Err(if is_passing {
            Failure::Passing(error, asked)
        } else {
            Failure::Final(error)
        })
    }

    async fn body(&self, response: &mut Response) -> Result<Vec<u8>, Failure> {
        let limits = self.request.limits;
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|e| self.failure(e))? {
            let over = |what, limit: usize| {
                let place = self.endpoint.place();
                Failure::Final(FetchError::limit(&place, what, limit as u64))
            };
            if body.len() + part.len() > limits.answer_bytes {
                return Err(over(Quantity::AnswerBytes, limits.answer_bytes));
            }
            let all = self.bytes.fetch_add(part.len(), Ordering::Relaxed) + part.len();
            if all > limits.fetch_bytes {
                return Err(over(Quantity::Bytes, limits.fetch_bytes));
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    fn failure(&self, error: reqwest::Error) -> Failure {
        let system = self.endpoint.place();
        let error = error.without_url();
        let mut source: Option<&(dyn StdError + 'static)> = Some(&error);
        while let Some(cause) = source {
            if let Some(NotPublic(address)) = cause.downcast_ref() {
                let address = address.clone();
                return Failure::Final(FetchError::Address { system, address });
            }
            if let Some(Elsewhere(target)) = cause.downcast_ref() {
                let target = target.clone();
                return Failure::Final(FetchError::Elsewhere { system, target });
            }
            source = cause.source();
        }
        if error.is_timeout() {
            let limit = self.request.limits.answer_seconds;
            return Failure::Passing(FetchError::limit(&system, Quantity::Seconds, limit), None);
        }
        Failure::Passing(
            FetchError::unreachable(&system, Text::quoted(chain(&error))),
            None,
        )
    }
}

/// Where a redirect led.
#[derive(Debug, thiserror::Error)]
#[error("sends to another server: {0}")]
struct Elsewhere(String);

fn within_one_server() -> Policy {
    Policy::custom(|attempt| {
        let before = attempt.previous();
        let is_same = before
            .last()
            .is_some_and(|url| url.origin() == attempt.url().origin());
        if is_same && before.len() <= REDIRECT_COUNT {
            attempt.follow()
        } else {
            let target = attempt.url().origin().ascii_serialization();
            attempt.error(Elsewhere(target))
        }
    })
}

fn headers(endpoint: &Endpoint, vault: &Vault<'_>, place: &str) -> Result<HeaderMap, FetchError> {
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("application/json"));
    for (name, value) in &endpoint.headers {
        let value = header(&vault.setting(value)?, name, place)?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            FetchError::unusable(
                place,
                Text::new(
                    format!("ヘッダー名として使えません: {name}"),
                    format!("not a header: {name}"),
                ),
            )
        })?;
        headers.insert(name, value);
    }
    let authorization = match &endpoint.credentials {
        Credentials::None => return Ok(headers),
        Credentials::Bearer(token) => format!("Bearer {}", vault.open(token)?.expose()),
        Credentials::Basic { user, password } => {
            let password = vault.open(password)?;
            format!(
                "Basic {}",
                base64(format!("{user}:{}", password.expose()).as_bytes())
            )
        }
    };
    headers.insert(
        "authorization",
        header(&authorization, "authorization", place)?,
    );
    Ok(headers)
}

fn header(value: &str, name: &str, place: &str) -> Result<HeaderValue, FetchError> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        FetchError::unusable(
            place,
            Text::new(
                format!("ヘッダーの値として使えません: {name}"),
                format!("the value cannot stand in a header: {name}"),
            ),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// *Source*: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let of = |at: usize| u32::from(part.get(at).copied().unwrap_or(0));
        let group = of(0) << 16 | of(1) << 8 | of(2);
        for place in 0..4 {
            if place > part.len() {
                text.push('=');
            } else {
                let index = (group >> (18 - 6 * place)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            }
        }
    }
    text
}

/// How long the system asks to wait: seconds, or an instant less that of the answer.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = instant_of(headers, "retry-after")?;
    let wait = until.as_second() - instant_of(headers, "date")?.as_second();
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}

fn instant_of(headers: &HeaderMap, name: &str) -> Option<Timestamp> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}

/// An error with its causes, each once.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let part = error.to_string();
        if !parts.iter().any(|said| said.contains(&part)) {
            parts.push(part);
        }
        next = error.source();
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_written_as_the_standard_says() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in cases {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn the_wait_that_a_server_asks_for_is_seconds_or_an_instant() {
        let wait = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                "date",
                HeaderValue::from_static("Wed, 25 Nov 2026 10:00:00 GMT"),
            );
            headers.insert("retry-after", HeaderValue::from_static(value));
            retry_after(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait("Wed, 25 Nov 2026 10:00:30 GMT"), Some(30));
        assert_eq!(wait("Wed, 25 Nov 2026 09:00:30 GMT"), Some(0));
        assert_eq!(wait("soon"), None);
    }
}
