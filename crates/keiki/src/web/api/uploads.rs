//! Links for those who have no account.

use axum::Json;
use keiki_model::calendar::instant_text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answering::{Asked, Given, Named, filled, whole_if_any};
use super::paging::{Paging, Part, falling};
use super::submitting::Done;
use crate::operations::office::Desk;
use crate::operations::office::holders::LinkLine;
use crate::operations::upload_links::{DAYS, NewUploadLink};
use crate::web::failure::Answer;

/// A link by which somebody without an account sends one file.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct UploadLinkItem {
    /// Its identity, which is no secret.
    id: String,
    /// For whom it is.
    holder: String,
    /// The org unit for which they speak.
    unit: String,
    /// What the file is read as.
    into: String,
    /// The period that it is about.
    period: String,
    /// Who made it.
    made_by: String,
    /// Until when it holds.
    expires_at: String,
    /// How it stands: `open`, `used`, `revoked` or `expired`.
    standing: &'static str,
}

fn item(line: LinkLine) -> UploadLinkItem {
    UploadLinkItem {
        standing: line.standing.code(),
        expires_at: instant_text(line.link.expires_at),
        id: line.link.id,
        holder: line.link.holder,
        unit: line.link.org_unit,
        into: line.link.into,
        period: line.link.period,
        made_by: line.link.made_by,
    }
}

/// The links, the latest first.
#[utoipa::path(get, path = "/api/v1/upload-links", params(Paging), responses((status = 200, body = Part<UploadLinkItem>)))]
pub(in crate::web) async fn list_upload_links(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<UploadLinkItem>>> {
    let all = desk.upload_links().await?;
    let key = |one: &LinkLine| format!("{} {}", falling(one.link.made_at), one.link.id);
    let part = paging.part(all, key);
    Ok(Json(Part {
        items: part.items.into_iter().map(item).collect(),
        next: part.next,
    }))
}

/// A link to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewLink {
    /// For whom it is.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, max_length = 80)]
    holder: String,
    /// The org unit for which they speak.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1)]
    unit: String,
    /// What the file is read as.
    #[schema(
        pattern = "^((source|dataset):.+|workbook)$",
        example = "dataset:assets"
    )]
    into: String,
    /// The period that it is about.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, example = "2026-09")]
    period: String,
    /// For how many days it holds; absent = 14.
    #[schema(minimum = 1, maximum = 60)]
    #[serde(default, deserialize_with = "whole_if_any")]
    days: Option<u16>,
}

/// A link that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct MadeLink {
    /// Its identity.
    id: String,
    /// Its path on this server, which is told this once.
    path: String,
    /// Until when it holds.
    expires_at: String,
}

/// Makes a link. By a session alone, not by a token.
#[utoipa::path(post, path = "/api/v1/upload-links", request_body = NewLink, responses((status = 200, body = MadeLink)))]
pub(in crate::web) async fn make_upload_link(
    desk: Desk,
    Given(new): Given<NewLink>,
) -> Answer<Json<MadeLink>> {
    let new = NewUploadLink {
        holder: new.holder,
        org_unit: new.unit,
        into: new.into,
        period: new.period,
        days: new.days.unwrap_or(DAYS),
    };
    let (line, token) = desk.make_upload_link(&new).await?;
    Ok(Json(MadeLink {
        id: line.link.id,
        path: format!("/upload/{token}"),
        expires_at: instant_text(line.link.expires_at),
    }))
}

/// Takes a link back. By a session alone, not by a token.
#[utoipa::path(post, path = "/api/v1/upload-links/{id}/revoke", params(("id" = String, Path)), responses((status = 200, body = Done)))]
pub(in crate::web) async fn revoke_upload_link(
    desk: Desk,
    Named(id): Named<String>,
) -> Answer<Json<Done>> {
    desk.revoke_upload_link(&id).await?;
    Ok(Json(Done::YES))
}
