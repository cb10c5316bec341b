//! `/verification`: whether the books are what they were. `/kpis/{no}/audit-pack`: a figure with all that belongs to it.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::{Html, Response};
use serde::Deserialize;

use crate::operations::office::Desk;
use crate::operations::office::verifying::Verified;
use crate::web::choosing::Asked;
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::saving::{ZIP, saved};
use crate::web::visitor::Visitor;

/// How many records a pack draws where nobody says.
pub(in crate::web) const SAMPLE: usize = 25;

#[derive(Template)]
#[template(path = "verification.html")]
struct Page<'p> {
    layout: Layout<'p>,
    verified: Option<Verified>,
}

pub(in crate::web) async fn show(visitor: Visitor) -> Answer {
    let page = Page {
        layout: Layout::new(&visitor, "verification-title"),
        verified: None,
    };
    Ok(Html(page.render()?))
}

pub(in crate::web) async fn verify(visitor: Visitor, desk: Desk) -> Answer {
    let page = Page {
        layout: Layout::new(&visitor, "verification-title"),
        verified: Some(desk.verify().await?),
    };
    Ok(Html(page.render()?))
}

#[derive(Deserialize)]
pub(in crate::web) struct Which {
    indicator: Option<String>,
    sample: Option<usize>,
}

pub(in crate::web) async fn pack(
    desk: Desk,
    Path(no): Path<u32>,
    Query(asked): Query<Asked>,
    Query(which): Query<Which>,
) -> Answer<Response> {
    let indicator = which.indicator.filter(|code| !code.is_empty());
    let count = which.sample.unwrap_or(SAMPLE);
    let (name, bytes) = desk
        .audit_pack(&asked.look(), (no, indicator), count)
        .await?;
    Ok(saved(&name, ZIP, bytes))
}
