//! Four eyes: what waits for somebody else to agree.

use std::collections::BTreeMap;

use axum::Json;
use keiki_model::calendar::instant_text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answering::{Asked, Given, Named};
use super::paging::{Paging, Part, falling};
use super::submitting::Done;
use crate::operations::office::Desk;
use crate::operations::office::requests::{About, RequestLine, Verdict};
use crate::web::failure::Answer;

/// A request.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct RequestItem {
    /// Its identity.
    id: String,
    /// `close` or `change`.
    kind: &'static str,
    /// The period that is to be closed; null of a change.
    period: Option<String>,
    /// What is to be changed, and its fields; null of a close.
    change: Option<ChangeItem>,
    /// Why.
    reason: String,
    /// Who asks.
    asked_by: String,
    /// When.
    asked_at: String,
    /// `open`; `undone` once somebody agreed, until it is done; then `agreed`; `refused` or `withdrawn`.
    decision: &'static str,
    /// Who decided; null while nobody has.
    decided_by: Option<String>,
    /// Whether the reader may agree or refuse.
    may_decide: bool,
    /// Whether the reader may do what somebody agreed to and what is not done, since the program was stopped.
    may_do: bool,
    /// Whether the reader may take it back.
    is_own: bool,
}

/// A change that is asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ChangeItem {
    /// What is changed.
    kind: &'static str,
    /// To what: values by the names of fields.
    fields: BTreeMap<String, String>,
}

/// The requests, the latest first.
#[utoipa::path(get, path = "/api/v1/requests", params(Paging), responses((status = 200, body = Part<RequestItem>)))]
pub(in crate::web) async fn list_requests(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<RequestItem>>> {
    let part = paging.part(desk.requests().await?, |one: &RequestLine| {
        format!("{} {}", falling(one.asked_at.1), one.id)
    });
    let item = |one: RequestLine| {
        let (kind, period, change) = match one.about {
            About::Close(period, _) => ("close", Some(period), None),
            About::Change(change) => {
                let item = ChangeItem {
                    kind: change.kind.code(),
                    fields: change.fields,
                };
                ("change", None, Some(item))
            }
        };
        RequestItem {
            kind,
            change,
            id: one.id,
            period,
            reason: one.reason,
            asked_by: one.asked_by,
            asked_at: instant_text(one.asked_at.1),
            decision: one.decision.code(),
            decided_by: Some(one.decided_by).filter(|by| !by.is_empty()),
            may_decide: one.may_decide,
            may_do: one.may_do,
            is_own: one.is_own,
        }
    };
    Ok(Json(Part {
        items: part.items.into_iter().map(item).collect(),
        next: part.next,
    }))
}

/// What is done about a request.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum VerdictWord {
    /// It is agreed to, and carried out.
    Agree,
    /// It is refused.
    Refuse,
    /// Who asked takes it back.
    Withdraw,
    /// What somebody agreed to and what is not done is done now.
    Do,
}

/// A decision.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Decided {
    /// What is done.
    verdict: VerdictWord,
}

/// Agrees to a request, refuses it, takes it back, or does what was agreed to and is not done.
#[utoipa::path(post, path = "/api/v1/requests/{id}/decide", params(("id" = String, Path)), request_body = Decided, responses((status = 200, body = Done)))]
pub(in crate::web) async fn decide_request(
    desk: Desk,
    Named(id): Named<String>,
    Given(decided): Given<Decided>,
) -> Answer<Json<Done>> {
    let verdict = match decided.verdict {
        VerdictWord::Agree => Verdict::Agree,
        VerdictWord::Refuse => Verdict::Refuse,
        VerdictWord::Withdraw => Verdict::Withdraw,
        VerdictWord::Do => Verdict::Do,
    };
    desk.decide(&id, verdict).await?;
    Ok(Json(Done::YES))
}
