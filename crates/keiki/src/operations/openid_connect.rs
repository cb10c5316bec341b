//! `OpenID` Connect: a provider says who somebody is, by the authorization code flow with PKCE, state and nonce.
//!
//! *Source*: decision 0080; `OpenID` Connect Core 1.0, Discovery 1.0 and RP-Initiated Logout 1.0; RFC 7636; RFC 9207; RFC 9700.

mod discovery;
mod token;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keiki_ingest::live::{Asking, FetchError, FetchLimits, Question, ShownTo, Vault};
use keiki_model::access::Grant;
use keiki_model::calendar::{Month, Period, local_day};
use keiki_model::text::Text;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use url::Url;

use super::accounts::{self, new_token};
use super::measure::root_of_period;
use crate::config::{OpenIdSettings, Workspace};
use crate::environment;
use crate::error::Error;
use discovery::Known;
use token::{Claims, Expected};

pub use token::Flaw;

/// How long the provider may take for an answer. *Units*: seconds.
const ANSWER_SECONDS: u64 = 10;
/// The most that it may say. *Units*: bytes.
const ANSWER_BYTES: usize = 1 << 20;
/// How often it is asked.
const ATTEMPT_COUNT: u32 = 2;
/// The longest place to go on to that is kept. *Units*: bytes.
const NEXT_LENGTH_MOST: usize = 1000;
/// The most groups that are looked at.
const GROUPS_MOST: usize = 2000;

/// Why nobody was signed in: for the log, in its words. Readers are told whether to try again, and nothing else.
#[derive(Debug)]
pub enum NotIdentified {
    /// The provider cannot be reached.
    Fetch(FetchError),
    /// What it says of itself cannot be used.
    Answer(&'static str),
    /// The browser comes back with something else than it was sent away with.
    State,
    /// The provider says no, or the person did.
    Refused(String),
    /// The ID token does not hold.
    Token(Flaw),
}

impl fmt::Display for NotIdentified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(error) => error.fmt(f),
            Self::Answer(what) => write!(f, "the provider's answer cannot be used: {what}"),
            Self::State => f.write_str("what comes back does not belong to what was asked"),
            Self::Refused(why) => write!(f, "the provider refused: {why}"),
            Self::Token(flaw) => write!(f, "the ID token does not hold: {flaw}"),
        }
    }
}

impl From<FetchError> for NotIdentified {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

impl From<Flaw> for NotIdentified {
    fn from(flaw: Flaw) -> Self {
        Self::Token(flaw)
    }
}

/// A sign-in that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Where the browser goes.
    pub url: Url,
    /// What the browser keeps until it comes back.
    pub kept: String,
}

/// What a browser brings back.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Returned {
    /// What it was sent away with.
    #[serde(default)]
    pub state: String,
    /// By what the provider tells who it is.
    pub code: Option<String>,
    /// Why it does not.
    pub error: Option<String>,
    /// Who says so.
    pub iss: Option<String>,
}

/// Whom a provider names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// The provider.
    pub issuer: String,
    /// Whom, to the provider, for ever.
    pub subject: String,
    /// The name that they would have here.
    pub name: Option<String>,
    /// The name that others read.
    pub shown_name: Option<String>,
    /// Their roles, by their groups.
    pub grants: Vec<Grant>,
    /// What the provider said, to be shown to it when they leave.
    pub id_token: String,
    /// Where they wanted to go.
    pub next: String,
}

/// A provider.
#[derive(Debug)]
pub struct Provider {
    settings: OpenIdSettings,
    root: PathBuf,
    /// The address of the pages, without a slash at its end.
    address: String,
    groups: Vec<(String, Vec<Grant>)>,
    known: Mutex<Option<Known>>,
}

impl Provider {
    /// The provider of a workspace; `None` where it has none. `here` is the address on which the server listens, if that is this
    /// computer's alone.
    ///
    /// # Errors
    /// A role of a group names an org unit that there is not, or no address is set under which browsers come.
    pub fn open(
        workspace: &Workspace,
        here: Option<&str>,
        now: i64,
    ) -> Result<Option<Self>, Error> {
        let Some(settings) = &workspace.settings.sign_in.openid_connect else {
            return Ok(None);
        };
        let set = settings.address.as_ref().map(Url::as_str);
        let Some(address) = set.or(here) else {
            return Err(Error::user(
                Text::new(
                    "[openid_connect] に `address` がありません",
                    "`address` is missing in [openid_connect]",
                ),
                Text::new(
                    "ブラウザから開くKeikiのアドレスを address = \"https://keiki.example.jp\" のように書いてください",
                    "write the address by which browsers come: address = \"https://keiki.example.jp\"",
                ),
            ));
        };
        let today = local_day(now, &workspace.settings.zone);
        let root = root_of_period(workspace, Period::Month(Month::of(today)));
        let grants = |roles: &Vec<String>| {
            let roles = roles.iter();
            let grants = roles.map(|role| accounts::grant(workspace, role, &root));
            grants.collect::<Result<Vec<_>, Error>>()
        };
        let groups = settings.groups.iter();
        let groups = groups.map(|(name, roles)| Ok((name.clone(), grants(roles)?)));
        Ok(Some(Self {
            groups: groups.collect::<Result<_, Error>>()?,
            settings: settings.clone(),
            root: workspace.root.clone(),
            address: address.trim_end_matches('/').to_owned(),
            known: Mutex::new(None),
        }))
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.settings.name
    }

    /// Its origin: where forms may lead beside this server.
    #[must_use]
    pub fn origin(&self) -> String {
        let issuer = Url::parse(&self.settings.issuer).ok();
        issuer.map_or_else(String::new, |url| url.origin().ascii_serialization())
    }

    /// Begins a sign-in of somebody who wants to go on to `next`.
    ///
    /// # Errors
    /// The provider cannot be reached, or what it says of itself cannot be used.
    pub async fn begin(&self, next: &str, now: i64) -> Result<Begun, NotIdentified> {
        let (vault, limits) = (self.vault(), limits());
        let asking = self.asking(&vault, &limits, now)?;
        let mut url = self.known(asking, now).await?.authorization;
        let [state, nonce, verifier] = [(); 3].map(|()| new_token());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let scopes = ["openid"]
            .into_iter()
            .chain(self.settings.scopes.iter().map(String::as_str));
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.redirect())
            .append_pair("scope", &scopes.collect::<Vec<_>>().join(" "))
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let next = if next.len() > NEXT_LENGTH_MOST {
            "/"
        } else {
            next
        };
        let next = URL_SAFE_NO_PAD.encode(next);
        Ok(Begun {
            url,
            kept: format!("{state}.{nonce}.{verifier}.{next}"),
        })
    }

    /// Who somebody is that comes back from the provider. `kept` is what their browser kept.
    ///
    /// # Errors
    /// It does not belong together, the provider refuses, or what it says does not hold.
    pub async fn identify(
        &self,
        returned: &Returned,
        kept: &str,
        now: i64,
    ) -> Result<Identified, NotIdentified> {
        let mut parts = kept.splitn(4, '.');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let (Some(state), Some(nonce), Some(verifier)) = (part(), part(), part()) else {
            return Err(NotIdentified::State);
        };
        let next = part().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let next = next.and_then(|bytes| String::from_utf8(bytes).ok());
        let is_of_provider = returned
            .iss
            .as_ref()
            .is_none_or(|iss| *iss == self.settings.issuer);
        if returned.state != state || !is_of_provider {
            return Err(NotIdentified::State);
        }
        if let Some(error) = &returned.error {
            let plain = error.chars().filter(char::is_ascii_graphic).take(80);
            return Err(NotIdentified::Refused(plain.collect()));
        }
        let code = returned.code.as_deref().ok_or(NotIdentified::State)?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce,
            now_seconds: now / 1_000_000,
        };
        let (vault, limits) = (self.vault(), limits());
        let asking = self.asking(&vault, &limits, now)?;
        let tokens = self.exchange(code, verifier, asking, now).await?;
        let claims = self
            .checked(&tokens.id_token, &expected, asking, now)
            .await?;
        let claims = self.with_user_info(claims, &tokens, asking, now).await?;
        Ok(self.identified(&claims, tokens.id_token, next.unwrap_or_default()))
    }

    /// Where a browser goes to leave the provider as well; `None` where it has no such place, or one to which no form may lead.
    pub async fn farewell(&self, id_token: &str, now: i64) -> Option<Url> {
        let (vault, limits) = (self.vault(), limits());
        let found = match self.asking(&vault, &limits, now) {
            Ok(asking) => self.known(asking, now).await,
            Err(error) => Err(error),
        };
        let found =
            found.inspect_err(|error| tracing::warn!(%error, "nobody was signed out there"));
        let mut url = found.ok()?.end_session?;
        if url.origin().ascii_serialization() != self.origin() {
            return None;
        }
        url.query_pairs_mut()
            .append_pair("id_token_hint", id_token)
            .append_pair("client_id", &self.settings.client_id)
            .append_pair(
                "post_logout_redirect_uri",
                &format!("{}/sign-in", self.address),
            );
        Some(url)
    }

    fn redirect(&self) -> String {
        format!("{}/sign-in/openid-connect/return", self.address)
    }

    /// The client's secret is opened for each question and kept nowhere.
    fn vault(&self) -> Vault<'_> {
        Vault::new(&environment::Here, &self.root)
    }

    fn asking<'a>(
        &'a self,
        vault: &'a Vault<'a>,
        limits: &'a FetchLimits,
        now: i64,
    ) -> Result<Asking<'a>, NotIdentified> {
        let now = jiff::Timestamp::from_microsecond(now);
        Ok(Asking {
            now: now.map_err(|_| NotIdentified::Answer("the clock"))?,
            workspace: &self.root,
            vault,
            limits,
        })
    }

    /// What the provider gives for a code.
    async fn exchange(
        &self,
        code: &str,
        verifier: &str,
        asking: Asking<'_>,
        now: i64,
    ) -> Result<Tokens, NotIdentified> {
        let known = self.known(asking, now).await?;
        let redirect = self.redirect();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect.as_str()),
            ("code_verifier", verifier),
        ];
        let id = self.settings.client_id.as_str();
        let secret = self.settings.client_secret.as_ref();
        let secret = secret.map(|one| asking.vault.open(one)).transpose()?;
        let shown = match &secret {
            Some(secret) if known.takes_basic => ShownTo::Basic(id, secret.expose()),
            Some(secret) => {
                fields.extend([("client_id", id), ("client_secret", secret.expose())]);
                ShownTo::Nothing
            }
            None => {
                fields.push(("client_id", id));
                ShownTo::Nothing
            }
        };
        let service = &self.settings.service;
        let question = Question::Form(&fields);
        let answer = service.ask(&known.token, question, shown, asking).await;
        let body = answer.map_err(|error| match error {
            FetchError::Refused { .. } => NotIdentified::Refused(error.to_string()),
            error => error.into(),
        })?;
        serde_json::from_slice(&body).map_err(|_| NotIdentified::Answer("no ID token"))
    }

    /// The claims of an ID token that holds. A key that nobody knows yet may be new: the provider is asked for its keys again.
    async fn checked(
        &self,
        id_token: &str,
        expected: &Expected<'_>,
        asking: Asking<'_>,
        now: i64,
    ) -> Result<Claims, NotIdentified> {
        let known = self.known(asking, now).await?;
        let first = token::check(id_token, &known.keys, expected);
        if !matches!(first, Err(Flaw::Key)) {
            return Ok(first?);
        }
        let keys = self.renewed_keys(asking, now).await?;
        Ok(token::check(id_token, &keys, expected)?)
    }

    /// Adds what the provider says of the person elsewhere, where the ID token names no groups.
    async fn with_user_info(
        &self,
        claims: Claims,
        tokens: &Tokens,
        asking: Asking<'_>,
        now: i64,
    ) -> Result<Claims, NotIdentified> {
        let place = self.known(asking, now).await?.user_info;
        let access = tokens.access_token.as_deref();
        let (Some(place), Some(access)) = (place, access) else {
            return Ok(claims);
        };
        if found(&claims.all, &self.settings.groups_claim).is_some() {
            return Ok(claims);
        }
        let service = &self.settings.service;
        let shown = ShownTo::Bearer(access);
        let body = service.ask(&place, Question::Get, shown, asking).await?;
        let said: Map<String, Value> = serde_json::from_slice(&body)
            .map_err(|_| NotIdentified::Answer("what it says of the person"))?;
        // It may speak of somebody else. *Source*: OpenID Connect Core 1.0, section 5.3.2.
        if said.get("sub").and_then(Value::as_str) != Some(&claims.subject) {
            return Err(NotIdentified::Answer("it speaks of another person"));
        }
        let mut all = said;
        all.extend(claims.all);
        Ok(Claims { all, ..claims })
    }

    fn identified(&self, claims: &Claims, id_token: String, next: String) -> Identified {
        let text = |name: &str| claims.all.get(name).and_then(Value::as_str);
        let groups: BTreeSet<&str> = match found(&claims.all, &self.settings.groups_claim) {
            Some(Value::Array(all)) => all
                .iter()
                .take(GROUPS_MOST)
                .filter_map(Value::as_str)
                .collect(),
            Some(Value::String(one)) => BTreeSet::from([one.as_str()]),
            _ => BTreeSet::new(),
        };
        let mut grants: Vec<Grant> = Vec::new();
        let given = self
            .groups
            .iter()
            .filter(|(name, _)| groups.contains(name.as_str()));
        for grant in given.flat_map(|(_, grants)| grants) {
            if !grants.contains(grant) {
                grants.push(grant.clone());
            }
        }
        Identified {
            issuer: self.settings.issuer.clone(),
            subject: claims.subject.clone(),
            name: text("preferred_username").map(str::to_owned),
            shown_name: text("name").map(str::to_owned),
            grants,
            id_token,
            next,
        }
    }
}

fn limits() -> FetchLimits {
    FetchLimits {
        answer_seconds: ANSWER_SECONDS,
        answer_bytes: ANSWER_BYTES,
        attempt_count: ATTEMPT_COUNT,
        wait_seconds: ANSWER_SECONDS,
        ..FetchLimits::default()
    }
}

/// What comes for a code.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

/// A claim by its name, or by a dotted path into objects.
fn found<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut parts = path.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}
