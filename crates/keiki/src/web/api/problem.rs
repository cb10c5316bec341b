//! What a program is told when something goes wrong. *Source*: RFC 9457.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Problem {
    /// Which kind of problem it is: a place in the documentation.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    pub(in crate::web) kind: &'static str,
    /// What the kind is called.
    pub(in crate::web) title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub(in crate::web) status: u16,
    /// What is wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) detail: Option<String>,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) hint: Option<String>,
    /// The number by which the server's log tells what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::web) reference: Option<String>,
}

/// The kind of problem that a status stands for.
pub(in crate::web) fn kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "/api/v1/docs#unauthorised",
        StatusCode::FORBIDDEN => "/api/v1/docs#forbidden",
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "/api/v1/docs#absent",
        StatusCode::CONFLICT => "/api/v1/docs#conflict",
        StatusCode::PAYLOAD_TOO_LARGE => "/api/v1/docs#too-large",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => "/api/v1/docs#slow",
        status if status.is_server_error() => "/api/v1/docs#internal",
        _ => "/api/v1/docs#refused",
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"keiki\""),
            );
        }
        response
    }
}
