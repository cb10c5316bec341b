//! Tokens: who has which, making and revoking them.

use axum::Json;
use keiki_model::access::Right;
use keiki_model::calendar::instant_text;
use keiki_model::text::Text;
use keiki_store::StoredApiToken;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answering::{Asked, Given, Named, filled, whole_if_any};
use super::paging::{Paging, Part, falling};
use super::submitting::Done;
use crate::error::Error;
use crate::operations::accounts::{NewApiToken, TOKEN_DAYS};
use crate::operations::office::Desk;
use crate::web::failure::Answer;

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TokenItem {
    /// Its identity, which is no secret.
    id: String,
    /// The account.
    account: String,
    /// What its owner calls it.
    name: String,
    /// What may be done with it, of what its account may do.
    rights: Vec<&'static str>,
    /// When it was made.
    created_at: String,
    /// When it ends.
    expires_at: String,
    /// When it was used last.
    seen_at: Option<String>,
}

fn token_item((account, one): (String, StoredApiToken)) -> TokenItem {
    TokenItem {
        id: one.id,
        account,
        name: one.name,
        rights: one.rights.iter().map(|right| right.code()).collect(),
        created_at: instant_text(one.created_at),
        expires_at: instant_text(one.expires_at),
        seen_at: one.seen_at.map(instant_text),
    }
}

/// Tokens of one's own account; of all where one administers them.
#[utoipa::path(get, path = "/api/v1/tokens", params(Paging), responses((status = 200, body = Part<TokenItem>)))]
pub(in crate::web) async fn list_tokens(
    desk: Desk,
    Asked(paging): Asked<Paging>,
) -> Answer<Json<Part<TokenItem>>> {
    let all = match desk.all_tokens().await {
        Err(Error::Forbidden) => {
            let name = &desk.who().actor.name;
            let own = desk.own_tokens().await?.into_iter();
            own.map(|one| (name.clone(), one)).collect()
        }
        found => found?,
    };
    let key =
        |(_, one): &(String, StoredApiToken)| format!("{} {}", falling(one.created_at), one.id);
    let part = paging.part(all, key);
    Ok(Json(Part {
        items: part.items.into_iter().map(token_item).collect(),
        next: part.next,
    }))
}

/// A token to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct NewToken {
    /// What it is called.
    #[serde(deserialize_with = "filled")]
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// What may be done with it: rights that one has.
    #[schema(min_items = 1)]
    rights: Vec<String>,
    /// For how many days it holds; absent = 90.
    #[schema(minimum = 1, maximum = 366)]
    #[serde(default, deserialize_with = "whole_if_any")]
    days: Option<u16>,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct MadeToken {
    /// Its identity.
    id: String,
    /// The token, which is told this once.
    token: String,
    /// When it ends.
    expires_at: String,
}

/// Makes a token of one's own account. By a session alone, not by a token.
#[utoipa::path(post, path = "/api/v1/tokens", request_body = NewToken, responses((status = 200, body = MadeToken)))]
pub(in crate::web) async fn make_token(
    desk: Desk,
    Given(new): Given<NewToken>,
) -> Answer<Json<MadeToken>> {
    let rights = new.rights.iter().map(|code| right(code));
    let new = NewApiToken {
        name: new.name,
        rights: rights.collect::<Result<_, _>>()?,
        days: new.days.unwrap_or(TOKEN_DAYS),
        until: None,
    };
    let (kept, token) = desk.make_token(&new).await?;
    Ok(Json(MadeToken {
        id: kept.id,
        token,
        expires_at: instant_text(kept.expires_at),
    }))
}

/// A right by its word in data.
pub(in crate::web) fn right(code: &str) -> Result<Right, Error> {
    Right::from_code(code).ok_or_else(|| {
        let all = Right::ALL.map(|(code, _)| code).join(", ");
        Error::user(
            Text::new(
                format!("権限がありません: {code}"),
                format!("unknown right: {code}"),
            ),
            Text::quoted(all),
        )
    })
}

/// Takes a token away. By a session alone, not by a token.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/revoke", params(("id" = String, Path)), responses((status = 200, body = Done)))]
pub(in crate::web) async fn revoke_token(
    desk: Desk,
    Named(id): Named<String>,
) -> Answer<Json<Done>> {
    desk.revoke_token(&id).await?;
    Ok(Json(Done::YES))
}
