//! Files that somebody has sent and not confirmed yet, with what was found in each. *Source*: decision 0082.

use std::path::{Path, PathBuf};

use keiki_ingest::place::last_part;
use keiki_model::text::{Language, Text, hexadecimal};
use keiki_store::{Database, DeskFolder, InUse, WaitingFile, WaitingFiles};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::submitting::Preview;
use crate::error::{Error, Result};

/// How long a file waits. *Units*: hours.
pub const WAITING_HOURS: i64 = 24;
/// The same. *Units*: microseconds.
const WAITING_MICROS: i64 = WAITING_HOURS * 3_600_000_000;
/// How many files of one sender wait at most: an older one makes room.
const OWN_MOST: usize = 8;
/// How much waits altogether. *Units*: bytes.
const BYTES_MOST: i64 = 4 << 30;
/// The longest name of a file that is kept. *Units*: characters.
const NAME_LENGTH_MOST: usize = 100;

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

/// What was found in a file, in the language of who sent it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Found {
    language: String,
    preview: Preview,
}

/// A file that is looked at, in a folder that goes with it.
#[derive(Debug)]
pub(super) struct LookedAt {
    /// What is known of it.
    pub(super) file: WaitingFile,
    /// Where it lies, as it was sent.
    pub(super) path: PathBuf,
    _folder: DeskFolder,
}

/// A file that was taken: nobody else takes it as long as the value is there.
#[derive(Debug)]
pub(super) struct TakenFile {
    /// The file.
    pub(super) looked_at: LookedAt,
    _in_use: InUse,
}

/// The files that wait for a confirmation.
#[derive(Debug)]
pub(super) struct WaitingRoom {
    files: WaitingFiles,
}

impl WaitingRoom {
    /// Opens it, and takes away what a program that was killed has left and what has waited too long.
    pub(super) async fn open(database: &Database, now: i64) -> Result<Self> {
        let files = WaitingFiles::open(database).await?;
        files.sweep().await?;
        files.expire(now - WAITING_MICROS).await?;
        Ok(Self { files })
    }

    /// A folder for a file as it comes.
    pub(super) fn folder(&self) -> Result<DeskFolder> {
        Ok(self.files.desk_folder()?)
    }

    /// Keeps a file with what was found in it. Returns by what it is taken.
    pub(super) async fn add(
        &self,
        file: WaitingFile,
        path: &Path,
        preview: &Preview,
        language: Language,
    ) -> Result<String> {
        let now = file.since;
        self.files.expire(now - WAITING_MICROS).await?;
        self.files.sweep().await?;
        let own = self.files.of_owner(&file.owner).await?;
        for one in own.iter().skip(OWN_MOST - 1) {
            self.files.remove(&one.id).await?;
        }
        if self.files.bytes().await? + file.bytes > BYTES_MOST {
            return Err(Error::user(
                Text::new(
                    "確認待ちのファイルが多すぎるため、受け付けられません",
                    "too much waits for a confirmation",
                ),
                Text::new(
                    "しばらくしてからもう一度送るか、管理者に連絡してください",
                    "send it again in a while, or tell an administrator",
                ),
            ));
        }
        let bytes: [u8; 16] = rand::rng().random();
        let id = hexadecimal(&bytes);
        let file = WaitingFile {
            id: id.clone(),
            ..file
        };
        let preview = Preview {
            token: id.clone(),
            ..preview.clone()
        };
        self.files
            .keep(&file, path, &written(&preview, language)?)
            .await?;
        Ok(id)
    }

    /// Keeps what was found in a file now, in the place of what was found before.
    pub(super) async fn renew(&self, preview: &Preview, language: Language) -> Result<()> {
        let found = written(preview, language)?;
        Ok(self.files.renew(&preview.token, &found).await?)
    }

    /// The version of what was found last in a file of somebody.
    pub(super) async fn version(&self, (id, owner): (&str, &str)) -> Result<String> {
        let found = self.files.found(id, owner).await?.ok_or(Error::Absent)?;
        let found: Found = serde_json::from_slice(&found).map_err(Error::stopped)?;
        Ok(found.preview.version)
    }

    /// The files of somebody that wait, the latest first.
    pub(super) async fn of(&self, owner: &str, now: i64) -> Result<Vec<WaitingFile>> {
        let mut all = self.files.of_owner(owner).await?;
        all.retain(|one| now - one.since < WAITING_MICROS);
        Ok(all)
    }

    /// What was found in a file of somebody, where it was told in a language.
    pub(super) async fn found(
        &self,
        (id, owner): (&str, &str),
        language: Language,
    ) -> Result<Option<Preview>> {
        let Some(found) = self.files.found(id, owner).await? else {
            return Err(Error::Absent);
        };
        let found: Found = serde_json::from_slice(&found).map_err(Error::stopped)?;
        Ok((found.language == tag(language)).then_some(found.preview))
    }

    /// Takes a file of somebody; of two at the same time, one does.
    pub(super) async fn take(&self, own: (&str, &str), now: i64) -> Result<TakenFile> {
        self.files.expire(now - WAITING_MICROS).await?;
        let folder = self.folder()?;
        let taken = self.files.take(own, folder.path()).await?;
        let (file, path, in_use) = taken.ok_or(Error::Absent)?;
        Ok(TakenFile {
            looked_at: LookedAt {
                file,
                path,
                _folder: folder,
            },
            _in_use: in_use,
        })
    }

    /// A file of somebody to be looked at: it goes on waiting, whatever becomes of whoever looks.
    pub(super) async fn look(&self, own: (&str, &str), now: i64) -> Result<LookedAt> {
        self.files.expire(now - WAITING_MICROS).await?;
        let folder = self.folder()?;
        let copied = self.files.copy(own, folder.path()).await?;
        let (file, path) = copied.ok_or(Error::Absent)?;
        Ok(LookedAt {
            file,
            path,
            _folder: folder,
        })
    }

    /// Whether a file of somebody waits.
    pub(super) async fn is_there(&self, own: (&str, &str)) -> Result<bool> {
        Ok(self.files.is_there(own).await?)
    }

    /// Takes a file away.
    pub(super) async fn remove(&self, id: &str) -> Result<()> {
        Ok(self.files.remove(id).await?)
    }
}

fn written(preview: &Preview, language: Language) -> Result<Vec<u8>> {
    let found = Found {
        language: tag(language).to_owned(),
        preview: preview.clone(),
    };
    serde_json::to_vec(&found).map_err(Error::stopped)
}

fn tag(language: Language) -> &'static str {
    match language {
        Language::Ja => "ja",
        Language::En => "en",
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn file(owner: &str, since: i64, bytes: i64) -> WaitingFile {
        WaitingFile {
            id: String::new(),
            owner: owner.to_owned(),
            name: "assets.csv".to_owned(),
            into: "dataset:assets".to_owned(),
            covers: Vec::new(),
            as_of: 20_000,
            since,
            bytes,
        }
    }

    /// A waiting room in a folder, with what was found in every file of it, and the file.
    async fn room(folder: &TempDir) -> (WaitingRoom, Preview, PathBuf) {
        let path = folder.path().join("assets.csv");
        std::fs::write(&path, "a,b\n").expect("it can be written");
        let database = Database::file(&folder.path().join("keiki.db"));
        let room = WaitingRoom::open(&database, 0).await;
        let preview = Preview {
            token: String::new(),
            version: "1".to_owned(),
            file: "assets.csv".to_owned(),
            into: String::new(),
            as_of: String::new(),
            accepted: 1,
            rejected: 0,
            parts: Vec::new(),
            unassigned: Vec::new(),
            effects: None,
        };
        (room.expect("it opens"), preview, path)
    }

    #[tokio::test]
    async fn of_one_sender_eight_files_wait_and_the_oldest_makes_room() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (room, preview, path) = room(&folder).await;
        let add = async |owner: &str, since: i64| {
            let added = room.add(file(owner, since, 4), &path, &preview, Language::En);
            added.await.expect("it is taken")
        };
        let others = add("two", 0).await;
        let mut own = Vec::new();
        for since in 1..=9 {
            own.push(add("one", since).await);
        }
        let waiting = room.of("one", 10).await.expect("they are read");
        let waiting: Vec<&String> = waiting.iter().map(|one| &one.id).collect();
        let expected: Vec<&String> = own[1..].iter().rev().collect();
        assert_eq!(waiting, expected);
        let of_two = room.of("two", 10).await.expect("they are read");
        assert_eq!(of_two[0].id, others);
        let gone = room.found((&own[0], "one"), Language::En).await;
        assert!(matches!(gone, Err(Error::Absent)));
    }

    #[tokio::test]
    async fn what_waits_altogether_has_a_limit_until_some_of_it_goes() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (room, preview, path) = room(&folder).await;
        let add = async |owner: &str, since: i64, bytes: i64| {
            let file = file(owner, since, bytes);
            room.add(file, &path, &preview, Language::En).await
        };
        let half = add("one", 1, BYTES_MOST / 2).await.expect("there is room");
        add("two", 2, BYTES_MOST / 2).await.expect("there is room");
        let refused = add("three", 3, 1).await.expect_err("it is full");
        assert_eq!(refused.kind(), crate::error::Kind::User);
        assert!(refused.message().en.contains("too much waits"));
        assert_eq!(room.of("three", 3).await.expect("they are read"), []);
        room.remove(&half).await.expect("it goes");
        add("three", 4, 1).await.expect("there is room again");
        // What has waited for a day makes room by itself.
        let later = 2 + WAITING_MICROS + 1;
        add("four", later, BYTES_MOST - 8)
            .await
            .expect("there is room again");
    }

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
