//! `/actions`: what is done about figures, what the board asked for, and what became of it.

use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use keiki_model::remark::State;
use serde::Deserialize;

use super::submit::words;
use crate::error::Error;
use crate::operations::office::actions::{AboutFigure, ActionLine, InstructionOf, StepOf};
use crate::operations::office::{Desk, PeriodChoice};
use crate::web::choosing::At;
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "actions.html")]
struct Page<'p> {
    layout: Layout<'p>,
    /// What is open, and what has ended: the ids of its title and of what is said where there is none.
    kinds: [(&'static str, &'static str, Vec<ActionLine>); 2],
    may_instruct: bool,
    /// The periods that can be chosen, and the one whose statement lies before the board.
    periods: Vec<PeriodChoice>,
    period: String,
    problem: String,
    hint: String,
    /// The instruction that was not accepted.
    said: InstructionOf,
}

#[derive(Deserialize)]
pub(in crate::web) struct Stepped {
    #[serde(default)]
    note: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    due_on: String,
    #[serde(default)]
    state: String,
}

#[derive(Deserialize)]
pub(in crate::web) struct Instructed {
    period: String,
    what: String,
    owner: String,
    due_on: String,
}

impl Page<'_> {
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn kpi(&self, of: &AboutFigure, period: &str) -> String {
        let at = At {
            period,
            unit: &of.unit,
            revision: "",
        };
        at.kpi(of.no)
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn state(&self, state: &State) -> String {
        state.title().get(self.layout.reads_in()).to_owned()
    }
}

async fn page<'p>(
    visitor: &'p Visitor,
    desk: &Desk,
    (problem, hint): (String, String),
) -> Answer<Page<'p>> {
    let all = desk.action_lines().await?.into_iter();
    let (open, ended): (Vec<_>, Vec<_>) = all.partition(|one| one.state == State::Open);
    let period = desk.period(None)?;
    Ok(Page {
        layout: Layout::new(visitor, "actions-title"),
        kinds: [
            ("actions-open", "actions-none-open", open),
            ("actions-ended", "actions-none-ended", ended),
        ],
        may_instruct: desk.may_instruct(),
        periods: desk.periods(period),
        period: period.to_string(),
        problem,
        hint,
        said: InstructionOf::default(),
    })
}

pub(in crate::web) async fn show(visitor: Visitor, desk: Desk) -> Answer {
    let page = page(&visitor, &desk, (String::new(), String::new())).await?;
    Ok(Html(page.render()?))
}

/// The page again, or with what is wrong with what was sent.
async fn told(visitor: &Visitor, desk: &Desk, came: Result<(), Error>) -> Answer<Response> {
    match came {
        Ok(()) => Ok(Redirect::to("/actions").into_response()),
        Err(error) => {
            let page = page(visitor, desk, words(visitor, error)?).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
        }
    }
}

pub(in crate::web) async fn step(
    visitor: Visitor,
    desk: Desk,
    Path(number): Path<u32>,
    Form(said): Form<Stepped>,
) -> Answer<Response> {
    let step = StepOf {
        note: said.note,
        owner: said.owner,
        due_on: said.due_on,
        state: said.state,
    };
    let came = desk.step(number, &step).await;
    told(&visitor, &desk, came).await
}

pub(in crate::web) async fn instruct(
    visitor: Visitor,
    desk: Desk,
    Form(said): Form<Instructed>,
) -> Answer<Response> {
    let instruction = InstructionOf {
        period: said.period,
        what: said.what,
        owner: said.owner,
        due_on: said.due_on,
    };
    match desk.instruct(&instruction).await {
        Ok(_) => Ok(Redirect::to("/actions").into_response()),
        Err(error) => {
            let mut page = page(&visitor, &desk, words(&visitor, error)?).await?;
            page.period.clone_from(&instruction.period);
            page.said = instruction;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
        }
    }
}
