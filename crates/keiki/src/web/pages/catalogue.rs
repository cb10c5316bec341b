//! `/kpis`: the catalogue, and which KPIs the programme has adopted.

use askama::Template;
use axum::response::Html;

use crate::operations::office::Desk;
use crate::operations::office::definitions::GroupLine;
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "catalogue.html")]
struct Page<'p> {
    layout: Layout<'p>,
    groups: Vec<GroupLine>,
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk) -> Answer {
    let page = Page {
        layout: Layout::new(&visitor, "catalogue-title"),
        groups: desk.catalogue()?,
    };
    Ok(Html(page.render()?))
}
