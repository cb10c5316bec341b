//! `/welcome/{token}`: whoever holds a link sets a password, the first administrator a name too.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::error::Error;
use crate::operations::accounts::{Actor, Chosen};
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::site::Shared;
use crate::web::visitor::Visitor;

#[derive(Deserialize)]
pub(in crate::web) struct Given {
    name: Option<String>,
    password: String,
    again: String,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct Page<'p> {
    layout: Layout<'p>,
    token: String,
    /// The account's name; `None` where the first administrator chooses one.
    name: Option<String>,
    /// What was typed before.
    typed: String,
    problem: String,
    hint: String,
}

pub(in crate::web) async fn show(
    State(site): State<Shared>,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Answer {
    let name = name_of(&site, &visitor, &token).await?;
    let layout = Layout::new(&visitor, "welcome-title");
    let page = Page {
        layout,
        token,
        name,
        typed: String::new(),
        problem: String::new(),
        hint: String::new(),
    };
    Ok(Html(page.render()?))
}

async fn name_of(site: &Shared, visitor: &Visitor, token: &str) -> Answer<Option<String>> {
    let whose = site.registry.whose(token, visitor.actor.now).await?;
    let whose = whose.ok_or(Error::Absent)?;
    Ok(site.registry.name_of(&whose).await?)
}

pub(in crate::web) async fn accept(
    State(site): State<Shared>,
    visitor: Visitor,
    Path(token): Path<String>,
    Form(given): Form<Given>,
) -> Answer<Response> {
    let name = name_of(&site, &visitor, &token).await?;
    let typed = given.name.unwrap_or_default();
    let layout = Layout::new(&visitor, "welcome-title");
    let (problem, hint) = if given.password == given.again {
        let chosen = Chosen {
            name: &typed,
            password: &given.password,
            root: &visitor.root,
        };
        let by = Actor {
            name: name.clone().unwrap_or_else(|| typed.clone()),
            ..visitor.actor.clone()
        };
        match site.registry.accept(&token, &chosen, &by).await {
            Ok(()) => return Ok(Redirect::to("/sign-in").into_response()),
            Err(error) => {
                let (message, hint) = Failure::of_form(error)?;
                let hint = hint.map(|hint| hint.get(visitor.language).to_owned());
                let message = message.get(visitor.language).to_owned();
                (message, hint.unwrap_or_default())
            }
        }
    } else {
        (layout.say("welcome-differ"), String::new())
    };
    let page = Page {
        layout,
        token,
        name,
        typed,
        problem,
        hint,
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
}
