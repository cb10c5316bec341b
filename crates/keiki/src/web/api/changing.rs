//! Changing the programme and the org tree.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Json;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::answering::{Given, filled};
use super::once::{fingerprint, once};
use crate::operations::changes::{Came, Change, ChangeKind};
use crate::operations::office::Desk;
use crate::operations::programme::Difference;
use crate::web::failure::Answer;

/// What is changed, with the words and fields that the table of changes has.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(in crate::web) struct KindOfChange(ChangeKind);

impl PartialSchema for KindOfChange {
    fn schema() -> RefOr<Schema> {
        let told = ChangeKind::ALL.iter().map(|(code, kind)| {
            let fields = kind.fields().iter().map(|(name, _)| *name);
            format!("`{code}`: {}", fields.collect::<Vec<_>>().join(", "))
        });
        let codes = ChangeKind::ALL.map(|(code, _)| code);
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(codes))
            .description(Some(told.collect::<Vec<_>>().join("; ")))
            .into()
    }
}

impl ToSchema for KindOfChange {
    fn name() -> Cow<'static, str> {
        "ChangeKind".into()
    }
}

/// A change to look at.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct AskedChange {
    /// What is changed.
    kind: KindOfChange,
    /// To what: values by the names of fields.
    fields: BTreeMap<String, String>,
}

/// A change to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ReasonedChange {
    /// What is changed.
    kind: KindOfChange,
    /// To what: values by the names of fields.
    fields: BTreeMap<String, String>,
    /// Why.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// What a change would make of the files.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct PreviewedChange {
    /// Whether somebody else has to agree.
    takes_four_eyes: bool,
    /// The files that would differ.
    files: Vec<ChangedFile>,
}

/// A file that would differ.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ChangedFile {
    /// Its name.
    file: String,
    /// Lines that would go, with `-`, and lines that would come, with `+`.
    lines: Vec<String>,
}

/// What became of a change.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct ChangeOutcome {
    /// `made`, or `asked` where somebody else has to agree.
    came: &'static str,
    /// The edition of the definitions; null where it waits, or said what was said already.
    edition: Option<i64>,
}

/// What a change would make of the files.
#[utoipa::path(post, path = "/api/v1/programme/previews", request_body = AskedChange, responses((status = 200, body = PreviewedChange)))]
pub(in crate::web) async fn preview_change(
    desk: Desk,
    Given(asked): Given<AskedChange>,
) -> Answer<Json<PreviewedChange>> {
    let change = Change::read(asked.kind.0, asked.fields)?;
    let files = desk.preview_change(&change)?.into_iter();
    let file = |one: Difference| ChangedFile {
        lines: one
            .lines
            .into_iter()
            .map(|(sign, line)| format!("{sign}{line}"))
            .collect(),
        file: one.file,
    };
    Ok(Json(PreviewedChange {
        takes_four_eyes: change.kind.takes_four_eyes(),
        files: files.map(file).collect(),
    }))
}

/// Makes a change, or asks for it where somebody else has to agree.
#[utoipa::path(post, path = "/api/v1/programme/changes", params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 200)), request_body = ReasonedChange, responses((status = 200, body = ChangeOutcome)))]
pub(in crate::web) async fn make_change(
    desk: Desk,
    headers: HeaderMap,
    Given(asked): Given<ReasonedChange>,
) -> Answer<Response> {
    let change = Change::read(asked.kind.0, asked.fields)?;
    let print = fingerprint(&["change", &change.said(), &asked.reason]);
    let work = async {
        Ok(match desk.change(&change, &asked.reason).await? {
            Came::Made(edition) => ChangeOutcome {
                came: "made",
                edition,
            },
            Came::Asked => ChangeOutcome {
                came: "asked",
                edition: None,
            },
        })
    };
    once(&desk, &headers, &print, work).await
}
