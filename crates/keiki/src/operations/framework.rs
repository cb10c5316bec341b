//! Shows a published framework with the KPIs that serve each of its items and how they stand, so that gaps show.

use std::collections::BTreeSet;
use std::sync::Arc;

use keiki_engine::Structure;
use keiki_model::calendar::Period;
use keiki_model::framework::{Framework, Item, Part};
use keiki_model::kpi::Kpi;
use keiki_model::measurement::Measurement;
use keiki_store::StoreError;

use super::measure::{Measure, Units, measure};
use super::programme::Run;
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// What there is to an item of a framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// An adopted KPI serves it.
    Adopted,
    /// The catalogue has a KPI for it, and the programme has adopted none.
    NotAdopted,
    /// The catalogue has no KPI for it.
    Nothing,
}

/// An item with the KPIs that serve it.
#[derive(Debug, Clone)]
pub struct Line {
    /// The part of the framework.
    pub part: Part,
    /// The item.
    pub item: Item,
    /// The KPIs that serve it, each with the figures of the org unit; none where it is not adopted.
    pub kpis: Vec<(Arc<Kpi>, Vec<Measurement>)>,
    /// What that comes to.
    pub served: Served,
}

/// A framework with the figures of a period.
#[derive(Debug, Clone)]
pub struct Report<'w> {
    /// The framework.
    pub framework: &'w Framework,
    /// Its items, in its order.
    pub lines: Vec<Line>,
    /// The figures' period; absent where there are none yet.
    pub period: Option<String>,
    /// The figures' org unit; absent where there are none yet.
    pub org_unit: Option<String>,
}

/// Whose figures, and when.
#[derive(Debug, Clone, Default)]
pub struct Of {
    /// The period; absent = last month.
    pub period: Option<Period>,
    /// The org unit; absent = the root of the tree.
    pub org_unit: Option<String>,
}

/// Puts the figures of an org unit for a period beside the items of a framework.
///
/// # Errors
/// There is no such org unit, or the journal cannot be read; that there is none yet is no error. `None` where there is no such
/// framework.
pub async fn report<'w>(
    workspace: &'w Workspace,
    (code, of): (&str, &Of),
    run: &Run,
    progress: &dyn Progress,
) -> Result<Option<Report<'w>>> {
    let Some(framework) = workspace.frameworks.iter().find(|of| of.code == code) else {
        return Ok(None);
    };
    let serving = workspace.catalogue.kpis.iter().filter(|kpi| {
        let mut items = kpi.frameworks.iter();
        items.any(|item| item.framework == code)
    });
    let serving: Vec<&Arc<Kpi>> = serving.collect();
    let adopted: BTreeSet<u32> = serving
        .iter()
        .filter(|kpi| workspace.programme.adopts(kpi))
        .map(|kpi| kpi.no)
        .collect();
    let figures = figures(workspace, &adopted, of, run, progress).await?;
    let mut lines = Vec::new();
    for part in &framework.parts {
        for item in &part.items {
            lines.push(line(code, part, item, &serving, &adopted, &figures));
        }
    }
    Ok(Some(Report {
        framework,
        lines,
        period: figures.first().map(|one| one.period.to_string()),
        org_unit: figures.first().map(|one| one.org_unit.to_string()),
    }))
}

fn line(
    code: &str,
    part: &Part,
    item: &Item,
    serving: &[&Arc<Kpi>],
    adopted: &BTreeSet<u32>,
    figures: &[Measurement],
) -> Line {
    let is_for = |kpi: &Kpi| {
        let mut items = kpi.frameworks.iter();
        items.any(|one| one.framework == code && one.id.value == item.id)
    };
    let kpis = serving.iter().filter(|kpi| is_for(kpi)).map(|kpi| {
        let own = figures
            .iter()
            .filter(|one| one.no == kpi.no && !one.is_companion);
        (Arc::clone(kpi), own.cloned().collect())
    });
    let kpis: Vec<(Arc<Kpi>, Vec<Measurement>)> = kpis.collect();
    let served = if kpis.is_empty() {
        Served::Nothing
    } else if kpis.iter().any(|(kpi, _)| adopted.contains(&kpi.no)) {
        Served::Adopted
    } else {
        Served::NotAdopted
    };
    Line {
        part: part.clone(),
        item: item.clone(),
        kpis,
        served,
    }
}

async fn figures(
    workspace: &Workspace,
    kpis: &BTreeSet<u32>,
    of: &Of,
    run: &Run,
    progress: &dyn Progress,
) -> Result<Vec<Measurement>> {
    if kpis.is_empty() {
        return Ok(Vec::new());
    }
    match workspace.journal(Opening::Existing).await {
        Ok(_) => {}
        Err(Error::Store(StoreError::NoJournal(_))) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    }
    let asked = Measure {
        kpis: kpis.iter().map(ToString::to_string).collect(),
        units: match &of.org_unit {
            Some(unit) => Units::Named(vec![unit.clone()]),
            None => Units::Root,
        },
        periods: of.period.into_iter().collect(),
        structure: Structure::default(),
        known_at: None,
        journal_version: None,
        author: run.author.clone(),
        now: run.now,
    };
    measure(workspace, &asked, progress).await
}
