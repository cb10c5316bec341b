//! Accounts, what they may do, and the links by which somebody sets a password.

use keiki_model::access::{Grant, Role};
use keiki_model::text::{Language, hexadecimal};
use rand::Rng;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::{Result, StoreError};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its identity, which never changes.
    pub id: String,
    /// The name with which somebody signs in.
    pub name: String,
    /// The name that others read.
    pub shown_name: String,
    /// The language that its owner chose.
    pub language: Option<Language>,
    /// The address of mail at which its owner is told; `None` = they are told nothing.
    pub mail: Option<String>,
    /// The password as argon2id stores it; `None` until its owner has set one.
    pub password: Option<String>,
    /// Whether it may sign in.
    pub standing: AccountStanding,
    /// When it was made, UTC microseconds.
    pub created_at: i64,
    /// Its roles, in order.
    pub grants: Vec<Grant>,
}

/// Whether an account may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStanding {
    /// It may.
    Active,
    /// It may not.
    Disabled,
}

impl AccountStanding {
    fn number(self) -> i64 {
        i64::from(self == Self::Disabled)
    }
}

/// Failed attempts to sign in under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures {
    /// How many in a row.
    pub count: i64,
    /// When the last one was, UTC microseconds.
    pub last_at: i64,
}

/// Whose password a link sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkFor {
    /// The first administrator's, whose account is yet to be made.
    FirstAdministrator,
    /// That of an account, by id.
    Account(String),
}

/// The accounts, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Accounts {
    pool: AnyPool,
}

const MAKE: [&str; 5] = [
    "CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, shown_name TEXT NOT NULL, \
     language TEXT, password TEXT, is_disabled BIGINT NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS account_grants (account_id TEXT NOT NULL, role TEXT NOT NULL, org_unit TEXT NOT NULL, \
     PRIMARY KEY (account_id, role, org_unit))",
    "CREATE TABLE IF NOT EXISTS account_links (token_sha256 TEXT PRIMARY KEY, account_id TEXT, expires_at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS account_mail (account_id TEXT PRIMARY KEY, address TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS sign_in_failures (name TEXT PRIMARY KEY, failed BIGINT NOT NULL, last_at BIGINT NOT NULL)",
];

impl Accounts {
    /// Opens the accounts in the workspace's database, making them where there are none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database.with_tables(&MAKE).await?;
        Ok(Self { pool })
    }

    /// Adds an account without a password. Returns its id; `None` where the name is taken.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(
        &self,
        name: &str,
        shown_name: &str,
        grants: &[Grant],
        now: i64,
    ) -> Result<Option<String>> {
        let id = new_id();
        let mut transaction = self.pool.begin().await?;
        let added = sqlx::query(
            "INSERT INTO accounts (id, name, shown_name, language, password, is_disabled, created_at) \
             VALUES ($1, $2, $3, NULL, NULL, 0, $4) ON CONFLICT (name) DO NOTHING",
        )
        .bind(&id)
        .bind(name)
        .bind(shown_name)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(None);
        }
        for grant in grants {
            insert_grant(&mut transaction, &id, grant).await?;
        }
        // Nobody else is the first.
        sqlx::query("DELETE FROM account_links WHERE account_id IS NULL")
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(id))
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all(&self) -> Result<Vec<Account>> {
        let query = "SELECT id, name, shown_name, language, password, is_disabled, created_at FROM accounts ORDER BY name";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        let mut accounts = Vec::with_capacity(rows.len());
        for row in &rows {
            accounts.push(self.account(row).await?);
        }
        Ok(accounts)
    }

    /// The account with which somebody signs in.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn named(&self, name: &str) -> Result<Option<Account>> {
        let query = "SELECT id, name, shown_name, language, password, is_disabled, created_at FROM accounts WHERE name = $1";
        self.one(query, name).await
    }

    /// The account of an id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn of_id(&self, id: &str) -> Result<Option<Account>> {
        let query = "SELECT id, name, shown_name, language, password, is_disabled, created_at FROM accounts WHERE id = $1";
        self.one(query, id).await
    }

    async fn one(&self, query: &'static str, value: &str) -> Result<Option<Account>> {
        let row = sqlx::query(query)
            .bind(value)
            .fetch_optional(&self.pool)
            .await?;
        match row {
            Some(row) => self.account(&row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn account(&self, row: &AnyRow) -> Result<Account> {
        let id: String = row.try_get(0)?;
        let language: Option<String> = row.try_get(3)?;
        let is_disabled: i64 = row.try_get(5)?;
        Ok(Account {
            name: row.try_get(1)?,
            shown_name: row.try_get(2)?,
            language: language.as_deref().and_then(Language::from_tag),
            password: row.try_get(4)?,
            standing: if is_disabled == 0 {
                AccountStanding::Active
            } else {
                AccountStanding::Disabled
            },
            created_at: row.try_get(6)?,
            grants: self.grants(&id).await?,
            mail: self.mail(&id).await?,
            id,
        })
    }

    async fn mail(&self, id: &str) -> Result<Option<String>> {
        let query = "SELECT address FROM account_mail WHERE account_id = $1";
        let row = sqlx::query(query)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Sets the address of mail at which an account's owner is told; `None` takes it away.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_mail(&self, id: &str, address: Option<&str>) -> Result<()> {
        let query = match address {
            Some(_) => {
                "INSERT INTO account_mail (account_id, address) VALUES ($1, $2) \
                 ON CONFLICT (account_id) DO UPDATE SET address = excluded.address"
            }
            None => "DELETE FROM account_mail WHERE account_id = $1 AND $2 IS NULL",
        };
        sqlx::query(query)
            .bind(id)
            .bind(address)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn grants(&self, id: &str) -> Result<Vec<Grant>> {
        let query = "SELECT role, org_unit FROM account_grants WHERE account_id = $1 ORDER BY role, org_unit";
        let rows = sqlx::query(query).bind(id).fetch_all(&self.pool).await?;
        let grant = |row: &AnyRow| {
            let role: String = row.try_get(0)?;
            let role = Role::from_code(&role).ok_or_else(|| {
                StoreError::damaged(
                    format!("不明な役割です: {role}"),
                    format!("an unknown role: {role}"),
                )
            })?;
            Ok(Grant {
                role,
                org_unit: row.try_get(1)?,
            })
        };
        rows.iter().map(grant).collect()
    }

    /// Puts roles in the place of those that an account has.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_grants(&self, id: &str, grants: &[Grant]) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("DELETE FROM account_grants WHERE account_id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        for grant in grants {
            insert_grant(&mut transaction, id, grant).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Sets an account's password, as argon2id stores it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_password(&self, id: &str, password: &str) -> Result<()> {
        sqlx::query("UPDATE accounts SET password = $1 WHERE id = $2")
            .bind(password)
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Lets an account sign in, or not.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_standing(&self, id: &str, standing: AccountStanding) -> Result<()> {
        sqlx::query("UPDATE accounts SET is_disabled = $1 WHERE id = $2")
            .bind(standing.number())
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Sets the language that an account's owner reads.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_language(&self, id: &str, language: Language) -> Result<()> {
        let tag = match language {
            Language::Ja => "ja",
            Language::En => "en",
        };
        sqlx::query("UPDATE accounts SET language = $1 WHERE id = $2")
            .bind(tag)
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Keeps a link that sets a password, by the hash of its token.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add_link(&self, token_sha256: &str, whose: &LinkFor, until: i64) -> Result<()> {
        let account = match whose {
            LinkFor::FirstAdministrator => None,
            LinkFor::Account(id) => Some(id.as_str()),
        };
        // An older link of the same account no longer holds.
        sqlx::query("DELETE FROM account_links WHERE account_id = $1 OR ($1 IS NULL AND account_id IS NULL)")
            .bind(account)
            .execute(&self.pool)
            .await?;
        sqlx::query(
            "INSERT INTO account_links (token_sha256, account_id, expires_at) VALUES ($1, $2, $3)",
        )
        .bind(token_sha256)
        .bind(account)
        .bind(until)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Whose password a link sets; `None` where it is unknown, used or too old.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn link(&self, token_sha256: &str, now: i64) -> Result<Option<LinkFor>> {
        let query =
            "SELECT account_id FROM account_links WHERE token_sha256 = $1 AND expires_at > $2";
        let row = sqlx::query(query)
            .bind(token_sha256)
            .bind(now)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(whose).transpose()
    }

    /// Takes a link, which cannot be used again. `None` as in `link`.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn take_link(&self, token_sha256: &str, now: i64) -> Result<Option<LinkFor>> {
        let query = "DELETE FROM account_links WHERE token_sha256 = $1 AND expires_at > $2 RETURNING account_id";
        let row = sqlx::query(query)
            .bind(token_sha256)
            .bind(now)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(whose).transpose()
    }

    /// Failed attempts to sign in under a name, whether or not there is such an account.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn failures(&self, name: &str) -> Result<Failures> {
        let query = "SELECT failed, last_at FROM sign_in_failures WHERE name = $1";
        let row = sqlx::query(query)
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        row.map_or(Ok(Failures::default()), |row| {
            Ok(Failures {
                count: row.try_get(0)?,
                last_at: row.try_get(1)?,
            })
        })
    }

    /// Notes a failed attempt, and forgets those of before an instant.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn note_failure(&self, name: &str, now: i64, forget_before: i64) -> Result<()> {
        sqlx::query("DELETE FROM sign_in_failures WHERE last_at < $1")
            .bind(forget_before)
            .execute(&self.pool)
            .await?;
        sqlx::query(
            "INSERT INTO sign_in_failures (name, failed, last_at) VALUES ($1, 1, $2) \
             ON CONFLICT (name) DO UPDATE SET failed = sign_in_failures.failed + 1, last_at = excluded.last_at",
        )
        .bind(name)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets failed attempts under a name.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn clear_failures(&self, name: &str) -> Result<()> {
        sqlx::query("DELETE FROM sign_in_failures WHERE name = $1")
            .bind(name)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

async fn insert_grant(
    transaction: &mut sqlx::AnyConnection,
    id: &str,
    grant: &Grant,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO account_grants (account_id, role, org_unit) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(grant.role.code())
    .bind(&grant.org_unit)
    .execute(transaction)
    .await?;
    Ok(())
}

fn whose(row: &AnyRow) -> Result<LinkFor> {
    let account: Option<String> = row.try_get(0)?;
    Ok(account.map_or(LinkFor::FirstAdministrator, LinkFor::Account))
}

fn new_id() -> String {
    let bytes: [u8; 12] = rand::rng().random();
    hexadecimal(&bytes)
}
