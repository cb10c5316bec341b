//! How Keiki itself is, whether its books are what they were, and figures with all that belongs to them.

use axum::Json;
use axum::response::Response;
use keiki_model::calendar::instant_text;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answering::{Asked, Named, filled_if_any};
use super::figures::Which;
use crate::error::Error;
use crate::operations::office::Desk;
use crate::operations::office::editions::Edition;
use crate::operations::office::system::{Channel, SourceHealth};
use crate::operations::remind::Unsettled;
use crate::web::failure::Answer;
use crate::web::pages::verification::SAMPLE;
use crate::web::saving::{OCTETS, ZIP, saved};

/// How Keiki itself is.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct SystemItem {
    /// The program's version.
    version: String,
    /// The journal version.
    journal_version: i64,
    /// `sqlite` or `postgresql`.
    database: String,
    /// The sources, with how they were read.
    sources: Vec<SourceHealthItem>,
    /// By what people and systems are told.
    channels: Vec<ChannelItem>,
    /// The messages that are being sent, and those of which it is not known whether they were.
    messages: Vec<MessageItem>,
    /// The last backup; null where none is known.
    #[schema(required)]
    backup: Option<BackupItem>,
}

/// How a source is.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct SourceHealthItem {
    /// Its name.
    name: String,
    /// When it is read, as its definition says; null where it is read by hand.
    #[schema(required)]
    schedule: Option<String>,
    /// When it is due next.
    #[schema(required)]
    next_due_at: Option<String>,
    /// When it was read last.
    #[schema(required)]
    succeeded_at: Option<String>,
    /// How often it could not be read since.
    failures: u32,
    /// Why it could not be read; null where it could.
    #[schema(required)]
    trouble: Option<String>,
}

/// A channel by which people or systems are told.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ChannelItem {
    /// `mail`, `slack`, `teams` or `json`.
    kind: String,
    /// What it is called.
    name: String,
    /// The server.
    place: String,
}

/// A message that is not known to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct MessageItem {
    /// To whom: an account, or a webhook.
    recipient: String,
    /// How many notices it has.
    notices: usize,
    /// When somebody last began to send it.
    begun_at: String,
    /// `sending`; `unknown` where it is sent again, `unknown_for_good` where it is not.
    standing: &'static str,
}

/// A backup.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct BackupItem {
    /// When it was made.
    made_at: String,
    /// The journal version that it holds.
    journal_version: i64,
}

fn source(one: SourceHealth) -> SourceHealthItem {
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    SourceHealthItem {
        name: one.name,
        schedule: filled(one.schedule),
        next_due_at: one.next_due.map(|(_, at)| instant_text(at)),
        succeeded_at: one.succeeded_at.map(|(_, at)| instant_text(at)),
        failures: one.failures,
        trouble: filled(one.trouble),
    }
}

fn channel(one: Channel) -> ChannelItem {
    ChannelItem {
        kind: one.kind.to_owned(),
        name: one.name,
        place: one.place,
    }
}

fn message((one, _): (Unsettled, String)) -> MessageItem {
    MessageItem {
        recipient: one.recipient,
        notices: one.count,
        begun_at: instant_text(one.claimed_at),
        standing: one.standing.code(),
    }
}

/// How Keiki itself is.
#[utoipa::path(get, path = "/api/v1/system", responses((status = 200, body = SystemItem)))]
pub(in crate::web) async fn show_system(desk: Desk) -> Answer<Json<SystemItem>> {
    let view = desk.system().await?;
    Ok(Json(SystemItem {
        version: view.version.to_owned(),
        journal_version: view.journal_version,
        database: view.database.to_owned(),
        sources: view.sources.into_iter().map(source).collect(),
        channels: view.channels.into_iter().map(channel).collect(),
        messages: view.messages.into_iter().map(message).collect(),
        backup: view.backup.map(|(_, at, _, seq)| BackupItem {
            made_at: instant_text(at),
            journal_version: seq,
        }),
    }))
}

/// What came of a verification.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct VerifiedItem {
    /// Whether everything is what it was.
    is_sound: bool,
    /// Entries of the journal that were looked at.
    entries: usize,
    /// Closed statements that were computed again.
    statements: usize,
    /// Signatures and time stamps that were checked.
    seals: usize,
    /// What does not fit.
    findings: Vec<FindingItem>,
}

/// Something that does not fit.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct FindingItem {
    /// What it is about.
    about: String,
    /// What does not fit.
    message: String,
}

/// Verifies the journal, the log and every closed statement.
#[utoipa::path(post, path = "/api/v1/verification", responses((status = 200, body = VerifiedItem)))]
pub(in crate::web) async fn verify_books(desk: Desk) -> Answer<Json<VerifiedItem>> {
    let verified = desk.verify().await?;
    let finding = |(about, message)| FindingItem { about, message };
    Ok(Json(VerifiedItem {
        is_sound: verified.findings.is_empty(),
        entries: verified.entries,
        statements: verified.statements,
        seals: verified.seals,
        findings: verified.findings.into_iter().map(finding).collect(),
    }))
}

/// Of which indicator a pack is, and how many records it draws.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct OfPack {
    #[serde(default, deserialize_with = "filled_if_any")]
    #[param(min_length = 1)]
    indicator: Option<String>,
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
    sample: Option<u16>,
}

/// The audit pack of a figure: a sample of its records, their raw rows, who prepared and approved, the definition with its history.
#[utoipa::path(get, path = "/api/v1/kpis/{no}/audit-pack", params(("no" = u32, Path), Which, OfPack), responses((status = 200, content_type = "application/zip", body = String)))]
pub(in crate::web) async fn load_audit_pack(
    desk: Desk,
    Named(no): Named<u32>,
    Asked(which): Asked<Which>,
    Asked(of): Asked<OfPack>,
) -> Answer<Response> {
    let count = of.sample.map_or(SAMPLE, usize::from);
    let asked = (no, of.indicator);
    let (name, bytes) = desk.audit_pack(&which.look(), asked, count).await?;
    Ok(saved(&name, ZIP, bytes))
}

/// Makes a backup in the workspace's folder for them. By a session alone, not by a token.
#[utoipa::path(post, path = "/api/v1/system/backup", responses((status = 200, body = BackupItem)))]
pub(in crate::web) async fn make_backup(desk: Desk) -> Answer<Json<BackupItem>> {
    let made = desk.back_up().await?;
    Ok(Json(BackupItem {
        made_at: made.made_at,
        journal_version: made.journal_version,
    }))
}

/// An edition of a statement, as far as it may be seen: `board.pdf`, `full.pdf`, `figures.xlsx` or `board.html`.
#[utoipa::path(get, path = "/api/v1/statements/{file}", params(("file" = String, Path, pattern = "^(board\\.pdf|full\\.pdf|figures\\.xlsx|board\\.html)$"), Which), responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
pub(in crate::web) async fn load_statement(
    desk: Desk,
    Named(file): Named<String>,
    Asked(which): Asked<Which>,
) -> Answer<Response> {
    let edition = Edition::from_file(&file).ok_or(Error::Absent)?;
    let (period, bytes) = desk.edition(&which.look(), edition).await?;
    let name = format!("statement-{period}-{file}");
    Ok(saved(&name, OCTETS, bytes.to_vec()))
}
