//! The one table of routes: what each needs, where it stands in the menu, and which handler answers.

use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use keiki_model::access::Right;

use super::begun::Begun;
use super::failure::Failure;
use super::pages::openid::OPENID_PATH;
use super::pages::{
    account, actions, batch, catalogue, changing, closing, compare, difference, evidence, home,
    kpi, language, log, openid, programme, requests, rows, scorecard, sign_in, statement, submit,
    system, todo, uploads, users, verification, welcome,
};
use super::server::FORM_BYTES;
use super::site::Shared;
use super::{api, guard, metrics};
use crate::operations::access::Scope;

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: whoever comes.
    Nothing,
    /// Somebody who is signed in.
    Account,
    /// Somebody who has a right for some org unit.
    Right(Right),
    /// Somebody who has a right for the whole tree.
    Whole(Right),
}

impl Need {
    /// Whether somebody who is signed in meets it. `root` is the root of the tree.
    #[must_use]
    pub fn is_met_by(self, scope: &Scope, root: &str) -> bool {
        match self {
            Self::Nothing | Self::Account => true,
            Self::Right(right) => scope.allows(right),
            Self::Whole(right) => scope.allows_at(right, root),
        }
    }
}

/// What is known of a route without asking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteFacts {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its path; parts in braces are values.
    pub path: &'static str,
    /// What it needs.
    pub need: Need,
}

/// The doors: signing in and out, and what is one's own.
fn doors() -> Vec<Route> {
    vec![
        Route::page("/", Need::Account, home::show),
        Route::page("/sign-in", Need::Nothing, sign_in::show),
        Route::form("/sign-in", Need::Nothing, sign_in::enter),
        Route::page(OPENID_PATH, Need::Nothing, openid::begin),
        Route::returning(openid::RETURN_PATH, Need::Nothing, openid::enter),
        Route::form("/sign-out", Need::Account, sign_in::leave),
        Route::page("/welcome/{token}", Need::Nothing, welcome::show),
        Route::form("/welcome/{token}", Need::Nothing, welcome::accept),
        Route::form("/language", Need::Nothing, language::choose),
        Route::page("/account", Need::Account, account::show),
        Route::form(
            "/account/sessions/{id}",
            Need::Account,
            account::end_session,
        ),
        Route::form("/account/tokens", Need::Account, account::make),
        Route::form("/account/tokens/{id}", Need::Account, account::revoke),
        Route::form(
            "/account/second-factor",
            Need::Account,
            account::begin_factor,
        ),
        Route::form(
            "/account/second-factor/confirm",
            Need::Account,
            account::confirm_factor,
        ),
        Route::form(
            "/account/second-factor/remove",
            Need::Account,
            account::remove_factor,
        ),
    ]
}

/// The table. A new page is a new row.
fn table() -> Vec<Route> {
    let see = Need::Right(Right::See);
    let see_evidence = Need::Right(Right::SeeEvidence);
    let submits = Need::Right(Right::Submit);
    let close = Need::Whole(Right::Close);
    let define = Need::Whole(Right::Define);
    let links = Need::Right(Right::Close);
    vec![
        Route::page("/scorecard", see, scorecard::show).in_menu("nav-scorecard"),
        Route::page("/compare", see, compare::show),
        Route::page("/statement/{file}", see, statement::load),
        Route::page("/kpis", see, catalogue::show).in_menu("nav-kpis"),
        Route::page("/kpis/{no}", see, kpi::show),
        Route::page("/kpis/{no}/rows", see, rows::show),
        Route::page("/kpis/{no}/difference", see, difference::show),
        Route::form(
            "/kpis/{no}/explain",
            Need::Right(Right::Explain),
            kpi::explain,
        ),
        Route::page("/actions", see, actions::show).in_menu("nav-actions"),
        Route::form(
            "/actions/{number}/steps",
            Need::Right(Right::Explain),
            actions::step,
        ),
        Route::form(
            "/instructions",
            Need::Whole(Right::Explain),
            actions::instruct,
        ),
        Route::page("/todo", submits, todo::show).in_menu("nav-todo"),
        Route::page("/submit", submits, submit::show).in_menu("nav-submit"),
        Route::upload("/submit", submits, submit::preview, submit::FILE_BYTES),
        Route::page("/submit/{token}", submits, submit::look),
        Route::form("/submit/{token}/confirm", submits, submit::confirm),
        Route::form("/submit/{token}/discard", submits, submit::discard),
        Route::form("/submit/nil", submits, submit::nil),
        Route::upload("/submit/total", submits, submit::total, submit::FILE_BYTES),
        Route::page("/evidence", see_evidence, evidence::show).in_menu("nav-evidence"),
        Route::page("/batches/{seq}", see_evidence, batch::show),
        Route::page("/batches/{seq}/files/{position}", see_evidence, batch::file),
        Route::page("/programme", see, programme::show).in_menu("nav-programme"),
        Route::page("/programme/organisation", see, changing::organisation),
        Route::page("/programme/change", define, changing::show),
        Route::form("/programme/change", define, changing::act),
        Route::page("/close", see_evidence, closing::show).in_menu("nav-close"),
        Route::form("/close", close, closing::act),
        Route::form("/close/request", close, closing::ask),
        Route::page("/requests", see_evidence, requests::show).in_menu("nav-requests"),
        Route::form("/requests/{id}", see_evidence, requests::decide),
        Route::form(
            "/close/certify",
            Need::Right(Right::Certify),
            closing::certify,
        ),
        Route::page("/upload-links", links, uploads::show_links).in_menu("nav-upload-links"),
        Route::form("/upload-links", links, uploads::make),
        Route::form("/upload-links/{id}/revoke", links, uploads::revoke),
        Route::page("/upload/{token}", Need::Nothing, uploads::show),
        Route::upload(
            "/upload/{token}",
            Need::Nothing,
            uploads::send,
            submit::FILE_BYTES,
        ),
        Route::page("/upload/{token}/workbook", Need::Nothing, uploads::form),
        Route::page("/upload/{token}/{file}", Need::Nothing, uploads::look),
        Route::form(
            "/upload/{token}/{file}/confirm",
            Need::Nothing,
            uploads::confirm,
        ),
        Route::form(
            "/upload/{token}/{file}/discard",
            Need::Nothing,
            uploads::discard,
        ),
    ]
}

/// Accounts, verification, and how Keiki itself is.
fn keeping() -> Vec<Route> {
    let administer = Need::Whole(Right::Administer);
    let audit = Need::Whole(Right::Audit);
    vec![
        Route::page("/users", administer, users::show).in_menu("nav-users"),
        Route::form("/users", administer, users::add),
        Route::form("/users/{name}/roles", administer, users::grant),
        Route::form("/users/{name}/password", administer, users::renew),
        Route::form("/users/{name}/disable", administer, users::disable),
        Route::form("/users/{name}/enable", administer, users::enable),
        Route::form(
            "/users/{name}/end-sessions",
            administer,
            users::end_sessions,
        ),
        Route::form(
            "/users/{name}/second-factor",
            administer,
            users::remove_factor,
        ),
        Route::form("/tokens/{id}/revoke", administer, users::revoke_token),
        Route::page("/log", audit, log::show).in_menu("nav-log"),
        Route::page("/verification", audit, verification::show).in_menu("nav-verification"),
        Route::form("/verification", audit, verification::verify),
        Route::page(
            "/kpis/{no}/audit-pack",
            Need::Whole(Right::SeeEvidence),
            verification::pack,
        ),
        Route::page("/system", administer, system::show).in_menu("nav-system"),
        Route::form("/system/backup", administer, system::back_up),
        Route::page("/healthz", Need::Nothing, system::health),
    ]
}

/// What programs use. *Source*: decision 0062.
fn programs() -> Vec<Route> {
    let see = Need::Right(Right::See);
    let see_evidence = Need::Right(Right::SeeEvidence);
    vec![
        Route::page("/metrics", see, metrics::show),
        Route::page("/api/v1/docs", Need::Nothing, api::docs::show),
        Route::page(
            "/api/v1/openapi.json",
            Need::Nothing,
            api::docs::load_document,
        ),
        Route::page("/api/v1/me", Need::Account, api::people::show_me),
        Route::page("/api/v1/periods", see, api::catalogue::list_periods),
        Route::page("/api/v1/org-units", see, api::catalogue::list_org_units),
        Route::page(
            "/api/v1/org-units/history",
            see,
            api::catalogue::list_org_history,
        ),
        Route::page("/api/v1/remarks", see, api::said::list_remarks),
        Route::page("/api/v1/actions", see, api::said::list_actions),
        Route::page(
            "/api/v1/statements/{file}",
            see,
            api::system::load_statement,
        ),
        Route::page("/api/v1/kpis", see, api::catalogue::list_kpis),
        Route::page("/api/v1/kpis/{no}", see, api::catalogue::show_kpi),
        Route::page("/api/v1/scorecard", see, api::figures::show_scorecard),
        Route::page("/api/v1/measurements", see, api::figures::list_measurements),
        Route::page("/api/v1/kpis/{no}/rows", see, api::rows::list_rows),
        Route::page(
            "/api/v1/kpis/{no}/difference",
            see,
            api::difference::show_difference,
        ),
        Route::page("/api/v1/statements", see, api::catalogue::list_statements),
        Route::page("/api/v1/programme", see, api::programme::list_standings),
        Route::page(
            "/api/v1/programme/export",
            Need::Whole(Right::See),
            api::programme::export_programme,
        ),
        Route::page("/api/v1/owed", see_evidence, api::evidence::list_owed),
        Route::page("/api/v1/sources", see_evidence, api::evidence::list_sources),
        Route::page("/api/v1/batches", see_evidence, api::evidence::list_batches),
        Route::page(
            "/api/v1/batches/{seq}",
            see_evidence,
            api::evidence::show_batch,
        ),
        Route::page(
            "/api/v1/batches/{seq}/files/{position}",
            see_evidence,
            api::evidence::load_file,
        ),
        Route::page("/api/v1/rejects", see_evidence, api::evidence::list_rejects),
        Route::page(
            "/api/v1/closes/{period}",
            see_evidence,
            api::closing::show_close,
        ),
        Route::page(
            "/api/v1/requests",
            see_evidence,
            api::requests::list_requests,
        ),
        Route::form(
            "/api/v1/requests/{id}/decide",
            see_evidence,
            api::requests::decide_request,
        ),
        Route::page(
            "/api/v1/sessions",
            Need::Account,
            api::people::list_sessions,
        ),
        Route::form(
            "/api/v1/sessions/{id}/end",
            Need::Account,
            api::people::end_session,
        ),
        Route::page("/api/v1/tokens", Need::Account, api::tokens::list_tokens),
        Route::form("/api/v1/tokens", Need::Account, api::tokens::make_token),
        Route::form(
            "/api/v1/tokens/{id}/revoke",
            Need::Account,
            api::tokens::revoke_token,
        ),
    ]
}

/// What programs use that sends evidence.
fn programs_that_send() -> Vec<Route> {
    let submits = Need::Right(Right::Submit);
    let bytes = submit::FILE_BYTES;
    vec![
        Route::page("/api/v1/todo", submits, api::submitting::show_todo),
        Route::page("/api/v1/previews", submits, api::submitting::list_previews),
        Route::page(
            "/api/v1/previews/{token}",
            submits,
            api::submitting::show_preview,
        ),
        Route::upload(
            "/api/v1/previews",
            submits,
            api::submitting::preview_file,
            bytes,
        ),
        Route::form(
            "/api/v1/previews/{token}/confirm",
            submits,
            api::submitting::confirm_preview,
        ),
        Route::form(
            "/api/v1/previews/{token}/discard",
            submits,
            api::submitting::discard_preview,
        ),
        Route::upload(
            "/api/v1/submissions",
            submits,
            api::submitting::submit_file,
            bytes,
        ),
        Route::form("/api/v1/nil-returns", submits, api::submitting::submit_nil),
        Route::upload(
            "/api/v1/reported-totals",
            submits,
            api::submitting::submit_total,
            api::submitting::TOTAL_BYTES,
        ),
        Route::form(
            "/api/v1/kpis/{no}/explanations",
            Need::Right(Right::Explain),
            api::submitting::explain_figure,
        ),
        Route::form(
            "/api/v1/actions/{number}/steps",
            Need::Right(Right::Explain),
            api::said::step_action,
        ),
        Route::form(
            "/api/v1/instructions",
            Need::Whole(Right::Explain),
            api::said::note_instruction,
        ),
    ]
}

/// What programs use that changes something of periods, links and the programme.
fn programs_that_write() -> Vec<Route> {
    let close = Need::Whole(Right::Close);
    let links = Need::Right(Right::Close);
    vec![
        Route::form(
            "/api/v1/closes/{period}/close",
            close,
            api::closing::close_period,
        ),
        Route::form(
            "/api/v1/closes/{period}/reopen",
            close,
            api::closing::reopen_period,
        ),
        Route::form(
            "/api/v1/closes/{period}/request",
            close,
            api::closing::request_close,
        ),
        Route::form(
            "/api/v1/closes/{period}/certify",
            Need::Right(Right::Certify),
            api::closing::certify_company,
        ),
        Route::page(
            "/api/v1/upload-links",
            links,
            api::uploads::list_upload_links,
        ),
        Route::form(
            "/api/v1/upload-links",
            links,
            api::uploads::make_upload_link,
        ),
        Route::form(
            "/api/v1/upload-links/{id}/revoke",
            links,
            api::uploads::revoke_upload_link,
        ),
        Route::form(
            "/api/v1/programme/previews",
            Need::Whole(Right::Define),
            api::changing::preview_change,
        ),
        Route::form(
            "/api/v1/programme/changes",
            Need::Whole(Right::Define),
            api::changing::make_change,
        ),
    ]
}

/// What programs use of accounts, of the log and of Keiki itself.
fn programs_that_administer() -> Vec<Route> {
    let administer = Need::Whole(Right::Administer);
    vec![
        Route::page("/api/v1/users", administer, api::people::list_users),
        Route::form("/api/v1/users", administer, api::people::add_user),
        Route::form(
            "/api/v1/users/{name}/roles",
            administer,
            api::people::change_role,
        ),
        Route::form(
            "/api/v1/users/{name}/password",
            administer,
            api::people::renew_password,
        ),
        Route::form(
            "/api/v1/users/{name}/disable",
            administer,
            api::people::disable_user,
        ),
        Route::form(
            "/api/v1/users/{name}/enable",
            administer,
            api::people::enable_user,
        ),
        Route::form(
            "/api/v1/users/{name}/end-sessions",
            administer,
            api::people::end_sessions,
        ),
        Route::form(
            "/api/v1/users/{name}/second-factor/remove",
            administer,
            api::people::remove_second_factor,
        ),
        Route::form(
            "/api/v1/system/backup",
            administer,
            api::system::make_backup,
        ),
        Route::page(
            "/api/v1/log",
            Need::Whole(Right::Audit),
            api::people::list_log,
        ),
        Route::form(
            "/api/v1/verification",
            Need::Whole(Right::Audit),
            api::system::verify_books,
        ),
        Route::page(
            "/api/v1/kpis/{no}/audit-pack",
            Need::Whole(Right::SeeEvidence),
            api::system::load_audit_pack,
        ),
        Route::page("/api/v1/system", administer, api::system::show_system),
    ]
}

/// Every row.
fn all() -> impl Iterator<Item = Route> {
    let pages = doors().into_iter().chain(table()).chain(keeping());
    let programs = programs().into_iter().chain(programs_that_send());
    pages
        .chain(programs)
        .chain(programs_that_write())
        .chain(programs_that_administer())
}

struct Route {
    facts: RouteFacts,
    title: Option<&'static str>,
    answer: MethodRouter<Shared>,
}

impl Route {
    fn page<H, T>(path: &'static str, need: Need, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        Self::new("GET", path, need, get(handler))
    }

    /// A page to which another server sends browsers back, and which changes something all the same.
    fn returning<H, T>(path: &'static str, need: Need, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        let answer = get(handler).route_layer(middleware::from_fn(whole));
        Self::new("GET", path, need, answer)
    }

    fn form<H, T>(path: &'static str, need: Need, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        let answer = post(handler).route_layer(middleware::from_fn(whole));
        Self::new("POST", path, need, answer)
    }

    /// A form that sends a file of so many bytes at most. Its handler takes the file in piece by piece, and sees to it itself that
    /// what it begins comes to its end.
    fn upload<H, T>(path: &'static str, need: Need, handler: H, bytes: usize) -> Self
    where
        H: Handler<T, Shared>,
        T: 'static,
    {
        Self::new("POST", path, need, post(handler)).up_to(bytes)
    }

    fn new(
        method: &'static str,
        path: &'static str,
        need: Need,
        answer: MethodRouter<Shared>,
    ) -> Self {
        let admitted = move |request: Request, next: Next| guard::admitted(need, request, next);
        let answering = move |request: Request, next: Next| api::answering(path, request, next);
        let answer = if path.starts_with("/api/") {
            answer.route_layer(middleware::from_fn(answering))
        } else {
            answer
        };
        Self {
            facts: RouteFacts { method, path, need },
            title: None,
            answer: answer.route_layer(middleware::from_fn(admitted)),
        }
    }

    /// Takes more than forms may send, so many bytes.
    fn up_to(self, bytes: usize) -> Self {
        Self {
            answer: self.answer.layer(DefaultBodyLimit::max(bytes)),
            ..self
        }
    }

    /// Puts the page into the menu.
    fn in_menu(self, title: &'static str) -> Self {
        Self {
            title: Some(title),
            ..self
        }
    }
}

/// Lets what changes something come to its end once all of the request is here, even where nobody waits for it any longer: what
/// is done is also noted.
async fn whole(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = match to_bytes(body, FORM_BYTES).await {
        Ok(bytes) => Body::from(bytes),
        Err(error) => return Failure::of_body(&error).into_response(),
    };
    let begun = parts.extensions.get::<Begun>().cloned();
    let answer = next.run(Request::from_parts(parts, body));
    begun.unwrap_or_default().finish(answer).await
}

/// An entry of the menu.
pub(super) struct MenuEntry {
    /// Where it leads.
    pub(super) path: &'static str,
    /// The id of its title.
    pub(super) title: &'static str,
    /// What its page needs.
    pub(super) need: Need,
}

static MENU: LazyLock<Vec<MenuEntry>> = LazyLock::new(|| {
    let entry = |route: Route| {
        Some(MenuEntry {
            path: route.facts.path,
            title: route.title?,
            need: route.facts.need,
        })
    };
    all().filter_map(entry).collect()
});

/// The menu, in the order of the table.
pub(super) fn menu() -> &'static [MenuEntry] {
    &MENU
}

pub(super) fn router() -> Router<Shared> {
    all().fold(Router::new(), |router, route| {
        router.route(route.facts.path, route.answer)
    })
}

/// Every route with what it needs.
#[must_use]
pub fn facts() -> Vec<RouteFacts> {
    all().map(|route| route.facts).collect()
}
