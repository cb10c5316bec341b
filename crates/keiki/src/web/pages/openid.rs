//! `/sign-in/openid-connect`: to the provider that says who somebody is, and back from it.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::sign_in::{Before, again, session_cookie};
use crate::error::Error;
use crate::operations::accounts::Admitted;
use crate::operations::openid_connect::{NotIdentified, Returned};
use crate::web::failure::Answer;
use crate::web::guard;
use crate::web::site::Shared;
use crate::web::visitor::{Visitor, cookie};

/// Where a sign-in by the provider begins.
pub(in crate::web) const OPENID_PATH: &str = "/sign-in/openid-connect";
/// Where the browser comes back.
pub(in crate::web) const RETURN_PATH: &str = "/sign-in/openid-connect/return";
/// How long somebody may stay with the provider. *Units*: seconds.
const AWAY_SECONDS: i64 = 600;

#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    next: Option<String>,
}

/// Leads to the provider. The browser keeps what it has to bring back in a cookie of its own, so that nobody can send it back with
/// the sign-in of another.
pub(in crate::web) async fn begin(
    State(site): State<Shared>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let provider = site.provider.as_ref().ok_or(Error::Absent)?;
    let next = guard::local(asked.next.as_deref());
    if visitor.signed_in.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let begun = match provider.begin(&next, visitor.actor.now).await {
        Ok(begun) => begun,
        Err(error) => return failed(&site, &visitor, &error, next).await,
    };
    let kept = format!(
        "{}={}; Max-Age={AWAY_SECONDS}; {}",
        visitor.way.openid_cookie(),
        begun.kept,
        visitor.way.attributes()
    );
    let to = Redirect::to(begun.url.as_str());
    Ok(([(header::SET_COOKIE, kept)], to).into_response())
}

/// Takes in who comes back from the provider.
pub(in crate::web) async fn enter(
    State(site): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Answer<Response> {
    let provider = site.provider.as_ref().ok_or(Error::Absent)?;
    let name = visitor.way.openid_cookie();
    let kept = cookie(&headers, name).unwrap_or_default();
    let now = visitor.actor.now;
    // It is of use once, whatever comes of it.
    let gone = format!("{name}=; Max-Age=0; {}", visitor.way.attributes());
    let who = match provider.identify(&returned, kept, now).await {
        Ok(who) => who,
        Err(error) => {
            let page = failed(&site, &visitor, &error, "/".to_owned()).await?;
            return Ok(([(header::SET_COOKIE, gone)], page).into_response());
        }
    };
    let next = guard::local(Some(&who.next));
    match site
        .registry
        .admit(&who, &visitor.agent, &visitor.actor)
        .await?
    {
        Admitted::Yes(token) => {
            // A session that was there before is not taken over, whoever put it there.
            if let Some(before) = &visitor.token {
                site.registry.sign_out(before).await?;
            }
            let cookies = [gone, session_cookie(&visitor, &token)];
            let cookies = AppendHeaders(cookies.map(|one| (header::SET_COOKIE, one)));
            Ok((cookies, Redirect::to(&next)).into_response())
        }
        Admitted::No => {
            let page = again(&site, &visitor, Before::NotLetIn, next)?;
            Ok(([(header::SET_COOKIE, gone)], page).into_response())
        }
    }
}

/// Says that nobody was signed in; why is for the log.
async fn failed(
    site: &Shared,
    visitor: &Visitor,
    error: &NotIdentified,
    next: String,
) -> Answer<Response> {
    tracing::warn!(%error, "nobody was signed in by the provider");
    let before = match error {
        NotIdentified::Fetch(_) | NotIdentified::Answer(_) => Before::Unreachable,
        NotIdentified::State | NotIdentified::Refused(_) => Before::NotLetIn,
        NotIdentified::Token(flaw) => {
            let registry = &site.registry;
            let detail = format!("id_token: {flaw}");
            registry
                .note(&visitor.actor, "sign_in_refused", "openid_connect", &detail)
                .await?;
            Before::NotLetIn
        }
    };
    again(site, visitor, before, next)
}
