//! `/evidence`: what is owed, what the sources last brought, which rows are out and why.

use askama::Template;
use axum::extract::Query;
use axum::response::Html;
use serde::Deserialize;

use crate::operations::coverage::Timeliness;
use crate::operations::office::Desk;
use crate::operations::office::evidence::EvidenceView;
use crate::operations::rejects::Place;
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

/// The rejected row after which the list goes on: its commit, and its number among the rejects of that.
#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    seq: Option<i64>,
    number: Option<u32>,
}

#[derive(Template)]
#[template(path = "evidence.html")]
struct Page<'p> {
    layout: Layout<'p>,
    view: EvidenceView,
    /// Where the pages of rejected rows before and after this are.
    previous: Option<String>,
    next: Option<String>,
}

impl Page<'_> {
    fn fresh(&self) -> String {
        format!(
            "{} / {}",
            self.view.owed - self.view.overdue.len(),
            self.view.owed
        )
    }

    /// Which of the rejected rows are shown.
    fn range(&self) -> String {
        let part = &self.view.rejects;
        let last = part.before + part.lines.len();
        format!("{}–{last} / {}", (part.before + 1).min(last), part.count)
    }
}

/// The address of the page of rejected rows that begins after one.
fn page(after: Option<Place>) -> String {
    let query = after.map(|place| format!("?seq={}&number={}", place.seq, place.number));
    format!("/evidence{}#rejects", query.unwrap_or_default())
}

pub(in crate::web) async fn show(
    visitor: Visitor,
    desk: Desk,
    Query(asked): Query<Asked>,
) -> Answer {
    let after = asked.seq.zip(asked.number);
    let after = after.map(|(seq, number)| Place { seq, number });
    let view = desk.evidence(after).await?;
    let page = Page {
        layout: Layout::new(&visitor, "evidence-title"),
        previous: view.rejects.previous.map(page),
        next: view.rejects.next.map(|last| page(Some(last))),
        view,
    };
    Ok(Html(page.render()?))
}
