//! Files that somebody has sent and not confirmed yet.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use keiki_ingest::place::last_part;
use keiki_model::calendar::Day;
use tempfile::TempDir;

use crate::operations::accounts::new_token;
use crate::operations::ingest::SentInto;

/// How many files wait for a confirmation at most, and for how long. *Units*: microseconds.
const WAITING_MOST: usize = 64;
const WAITING_MICROS: i64 = 3_600_000_000;
/// The longest name of a file that is kept. *Units*: characters.
const NAME_LENGTH_MOST: usize = 100;

/// A file that waits for a confirmation.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The folder in which it lies.
    pub(super) folder: TempDir,
    /// Its name there.
    pub(super) name: String,
    /// Whose it is.
    pub(super) account: String,
    /// Since when, UTC microseconds.
    pub(super) since: i64,
    /// What it is read as.
    pub(super) into: SentInto,
    /// The org units that it covers.
    pub(super) covers: Vec<String>,
    /// The day for which it speaks.
    pub(super) as_of: Day,
}

/// A file's name without what could lead out of its folder or into a terminal.
pub(super) fn plain_name(name: &str) -> String {
    let last = last_part(name);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '(' | ')');
    let plain: String = last
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let plain = plain.trim().trim_start_matches('.');
    let length = plain.chars().count();
    // What the name ends with says what it is.
    let plain: String = plain
        .chars()
        .skip(length.saturating_sub(NAME_LENGTH_MOST))
        .collect();
    if plain.is_empty() {
        "file".to_owned()
    } else {
        plain
    }
}

/// The files that wait for a confirmation.
#[derive(Debug, Default)]
pub(super) struct WaitingRoom {
    files: Mutex<HashMap<String, Waiting>>,
}

impl WaitingRoom {
    pub(super) fn add(&self, waiting: Waiting, now: i64) -> String {
        let token = new_token();
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|_, one| now - one.since < WAITING_MICROS);
        while files.len() >= WAITING_MOST {
            let oldest = files.iter().min_by_key(|(_, one)| one.since);
            let Some(oldest) = oldest.map(|(token, _)| token.clone()) else {
                break;
            };
            files.remove(&oldest);
        }
        files.insert(token.clone(), waiting);
        token
    }

    /// A file that waits, if it is of an account.
    pub(super) fn take(&self, token: &str, account: &str) -> Option<Waiting> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let is_own = files.get(token).is_some_and(|one| one.account == account);
        if is_own { files.remove(token) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere() {
        assert_eq!(plain_name("../../etc/passwd"), "passwd");
        assert_eq!(plain_name("..\\..\\boot.ini"), "boot.ini");
        assert_eq!(plain_name("資産 一覧(9月).xlsx"), "資産 一覧(9月).xlsx");
        assert_eq!(plain_name("a\u{1b}[31m\r\nb.csv"), "a__31m__b.csv");
        assert_eq!(plain_name(".."), "file");
        assert_eq!(plain_name(&"x".repeat(300)).len(), NAME_LENGTH_MOST);
    }
}
