//! `/todo`: what somebody owes and by when.

use askama::Template;
use axum::response::Html;

use crate::operations::coverage::Timeliness;
use crate::operations::office::Desk;
use crate::operations::office::evidence::OwedLine;
use crate::operations::office::submitting::TodoView;
use crate::web::choosing::{At, query};
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "todo.html")]
struct Page<'p> {
    layout: Layout<'p>,
    view: TodoView,
}

impl Page<'_> {
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn send(&self, unit: &str, dataset: &str) -> String {
        let into = format!("dataset:{dataset}");
        format!("/submit?{}", query(&[("into", &into), ("unit", unit)]))
    }

    fn frequency(&self, of: &OwedLine) -> String {
        let title = of.frequency.title();
        title.get(self.layout.reads_in()).to_owned()
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn kpi(&self, no: &u32, unit: &str) -> String {
        let at = At {
            period: &self.view.period,
            unit,
            revision: "",
        };
        at.kpi(*no)
    }
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk) -> Answer {
    let page = Page {
        layout: Layout::new(&visitor, "todo-title"),
        view: desk.todo().await?,
    };
    Ok(Html(page.render()?))
}
