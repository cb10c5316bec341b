//! Passwords: which are too easy to guess, and how they are kept.
//!
//! *Source*: NIST SP 800-63B-4, section 3.1.1: length and a list of common ones, no rules of composition; RFC 9106 for argon2id,
//! with the parameters of the library's default (19 MiB, two passes), which are OWASP's.

use argon2::password_hash::PasswordVerifier;
use argon2::{Argon2, PasswordHasher};
use keiki_model::text::Text;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// The shortest password. *Units*: characters.
const LENGTH_LEAST: usize = 12;
/// The longest. *Units*: bytes.
const LENGTH_MOST: usize = 256;
/// The fewest different characters.
const DIFFERENT_LEAST: usize = 5;

/// How many passwords are computed at the same time: each takes 19 MiB and a core.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What stands in the place of a hash where there is no account, so that looking for one takes as long: of a password that nobody knows.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$DeHAF4aD8mPu8SmSfKgKRA$iZDqTGAV7wlJjS3M/PXOFbrd5fk5vv90RZRLw+9yC2M";

/// What is in too many lists of stolen passwords, or begins so; compared without case.
const COMMON: [&str; 28] = [
    "password",
    "passw0rd",
    "p@ssw0rd",
    "123456789",
    "1234567890",
    "qwertyuiop",
    "qwerty123",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "zaq12wsx",
    "asdfghjkl",
    "zxcvbnm",
    "abc123",
    "abcdefgh",
    "letmein",
    "iloveyou",
    "welcome",
    "administrator",
    "changeme",
    "default",
    "secret",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "trustno1",
    "superman",
    "keiki",
];

/// What may stand around a common password without making it less so.
const AROUND: &[char] = &[
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '!', '?', '.', '-', '_', '#', '$', '@',
];

/// Refuses a password that is easy to guess.
///
/// # Errors
/// It is.
pub(super) fn check(password: &str, name: &str) -> Result<()> {
    let lower = password.to_lowercase();
    let core = lower.trim_matches(AROUND);
    let different: std::collections::BTreeSet<char> = password.chars().collect();
    let is_common = COMMON
        .iter()
        .any(|one| core == *one || lower == *one || core == format!("{one}{one}"));
    let is_of_name = name.len() > 3 && lower.contains(name);
    let why = if password.chars().count() < LENGTH_LEAST {
        Text::new(
            format!("パスワードが短すぎます({LENGTH_LEAST}文字以上)"),
            format!("the password is too short: {LENGTH_LEAST} characters at least"),
        )
    } else if password.len() > LENGTH_MOST {
        Text::new(
            format!("パスワードが長すぎます({LENGTH_MOST}バイトまで)"),
            format!("the password is too long: {LENGTH_MOST} bytes at most"),
        )
    } else if is_common || is_of_name || different.len() < DIFFERENT_LEAST {
        Text::new(
            "推測されやすいパスワードです",
            "the password is easy to guess",
        )
    } else {
        return Ok(());
    };
    Err(Error::user(
        why,
        Text::new(
            "無関係な語を四つほど並べると、覚えやすく推測されにくくなります",
            "four words that have nothing to do with each other are easy to keep and hard to guess",
        ),
    ))
}

/// A password as it is kept.
///
/// # Errors
/// The computer has no random numbers.
pub(super) async fn hash(password: &str) -> Result<String> {
    let password = password.to_owned();
    let _turn = AT_ONCE.acquire().await.map_err(Error::stopped)?;
    let hashed = tokio::task::spawn_blocking(move || {
        Argon2::default()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
    });
    hashed
        .await
        .map_err(Error::stopped)?
        .map_err(Error::stopped)
}

/// Whether a password is the one that is kept. Without one it takes as long and is never so.
pub(super) async fn fits(password: &str, kept: Option<&str>) -> Result<bool> {
    let is_known = kept.is_some();
    let password = password.to_owned();
    let kept = kept.unwrap_or(NOBODY).to_owned();
    let _turn = AT_ONCE.acquire().await.map_err(Error::stopped)?;
    #[cfg(test)]
    counted::add();
    let fits = tokio::task::spawn_blocking(move || {
        password.len() <= LENGTH_MOST
            && Argon2::default()
                .verify_password(password.as_bytes(), kept.as_str())
                .is_ok()
    });
    Ok(fits.await.map_err(Error::stopped)? && is_known)
}

/// How often a password was computed within a test, whatever other tests do meanwhile.
#[cfg(test)]
pub(super) mod counted {
    use std::cell::Cell;

    tokio::task_local! {
        static COUNT: Cell<u32>;
    }

    pub(super) fn add() {
        // Outside of such a test nobody counts.
        COUNT
            .try_with(|count| count.set(count.get() + 1))
            .unwrap_or_default();
    }

    pub(in crate::operations::accounts) async fn within(work: impl Future) -> u32 {
        let counting = async {
            work.await;
            COUNT.with(Cell::get)
        };
        COUNT.scope(Cell::new(0), counting).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        for password in [
            "short",
            "password12345",
            "Password!!!!!",
            "aaaaaaaaaaaaaa",
            "suzuki.hanako.2026",
            "passwordpassword",
        ] {
            assert!(check(password, "suzuki").is_err(), "{password}");
        }
        assert!(check("correct horse battery", "suzuki").is_ok());
        assert!(check("合鍵を窓辺の花瓶に三つ置く夜", "suzuki").is_ok());
    }

    #[tokio::test]
    async fn a_password_fits_its_hash_and_nobodys_fits_none() {
        let kept = hash("correct horse battery").await.expect("it is computed");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(
            fits("correct horse battery", Some(&kept))
                .await
                .expect("it is compared")
        );
        assert!(
            !fits("correct horse batterz", Some(&kept))
                .await
                .expect("it is compared")
        );
        assert!(
            !fits("correct horse battery", None)
                .await
                .expect("it is compared")
        );
    }

    #[test]
    fn the_hash_of_nobody_costs_what_a_real_one_costs() {
        let nobody = argon2::password_hash::phc::PasswordHash::new(NOBODY).expect("it is a hash");
        assert_eq!(nobody.algorithm.as_str(), "argon2id");
    }
}
