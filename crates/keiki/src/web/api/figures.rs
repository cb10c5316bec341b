//! Figures: measurements, and how an org unit stands.

use std::collections::BTreeMap;

use axum::Json;
use keiki_model::measurement::Measurement;
use keiki_model::standing::KpiStatuses;
use keiki_model::status::Status;
use keiki_report::json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::answering::{Asked, filled_if_any};
use super::paging::Paging;
use crate::operations::office::Desk;
use crate::operations::office::figures::Look;
use crate::web::failure::Answer;

/// Which figures are asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Which {
    #[serde(default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1, example = "2026-09")]
    period: Option<String>,
    #[serde(default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    unit: Option<String>,
    #[serde(default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    revision: Option<String>,
}

impl Which {
    pub(super) fn look(&self) -> Look {
        Look {
            period: self.period.clone(),
            unit: self.unit.clone(),
            revision: self.revision.clone(),
        }
    }
}

/// A measurement, as `keiki measure --format json` prints it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct MeasurementItem {
    /// The KPI.
    no: u32,
    /// The KPI's dotted number.
    code: String,
    /// The indicator.
    indicator: String,
    /// Whether it stands beside the KPI's own figure.
    companion: bool,
    /// The org unit.
    org_unit: String,
    /// The hierarchy along which it is rolled up; null = the org tree.
    #[schema(required)]
    hierarchy: Option<String>,
    /// Whether it holds the entities below the org unit.
    scope: String,
    /// The day of the org tree, where that is not the cut day.
    #[schema(required)]
    tree_on: Option<String>,
    /// The period.
    period: String,
    /// The day at which it is measured.
    cut_on: String,
    /// Entities whose own fiscal year lags behind the group's.
    own_periods: Vec<Value>,
    /// The instant of knowledge.
    known_at: String,
    /// The value; ratios are from 0 to 1, unknown is null.
    #[schema(required)]
    value: Option<f64>,
    /// Its unit.
    unit: String,
    /// Above the line.
    #[schema(required)]
    numerator: Option<f64>,
    /// Below it.
    #[schema(required)]
    denominator: Option<f64>,
    /// Records behind it.
    #[schema(required)]
    n: Option<i64>,
    /// The target: `at_least`, `at_most`.
    #[schema(required)]
    target: Option<BTreeMap<String, f64>>,
    /// How it stands.
    status: String,
    /// Org units whose evidence is there, and that owe it.
    coverage: CoverageItem,
    /// `rows`, `reported`, `reference`, `withheld` where it would tell of few people, or `held` where it
    /// stays as it was reported since few people have moved it.
    basis: String,
    /// The content hash of the definition.
    definition_version: String,
    /// The journal version.
    journal_version: i64,
    /// Further figures.
    stats: BTreeMap<String, Value>,
    /// How its KPI stands as one thing: the worst status of the KPI's own figures for the org unit.
    #[schema(required)]
    kpi_status: Option<String>,
}

/// Which org units' evidence a figure rests on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct CoverageItem {
    /// Units whose evidence is there and fresh.
    covered: u32,
    /// Units that owe it.
    expected: u32,
    /// The same by people.
    #[schema(required = false)]
    headcount: Option<HeadcountItem>,
}

/// Coverage by number of people.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct HeadcountItem {
    covered: i64,
    expected: i64,
}

/// Which of them are listed.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Kept {
    #[serde(default, deserialize_with = "number")]
    kpi: Option<u32>,
    #[serde(default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    indicator: Option<String>,
    #[serde(default, deserialize_with = "status")]
    #[param(value_type = Option<String>, pattern = "^(met|near|missed|on_pace|behind|not_due|none_occurred|not_applicable|no_target|no_data|provisional|too_few|waived)$")]
    status: Option<Status>,
}

/// A KPI's number, within the bounds that the document says.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let number = i32::deserialize(from)?;
    let number = u32::try_from(number).map_err(serde::de::Error::custom)?;
    Ok(Some(number))
}

fn status<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Status>, D::Error> {
    let code = String::deserialize(from)?;
    let found = Status::all().find(|status| status.code() == code);
    let unknown = || serde::de::Error::custom(format!("unknown status: {code}"));
    found.map(Some).ok_or_else(unknown)
}

impl Kept {
    fn keeps(&self, one: &Measurement) -> bool {
        self.kpi.is_none_or(|no| one.no == no)
            && self
                .indicator
                .as_ref()
                .is_none_or(|code| *one.indicator == **code)
            && self.status.is_none_or(|status| one.status == status)
    }
}

/// A part of the measurements.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Measurements {
    /// The period.
    period: String,
    /// The org unit at and below which they are.
    org_unit: String,
    /// They, in the order of KPI, indicator and org unit.
    #[schema(value_type = Vec<MeasurementItem>)]
    items: Vec<Value>,
    /// The cursor of the next part; null after the last one.
    next: Option<String>,
}

/// Measurements of a period, at and below an org unit.
#[utoipa::path(get, path = "/api/v1/measurements", params(Which, Kept, Paging), responses((status = 200, body = Measurements)))]
pub(in crate::web) async fn list_measurements(
    desk: Desk,
    Asked(which): Asked<Which>,
    Asked(kept): Asked<Kept>,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Measurements>> {
    let look = which.look();
    let (period, org_unit) = desk.looked_at(&look).await?;
    let measured = desk.measurements(&look).await?;
    let of_kpis = KpiStatuses::new(&measured);
    let all = measured.iter().filter(|one| kept.keeps(one)).collect();
    let part = paging.part(all, |one: &&Measurement| {
        format!("{:010} {} {}", one.no, one.indicator, one.org_unit)
    });
    Ok(Json(Measurements {
        period: period.to_string(),
        org_unit,
        items: part
            .items
            .iter()
            .map(|one| json::with_kpi(one, &of_kpis))
            .collect(),
        next: part.next,
    }))
}

/// How an org unit stands.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Scorecard {
    /// The period.
    period: String,
    /// The org unit.
    org_unit: String,
    /// How many of its figures stand how.
    statuses: BTreeMap<String, usize>,
    /// Its figures, without companions.
    #[schema(value_type = Vec<MeasurementItem>)]
    figures: Vec<Value>,
}

/// The scorecard of an org unit.
#[utoipa::path(get, path = "/api/v1/scorecard", params(Which), responses((status = 200, body = Scorecard)))]
pub(in crate::web) async fn show_scorecard(
    desk: Desk,
    Asked(which): Asked<Which>,
) -> Answer<Json<Scorecard>> {
    let look = which.look();
    let (period, org_unit) = desk.looked_at(&look).await?;
    let mut own = desk.measurements(&look).await?;
    own.retain(|one| *one.org_unit == *org_unit && !one.is_companion);
    let of_kpis = KpiStatuses::new(&own);
    let mut statuses = BTreeMap::new();
    for one in &own {
        *statuses.entry(one.status.code().to_owned()).or_insert(0) += 1;
    }
    Ok(Json(Scorecard {
        period: period.to_string(),
        org_unit,
        statuses,
        figures: own
            .iter()
            .map(|one| json::with_kpi(one, &of_kpis))
            .collect(),
    }))
}
