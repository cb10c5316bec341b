//! `/log`: who did what.

use askama::Template;
use axum::extract::Query;
use axum::response::Html;
use serde::Deserialize;

use crate::operations::office::Desk;
use crate::operations::office::people::{EVENTS_ON_PAGE, EventLine};
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "log.html")]
struct Page<'p> {
    layout: Layout<'p>,
    events: Vec<EventLine>,
    /// The event before which the next page begins.
    next: Option<i64>,
}

impl Page<'_> {
    /// An action in words; those without are shown as they are.
    fn action(&self, code: &str) -> String {
        self.layout.say(&format!("log-{}", code.replace('_', "-")))
    }
}

pub(in crate::web) async fn show(
    visitor: Visitor,
    desk: Desk,
    Query(asked): Query<Asked>,
) -> Answer {
    let events = desk.log(asked.before, EVENTS_ON_PAGE).await?;
    let next = events.last().map(|one| one.number);
    let page = Page {
        layout: Layout::new(&visitor, "log-title"),
        next: next.filter(|number| *number > 1),
        events,
    };
    Ok(Html(page.render()?))
}
