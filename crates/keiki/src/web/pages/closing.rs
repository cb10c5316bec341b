//! `/close`: how far the close of a period is, what stands in the way, and who stands by which figures.

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use keiki_model::calendar::Period;
use keiki_report::report::period_name;
use serde::Deserialize;

use crate::error::Error;
use crate::operations::certify::Standing;
use crate::operations::office::closing::{CloseAct, CloseView, Closed};
use crate::operations::office::{Desk, PeriodChoice};
use crate::web::choosing::query;
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;
use crate::web::words::Words;

#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    period: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct Done {
    period: String,
    act: String,
    reason: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct Certified {
    period: String,
    unit: String,
}

#[derive(Template)]
#[template(path = "closing.html")]
struct Page<'p> {
    layout: Layout<'p>,
    periods: Vec<PeriodChoice>,
    period: String,
    /// `None` where the period has not ended, or cannot be measured: `problem` says why.
    view: Option<CloseView>,
    problem: String,
    hint: String,
}

pub(in crate::web) async fn show(
    visitor: Visitor,
    desk: Desk,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let period = desk.period(asked.period.as_deref())?;
    let page = page(&visitor, &desk, period).await?;
    Ok(Html(page.render()?).into_response())
}

async fn page<'p>(visitor: &'p Visitor, desk: &Desk, period: Period) -> Answer<Page<'p>> {
    let code = period.to_string();
    let name = period_name(&code, visitor.language);
    let title = Words(visitor.language).tell("closing-title", &[("period", name.as_str())]);
    let mut page = Page {
        layout: Layout::titled(visitor, title),
        periods: desk.periods(period),
        period: code,
        view: None,
        problem: String::new(),
        hint: String::new(),
    };
    match desk.close_status(period).await {
        Ok(view) => page.view = Some(view),
        Err(error) => tell(&mut page, visitor, error)?,
    }
    Ok(page)
}

/// Puts what is wrong onto the page.
fn tell(page: &mut Page<'_>, visitor: &Visitor, error: Error) -> Answer<()> {
    let (message, hint) = Failure::of_form(error)?;
    message.get(visitor.language).clone_into(&mut page.problem);
    if let Some(hint) = hint {
        hint.get(visitor.language).clone_into(&mut page.hint);
    }
    Ok(())
}

pub(in crate::web) async fn act(
    visitor: Visitor,
    desk: Desk,
    Form(done): Form<Done>,
) -> Answer<Response> {
    let period = desk.period(Some(&done.period))?;
    let reason = done.reason.unwrap_or_default();
    let came = match done.act.as_str() {
        "preliminary" => desk.close(period, CloseAct::Preliminary).await,
        "close" => desk.close(period, CloseAct::Final).await,
        "reopen" => desk.reopen(period, &reason).await,
        _ => Err(Error::Absent),
    };
    told(&visitor, &desk, period, came).await
}

#[derive(Deserialize)]
pub(in crate::web) struct AskedFor {
    period: String,
    reason: String,
}

/// Asks for a close although something stands in the way; somebody else agrees.
pub(in crate::web) async fn ask(
    visitor: Visitor,
    desk: Desk,
    Form(asked): Form<AskedFor>,
) -> Answer<Response> {
    let period = desk.period(Some(&asked.period))?;
    match desk.ask_to_close(period, &asked.reason).await {
        Ok(()) => Ok(Redirect::to("/requests").into_response()),
        Err(error) => told(&visitor, &desk, period, Err(error)).await,
    }
}

pub(in crate::web) async fn certify(
    visitor: Visitor,
    desk: Desk,
    Form(certified): Form<Certified>,
) -> Answer<Response> {
    let period = desk.period(Some(&certified.period))?;
    let came = desk.certify(period, &certified.unit).await;
    told(&visitor, &desk, period, came.map(|()| Closed::Done)).await
}

/// The page again: afresh where it was done, else with what stands against it.
async fn told(
    visitor: &Visitor,
    desk: &Desk,
    period: Period,
    came: Result<Closed, Error>,
) -> Answer<Response> {
    let page = match came {
        Ok(Closed::Done) => {
            let query = query(&[("period", &period.to_string())]);
            return Ok(Redirect::to(&format!("/close?{query}")).into_response());
        }
        Ok(came) => {
            let mut page = page(visitor, desk, period).await?;
            page.problem = match came {
                Closed::Noted => page.layout.say("closing-noted"),
                Closed::Hindered | Closed::Done => page.layout.say("closing-hindered"),
            };
            page
        }
        Err(error) => {
            let mut page = page(visitor, desk, period).await?;
            tell(&mut page, visitor, error)?;
            page
        }
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
}
