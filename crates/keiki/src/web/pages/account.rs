//! `/account`: what somebody keeps of their own: the tokens of their programs.

use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use keiki_model::access::Right;
use keiki_report::format::NOTHING;
use keiki_store::{StoredApiToken, StoredSession};
use serde::Deserialize;

use crate::error::Error;
use crate::operations::accounts::{Factor, NewApiToken, Recognised, session_id};
use crate::operations::office::Desk;
use crate::web::api::tokens::right;
use crate::web::drawing::Code as Drawn;
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

/// What browsers say of themselves, those first that name others beside themselves.
const BROWSERS: [(&str, &str); 4] = [
    ("Edg/", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// What systems are called by browsers.
const SYSTEMS: [(&str, &str); 6] = [
    ("Windows", "Windows"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Mac OS X", "macOS"),
    ("Android", "Android"),
    ("Linux", "Linux"),
];

#[derive(Template)]
#[template(path = "account.html")]
struct Page<'p> {
    layout: Layout<'p>,
    name: String,
    rights: Vec<Right>,
    tokens: Vec<StoredApiToken>,
    sessions: Vec<StoredSession>,
    /// What the session is called in which the page is looked at.
    here: String,
    factor: Factor,
    /// The token that was made just now.
    made: String,
    /// The recovery codes that were made just now.
    codes: Vec<String>,
    problem: String,
    hint: String,
    desk: Desk,
}

/// What somebody wants of a new token; a form sends a right more than once.
#[derive(Debug, Default)]
struct Wanted {
    name: String,
    rights: Vec<String>,
    days: String,
}

impl Page<'_> {
    /// The address of a second factor as telephones read it.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn drawn(&self, url: &str) -> Option<Drawn> {
        Drawn::new(url)
    }

    /// The program and the system that a session was opened with, as far as they say who they are.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn agent(&self, session: &StoredSession) -> String {
        let find = |names: &[(&str, &'static str)]| {
            let mut names = names.iter();
            let found = names.find(|(mark, _)| session.agent.contains(mark));
            found.map(|(_, name)| *name)
        };
        match (find(&BROWSERS), find(&SYSTEMS)) {
            (Some(browser), Some(system)) => format!("{browser} ({system})"),
            (Some(name), None) | (None, Some(name)) => name.to_owned(),
            (None, None) if session.agent.is_empty() => NOTHING.to_owned(),
            (None, None) => session.agent.clone(),
        }
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn session<'s>(&self, session: &'s StoredSession) -> &'s str {
        session_id(session)
    }

    fn titles(&self, rights: &[Right]) -> String {
        let titles = rights.iter().map(|one| self.title(one));
        titles
            .collect::<Vec<_>>()
            .join(self.layout.say("list-comma").as_str())
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn title(&self, right: &Right) -> String {
        right.title().get(self.desk.language()).to_owned()
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn local(&self, micros: &i64) -> String {
        self.layout.moment(self.desk.local(*micros))
    }
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk) -> Answer {
    Ok(Html(page(&visitor, desk).await?.render()?))
}

async fn page(visitor: &Visitor, desk: Desk) -> Answer<Page<'_>> {
    let here = match visitor.signed_in.as_ref().map(|one| &one.by) {
        Some(Recognised::Session(session)) => session_id(session),
        _ => "",
    };
    Ok(Page {
        sessions: desk.own_sessions().await?,
        here: here.to_owned(),
        layout: Layout::new(visitor, "account-title"),
        name: desk.who().actor.name.clone(),
        rights: desk.rights(),
        tokens: desk.own_tokens().await?,
        factor: desk.own_factor().await?,
        made: String::new(),
        codes: Vec::new(),
        problem: String::new(),
        hint: String::new(),
        desk,
    })
}

pub(in crate::web) async fn make(
    visitor: Visitor,
    desk: Desk,
    Form(fields): Form<Vec<(String, String)>>,
) -> Answer<Response> {
    let mut wanted = Wanted::default();
    for (name, value) in fields {
        match name.as_str() {
            "name" => wanted.name = value,
            "right" => wanted.rights.push(value),
            "days" => wanted.days = value,
            // What a form of ours does not have is not read.
            _ => {}
        }
    }
    let came = match new(&wanted) {
        Ok(new) => desk.make_token(&new).await,
        Err(error) => Err(error),
    };
    match came {
        Ok((_, token)) => {
            let mut page = page(&visitor, desk).await?;
            page.made = token;
            Ok(Html(page.render()?).into_response())
        }
        Err(error) => wrong(&visitor, desk, error).await,
    }
}

/// The page again, with what is wrong with what was sent.
async fn wrong(visitor: &Visitor, desk: Desk, error: Error) -> Answer<Response> {
    let (message, hint) = Failure::of_form(error)?;
    let mut page = page(visitor, desk).await?;
    message.get(visitor.language).clone_into(&mut page.problem);
    if let Some(hint) = hint {
        hint.get(visitor.language).clone_into(&mut page.hint);
    }
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
}

#[derive(Deserialize)]
pub(in crate::web) struct Code {
    code: String,
}

pub(in crate::web) async fn begin_factor(visitor: Visitor, desk: Desk) -> Answer<Response> {
    match desk.begin_own_factor().await {
        Ok(()) => Ok(Redirect::to("/account").into_response()),
        Err(error) => wrong(&visitor, desk, error).await,
    }
}

pub(in crate::web) async fn confirm_factor(
    visitor: Visitor,
    desk: Desk,
    Form(Code { code }): Form<Code>,
) -> Answer<Response> {
    match desk.confirm_own_factor(&code).await {
        Ok(codes) => {
            let mut page = page(&visitor, desk).await?;
            page.codes = codes;
            Ok(Html(page.render()?).into_response())
        }
        Err(error) => wrong(&visitor, desk, error).await,
    }
}

pub(in crate::web) async fn remove_factor(
    visitor: Visitor,
    desk: Desk,
    Form(Code { code }): Form<Code>,
) -> Answer<Response> {
    match desk.give_up_own_factor(&code).await {
        Ok(()) => Ok(Redirect::to("/account").into_response()),
        Err(error) => wrong(&visitor, desk, error).await,
    }
}

fn new(wanted: &Wanted) -> Result<NewApiToken, Error> {
    let rights = wanted.rights.iter().map(|code| right(code));
    Ok(NewApiToken {
        name: wanted.name.clone(),
        rights: rights.collect::<Result<_, _>>()?,
        // What is no number is no number of days that a token can hold.
        days: wanted.days.trim().parse().unwrap_or(0),
        until: None,
    })
}

#[derive(Deserialize)]
pub(in crate::web) struct Nothing {}

pub(in crate::web) async fn end_session(
    desk: Desk,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    desk.end_own_session(&id).await?;
    Ok(Redirect::to("/account").into_response())
}

pub(in crate::web) async fn revoke(
    desk: Desk,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    desk.revoke_token(&id).await?;
    Ok(Redirect::to("/account").into_response())
}
