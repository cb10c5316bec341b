//! `/batches/{seq}`: a reading, and the files that it read.

use askama::Template;
use axum::extract::Path;
use axum::response::{Html, Response};

use crate::operations::office::Desk;
use crate::operations::office::batches::BatchView;
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::saving::{OCTETS, saved};
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "batch.html")]
struct Page<'p> {
    layout: Layout<'p>,
    view: BatchView,
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk, Path(seq): Path<i64>) -> Answer {
    let page = Page {
        layout: Layout::new(&visitor, "batch-title"),
        view: desk.batch(seq)?,
    };
    Ok(Html(page.render()?))
}

/// A file as it came: nothing in it is shown or run by the browser.
pub(in crate::web) async fn file(
    desk: Desk,
    Path((seq, position)): Path<(i64, usize)>,
) -> Answer<Response> {
    let (name, bytes) = desk.raw_file(seq, position).await?;
    Ok(saved(&name, OCTETS, bytes))
}
