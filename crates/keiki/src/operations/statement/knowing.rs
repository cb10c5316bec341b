//! The figures of a period as they were known at an instant: by the definitions that were in force then, closed by nobody.

use keiki_model::calendar::Period;
use keiki_model::measurement::CoverageRule;
use keiki_model::remark::Remarks;
use keiki_model::statement::Statement;

use super::Pinned;
use crate::config::{Opening, Workspace};
use crate::error::Result;
use crate::operations::closed::Closed;
use crate::operations::disclosure;
use crate::operations::programme::{self, Run};
use crate::progress::Progress;

/// The statement of a period as it would have been if it had been closed at an instant, without what was said about its figures. What
/// the reader may not see is withheld.
///
/// # Errors
/// The journal cannot be read, or this program no longer takes what was in force then.
pub async fn known_at(
    workspace: &Workspace,
    (period, known_at): (Period, i64),
    run: &Run,
    progress: &dyn Progress,
) -> Result<Statement> {
    let edition = workspace.ledger().await?.at(known_at).await?;
    let then = programme::in_force(workspace, Some(known_at), run).await?;
    let then = then.as_ref().unwrap_or(workspace);
    let journal = workspace.journal(Opening::Existing).await?;
    let pinned = Pinned {
        period,
        known_at,
        journal_version: journal.snapshot().await?.seq(),
        coverage_rule: CoverageRule::default(),
    };
    let mut statement = Statement {
        period: period.to_string().into(),
        revision: 0,
        closed_at: known_at,
        closed_by: String::new(),
        agreed_by: None,
        reason: None,
        journal_version: pinned.journal_version,
        edition: edition.map(|edition| edition.number),
        edition_sha256: None,
        journal_sha256: None,
        coverage_rule: pinned.coverage_rule,
        obstacles: Vec::new(),
        remarks: Remarks::default(),
        restatement: None,
        durations: pinned.durations(then).await?,
        measurements: pinned.measure(then, progress).await?,
    };
    let mut closed = Closed::default();
    disclosure::withhold_statement(then, &mut statement, &mut closed, run, progress).await?;
    Ok(statement)
}
