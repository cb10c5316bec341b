//! `/submit`: a file with what would become of it, before it is taken in; a nil return; a total in the place of rows.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::web::words::both;
use askama::Template;
use axum::Form;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use keiki_model::text::Text;
use keiki_store::DeskFolder;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;

use crate::error::Error;
use crate::operations::office::submitting::{
    EffectLine, Preview, Said, SubmitView, Taken, Total, WaitingLine,
};
use crate::operations::office::{Desk, PeriodChoice, WAITING_HOURS};
use crate::web::choosing::At;
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::site::Shared;
use crate::web::visitor::Visitor;

/// The most that a file may hold. *Units*: bytes.
pub(in crate::web) const FILE_BYTES: usize = 64 << 20;

#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    into: Option<String>,
    unit: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct Nil {
    into: String,
    unit: String,
    as_of: String,
}

/// What somebody says who takes a file in.
#[derive(Deserialize)]
pub(in crate::web) struct Seen {
    /// The version of the preview that they saw.
    seen: Option<String>,
}

impl Seen {
    /// The version, where the form tells it.
    pub(super) fn version(&self) -> Option<&str> {
        self.seen.as_deref().filter(|version| !version.is_empty())
    }
}

#[derive(Template)]
#[template(path = "submit.html")]
struct Page<'p> {
    layout: Layout<'p>,
    view: SubmitView,
    /// The periods that can be chosen, and the one that is asked for first.
    periods: Vec<PeriodChoice>,
    period: String,
    /// Files that wait for a confirmation.
    waiting: Vec<WaitingLine>,
    into: String,
    unit: String,
    problem: String,
    hint: String,
}

#[derive(Template)]
#[template(path = "preview.html")]
pub(super) struct PreviewPage<'p> {
    pub(super) layout: Layout<'p>,
    pub(super) preview: Preview,
    /// Why it was not taken in just now.
    pub(super) problem: String,
    pub(super) hint: String,
    /// Where it is taken in, and where not.
    pub(super) path: String,
    pub(super) back: String,
    pub(super) hours: i64,
}

impl PreviewPage<'_> {
    /// Whether nothing of the file would be taken in.
    fn is_empty(&self) -> bool {
        self.preview.parts.iter().all(|part| part.is_left_out)
    }

    /// The records of a figure as it is now.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn rows(&self, of: &EffectLine, period: &str) -> String {
        let at = At {
            period,
            unit: &of.org_unit,
            revision: "now",
        };
        at.rows(of.no, &of.indicator)
    }
}

#[derive(Template)]
#[template(path = "taken.html")]
pub(super) struct TakenPage<'p> {
    pub(super) layout: Layout<'p>,
    pub(super) taken: Taken,
    pub(super) is_by_link: bool,
}

impl<'p> Page<'p> {
    async fn new(visitor: &'p Visitor, desk: &Desk, into: &str, unit: &str) -> Answer<Self> {
        let period = desk.period(None)?;
        Ok(Self {
            layout: Layout::new(visitor, "submit-title"),
            view: desk.submit_choices()?,
            periods: desk.periods(period),
            period: period.to_string(),
            waiting: desk.waiting().await?,
            into: into.to_owned(),
            unit: unit.to_owned(),
            problem: String::new(),
            hint: String::new(),
        })
    }
}

pub(in crate::web) async fn show(
    visitor: Visitor,
    desk: Desk,
    Query(asked): Query<Asked>,
) -> Answer {
    let into = asked.into.unwrap_or_default();
    let page = Page::new(&visitor, &desk, &into, &asked.unit.unwrap_or_default()).await?;
    Ok(Html(page.render()?))
}

/// A file as it came: the folder in which it lies, and its path.
pub(super) type Sent = (DeskFolder, PathBuf);

/// Takes in a form with a file, a piece at a time: what is said of the file, and the file, where there is one.
pub(super) async fn received(desk: &Desk, parts: Multipart) -> Answer<(Said, Option<Sent>)> {
    let (mut fields, sent) = filled_in(desk, parts).await?;
    // What a form of ours does not have is not read.
    let mut field = |name: &str| fields.remove(name).unwrap_or_default();
    let said = Said {
        into: field("into"),
        unit: field("unit"),
        as_of: field("as_of"),
    };
    Ok((said, sent))
}

/// The fields of a form, and its file where there is one.
async fn filled_in(
    desk: &Desk,
    mut parts: Multipart,
) -> Answer<(BTreeMap<String, String>, Option<Sent>)> {
    let mut fields = BTreeMap::new();
    let mut sent = None;
    while let Some(mut part) = parts.next_field().await? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            fields.insert(name, part.text().await?);
            continue;
        }
        let named = part.file_name().unwrap_or_default().to_owned();
        if named.is_empty() {
            continue;
        }
        let (folder, path) = desk.begin_file(&named)?;
        let mut file = tokio::fs::File::create(&path)
            .await
            .map_err(Error::file(&path))?;
        while let Some(bytes) = part.chunk().await? {
            file.write_all(&bytes).await.map_err(Error::file(&path))?;
        }
        file.flush().await.map_err(Error::file(&path))?;
        sent = Some((folder, path));
    }
    Ok((fields, sent))
}

pub(in crate::web) async fn preview(
    visitor: Visitor,
    desk: Desk,
    parts: Multipart,
) -> Answer<Response> {
    let (said, sent) = received(&desk, parts).await?;
    let came = match sent {
        Some((folder, path)) => desk.preview(folder, path, &said).await,
        None => Err(no_file()),
    };
    match came {
        // The page has an address of its own, so that it can be opened again.
        Ok(preview) => {
            let path = format!("/submit/{}", preview.token);
            Ok(Redirect::to(&path).into_response())
        }
        Err(error) => wrong(&visitor, &desk, error, (&said.into, &said.unit)).await,
    }
}

/// What would become of a file that waits, with why it was not taken in just now, where somebody tried.
async fn looking<'p>(
    visitor: &'p Visitor,
    desk: &Desk,
    token: &str,
    (problem, hint): (String, String),
) -> Answer<PreviewPage<'p>> {
    Ok(PreviewPage {
        layout: Layout::new(visitor, "preview-title"),
        preview: desk.waiting_preview(token).await?,
        problem,
        hint,
        path: format!("/submit/{token}"),
        back: "/submit".to_owned(),
        hours: WAITING_HOURS,
    })
}

pub(in crate::web) async fn look(
    visitor: Visitor,
    desk: Desk,
    Path(token): Path<String>,
) -> Answer {
    let page = looking(&visitor, &desk, &token, (String::new(), String::new())).await?;
    Ok(Html(page.render()?))
}

pub(in crate::web) async fn discard(desk: Desk, Path(token): Path<String>) -> Answer<Response> {
    desk.discard(&token).await?;
    Ok(Redirect::to("/submit").into_response())
}

pub(super) fn no_file() -> Error {
    Error::user(both("submit-no-file"), both("submit-no-file-hint"))
}

async fn wrong(
    visitor: &Visitor,
    desk: &Desk,
    error: Error,
    (into, unit): (&str, &str),
) -> Answer<Response> {
    let words = words(visitor, error)?;
    let mut page = Page::new(visitor, desk, into, unit).await?;
    (page.problem, page.hint) = words;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
}

async fn told(
    visitor: &Visitor,
    desk: &Desk,
    came: Result<Taken, Error>,
    chosen: (&str, &str),
) -> Answer<Response> {
    match came {
        Ok(taken) => {
            let layout = Layout::new(visitor, "taken-title");
            let page = TakenPage {
                layout,
                taken,
                is_by_link: false,
            };
            Ok(Html(page.render()?).into_response())
        }
        Err(error) => wrong(visitor, desk, error, chosen).await,
    }
}

pub(in crate::web) async fn confirm(
    visitor: Visitor,
    desk: Desk,
    Path(token): Path<String>,
    Form(seen): Form<Seen>,
) -> Answer<Response> {
    match desk.confirm(&token, seen.version()).await {
        Ok(taken) => told(&visitor, &desk, Ok(taken), ("", "")).await,
        Err(error) => {
            let words = words(&visitor, error)?;
            let page = looking(&visitor, &desk, &token, words).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
        }
    }
}

/// Message and hint of what the sender can mend.
pub(super) fn words(visitor: &Visitor, error: Error) -> Answer<(String, String)> {
    let (message, hint) = Failure::of_form(error)?;
    let say = |text: &Text| text.get(visitor.language).to_owned();
    Ok((say(&message), hint.as_ref().map(say).unwrap_or_default()))
}

pub(in crate::web) async fn nil(
    visitor: Visitor,
    desk: Desk,
    Form(nil): Form<Nil>,
) -> Answer<Response> {
    let said = Said {
        into: nil.into,
        unit: nil.unit,
        as_of: nil.as_of,
    };
    let came = desk.nil_return(&said).await;
    told(&visitor, &desk, came, (&said.into, &said.unit)).await
}

pub(in crate::web) async fn total(
    State(site): State<Shared>,
    visitor: Visitor,
    desk: Desk,
    parts: Multipart,
) -> Answer<Response> {
    let (mut fields, sent) = filled_in(&desk, parts).await?;
    let mut field = |name: &str| fields.remove(name).unwrap_or_default();
    let total = Total {
        indicator: field("indicator"),
        unit: field("unit"),
        period: field("period"),
        numerator: field("numerator"),
        denominator: field("denominator"),
        attachment: field("attachment"),
    };
    let work = async move {
        // The document lies in its folder until it is kept.
        let (folder, path) = sent.unzip();
        let came = desk.report_total(&total, path).await;
        drop(folder);
        let answer = told(&visitor, &desk, came, ("", &total.unit)).await;
        answer.unwrap_or_else(IntoResponse::into_response)
    };
    Ok(site.begun.finish(work).await)
}
