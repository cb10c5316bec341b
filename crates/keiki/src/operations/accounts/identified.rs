//! Signing in whom a provider names: the account of its subject, with the roles that its groups give at this moment.

use keiki_store::{Account, AccountStanding};

use super::{Actor, Registry, checked_name, sha256, told};
use crate::error::Result;
use crate::operations::openid_connect::Identified;

/// The longest name that others read. *Units*: characters.
const SHOWN_LENGTH_MOST: usize = 100;
/// How an account is called whose own name is taken or can be none: this, and so many digits of the hash of its subject.
const PREFIX: &str = "oidc-";
const DIGITS: usize = 16;

/// What became of somebody whom a provider names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// They are signed in, by this token of a session.
    Yes(String),
    /// Their groups give them no role, or the account may not sign in.
    No,
}

impl Registry {
    /// Signs in whom a provider names. An account is found by issuer and subject and by nothing else, and made where there is none;
    /// its roles become those that the groups give now.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn admit(&self, who: &Identified, agent: &str, by: &Actor) -> Result<Admitted> {
        let Some(account) = self.account_of(who, by).await? else {
            return self
                .refuse(&format!("{} {}", who.issuer, who.subject), by)
                .await;
        };
        let actor = Actor {
            name: account.name.clone(),
            ..by.clone()
        };
        let account = self.with_roles(account, who, &actor).await?;
        let is_let_in = account.standing == AccountStanding::Active && !who.grants.is_empty();
        if !is_let_in {
            return self.refuse(&account.name, by).await;
        }
        let token = self.begin_session(&account, agent, by.now).await?;
        let kept = sha256(&token);
        self.subjects.keep_id_token(&kept, &who.id_token).await?;
        self.note(&actor, "sign_in", &account.name, &who.issuer)
            .await?;
        Ok(Admitted::Yes(token))
    }

    /// What the provider said when a session began, for leaving it as well; it is told once.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn take_id_token(&self, token: &str) -> Result<Option<String>> {
        Ok(self.subjects.take_id_token(&sha256(token)).await?)
    }

    async fn refuse(&self, object: &str, by: &Actor) -> Result<Admitted> {
        let object: String = object.chars().filter(|c| !c.is_control()).collect();
        self.note(by, "sign_in_refused", &object, "openid_connect")
            .await?;
        Ok(Admitted::No)
    }

    /// The account of a subject; a new one where it has roles, `None` where it has none.
    async fn account_of(&self, who: &Identified, by: &Actor) -> Result<Option<Account>> {
        let found = self.subjects.account(&who.issuer, &who.subject).await?;
        if let Some(id) = found {
            return Ok(self.accounts.of_id(&id).await?);
        }
        if who.grants.is_empty() {
            return Ok(None);
        }
        let id = self.new_account(who, by).await?;
        if !self.subjects.add(&who.issuer, &who.subject, &id).await? {
            // Somebody else came with the same subject at the same time: the account that was made here is nobody's.
            self.accounts
                .set_standing(&id, AccountStanding::Disabled)
                .await?;
            let id = self.subjects.account(&who.issuer, &who.subject).await?;
            let Some(id) = id else { return Ok(None) };
            return Ok(self.accounts.of_id(&id).await?);
        }
        Ok(self.accounts.of_id(&id).await?)
    }

    /// Makes an account. A name that somebody has is theirs, whoever the provider says comes.
    async fn new_account(&self, who: &Identified, by: &Actor) -> Result<String> {
        let hash = sha256(&format!("{}\n{}", who.issuer, who.subject));
        let own = format!("{PREFIX}{}", hash.get(..DIGITS).unwrap_or_default());
        let wanted = who.name.as_deref().map(checked_name);
        let wanted = wanted.and_then(Result::ok).unwrap_or_else(|| own.clone());
        for name in [wanted, own.clone(), format!("{own}-{}", by.now)] {
            let shown = who.shown_name.as_deref().unwrap_or_default();
            let shown: String = shown
                .chars()
                .filter(|c| !c.is_control())
                .take(SHOWN_LENGTH_MOST)
                .collect();
            let shown = if shown.trim().is_empty() {
                name.clone()
            } else {
                shown
            };
            let added = self
                .accounts
                .add(&name, &shown, &who.grants, by.now)
                .await?;
            if let Some(id) = added {
                let actor = Actor {
                    name: name.clone(),
                    ..by.clone()
                };
                self.note(&actor, "account_add", &name, &told(&who.grants))
                    .await?;
                return Ok(id);
            }
        }
        Err(super::taken(&own))
    }

    /// Gives an account the roles of its groups. Whose roles are fewer starts anew: open sessions and tokens end.
    async fn with_roles(&self, account: Account, who: &Identified, by: &Actor) -> Result<Account> {
        let is_same = account.grants.len() == who.grants.len()
            && account.grants.iter().all(|one| who.grants.contains(one));
        if is_same {
            return Ok(account);
        }
        if !account.grants.iter().all(|one| who.grants.contains(one)) {
            self.sessions.end_all_of(&account.id).await?;
        }
        if who.grants.is_empty() {
            self.api_tokens.revoke_all_of(&account.id).await?;
        }
        // Even the last administrator: who keeps the server makes another with `keiki user`.
        self.accounts.set_grants(&account.id, &who.grants).await?;
        self.note(by, "account_roles", &account.name, &told(&who.grants))
            .await?;
        Ok(Account {
            grants: who.grants.clone(),
            ..account
        })
    }
}
