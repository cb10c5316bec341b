//! Opens a closed period again, or notes a difference that is too small for it.

use keiki_model::calendar::Period;
use keiki_model::restatement::{Cause, Restatement};
use keiki_store::Event;

use super::{as_known, closed_now, not_closed, restatement};
use crate::config::Workspace;
use crate::error::Result;
use crate::operations::programme::Run;
use crate::progress::Progress;

/// What came of asking for a closed period to be opened again.
#[derive(Debug, Clone)]
pub enum Reopening {
    /// It is open. Until it is closed again, this revision stays the one reported.
    Opened(u32),
    /// What differs is below the threshold: it is noted, and the period stays closed.
    Noted(Restatement),
}

/// Why a closed period is to be opened again.
#[derive(Debug, Clone)]
pub struct Reopen {
    /// The period.
    pub period: Period,
    /// Why.
    pub reason: String,
    /// The cause, as one of the kinds.
    pub cause: Option<Cause>,
    /// Whether a difference below the threshold is enough.
    pub weight: Weight,
    /// Who opens it, and when.
    pub run: Run,
}

/// How large a difference is to be for a period to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// As large as the workspace's threshold.
    Material,
    /// Of any size.
    Any,
}

/// Opens a closed period again; where figures differ and none of them by as much as the threshold, that is noted instead.
///
/// # Errors
/// It is not closed.
pub async fn reopen(
    workspace: &Workspace,
    asked: &Reopen,
    progress: &dyn Progress,
) -> Result<Reopening> {
    let name = asked.period.to_string();
    let book = workspace.statements().await?;
    let events = book.of_period(&name).await?;
    let Some(closed) = closed_now(&events).filter(|closed| closed.revision > 0) else {
        return Err(not_closed(&name));
    };
    let last = events.last().map(|last| last.number);
    let (at, by) = (asked.run.now, asked.run.author.clone());
    if asked.weight == Weight::Material && workspace.settings.close.materiality.is_some() {
        let now = as_known(workspace, asked.period, &asked.run, progress).await?;
        let restated =
            restatement(workspace, asked.period, closed, &now, asked.cause, progress).await?;
        let indicators = || restated.differences.iter().filter(|one| !one.is_companion);
        if indicators().count() > 0 && indicators().all(|one| !one.is_material) {
            let event = Event::Noted {
                period: name,
                at,
                by,
                reason: asked.reason.clone(),
                restatement: restated.clone(),
            };
            book.add(&event, last).await?;
            return Ok(Reopening::Noted(restated));
        }
    }
    let event = Event::Reopened {
        period: name,
        at,
        by,
        reason: asked.reason.clone(),
        cause: asked.cause,
    };
    book.add(&event, last).await?;
    Ok(Reopening::Opened(closed.revision))
}
