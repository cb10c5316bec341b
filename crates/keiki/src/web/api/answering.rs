//! What stands around every route for programs: parameters that nobody knows are refused, and what has not changed is not sent again.

use std::str::FromStr;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use keiki_model::text::Text;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use super::document;
use crate::web::failure::Failure;
use crate::web::site::Shared;

/// The largest answer whose hash is taken. *Units*: bytes.
const TAGGED_BYTES: usize = 64 << 20;

/// Looks at the parameters before a route, and at what it answers.
pub(in crate::web) async fn answering(
    path: &'static str,
    request: Request,
    next: Next,
) -> Response {
    if let Some(unknown) = document::unknown_parameter(path, request.method(), request.uri()) {
        let text = Text::new(
            format!("知らないパラメーターです: {unknown}"),
            format!("unknown parameter: {unknown}"),
        );
        return Failure::refused(StatusCode::BAD_REQUEST, text).into_response();
    }
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let is_read = *request.method() == Method::GET;
    let response = next.run(request).await;
    let is_data = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_read || response.status() != StatusCode::OK || !is_data {
        return response;
    }
    tagged(response, known.as_ref()).await
}

/// Puts the tag of its content on an answer, or says that it is the one that is known already. *Source*: RFC 9110, 8.8.3.
async fn tagged(response: Response, known: Option<&HeaderValue>) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, TAGGED_BYTES).await else {
        return Failure::internal().into_response();
    };
    // Weak, since what is sent may be compressed.
    let tag = format!("W/\"{}\"", &format!("{:x}", Sha256::digest(&bytes))[..32]);
    let is_known = known
        .and_then(|known| known.to_str().ok())
        .is_some_and(|known| {
            let mut tags = known.split(',').map(str::trim);
            tags.any(|one| {
                one == "*" || one.trim_start_matches("W/") == tag.trim_start_matches("W/")
            })
        });
    let value = HeaderValue::from_str(&tag).expect("a hash makes a header");
    parts.headers.insert(header::ETAG, value);
    parts.headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    parts.headers.insert(
        header::VARY,
        HeaderValue::from_static("Authorization, Cookie, Accept-Language"),
    );
    if !is_known {
        return Response::from_parts(parts, Body::from(bytes));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

/// The parameters of an address; what does not fit is told.
pub(in crate::web) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        let found = Query::<T>::from_request_parts(parts, state).await;
        let Query(asked) = found.map_err(|no| misfit(no.status(), &no.body_text()))?;
        Ok(Self(asked))
    }
}

/// The values in a path; what does not fit names nothing.
pub(in crate::web) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for Named<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        let found = Path::<T>::from_request_parts(parts, state).await;
        let Path(named) = found.map_err(|no| misfit(no.status(), &no.body_text()))?;
        Ok(Self(named))
    }
}

/// What a request carries; what does not fit is told.
pub(in crate::web) struct Given<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Given<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Failure> {
        let found = axum::Json::<T>::from_request(request, state).await;
        let axum::Json(given) = found.map_err(|no| misfit(no.status(), &no.body_text()))?;
        Ok(Self(given))
    }
}

fn misfit(status: StatusCode, why: &str) -> Failure {
    // A body that is no JSON and one that is another's are the sender's fault alike.
    let status = match status {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    Failure::refused(status, Text::quoted(why))
}

/// Reads a text that is not empty: what is left out is left out, and no empty one means something else.
pub(super) fn filled<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.trim().is_empty() {
        return Err(D::Error::custom("an empty text"));
    }
    Ok(text)
}

/// The same of a text that may be left out.
pub(super) fn filled_if_any<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<String>, D::Error> {
    filled(from).map(Some)
}

/// Reads bytes that are written in Base64, of which there are some.
pub(super) fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    let bytes = BASE64_STANDARD.decode(text);
    let bytes = bytes.map_err(|error| D::Error::custom(format!("not Base64: {error}")))?;
    if bytes.is_empty() {
        return Err(D::Error::custom("an empty document"));
    }
    Ok(bytes)
}

/// Reads a whole number, also where it is written with a point and a zero: to JSON it is the same number.
pub(super) fn whole<'de, D: Deserializer<'de>, T: FromStr>(from: D) -> Result<T, D::Error> {
    let written = serde_json::Number::deserialize(from)?.to_string();
    let digits = written.strip_suffix(".0").unwrap_or(&written);
    let number = digits.parse().ok();
    number.ok_or_else(|| {
        D::Error::custom(format!("no whole number that is possible here: {written}"))
    })
}

/// The same of a number that may be left out.
pub(super) fn whole_if_any<'de, D: Deserializer<'de>, T: FromStr>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Option::<Whole<T>>::deserialize(from).map(|found| found.map(|Whole(number)| number))
}

struct Whole<T>(T);

impl<'de, T: FromStr> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        whole(from).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Eq)]
    struct Days {
        #[serde(default, deserialize_with = "whole_if_any")]
        days: Option<u16>,
    }

    #[test]
    fn a_whole_number_is_one_however_json_writes_it() {
        let read = |text: &str| serde_json::from_str::<Days>(text).ok().map(|of| of.days);
        for (text, expected) in [
            (r#"{"days": 28}"#, Some(Some(28))),
            (r#"{"days": 28.0}"#, Some(Some(28))),
            (r#"{"days": 2.8e1}"#, Some(Some(28))),
            (r#"{"days": null}"#, Some(None)),
            ("{}", Some(None)),
            (r#"{"days": 28.5}"#, None),
            (r#"{"days": -1}"#, None),
            (r#"{"days": 65536}"#, None),
            (r#"{"days": "28"}"#, None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
