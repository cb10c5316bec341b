//! What somebody keeps of their own: the tokens with which programs act for them, and the second factor.

use keiki_model::access::Right;
use keiki_model::text::Text;
use keiki_store::{StoredApiToken, StoredSession};

use super::Desk;
use crate::error::{Error, Result};
use crate::operations::accounts::{Factor, NewApiToken};

impl Desk {
    /// What they may do for any org unit.
    #[must_use]
    pub fn rights(&self) -> Vec<Right> {
        self.who.scope.rights()
    }

    /// The sessions of their own account, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn own_sessions(&self) -> Result<Vec<StoredSession>> {
        let registry = &self.who.registry;
        let account = registry.named(&self.who.actor.name).await?;
        let mut all = registry.sessions_of(&account, self.who.actor.now).await?;
        all.sort_by_key(|one| std::cmp::Reverse(one.created_at));
        Ok(all)
    }

    /// Ends a session of their own account.
    ///
    /// # Errors
    /// They came by a token, or there is no such session of theirs.
    pub async fn end_own_session(&self, id: &str) -> Result<()> {
        self.need_session()?;
        let registry = &self.who.registry;
        let account = registry.named(&self.who.actor.name).await?;
        let ended = registry.end_session(&account, id, &self.who.actor).await?;
        if ended { Ok(()) } else { Err(Error::Absent) }
    }

    /// The tokens of their own account.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn own_tokens(&self) -> Result<Vec<StoredApiToken>> {
        let registry = &self.who.registry;
        let account = registry.named(&self.who.actor.name).await?;
        registry.api_tokens_of(&account, self.who.actor.now).await
    }

    /// The tokens of all accounts, each with its account's name.
    ///
    /// # Errors
    /// They may not administer them.
    pub async fn all_tokens(&self) -> Result<Vec<(String, StoredApiToken)>> {
        self.whole(Right::Administer)?;
        let registry = self.registry(Right::Administer)?;
        registry.api_tokens(self.who.actor.now).await
    }

    /// Makes a token of their own account: with what they may do themselves.
    ///
    /// # Errors
    /// They came by a token, it is to have a right that they lack, or something of it does not fit.
    pub async fn make_token(&self, new: &NewApiToken) -> Result<(StoredApiToken, String)> {
        self.need_session()?;
        let own = self.rights();
        let lacking = new.rights.iter().find(|right| !own.contains(right));
        if let Some(right) = lacking {
            let title = right.title();
            return Err(Error::user(
                Text::new(
                    format!("持っていない権限です: {}", title.ja),
                    format!("not a right of yours: {}", title.en),
                ),
                Text::new(
                    "自分の権限の範囲で選んでください",
                    "choose among those that you have",
                ),
            ));
        }
        let registry = &self.who.registry;
        let actor = &self.who.actor;
        registry.make_api_token(&actor.name, new, actor).await
    }

    /// Takes a token of their own away, or of anybody's where they administer accounts.
    ///
    /// # Errors
    /// They came by a token, or there is none that they may take away.
    pub async fn revoke_token(&self, id: &str) -> Result<()> {
        self.need_session()?;
        let own = self.own_tokens().await?;
        if !own.iter().any(|one| one.id == id) && self.whole(Right::Administer).is_err() {
            return Err(Error::Absent);
        }
        let registry = &self.who.registry;
        registry.revoke_api_token(id, &self.who.actor).await
    }

    /// How the second factor of their own account stands.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn own_factor(&self) -> Result<Factor> {
        self.who.registry.factor(&self.who.actor.name).await
    }

    /// Begins a second factor of their own account.
    ///
    /// # Errors
    /// They came by a token, or there is one already.
    pub async fn begin_own_factor(&self) -> Result<()> {
        self.need_session()?;
        self.who.registry.begin_factor(&self.who.actor.name).await
    }

    /// Makes the second factor of their own account count. Returns the recovery codes.
    ///
    /// # Errors
    /// They came by a token, or the code is wrong.
    pub async fn confirm_own_factor(&self, code: &str) -> Result<Vec<String>> {
        self.need_session()?;
        let actor = &self.who.actor;
        let registry = &self.who.registry;
        registry.confirm_factor(&actor.name, code, actor).await
    }

    /// Takes the second factor of their own account away.
    ///
    /// # Errors
    /// They came by a token, or the code is wrong.
    pub async fn give_up_own_factor(&self, code: &str) -> Result<()> {
        self.need_session()?;
        let actor = &self.who.actor;
        let registry = &self.who.registry;
        registry.give_up_factor(&actor.name, code, actor).await
    }
}
