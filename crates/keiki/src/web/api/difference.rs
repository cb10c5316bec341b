//! What lies between two figures, down to records and entries.

use axum::Json;
use keiki_model::calendar::instant_text;
use keiki_model::fraction::Fraction;
use keiki_model::measurement::DATA_DIGITS;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answering::{Asked, Named, filled_if_any};
use super::figures::Which;
use super::rows::{WhichRows, page};
use crate::operations::office::Desk;
use crate::operations::office::differing::{Differed, DifferedPart, DifferedRow, DifferedSide};
use crate::operations::office::figures::Look;
use crate::operations::office::restating::{Bridged, EntryLine};
use crate::web::failure::Answer;

/// With what a figure is put beside; what is left out is as in the figure itself.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct With {
    #[serde(rename = "with_period", default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1, example = "2026-08")]
    period: Option<String>,
    #[serde(rename = "with_unit", default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    unit: Option<String>,
    #[serde(rename = "with_revision", default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    revision: Option<String>,
    #[serde(default, deserialize_with = "page")]
    #[param(value_type = Option<u32>, minimum = 1)]
    entries: Option<usize>,
}

/// Two figures of an indicator, and what lies between them.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct DifferenceItem {
    /// The KPI.
    no: u32,
    /// The indicator.
    indicator: String,
    /// The two figures.
    sides: Vec<SideItem>,
    /// By how much the first is more than the second, as pages write it; empty where one of them is not known.
    by: String,
    /// The parts of the formula.
    parts: Vec<PartItem>,
    /// The part whose records are listed; null where there is none.
    #[schema(required)]
    part: Option<String>,
    /// A page of the records that add differently to the two.
    records: Vec<DifferingItem>,
    /// The page of records, from 1, and the last page.
    page: usize,
    /// The last page.
    pages: usize,
    /// How many records are not listed, since they are of few people.
    withheld: usize,
    /// The way from the earlier to the later, where both are of one period and known at two instants, and differ; else null.
    #[schema(required)]
    bridge: Option<BridgeItem>,
}

/// A figure of two.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct SideItem {
    /// The period.
    period: String,
    /// The org unit.
    unit: String,
    /// The revision or the instant of knowledge, as it was asked for.
    revision: String,
    /// What kind of figure it is, in words: of which revision, or as known when.
    kind: String,
    /// The value, as pages write it.
    value: String,
    /// The formula with its numbers.
    formula: String,
}

/// A part of the formula in both figures.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct PartItem {
    /// Its code.
    code: String,
    /// Its title.
    title: String,
    /// Its totals, as pages write them.
    totals: Vec<String>,
    /// By how much the first is more than the second.
    by: String,
    /// How many records add differently.
    count: usize,
}

/// A record that adds differently to two figures.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct DifferingItem {
    /// Its key; `***` where it names people and the reader may not see them.
    record_key: String,
    /// What it adds to each, as pages write it.
    amounts: Vec<String>,
    /// Its source.
    source: String,
    /// The commit that brought it.
    seq: i64,
}

/// The way from an earlier figure of a period to a later one: three steps that add up to the whole difference.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct BridgeItem {
    /// The earlier figure, as pages write it.
    before: String,
    /// The later figure.
    after: String,
    /// What evidence moved that became known between the two; ratios are from 0 to 1, unknown is null.
    #[schema(required)]
    by_evidence: Option<f64>,
    /// What definitions and programme moved after that.
    #[schema(required)]
    by_definitions: Option<f64>,
    /// What the org tree moved after that.
    #[schema(required)]
    by_tree: Option<f64>,
    /// Why: `error`, `late_evidence`, `definition_change`, `reorganisation`, `estimate`.
    causes: Vec<&'static str>,
    /// Whether it is of few people: nothing else is told then.
    few_people: bool,
    /// A page of the entries that moved it; null where they are of few people.
    #[schema(required)]
    entries: Option<Vec<EntryItem>>,
    /// How many entries there are.
    count: usize,
    /// The page of entries, from 1.
    page: usize,
    /// The last page.
    pages: usize,
}

/// A record that moved a figure, with the entry that brought it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct EntryItem {
    /// The part of the formula.
    part: String,
    /// The record's key; `***` where it names people and the reader may not see them.
    record_key: String,
    /// What it added before, as pages write it.
    before: String,
    /// What it adds after.
    after: String,
    /// When that became known.
    known_at: String,
    /// The commit that brought it.
    seq: i64,
    /// The batch of that commit.
    batch_id: String,
    /// Its source.
    source: String,
}

/// What lies between two figures of an indicator.
#[utoipa::path(get, path = "/api/v1/kpis/{no}/difference", params(("no" = u32, Path), Which, With, WhichRows), responses((status = 200, body = DifferenceItem)))]
pub(in crate::web) async fn show_difference(
    desk: Desk,
    Named(no): Named<u32>,
    Asked(which): Asked<Which>,
    Asked(with): Asked<With>,
    Asked(rows): Asked<WhichRows>,
) -> Answer<Json<DifferenceItem>> {
    let second = Look {
        period: with.period,
        unit: with.unit,
        revision: with.revision,
    };
    let looks = [&which.look(), &second];
    let entries = with.entries.unwrap_or(1);
    let differed = desk.differ(looks, &rows.asked(no), entries).await?;
    Ok(Json(item(no, differed)))
}

fn item(no: u32, differed: Differed) -> DifferenceItem {
    let shown = differed.shown.as_ref();
    let records = shown.into_iter().flat_map(|part| &part.rows);
    DifferenceItem {
        no,
        part: shown.map(|part| part.code.clone()),
        records: records.map(record).collect(),
        page: shown.map_or(1, |part| part.page),
        pages: shown.map_or(1, |part| part.pages),
        indicator: differed.indicator.0,
        sides: differed.sides.into_iter().map(side).collect(),
        by: differed.by,
        parts: differed.parts.into_iter().map(part).collect(),
        withheld: differed.withheld,
        bridge: differed.bridge.map(bridge),
    }
}

fn side(one: DifferedSide) -> SideItem {
    SideItem {
        period: one.period,
        unit: one.unit,
        revision: one.revision,
        kind: one.kind,
        value: one.value,
        formula: one.formula,
    }
}

fn part(one: DifferedPart) -> PartItem {
    PartItem {
        code: one.code,
        title: one.title,
        totals: one.totals.map(|(total, _)| total).to_vec(),
        by: one.by,
        count: one.count,
    }
}

fn record(one: &DifferedRow) -> DifferingItem {
    DifferingItem {
        record_key: one.key.clone(),
        amounts: one.amounts.to_vec(),
        source: one.source.clone(),
        seq: one.seq,
    }
}

fn bridge(one: Bridged) -> BridgeItem {
    let number = |by: Option<Fraction>| {
        let written = by.map(|by| by.to_short_decimal(DATA_DIGITS));
        written.and_then(|written| written.parse().ok())
    };
    let [by_evidence, by_definitions, by_tree] = one.amounts.map(number);
    let [before, after] = one.ends;
    let (count, page, pages) = one
        .entries
        .as_ref()
        .map_or((0, 1, 1), |all| (all.count, all.page, all.pages));
    BridgeItem {
        before,
        after,
        by_evidence,
        by_definitions,
        by_tree,
        causes: one.causes.into_iter().map(|(_, code)| code).collect(),
        few_people: one.is_of_few,
        entries: one
            .entries
            .map(|all| all.lines.into_iter().map(entry).collect()),
        count,
        page,
        pages,
    }
}

fn entry(one: EntryLine) -> EntryItem {
    let [before, after] = one.amounts;
    EntryItem {
        part: one.part.0,
        record_key: one.key,
        before,
        after,
        known_at: instant_text(one.known_at.1),
        seq: one.seq,
        batch_id: one.batch,
        source: one.source,
    }
}
