//! `/statement/{file}`: what a reader sees of a period as a document or a workbook.

use axum::extract::{Path, Query};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::batch::attached;
use crate::error::Error;
use crate::operations::office::Desk;
use crate::operations::office::editions::Edition;
use crate::web::choosing::Asked;
use crate::web::failure::Answer;

pub(in crate::web) async fn load(
    desk: Desk,
    Path(file): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let edition = Edition::from_file(&file).ok_or(Error::Absent)?;
    let (period, bytes) = desk.edition(&asked.look(), edition).await?;
    let (name, kind) = edition.file();
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::CONTENT_DISPOSITION,
            attached(&format!("statement-{period}-{name}")),
        ),
    ];
    Ok((headers, bytes.to_vec()).into_response())
}
