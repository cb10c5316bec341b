//! Opens a figure down to its rows, and the difference of two figures down to its records.

use keiki_engine::{Against, Explanation, Question, Structure};
use keiki_model::calendar::Period;

use super::programme::{self, Run};
use super::{catalogue, units};
use crate::config::{Opening, Workspace};
use crate::error::Result;
use crate::progress::{Progress, Step};

/// Which figure to open.
#[derive(Debug, Clone)]
pub struct Explain {
    /// The KPI's number or code.
    pub kpi: String,
    /// The indicator; absent = the KPI's first.
    pub indicator: Option<String>,
    /// The org unit.
    pub org_unit: String,
    /// The period.
    pub period: Period,
    /// How the org units are put together.
    pub structure: Structure,
    /// The instant of knowledge, UTC microseconds; absent = now.
    pub known_at: Option<i64>,
    /// The journal version; absent = the newest.
    pub journal_version: Option<i64>,
    /// The figure to compare with.
    pub against: Option<Against>,
    /// Who asks.
    pub author: String,
    /// Now, UTC microseconds.
    pub now: i64,
}

/// Explains.
///
/// # Errors
/// Something asked for does not exist, or the journal cannot be read.
pub async fn explain(
    workspace: &Workspace,
    asked: &Explain,
    progress: &dyn Progress,
) -> Result<Explanation> {
    let run = Run {
        author: asked.author.clone(),
        now: asked.now,
    };
    let in_force = programme::in_force(workspace, asked.known_at, &run).await?;
    let workspace = in_force.as_ref().unwrap_or(workspace);
    let no = catalogue::find(&workspace.catalogue, &asked.kpi)?.no;
    let hierarchy = units::hierarchy(workspace, asked.structure.hierarchy.as_deref())?;
    progress.begin(&Step::Measuring);
    let journal = workspace.journal(Opening::Existing).await?;
    let question = Question {
        no,
        indicator: asked.indicator.clone(),
        org_unit: asked.org_unit.clone(),
        structure: asked.structure.clone(),
        period: asked.period,
        known_at: asked.known_at,
        seq: asked.journal_version,
        now: asked.now,
        against: asked.against,
    };
    let explained = workspace.engine()?.explain(&journal, &question).await;
    explained.map_err(|error| units::absence(&workspace.organisation, hierarchy, error))
}
