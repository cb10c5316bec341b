//! What can be asked for: periods, org units, the catalogue, closed statements.

use axum::Json;
use keiki_model::calendar::instant_text;
use keiki_model::frequency::Frequency;
use keiki_model::kpi::Kpi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answering::{Asked, Named, filled_if_any};
use super::paging::{Paging, Part, falling};
use crate::error::Error;
use crate::operations::office::changing::UnitLine;
use crate::operations::office::data::{Adoption, RevisionData, UnitData};
use crate::operations::office::{Desk, PeriodChoice};
use crate::web::failure::Answer;

/// A period that can be asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct PeriodItem {
    /// As written in data.
    period: String,
    /// In words.
    name: String,
    /// Whether it was closed.
    is_closed: bool,
}

/// The periods that can be asked for.
#[utoipa::path(get, path = "/api/v1/periods", responses((status = 200, body = Vec<PeriodItem>)))]
pub(in crate::web) async fn list_periods(desk: Desk) -> Answer<Json<Vec<PeriodItem>>> {
    let shown = desk.period(None)?;
    let item = |one: PeriodChoice| PeriodItem {
        period: one.code,
        name: one.name,
        is_closed: one.is_closed,
    };
    Ok(Json(desk.periods(shown).into_iter().map(item).collect()))
}

/// An org unit.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct UnitItem {
    /// Its id.
    id: String,
    /// The unit above it, as far as it may be known of.
    parent_id: Option<String>,
    /// Its name.
    name: String,
    /// What it is.
    kind: &'static str,
}

/// A row of the org tree through time.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct UnitRowItem {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// What it is.
    kind: &'static str,
    /// The unit above it, as far as it may be known of.
    parent_id: Option<String>,
    /// The first day; null = ever.
    from: Option<String>,
    /// The last day; null = still.
    last_day: Option<String>,
    /// What takes over its evidence.
    successor_id: Option<String>,
}

/// The org units through time.
#[utoipa::path(get, path = "/api/v1/org-units/history", responses((status = 200, body = Vec<UnitRowItem>)))]
pub(in crate::web) async fn list_org_history(desk: Desk) -> Answer<Json<Vec<UnitRowItem>>> {
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let item = |one: UnitLine| UnitRowItem {
        id: one.id,
        name: one.name,
        kind: one.kind,
        parent_id: one.others.0,
        from: filled(one.from),
        last_day: filled(one.last_day),
        successor_id: one.others.1,
    };
    Ok(Json(desk.org_history()?.into_iter().map(item).collect()))
}

/// The org units of today.
#[utoipa::path(get, path = "/api/v1/org-units", responses((status = 200, body = Vec<UnitItem>)))]
pub(in crate::web) async fn list_org_units(desk: Desk) -> Answer<Json<Vec<UnitItem>>> {
    let units = desk.org_units()?.into_iter();
    let item = |one: UnitData| UnitItem {
        name: one.name.get(desk.language()).to_owned(),
        id: one.id,
        parent_id: one.parent_id,
        kind: one.kind,
    };
    Ok(Json(units.map(item).collect()))
}

/// A KPI of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct KpiItem {
    /// Its number.
    no: u32,
    /// Its dotted number.
    code: String,
    /// Its group.
    group: String,
    /// Its name.
    name: String,
    /// What it is for.
    purpose: String,
    /// The maturity that it suits.
    maturity: String,
    /// How often its evidence is asked for by the catalogue: `monthly`, `quarterly`, `half_yearly` or `yearly`.
    frequency: &'static str,
    /// How often it is asked for today at the org unit, as the programme says; as the catalogue does where the programme says nothing.
    cadence: &'static str,
    /// Whether the programme has adopted it.
    is_adopted: bool,
    /// The content hash of its definition.
    definition_version: String,
    /// Its indicators, companions last.
    indicators: Vec<IndicatorItem>,
}

/// An indicator of a KPI.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct IndicatorItem {
    /// Its name within the KPI.
    code: String,
    /// Its heading.
    title: String,
    /// Its unit.
    unit: String,
    /// Whether it stands beside the KPI's own figure.
    is_companion: bool,
}

fn kpi_item(desk: &Desk, (kpi, adoption): (&Kpi, Adoption), cadence: Frequency) -> KpiItem {
    let language = desk.language();
    let indicators = kpi.indicators.iter();
    KpiItem {
        no: kpi.no,
        code: kpi.code.clone(),
        group: kpi.group.clone(),
        name: kpi.name.get(language).to_owned(),
        purpose: kpi.purpose.get(language).to_owned(),
        maturity: kpi.maturity.clone(),
        frequency: kpi.frequency.code(),
        cadence: cadence.code(),
        is_adopted: adoption == Adoption::Adopted,
        definition_version: kpi.version.clone(),
        indicators: indicators
            .map(|one| IndicatorItem {
                code: one.code.clone(),
                title: one.title.get(language).to_owned(),
                unit: one.unit.name().to_owned(),
                is_companion: one.is_companion,
            })
            .collect(),
    }
}

/// At which org unit a KPI is looked at.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct AtUnit {
    #[serde(default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    unit: Option<String>,
}

/// The catalogue.
#[utoipa::path(get, path = "/api/v1/kpis", params(AtUnit), responses((status = 200, body = Vec<KpiItem>)))]
pub(in crate::web) async fn list_kpis(
    desk: Desk,
    Asked(at): Asked<AtUnit>,
) -> Answer<Json<Vec<KpiItem>>> {
    let cadences = desk.cadences(at.unit.as_deref())?;
    let kpis = desk.kpis()?.into_iter();
    let item = |one: (&Kpi, Adoption)| kpi_item(&desk, one, cadences(one.0));
    Ok(Json(kpis.map(item).collect()))
}

/// A KPI.
#[utoipa::path(get, path = "/api/v1/kpis/{no}", params(("no" = u32, Path), AtUnit), responses((status = 200, body = KpiItem)))]
pub(in crate::web) async fn show_kpi(
    desk: Desk,
    Named(no): Named<u32>,
    Asked(at): Asked<AtUnit>,
) -> Answer<Json<KpiItem>> {
    let cadences = desk.cadences(at.unit.as_deref())?;
    let found = desk.kpis()?.into_iter().find(|(kpi, _)| kpi.no == no);
    let found = found.ok_or(Error::Absent)?;
    Ok(Json(kpi_item(&desk, found, cadences(found.0))))
}

/// A closed revision of a statement.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct RevisionItem {
    /// The period.
    period: String,
    /// Its number: `revision` of the measurements that it reported.
    revision: u32,
    /// When it was closed.
    closed_at: String,
    /// By whom.
    closed_by: String,
    /// Why, where a reason was given and the reader may know of the whole tree.
    reason: Option<String>,
    /// The journal version that it pins.
    journal_version: i64,
    /// The hash that binds it to the one before it.
    sha256: String,
}

/// Closed statements, the latest first.
#[utoipa::path(get, path = "/api/v1/statements", params(Paging), responses((status = 200, body = Part<RevisionItem>)))]
pub(in crate::web) async fn list_statements(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<RevisionItem>>> {
    let mut all = desk.revisions().await?;
    all.reverse();
    let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let numbered: Vec<_> = (0..count).map(|at| falling(count - at)).zip(all).collect();
    let part = paging.part(numbered, |(key, _)| key.clone());
    let item = |(_, one): (String, RevisionData)| RevisionItem {
        period: one.period,
        revision: one.revision,
        closed_at: instant_text(one.closed_at),
        closed_by: one.closed_by,
        reason: one.reason,
        journal_version: one.journal_version,
        sha256: one.sha256,
    };
    Ok(Json(Part {
        items: part.items.into_iter().map(item).collect(),
        next: part.next,
    }))
}
