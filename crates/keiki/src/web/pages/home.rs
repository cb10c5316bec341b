//! `/`: leads to the first page of the menu that the visitor may use.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "home.html")]
struct Page<'p> {
    layout: Layout<'p>,
}

pub(in crate::web) async fn show(visitor: Visitor) -> Answer<Response> {
    let layout = Layout::new(&visitor, "home-title");
    if let Some(first) = layout.menu.first() {
        return Ok(Redirect::to(first.href).into_response());
    }
    Ok(Html(Page { layout }.render()?).into_response())
}
