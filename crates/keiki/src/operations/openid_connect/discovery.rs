//! What a provider says of itself, and its keys: kept for a while, and asked for again when a key turns up that nobody knows.

use jsonwebtoken::jwk::JwkSet;
use keiki_ingest::live::{Asking, Question, Service, ShownTo};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{NotIdentified, Provider};

/// For how long what it says is kept. *Units*: microseconds.
const KEPT_MICROS: i64 = 3_600_000_000;
/// How often it is asked for its keys at most, whatever tokens come. *Units*: microseconds.
const KEYS_AGAIN_MICROS: i64 = 10_000_000;

/// What is known of a provider.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Where people sign in.
    pub(super) authorization: Url,
    /// Where a code is exchanged.
    pub(super) token: Url,
    /// Where it says more of somebody.
    pub(super) user_info: Option<Url>,
    /// Where people sign out.
    pub(super) end_session: Option<Url>,
    /// Whether it takes the client's secret in a header.
    pub(super) takes_basic: bool,
    /// The keys by which it signs.
    pub(super) keys: JwkSet,
    keys_place: Url,
    since: i64,
    keys_since: i64,
}

/// *Source*: `OpenID` Connect Discovery 1.0, section 3.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    end_session_endpoint: Option<Url>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Provider {
    /// What is known of the provider, which is asked where nothing is, or only what is old.
    pub(super) async fn known(&self, asking: Asking<'_>, now: i64) -> Result<Known, NotIdentified> {
        let mut known = self.known.lock().await;
        if let Some(known) = known
            .as_ref()
            .filter(|known| now - known.since < KEPT_MICROS)
        {
            return Ok(known.clone());
        }
        let fresh = self.discovered(asking, now).await?;
        Ok(known.insert(fresh).clone())
    }

    /// Its keys, asked for again, unless that was done just now.
    pub(super) async fn renewed_keys(
        &self,
        asking: Asking<'_>,
        now: i64,
    ) -> Result<JwkSet, NotIdentified> {
        let mut known = self.known.lock().await;
        let Some(known) = known.as_mut() else {
            return Ok(JwkSet { keys: Vec::new() });
        };
        if now.saturating_sub(known.keys_since) >= KEYS_AGAIN_MICROS {
            known.keys = self.keys(&known.keys_place, asking).await?;
            known.keys_since = now;
        }
        Ok(known.keys.clone())
    }

    async fn discovered(&self, asking: Asking<'_>, now: i64) -> Result<Known, NotIdentified> {
        let issuer = &self.settings.issuer;
        let place = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let place = Url::parse(&place).map_err(|_| NotIdentified::Answer("its address"))?;
        let service = &self.settings.service;
        let body = service
            .ask(&place, Question::Get, ShownTo::Nothing, asking)
            .await?;
        let document: Document = serde_json::from_slice(&body)
            .map_err(|_| NotIdentified::Answer("what it says of itself"))?;
        // To the letter: who could speak for another issuer could sign in its people.
        if document.issuer != *issuer {
            return Err(NotIdentified::Answer("it calls itself something else"));
        }
        let named = [
            Some(&document.authorization_endpoint),
            Some(&document.token_endpoint),
            Some(&document.jwks_uri),
            document.userinfo_endpoint.as_ref(),
            document.end_session_endpoint.as_ref(),
        ];
        if !named.into_iter().flatten().all(Service::is_guarded) {
            return Err(NotIdentified::Answer("an address without TLS"));
        }
        let methods = document.token_endpoint_auth_methods_supported;
        Ok(Known {
            keys: self.keys(&document.jwks_uri, asking).await?,
            authorization: document.authorization_endpoint,
            token: document.token_endpoint,
            user_info: document.userinfo_endpoint,
            end_session: document.end_session_endpoint,
            takes_basic: methods
                .is_none_or(|all| all.iter().any(|one| one == "client_secret_basic")),
            keys_place: document.jwks_uri,
            since: now,
            keys_since: i64::MIN,
        })
    }

    async fn keys(&self, place: &Url, asking: Asking<'_>) -> Result<JwkSet, NotIdentified> {
        /// Each key as it comes: one of a form that nobody here reads leaves the others as they are.
        #[derive(Deserialize)]
        struct Keys {
            keys: Vec<Value>,
        }
        let service = &self.settings.service;
        let body = service
            .ask(place, Question::Get, ShownTo::Nothing, asking)
            .await?;
        let said: Keys =
            serde_json::from_slice(&body).map_err(|_| NotIdentified::Answer("its keys"))?;
        let keys = said.keys.into_iter();
        let keys = keys.filter_map(|key| serde_json::from_value(key).ok());
        Ok(JwkSet {
            keys: keys.collect(),
        })
    }
}
