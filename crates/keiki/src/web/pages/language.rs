//! `/language`: the reader chooses a language and goes on where they were.

use axum::Form;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use keiki_model::text::Language;
use serde::Deserialize;

use crate::web::failure::Answer;
use crate::web::guard;
use crate::web::site::Shared;
use crate::web::visitor::{LANGUAGE_COOKIE, Visitor};

#[derive(Deserialize)]
pub(in crate::web) struct Chosen {
    language: String,
    next: Option<String>,
}

/// How long the choice holds. *Units*: seconds.
const CHOICE_SECONDS: u32 = 31_536_000;

pub(in crate::web) async fn choose(
    State(site): State<Shared>,
    visitor: Visitor,
    Form(chosen): Form<Chosen>,
) -> Answer<Response> {
    let language = Language::from_tag(&chosen.language).unwrap_or(visitor.language);
    if let Some(signed_in) = &visitor.signed_in {
        site.registry
            .set_language(&signed_in.account, language)
            .await?;
    }
    let tag = match language {
        Language::Ja => "ja",
        Language::En => "en",
    };
    let cookie = format!(
        "{LANGUAGE_COOKIE}={tag}; Max-Age={CHOICE_SECONDS}; {}",
        visitor.way.attributes()
    );
    let next = guard::local(chosen.next.as_deref());
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response())
}
