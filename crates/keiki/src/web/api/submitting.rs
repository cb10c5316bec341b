//! Sending evidence: files, nil returns, totals in the place of rows; and what there is to do.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use keiki_store::DeskFolder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use utoipa::{IntoParams, ToSchema};

use super::answering::{Asked, Given, Named, bytes, filled, filled_if_any, whole};
use super::once::{fingerprint, once};
use crate::error::Error;
use crate::operations::office::Desk;
use crate::operations::office::figures::Look;
use crate::operations::office::programme::SaidOf;
use crate::operations::office::submitting::{
    EffectLine, Effects, Preview, PreviewPart, Said, Taken, TakenPart, Total, WaitingLine,
};
use crate::web::failure::{Answer, Failure};
use crate::web::site::Shared;

/// What is said of a file.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct OfFile {
    #[param(
        pattern = "^((source|dataset):.+|workbook)$",
        example = "dataset:assets"
    )]
    into: String,
    #[serde(deserialize_with = "filled")]
    #[param(min_length = 1, example = "assets.csv")]
    name: String,
    #[serde(default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    unit: Option<String>,
    #[param(format = Date)]
    as_of: Option<String>,
}

impl OfFile {
    fn said(&self) -> Said {
        Said {
            into: self.into.clone(),
            unit: self.unit.clone().unwrap_or_default(),
            as_of: self.as_of.clone().unwrap_or_default(),
        }
    }
}

/// What would become of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct PreviewItem {
    /// By what it is taken in, within a day.
    token: String,
    /// What tells whether the same would still become of it.
    version: String,
    /// Its name.
    file: String,
    /// How many rows would be accepted.
    accepted: usize,
    /// How many would be rejected.
    rejected: usize,
    /// All of it or, of a workbook, its sheets.
    parts: Vec<TriedPart>,
    /// Org units that nobody knows.
    unassigned: Vec<String>,
    /// What it would do to the figures; null where the reader may see none, or where that was not found out.
    #[schema(required)]
    effects: Option<EffectsItem>,
}

/// What a file would do to the figures.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct EffectsItem {
    /// The period.
    period: String,
    /// The figures that would be others.
    figures: Vec<EffectItem>,
}

/// A figure that would be another.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct EffectItem {
    /// The KPI.
    no: u32,
    /// The indicator.
    indicator: String,
    /// The org unit.
    org_unit: String,
    /// Its value now; unknown is null.
    #[schema(value_type = Option<f64>, required)]
    value_before: Value,
    /// Its value once the file is taken in.
    #[schema(value_type = Option<f64>, required)]
    value_after: Value,
    /// How it stands now; null where nothing was measured yet.
    #[schema(required)]
    status_before: Option<String>,
    /// How it would stand.
    status_after: String,
}

fn effects_item(effects: Effects) -> EffectsItem {
    let figure = |one: EffectLine| EffectItem {
        no: one.no,
        indicator: one.indicator,
        org_unit: one.org_unit,
        value_before: one.before.value,
        value_after: one.after.value,
        status_before: Some(one.before.code).filter(|code| !code.is_empty()),
        status_after: one.after.code,
    };
    EffectsItem {
        period: effects.period,
        figures: effects.lines.into_iter().map(figure).collect(),
    }
}

/// What would become of a part of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TriedPart {
    /// The dataset, in words.
    dataset: String,
    /// How many rows would be accepted.
    accepted: usize,
    /// How many would be rejected.
    rejected: usize,
    /// The rejected rows, the first of them.
    rejects: Vec<TriedRow>,
    /// What is to be known about it, such as why nothing of it would be taken in.
    notes: Vec<String>,
}

/// A row that would be rejected.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TriedRow {
    /// The line or record in the file.
    row: u64,
    /// Why.
    reason: String,
}

/// What became of what was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TakenItem {
    /// The commit; null where nothing was new.
    seq: Option<i64>,
    /// How many rows were accepted.
    accepted: u64,
    /// How many records changed.
    changed: u64,
    /// How many rows were rejected; `rejects` tells why.
    rejected: u64,
    /// The sheets of a workbook; of any other file none.
    parts: Vec<TakenSheet>,
}

/// What became of a sheet of a workbook.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TakenSheet {
    /// The dataset.
    dataset: String,
    /// Whether it was taken in.
    is_taken_in: bool,
    /// How many rows were accepted.
    accepted: u64,
    /// How many records changed.
    changed: u64,
    /// How many rows were rejected.
    rejected: u64,
    /// What is to be known about it, such as why it was not taken in.
    notes: Vec<String>,
}

fn taken(taken: &Taken) -> TakenItem {
    TakenItem {
        seq: taken.seq,
        accepted: taken.accepted,
        changed: taken.changed,
        rejected: taken.rejected,
        parts: taken.parts.iter().map(taken_sheet).collect(),
    }
}

fn taken_sheet(part: &TakenPart) -> TakenSheet {
    TakenSheet {
        dataset: part.name.clone(),
        is_taken_in: part.is_in,
        accepted: part.accepted,
        changed: part.changed,
        rejected: part.rejected,
        notes: part.said.clone(),
    }
}

/// A file that came: the folder in which it lies, its path, and the hash of its bytes.
struct Came {
    folder: DeskFolder,
    path: std::path::PathBuf,
    sha256: String,
}

/// Writes a body into a file, a piece at a time.
async fn came(desk: &Desk, name: &str, body: Body) -> Answer<Came> {
    let (folder, path) = desk.begin_file(name)?;
    let created = tokio::fs::File::create(&path).await;
    let mut file = created.map_err(Error::file(&path))?;
    let mut hash = Sha256::new();
    let mut pieces = body.into_data_stream();
    while let Some(bytes) = pieces.next().await {
        let bytes = bytes.map_err(|error| Failure::of_body(&error))?;
        hash.update(&bytes);
        file.write_all(&bytes).await.map_err(Error::file(&path))?;
    }
    file.flush().await.map_err(Error::file(&path))?;
    Ok(Came {
        folder,
        path,
        sha256: format!("{:x}", hash.finalize()),
    })
}

/// Tells what would become of a file, which then waits for a day.
#[utoipa::path(post, path = "/api/v1/previews", params(OfFile), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = PreviewItem)))]
pub(in crate::web) async fn preview_file(
    desk: Desk,
    Asked(of): Asked<OfFile>,
    request: Request,
) -> Answer<Json<PreviewItem>> {
    let came = came(&desk, &of.name, limited(request)).await?;
    let preview = desk.preview(came.folder, came.path, &of.said()).await?;
    Ok(Json(preview_item(preview)))
}

fn preview_item(preview: Preview) -> PreviewItem {
    let row = |(row, reason)| TriedRow { row, reason };
    let part = |part: PreviewPart| TriedPart {
        dataset: part.dataset,
        accepted: part.accepted,
        rejected: part.rejected,
        rejects: part.rejects.into_iter().map(row).collect(),
        notes: part.said,
    };
    PreviewItem {
        token: preview.token,
        version: preview.version,
        file: preview.file,
        accepted: preview.accepted,
        rejected: preview.rejected,
        parts: preview.parts.into_iter().map(part).collect(),
        unassigned: preview.unassigned,
        effects: preview.effects.map(effects_item),
    }
}

/// A file that waits for a confirmation.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct WaitingItem {
    /// By what it is taken in.
    token: String,
    /// Its name.
    file: String,
}

/// One's own files that wait for a confirmation, the latest first.
#[utoipa::path(get, path = "/api/v1/previews", responses((status = 200, body = Vec<WaitingItem>)))]
pub(in crate::web) async fn list_previews(desk: Desk) -> Answer<Json<Vec<WaitingItem>>> {
    let item = |one: WaitingLine| WaitingItem {
        token: one.token,
        file: one.file,
    };
    let all = desk.waiting().await?;
    Ok(Json(all.into_iter().map(item).collect()))
}

/// What would become of a file that waits.
#[utoipa::path(get, path = "/api/v1/previews/{token}", params(("token" = String, Path)), responses((status = 200, body = PreviewItem)))]
pub(in crate::web) async fn show_preview(
    desk: Desk,
    Named(token): Named<String>,
) -> Answer<Json<PreviewItem>> {
    Ok(Json(preview_item(desk.waiting_preview(&token).await?)))
}

/// Takes away a file that waits.
#[utoipa::path(post, path = "/api/v1/previews/{token}/discard", params(("token" = String, Path)), responses((status = 200, body = Done)))]
pub(in crate::web) async fn discard_preview(
    desk: Desk,
    Named(token): Named<String>,
) -> Answer<Json<Done>> {
    desk.discard(&token).await?;
    Ok(Json(Done::YES))
}

/// Which preview somebody saw who takes a file in.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct OfPreview {
    #[serde(default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    version: Option<String>,
}

/// Takes in a file that waits, if what would become of it is still what was seen.
#[utoipa::path(post, path = "/api/v1/previews/{token}/confirm", params(("token" = String, Path), OfPreview), responses((status = 200, body = TakenItem)))]
pub(in crate::web) async fn confirm_preview(
    desk: Desk,
    Named(token): Named<String>,
    Asked(seen): Asked<OfPreview>,
) -> Answer<Json<TakenItem>> {
    let confirmed = desk.confirm(&token, seen.version.as_deref()).await?;
    Ok(Json(taken(&confirmed)))
}

/// Takes in a file.
#[utoipa::path(post, path = "/api/v1/submissions", params(OfFile, ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200)), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = TakenItem)))]
pub(in crate::web) async fn submit_file(
    State(site): State<Shared>,
    desk: Desk,
    headers: HeaderMap,
    Asked(of): Asked<OfFile>,
    request: Request,
) -> Answer<Response> {
    let came = came(&desk, &of.name, limited(request)).await?;
    let said = of.said();
    let parts = [&said.into, &said.unit, &said.as_of, &of.name, &came.sha256];
    let asked = fingerprint(&parts.map(String::as_str));
    let work = async move {
        let work = async { Ok(taken(&desk.submit(came.folder, came.path, &said).await?)) };
        let answer = once(&desk, &headers, &asked, work).await;
        answer.unwrap_or_else(IntoResponse::into_response)
    };
    Ok(site.begun.finish(Box::pin(work)).await)
}

/// The body of a request, within the limit of its route.
fn limited(request: Request) -> Body {
    use axum::RequestExt;
    request.into_limited_body()
}

/// That there is nothing to send.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NilReturn {
    /// The dataset.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1)]
    dataset: String,
    /// The org unit.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1)]
    unit: String,
    /// The day; absent = today.
    #[schema(format = Date)]
    as_of: Option<String>,
}

/// Says that an org unit has nothing of a dataset to send.
#[utoipa::path(post, path = "/api/v1/nil-returns", params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200)), request_body = NilReturn, responses((status = 200, body = TakenItem)))]
pub(in crate::web) async fn submit_nil(
    desk: Desk,
    headers: HeaderMap,
    Given(nil): Given<NilReturn>,
) -> Answer<Response> {
    let said = Said {
        into: format!("dataset:{}", nil.dataset),
        unit: nil.unit,
        as_of: nil.as_of.unwrap_or_default(),
    };
    let asked = fingerprint(&["nil", &said.into, &said.unit, &said.as_of]);
    let work = async { Ok(taken(&desk.nil_return(&said).await?)) };
    once(&desk, &headers, &asked, work).await
}

/// A total in the place of rows.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ReportedTotal {
    /// The KPI.
    #[serde(deserialize_with = "whole")]
    kpi: u32,
    /// The indicator.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1)]
    indicator: String,
    /// The org unit.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1)]
    unit: String,
    /// The period.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, example = "2026-09")]
    period: String,
    /// Above the line, as a decimal number.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    numerator: String,
    /// Below it.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    denominator: Option<String>,
    /// What the document that backs it is called, or where it lies.
    attachment: Option<String>,
    /// That document itself; it is kept with the total.
    document: Option<Document>,
}

/// The most that a request with a total may have: a document of some 11 MiB, as text.
pub(in crate::web) const TOTAL_BYTES: usize = 16 << 20;

/// A document.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Document {
    /// Its name.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, max_length = 200, example = "minutes.pdf")]
    name: String,
    /// Its bytes in Base64. *Source*: RFC 4648, 4.
    #[serde(deserialize_with = "bytes")]
    #[schema(
        value_type = String,
        content_encoding = "base64",
        pattern = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)$",
        example = "JVBERi0xLjc="
    )]
    content: Vec<u8>,
}

/// Reports a total in the place of rows, with the document that backs it where there is one.
#[utoipa::path(post, path = "/api/v1/reported-totals", params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200)), request_body = ReportedTotal, responses((status = 200, body = TakenItem)))]
pub(in crate::web) async fn submit_total(
    State(site): State<Shared>,
    desk: Desk,
    headers: HeaderMap,
    Given(given): Given<ReportedTotal>,
) -> Answer<Response> {
    let total = Total {
        indicator: format!("{}:{}", given.kpi, given.indicator),
        unit: given.unit,
        period: given.period,
        numerator: given.numerator,
        denominator: given.denominator.unwrap_or_default(),
        attachment: given.attachment.unwrap_or_default(),
    };
    let (name, content) = given
        .document
        .map(|document| (document.name, document.content))
        .unzip();
    let parts = [
        &total.indicator,
        &total.unit,
        &total.period,
        &total.numerator,
        &total.denominator,
        &total.attachment,
        &name.clone().unwrap_or_default(),
        &content
            .as_ref()
            .map_or_else(String::new, |bytes| format!("{:x}", Sha256::digest(bytes))),
    ];
    let asked = fingerprint(&parts.map(String::as_str));
    let work = async move {
        let work = async {
            let document = match (name, content) {
                (Some(name), Some(content)) => {
                    let (folder, path) = desk.begin_file(&name)?;
                    let written = tokio::fs::write(&path, content).await;
                    written.map_err(Error::file(&path))?;
                    Some((folder, path))
                }
                _ => None,
            };
            // The document lies in its folder until it is kept.
            let (folder, path) = document.unzip();
            let came = desk.report_total(&total, path).await;
            drop(folder);
            Ok(taken(&came?))
        };
        let answer = once(&desk, &headers, &asked, work).await;
        answer.unwrap_or_else(IntoResponse::into_response)
    };
    Ok(site.begun.finish(Box::pin(work)).await)
}

/// Why a figure is what it is, or what is done about it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Explanation {
    /// The period.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, example = "2026-09")]
    period: String,
    /// The org unit.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1)]
    unit: String,
    /// The indicator.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1)]
    indicator: String,
    /// Why it is what it is.
    #[schema(max_length = 4000)]
    cause: Option<String>,
    /// What is done about it.
    #[schema(max_length = 4000)]
    action: Option<String>,
    /// Who sees to it; absent = who says so.
    owner: Option<String>,
    /// By when.
    #[schema(format = Date)]
    due_on: Option<String>,
}

/// Says why a figure is what it is, opens an action about it, or both.
#[utoipa::path(post, path = "/api/v1/kpis/{no}/explanations", params(("no" = u32, Path), ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200)), request_body = Explanation, responses((status = 200, body = Done)))]
pub(in crate::web) async fn explain_figure(
    desk: Desk,
    Named(no): Named<u32>,
    headers: HeaderMap,
    Given(given): Given<Explanation>,
) -> Answer<Response> {
    let look = Look {
        period: Some(given.period),
        unit: Some(given.unit),
        revision: None,
    };
    let said = SaidOf {
        no,
        indicator: given.indicator,
        cause: given.cause.unwrap_or_default(),
        action: given.action.unwrap_or_default(),
        owner: given.owner.unwrap_or_default(),
        due_on: given.due_on.unwrap_or_default(),
    };
    let place = format!("{no} {look:?}");
    let parts = [
        &place,
        &said.indicator,
        &said.cause,
        &said.action,
        &said.owner,
        &said.due_on,
    ];
    let asked = fingerprint(&parts.map(String::as_str));
    let work = async {
        desk.explain(&look, &said).await?;
        Ok(Done::YES)
    };
    once(&desk, &headers, &asked, work).await
}

/// That it was done.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Done {
    /// Always true; what was not done is a problem.
    done: bool,
}

impl Done {
    /// It was done.
    pub(super) const YES: Self = Self { done: true };
}

/// What somebody has to do.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Todo {
    /// The period of the figures.
    period: String,
    /// Evidence that is asked for, or is not there in time.
    overdue: Vec<TodoEvidence>,
    /// Figures that missed their targets without a word why.
    unexplained: Vec<TodoFigure>,
    /// How many rows are out.
    rejected: usize,
}

/// Evidence that somebody owes.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TodoEvidence {
    /// The org unit.
    org_unit: String,
    /// The dataset.
    dataset: String,
    /// The period for which it is asked; null where none waits for it.
    asked_for: Option<String>,
    /// The last day on which it is taken; null where none is set.
    due_on: Option<String>,
}

/// A figure that somebody has to explain.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TodoFigure {
    /// The KPI.
    no: u32,
    /// The indicator, in words.
    indicator: String,
    /// The org unit.
    org_unit: String,
}

/// What there is to do.
#[utoipa::path(get, path = "/api/v1/todo", responses((status = 200, body = Todo)))]
pub(in crate::web) async fn show_todo(desk: Desk) -> Answer<Json<Todo>> {
    let view = desk.todo().await?;
    let overdue = view.overdue.into_iter().map(|one| {
        let asked = one.asked.map(|(period, _, due_on)| (period, due_on));
        let (asked_for, due_on) = asked.unzip();
        TodoEvidence {
            org_unit: one.unit,
            dataset: one.dataset.0,
            asked_for,
            due_on: due_on.filter(|day| !day.is_empty()),
        }
    });
    let unexplained = view.unexplained.into_iter();
    let unexplained = unexplained.map(|(no, indicator, org_unit, _)| TodoFigure {
        no,
        indicator,
        org_unit,
    });
    Ok(Json(Todo {
        period: view.period,
        overdue: overdue.collect(),
        unexplained: unexplained.collect(),
        rejected: view.rejected,
    }))
}
