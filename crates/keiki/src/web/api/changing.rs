//! Changing the programme and the org tree.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answering::{Given, filled};
use super::once::{fingerprint, once};
use crate::operations::changes::{Came, Change, ChangeKind};
use crate::operations::office::Desk;
use crate::operations::programme::Difference;
use crate::web::failure::Answer;

/// What is changed.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum ChangeWord {
    /// Which KPIs are adopted: `maturity`, `kpis`.
    Adoption,
    /// A target: `kpi`, `indicator`, `org_unit`, `from`, `last_day`, `at_least`, `at_most`, `near_margin`.
    Target,
    /// A parameter: `kpi`, `name`, `org_unit`, `from`, `last_day`, `value`.
    Parameter,
    /// Whether a KPI concerns an org unit: `kpi`, `org_unit`, `from`, `last_day`, `applies`, `reason_ja`, `reason_en`.
    Applicability,
    /// A miss that is approved for a time: `kpi`, `indicator`, `org_unit`, `from`, `last_day`, `reason_ja`, `reason_en`.
    Waiver,
    /// Who answers for a KPI: `kpi`, `org_unit`, `from`, `last_day`, `owner`, `deputy`.
    Owner,
    /// Everything that somebody answers for goes to somebody else: `from_owner`, `to_owner`, `deputy`, `from`.
    HandOver,
    /// Something of the programme ends: `of`, `kpi`, `org_unit`, `from`, `last_day`.
    End,
    /// A new org unit: `id`, `parent_id`, `name_ja`, `name_en`, `kind`, `country`, `from`.
    UnitAdd,
    /// An org unit comes under another one: `id`, `parent_id`, `from`.
    UnitMove,
    /// An org unit ends: `id`, `last_day`, `successor_id`.
    UnitEnd,
}

impl ChangeWord {
    fn kind(self) -> ChangeKind {
        match self {
            Self::Adoption => ChangeKind::Adoption,
            Self::Target => ChangeKind::Target,
            Self::Parameter => ChangeKind::Parameter,
            Self::Applicability => ChangeKind::Applicability,
            Self::Waiver => ChangeKind::Waiver,
            Self::Owner => ChangeKind::Owner,
            Self::HandOver => ChangeKind::HandOver,
            Self::End => ChangeKind::End,
            Self::UnitAdd => ChangeKind::UnitAdd,
            Self::UnitMove => ChangeKind::UnitMove,
            Self::UnitEnd => ChangeKind::UnitEnd,
        }
    }
}

/// A change to look at.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct AskedChange {
    /// What is changed.
    kind: ChangeWord,
    /// To what: values by the names of fields.
    fields: BTreeMap<String, String>,
}

/// A change to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ReasonedChange {
    /// What is changed.
    kind: ChangeWord,
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
    let change = Change::read(asked.kind.kind(), asked.fields)?;
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
    let change = Change::read(asked.kind.kind(), asked.fields)?;
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
