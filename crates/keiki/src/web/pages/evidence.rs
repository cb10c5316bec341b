//! `/evidence`: what is owed, what the sources last brought, which rows are out and why.

use askama::Template;
use axum::response::Html;

use crate::operations::coverage::Timeliness;
use crate::operations::office::Desk;
use crate::operations::office::evidence::EvidenceView;
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "evidence.html")]
struct Page<'p> {
    layout: Layout<'p>,
    view: EvidenceView,
}

impl Page<'_> {
    fn fresh(&self) -> String {
        format!(
            "{} / {}",
            self.view.owed - self.view.overdue.len(),
            self.view.owed
        )
    }
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk) -> Answer {
    let page = Page {
        layout: Layout::new(&visitor, "evidence-title"),
        view: desk.evidence().await?,
    };
    Ok(Html(page.render()?))
}
