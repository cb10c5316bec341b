//! `/programme`: targets, owners, approved misses, whom KPIs do not concern.

use askama::Template;
use axum::response::Html;

use crate::operations::office::Desk;
use crate::operations::office::programme::ProgrammeView;
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "programme.html")]
struct Page<'p> {
    layout: Layout<'p>,
    view: ProgrammeView,
    may_define: bool,
    vacant: Vec<(u32, String)>,
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk) -> Answer {
    let page = Page {
        layout: Layout::new(&visitor, "programme-title"),
        view: desk.programme().await?,
        may_define: desk.may_define(),
        vacant: desk.vacant_owners()?,
    };
    Ok(Html(page.render()?))
}
