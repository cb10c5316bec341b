//! Tokens with which programs act for an account, with some of its rights and for a time.

use keiki_model::access::Right;
use keiki_model::text::Text;
use keiki_store::{Account, AccountStanding, StoredApiToken};

use super::sign_in::{Recognised, SignedIn};
use super::{Actor, HOUR_MICROS, Registry, new_token, sha256};
use crate::error::{Error, Result};

/// How long a token holds unless something else is said, and at most. *Units*: days.
pub const TOKEN_DAYS: u16 = 90;
/// How long at most. *Units*: days.
pub const TOKEN_DAYS_MOST: u16 = 366;
/// What every token begins with, so that those who look for lost secrets recognise it.
const PREFIX: &str = "keiki_";
/// The longest name. *Units*: characters.
const NAME_LENGTH_MOST: usize = 80;
/// The most tokens that an account holds.
const TOKENS_MOST: usize = 50;
/// How often the use of a token is written down. *Units*: microseconds.
const TOUCH_MICROS: i64 = 60_000_000;

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewApiToken {
    /// What its owner calls it.
    pub name: String,
    /// What may be done with it.
    pub rights: Vec<Right>,
    /// For how many days it holds.
    pub days: u16,
    /// When it ends at the latest, UTC microseconds; absent = as the days say.
    pub until: Option<i64>,
}

impl Registry {
    /// Makes a token of an account. Returns what is kept of it, and the token itself, which nobody can tell again.
    ///
    /// # Errors
    /// There is no such account, or name, rights or days do not fit.
    pub async fn make_api_token(
        &self,
        account: &str,
        new: &NewApiToken,
        by: &Actor,
    ) -> Result<(StoredApiToken, String)> {
        let account = self.named(account).await?;
        let name = new.name.trim();
        let is_plain = !name.is_empty()
            && name.chars().count() <= NAME_LENGTH_MOST
            && !name.chars().any(char::is_control);
        if !is_plain {
            return Err(refused(
                "トークンの名前がないか、長すぎます",
                "the token has no name, or one too long",
                (
                    "80文字以内で付けてください",
                    "give one of 80 characters at most",
                ),
            ));
        }
        if new.rights.is_empty() {
            return Err(refused(
                "権限が一つも選ばれていません",
                "no right was chosen",
                (
                    "see など、必要な権限を選んでください",
                    "choose what it is for, such as see",
                ),
            ));
        }
        if !(1..=TOKEN_DAYS_MOST).contains(&new.days) {
            return Err(refused(
                "有効日数が範囲外です",
                "so many days are not possible",
                (
                    "1から366までで指定してください",
                    "give a number from 1 to 366",
                ),
            ));
        }
        if self.api_tokens_of(&account, by.now).await?.len() >= TOKENS_MOST {
            return Err(refused(
                "トークンが多すぎます",
                "there are too many tokens",
                (
                    "使わないものを取り消してください",
                    "revoke those that are not used",
                ),
            ));
        }
        let token = format!("{PREFIX}{}", new_token());
        let ends = by.now + i64::from(new.days) * 24 * HOUR_MICROS;
        let mut rights = new.rights.clone();
        rights.sort_unstable();
        rights.dedup();
        let kept = StoredApiToken {
            id: new_token().chars().take(16).collect(),
            token_sha256: sha256(&token),
            account_id: account.id,
            name: name.to_owned(),
            rights,
            created_at: by.now,
            expires_at: new.until.map_or(ends, |until| ends.min(until)),
            seen_at: None,
        };
        self.api_tokens.add(&kept).await?;
        let rights: Vec<&str> = kept.rights.iter().map(|right| right.code()).collect();
        let detail = format!("{}: {}", kept.name, rights.join(" "));
        self.note(by, "token_make", &account.name, &detail).await?;
        Ok((kept, token))
    }

    /// The tokens of an account that have not ended.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn api_tokens_of(&self, account: &Account, now: i64) -> Result<Vec<StoredApiToken>> {
        let mut tokens = self.api_tokens.all(now).await?;
        tokens.retain(|one| one.account_id == account.id);
        Ok(tokens)
    }

    /// All tokens that have not ended, each with its account's name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn api_tokens(&self, now: i64) -> Result<Vec<(String, StoredApiToken)>> {
        let accounts = self.all().await?;
        let name = |id: &str| {
            let mut accounts = accounts.iter();
            let found = accounts.find(|one| one.id == id);
            found.map_or_else(String::new, |one| one.name.clone())
        };
        let tokens = self.api_tokens.all(now).await?.into_iter();
        Ok(tokens.map(|one| (name(&one.account_id), one)).collect())
    }

    /// Takes a token away.
    ///
    /// # Errors
    /// There is none of that id.
    pub async fn revoke_api_token(&self, id: &str, by: &Actor) -> Result<()> {
        let tokens = self.api_tokens(by.now).await?;
        let found = tokens.into_iter().find(|(_, one)| one.id == id);
        let Some((account, token)) = found else {
            return Err(Error::Absent);
        };
        self.api_tokens.revoke(id).await?;
        self.note(by, "token_revoke", &account, &token.name).await
    }

    /// Who holds a token; `None` where it has ended, or its account may no longer sign in.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn recognise_program(&self, token: &str, now: i64) -> Result<Option<SignedIn>> {
        let Some(kept) = self.api_tokens.find(&sha256(token), now).await? else {
            return Ok(None);
        };
        let account = self.accounts.of_id(&kept.account_id).await?;
        let account = account.filter(|one| one.standing == AccountStanding::Active);
        let Some(account) = account else {
            return Ok(None);
        };
        if kept.seen_at.is_none_or(|seen| seen + TOUCH_MICROS < now) {
            self.api_tokens.touch(&kept.id, now).await?;
        }
        let by = Recognised::Token(kept);
        Ok(Some(SignedIn { account, by }))
    }
}

fn refused(ja: &str, en: &str, hint: (&str, &str)) -> Error {
    Error::user(Text::new(ja, en), Text::new(hint.0, hint.1))
}
