//! The close of a period: how far it is, closing, certifying, opening again.

use axum::Json;
use axum::http::StatusCode;
use keiki_model::calendar::instant_text;
use keiki_model::text::Text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answering::{Given, Named, filled};
use super::submitting::Done;
use crate::error::Error;
use crate::operations::certify::Standing;
use crate::operations::office::Desk;
use crate::operations::office::closing::{CloseAct, Closed};
use crate::web::failure::{Answer, Failure};

/// How far the close of a period is.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct CloseItem {
    /// The period.
    period: String,
    /// The last day for evidence, of the preliminary and of the final close; empty where there is no calendar for it.
    days: Vec<String>,
    /// When the preliminary close was.
    preliminary_at: Option<String>,
    /// The revision that was closed last.
    revision: Option<u32>,
    /// Whether that revision is the word now.
    is_closed: bool,
    /// What stands in the way, in words.
    obstacles: Vec<String>,
    /// What came after the cut-off.
    late: Vec<LateItem>,
    /// Who stands by what.
    certifiers: Vec<CertifierItem>,
}

/// Evidence that came after the cut-off.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct LateItem {
    /// The source.
    source: String,
    /// The commit.
    seq: i64,
    /// The day.
    on: String,
}

/// A company whose figures somebody is to stand by.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct CertifierItem {
    /// The company.
    org_unit: String,
    /// Who is to.
    person: String,
    /// `certified`, `lapsed` where the figures changed since, or `missing`.
    standing: &'static str,
}

/// How far the close of a period is.
#[utoipa::path(get, path = "/api/v1/closes/{period}", params(("period" = String, Path, example = "2026-09")), responses((status = 200, body = CloseItem)))]
pub(in crate::web) async fn show_close(
    desk: Desk,
    Named(period): Named<String>,
) -> Answer<Json<CloseItem>> {
    let view = desk.close_status(desk.period(Some(&period))?).await?;
    let late = view.late.into_iter();
    let certifiers = view.certifiers.into_iter();
    Ok(Json(CloseItem {
        period: view.period.to_string(),
        days: view.days,
        preliminary_at: view.preliminary_at.map(instant_text),
        revision: view.revision,
        is_closed: view.is_closed,
        obstacles: view.obstacles,
        late: late
            .map(|(source, seq, on)| LateItem { source, seq, on })
            .collect(),
        certifiers: certifiers
            .map(|one| CertifierItem {
                org_unit: one.unit,
                person: one.person,
                standing: match one.standing {
                    Standing::Certified => "certified",
                    Standing::Lapsed => "lapsed",
                    Standing::Missing => "missing",
                },
            })
            .collect(),
    }))
}

/// How a period is closed.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum CloseKind {
    /// Its figures are put before those who certify them.
    Preliminary,
    /// It is closed.
    Final,
}

/// A close.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Close {
    /// How.
    kind: CloseKind,
}

/// Closes a period, or puts its figures before those who certify them.
#[utoipa::path(post, path = "/api/v1/closes/{period}/close", params(("period" = String, Path, example = "2026-09")), request_body = Close, responses((status = 200, body = Done)))]
pub(in crate::web) async fn close_period(
    desk: Desk,
    Named(period): Named<String>,
    Given(close): Given<Close>,
) -> Answer<Json<Done>> {
    let act = match close.kind {
        CloseKind::Preliminary => CloseAct::Preliminary,
        CloseKind::Final => CloseAct::Final,
    };
    done(desk.close(desk.period(Some(&period))?, act).await)
}

/// Why something is done.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Reason {
    /// Why.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Opens a closed period again.
#[utoipa::path(post, path = "/api/v1/closes/{period}/reopen", params(("period" = String, Path, example = "2026-09")), request_body = Reason, responses((status = 200, body = Done)))]
pub(in crate::web) async fn reopen_period(
    desk: Desk,
    Named(period): Named<String>,
    Given(why): Given<Reason>,
) -> Answer<Json<Done>> {
    let period = desk.period(Some(&period))?;
    done(desk.reopen(period, &why.reason).await)
}

/// Asks for a close although something stands in the way; somebody else agrees.
#[utoipa::path(post, path = "/api/v1/closes/{period}/request", params(("period" = String, Path, example = "2026-09")), request_body = Reason, responses((status = 200, body = Done)))]
pub(in crate::web) async fn request_close(
    desk: Desk,
    Named(period): Named<String>,
    Given(why): Given<Reason>,
) -> Answer<Json<Done>> {
    let period = desk.period(Some(&period))?;
    desk.ask_to_close(period, &why.reason).await?;
    Ok(Json(Done::YES))
}

/// A company.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Company {
    /// Its id.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1)]
    unit: String,
}

/// Stands by the figures of a company.
#[utoipa::path(post, path = "/api/v1/closes/{period}/certify", params(("period" = String, Path, example = "2026-09")), request_body = Company, responses((status = 200, body = Done)))]
pub(in crate::web) async fn certify_company(
    desk: Desk,
    Named(period): Named<String>,
    Given(company): Given<Company>,
) -> Answer<Json<Done>> {
    let period = desk.period(Some(&period))?;
    desk.certify(period, &company.unit).await?;
    Ok(Json(Done::YES))
}

fn done(came: Result<Closed, Error>) -> Answer<Json<Done>> {
    match came? {
        Closed::Done => Ok(Json(Done::YES)),
        Closed::Hindered => Err(Failure::refused(
            StatusCode::CONFLICT,
            Text::new(
                "締めの妨げが残っています。obstaclesを確かめるか、理由を付けて申請してください",
                "something stands in the way: see `obstacles`, or request the close with a reason",
            ),
        )),
        Closed::Noted => Err(Failure::refused(
            StatusCode::CONFLICT,
            Text::new(
                "差が小さいため記録にとどめ、締めたままにしました",
                "what differs is small: it was noted, and the period stays closed",
            ),
        )),
    }
}
