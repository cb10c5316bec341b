//! `/users`: accounts and their roles.

use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use keiki_store::AccountStanding;
use serde::Deserialize;

use crate::config::Link;
use crate::error::Error;
use crate::operations::office::Desk;
use crate::operations::office::people::{AccountsView, TokenLine};
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "users.html")]
struct Page<'p> {
    layout: Layout<'p>,
    view: AccountsView,
    /// The tokens with which programs act for accounts.
    tokens: Vec<TokenLine>,
    /// Whose link was made just now, and the link.
    link: Option<(String, Link)>,
    problem: String,
    hint: String,
}

#[derive(Deserialize)]
pub(in crate::web) struct New {
    name: String,
    shown_name: String,
    role: String,
    unit: String,
}

#[derive(Deserialize)]
pub(in crate::web) struct Granted {
    role: String,
    unit: String,
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk) -> Answer {
    let page = page(&visitor, &desk, None).await?;
    Ok(Html(page.render()?))
}

async fn page<'p>(
    visitor: &'p Visitor,
    desk: &Desk,
    link: Option<(String, Link)>,
) -> Answer<Page<'p>> {
    Ok(Page {
        layout: Layout::new(visitor, "users-title"),
        view: desk.accounts().await?,
        tokens: desk.token_lines().await?,
        link,
        problem: String::new(),
        hint: String::new(),
    })
}

/// The page again, with what is wrong with what was sent.
async fn wrong(visitor: &Visitor, desk: &Desk, error: Error) -> Answer<Response> {
    let (message, hint) = Failure::of_form(error)?;
    let mut page = page(visitor, desk, None).await?;
    message.get(visitor.language).clone_into(&mut page.problem);
    if let Some(hint) = hint {
        hint.get(visitor.language).clone_into(&mut page.hint);
    }
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
}

pub(in crate::web) async fn add(
    visitor: Visitor,
    desk: Desk,
    Form(new): Form<New>,
) -> Answer<Response> {
    let names = (new.name.as_str(), new.shown_name.as_str());
    match desk.add_account(names, (&new.role, &new.unit)).await {
        Ok(token) => linked(&visitor, &desk, new.name, &token).await,
        Err(error) => wrong(&visitor, &desk, error).await,
    }
}

pub(in crate::web) async fn renew(
    visitor: Visitor,
    desk: Desk,
    Path(name): Path<String>,
) -> Answer<Response> {
    match desk.renew_password(&name).await {
        Ok(token) => linked(&visitor, &desk, name, &token).await,
        Err(error) => wrong(&visitor, &desk, error).await,
    }
}

/// The page with a link, which is shown this once.
async fn linked(visitor: &Visitor, desk: &Desk, name: String, token: &str) -> Answer<Response> {
    let link = desk.link(&format!("/welcome/{token}"));
    let page = page(visitor, desk, Some((name, link))).await?;
    Ok(Html(page.render()?).into_response())
}

pub(in crate::web) async fn grant(
    visitor: Visitor,
    desk: Desk,
    Path(name): Path<String>,
    Form(granted): Form<Granted>,
) -> Answer<Response> {
    let changed = desk.change_grant(&name, &granted.role, &granted.unit).await;
    done(&visitor, &desk, changed).await
}

pub(in crate::web) async fn disable(
    visitor: Visitor,
    desk: Desk,
    Path(name): Path<String>,
) -> Answer<Response> {
    let changed = desk.set_standing(&name, AccountStanding::Disabled).await;
    done(&visitor, &desk, changed).await
}

pub(in crate::web) async fn enable(
    visitor: Visitor,
    desk: Desk,
    Path(name): Path<String>,
) -> Answer<Response> {
    let changed = desk.set_standing(&name, AccountStanding::Active).await;
    done(&visitor, &desk, changed).await
}

pub(in crate::web) async fn end_sessions(
    visitor: Visitor,
    desk: Desk,
    Path(name): Path<String>,
) -> Answer<Response> {
    let changed = desk.end_sessions(&name).await;
    done(&visitor, &desk, changed).await
}

pub(in crate::web) async fn remove_factor(
    visitor: Visitor,
    desk: Desk,
    Path(name): Path<String>,
) -> Answer<Response> {
    let changed = desk.remove_factor(&name).await;
    done(&visitor, &desk, changed).await
}

pub(in crate::web) async fn revoke_token(
    visitor: Visitor,
    desk: Desk,
    Path(id): Path<String>,
) -> Answer<Response> {
    let changed = desk.revoke_token(&id).await;
    done(&visitor, &desk, changed).await
}

async fn done(visitor: &Visitor, desk: &Desk, changed: Result<(), Error>) -> Answer<Response> {
    match changed {
        Ok(()) => Ok(Redirect::to("/users").into_response()),
        Err(error) => wrong(visitor, desk, error).await,
    }
}
