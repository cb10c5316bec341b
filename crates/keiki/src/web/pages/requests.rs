//! `/requests`: what waits for somebody else to agree.

use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use keiki_store::Decision;
use serde::Deserialize;

use crate::error::Error;
use crate::operations::office::Desk;
use crate::operations::office::requests::{RequestLine, Verdict};
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "requests.html")]
struct Page<'p> {
    layout: Layout<'p>,
    lines: Vec<RequestLine>,
    problem: String,
}

#[derive(Deserialize)]
pub(in crate::web) struct Done {
    act: String,
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk) -> Answer {
    let page = Page {
        layout: Layout::new(&visitor, "requests-title"),
        lines: desk.requests().await?,
        problem: String::new(),
    };
    Ok(Html(page.render()?))
}

pub(in crate::web) async fn decide(
    visitor: Visitor,
    desk: Desk,
    Path(id): Path<String>,
    Form(done): Form<Done>,
) -> Answer<Response> {
    let verdict = match done.act.as_str() {
        "agree" => Verdict::Agree,
        "refuse" => Verdict::Refuse,
        "withdraw" => Verdict::Withdraw,
        _ => return Err(Error::Absent.into()),
    };
    match desk.decide(&id, verdict).await {
        Ok(()) => Ok(Redirect::to("/requests").into_response()),
        Err(error) => {
            let (message, _) = Failure::of_form(error)?;
            let page = Page {
                layout: Layout::new(&visitor, "requests-title"),
                lines: desk.requests().await?,
                problem: message.get(visitor.language).to_owned(),
            };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
        }
    }
}
