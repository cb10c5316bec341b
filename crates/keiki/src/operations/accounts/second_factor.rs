//! The second factor of an account: codes of a program that share a secret with the server and the time, and recovery codes for who
//! lost it. *Source*: RFC 6238; decision 0065.

use keiki_model::text::Text;
use keiki_store::Account;
use rand::Rng;
use totp_rs::{Algorithm, Builder, Secret, Totp};

use super::{Actor, Registry, sha256};
use crate::error::{Error, Result};

/// How many recovery codes there are.
const CODES: usize = 10;
/// For how long a code holds. *Units*: seconds.
const STEP_SECONDS: u64 = 30;
/// How many steps before and after are let pass, for clocks that are not the same.
const SKEW: u16 = 1;
/// How many digits a code has.
const DIGITS: u8 = 6;

/// How the second factor of an account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Factor {
    /// There is none.
    None,
    /// It has begun: this is to be given to a program, which then shows a code.
    Begun {
        /// The secret, in base 32.
        secret: String,
        /// The same as an address that programs open.
        url: String,
    },
    /// It counts, and so many recovery codes are left.
    Held(i64),
}

impl Registry {
    /// How the second factor of an account stands.
    ///
    /// # Errors
    /// There is no such account.
    pub async fn factor(&self, name: &str) -> Result<Factor> {
        let account = self.named(name).await?;
        let Some(kept) = self.factors.find(&account.id).await? else {
            return Ok(Factor::None);
        };
        if kept.last_step.is_some() {
            return Ok(Factor::Held(kept.codes));
        }
        let totp = totp(&kept.secret, &account.name)?;
        Ok(Factor::Begun {
            url: totp
                .to_url()
                .map_err(|error| Error::stopped(Text::quoted(error)))?,
            secret: kept.secret,
        })
    }

    /// Begins a second factor: it counts once its owner has shown a code.
    ///
    /// # Errors
    /// There is one already.
    pub async fn begin_factor(&self, name: &str) -> Result<()> {
        let account = self.named(name).await?;
        let bytes: [u8; 20] = rand::rng().random();
        let secret = Secret::new_stack(bytes).to_base32();
        if self.factors.begin(&account.id, &secret).await? {
            return Ok(());
        }
        Err(Error::user(
            Text::new(
                "二要素認証はすでに有効です",
                "there is a second factor already",
            ),
            Text::new("先に解除してください", "take it away first"),
        ))
    }

    /// Makes the second factor count. Returns the recovery codes, which nobody can tell again.
    ///
    /// # Errors
    /// The code is wrong, or nothing has begun.
    pub async fn confirm_factor(&self, name: &str, code: &str, by: &Actor) -> Result<Vec<String>> {
        let account = self.named(name).await?;
        let kept = self.factors.find(&account.id).await?;
        let kept = kept.filter(|kept| kept.last_step.is_none());
        let kept = kept.ok_or_else(wrong_code)?;
        let step = step(&totp(&kept.secret, &account.name)?, code, by.now);
        let step = step.ok_or_else(wrong_code)?;
        let codes: Vec<String> = (0..CODES).map(|_| recovery_code()).collect();
        let hashes: Vec<String> = codes.iter().map(|code| sha256(&plain(code))).collect();
        if !self.factors.confirm(&account.id, step, &hashes).await? {
            return Err(wrong_code());
        }
        self.note(by, "second_factor_set", &account.name, "")
            .await?;
        Ok(codes)
    }

    /// Takes the second factor of an account away, where a code of it is shown.
    ///
    /// # Errors
    /// The code is wrong, or too many were: then the right one is refused as well, as where one signs in.
    pub async fn give_up_factor(&self, name: &str, code: &str, by: &Actor) -> Result<()> {
        let account = self.named(name).await?;
        if self.is_locked(&account.name, by.now).await? {
            return Err(wrong_code());
        }
        // Noted before it is looked at, so that many at once are no more than many.
        self.note_failure(&account.name, by.now).await?;
        if !self.factor_fits(&account, code, by.now).await? {
            self.note(by, "second_factor_refused", &account.name, "")
                .await?;
            return Err(wrong_code());
        }
        self.remove_factor(name, by).await
    }

    /// Takes the second factor of an account away, for whoever lost it and the recovery codes.
    ///
    /// # Errors
    /// There is no such account.
    pub async fn remove_factor(&self, name: &str, by: &Actor) -> Result<()> {
        let account = self.named(name).await?;
        self.factors.remove(&account.id).await?;
        self.accounts.clear_failures(&account.name).await?;
        self.note(by, "second_factor_remove", &account.name, "")
            .await
    }

    /// Whether a code is that of an account's second factor; every code fits where it has none. A code fits once.
    ///
    /// # Errors
    /// The database cannot be used.
    pub(super) async fn factor_fits(
        &self,
        account: &Account,
        code: &str,
        now: i64,
    ) -> Result<bool> {
        let kept = self.factors.find(&account.id).await?;
        let Some(kept) = kept.filter(|kept| kept.last_step.is_some()) else {
            return Ok(true);
        };
        if let Some(step) = step(&totp(&kept.secret, &account.name)?, code, now) {
            return Ok(self.factors.take_step(&account.id, step).await?);
        }
        let code = sha256(&plain(code));
        Ok(self.factors.take_code(&account.id, &code).await?)
    }
}

fn totp(secret: &str, account: &str) -> Result<Totp> {
    let secret = Secret::try_from_base32(secret);
    let secret = secret.map_err(|error| Error::stopped(Text::quoted(error)))?;
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_step_duration(STEP_SECONDS)
        .with_skew(SKEW)
        .with_secret(secret)
        .with_account_name(account)
        .with_issuer(Some("Keiki"))
        .build();
    totp.map_err(|error| Error::stopped(Text::quoted(error)))
}

/// The step of time whose code it is.
fn step(totp: &Totp, code: &str, now: i64) -> Option<i64> {
    let seconds = u64::try_from(now / 1_000_000).ok()?;
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let is_code = code.len() == usize::from(DIGITS) && code.bytes().all(|c| c.is_ascii_digit());
    let step = is_code.then(|| totp.check(&code, seconds)).flatten()?;
    i64::try_from(step).ok()
}

/// A code that nobody can guess: 64 random bits.
fn recovery_code() -> String {
    let parts: [u16; 4] = rand::rng().random();
    let parts = parts.map(|part| format!("{part:04x}"));
    parts.join("-")
}

/// A recovery code as it is compared.
fn plain(code: &str) -> String {
    let code = code.chars().filter(char::is_ascii_alphanumeric);
    code.collect::<String>().to_lowercase()
}

fn wrong_code() -> Error {
    Error::user(
        Text::new("コードが違います", "the code is wrong"),
        Text::new(
            "アプリに表示されている6桁のコードを入力してください。一度使ったコードは使えません",
            "type the six digits that the program shows; one that was used does not hold",
        ),
    )
}
