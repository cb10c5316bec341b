//! What a visitor is told when something goes wrong: what they can mend with how, and of the rest a number, never the cause.

use std::any::Any;

use askama::Template;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use keiki_model::text::Text;
use rand::Rng;

use super::layout::Layout;
use super::visitor::Visitor;
use crate::error::{Error, Kind};

/// The result of a page.
pub(super) type Answer<T = Html<String>> = Result<T, Failure>;

/// What went wrong, as far as a visitor is told.
#[derive(Debug, Clone)]
pub(super) struct Failure(Box<Told>);

#[derive(Debug, Clone)]
struct Told {
    status: StatusCode,
    message: Option<Text>,
    hint: Option<Text>,
    reference: Option<String>,
}

impl Failure {
    /// A fault of the server without more to tell.
    pub(super) fn internal() -> Self {
        Self::from(Error::stopped(Text::new(
            "要求を処理する準備ができていません",
            "a request came without what belongs to it",
        )))
    }

    /// What can be mended by who sent a form: message and hint, for the form's own page.
    ///
    /// # Errors
    /// The error is of another kind, and has a page of its own.
    pub(super) fn of_form(error: Error) -> Result<(Text, Option<Text>), Self> {
        match error.kind() {
            Kind::User | Kind::Evidence => Ok((error.message(), error.hint())),
            _ => Err(Self::from(error)),
        }
    }

    fn of_status(status: StatusCode) -> Self {
        Self(Box::new(Told {
            status,
            message: None,
            hint: None,
            reference: None,
        }))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            Kind::User | Kind::Evidence => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Absent => StatusCode::NOT_FOUND,
            Kind::Config | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            let reference = reference();
            tracing::error!(reference, cause = ?error, "a page failed");
            let mut failure = Self::of_status(status);
            failure.0.reference = Some(reference);
            return failure;
        }
        let mut failure = Self::of_status(status);
        failure.0.message = Some(error.message());
        failure.0.hint = error.hint();
        failure
    }
}

/// A body that is broken off, too large or none of ours: its own status, without its words.
impl From<axum::extract::multipart::MultipartError> for Failure {
    fn from(error: axum::extract::multipart::MultipartError) -> Self {
        Self::of_status(error.status())
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::from(Error::stopped(Text::quoted(error)))
    }
}

/// The failure goes with the response to where the visitor is known, who gets a page in their language.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What comes of a part of the program that panicked.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that the layer asks for"
)]
pub(super) fn of_panic(cause: Box<dyn Any + Send + 'static>) -> Response {
    let words = cause.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| cause.downcast_ref::<&str>().copied());
    let why = words.unwrap_or("without words");
    Failure::from(Error::stopped(Text::quoted(why))).into_response()
}

/// A number by which the log tells what happened.
fn reference() -> String {
    let bytes: [u8; 4] = rand::rng().random();
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Gives a failed response its page; others go as they are.
pub(super) fn told(visitor: &Visitor, response: Response) -> Response {
    let status = response.status();
    if let Some(failure) = response.extensions().get::<Failure>() {
        return page(visitor, failure);
    }
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if (status.is_client_error() || status.is_server_error()) && !is_page {
        return page(visitor, &Failure::of_status(status));
    }
    response
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Page<'p> {
    layout: Layout<'p>,
    title: String,
    message: String,
    hint: String,
    reference: String,
}

/// The page of a failure.
pub(super) fn page(visitor: &Visitor, failure: &Failure) -> Response {
    let failure = &*failure.0;
    let layout = Layout::new(visitor, "failure-title");
    let language = visitor.language;
    let said = |id: &str| layout.say(id);
    let title = match failure.status {
        StatusCode::FORBIDDEN => said("failure-forbidden"),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => said("failure-absent"),
        StatusCode::PAYLOAD_TOO_LARGE => said("failure-too-large"),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => said("failure-slow"),
        status if status.is_server_error() => said("failure-internal"),
        _ => said("failure-refused"),
    };
    let message = failure.message.as_ref();
    let hint = failure.hint.as_ref();
    let page = Page {
        title,
        message: message.map_or_else(String::new, |text| text.get(language).to_owned()),
        hint: hint.map_or_else(String::new, |text| text.get(language).to_owned()),
        reference: failure.reference.clone().unwrap_or_default(),
        layout,
    };
    match page.render() {
        Ok(html) => (failure.status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page of a failure failed");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = failure.status;
            response
        }
    }
}
