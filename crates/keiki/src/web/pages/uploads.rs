//! `/upload-links`: links for those who have no account. `/upload/{token}`: what the holder of one does with it.

use askama::Template;
use axum::Form;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::submit::{PreviewPage, Seen, TakenPage, no_file, received, words};
use crate::config::Link;
use crate::error::Error;
use crate::operations::office::editions::Edition;
use crate::operations::office::holders::{AskedFor, Holder, LinkLine, LinkStanding};
use crate::operations::office::submitting::{SubmitView, WaitingLine};
use crate::operations::office::{Desk, PeriodChoice, WAITING_HOURS};
use crate::operations::upload_links::{DAYS, DAYS_MOST, NewUploadLink};
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::saving::saved;
use crate::web::site::Shared;
use crate::web::visitor::Visitor;
use crate::web::words::both;

#[derive(Template)]
#[template(path = "upload_links.html")]
struct ListPage<'p> {
    layout: Layout<'p>,
    links: Vec<LinkLine>,
    view: SubmitView,
    /// The periods that can be chosen, and the one that is asked for first.
    periods: Vec<PeriodChoice>,
    period: String,
    /// The link that was made just now, and for whom it is.
    made: Option<(Link, String)>,
    problem: String,
    hint: String,
}

#[derive(Template)]
#[template(path = "upload.html")]
struct UploadPage<'p> {
    layout: Layout<'p>,
    token: String,
    asked: AskedFor,
    waiting: Vec<WaitingLine>,
    problem: String,
    hint: String,
}

#[derive(Deserialize)]
pub(in crate::web) struct New {
    holder: String,
    unit: String,
    into: String,
    period: String,
    days: String,
}

impl UploadPage<'_> {
    /// Whether taking a file in was begun, and is not complete.
    fn is_begun(&self, file: &str) -> bool {
        self.asked.begun.as_deref() == Some(file)
    }
}

async fn list<'p>(visitor: &'p Visitor, desk: &Desk) -> Answer<ListPage<'p>> {
    let period = desk.period(None)?;
    Ok(ListPage {
        layout: Layout::new(visitor, "uploads-title"),
        links: desk.upload_links().await?,
        view: desk.upload_link_choices()?,
        periods: desk.periods(period),
        period: period.to_string(),
        made: None,
        problem: String::new(),
        hint: String::new(),
    })
}

pub(in crate::web) async fn show_links(visitor: Visitor, desk: Desk) -> Answer {
    Ok(Html(list(&visitor, &desk).await?.render()?))
}

pub(in crate::web) async fn make(
    visitor: Visitor,
    desk: Desk,
    Form(new): Form<New>,
) -> Answer<Response> {
    let new = NewUploadLink {
        holder: new.holder,
        org_unit: new.unit,
        into: new.into,
        period: new.period.trim().to_owned(),
        // What is no number is no number of days that a link can hold.
        days: new.days.trim().parse().unwrap_or(0),
    };
    match desk.make_upload_link(&new).await {
        Ok((line, token)) => {
            let mut page = list(&visitor, &desk).await?;
            let link = desk.link(&format!("/upload/{token}"));
            page.made = Some((link, line.link.holder));
            Ok(Html(page.render()?).into_response())
        }
        Err(error) => wrong_link(&visitor, &desk, error).await,
    }
}

async fn wrong_link(visitor: &Visitor, desk: &Desk, error: Error) -> Answer<Response> {
    let words = words(visitor, error)?;
    let mut page = list(visitor, desk).await?;
    (page.problem, page.hint) = words;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
}

pub(in crate::web) async fn revoke(
    visitor: Visitor,
    desk: Desk,
    Path(id): Path<String>,
) -> Answer<Response> {
    match desk.revoke_upload_link(&id).await {
        Ok(()) => Ok(Redirect::to("/upload-links").into_response()),
        Err(error) => wrong_link(&visitor, &desk, error).await,
    }
}

/// The holder of a link. That there is none is told in one way, whether it never was, was used, taken back, or is too old.
async fn holder(site: &Shared, visitor: &Visitor, token: &str) -> Answer<Holder> {
    let who = (&visitor.actor, &site.registry);
    let found = site.office.holder(token, visitor.language, who).await;
    found.map_err(|error| match error {
        Error::Absent => dead(),
        error => error.into(),
    })
}

fn dead() -> Failure {
    Failure::refused(StatusCode::NOT_FOUND, both("upload-dead"))
}

async fn upload_page<'p>(
    visitor: &'p Visitor,
    holder: &Holder,
    token: String,
) -> Answer<UploadPage<'p>> {
    Ok(UploadPage {
        layout: Layout::new(visitor, "upload-title"),
        token,
        asked: holder.asked_for(),
        waiting: holder.desk().waiting().await?,
        problem: String::new(),
        hint: String::new(),
    })
}

pub(in crate::web) async fn show(
    State(site): State<Shared>,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Answer {
    let holder = holder(&site, &visitor, &token).await?;
    Ok(Html(upload_page(&visitor, &holder, token).await?.render()?))
}

pub(in crate::web) async fn send(
    State(site): State<Shared>,
    visitor: Visitor,
    Path(token): Path<String>,
    parts: Multipart,
) -> Answer<Response> {
    let holder = holder(&site, &visitor, &token).await?;
    let (_, sent) = received(holder.desk(), parts).await?;
    // What the form says beside the file is not looked at: the link says it.
    let said = holder.said();
    let came = match sent {
        Some((folder, path)) => holder.desk().preview(folder, path, &said).await,
        None => Err(no_file()),
    };
    match came {
        Ok(preview) => {
            let path = format!("/upload/{token}/{}", preview.token);
            Ok(Redirect::to(&path).into_response())
        }
        Err(error) => wrong(&visitor, &holder, token, error).await,
    }
}

/// The form that the link asks for, to be filled in and sent back.
pub(in crate::web) async fn form(
    State(site): State<Shared>,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Answer<Response> {
    let holder = holder(&site, &visitor, &token).await?;
    match holder.form().await {
        Ok((name, bytes)) => Ok(saved(&name, Edition::Workbook.file().1, bytes)),
        Err(error) => wrong(&visitor, &holder, token, error).await,
    }
}

async fn wrong(
    visitor: &Visitor,
    holder: &Holder,
    token: String,
    error: Error,
) -> Answer<Response> {
    let words = words(visitor, error)?;
    let mut page = upload_page(visitor, holder, token).await?;
    (page.problem, page.hint) = words;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
}

/// What would become of a file that waits, with why it was not taken in just now, where they tried.
async fn looking<'p>(
    visitor: &'p Visitor,
    holder: &Holder,
    (token, file): (&str, &str),
    (problem, hint): (String, String),
) -> Answer<PreviewPage<'p>> {
    Ok(PreviewPage {
        layout: Layout::new(visitor, "preview-title"),
        path: format!("/upload/{token}/{file}"),
        back: format!("/upload/{token}"),
        hours: WAITING_HOURS,
        preview: holder.desk().waiting_preview(file).await?,
        problem,
        hint,
    })
}

pub(in crate::web) async fn look(
    State(site): State<Shared>,
    visitor: Visitor,
    Path((token, file)): Path<(String, String)>,
) -> Answer {
    let holder = holder(&site, &visitor, &token).await?;
    let page = looking(
        &visitor,
        &holder,
        (&token, &file),
        (String::new(), String::new()),
    )
    .await?;
    Ok(Html(page.render()?))
}

pub(in crate::web) async fn confirm(
    State(site): State<Shared>,
    visitor: Visitor,
    Path((token, file)): Path<(String, String)>,
    Form(seen): Form<Seen>,
) -> Answer<Response> {
    let holder = holder(&site, &visitor, &token).await?;
    match holder.confirm(&file, seen.version()).await {
        Ok(taken) => {
            let page = TakenPage {
                layout: Layout::new(&visitor, "taken-title"),
                taken,
                is_by_link: true,
            };
            Ok(Html(page.render()?).into_response())
        }
        Err(error) => {
            let words = words(&visitor, error)?;
            let page = looking(&visitor, &holder, (&token, &file), words).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
        }
    }
}

pub(in crate::web) async fn discard(
    State(site): State<Shared>,
    visitor: Visitor,
    Path((token, file)): Path<(String, String)>,
) -> Answer<Response> {
    let holder = holder(&site, &visitor, &token).await?;
    holder.desk().discard(&file).await?;
    Ok(Redirect::to(&format!("/upload/{token}")).into_response())
}
