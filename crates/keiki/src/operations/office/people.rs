//! Accounts and the log of who did what, before who may keep or read them.

use keiki_model::access::{Grant, Right, Role};
use keiki_store::AccountStanding;

use super::{Desk, UnitChoice, choices};
use crate::error::{Error, Result};
use crate::operations::accounts::{self, Factor, NewAccount};

/// How many events of the log a page lists.
pub const EVENTS_ON_PAGE: u32 = 100;

/// An account.
#[derive(Debug, Clone)]
pub struct AccountLine {
    /// The name with which somebody signs in.
    pub name: String,
    /// The name that others read.
    pub shown_name: String,
    /// Whether it may sign in.
    pub standing: AccountStanding,
    /// Whether its owner has set a password.
    pub has_password: bool,
    /// Whether it has a second factor.
    pub has_factor: bool,
    /// How many sessions are open.
    pub sessions: usize,
    /// Its roles, each with its org unit, in words.
    pub grants: Vec<(String, String)>,
    /// The same in data.
    pub roles: Vec<Grant>,
}

/// A token with which a program acts for an account.
#[derive(Debug, Clone)]
pub struct TokenLine {
    /// Its identity, which is no secret.
    pub id: String,
    /// The account.
    pub account: String,
    /// What its owner calls it.
    pub name: String,
    /// What may be done with it, in words.
    pub rights: Vec<String>,
    /// When it ends.
    pub until: String,
    /// When it was used last; empty where it never was.
    pub seen_at: String,
}

/// The accounts, and what can be chosen for a new one.
#[derive(Debug, Clone)]
pub struct AccountsView {
    /// The accounts by name.
    pub accounts: Vec<AccountLine>,
    /// Roles: word in data and on screen.
    pub roles: Vec<(&'static str, String)>,
    /// Org units.
    pub units: Vec<UnitChoice>,
}

/// An event of the log.
#[derive(Debug, Clone)]
pub struct EventLine {
    /// Its number.
    pub number: i64,
    /// When, in the workspace's zone, and as UTC microseconds.
    pub at: (String, i64),
    /// Who.
    pub actor: String,
    /// What, as a word in data.
    pub action: String,
    /// To what.
    pub object: String,
    /// What belongs to it.
    pub detail: String,
    /// From where.
    pub address: String,
    /// The hash that binds it.
    pub sha256: String,
}

impl Desk {
    /// The tokens of all accounts.
    ///
    /// # Errors
    /// They may not administer them.
    pub async fn token_lines(&self) -> Result<Vec<TokenLine>> {
        let language = self.who.language;
        let all = self.all_tokens().await?.into_iter();
        let line = |(account, one): (String, keiki_store::StoredApiToken)| TokenLine {
            account,
            rights: one
                .rights
                .iter()
                .map(|right| right.title().get(language).to_owned())
                .collect(),
            until: self.local(one.expires_at),
            seen_at: one.seen_at.map(|at| self.local(at)).unwrap_or_default(),
            id: one.id,
            name: one.name,
        };
        Ok(all.map(line).collect())
    }

    /// The accounts.
    ///
    /// # Errors
    /// They may not administer them.
    pub async fn accounts(&self) -> Result<AccountsView> {
        let (tree, within) = self.whole(Right::Administer)?;
        let registry = self.registry(Right::Administer)?;
        let names = self.names();
        let language = self.who.language;
        let mut accounts = Vec::new();
        for one in registry.all().await? {
            let sessions = registry.sessions_of(&one, self.who.actor.now).await?;
            let factor = registry.factor(&one.name).await?;
            let grants = one.grants.iter();
            accounts.push(AccountLine {
                has_factor: matches!(factor, Factor::Held(_)),
                sessions: sessions.len(),
                grants: grants
                    .map(|of| {
                        let role = of.role.title().get(language).to_owned();
                        (role, names.org_unit(&of.org_unit))
                    })
                    .collect(),
                has_password: one.password.is_some(),
                roles: one.grants.clone(),
                standing: one.standing,
                name: one.name,
                shown_name: one.shown_name,
            });
        }
        let roles = Role::ALL.into_iter();
        Ok(AccountsView {
            accounts,
            roles: roles
                .map(|(code, role)| (code, role.title().get(language).to_owned()))
                .collect(),
            units: choices(&tree, &within, language),
        })
    }

    /// Makes an account with one role. Returns the token of the link by which its owner sets a password.
    ///
    /// # Errors
    /// They may not, the name is taken, or there is no such role or org unit.
    pub async fn add_account(
        &self,
        (name, shown_name): (&str, &str),
        (role, unit): (&str, &str),
    ) -> Result<String> {
        self.need_session()?;
        let grant = self.grant(role, unit)?;
        let new = NewAccount {
            name: name.to_owned(),
            shown_name: shown_name.to_owned(),
            grants: vec![grant],
        };
        let registry = self.registry(Right::Administer)?;
        registry.add(&new, &self.who.actor).await
    }

    /// Gives an account a role, or takes it away.
    ///
    /// # Errors
    /// They may not, or there is no such account, role or org unit.
    pub async fn change_grant(&self, name: &str, role: &str, unit: &str) -> Result<()> {
        self.need_session()?;
        let grant = self.grant(role, unit)?;
        let registry = self.registry(Right::Administer)?;
        let account = registry.named(name).await?;
        let mut grants = account.grants;
        if grants.contains(&grant) {
            grants.retain(|one| *one != grant);
        } else {
            grants.push(grant);
        }
        registry.set_grants(name, &grants, &self.who.actor).await
    }

    fn grant(&self, role: &str, unit: &str) -> Result<Grant> {
        self.whole(Right::Administer)?;
        let text = format!("{role}@{unit}");
        accounts::grant(&self.books.workspace, &text, unit)
    }

    /// Lets an account sign in, or not.
    ///
    /// # Errors
    /// They may not, or there is no such account.
    pub async fn set_standing(&self, name: &str, standing: AccountStanding) -> Result<()> {
        self.whole(Right::Administer)?;
        let registry = self.registry(Right::Administer)?;
        registry.set_standing(name, standing, &self.who.actor).await
    }

    /// Takes the second factor of an account away, for whoever lost it and the recovery codes.
    ///
    /// # Errors
    /// They came by a token, they may not, or there is no such account.
    pub async fn remove_factor(&self, name: &str) -> Result<()> {
        self.need_session()?;
        self.whole(Right::Administer)?;
        let registry = self.registry(Right::Administer)?;
        registry.remove_factor(name, &self.who.actor).await
    }

    /// Ends every session of an account.
    ///
    /// # Errors
    /// They may not, or there is no such account.
    pub async fn end_sessions(&self, name: &str) -> Result<()> {
        self.whole(Right::Administer)?;
        let registry = self.registry(Right::Administer)?;
        registry.end_sessions(name, &self.who.actor).await
    }

    /// Makes a link by which an account's owner sets a new password. Returns its token.
    ///
    /// # Errors
    /// They may not, or there is no such account.
    pub async fn renew_password(&self, name: &str) -> Result<String> {
        self.need_session()?;
        self.whole(Right::Administer)?;
        let registry = self.registry(Right::Administer)?;
        registry.renew(name, &self.who.actor).await
    }

    /// Who did what, before an event of the log or up to the last one.
    ///
    /// # Errors
    /// They may not read it, or it cannot be read.
    pub async fn log(&self, before: Option<i64>, count: u32) -> Result<Vec<EventLine>> {
        self.whole(Right::Audit)?;
        let registry = self.registry(Right::Audit)?;
        let events = registry.log().before(before, count).await?;
        let line = |one: keiki_store::RecordedAudit| EventLine {
            number: one.number,
            at: (self.local(one.event.at), one.event.at),
            actor: one.event.actor,
            action: one.event.action,
            object: one.event.object,
            detail: one.event.detail,
            address: one.event.address,
            sha256: one.sha256,
        };
        Ok(events.into_iter().map(line).collect())
    }

    /// The tree, for who has a right for all of it: accounts and their log are not divided by org units.
    pub(super) fn whole(
        &self,
        right: Right,
    ) -> Result<(keiki_model::org::Tree, crate::operations::access::Within)> {
        let (tree, within) = self.within(right)?;
        if within.is_whole() {
            Ok((tree, within))
        } else {
            Err(Error::Forbidden)
        }
    }
}
