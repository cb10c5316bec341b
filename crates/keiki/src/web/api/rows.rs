//! The records behind a figure.

use std::collections::BTreeMap;

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answering::{Asked, Named, filled_if_any};
use super::figures::Which;
use crate::operations::office::Desk;
use crate::operations::office::rows::{AskedRows, ROWS_ON_PAGE};
use crate::web::failure::Answer;

/// Which records are asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct WhichRows {
    #[serde(default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    indicator: Option<String>,
    #[serde(default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    part: Option<String>,
    #[serde(default, deserialize_with = "page")]
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<usize>,
}

pub(super) fn page<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    let page = u32::deserialize(from)?;
    let page = usize::try_from(page).ok().filter(|page| *page > 0);
    page.map(Some)
        .ok_or_else(|| serde::de::Error::custom("pages are counted from 1"))
}

impl WhichRows {
    pub(super) fn asked(self, no: u32) -> AskedRows {
        AskedRows {
            no,
            indicator: self.indicator,
            part: self.part,
            page: self.page.unwrap_or(1),
            span: None,
        }
    }
}

/// A figure opened to its records.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Opened {
    /// The KPI.
    no: u32,
    /// The indicator.
    indicator: String,
    /// The formula with its numbers.
    formula: String,
    /// The value, as pages write it.
    value: String,
    /// The parts of the formula.
    parts: Vec<FormulaPart>,
    /// The part whose records are listed.
    part: Option<String>,
    /// The dataset of its records, in words.
    dataset: Option<String>,
    /// What it sums, as SQL.
    sql: Option<String>,
    /// A page of its records, so many at a time.
    records: Vec<RecordItem>,
    /// The page, from 1.
    page: usize,
    /// The last page.
    pages: usize,
    /// How many records there are on a page at most.
    page_length: usize,
    /// Totals that org units reported in the place of records.
    totals: Vec<TotalItem>,
    /// How many records are not listed, since they are of few people.
    withheld: usize,
}

/// A part of a formula.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct FormulaPart {
    /// Its code.
    code: String,
    /// Its title.
    title: String,
    /// Its total, as pages write it.
    total: String,
    /// How many records are in it.
    count: usize,
}

/// A record behind a figure.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct RecordItem {
    /// Its key.
    record_key: String,
    /// What it adds, as pages write it.
    amount: String,
    /// Its source.
    source: String,
    /// The commit that brought it.
    seq: i64,
    /// The first day on which its values hold.
    effective_on: String,
    /// Its values, by column; empty where there is none, `***` where it names people and the reader may not see them.
    values: BTreeMap<String, String>,
}

/// A total that an org unit reported.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TotalItem {
    /// The org unit, in words.
    org_unit: String,
    /// The amounts, as pages write them.
    amounts: String,
    /// The commit that brought it.
    seq: i64,
}

/// The records behind a figure.
#[utoipa::path(get, path = "/api/v1/kpis/{no}/rows", params(("no" = u32, Path), Which, WhichRows), responses((status = 200, body = Opened)))]
pub(in crate::web) async fn list_rows(
    desk: Desk,
    Named(no): Named<u32>,
    Asked(which): Asked<Which>,
    Asked(rows): Asked<WhichRows>,
) -> Answer<Json<Opened>> {
    let opened = desk.rows(&which.look(), &rows.asked(no)).await?;
    let shown = opened.shown.as_ref();
    let names = shown.map_or(&[][..], |part| &part.names);
    let records = shown.into_iter().flat_map(|part| &part.rows);
    Ok(Json(Opened {
        no,
        indicator: opened.indicator.0.clone(),
        formula: opened.formula.clone(),
        value: opened.value.clone(),
        parts: opened
            .parts
            .iter()
            .map(|part| FormulaPart {
                code: part.code.clone(),
                title: part.title.clone(),
                total: part.total.clone(),
                count: part.count,
            })
            .collect(),
        part: shown.map(|part| part.code.clone()),
        dataset: shown.map(|part| part.dataset.clone()),
        sql: shown.map(|part| part.sql.clone()),
        records: records
            .map(|row| RecordItem {
                record_key: row.key.clone(),
                amount: row.amount.clone(),
                source: row.source.clone(),
                seq: row.seq,
                effective_on: row.since.clone(),
                values: names
                    .iter()
                    .cloned()
                    .zip(row.values.iter().cloned())
                    .collect(),
            })
            .collect(),
        page: shown.map_or(1, |part| part.page),
        pages: shown.map_or(1, |part| part.pages),
        page_length: ROWS_ON_PAGE,
        totals: opened
            .totals
            .iter()
            .map(|total| TotalItem {
                org_unit: total.unit.clone(),
                amounts: total.amounts.clone(),
                seq: total.seq,
            })
            .collect(),
        withheld: opened.withheld,
    }))
}
