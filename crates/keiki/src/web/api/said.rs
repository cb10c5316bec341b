//! What people say of figures: explanations and actions.

use axum::Json;
use keiki_model::calendar::{date_of, instant_text};
use keiki_model::remark::{Action, Explanation, Origin};
use keiki_model::text::Language;
use serde::Serialize;
use utoipa::ToSchema;

use super::answering::Asked;
use super::figures::Which;
use crate::operations::office::Desk;
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
