//! `/sign-in`, `/sign-out`.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::operations::accounts::{SESSION_HOURS, Shown};
use crate::web::failure::Answer;
use crate::web::guard;
use crate::web::layout::Layout;
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

/// Whether somebody has just been refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Refused,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'p> {
    layout: Layout<'p>,
    before: Before,
    next: String,
}

pub(in crate::web) async fn show(visitor: Visitor, Query(asked): Query<Asked>) -> Answer<Response> {
    let next = guard::local(asked.next.as_deref());
    if visitor.signed_in.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    let layout = Layout::new(&visitor, "sign-in-title");
    let page = Page {
        layout,
        before: Before::Nothing,
        next,
    };
    Ok(Html(page.render()?).into_response())
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
        let layout = Layout::new(&visitor, "sign-in-title");
        let page = Page {
            layout,
            before: Before::Refused,
            next,
        };
        return Ok((StatusCode::UNAUTHORIZED, Html(page.render()?)).into_response());
    };
    // A session that was there before is not taken over, whoever put it there.
    if let Some(before) = &visitor.token {
        site.registry.sign_out(before).await?;
    }
    let cookie = format!(
        "{}={token}; Max-Age={}; {}",
        visitor.way.cookie(),
        SESSION_HOURS * 3_600,
        visitor.way.attributes()
    );
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response())
}

pub(in crate::web) async fn leave(
    State(site): State<Shared>,
    visitor: Visitor,
) -> Answer<Response> {
    if let Some(token) = &visitor.token {
        site.registry.sign_out(token).await?;
        site.registry
            .note(&visitor.actor, "sign_out", &visitor.actor.name, "")
            .await?;
    }
    let cookie = format!(
        "{}=; Max-Age=0; {}",
        visitor.way.cookie(),
        visitor.way.attributes()
    );
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}
