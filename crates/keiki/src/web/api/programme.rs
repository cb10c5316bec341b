//! The programme: targets, parameters, cadences, owners, exceptions, whom KPIs do not concern; and its file.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::Response;
use keiki_model::calendar::date_of;
use keiki_model::frequency::Frequency;
use keiki_model::kpi::Target;
use keiki_model::measurement::DATA_DIGITS;
use serde::Serialize;
use utoipa::ToSchema;

use super::answering::Asked;
use super::paging::{Paging, Part};
use crate::operations::office::Desk;
use crate::operations::office::data::{StandingData, StandingKind};
use crate::web::failure::Answer;
use crate::web::saving::saved;

/// Something that stands for a KPI and an org unit for a time.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct StandingItem {
    /// `target`, `parameter`, `cadence`, `owner`, `waiver` or `exempt`.
    kind: &'static str,
    /// The KPI.
    kpi: u32,
    /// The indicator, where it is about one alone.
    indicator: Option<String>,
    /// The org unit, and all below it.
    org_unit: String,
    /// The first day.
    from: String,
    /// The first day no longer; null = still.
    until: Option<String>,
    /// Who approved it.
    approved_by: Option<String>,
    /// The target's bounds, `at_least` and `at_most`, as decimal numbers.
    target: Option<BTreeMap<&'static str, String>>,
    /// Who answers.
    owner: Option<String>,
    /// Who stands in.
    deputy: Option<String>,
    /// Why.
    reason: Option<String>,
    /// The parameter's name.
    name: Option<String>,
    /// The parameter's value.
    value: Option<String>,
    /// How often evidence is asked for: `monthly`, `quarterly`, `half_yearly` or `yearly`.
    frequency: Option<&'static str>,
}

fn bounds(target: Target) -> BTreeMap<&'static str, String> {
    let bounds = [("at_least", target.at_least), ("at_most", target.at_most)];
    let bounds = bounds.into_iter();
    bounds
        .filter_map(|(name, bound)| Some((name, bound?.to_short_decimal(DATA_DIGITS))))
        .collect()
}

fn kind(kind: StandingKind) -> &'static str {
    match kind {
        StandingKind::Target => "target",
        StandingKind::Parameter => "parameter",
        StandingKind::Cadence => "cadence",
        StandingKind::Owner => "owner",
        StandingKind::Waiver => "waiver",
        StandingKind::Exempt => "exempt",
    }
}

/// What the programme says.
#[utoipa::path(get, path = "/api/v1/programme", params(Paging), responses((status = 200, body = Part<StandingItem>)))]
pub(in crate::web) async fn list_standings(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<StandingItem>>> {
    let key = |one: &StandingData| {
        let named = one.parameter.as_ref().map(|(name, _)| name.as_str());
        let code = one.indicator.as_deref().or(named).unwrap_or_default();
        let from = i64::from(one.from) + (1 << 32);
        format!(
            "{} {:010} {code} {} {from:010}",
            kind(one.kind),
            one.no,
            one.org_unit
        )
    };
    let mut all = desk.standings()?;
    all.sort_by_key(key);
    let part = paging.part(all, key);
    let item = |one: StandingData| {
        let (owner, deputy) = one
            .owner
            .map_or((None, None), |(owner, deputy)| (Some(owner), deputy));
        let (name, value) = one.parameter.unzip();
        StandingItem {
            kind: kind(one.kind),
            kpi: one.no,
            indicator: one.indicator,
            org_unit: one.org_unit,
            from: date_of(one.from).to_string(),
            until: one.until.map(|day| date_of(day).to_string()),
            approved_by: one.approved_by,
            target: one.target.map(bounds),
            owner,
            deputy,
            name,
            value,
            frequency: one.frequency.map(Frequency::code),
            reason: one.reason.map(|text| text.get(desk.language()).to_owned()),
        }
    };
    Ok(Json(Part {
        items: part.items.into_iter().map(item).collect(),
        next: part.next,
    }))
}

/// `programme.toml` as it is in force now.
#[utoipa::path(get, path = "/api/v1/programme/export", responses((status = 200, content_type = "application/toml", body = String)))]
pub(in crate::web) async fn export_programme(desk: Desk) -> Answer<Response> {
    let text = desk.programme_file()?.to_owned();
    Ok(saved("programme.toml", "application/toml", text))
}
