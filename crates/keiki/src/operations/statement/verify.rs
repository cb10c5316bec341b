//! Follows the chains of statements and remarks, and computes every closed statement again.

use std::sync::Arc;

use keiki_model::calendar::Period;
use keiki_model::statement::{Statement, restated};
use keiki_model::text::Text;
use keiki_store::Event;

use super::super::{programme, seals};
use super::Pinned;
use crate::config::Workspace;
use crate::error::Result;
use crate::progress::Progress;

/// A closed statement that does not come out as it was closed.
#[derive(Debug, Clone)]
pub struct Misfit {
    /// The period, with the revision; or the event or remark.
    pub statement: Text,
    /// What does not fit.
    pub message: Text,
}

impl Misfit {
    fn of_event(number: i64, message: Text) -> Self {
        Self {
            statement: Text::new(
                format!("報告書の履歴 {number}"),
                format!("statement event {number}"),
            ),
            message,
        }
    }

    fn of_remark(number: i64, message: Text) -> Self {
        Self {
            statement: Text::new(
                format!("説明・対応の記録 {number}"),
                format!("remark {number}"),
            ),
            message,
        }
    }

    fn of_edition(number: i64, message: Text) -> Self {
        Self {
            statement: Text::new(format!("定義の第{number}版"), format!("edition {number}")),
            message,
        }
    }
}

/// What became of checking the statements.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// How many statements were computed again.
    pub computed: usize,
    /// How many signatures and time stamps were checked.
    pub seals: usize,
    /// The first thing that does not fit.
    pub misfit: Option<Misfit>,
}

/// Follows the chains of statements and remarks, checks editions and seals, and computes every closed statement again.
///
/// # Errors
/// The book cannot be read.
pub async fn verify(workspace: &Workspace, progress: &dyn Progress) -> Result<Checked> {
    let mut checked = Checked {
        misfit: broken(workspace).await?,
        ..Checked::default()
    };
    if checked.misfit.is_some() {
        return Ok(checked);
    }
    let events = workspace.statements().await?.events().await?;
    let (seals, misfit) = seals::verify(workspace, &events).await?;
    checked.seals = seals;
    checked.misfit = misfit.map(|(event, why)| Misfit::of_event(event, why));
    for recorded in events {
        if checked.misfit.is_some() {
            break;
        }
        let Event::Closed(statement) = recorded.event else {
            continue;
        };
        let (Some(edition), Ok(period)) = (statement.edition, Period::parse(&statement.period))
        else {
            continue;
        };
        let found = computed_again(workspace, period, edition, &statement, progress).await?;
        checked.computed += 1;
        checked.misfit = found.map(|message| Misfit {
            statement: Text::new(
                format!("報告書 {} 第{}版", statement.period, statement.revision),
                format!(
                    "statement {} revision {}",
                    statement.period, statement.revision
                ),
            ),
            message,
        });
    }
    Ok(checked)
}

/// The first event, remark or edition that is not what was recorded.
async fn broken(workspace: &Workspace) -> Result<Option<Misfit>> {
    if let Some((number, why)) = workspace.statements().await?.broken().await? {
        return Ok(Some(Misfit::of_event(number, why)));
    }
    if let Some((number, why)) = workspace.remarks().await?.broken().await? {
        return Ok(Some(Misfit::of_remark(number, why)));
    }
    let broken = workspace.ledger().await?.broken().await?;
    Ok(broken.map(|(edition, why)| Misfit::of_edition(edition, why)))
}

/// What of a statement does not come out as it was closed.
async fn computed_again(
    workspace: &Workspace,
    period: Period,
    edition: i64,
    statement: &Statement,
    progress: &dyn Progress,
) -> Result<Option<Text>> {
    if let Some(sha256) = &statement.edition_sha256
        && *sha256 != workspace.ledger().await?.digest(edition).await?
    {
        return Ok(Some(Text::new(
            format!("定義の第{edition}版が締めた時点と異なります"),
            format!("edition {edition} is not the one that was closed"),
        )));
    }
    let then = programme::of_edition(workspace, edition).await?;
    let pinned = Pinned {
        period,
        known_at: statement.closed_at,
        journal_version: statement.journal_version,
        coverage_rule: statement.coverage_rule,
    };
    let mut again = pinned.measure(&then, progress).await?;
    // Statements of before exemptions were kept carry none.
    for (computed, closed) in again.iter_mut().zip(&statement.measurements) {
        if computed.grounds.exemption.is_some() && closed.grounds.exemption.is_none() {
            Arc::make_mut(&mut computed.grounds).exemption = None;
        }
    }
    if again == statement.measurements {
        // Statements of before durations were kept carry none.
        let is_same = statement.durations.is_empty()
            || statement.durations == pinned.durations(&then).await?;
        return Ok((!is_same).then(|| {
            Text::new(
                "所要時間の分布が、締めた時点の証跡から計算したものと異なります",
                "the distribution of durations does not come out as it was closed",
            )
        }));
    }
    let first = restated(&statement.measurements, &again);
    let place = first.first().map_or_else(
        || Text::new("数値に付随する内容", "what a figure carries"),
        |one| {
            Text::quoted(format!(
                "KPI {} {} {}",
                one.place.0, one.place.1, one.place.2
            ))
        },
    );
    Ok(Some(Text::new(
        format!("締めたときの結果と一致しません: {}", place.ja),
        format!("{} does not come out as it was closed", place.en),
    )))
}
