//! Looks into a workbook that somebody sends, before it is taken in: whose it is, and what would become of each sheet.

use std::collections::BTreeSet;
use std::path::Path;

use keiki_model::calendar::Day;
use keiki_model::collection::Signature;
use keiki_model::text::Text;
use keiki_store::StoreError;

use super::book::{Book, Examined, State, book, filled};
use super::{Outcome, accepted};
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};
use crate::operations::trial::Trial;

/// A workbook that was looked into.
#[derive(Debug)]
pub struct Looked {
    /// The day for which it speaks.
    pub as_of: Day,
    /// Its sheets, those without evidence last.
    pub sheets: Vec<LookedSheet>,
}

/// A sheet that was looked into.
#[derive(Debug)]
pub struct LookedSheet {
    /// The dataset.
    pub dataset: String,
    /// What would become of its rows; `None` where nothing would be taken in.
    pub trial: Option<Trial>,
    /// What is to be known about it: why nothing would be taken in, and notes.
    pub said: Vec<Text>,
}

/// What a workbook says of itself.
///
/// # Errors
/// It is no form.
pub async fn signature(workspace: &Workspace, path: &Path) -> Result<Signature> {
    Ok(filled(workspace, path).await?.signature)
}

/// Looks into a workbook without taking anything in.
///
/// # Errors
/// It is no form, or not one of this workspace.
pub async fn look(workspace: &Workspace, path: &Path, now: i64) -> Result<Looked> {
    let journal = match workspace.journal(Opening::Existing).await {
        Ok(journal) => Some(journal),
        Err(Error::Store(StoreError::NoJournal(_))) => None,
        Err(error) => return Err(error),
    };
    let Book {
        as_of,
        sheets: examined,
        others,
        added,
        ..
    } = book(workspace, journal.as_ref(), path, now).await?;
    let mut sheets = Vec::new();
    for one in examined {
        sheets.push(looked(workspace, one, as_of)?);
    }
    sheets.extend(others.into_iter().map(|(dataset, outcome)| LookedSheet {
        dataset,
        trial: None,
        said: match outcome {
            Outcome::Open(why) | Outcome::Refused(why) => vec![why],
            Outcome::Read(_) | Outcome::Checked { .. } | Outcome::Failed(_) => Vec::new(),
        },
    }));
    sheets.extend(added.into_iter().map(|sheet| LookedSheet {
        dataset: sheet.name,
        trial: None,
        said: vec![Text::new(
            "様式にないシートのため、読み取りません",
            "the form has no such sheet: it is not read",
        )],
    }));
    Ok(Looked { as_of, sheets })
}

fn looked(workspace: &Workspace, examined: Examined, as_of: Day) -> Result<LookedSheet> {
    let dataset = examined.dataset;
    let mut said = examined.notes;
    let trial = match examined.state {
        State::Open(why) | State::Refused(why) => {
            said.insert(0, why);
            None
        }
        State::Ready(found) => {
            let accepted = accepted(&found);
            let mut trial = Trial::of(workspace, &dataset, found.evidence, as_of)?;
            let wrong: BTreeSet<u64> = found.faults.iter().map(|fault| fault.row).collect();
            trial.rows.retain(|row| !wrong.contains(&row.row));
            Some(Trial {
                accepted,
                rejected: found.faults,
                ..trial
            })
        }
    };
    Ok(LookedSheet {
        dataset: dataset.name.clone(),
        trial,
        said,
    })
}
