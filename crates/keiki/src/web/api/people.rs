//! Accounts, who one is, and the log of who did what.

use axum::Json;
use keiki_model::access::{Grant, Right};
use keiki_model::calendar::instant_text;
use keiki_store::{AccountStanding, StoredSession};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answering::{Asked, Given, Named, filled};
use super::paging::{Paging, Part, cursor, falling, no_cursor, rising};
use super::submitting::Done;
use crate::operations::accounts::session_id;
use crate::operations::office::Desk;
use crate::operations::office::people::{AccountLine, EventLine};
use crate::web::failure::Answer;

/// Who one is, and what one may do.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Me {
    /// The account.
    name: String,
    /// What may be done, for some org unit at least.
    rights: Vec<&'static str>,
    /// When the token ends; null by a session.
    expires_at: Option<String>,
}

/// Who one is.
#[utoipa::path(get, path = "/api/v1/me", responses((status = 200, body = Me)))]
pub(in crate::web) async fn show_me(desk: Desk) -> Answer<Json<Me>> {
    let rights = desk.rights().into_iter();
    Ok(Json(Me {
        name: desk.who().actor.name.clone(),
        rights: rights.map(Right::code).collect(),
        expires_at: desk.who().until.map(instant_text),
    }))
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct UserItem {
    /// The name with which somebody signs in.
    name: String,
    /// The name that others read.
    shown_name: String,
    /// Whether it may sign in no longer.
    is_disabled: bool,
    /// Whether its owner has set a password.
    has_password: bool,
    /// How many sessions are open.
    sessions: usize,
    /// Its roles.
    roles: Vec<RoleItem>,
}

/// A role for an org unit and all below it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct RoleItem {
    /// The role.
    #[schema(
        pattern = "^(executive|programme_office|data_owner|approver|auditor|administrator|personal_reader)$"
    )]
    role: String,
    /// The org unit.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1)]
    unit: String,
}

/// The accounts.
#[utoipa::path(get, path = "/api/v1/users", params(Paging), responses((status = 200, body = Part<UserItem>)))]
pub(in crate::web) async fn list_users(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<UserItem>>> {
    let all = desk.accounts().await?.accounts;
    let part = paging.part(all, |one| one.name.clone());
    let role = |one: &Grant| RoleItem {
        role: one.role.code().to_owned(),
        unit: one.org_unit.clone(),
    };
    let item = |one: AccountLine| UserItem {
        is_disabled: one.standing == AccountStanding::Disabled,
        has_password: one.has_password,
        sessions: one.sessions,
        roles: one.roles.iter().map(role).collect(),
        name: one.name,
        shown_name: one.shown_name,
    };
    Ok(Json(Part {
        items: part.items.into_iter().map(item).collect(),
        next: part.next,
    }))
}

/// An account to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewUser {
    /// The name with which to sign in.
    #[schema(pattern = "^[a-z0-9._@+-]{1,64}$")]
    name: String,
    /// The name that others read.
    shown_name: Option<String>,
    /// Its role.
    #[schema(
        pattern = "^(executive|programme_office|data_owner|approver|auditor|administrator|personal_reader)$"
    )]
    role: String,
    /// The org unit of the role.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1)]
    unit: String,
}

/// A link by which a password is set.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct Link {
    /// Its path on this server; it holds once and for 72 hours, and is told this once.
    path: String,
}

/// Makes an account. By a session alone, not by a token.
#[utoipa::path(post, path = "/api/v1/users", request_body = NewUser, responses((status = 200, body = Link)))]
pub(in crate::web) async fn add_user(desk: Desk, Given(new): Given<NewUser>) -> Answer<Json<Link>> {
    let shown = new.shown_name.unwrap_or_default();
    let role = (new.role.as_str(), new.unit.as_str());
    let token = desk.add_account((&new.name, &shown), role).await?;
    Ok(link(&token))
}

fn link(token: &str) -> Json<Link> {
    Json(Link {
        path: format!("/welcome/{token}"),
    })
}

/// Makes a link by which an account's owner sets a new password. By a session alone, not by a token.
#[utoipa::path(post, path = "/api/v1/users/{name}/password", params(("name" = String, Path)), responses((status = 200, body = Link)))]
pub(in crate::web) async fn renew_password(
    desk: Desk,
    Named(name): Named<String>,
) -> Answer<Json<Link>> {
    Ok(link(&desk.renew_password(&name).await?))
}

/// Gives an account a role, or takes it away where it has it. By a session alone, not by a token.
#[utoipa::path(post, path = "/api/v1/users/{name}/roles", params(("name" = String, Path)), request_body = RoleItem, responses((status = 200, body = Done)))]
pub(in crate::web) async fn change_role(
    desk: Desk,
    Named(name): Named<String>,
    Given(one): Given<RoleItem>,
) -> Answer<Json<Done>> {
    desk.change_grant(&name, &one.role, &one.unit).await?;
    Ok(Json(Done::YES))
}

/// Lets an account sign in no longer, and ends what it has open.
#[utoipa::path(post, path = "/api/v1/users/{name}/disable", params(("name" = String, Path)), responses((status = 200, body = Done)))]
pub(in crate::web) async fn disable_user(
    desk: Desk,
    Named(name): Named<String>,
) -> Answer<Json<Done>> {
    desk.set_standing(&name, AccountStanding::Disabled).await?;
    Ok(Json(Done::YES))
}

/// Lets an account sign in again.
#[utoipa::path(post, path = "/api/v1/users/{name}/enable", params(("name" = String, Path)), responses((status = 200, body = Done)))]
pub(in crate::web) async fn enable_user(
    desk: Desk,
    Named(name): Named<String>,
) -> Answer<Json<Done>> {
    desk.set_standing(&name, AccountStanding::Active).await?;
    Ok(Json(Done::YES))
}

/// Ends every session of an account.
#[utoipa::path(post, path = "/api/v1/users/{name}/end-sessions", params(("name" = String, Path)), responses((status = 200, body = Done)))]
pub(in crate::web) async fn end_sessions(
    desk: Desk,
    Named(name): Named<String>,
) -> Answer<Json<Done>> {
    desk.end_sessions(&name).await?;
    Ok(Json(Done::YES))
}

/// Takes the second factor of an account away, where its owner lost it. By a session alone, not by a token.
#[utoipa::path(post, path = "/api/v1/users/{name}/second-factor/remove", params(("name" = String, Path)), responses((status = 200, body = Done)))]
pub(in crate::web) async fn remove_second_factor(
    desk: Desk,
    Named(name): Named<String>,
) -> Answer<Json<Done>> {
    desk.remove_factor(&name).await?;
    Ok(Json(Done::YES))
}

/// A session of one's own.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct SessionItem {
    /// Its identity, which is no secret.
    id: String,
    /// What the browser called itself.
    agent: String,
    /// When it began.
    created_at: String,
    /// When it was used last, to the minute.
    seen_at: String,
    /// When it ends at the latest.
    expires_at: String,
}

/// Sessions of one's own, the latest first.
#[utoipa::path(get, path = "/api/v1/sessions", params(Paging), responses((status = 200, body = Part<SessionItem>)))]
pub(in crate::web) async fn list_sessions(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<SessionItem>>> {
    let all = desk.own_sessions().await?;
    let key = |one: &StoredSession| format!("{} {}", falling(one.created_at), session_id(one));
    let part = paging.part(all, key);
    let item = |one: StoredSession| SessionItem {
        id: session_id(&one).to_owned(),
        agent: one.agent,
        created_at: instant_text(one.created_at),
        seen_at: instant_text(one.seen_at),
        expires_at: instant_text(one.expires_at),
    };
    Ok(Json(Part {
        items: part.items.into_iter().map(item).collect(),
        next: part.next,
    }))
}

/// Ends a session of one's own. By a session alone, not by a token.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/end", params(("id" = String, Path)), responses((status = 200, body = Done)))]
pub(in crate::web) async fn end_session(
    desk: Desk,
    Named(id): Named<String>,
) -> Answer<Json<Done>> {
    desk.end_own_session(&id).await?;
    Ok(Json(Done::YES))
}

/// An event of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct EventItem {
    /// Its number.
    number: i64,
    /// When.
    at: String,
    /// Who.
    actor: String,
    /// What, as a word.
    action: String,
    /// To what.
    object: String,
    /// What belongs to it.
    detail: String,
    /// From where.
    address: String,
    /// The hash that binds it to the one before it.
    sha256: String,
}

/// Who did what, the latest first.
#[utoipa::path(get, path = "/api/v1/log", params(Paging), responses((status = 200, body = Part<EventItem>)))]
pub(in crate::web) async fn list_log(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<EventItem>>> {
    let before = paging.after().map(str::parse::<i64>).transpose();
    let before = before.map_err(|_| no_cursor())?;
    let count = u32::try_from(paging.limit()).unwrap_or(u32::MAX);
    let events = desk.log(before, count).await?;
    let last = events.last().map(|one| one.number);
    let item = |one: EventLine| EventItem {
        number: one.number,
        at: instant_text(one.at.1),
        actor: one.actor,
        action: one.action,
        object: one.object,
        detail: one.detail,
        address: one.address,
        sha256: one.sha256,
    };
    Ok(Json(Part {
        items: events.into_iter().map(item).collect(),
        next: last
            .filter(|number| *number > 1)
            .map(|number| cursor(&rising(number))),
    }))
}
