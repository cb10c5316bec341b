//! A change to which somebody agreed, put in its place once, also where whoever did it was stopped before it was recorded.
//!
//! A file and the database cannot be written as one. So the database is told first which text is about to be put; who tries again looks
//! whether it is there. *Source*: decision 0120.

use keiki_store::{Agreed, NewEdition, PutText, Requests};

use super::super::accounts::sha256;
use super::super::programme::Run;
use super::changed_meanwhile;
use crate::config::Workspace;
use crate::error::Result;

/// Tells the database which text is about to be put in the place of a file.
pub(super) async fn announce(
    workspace: &Workspace,
    agreed: &Agreed,
    (file, text): (&str, &str),
    after_edition: i64,
) -> Result<()> {
    let text = PutText {
        file: file.to_owned(),
        sha256: sha256(text),
        after_edition,
    };
    let book = Requests::open(&workspace.database()?).await?;
    Ok(book.will_put(agreed, &text).await?)
}

/// Finishes what somebody has begun who was stopped. Returns the edition that has it; `None` where their text is not in its place.
pub(super) async fn finish(
    workspace: &Workspace,
    agreed: &Agreed,
    run: &Run,
    reason: &str,
) -> Result<Option<i64>> {
    let book = Requests::open(&workspace.database()?).await?;
    let Some(put) = book.text_of(agreed).await? else {
        return Ok(None);
    };
    let ledger = workspace.ledger().await?;
    // Somebody else may have recorded it, as what was written by hand.
    if let Some(number) = ledger.edition_with(&put).await? {
        book.done(agreed).await?;
        return Ok(Some(number));
    }
    let texts = workspace.content.texts();
    let is_there = texts.get(&put.file).map(|text| sha256(text)) == Some(put.sha256);
    if !is_there {
        return Ok(None);
    }
    let new = NewEdition {
        texts,
        now: run.now,
        author: &run.author,
        reason: Some(reason),
        fulfils: Some(agreed),
    };
    let as_is = || {
        if workspace.is_as_on_disk() {
            Ok(())
        } else {
            Err(changed_meanwhile())
        }
    };
    let recorded = ledger.record_as_put(new, as_is).await?;
    Ok(Some(recorded.number))
}
