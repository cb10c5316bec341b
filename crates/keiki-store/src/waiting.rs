//! Files that were sent and not confirmed yet: encrypted on disk, so that neither a reload nor a restart loses them, and nobody reads them
//! there.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use keiki_model::text::hexadecimal;
use rand::RngCore;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::{Result, StoreError, on_file};
use crate::in_use::{self, InUse, Unused};
use crate::raw::{decrypt_file, encrypt_file};

/// A file that waits for a confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingFile {
    /// Its identity.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// What it is read as.
    pub into: String,
    /// The org units that it covers.
    pub covers: Vec<String>,
    /// The day for which it speaks, in days since 1970.
    pub as_of: i32,
    /// Since when, UTC microseconds.
    pub since: i64,
    /// How large it is. *Units*: bytes.
    pub bytes: i64,
}

/// The files, in a folder beside the workspace's database, with what is known of them in it.
#[derive(Debug, Clone)]
pub struct WaitingFiles {
    pool: AnyPool,
    folder: PathBuf,
}

const COLUMNS: &str = "id, owner, name, into_what, covers, as_of, since, bytes";
/// Between the org units of one file; no id has it.
const SEPARATOR: char = '\n';
/// With what the name of a file ends that holds what was found in another.
const FINDINGS: &str = "found";

impl WaitingFiles {
    /// Opens the files, making folder and table where there are none.
    ///
    /// # Errors
    /// The database or the folder cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database
            .with_tables(&[
            "CREATE TABLE IF NOT EXISTS waiting_files (id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, \
             into_what TEXT NOT NULL, covers TEXT NOT NULL, as_of BIGINT NOT NULL, since BIGINT NOT NULL, bytes BIGINT NOT NULL, \
             file_key TEXT NOT NULL)",
            ])
            .await?;
        let folder = database.waiting_folder();
        std::fs::create_dir_all(&folder).map_err(on_file(&folder))?;
        Ok(Self { pool, folder })
    }

    /// A folder for a file as it comes, and while it is read.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn desk_folder(&self) -> Result<DeskFolder> {
        let mut random = [0; 16];
        rand::rng().fill_bytes(&mut random);
        let name = format!("open-{}", hexadecimal(&random));
        let in_use = InUse::new(&self.folder, &name)?;
        let path = self.folder.join(name);
        std::fs::create_dir(&path).map_err(on_file(&path))?;
        Ok(DeskFolder {
            path,
            _in_use: in_use,
        })
    }

    /// Keeps a file with what was found in it.
    ///
    /// # Errors
    /// The disk or the database cannot be written.
    pub async fn keep(&self, file: &WaitingFile, plain: &Path, found: &[u8]) -> Result<()> {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        let _in_use = InUse::new(&self.folder, &file.id)?.for_others();
        let (place, findings) = self.places(&file.id);
        let plain = plain.to_owned();
        let found = found.to_vec();
        let folder = self.folder.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut source = std::fs::File::open(&plain).map_err(on_file(&plain))?;
            written(&mut source, &place, &key)?;
            written(&mut found.as_slice(), &findings, &key)?;
            sync(&folder)
        });
        task.await.map_err(|error| stopped(&error))??;
        sqlx::query(
            "INSERT INTO waiting_files (id, owner, name, into_what, covers, as_of, since, bytes, file_key) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&file.id)
        .bind(&file.owner)
        .bind(&file.name)
        .bind(&file.into)
        .bind(file.covers.join(&SEPARATOR.to_string()))
        .bind(i64::from(file.as_of))
        .bind(file.since)
        .bind(file.bytes)
        .bind(hexadecimal(&key))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The files of somebody that wait, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn of_owner(&self, owner: &str) -> Result<Vec<WaitingFile>> {
        let query =
            format!("SELECT {COLUMNS} FROM waiting_files WHERE owner = $1 ORDER BY since DESC, id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(owner)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(waiting_file).collect()
    }

    /// How much waits altogether. *Units*: bytes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn bytes(&self) -> Result<i64> {
        let row = sqlx::query("SELECT bytes FROM waiting_files")
            .fetch_all(&self.pool)
            .await?;
        let all = row.iter().map(|row| row.try_get::<i64, _>(0));
        let all: std::result::Result<Vec<i64>, _> = all.collect();
        Ok(all?.into_iter().sum())
    }

    /// What was found in a file of somebody; `None` where it waits no longer.
    ///
    /// # Errors
    /// The database or the disk cannot be read.
    pub async fn found(&self, id: &str, owner: &str) -> Result<Option<Vec<u8>>> {
        let query = "SELECT file_key FROM waiting_files WHERE id = $1 AND owner = $2";
        let row = sqlx::query(query)
            .bind(id)
            .bind(owner)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let key = of_hexadecimal(&row.try_get::<String, _>(0)?);
        let (_, findings) = self.places(id);
        let task = tokio::task::spawn_blocking(move || {
            let mut found = Vec::new();
            read(&findings, &mut found, &key)?;
            Ok::<_, StoreError>(found)
        });
        task.await.map_err(|error| stopped(&error))?.map(Some)
    }

    /// Keeps what was found in a file in the place of what was found before.
    ///
    /// # Errors
    /// It waits no longer, or the database or the disk cannot be used.
    pub async fn renew(&self, id: &str, found: &[u8]) -> Result<()> {
        let query = "SELECT file_key FROM waiting_files WHERE id = $1";
        let row = sqlx::query(query).bind(id).fetch_one(&self.pool).await?;
        let key = of_hexadecimal(&row.try_get::<String, _>(0)?);
        let key: [u8; 32] = key.try_into().map_err(|_| {
            StoreError::damaged(
                "保管したファイルの鍵を読めません".to_owned(),
                "the key of a file that was kept cannot be read".to_owned(),
            )
        })?;
        let (_, findings) = self.places(id);
        // Whoever reads it at the same time reads the one or the other.
        let beside = findings.with_extension("new");
        let (folder, found) = (self.folder.clone(), found.to_vec());
        let task = tokio::task::spawn_blocking(move || {
            written(&mut found.as_slice(), &beside, &key)?;
            std::fs::rename(&beside, &findings).map_err(on_file(&findings))?;
            sync(&folder)
        });
        task.await.map_err(|error| stopped(&error))?
    }

    /// Takes a file of somebody, of two at the same time one, and puts it as it was into a folder. It is free again when the last value
    /// goes, or whoever took it does. `None` where it waits no longer, or somebody has it.
    ///
    /// # Errors
    /// The database or the disk cannot be used.
    pub async fn take(
        &self,
        own: (&str, &str),
        folder: &Path,
    ) -> Result<Option<(WaitingFile, PathBuf, InUse)>> {
        if !self.is_there(own).await? {
            return Ok(None);
        }
        let (id, _) = own;
        let Some(in_use) = InUse::take(&self.folder, id)? else {
            return Ok(None);
        };
        if let Some((file, path)) = self.copy(own, folder).await? {
            return Ok(Some((file, path, in_use)));
        }
        // It went before it was taken, and nobody will have its name.
        remove_if_there(&in_use::path(&self.folder, id))?;
        Ok(None)
    }

    /// Whether a file of somebody waits.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn is_there(&self, (id, owner): (&str, &str)) -> Result<bool> {
        let query = "SELECT 1 FROM waiting_files WHERE id = $1 AND owner = $2";
        let row = sqlx::query(query).bind(id).bind(owner);
        Ok(row.fetch_optional(&self.pool).await?.is_some())
    }

    /// Puts a file of somebody that waits as it was into a folder, and takes it from nobody. `None` where it waits no longer.
    ///
    /// # Errors
    /// The database or the disk cannot be used.
    pub async fn copy(
        &self,
        (id, owner): (&str, &str),
        folder: &Path,
    ) -> Result<Option<(WaitingFile, PathBuf)>> {
        let query =
            format!("SELECT {COLUMNS}, file_key FROM waiting_files WHERE id = $1 AND owner = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(id)
            .bind(owner)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(self.put(&row, folder).await?))
    }

    /// Puts the file of a row, the last column of which is its key, into a folder.
    async fn put(&self, row: &AnyRow, folder: &Path) -> Result<(WaitingFile, PathBuf)> {
        let file = waiting_file(row)?;
        let key = of_hexadecimal(&row.try_get::<String, _>(8)?);
        let (place, _) = self.places(&file.id);
        let plain = folder.join(&file.name);
        let target = plain.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut out = std::fs::File::create(&target).map_err(on_file(&target))?;
            read(&place, &mut out, &key)?;
            out.flush().map_err(on_file(&target))
        });
        task.await.map_err(|error| stopped(&error))??;
        Ok((file, plain))
    }

    /// Takes a file away. Its key goes first, so that what may be left of it on the disk says nothing.
    ///
    /// # Errors
    /// The database or the disk cannot be written.
    pub async fn remove(&self, id: &str) -> Result<()> {
        sqlx::query("DELETE FROM waiting_files WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await?;
        let (place, findings) = self.places(id);
        for path in [place, findings, in_use::path(&self.folder, id)] {
            remove_if_there(&path)?;
        }
        Ok(())
    }

    /// Takes away files that have waited since before an instant, unless they are being taken in. Returns how many.
    ///
    /// # Errors
    /// The database or the disk cannot be written.
    pub async fn expire(&self, before: i64) -> Result<usize> {
        let rows = sqlx::query("SELECT id FROM waiting_files WHERE since < $1")
            .bind(before)
            .fetch_all(&self.pool)
            .await?;
        let mut count = 0;
        for row in &rows {
            let id: String = row.try_get(0)?;
            let Unused::Yes(_nobodys) = InUse::unused(&self.folder, &id)? else {
                continue;
            };
            self.remove(&id).await?;
            count += 1;
        }
        Ok(count)
    }

    /// Takes away what programs that were killed have left in the folder: files as they came, and those of which the database knows
    /// nothing. What another program uses stays, however long it does.
    ///
    /// # Errors
    /// The database or the disk cannot be used.
    pub async fn sweep(&self) -> Result<()> {
        let mut unused = HashMap::new();
        let mut places = Vec::new();
        let entries = std::fs::read_dir(&self.folder).map_err(on_file(&self.folder))?;
        for entry in entries {
            let path = entry.map_err(on_file(&self.folder))?.path();
            let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else {
                continue;
            };
            let stem = stem.to_owned();
            if !unused.contains_key(&stem) {
                let found = InUse::unused(&self.folder, &stem)?;
                unused.insert(stem.clone(), found);
            }
            places.push((stem, path));
        }
        // Only now: what was kept meanwhile was in use until the database knew of it.
        let rows = sqlx::query("SELECT id FROM waiting_files")
            .fetch_all(&self.pool)
            .await?;
        let known = rows.iter().map(|row| row.try_get::<String, _>(0));
        let known: HashSet<String> = known.collect::<std::result::Result<_, _>>()?;
        for (stem, path) in places {
            let is_unused = matches!(unused.get(&stem), Some(Unused::Yes(_)));
            if is_unused && !known.contains(&stem) {
                remove_if_there(&path)?;
            }
        }
        Ok(())
    }

    /// Where a file lies, and where what was found in it does.
    fn places(&self, id: &str) -> (PathBuf, PathBuf) {
        let of = |ending: &str| self.folder.join(format!("{id}.{ending}"));
        (of("file"), of(FINDINGS))
    }
}

/// A folder for a file as it comes, and while it is read: it goes with the value, and nobody takes it away before.
#[derive(Debug)]
pub struct DeskFolder {
    path: PathBuf,
    _in_use: InUse,
}

impl DeskFolder {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DeskFolder {
    fn drop(&mut self) {
        // What cannot be taken away now is swept later.
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// Takes a file or a folder away; that it is gone already is as well.
fn remove_if_there(path: &Path) -> Result<()> {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(on_file(path)(error)),
        _ => Ok(()),
    }
}

/// Writes what is read into a file, encrypted.
fn written(source: &mut dyn Read, place: &Path, key: &[u8; 32]) -> Result<()> {
    let mut out = std::fs::File::create(place).map_err(on_file(place))?;
    encrypt_file(source, &mut out, key, place)?;
    out.sync_all().map_err(on_file(place))
}

/// Reads what a file holds.
fn read(place: &Path, out: &mut dyn Write, key: &[u8]) -> Result<()> {
    let mut source = std::fs::File::open(place).map_err(on_file(place))?;
    decrypt_file(&mut source, out, key, place)
}

/// Makes what was put into a folder last beyond a power cut.
fn sync(folder: &Path) -> Result<()> {
    let opened = std::fs::File::open(folder).map_err(on_file(folder))?;
    opened.sync_all().map_err(on_file(folder))
}

fn stopped(error: &tokio::task::JoinError) -> StoreError {
    let text = error.to_string();
    StoreError::damaged(text.clone(), text)
}

/// The bytes of a text of hexadecimal digits; what is none gives a key that opens nothing.
fn of_hexadecimal(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let pairs = pairs.filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs
        .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}

fn waiting_file(row: &AnyRow) -> Result<WaitingFile> {
    let covers: String = row.try_get(4)?;
    let as_of: i64 = row.try_get(5)?;
    Ok(WaitingFile {
        id: row.try_get(0)?,
        owner: row.try_get(1)?,
        name: row.try_get(2)?,
        into: row.try_get(3)?,
        covers: covers
            .split(SEPARATOR)
            .filter(|unit| !unit.is_empty())
            .map(str::to_owned)
            .collect(),
        as_of: i32::try_from(as_of).unwrap_or(0),
        since: row.try_get(6)?,
        bytes: row.try_get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(id: &str) -> WaitingFile {
        WaitingFile {
            id: id.to_owned(),
            owner: "one".to_owned(),
            name: "資産.csv".to_owned(),
            into: "dataset:assets".to_owned(),
            covers: vec!["JP1".to_owned(), "JP2".to_owned()],
            as_of: 20_000,
            since: 10,
            bytes: 200_000,
        }
    }

    #[tokio::test]
    async fn what_waits_outlives_the_program_and_nobody_reads_it_on_the_disk() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let database = Database::file(&folder.path().join("keiki.db"));
        // More than one block, and not a whole number of them.
        let bytes: Vec<u8> = b"Sato Hanako,"
            .iter()
            .copied()
            .cycle()
            .take(200_001)
            .collect();
        let plain = folder.path().join("plain");
        std::fs::write(&plain, &bytes).expect("it can be written");
        let before = WaitingFiles::open(&database).await.expect("it opens");
        before
            .keep(&file("a"), &plain, b"Sato found")
            .await
            .expect("it is kept");
        // What a program leaves that is killed: a folder and files, and locks that nobody has any more.
        let in_use = before.desk_folder().expect("it is made");
        let received = in_use.path().join("half.csv");
        std::fs::write(&received, "x").expect("it can be written");
        std::fs::create_dir(folder.path().join("waiting/open-left")).expect("it can be made");
        for left in [
            "nobody.file",
            "nobody.lock",
            "open-left.lock",
            "open-left/half.csv",
        ] {
            let place = folder.path().join("waiting").join(left);
            std::fs::write(place, "x").expect("it can be written");
        }
        for entry in std::fs::read_dir(folder.path().join("waiting")).expect("it is there") {
            let place = entry.expect("it is there").path();
            if place.is_file() {
                let kept = std::fs::read(place).expect("it can be read");
                assert!(!kept.windows(4).any(|part| part == b"Sato"));
            }
        }
        let after = WaitingFiles::open(&database).await.expect("it opens");
        // Another server is at work with what it uses, however long that takes.
        after.sweep().await.expect("it is swept");
        let left = || {
            let all = std::fs::read_dir(folder.path().join("waiting")).expect("it is there");
            let names = all.map(|one| one.expect("it is there").file_name());
            let names = names.map(|name| name.to_string_lossy().into_owned());
            let mut names: Vec<String> = names.filter(|name| !name.starts_with("open-")).collect();
            names.sort();
            names
        };
        assert_eq!(left(), ["a.file", "a.found", "a.lock"]);
        assert!(received.is_file());
        let open = in_use.path().to_owned();
        drop(in_use);
        assert!(!open.exists());
        let all = std::fs::read_dir(folder.path().join("waiting")).expect("it is there");
        assert_eq!(all.count(), 3);
        assert_eq!(
            after.of_owner("one").await.expect("it is read"),
            [file("a")]
        );
        assert_eq!(after.of_owner("two").await.expect("it is read"), []);
        let found = after.found("a", "one").await.expect("it is read");
        assert_eq!(found.as_deref(), Some(&b"Sato found"[..]));
        assert_eq!(after.found("a", "two").await.expect("it is read"), None);
        let renewed = after.renew("a", b"Sato found anew").await;
        renewed.expect("it is kept");
        let found = after.found("a", "one").await.expect("it is read");
        assert_eq!(found.as_deref(), Some(&b"Sato found anew"[..]));
        let out = folder.path().join("out");
        std::fs::create_dir(&out).expect("it can be made");
        // Who looks at it takes it from nobody.
        for (owner, is_theirs) in [("one", true), ("two", false), ("one", true)] {
            let copied = after.copy(("a", owner), &out).await.expect("it is read");
            assert_eq!(copied.is_some(), is_theirs);
        }
        let taken = after.take(("a", "one"), &out).await;
        let (_, place, in_use) = taken.expect("it is taken").expect("it waits");
        assert_eq!(std::fs::read(place).expect("it can be read"), bytes);
        // Taken once, and looked at all the same; it neither goes nor is swept as long as it is taken.
        let again = before.take(("a", "one"), &out).await;
        assert!(again.expect("it is asked for").is_none());
        let copied = after.copy(("a", "one"), &out).await;
        assert!(copied.expect("it is read").is_some());
        assert_eq!(after.expire(11).await.expect("it is looked at"), 0);
        after.sweep().await.expect("it is swept");
        // Whoever has it ends, in whatever way.
        drop(in_use);
        for _ in 0..2 {
            let again = before.take(("a", "one"), &out).await;
            assert!(again.expect("it is asked for").is_some());
        }
        assert_eq!(after.expire(11).await.expect("it is expired"), 1);
        assert_eq!(left(), [""; 0]);
        let gone = before.take(("a", "one"), &out).await;
        assert!(gone.expect("it is asked for").is_none());
        assert_eq!(left(), [""; 0]);
    }

    #[tokio::test]
    async fn a_file_that_was_cut_or_changed_on_the_disk_is_not_taken() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let database = Database::file(&folder.path().join("keiki.db"));
        let plain = folder.path().join("plain");
        std::fs::write(&plain, vec![7; 200_000]).expect("it can be written");
        let files = WaitingFiles::open(&database).await.expect("it opens");
        files
            .keep(&file("a"), &plain, b"")
            .await
            .expect("it is kept");
        let place = folder.path().join("waiting/a.file");
        let whole = std::fs::read(&place).expect("it can be read");
        let mut changed = whole.clone();
        changed[100_000] ^= 1;
        for damaged in [
            &whole[..whole.len() - 1],
            &whole[..65_559],
            &whole[..3],
            &changed,
        ] {
            std::fs::write(&place, damaged).expect("it can be written");
            let taken = files.take(("a", "one"), folder.path()).await;
            assert!(taken.is_err());
        }
    }
}
