//! `/sign-in`, `/sign-out`.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::config::Passwords;
use crate::operations::accounts::{SESSION_HOURS, Shown};
use crate::operations::openid_connect::Provider;
use crate::web::failure::Answer;
use crate::web::guard;
use crate::web::layout::Layout;
use crate::web::pages::openid::OPENID_PATH;
use crate::web::site::Shared;
use crate::web::visitor::Visitor;

#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    next: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct Given {
    name: String,
    password: String,
    code: Option<String>,
    next: Option<String>,
}

/// What came of an attempt just now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// There was none.
    Nothing,
    /// Name, password or code is wrong.
    Refused,
    /// The provider let nobody in, or named somebody who may not come in.
    NotLetIn,
    /// The provider cannot be reached.
    Unreachable,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'p> {
    layout: Layout<'p>,
    before: Before,
    next: String,
    /// What the provider is called; empty where there is none.
    provider: String,
    /// Where one signs in by it.
    provider_path: String,
    /// Whether passwords are for administrators alone.
    is_for_administrators: bool,
}

impl<'p> Page<'p> {
    fn new(site: &Shared, visitor: &'p Visitor, before: Before, next: String) -> Self {
        let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let provider = site.provider.as_ref().map(Provider::name);
        Self {
            layout: Layout::new(visitor, "sign-in-title"),
            before,
            provider: provider
                .map_or_else(String::new, |name| name.get(visitor.language).to_owned()),
            provider_path: format!("{OPENID_PATH}?next={query}"),
            is_for_administrators: site.registry.passwords() == Passwords::Administrators,
            next,
        }
    }
}

/// The page again, with what came of an attempt.
pub(super) fn again(
    site: &Shared,
    visitor: &Visitor,
    before: Before,
    next: String,
) -> Answer<Response> {
    let status = match before {
        Before::Nothing => StatusCode::OK,
        Before::Refused | Before::NotLetIn => StatusCode::UNAUTHORIZED,
        Before::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
    };
    let page = Page::new(site, visitor, before, next);
    Ok((status, Html(page.render()?)).into_response())
}

/// The cookie of a session.
pub(super) fn session_cookie(visitor: &Visitor, token: &str) -> String {
    format!(
        "{}={token}; Max-Age={}; {}",
        visitor.way.cookie(),
        SESSION_HOURS * 3_600,
        visitor.way.attributes()
    )
}

pub(in crate::web) async fn show(
    State(site): State<Shared>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let next = guard::local(asked.next.as_deref());
    if visitor.signed_in.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    again(&site, &visitor, Before::Nothing, next)
}

pub(in crate::web) async fn enter(
    State(site): State<Shared>,
    visitor: Visitor,
    Form(given): Form<Given>,
) -> Answer<Response> {
    let next = guard::local(given.next.as_deref());
    let shown = Shown {
        name: &given.name,
        password: &given.password,
        code: given.code.as_deref().unwrap_or_default(),
    };
    let token = site
        .registry
        .sign_in(&shown, &visitor.agent, &visitor.actor)
        .await?;
    let Some(token) = token else {
        return again(&site, &visitor, Before::Refused, next);
    };
    // A session that was there before is not taken over, whoever put it there.
    if let Some(before) = &visitor.token {
        site.registry.sign_out(before).await?;
    }
    let cookie = session_cookie(&visitor, &token);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response())
}

pub(in crate::web) async fn leave(
    State(site): State<Shared>,
    visitor: Visitor,
) -> Answer<Response> {
    let mut to = "/sign-in".to_owned();
    if let Some(token) = &visitor.token {
        let id_token = site.registry.take_id_token(token).await?;
        site.registry.sign_out(token).await?;
        if let (Some(provider), Some(id_token)) = (&site.provider, id_token) {
            let there = provider.farewell(&id_token, visitor.actor.now).await;
            to = there.map_or(to, String::from);
        }
        site.registry
            .note(&visitor.actor, "sign_out", &visitor.actor.name, "")
            .await?;
    }
    let cookie = format!(
        "{}=; Max-Age=0; {}",
        visitor.way.cookie(),
        visitor.way.attributes()
    );
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}
