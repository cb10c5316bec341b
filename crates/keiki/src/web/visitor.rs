//! Who sends a request: recognised once, before any route, by the session's cookie.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use keiki_model::text::Language;

use super::failure::{self, Failure};
use super::site::{Shared, Way};
use crate::environment;
use crate::operations::access::Scope;
use crate::operations::accounts::{Actor, Recognised, SignedIn};
use crate::operations::office::{Desk, Who};

/// The cookie of the language that somebody chose who is not signed in.
pub(super) const LANGUAGE_COOKIE: &str = "keiki-language";

/// Who sends a request.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// The account and its session; `None` where nobody is signed in.
    pub(super) signed_in: Option<SignedIn>,
    /// The session's token.
    pub(super) token: Option<String>,
    /// The language that they read.
    pub(super) language: Language,
    /// Their name, from where, and when.
    pub(super) actor: Actor,
    /// What the browser calls itself.
    pub(super) agent: String,
    /// The path that they ask for, with its query.
    pub(super) path: String,
    /// How the server is reached.
    pub(super) way: Way,
    /// The organisation's name.
    pub(super) organisation: String,
    /// The root of its tree.
    pub(super) root: String,
}

impl Visitor {
    /// What they may do.
    pub(super) fn scope(&self) -> Scope {
        let signed_in = self.signed_in.as_ref();
        signed_in.map_or_else(Scope::default, SignedIn::scope)
    }

    /// When what they are recognised by ends, where it is a token.
    pub(super) fn until(&self) -> Option<i64> {
        match &self.signed_in.as_ref()?.by {
            Recognised::Session(_) => None,
            Recognised::Token(token) => Some(token.expires_at),
        }
    }

    /// Whether they ask for what is made for programs.
    pub(super) fn is_program(&self) -> bool {
        is_for_programs(&self.path)
    }

    /// Whether a page of another server could have sent the request in their name: it carries a session that browsers add by
    /// themselves.
    pub(super) fn could_be_forged(&self) -> bool {
        match &self.signed_in {
            None => !self.is_program(),
            Some(one) => matches!(one.by, Recognised::Session(_)),
        }
    }
}

/// Whether a path is made for programs, as all are that documentation is not: they show tokens, and are told of failures in data.
fn is_for_programs(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    (path.starts_with("/api/") && path != "/api/v1/docs") || path == "/metrics"
}

/// Recognises the visitor, and gives failures a page in their language.
pub(super) async fn recognise(
    State(site): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let now = environment::now();
    let is_program = is_for_programs(request.uri().path());
    let token = cookie(headers, site.way.cookie()).map(str::to_owned);
    // What carries a token is its program's, whatever cookie a browser put beside it.
    let found = match (bearer(headers).filter(|_| is_program), &token) {
        (Some(token), _) => site.registry.recognise_program(token, now).await,
        (None, Some(token)) => site.registry.recognise(token, now).await,
        (None, None) => Ok(None),
    };
    let (signed_in, trouble) = match found {
        Ok(signed_in) => (signed_in, None),
        Err(error) => (None, Some(error)),
    };
    let account = signed_in.as_ref().map(|one| &one.account);
    let chosen = account
        .and_then(|one| one.language)
        .or_else(|| cookie(headers, LANGUAGE_COOKIE).and_then(Language::from_tag));
    // A program says what it wants with each request; a browser says what it was installed with.
    let language = if is_program {
        accepted(headers).or(chosen)
    } else {
        chosen.or_else(|| accepted(headers))
    };
    let plate = site.office.plate(now);
    let language = language.unwrap_or(plate.language);
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|value| value.to_str().ok()).unwrap_or("");
    let path = request.uri().path_and_query();
    let visitor = Visitor {
        actor: Actor {
            name: account.map_or_else(String::new, |one| one.name.clone()),
            address: address(headers, peer, site.way),
            now,
        },
        agent: agent.to_owned(),
        path: path.map_or_else(|| "/".to_owned(), ToString::to_string),
        way: site.way,
        organisation: plate.name.get(language).to_owned(),
        root: plate.root,
        signed_in,
        token,
        language,
    };
    if let Some(error) = trouble {
        return failure::page(&visitor, &Failure::from(error));
    }
    request.extensions_mut().insert(visitor.clone());
    request.extensions_mut().insert(site.begun.clone());
    let response = next.run(request).await;
    failure::told(&visitor, response)
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Failure> {
        let visitor = parts.extensions.get::<Self>();
        visitor.cloned().ok_or_else(Failure::internal)
    }
}

impl FromRequestParts<Shared> for Desk {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Self, Failure> {
        let visitor = Visitor::from_request_parts(parts, site).await?;
        let who = Who {
            actor: visitor.actor.clone(),
            scope: visitor.scope(),
            until: visitor.until(),
            language: visitor.language,
            registry: site.registry.clone(),
        };
        Ok(site.office.desk(who).await?)
    }
}

/// The token that a program shows.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The value of a cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter();
    let pairs = all.filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// The first language of the browser's list that Keiki speaks.
fn accepted(headers: &HeaderMap) -> Option<Language> {
    let listed = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut tags = listed.split(',').filter_map(|part| part.split(';').next());
    tags.find_map(|tag| Language::from_tag(tag.trim()))
}

/// The visitor's address: of the connection, or what the proxies that are known to stand before the server say of it.
fn address(headers: &HeaderMap, peer: SocketAddr, way: Way) -> String {
    let said = headers.get_all("x-forwarded-for").iter();
    let said = said.filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = said.flat_map(|value| value.split(',')).collect();
    let position = way.proxies.checked_sub(1);
    let hop = position.and_then(|back| hops.iter().rev().nth(back));
    let believed = hop.and_then(|hop| hop.trim().parse::<std::net::IpAddr>().ok());
    believed.unwrap_or_else(|| peer.ip()).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::site::Transport;
    use super::*;

    fn behind(proxies: usize, said: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", said.parse().expect("it is a header"));
        let way = Way {
            transport: Transport::Tls,
            proxies,
        };
        let peer = "10.0.0.9:4000".parse().expect("it is an address");
        address(&headers, peer, way)
    }

    #[test]
    fn only_declared_proxies_are_believed() {
        assert_eq!(behind(0, "203.0.113.7"), "10.0.0.9");
        assert_eq!(behind(1, "198.51.100.1, 203.0.113.7"), "203.0.113.7");
        assert_eq!(behind(2, "198.51.100.1, 203.0.113.7"), "198.51.100.1");
        assert_eq!(behind(1, "not an address"), "10.0.0.9");
    }
}
