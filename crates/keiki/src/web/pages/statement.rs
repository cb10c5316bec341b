//! `/statement/{file}`: what a reader sees of a period as a document or a workbook.

use axum::extract::{Path, Query};
use axum::response::Response;

use crate::error::Error;
use crate::operations::office::Desk;
use crate::operations::office::editions::Edition;
use crate::web::choosing::Asked;
use crate::web::failure::Answer;
use crate::web::saving::saved;

pub(in crate::web) async fn load(
    desk: Desk,
    Path(file): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let edition = Edition::from_file(&file).ok_or(Error::Absent)?;
    let (period, bytes) = desk.edition(&asked.look(), edition).await?;
    let (name, kind) = edition.file();
    let name = format!("statement-{period}-{name}");
    Ok(saved(&name, kind, bytes.to_vec()))
}
