//! Accounts: who they are, how somebody signs in, and the links by which a password is set.

mod api_tokens;
mod identified;
mod password;
mod second_factor;
mod sign_in;

use keiki_model::access::{Grant, Role};
use keiki_model::text::{Text, hexadecimal};
use keiki_store::{
    Account, AccountStanding, Accounts, Answers, ApiTokens, AuditEvent, AuditLog, LinkFor,
    SecondFactors, Sessions, Subjects,
};
use rand::Rng;
use sha2::{Digest, Sha256};

use crate::config::{Passwords, Workspace, suggestion};
use crate::error::{Error, Result};

pub use api_tokens::{NewApiToken, TOKEN_DAYS, TOKEN_DAYS_MOST};
pub use identified::Admitted;
pub use second_factor::Factor;
pub use sign_in::{Recognised, SESSION_HOURS, Shown, SignedIn, session_id};

/// How long a link that sets a password holds. *Units*: hours.
const LINK_HOURS: i64 = 72;
/// How long the link of the first administrator holds. *Units*: hours.
const FIRST_LINK_HOURS: i64 = 24;
/// The longest name. *Units*: characters.
const NAME_LENGTH_MOST: usize = 64;

/// The longest address of mail. *Units*: bytes. *Source*: RFC 5321, 4.5.3.1.3.
const MAIL_LENGTH_MOST: usize = 254;

pub(super) const HOUR_MICROS: i64 = 3_600_000_000;

/// The accounts, who is signed in, and who did what.
#[derive(Debug, Clone)]
pub struct Registry {
    accounts: Accounts,
    sessions: Sessions,
    api_tokens: ApiTokens,
    answers: Answers,
    factors: SecondFactors,
    subjects: Subjects,
    passwords: Passwords,
    log: AuditLog,
}

/// Who does something to accounts: a person, when, and from where.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The name with which they sign in, or of the user of the command line.
    pub name: String,
    /// The address of the computer; empty for the command line.
    pub address: String,
    /// When, UTC microseconds.
    pub now: i64,
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The name with which somebody signs in.
    pub name: String,
    /// The name that others read.
    pub shown_name: String,
    /// Its roles.
    pub grants: Vec<Grant>,
}

impl Registry {
    /// Opens it.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(workspace: &Workspace) -> Result<Self> {
        let database = workspace.database()?;
        Ok(Self {
            accounts: Accounts::open(&database).await?,
            sessions: Sessions::open(&database).await?,
            api_tokens: ApiTokens::open(&database).await?,
            answers: Answers::open(&database).await?,
            factors: SecondFactors::open(&database).await?,
            subjects: Subjects::open(&database).await?,
            passwords: workspace.settings.sign_in.passwords,
            log: AuditLog::open(&database).await?,
        })
    }

    /// Who may sign in with a password.
    #[must_use]
    pub fn passwords(&self) -> Passwords {
        self.passwords
    }

    /// Makes an account. Returns the token of the link by which its owner sets a password.
    ///
    /// # Errors
    /// The name is taken or cannot be one.
    pub async fn add(&self, new: &NewAccount, by: &Actor) -> Result<String> {
        let name = checked_name(&new.name)?;
        let shown = match new.shown_name.trim() {
            "" => name.clone(),
            shown => shown.to_owned(),
        };
        let id = self
            .accounts
            .add(&name, &shown, &new.grants, by.now)
            .await?;
        let Some(id) = id else {
            return Err(taken(&name));
        };
        self.note(by, "account_add", &name, &told(&new.grants))
            .await?;
        self.link(&LinkFor::Account(id), LINK_HOURS, by.now).await
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all(&self) -> Result<Vec<Account>> {
        Ok(self.accounts.all().await?)
    }

    /// An account by name.
    ///
    /// # Errors
    /// There is none of that name.
    pub async fn named(&self, name: &str) -> Result<Account> {
        if let Some(account) = self.accounts.named(&folded(name)).await? {
            return Ok(account);
        }
        let all = self.accounts.all().await?;
        Err(Error::user(
            Text::new(
                format!("利用者がありません: {name}"),
                format!("unknown user: {name}"),
            ),
            suggestion(name, all.iter().map(|one| one.name.as_str())),
        ))
    }

    /// Sets the address of mail at which an account's owner is told; an empty one takes it away.
    ///
    /// # Errors
    /// There is no such account, or that is no address.
    pub async fn set_mail(&self, name: &str, address: &str, by: &Actor) -> Result<()> {
        let account = self.named(name).await?;
        let address = Some(address.trim()).filter(|address| !address.is_empty());
        let is_one = |address: &str| {
            address.len() <= MAIL_LENGTH_MOST && address.parse::<lettre::Address>().is_ok()
        };
        if let Some(wrong) = address.filter(|address| !is_one(address)) {
            return Err(Error::user(
                Text::new(
                    format!("メールアドレスではありません: {wrong}"),
                    format!("not an address of mail: {wrong}"),
                ),
                Text::new(
                    "sato@example.jp のように指定してください",
                    "write it as sato@example.jp",
                ),
            ));
        }
        self.accounts.set_mail(&account.id, address).await?;
        let detail = address.unwrap_or_default();
        self.note(by, "account_mail", &account.name, detail).await
    }

    /// Puts roles in the place of those that an account has.
    ///
    /// # Errors
    /// There is no such account, or nobody would be left who administers.
    pub async fn set_grants(&self, name: &str, grants: &[Grant], by: &Actor) -> Result<()> {
        let account = self.named(name).await?;
        let goes_on = grants.iter().any(|of| of.role == Role::Administrator);
        if !goes_on && self.is_last_administrator(&account).await? {
            return Err(last_administrator(&account.name));
        }
        self.accounts.set_grants(&account.id, grants).await?;
        self.note(by, "account_roles", &account.name, &told(grants))
            .await
    }

    /// Lets an account sign in, or not; what it has open ends with the latter.
    ///
    /// # Errors
    /// There is no such account, or nobody would be left who administers.
    pub async fn set_standing(
        &self,
        name: &str,
        standing: AccountStanding,
        by: &Actor,
    ) -> Result<()> {
        let account = self.named(name).await?;
        if standing == AccountStanding::Disabled && self.is_last_administrator(&account).await? {
            return Err(last_administrator(&account.name));
        }
        self.accounts.set_standing(&account.id, standing).await?;
        let action = match standing {
            AccountStanding::Active => "account_enable",
            AccountStanding::Disabled => {
                self.sessions.end_all_of(&account.id).await?;
                self.api_tokens.revoke_all_of(&account.id).await?;
                "account_disable"
            }
        };
        self.note(by, action, &account.name, "").await
    }

    async fn is_last_administrator(&self, account: &Account) -> Result<bool> {
        let administers = |one: &Account| {
            one.standing == AccountStanding::Active
                && one.grants.iter().any(|of| of.role == Role::Administrator)
        };
        let all = self.accounts.all().await?;
        let mut others = all
            .iter()
            .filter(|one| one.id != account.id && administers(one));
        Ok(administers(account) && others.next().is_none())
    }

    /// Makes a link by which an account's owner sets a new password. Returns its token.
    ///
    /// # Errors
    /// There is no such account.
    pub async fn renew(&self, name: &str, by: &Actor) -> Result<String> {
        let account = self.named(name).await?;
        self.note(by, "account_link", &account.name, "").await?;
        self.link(&LinkFor::Account(account.id), LINK_HOURS, by.now)
            .await
    }

    /// Makes the link of the first administrator; `None` where there are accounts.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn first_link(&self, now: i64) -> Result<Option<String>> {
        if !self.accounts.all().await?.is_empty() {
            return Ok(None);
        }
        let token = self.link(&LinkFor::FirstAdministrator, FIRST_LINK_HOURS, now);
        token.await.map(Some)
    }

    async fn link(&self, whose: &LinkFor, hours: i64, now: i64) -> Result<String> {
        let token = new_token();
        let until = now + hours * HOUR_MICROS;
        self.accounts
            .add_link(&sha256(&token), whose, until)
            .await?;
        Ok(token)
    }

    /// Whose password a link sets; `None` where it does not hold.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn whose(&self, token: &str, now: i64) -> Result<Option<LinkFor>> {
        let found = self.accounts.link(&sha256(token), now).await?;
        // Who would be the first comes too late where there is somebody.
        if found == Some(LinkFor::FirstAdministrator) && !self.accounts.all().await?.is_empty() {
            return Ok(None);
        }
        Ok(found)
    }

    /// The name of a link's account; `None` for the first administrator's.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn name_of(&self, whose: &LinkFor) -> Result<Option<String>> {
        match whose {
            LinkFor::FirstAdministrator => Ok(None),
            LinkFor::Account(id) => Ok(self.accounts.of_id(id).await?.map(|one| one.name)),
        }
    }

    /// Sets the password that a link stands for, and ends what its account has open. For the first administrator the account is
    /// made, with `root` as its org unit.
    ///
    /// # Errors
    /// The link does not hold, the name is taken, or the password is easy to guess; the link then holds on.
    pub async fn accept(&self, token: &str, chosen: &Chosen<'_>, by: &Actor) -> Result<()> {
        let now = by.now;
        let Some(whose) = self.whose(token, now).await? else {
            return Err(dead_link());
        };
        let name = match self.name_of(&whose).await? {
            Some(name) => name,
            None => checked_name(chosen.name)?,
        };
        password::check(chosen.password, &name)?;
        let hash = password::hash(chosen.password).await?;
        if self
            .accounts
            .take_link(&sha256(token), now)
            .await?
            .is_none()
        {
            return Err(dead_link());
        }
        let id = match whose {
            LinkFor::Account(id) => id,
            LinkFor::FirstAdministrator => {
                let both = [Role::Administrator, Role::ProgrammeOffice];
                let grants = both.map(|role| Grant {
                    role,
                    org_unit: chosen.root.to_owned(),
                });
                let id = self.accounts.add(&name, &name, &grants, now).await?;
                let id = id.ok_or_else(|| taken(&name))?;
                self.note(by, "account_add", &name, &told(&grants)).await?;
                id
            }
        };
        self.accounts.set_password(&id, &hash).await?;
        self.accounts.clear_failures(&name).await?;
        self.sessions.end_all_of(&id).await?;
        self.api_tokens.revoke_all_of(&id).await?;
        self.note(by, "password_set", &name, "").await
    }

    /// Writes down that somebody did something.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn note(&self, by: &Actor, action: &str, object: &str, detail: &str) -> Result<()> {
        let event = AuditEvent {
            at: by.now,
            actor: by.name.clone(),
            action: action.to_owned(),
            object: object.to_owned(),
            detail: detail.to_owned(),
            address: by.address.clone(),
        };
        Ok(self.log.add(&event).await?)
    }

    /// What was answered to requests that may come twice.
    #[must_use]
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Who did what.
    #[must_use]
    pub fn log(&self) -> &AuditLog {
        &self.log
    }
}

/// What somebody chose who follows a link.
#[derive(Debug, Clone, Copy)]
pub struct Chosen<'c> {
    /// The name with which to sign in; taken for the first administrator only.
    pub name: &'c str,
    /// The password.
    pub password: &'c str,
    /// The org unit of the first administrator.
    pub root: &'c str,
}

/// Reads a role as the command line and the pages write it: `data_owner@JP1`, or `auditor` for the whole tree.
///
/// # Errors
/// There is no such role or org unit.
pub fn grant(workspace: &Workspace, text: &str, root: &str) -> Result<Grant> {
    let (role, unit) = text.split_once('@').unwrap_or((text, root));
    let Some(role) = Role::from_code(role) else {
        let codes = Role::ALL.into_iter().map(|(code, _)| code);
        return Err(Error::user(
            Text::new(
                format!("役割がありません: {role}"),
                format!("unknown role: {role}"),
            ),
            suggestion(role, codes),
        ));
    };
    let ids = workspace
        .organisation
        .rows()
        .iter()
        .map(|unit| unit.id.as_str());
    if !ids.clone().any(|id| id == unit) {
        return Err(Error::user(
            Text::new(
                format!("組織がありません: {unit}"),
                format!("unknown org unit: {unit}"),
            ),
            suggestion(unit, ids),
        ));
    }
    Ok(Grant {
        role,
        org_unit: unit.to_owned(),
    })
}

/// Roles as they are written down.
#[must_use]
pub fn told(grants: &[Grant]) -> String {
    let words: Vec<String> = grants
        .iter()
        .map(|grant| format!("{}@{}", grant.role.code(), grant.org_unit))
        .collect();
    words.join(" ")
}

/// A name as it is compared: `Sato` and `sato` are one.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A name that can be one: it appears in addresses, logs and on the command line.
fn checked_name(name: &str) -> Result<String> {
    let name = folded(name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
    if name.is_empty() || name.chars().count() > NAME_LENGTH_MOST || !name.chars().all(is_plain) {
        return Err(Error::user(
            Text::new(
                format!("利用者名にできません: {name}"),
                format!("not a user name: {name}"),
            ),
            Text::new(
                "英小文字、数字、. - _ @ + を64文字まで使えます",
                "up to 64 letters, digits and . - _ @ +",
            ),
        ));
    }
    Ok(name)
}

fn taken(name: &str) -> Error {
    Error::user(
        Text::new(
            format!("利用者名はすでに使われています: {name}"),
            format!("the user name is taken: {name}"),
        ),
        Text::new("別の名前を選んでください", "choose another"),
    )
}

fn last_administrator(name: &str) -> Error {
    Error::user(
        Text::new(
            format!("最後の管理者は停止できず、役割も外せません: {name}"),
            format!("the last administrator stays: {name}"),
        ),
        Text::new(
            "先に別の利用者へ管理者の役割を付けてください",
            "make somebody else an administrator first",
        ),
    )
}

fn dead_link() -> Error {
    Error::user(
        Text::new(
            "このリンクは使えません。期限が切れたか、すでに使われています",
            "this link does not hold: it is too old, or was used",
        ),
        Text::new(
            "管理者に新しいリンクを依頼してください",
            "ask an administrator for a new one",
        ),
    )
}

/// A token that nobody can guess: 256 random bits in hexadecimal.
pub(super) fn new_token() -> String {
    let bytes: [u8; 32] = rand::rng().random();
    hexadecimal(&bytes)
}

/// What is kept of a token.
pub(super) fn sha256(token: &str) -> String {
    format!("{:x}", Sha256::digest(token))
}
