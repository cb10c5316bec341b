//! `/requests`: what waits for somebody else to agree.

use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use keiki_store::Decision;
use serde::Deserialize;

use super::changing::{in_words, said};
use crate::error::Error;
use crate::operations::changes::Change;
use crate::operations::office::Desk;
use crate::operations::office::requests::{About, RequestLine, Verdict};
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "requests.html")]
struct Page<'p> {
    layout: Layout<'p>,
    lines: Vec<RequestLine>,
    problem: String,
    desk: &'p Desk,
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
        desk: &desk,
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
        "do" => Verdict::Do,
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
                desk: &desk,
            };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
        }
    }
}

impl Page<'_> {
    /// What a change is called.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn change_title(&self, change: &Change) -> String {
        format!("change-{}", change.kind.code().replace('_', "-"))
    }

    /// What a change says: names of fields with their values.
    fn change_fields(&self, change: &Change) -> Vec<(String, String)> {
        let fields = change.kind.fields().iter();
        let fields = fields.filter(|(name, _)| !change.field(name).is_empty());
        fields
            .map(|(name, _)| {
                let written = change.field(name);
                let named = self.desk.named_in_change(name, written);
                let value = named.unwrap_or_else(|| in_words(name, written, &self.layout));
                (self.layout.say(&said("field", name)), value)
            })
            .collect()
    }
}
