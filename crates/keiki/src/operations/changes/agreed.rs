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

/// Where the text is that a request was to put in the place of a file.
enum Put {
    /// Not there: nobody has begun, or was stopped before.
    Nowhere,
    /// In its place, and nobody has recorded it.
    InPlace,
    /// Recorded, as this edition: somebody else may have, as what was written by hand.
    Recorded(i64),
}

async fn put(workspace: &Workspace, agreed: &Agreed, book: &Requests) -> Result<Put> {
    let Some(text) = book.text_of(agreed).await? else {
        return Ok(Put::Nowhere);
    };
    if let Some(number) = workspace.ledger().await?.edition_with(&text).await? {
        return Ok(Put::Recorded(number));
    }
    let there = workspace.content.texts().get(&text.file);
    let is_there = there.map(|text| sha256(text)) == Some(text.sha256);
    Ok(if is_there { Put::InPlace } else { Put::Nowhere })
}

/// Whether the files say what a request was to say, so that it cannot be refused any more.
///
/// # Errors
/// The database cannot be read.
pub(in crate::operations) async fn is_put(workspace: &Workspace, agreed: &Agreed) -> Result<bool> {
    let book = Requests::open(&workspace.database()?).await?;
    let put = put(workspace, agreed, &book).await?;
    Ok(!matches!(put, Put::Nowhere))
}

/// Finishes what somebody has begun who was stopped. Returns the edition that has it; `None` where their text is not in its place.
pub(super) async fn finish(
    workspace: &Workspace,
    agreed: &Agreed,
    run: &Run,
    reason: &str,
) -> Result<Option<i64>> {
    let book = Requests::open(&workspace.database()?).await?;
    match put(workspace, agreed, &book).await? {
        Put::Nowhere => return Ok(None),
        Put::Recorded(number) => {
            book.done(agreed).await?;
            return Ok(Some(number));
        }
        Put::InPlace => {}
    }
    let new = NewEdition {
        texts: workspace.content.texts(),
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
    let recorded = workspace.ledger().await?.record_as_put(new, as_is).await?;
    Ok(Some(recorded.number))
}
