//! What people say of figures: explanations and actions, what the board asked for, and what became of it.

use axum::Json;
use axum::http::HeaderMap;
use axum::response::Response;
use keiki_model::calendar::{date_of, instant_text};
use keiki_model::remark::{Action, Explanation, Origin, State, Taken};
use keiki_model::text::Language;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answering::{Asked, Given, Named, filled};
use super::figures::Which;
use super::once::{fingerprint, once};
use super::paging::{Paging, Part, falling};
use super::submitting::Done;
use crate::operations::office::Desk;
use crate::operations::office::actions::{InstructionOf, StepOf};
use crate::web::failure::Answer;

/// What was said of the figures of a period.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct RemarksItem {
    /// Why figures are what they are.
    explanations: Vec<ExplanationItem>,
    /// What is done.
    actions: Vec<ActionItem>,
}

/// Why a figure is what it is.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ExplanationItem {
    /// The KPI.
    kpi: u32,
    /// The indicator.
    indicator: String,
    /// The org unit.
    org_unit: String,
    /// The period.
    period: String,
    /// Why.
    cause: String,
    /// Who said so.
    by: String,
    /// When.
    at: String,
}

/// Something to do.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ActionItem {
    /// Its number.
    number: u32,
    /// The KPI of the figure that it is about; null where the board asked for it.
    kpi: Option<u32>,
    /// That figure's indicator.
    indicator: Option<String>,
    /// That figure's org unit.
    org_unit: Option<String>,
    /// The period in which it arose.
    period: String,
    /// What is done.
    what: String,
    /// Who sees to it.
    owner: String,
    /// By when.
    due_on: Option<String>,
    /// How far it is: `open`, `done` or `dropped`.
    state: &'static str,
    /// When it was opened.
    opened_at: String,
    /// Who opened it.
    opened_by: String,
    /// What happened since, in order.
    steps: Vec<StepItem>,
}

/// Something that happened to an action; what is null stayed as it was.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct StepItem {
    /// When.
    at: String,
    /// Who says so.
    by: String,
    /// What happened.
    #[schema(required)]
    note: Option<String>,
    /// Who sees to it from then on.
    #[schema(required)]
    owner: Option<String>,
    /// By when from then on.
    #[schema(required)]
    due_on: Option<String>,
    /// How far it is from then on: `open`, `done` or `dropped`.
    #[schema(required)]
    state: Option<&'static str>,
}

fn explanation(one: &Explanation, language: Language) -> ExplanationItem {
    ExplanationItem {
        kpi: one.subject.kpi,
        indicator: one.subject.indicator.to_string(),
        org_unit: one.subject.org_unit.to_string(),
        period: one.subject.period.to_string(),
        cause: one.cause.get(language).to_owned(),
        by: one.by.clone(),
        at: instant_text(one.at),
    }
}

fn action(one: &Action, language: Language) -> ActionItem {
    let subject = match &one.origin {
        Origin::Deviation(subject) => Some(subject),
        Origin::Board { .. } => None,
    };
    ActionItem {
        number: one.number,
        kpi: subject.map(|of| of.kpi),
        indicator: subject.map(|of| of.indicator.to_string()),
        org_unit: subject.map(|of| of.org_unit.to_string()),
        period: one.origin.period().to_string(),
        what: one.what.get(language).to_owned(),
        owner: one.owner.clone(),
        due_on: one.due_on.map(|day| date_of(day).to_string()),
        state: one.state.code(),
        opened_at: instant_text(one.opened_at),
        opened_by: one.opened_by.clone(),
        steps: one
            .steps
            .iter()
            .map(|taken| step(taken, language))
            .collect(),
    }
}

fn step(taken: &Taken, language: Language) -> StepItem {
    let step = &taken.step;
    StepItem {
        at: instant_text(taken.at),
        by: taken.by.clone(),
        note: step.note.as_ref().map(|note| note.get(language).to_owned()),
        owner: step.owner.clone(),
        due_on: step.due_on.map(|day| date_of(day).to_string()),
        state: step.state.map(State::code),
    }
}

/// What was said of the figures of a period, at and below an org unit.
#[utoipa::path(get, path = "/api/v1/remarks", params(Which), responses((status = 200, body = RemarksItem)))]
pub(in crate::web) async fn list_remarks(
    desk: Desk,
    Asked(which): Asked<Which>,
) -> Answer<Json<RemarksItem>> {
    let remarks = desk.remarks(&which.look()).await?;
    let language = desk.language();
    let explanations = remarks.explanations.iter();
    let actions = remarks.actions.iter();
    Ok(Json(RemarksItem {
        explanations: explanations.map(|one| explanation(one, language)).collect(),
        actions: actions.map(|one| action(one, language)).collect(),
    }))
}

/// What is done about figures, and what the board asked for, the latest first.
#[utoipa::path(get, path = "/api/v1/actions", params(Paging), responses((status = 200, body = Part<ActionItem>)))]
pub(in crate::web) async fn list_actions(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<ActionItem>>> {
    let all = desk.actions().await?;
    let part = paging.part(all, |one| falling(i64::from(one.number)));
    let language = desk.language();
    Ok(Json(Part {
        items: part.items.iter().map(|one| action(one, language)).collect(),
        next: part.next,
    }))
}

/// How far an action is.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum StateWord {
    /// It is being worked on, also where it had ended.
    Open,
    /// It is done.
    Done,
    /// It was given up; the note says why.
    Dropped,
}

impl StateWord {
    fn code(self) -> &'static str {
        match self {
            Self::Open => State::Open.code(),
            Self::Done => State::Done.code(),
            Self::Dropped => State::Dropped.code(),
        }
    }
}

/// What became of an action: one of the fields at least; what is absent stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewStep {
    /// What happened.
    #[schema(max_length = 4000)]
    note: Option<String>,
    /// Who sees to it now.
    #[schema(max_length = 4000)]
    owner: Option<String>,
    /// By when it is due now.
    #[schema(format = Date)]
    due_on: Option<String>,
    /// How far it is now.
    state: Option<StateWord>,
}

/// Says what became of an action.
#[utoipa::path(post, path = "/api/v1/actions/{number}/steps", params(("number" = u32, Path), ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200)), request_body = NewStep, responses((status = 200, body = Done)))]
pub(in crate::web) async fn step_action(
    desk: Desk,
    Named(number): Named<u32>,
    headers: HeaderMap,
    Given(given): Given<NewStep>,
) -> Answer<Response> {
    let said = StepOf {
        note: given.note.unwrap_or_default(),
        owner: given.owner.unwrap_or_default(),
        due_on: given.due_on.unwrap_or_default(),
        state: given.state.map_or("", StateWord::code).to_owned(),
    };
    let place = format!("step {number}");
    let parts = [&place, &said.note, &said.owner, &said.due_on, &said.state];
    let asked = fingerprint(&parts.map(String::as_str));
    let work = async {
        desk.step(number, &said).await?;
        Ok(Done::YES)
    };
    once(&desk, &headers, &asked, work).await
}

/// What the board asked for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewInstruction {
    /// The period whose statement lay before it.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, example = "2026-09")]
    period: String,
    /// What is to be done.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, max_length = 4000, pattern = r"[^\s\u0085]")]
    what: String,
    /// Who sees to it.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, max_length = 4000, pattern = r"[^\s\u0085]")]
    owner: String,
    /// By when.
    #[schema(format = Date)]
    due_on: Option<String>,
}

/// An instruction that was noted.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct NotedInstruction {
    /// The number of its action.
    number: u32,
}

/// Notes what the board asked for, as an action that is followed until it is done.
#[utoipa::path(post, path = "/api/v1/instructions", params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200)), request_body = NewInstruction, responses((status = 200, body = NotedInstruction)))]
pub(in crate::web) async fn note_instruction(
    desk: Desk,
    headers: HeaderMap,
    Given(given): Given<NewInstruction>,
) -> Answer<Response> {
    let said = InstructionOf {
        period: given.period,
        what: given.what,
        owner: given.owner,
        due_on: given.due_on.unwrap_or_default(),
    };
    let parts = [&said.period, &said.what, &said.owner, &said.due_on];
    let asked = fingerprint(&parts.map(String::as_str));
    let work = async {
        let number = desk.instruct(&said).await?;
        Ok(NotedInstruction { number })
    };
    once(&desk, &headers, &asked, work).await
}
