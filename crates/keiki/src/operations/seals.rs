//! Signs closed statements, has an outside authority time-stamp them, hands them on as a bundle, and checks all of it.

mod bundle;
mod guide;
mod keys;
mod reasons;
mod timestamp;

use std::path::Path;

use ed25519_dalek::{Signature, Signer, VerifyingKey};
use keiki_model::calendar::Period;
use keiki_model::statement::Statement;
use keiki_model::text::Text;
use keiki_store::{Event, Recorded, Seal, SealKind};

use super::programme::Run;
use super::statement::Revision;
use crate::config::Workspace;
use crate::error::{Error, Result};

pub use bundle::{Checked, check, write};
pub use keys::{Key, list, make, public_key};
use reasons::worded;

pub use timestamp::Stamp;

/// What a signature and a time stamp are over: the number of the event and the hash that binds it to all before it.
fn sealed_text(number: i64, sha256: &str) -> String {
    format!("keiki statement {number} {sha256}\n")
}

/// Signs a closed statement. Returns its revision.
///
/// # Errors
/// There is no such statement or key.
pub async fn sign(
    workspace: &Workspace,
    period: Period,
    revision: Revision,
    key: &str,
    run: &Run,
) -> Result<u32> {
    let signing = keys::secret_key(workspace, key)?;
    let (recorded, statement) = closed(workspace, period, revision).await?;
    let text = sealed_text(recorded.number, &recorded.sha256);
    let seal = Seal {
        event: recorded.number,
        kind: SealKind::Signature,
        at: run.now,
        by: run.author.clone(),
        key: keys::written(&signing.verifying_key())?,
        data: signing.sign(text.as_bytes()).to_bytes().to_vec(),
    };
    workspace.seals().await?.add(&seal).await?;
    Ok(statement.revision)
}

/// The request that an authority is to answer for a closed statement (RFC 3161, DER).
///
/// # Errors
/// There is no such statement.
pub async fn stamp_request(
    workspace: &Workspace,
    period: Period,
    revision: Revision,
) -> Result<Vec<u8>> {
    let (recorded, _) = closed(workspace, period, revision).await?;
    timestamp::request(&sealed_text(recorded.number, &recorded.sha256))
}

/// Keeps an authority's answer, if it is one to this statement and its certificate leads to one of those that are trusted.
///
/// # Errors
/// There is no such statement, or the answer does not fit.
pub async fn stamp(
    workspace: &Workspace,
    period: Period,
    revision: Revision,
    (answer, trusted): (&Path, &Path),
    run: &Run,
) -> Result<Stamp> {
    let (recorded, _) = closed(workspace, period, revision).await?;
    let bytes = std::fs::read(answer).map_err(Error::file(answer))?;
    let key = std::fs::read_to_string(trusted).map_err(Error::file(trusted))?;
    let data = timestamp::token_of(&bytes).map_err(|why| unfit(&why))?;
    let text = sealed_text(recorded.number, &recorded.sha256);
    let found = timestamp::check(&data, &text, &key).map_err(|why| unfit(&why))?;
    let seal = Seal {
        event: recorded.number,
        kind: SealKind::TimeStamp,
        at: run.now,
        by: run.author.clone(),
        key,
        data,
    };
    workspace.seals().await?.add(&seal).await?;
    Ok(found)
}

fn unfit(why: &str) -> Error {
    let why = worded(why);
    Error::user(
        Text::new(
            format!("タイムスタンプとして使えません: {}", why.ja),
            format!("not a time stamp of this statement: {}", why.en),
        ),
        Text::new(
            "この報告書の要求に対する回答と、発行局のルート証明書を指定してください",
            "give the authority's answer to this statement's request, and the certificate of its root",
        ),
    )
}

/// Checks all seals. *Shape*: how many there are, and the first that does not fit: its event, with why.
///
/// # Errors
/// The book cannot be read.
pub(super) async fn verify(
    workspace: &Workspace,
    events: &[Recorded],
) -> Result<(usize, Option<(i64, Text)>)> {
    let seals = workspace.seals().await?.all().await?;
    for seal in &seals {
        let misfit = |why: &str| Ok((seals.len(), Some((seal.event, worded(why)))));
        let Some(event) = events.iter().find(|one| one.number == seal.event) else {
            return misfit("it is sealed and not there");
        };
        let text = sealed_text(event.number, &event.sha256);
        if let Err(why) = fits(seal.kind, &seal.key, &seal.data, &text) {
            return misfit(&why);
        }
    }
    Ok((seals.len(), None))
}

/// Tells whether a seal is one over a text; why not, if not.
fn fits(kind: SealKind, key: &str, data: &[u8], text: &str) -> std::result::Result<(), String> {
    match kind {
        SealKind::Signature => {
            let key = keys::read_public(key).ok_or("its public key cannot be read")?;
            is_signed(&key, data, text)
        }
        SealKind::TimeStamp => timestamp::check(data, text, key).map(|_| ()),
    }
}

fn is_signed(key: &VerifyingKey, data: &[u8], text: &str) -> std::result::Result<(), String> {
    let signature = Signature::from_slice(data).map_err(|_| "its signature cannot be read")?;
    let checked = key.verify_strict(text.as_bytes(), &signature);
    checked.map_err(|_| "its signature is not one over it".to_owned())
}

/// The event of a closed statement.
async fn closed(
    workspace: &Workspace,
    period: Period,
    revision: Revision,
) -> Result<(Recorded, Statement)> {
    let name = period.to_string();
    let events = workspace.statements().await?.of_period(&name).await?;
    let found = events.into_iter().rev().find_map(|recorded| {
        let Event::Closed(statement) = &recorded.event else {
            return None;
        };
        let is_meant = match revision {
            Revision::Number(number) => statement.revision == number,
            Revision::Last | Revision::Open => true,
        };
        let statement = is_meant.then(|| statement.clone())?;
        Some((recorded, statement))
    });
    found.ok_or_else(|| {
        Error::user(
            Text::new(
                format!("{name} にその版の報告書はありません"),
                format!("there is no such statement of {name}"),
            ),
            Text::new(
                "`keiki statement` で締めの一覧を確認できます",
                "`keiki statement` lists what was closed",
            ),
        )
    })
}
