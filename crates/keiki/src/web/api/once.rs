//! Requests that carry a key of their sender's are done once, however often they come. *Source*: decision 0062; the IETF draft
//! "The Idempotency-Key HTTP Header Field".

use std::future::Future;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keiki_model::text::Text;
use keiki_store::Begun;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::operations::office::Desk;
use crate::web::failure::{Answer, Failure};

/// The header that carries the key.
const KEY: &str = "idempotency-key";
/// The longest key. *Units*: characters.
const KEY_LENGTH_MOST: usize = 200;
/// For how long an answer is kept. *Units*: microseconds.
const KEPT_MICROS: i64 = 86_400_000_000;
/// After how long a request without an answer counts as broken off. *Units*: microseconds.
const GIVEN_UP_MICROS: i64 = 600_000_000;

/// The hash of what a request asks for: of two with one key, only the same is the same.
pub(super) fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    format!("{:x}", hash.finalize())
}

/// Does what is asked for, or gives the answer that it got before.
pub(super) async fn once<T: Serialize>(
    desk: &Desk,
    headers: &HeaderMap,
    fingerprint: &str,
    work: impl Future<Output = Answer<T>>,
) -> Answer<Response> {
    let Some(key) = headers.get(KEY) else {
        return Ok((StatusCode::OK, axum::Json(work.await?)).into_response());
    };
    let key = key.to_str().ok().filter(|key| !key.is_empty());
    let Some(key) = key.filter(|key| key.len() <= KEY_LENGTH_MOST) else {
        return Err(refused(
            StatusCode::BAD_REQUEST,
            "Idempotency-Keyが空か、長すぎます",
            "the Idempotency-Key is empty or too long",
        ));
    };
    let who = desk.who();
    let now = who.actor.now;
    let of = (who.actor.name.as_str(), key);
    let answers = who.registry.answers();
    let limits = (now - KEPT_MICROS, now - GIVEN_UP_MICROS);
    let begun = answers.begin(of, fingerprint, now, limits).await;
    match begun.map_err(crate::error::Error::from)? {
        Begun::New => {}
        Begun::Running => {
            return Err(refused(
                StatusCode::CONFLICT,
                "同じIdempotency-Keyの要求を処理中です",
                "a request with this Idempotency-Key is being done",
            ));
        }
        Begun::Another => {
            return Err(refused(
                StatusCode::UNPROCESSABLE_ENTITY,
                "このIdempotency-Keyは別の内容の要求に使われています",
                "this Idempotency-Key was used for another request",
            ));
        }
        Begun::Done(body) => return Ok(again(body)),
    }
    match work.await {
        Ok(done) => {
            let body = serde_json::to_string(&done).map_err(|_| Failure::internal())?;
            let kept = answers.finish(of, &body).await;
            kept.map_err(crate::error::Error::from)?;
            Ok(given(body))
        }
        Err(failure) => {
            let forgotten = answers.forget(of).await;
            forgotten.map_err(crate::error::Error::from)?;
            Err(failure)
        }
    }
}

fn given(body: String) -> Response {
    let kind = (header::CONTENT_TYPE, "application/json");
    ([kind], body).into_response()
}

fn again(body: String) -> Response {
    let mut response = given(body);
    let replayed = HeaderValue::from_static("true");
    response
        .headers_mut()
        .insert("idempotent-replayed", replayed);
    response
}

fn refused(status: StatusCode, ja: &str, en: &str) -> Failure {
    Failure::refused(status, Text::new(ja, en))
}
