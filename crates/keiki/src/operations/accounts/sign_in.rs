//! Signing in and out: the same answer and the same time whether or not there is such an account.

use keiki_model::access::Role;
use keiki_model::text::Language;
use keiki_store::{Account, AccountStanding, StoredApiToken, StoredSession};

use super::{Actor, HOUR_MICROS, Registry, checked_name, new_token, password, sha256};
use crate::config::Passwords;
use crate::error::Result;
use crate::operations::access::Scope;

/// How long a session lasts at most. *Units*: hours.
pub const SESSION_HOURS: i64 = 12;
/// How long it lasts unused. *Units*: hours.
const IDLE_HOURS: i64 = 2;
/// How many wrong passwords in a row are let pass.
const FAILURES_FREE: i64 = 5;
/// How long a name is locked out after them; doubled by each further one.
const LOCK_MICROS: i64 = 60_000_000;
/// How long at most.
const LOCK_MICROS_MOST: i64 = HOUR_MICROS;
/// How many wrong passwords within an hour are let pass from one address, whatever the names.
const ADDRESS_FAILURES_MOST: i64 = 60;
/// After how long failures are forgotten.
const FORGOTTEN_HOURS: i64 = 24;
/// How often the use of a session is written down.
const TOUCH_MICROS: i64 = 60_000_000;
/// The longest name of a browser that is kept. *Units*: characters.
const AGENT_LENGTH_MOST: usize = 200;

/// What somebody shows who wants to sign in.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'s> {
    /// The account's name.
    pub name: &'s str,
    /// Its password.
    pub password: &'s str,
    /// A code of its second factor; empty where it has none.
    pub code: &'s str,
}

/// Somebody who is signed in, or a program of theirs.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub account: Account,
    /// By what they are recognised.
    pub by: Recognised,
}

/// By what somebody is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognised {
    /// A session, which a browser holds.
    Session(StoredSession),
    /// A token, which a program holds.
    Token(StoredApiToken),
}

impl SignedIn {
    /// What may be done: by a token, what its rights leave of what its account may do.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let whole = Scope::new(self.account.grants.clone());
        match &self.by {
            Recognised::Session(_) => whole,
            Recognised::Token(token) => whole.narrowed(token.rights.clone()),
        }
    }
}

impl Registry {
    /// Signs in. Returns the session's token; `None` where name, password or code is wrong, the account may not sign in, or the name
    /// is locked out: nobody learns which.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn sign_in(
        &self,
        shown: &Shown<'_>,
        agent: &str,
        by: &Actor,
    ) -> Result<Option<String>> {
        // What can be no name is no account's, and is not kept.
        let Ok(name) = checked_name(shown.name) else {
            return Ok(None);
        };
        let now = by.now;
        let account = self.accounts.named(&name).await?;
        let kept = account.as_ref().and_then(|one| one.password.as_deref());
        let fits = password::fits(shown.password, kept).await?;
        let address = of_address(&by.address, now);
        let is_shut = self.accounts.failures(&address).await?.count >= ADDRESS_FAILURES_MOST;
        let is_locked = is_shut || self.is_locked(&name, now).await?;
        let mut account = account.filter(|one| {
            fits && !is_locked && one.standing == AccountStanding::Active && self.may_show(one)
        });
        if let Some(one) = &account
            && !self.factor_fits(one, shown.code, now).await?
        {
            account = None;
        }
        let Some(account) = account else {
            if is_locked {
                self.note_failure(&locked_out(&name), now).await?;
            } else {
                self.note_failure(&name, now).await?;
                self.note_failure(&address, now).await?;
                let detail = self.while_locked(&name).await?;
                self.note(by, "sign_in_refused", &name, &detail).await?;
            }
            return Ok(None);
        };
        let detail = self.while_locked(&name).await?;
        self.accounts.clear_failures(&name).await?;
        let token = self.begin_session(&account, agent, now).await?;
        let actor = Actor {
            name: name.clone(),
            ..by.clone()
        };
        self.note(&actor, "sign_in", &name, &detail).await?;
        Ok(Some(token))
    }

    /// Whether an account may sign in with a password at all.
    fn may_show(&self, account: &Account) -> bool {
        let mut grants = account.grants.iter();
        match self.passwords {
            Passwords::Everybody => true,
            Passwords::Administrators => grants.any(|of| of.role == Role::Administrator),
        }
    }

    /// Begins a session. Returns its token.
    pub(super) async fn begin_session(
        &self,
        account: &Account,
        agent: &str,
        now: i64,
    ) -> Result<String> {
        let token = new_token();
        let session = StoredSession {
            token_sha256: sha256(&token),
            account_id: account.id.clone(),
            created_at: now,
            seen_at: now,
            expires_at: now + SESSION_HOURS * HOUR_MICROS,
            agent: plain_agent(agent),
        };
        self.sessions.add(&session).await?;
        Ok(token)
    }

    /// Whether a name is locked out.
    pub(super) async fn is_locked(&self, name: &str, now: i64) -> Result<bool> {
        let failures = self.accounts.failures(name).await?;
        Ok(now < failures.last_at + lock(failures.count))
    }

    /// Notes that something wrong was shown under a name.
    pub(super) async fn note_failure(&self, name: &str, now: i64) -> Result<()> {
        let forgotten = now - FORGOTTEN_HOURS * HOUR_MICROS;
        Ok(self.accounts.note_failure(name, now, forgotten).await?)
    }

    /// How often a name was tried while it was locked out, which is told once; empty where it was not.
    async fn while_locked(&self, name: &str) -> Result<String> {
        let kept = locked_out(name);
        let count = self.accounts.failures(&kept).await?.count;
        if count == 0 {
            return Ok(String::new());
        }
        self.accounts.clear_failures(&kept).await?;
        Ok(format!("locked: {count}"))
    }

    /// Who holds a session's token; `None` where it has ended, or its account may no longer sign in.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn recognise(&self, token: &str, now: i64) -> Result<Option<SignedIn>> {
        let Some(session) = self.sessions.find(&sha256(token), now).await? else {
            return Ok(None);
        };
        let account = self.accounts.of_id(&session.account_id).await?;
        let account = account.filter(|one| one.standing == AccountStanding::Active);
        let is_idle = session.seen_at + IDLE_HOURS * HOUR_MICROS < now;
        let Some(account) = account.filter(|_| !is_idle) else {
            self.sessions.end(&session.token_sha256).await?;
            return Ok(None);
        };
        if session.seen_at + TOUCH_MICROS < now {
            self.sessions.touch(&session.token_sha256, now).await?;
        }
        let by = Recognised::Session(session);
        Ok(Some(SignedIn { account, by }))
    }

    /// Ends a session by its token.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn sign_out(&self, token: &str) -> Result<()> {
        Ok(self.sessions.end(&sha256(token)).await?)
    }

    /// Sets the language that somebody reads.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_language(&self, account: &Account, language: Language) -> Result<()> {
        Ok(self.accounts.set_language(&account.id, language).await?)
    }

    /// The sessions of an account that have not ended.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn sessions_of(&self, account: &Account, now: i64) -> Result<Vec<StoredSession>> {
        Ok(self.sessions.of_account(&account.id, now).await?)
    }

    /// Ends one session of an account, by what it is called. Returns whether there was such a one.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn end_session(&self, account: &Account, id: &str, by: &Actor) -> Result<bool> {
        let all = self.sessions.of_account(&account.id, by.now).await?;
        let Some(session) = all.iter().find(|one| session_id(one) == id) else {
            return Ok(false);
        };
        self.sessions.end(&session.token_sha256).await?;
        self.note(by, "session_end", &account.name, &session.agent)
            .await?;
        Ok(true)
    }

    /// Ends every session of an account.
    ///
    /// # Errors
    /// There is no such account.
    pub async fn end_sessions(&self, name: &str, by: &Actor) -> Result<()> {
        let account = self.named(name).await?;
        self.sessions.end_all_of(&account.id).await?;
        self.note(by, "sessions_end", &account.name, "").await
    }
}

/// What a session is called where it is listed: of a hash of a token, which nobody can turn back.
#[must_use]
pub fn session_id(session: &StoredSession) -> &str {
    session.token_sha256.get(..16).unwrap_or_default()
}

/// What a browser calls itself, as a line of a table.
fn plain_agent(agent: &str) -> String {
    let plain = agent.chars().filter(|c| !c.is_control());
    plain.take(AGENT_LENGTH_MOST).collect()
}

/// Under what the wrong passwords of an address are counted, hour by hour; of IPv6 that of its network, in which whoever sits there
/// has more addresses than anybody can count.
fn of_address(address: &str, now: i64) -> String {
    let hour = now / HOUR_MICROS;
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V6(six)) if six.to_ipv4_mapped().is_none() => {
            let network = six.to_bits() >> 64;
            format!("address {network:x} {hour}")
        }
        _ => format!("address {address} {hour}"),
    }
}

/// Under what the attempts at a name that is locked out are counted; no name has a space.
fn locked_out(name: &str) -> String {
    format!("{name} locked")
}

/// How long a name is locked out after so many failures in a row.
fn lock(failures: i64) -> i64 {
    let beyond = failures - FAILURES_FREE;
    if beyond < 0 {
        return 0;
    }
    let doubled = 1_i64 << beyond.min(20);
    (LOCK_MICROS * doubled).min(LOCK_MICROS_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_by_network_and_hour() {
        assert_eq!(of_address("192.0.2.1", 0), of_address("192.0.2.1", 1));
        assert_ne!(of_address("192.0.2.1", 0), of_address("192.0.2.2", 0));
        assert_ne!(
            of_address("192.0.2.1", 0),
            of_address("192.0.2.1", HOUR_MICROS)
        );
        assert_eq!(of_address("2001:db8::1", 0), of_address("2001:db8::2:1", 0));
        assert_ne!(
            of_address("2001:db8::1", 0),
            of_address("2001:db8:0:1::1", 0)
        );
    }

    #[test]
    fn a_name_is_locked_out_for_longer_and_longer() {
        assert_eq!(lock(0), 0);
        assert_eq!(lock(4), 0);
        assert_eq!(lock(5), LOCK_MICROS);
        assert_eq!(lock(6), 2 * LOCK_MICROS);
        assert_eq!(lock(50), LOCK_MICROS_MOST);
    }

    const SETTINGS: &str = "language = \"en\"\nzone = \"UTC\"\n[organisation]\nname = { ja = \"架空\", en = \"Fictional\" }\n";
    const ORG: &str = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
                       HD,,親,Parent,group,JP,,,\n";

    /// Somebody who is signed in with a good password; the time of a refusal is told by how often a password is computed, since
    /// all else takes no time beside it.
    #[tokio::test]
    async fn whoever_is_refused_is_refused_after_the_same_work() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for (name, text) in [("keiki.toml", SETTINGS), ("org.csv", ORG)] {
            std::fs::write(folder.path().join(name), text).expect("it can be written");
        }
        let workspace = crate::config::Workspace::load(folder.path()).expect("it is sound");
        let registry = Registry::open(&workspace).await.expect("it opens");
        let by = Actor {
            name: "tests".to_owned(),
            address: "192.0.2.1".to_owned(),
            now: 1_000_000_000_000_000,
        };
        let add = async |name: &str| {
            let new = super::super::NewAccount {
                name: name.to_owned(),
                shown_name: String::new(),
                grants: Vec::new(),
            };
            registry.add(&new, &by).await.expect("it is added")
        };
        let good = "correct horse battery";
        for name in ["known", "disabled", "locked"] {
            let token = add(name).await;
            let chosen = super::super::Chosen {
                name: "",
                password: good,
                root: "HD",
            };
            registry
                .accept(&token, &chosen, &by)
                .await
                .expect("it is taken");
        }
        add("without").await;
        let standing = AccountStanding::Disabled;
        let done = registry.set_standing("disabled", standing, &by).await;
        done.expect("it is disabled");
        for _ in 0..FAILURES_FREE {
            registry
                .note_failure("locked", by.now)
                .await
                .expect("it is noted");
        }
        for (name, password) in [
            ("known", "wrong horse battery"),
            ("unknown", "wrong horse battery"),
            ("without", "wrong horse battery"),
            ("disabled", good),
            ("locked", good),
        ] {
            let shown = Shown {
                name,
                password,
                code: "",
            };
            let work = async {
                let came = registry.sign_in(&shown, "", &by).await;
                assert_eq!(came.expect("it can be tried"), None, "{name}");
            };
            assert_eq!(password::counted::within(work).await, 1, "{name}");
        }
        // From one address, whatever the names, the right password comes too late at last, after the same work.
        for at in 0..ADDRESS_FAILURES_MOST {
            let address = of_address(&by.address, by.now);
            registry
                .note_failure(&address, by.now + at)
                .await
                .expect("it is noted");
        }
        let shown = Shown {
            name: "known",
            password: good,
            code: "",
        };
        let work = async {
            let came = registry.sign_in(&shown, "", &by).await;
            assert_eq!(came.expect("it can be tried"), None);
        };
        assert_eq!(password::counted::within(work).await, 1);
        let elsewhere = Actor {
            address: "192.0.2.2".to_owned(),
            ..by
        };
        let came = registry.sign_in(&shown, "", &elsewhere).await;
        assert!(came.expect("it can be tried").is_some());
    }
}
