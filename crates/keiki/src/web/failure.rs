//! What a visitor is told when something goes wrong: what they can mend with how, and of the rest a number, never the cause.

use std::any::Any;

use askama::Template;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use keiki_model::text::Text;
use rand::Rng;

use super::api::problem;
use super::layout::Layout;
use super::visitor::Visitor;
use super::words::Words;
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
        match error.kind_on_server() {
            Kind::User | Kind::Evidence => Ok((error.message(), error.hint())),
            _ => Err(Self::from(error)),
        }
    }

    /// Somebody has to sign in, or show a token that holds.
    pub(super) fn unauthorised() -> Self {
        Self::of_status(StatusCode::UNAUTHORIZED)
    }

    /// What was asked for is refused with a status of its own.
    pub(super) fn refused(status: StatusCode, message: Text) -> Self {
        let mut failure = Self::of_status(status);
        failure.0.message = Some(message);
        failure
    }

    /// A body that is broken off or too large.
    pub(super) fn of_body(error: &axum::Error) -> Self {
        let mut causes: Option<&dyn std::error::Error> = Some(error);
        while let Some(cause) = causes {
            // The library that counts the bytes tells it by its words alone.
            if cause.to_string() == "length limit exceeded" {
                return Self::of_status(StatusCode::PAYLOAD_TOO_LARGE);
            }
            causes = cause.source();
        }
        Self::of_status(StatusCode::BAD_REQUEST)
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
        let status = match error.kind_on_server() {
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

/// The response of a task, whatever became of it.
pub(super) fn of_task(came: Result<Response, tokio::task::JoinError>) -> Response {
    match came.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(response) => response,
        Err(Ok(cause)) => of_panic(cause),
        Err(Err(stopped)) => Failure::from(Error::stopped(Text::quoted(stopped))).into_response(),
    }
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
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_told = kind.is_some_and(|kind| {
        let kind = kind.as_bytes();
        kind.starts_with(b"text/html") || kind.starts_with(b"application/problem+json")
    });
    if (status.is_client_error() || status.is_server_error()) && !is_told {
        let mut answer = page(visitor, &Failure::of_status(status));
        // Which methods a path knows.
        if let Some(allowed) = response.headers().get(header::ALLOW) {
            answer.headers_mut().insert(header::ALLOW, allowed.clone());
        }
        return answer;
    }
    response
}

/// The id of what a status is called.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "failure-unauthorised",
        StatusCode::FORBIDDEN => "failure-forbidden",
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "failure-absent",
        StatusCode::CONFLICT => "failure-conflict",
        StatusCode::PAYLOAD_TOO_LARGE => "failure-too-large",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => "failure-slow",
        status if status.is_server_error() => "failure-internal",
        _ => "failure-refused",
    }
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

/// The page of a failure; for programs what it says as data.
pub(super) fn page(visitor: &Visitor, failure: &Failure) -> Response {
    let failure = &*failure.0;
    let language = visitor.language;
    let title = Words(language).say(title(failure.status));
    let said = |text: &Option<Text>| text.as_ref().map(|text| text.get(language).to_owned());
    let (message, hint) = (said(&failure.message), said(&failure.hint));
    if visitor.is_program() {
        let told = problem::Problem {
            kind: problem::kind(failure.status),
            title,
            status: failure.status.as_u16(),
            detail: message,
            hint,
            reference: failure.reference.clone(),
        };
        return told.into_response();
    }
    let is_absent = failure.status == StatusCode::NOT_FOUND && message.is_none();
    let where_to_look = is_absent.then(|| Words(language).say("failure-absent-hint"));
    let page = Page {
        layout: Layout::new(visitor, "failure-title"),
        title,
        message: message.unwrap_or_default(),
        hint: hint.or(where_to_look).unwrap_or_default(),
        reference: failure.reference.clone().unwrap_or_default(),
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
