//! Evidence: what is owed, sources, readings with their files, rejected rows.

use axum::Json;
use axum::response::Response;
use keiki_model::calendar::date_of;
use keiki_model::calendar::instant_text;
use keiki_store::Batch;
use serde::Serialize;
use utoipa::ToSchema;

use super::answering::{Asked, Named};
use super::paging::{Paging, Part, cursor, falling, no_cursor, rising};
use crate::error::Error;
use crate::operations::coverage::Timeliness;
use crate::operations::office::Desk;
use crate::operations::office::evidence::{OwedLine, RejectLine, SourceLine};
use crate::operations::rejects::Place;
use crate::web::failure::Answer;
use crate::web::pages::batch;

/// Evidence that an org unit owes.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct OwedItem {
    /// The org unit.
    org_unit: String,
    /// The dataset.
    dataset: String,
    /// The last day for which there is some; null where there never was.
    until: Option<String>,
    /// `fresh`, `overdue` or `never`.
    timeliness: &'static str,
    /// The KPIs that have no data of the org unit because of it.
    without_data: Vec<u32>,
    /// How often it is asked for: `monthly`, `quarterly`, `half_yearly` or `yearly`.
    frequency: &'static str,
    /// The period for which it is asked; null where it has come, or where that period is closed.
    asked_for: Option<String>,
    /// The last day on which it is taken; null where the close has no calendar.
    due_on: Option<String>,
    /// The last day of the period for which it is asked next.
    next_until: String,
}

/// What org units owe.
#[utoipa::path(get, path = "/api/v1/owed", params(Paging), responses((status = 200, body = Part<OwedItem>)))]
pub(in crate::web) async fn list_owed(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<OwedItem>>> {
    let mut all = desk.owed_evidence().await?;
    let key = |one: &OwedLine| format!("{} {}", one.unit, one.dataset.0);
    all.sort_by_key(key);
    let part = paging.part(all, key);
    let item = |one: OwedLine| {
        let (asked_for, due_on) = one.asked.map_or((None, None), |(period, _, due_on)| {
            (Some(period), Some(due_on))
        });
        OwedItem {
            timeliness: match one.timeliness {
                Timeliness::Fresh => "fresh",
                Timeliness::Overdue => "overdue",
                Timeliness::Never => "never",
            },
            org_unit: one.unit,
            dataset: one.dataset.0,
            until: Some(one.until).filter(|day| !day.is_empty()),
            without_data: one.without_data.into_iter().map(|(no, _)| no).collect(),
            frequency: one.frequency.code(),
            asked_for,
            due_on: due_on.filter(|day| !day.is_empty()),
            next_until: one.next_until,
        }
    };
    Ok(Json(Part {
        items: part.items.into_iter().map(item).collect(),
        next: part.next,
    }))
}

/// A source with its last reading.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct SourceItem {
    /// Its name.
    name: String,
    /// The dataset.
    dataset: String,
    /// The commit of its last reading; null where it was never read.
    seq: Option<i64>,
    /// The day for which that speaks.
    as_of: Option<String>,
    /// When it became known.
    known_at: Option<String>,
    /// How many of its rows were accepted.
    accepted: u64,
    /// How many were rejected.
    rejected: u64,
    /// Why it could not be read last; null where it could.
    trouble: Option<String>,
}

/// The sources.
#[utoipa::path(get, path = "/api/v1/sources", responses((status = 200, body = Vec<SourceItem>)))]
pub(in crate::web) async fn list_sources(desk: Desk) -> Answer<Json<Vec<SourceItem>>> {
    let item = |one: SourceLine| SourceItem {
        name: one.name,
        dataset: one.dataset.0,
        seq: one.seq,
        as_of: Some(one.as_of).filter(|day| !day.is_empty()),
        known_at: one.known_at.map(|(_, at)| instant_text(at)),
        accepted: one.accepted,
        rejected: one.rejected,
        trouble: Some(one.trouble).filter(|trouble| !trouble.is_empty()),
    };
    Ok(Json(desk.sources().await?.into_iter().map(item).collect()))
}

/// A reading.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct BatchItem {
    /// The number of its commit.
    seq: i64,
    /// The source.
    source: String,
    /// The dataset.
    dataset: String,
    /// The day for which it speaks.
    as_of: String,
    /// When it became known.
    known_at: String,
    /// Who ran it.
    author: String,
    /// How many rows were accepted.
    accepted: u64,
    /// How many records changed.
    changed: u64,
    /// How many records were retired.
    retired: u64,
    /// How many rows were rejected.
    rejected: u64,
    /// The org units for which it speaks.
    claims: Vec<String>,
    /// The files that it read.
    files: Vec<FileItem>,
}

/// A file that a reading read.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct FileItem {
    /// Its name.
    name: String,
    /// SHA-256 of its bytes.
    sha256: String,
    /// How many there are.
    bytes: u64,
    /// Whether it names people.
    is_personal: bool,
}

fn batch_item(one: &Batch) -> BatchItem {
    let files = one.files.iter();
    BatchItem {
        seq: one.seq,
        source: one.source.clone(),
        dataset: one.dataset.clone(),
        as_of: date_of(one.as_of).to_string(),
        known_at: instant_text(one.known_at),
        author: one.author.clone(),
        accepted: one.counts.accepted,
        changed: one.counts.changed,
        retired: one.counts.retired,
        rejected: one.counts.rejected,
        claims: one
            .claims
            .iter()
            .map(|claim| claim.org_unit.clone())
            .collect(),
        files: files
            .map(|file| FileItem {
                name: file.name.clone(),
                sha256: file.sha256.clone(),
                bytes: file.bytes,
                is_personal: file.is_encrypted,
            })
            .collect(),
    }
}

/// The readings, the latest first.
#[utoipa::path(get, path = "/api/v1/batches", params(Paging), responses((status = 200, body = Part<BatchItem>)))]
pub(in crate::web) async fn list_batches(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<BatchItem>>> {
    let mut all = desk.batches()?;
    all.reverse();
    let part = paging.part(all, |one| falling(one.seq));
    Ok(Json(Part {
        items: part.items.into_iter().map(batch_item).collect(),
        next: part.next,
    }))
}

/// A reading.
#[utoipa::path(get, path = "/api/v1/batches/{seq}", params(("seq" = i64, Path)), responses((status = 200, body = BatchItem)))]
pub(in crate::web) async fn show_batch(
    desk: Desk,
    Named(seq): Named<i64>,
) -> Answer<Json<BatchItem>> {
    let found = desk.batches()?.into_iter().find(|one| one.seq == seq);
    Ok(Json(batch_item(found.ok_or(Error::Absent)?)))
}

/// A file that a reading read, as it came.
#[utoipa::path(get, path = "/api/v1/batches/{seq}/files/{position}", params(("seq" = i64, Path), ("position" = u32, Path)), responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
pub(in crate::web) async fn load_file(
    desk: Desk,
    Named((seq, position)): Named<(i64, u32)>,
) -> Answer<Response> {
    let position = usize::try_from(position).map_err(|_| Error::Absent)?;
    batch::file(desk, axum::extract::Path((seq, position))).await
}

/// A row that is out.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct RejectItem {
    /// The commit.
    seq: i64,
    /// The source.
    source: String,
    /// The file.
    file: String,
    /// The line or record in it.
    row: u64,
    /// Why.
    reason: String,
}

/// The rows that are out: those of the latest commit first, each commit's in the order of its files.
#[utoipa::path(get, path = "/api/v1/rejects", params(Paging), responses((status = 200, body = Part<RejectItem>)))]
pub(in crate::web) async fn list_rejects(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<RejectItem>>> {
    let after = paging
        .after()
        .map(|key| place_of(key).ok_or_else(no_cursor));
    let part = desk.rejects(after.transpose()?, paging.limit()).await?;
    let item = |one: RejectLine| RejectItem {
        seq: one.seq,
        source: one.source,
        file: one.file,
        row: one.row,
        reason: one.reason,
    };
    Ok(Json(Part {
        items: part.lines.into_iter().map(item).collect(),
        next: part.next.map(|place| cursor(&key_of(place))),
    }))
}

/// The key of a rejected row's place.
fn key_of(place: Place) -> String {
    format!("{} {}", falling(place.seq), rising(i64::from(place.number)))
}

fn place_of(key: &str) -> Option<Place> {
    let (seq, number) = key.split_once(' ')?;
    Some(Place {
        seq: i64::MAX.checked_sub(seq.parse().ok().filter(|seq| *seq >= 0)?)?,
        number: number.parse().ok()?,
    })
}
