//! A statement with all that it takes to check it without the workspace and without a network, in one zip file.
//!
//! *Shape*: `events/<number>.json` (the texts that the hashes are over), `chain.txt` (number and hash of each), `statement.json`
//! (the sealed one, to read), `definitions/…` with `definitions.sha256`, `journal.sha256` (the journal's files at the close),
//! `seals/<n>.json`, `VERIFY.md` and `VERIFY.ja.md` (how to check it by hand).

use std::io::{Cursor, Read};
use std::path::Path;

use ed25519_dalek::VerifyingKey;
use keiki_model::calendar::Period;
use keiki_model::text::{Text, hexadecimal};
use keiki_store::{Event, SealKind, bound_sha256, digest_of};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::reasons::worded;
use super::{closed, fits, guide, is_signed, sealed_text, timestamp};
use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::operations::packing::{self, Files};
use crate::operations::statement::Revision;

/// The most bytes of one file of a bundle.
const FILE_BYTES: u64 = 512 * 1024 * 1024;
/// The most files of a bundle.
const FILES: usize = 100_000;

/// A bundle that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The period.
    pub period: String,
    /// The revision.
    pub revision: u32,
    /// How many events its chain has.
    pub events: usize,
    /// Who signed it with the key that was given.
    pub signed_by: Vec<String>,
    /// The instants of its time stamps, with their authorities; none is looked at where no certificate is trusted.
    pub stamps: Vec<timestamp::Stamp>,
}

/// Writes the bundle of a closed statement. Returns its revision.
///
/// # Errors
/// There is no such statement, nobody signed it, or the file cannot be written.
pub async fn write(
    workspace: &Workspace,
    period: Period,
    revision: Revision,
    file: &Path,
) -> Result<u32> {
    let (recorded, statement) = closed(workspace, period, revision).await?;
    let texts = workspace.statements().await?.texts().await?;
    let seals = workspace.seals().await?.all().await?;
    let mut files = Files::new();
    let mut chain = String::new();
    for (number, sha256, text) in texts {
        if number > recorded.number {
            break;
        }
        chain.push_str(&format!("{number} {sha256}\n"));
        files.insert(format!("events/{number}.json"), text);
    }
    files.insert("chain.txt".to_owned(), chain.into_bytes());
    let pretty = serde_json::to_vec_pretty(&statement);
    let pretty = pretty.map_err(|error| Error::stopped(Text::quoted(error)))?;
    files.insert("statement.json".to_owned(), pretty);
    if let Some(edition) = statement.edition {
        let mut hashes = String::new();
        for (name, text) in workspace.ledger().await?.texts(edition).await? {
            let sha256 = format!("{:x}", Sha256::digest(&text));
            hashes.push_str(&format!("{sha256}  {name}\n"));
            files.insert(format!("definitions/{}", plain(&name)), text.into_bytes());
        }
        files.insert("definitions.sha256".to_owned(), hashes.into_bytes());
    }
    if let Some(sha256) = &statement.journal_sha256
        && let Some(listing) = workspace.seals().await?.listing(sha256).await?
    {
        files.insert("journal.sha256".to_owned(), listing.into_bytes());
    }
    let own = seals.iter().filter(|seal| seal.event == recorded.number);
    for (number, seal) in (1..).zip(own) {
        let data = hexadecimal(&seal.data);
        let by = &seal.by;
        let text = json!({ "kind": seal.kind.code(), "by": by, "key": seal.key, "data_hex": data });
        files.insert(
            format!("seals/{number}.json"),
            format!("{text:#}\n").into_bytes(),
        );
        let extension = match seal.kind {
            SealKind::Signature => "sig",
            SealKind::TimeStamp => "token",
        };
        files.insert(format!("seals/{number}.{extension}"), seal.data.clone());
        files.insert(format!("seals/{number}.pem"), seal.key.clone().into_bytes());
    }
    let text = sealed_text(recorded.number, &recorded.sha256);
    files.insert("sealed.txt".to_owned(), text.into_bytes());
    files.insert("VERIFY.md".to_owned(), guide::ENGLISH.as_bytes().to_vec());
    files.insert(
        "VERIFY.ja.md".to_owned(),
        guide::JAPANESE.as_bytes().to_vec(),
    );
    packing::zip(&files, file)?;
    Ok(statement.revision)
}

/// A name as a path below a folder.
fn plain(name: &str) -> String {
    name.replace(['<', '>'], "")
}

/// Checks a bundle with nothing but a public key, and where time stamps are to be checked, the certificate that is trusted.
///
/// # Errors
/// The file is no bundle, or something in it does not fit: the first thing is named.
pub fn check(file: &Path, key: &VerifyingKey, trusted: Option<&str>) -> Result<Checked> {
    let bytes = std::fs::read(file).map_err(Error::file(file))?;
    let files = unzipped(bytes).map_err(|why| misfit(file, &why))?;
    checked(&files, key, trusted).map_err(|why| misfit(file, &why))
}

fn misfit(file: &Path, why: &str) -> Error {
    let (file, why) = (file.display(), worded(why));
    Error::user(
        Text::new(
            format!("検証できません: {file}: {}", why.ja),
            format!("{file}: does not verify: {}", why.en),
        ),
        Text::new(
            "発行元から受け取り直し、公開鍵を別の経路で確かめてください",
            "get it from its issuer again, and the public key by another way",
        ),
    )
}

type Outcome<T> = std::result::Result<T, String>;

fn unzipped(bytes: Vec<u8>) -> Outcome<Files> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    if archive.len() > FILES {
        return Err(format!("it has more than {FILES} files"));
    }
    let mut files = Files::new();
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|error| error.to_string())?;
        let name = entry
            .name()
            .map_err(|error| error.to_string())?
            .into_owned();
        let mut bytes = Vec::new();
        let read = entry.take(FILE_BYTES).read_to_end(&mut bytes);
        read.map_err(|error| format!("{name}: {error}"))?;
        files.insert(name, bytes);
    }
    Ok(files)
}

fn text_of<'f>(files: &'f Files, name: &str) -> Outcome<&'f str> {
    let bytes = files
        .get(name)
        .ok_or_else(|| format!("{name} is missing"))?;
    std::str::from_utf8(bytes).map_err(|_| format!("{name} is not text"))
}

fn checked(files: &Files, key: &VerifyingKey, trusted: Option<&str>) -> Outcome<Checked> {
    let (events, last, sha256) = follow(files)?;
    let event: Event = serde_json::from_slice(last)
        .map_err(|error| format!("events/{events}.json cannot be read: {error}"))?;
    let Event::Closed(statement) = event else {
        return Err("its last event is no closed statement".to_owned());
    };
    let shown: Value = serde_json::from_str(text_of(files, "statement.json")?)
        .map_err(|error| format!("statement.json cannot be read: {error}"))?;
    let sealed = serde_json::to_value(&statement).map_err(|error| error.to_string())?;
    if shown != sealed {
        return Err("statement.json is not the statement that was closed".to_owned());
    }
    if let Some(sha256) = &statement.edition_sha256 {
        definitions(files, sha256)?;
    }
    if let Some(sha256) = &statement.journal_sha256 {
        let listing = text_of(files, "journal.sha256")?;
        if format!("{:x}", Sha256::digest(listing)) != *sha256 {
            return Err("journal.sha256 is not the list that was closed".to_owned());
        }
    }
    let text = sealed_text(i64::try_from(events).unwrap_or(i64::MAX), &sha256);
    let mut found = Checked {
        period: statement.period.to_string(),
        revision: statement.revision,
        events,
        signed_by: Vec::new(),
        stamps: Vec::new(),
    };
    seals(files, &text, key, trusted, &mut found)?;
    if found.signed_by.is_empty() {
        return Err("nobody signed it with this key".to_owned());
    }
    Ok(found)
}

/// Follows the chain. Returns how many events it has, the text of the last and its hash.
fn follow(files: &Files) -> Outcome<(usize, &[u8], String)> {
    let mut before = String::new();
    let mut last: &[u8] = &[];
    let mut events = 0;
    for line in text_of(files, "chain.txt")?.lines() {
        events += 1;
        let name = format!("events/{events}.json");
        let text = files
            .get(&name)
            .ok_or_else(|| format!("{name} is missing"))?;
        let sha256 = bound_sha256(&before, text);
        if line != format!("{events} {sha256}") {
            return Err(format!("{name} is not what chain.txt says"));
        }
        before = sha256;
        last = text;
    }
    if events == 0 {
        return Err("chain.txt is empty".to_owned());
    }
    Ok((events, last, before))
}

fn definitions(files: &Files, sha256: &str) -> Outcome<()> {
    let mut listed = Vec::new();
    for line in text_of(files, "definitions.sha256")?.lines() {
        let (sha256, name) = line
            .split_once("  ")
            .ok_or("definitions.sha256 cannot be read")?;
        let file = format!("definitions/{}", plain(name));
        let text = files
            .get(&file)
            .ok_or_else(|| format!("{file} is missing"))?;
        if format!("{:x}", Sha256::digest(text)) != sha256 {
            return Err(format!("{file} is not what definitions.sha256 says"));
        }
        listed.push((name.to_owned(), sha256.to_owned()));
    }
    if digest_of(listed) == sha256 {
        Ok(())
    } else {
        Err("definitions.sha256 is not the edition that was closed".to_owned())
    }
}

fn seals(
    files: &Files,
    text: &str,
    key: &VerifyingKey,
    trusted: Option<&str>,
    found: &mut Checked,
) -> Outcome<()> {
    let is_seal = |name: &str| {
        let path = Path::new(name);
        path.starts_with("seals") && path.extension().is_some_and(|of| of == "json")
    };
    for (name, bytes) in files.iter().filter(|(name, _)| is_seal(name)) {
        let misfit = |why: String| format!("{name}: {why}");
        let seal: Value =
            serde_json::from_slice(bytes).map_err(|error| misfit(error.to_string()))?;
        let field = |name: &str| seal[name].as_str().unwrap_or_default();
        let data = bytes_of(field("data_hex")).ok_or_else(|| misfit("no data".to_owned()))?;
        if field("kind") == SealKind::TimeStamp.code() {
            if let Some(trusted) = trusted {
                found
                    .stamps
                    .push(timestamp::check(&data, text, trusted).map_err(misfit)?);
            }
            continue;
        }
        fits(SealKind::Signature, field("key"), &data, text).map_err(misfit)?;
        if is_signed(key, &data, text).is_ok() {
            found.signed_by.push(field("by").to_owned());
        }
    }
    Ok(())
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        })
        .collect()
}
