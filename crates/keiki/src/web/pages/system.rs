//! `/system`: how Keiki itself is. `/healthz`: whether it is well, for who watches over servers.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::environment;
use crate::operations::office::Desk;
use crate::operations::office::system::SystemView;
use crate::operations::remind::{MessageStanding, Unsettled};
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::site::Shared;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "system.html")]
struct Page<'p> {
    layout: Layout<'p>,
    view: SystemView,
    /// The journal version of the backup that was made just now.
    made: Option<i64>,
    problem: String,
    hint: String,
}

impl Page<'_> {
    fn database(&self) -> &'static str {
        match self.view.database {
            "sqlite" => "SQLite",
            _ => "PostgreSQL",
        }
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn standing(&self, message: &Unsettled) -> &'static str {
        match message.standing {
            MessageStanding::Sending => "system-message-sending",
            MessageStanding::Unknown => "system-message-unknown",
            MessageStanding::UnknownForGood => "system-message-unknown-for-good",
        }
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn channel(&self, kind: &str) -> &'static str {
        match kind {
            "slack" => "system-channel-slack",
            "teams" => "system-channel-teams",
            "json" => "system-channel-json",
            _ => "system-channel-mail",
        }
    }
}

async fn page<'p>(visitor: &'p Visitor, desk: &Desk) -> Answer<Page<'p>> {
    Ok(Page {
        layout: Layout::new(visitor, "system-title"),
        view: desk.system().await?,
        made: None,
        problem: String::new(),
        hint: String::new(),
    })
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk) -> Answer {
    Ok(Html(page(&visitor, &desk).await?.render()?))
}

pub(in crate::web) async fn back_up(visitor: Visitor, desk: Desk) -> Answer<Response> {
    match desk.back_up().await {
        Ok(made) => {
            let mut page = page(&visitor, &desk).await?;
            page.made = Some(made.journal_version);
            Ok(Html(page.render()?).into_response())
        }
        Err(error) => {
            let (message, hint) = Failure::of_form(error)?;
            let mut page = page(&visitor, &desk).await?;
            message.get(visitor.language).clone_into(&mut page.problem);
            if let Some(hint) = hint {
                hint.get(visitor.language).clone_into(&mut page.hint);
            }
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
        }
    }
}

/// One word, so that nobody learns more from outside.
pub(in crate::web) async fn health(State(site): State<Shared>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    match site.office.is_well(environment::now()).await {
        Ok(()) => (kind, "ok\n").into_response(),
        Err(error) => {
            tracing::error!(cause = ?error, "the books cannot be read");
            (StatusCode::SERVICE_UNAVAILABLE, kind, "unwell\n").into_response()
        }
    }
}
