//! What stands in the way of closing a period.

use std::collections::{BTreeMap, BTreeSet};

use keiki_model::calendar::{BEGINNING, Month, Period, date_of};
use keiki_model::measurement::Measurement;
use keiki_model::org::{Tree, UNASSIGNED};
use keiki_model::statement::{Obstacle, Statement};
use keiki_model::status::Status;
use keiki_store::Journal;

use super::coverage::{self, Asked, Timeliness};
use super::refusals::refused;
use super::{certify, notes, rejects, statement};
use crate::config::{Opening, Workspace};
use crate::error::Result;

/// Lists what stands in the way: evidence that is owed or too old, KPIs without data, rejected rows that are still out,
/// evidence of org units that nobody knows, failed sources, deviations that nobody explained, companies whose figures nobody
/// certified. *Shape*: by kind, then KPI or source.
pub(super) async fn obstacles(
    workspace: &Workspace,
    period: Period,
    of: &Statement,
    root: &str,
) -> Result<Vec<Obstacle>> {
    let journal = workspace.journal(Opening::Existing).await?;
    let measured = &of.measurements;
    let asked = AskedOf::new(workspace, period);
    let mut found = missing(measured, root, &asked);
    found.extend(without_data(measured, root, &found));
    found.extend(overdue(workspace, period).await?);
    found.extend(rejected(&journal).await?);
    found.extend(unassigned(measured));
    found.extend(failed(workspace, &journal).await?);
    found.extend(unexplained(workspace, of));
    found.extend(certify::missing(workspace, of));
    Ok(found)
}

/// Takes away what would tell of figures that are withheld or held: that one missed its target, or that there is none. *Shape*:
/// `measured` as its reader may see it.
pub(super) fn retain_shown(obstacles: &mut Vec<Obstacle>, measured: &[Measurement]) {
    let hidden = || measured.iter().filter(|one| one.is_guarded());
    obstacles.retain(|obstacle| match obstacle {
        Obstacle::Unexplained {
            kpi,
            indicator,
            org_unit,
        } => !hidden()
            .any(|one| one.no == *kpi && one.indicator == *indicator && one.org_unit == *org_unit),
        Obstacle::NoData { kpi } => !hidden().any(|one| one.no == *kpi),
        _ => true,
    });
}

/// Of whom the programme asks evidence in a period.
struct AskedOf<'w> {
    workspace: &'w Workspace,
    tree: Tree,
    months: Option<(Month, Month)>,
}

impl<'w> AskedOf<'w> {
    fn new(workspace: &'w Workspace, period: Period) -> Self {
        let months = period.months(&workspace.settings.calendar);
        let day = months.map_or(BEGINNING, |(_, last)| last.last_day());
        Self {
            workspace,
            tree: workspace.organisation.tree(day),
            months,
        }
    }

    fn is(&self, kpi: u32, unit: &str) -> bool {
        let (programme, calendar) = (&self.workspace.programme, &self.workspace.settings.calendar);
        let at = self.tree.position(unit).zip(self.months);
        at.is_none_or(|(node, months)| {
            programme.is_asked(kpi, (&self.tree, node), (months, calendar))
        })
    }
}

fn missing(measured: &[Measurement], root: &str, asked: &AskedOf<'_>) -> Vec<Obstacle> {
    let mut by_kpi: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for one in measured.iter().filter(|one| one.org_unit == *root) {
        let ids = one.grounds.missing.iter().map(String::as_str);
        let ids = ids.filter(|id| asked.is(one.no, id));
        by_kpi.entry(one.no).or_default().extend(ids);
    }
    by_kpi
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(kpi, ids)| Obstacle::Missing {
            kpi,
            org_units: ids.into_iter().map(str::to_owned).collect(),
        })
        .collect()
}

/// KPIs without a figure of the whole that are not listed for what is missing.
fn without_data(measured: &[Measurement], root: &str, listed: &[Obstacle]) -> Vec<Obstacle> {
    let is_listed = |no: u32| {
        listed
            .iter()
            .any(|one| matches!(one, Obstacle::Missing { kpi, .. } if *kpi == no))
    };
    let kpis: BTreeSet<u32> = measured
        .iter()
        .filter(|one| one.org_unit == *root && !one.is_companion && one.status == Status::NoData)
        .map(|one| one.no)
        .filter(|no| !is_listed(*no))
        .collect();
    kpis.into_iter()
        .map(|kpi| Obstacle::NoData { kpi })
        .collect()
}

/// Evidence that is too old on the last day of the period.
async fn overdue(workspace: &Workspace, period: Period) -> Result<Vec<Obstacle>> {
    let settings = &workspace.settings;
    let Some((_, last)) = period.months(&settings.calendar) else {
        return Ok(Vec::new());
    };
    let end = date_of(last.last_day() + 1).to_zoned(settings.zone.clone());
    let asked = Asked {
        org_unit: None,
        now: end.map_or(i64::MAX, |end| end.timestamp().as_microsecond() - 1),
    };
    let mut by_dataset: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for owed in coverage::list(workspace, &asked).await? {
        if owed.timeliness == Timeliness::Overdue && !owed.without_data.is_empty() {
            by_dataset
                .entry(owed.dataset)
                .or_default()
                .push(owed.org_unit);
        }
    }
    let obstacle = |(dataset, org_units)| Obstacle::Overdue { dataset, org_units };
    Ok(by_dataset.into_iter().map(obstacle).collect())
}

/// Counts what is still out: neither mended by a later reading nor replaced by one.
async fn rejected(journal: &Journal) -> Result<Vec<Obstacle>> {
    let snapshot = journal.snapshot().await?;
    let mut by_source: BTreeMap<String, u64> = BTreeMap::new();
    for one in rejects::still_out(journal, &snapshot).await?.commits {
        *by_source.entry(one.source.clone()).or_default() += one.len() as u64;
    }
    let obstacle = |(source, rows)| Obstacle::Rejected { source, rows };
    Ok(by_source.into_iter().map(obstacle).collect())
}

fn unassigned(measured: &[Measurement]) -> Vec<Obstacle> {
    let kpis: BTreeSet<u32> = measured
        .iter()
        .filter(|one| one.org_unit == UNASSIGNED && one.n.unwrap_or(0) > 0)
        .map(|one| one.no)
        .collect();
    let obstacle = |kpi| Obstacle::Unassigned { kpi };
    kpis.into_iter().map(obstacle).collect()
}

/// Sources that could not be read, and readings that were refused as a whole, unless a later one came in their place.
async fn failed(workspace: &Workspace, journal: &Journal) -> Result<Vec<Obstacle>> {
    let mut found = BTreeMap::new();
    let snapshot = journal.snapshot().await?;
    for one in refused(workspace, snapshot.batches()).await? {
        if one.mended_by.is_none() {
            found.insert(one.reading.source, one.reading.reason);
        }
    }
    for (source, standing) in workspace.readings().await?.all().await? {
        if let Some(reason) = standing.reason.filter(|_| standing.failed_at.is_some()) {
            found.insert(source, reason);
        }
    }
    let is_a_source = |name: &str| workspace.sources.iter().any(|source| source.name == name);
    found.retain(|source, _| is_a_source(source));
    let obstacle = |(source, reason)| Obstacle::Failed { source, reason };
    Ok(found.into_iter().map(obstacle).collect())
}

/// Deviations that nobody explained, where the workspace asks for explanations.
fn unexplained(workspace: &Workspace, of: &Statement) -> Vec<Obstacle> {
    if workspace.settings.close.explain.is_empty() {
        return Vec::new();
    }
    let units = statement::explained_units(workspace, of);
    notes::deviations(&of.measurements, &units)
        .filter(|one| of.remarks.explanation(one).is_none())
        .map(|one| Obstacle::Unexplained {
            kpi: one.no,
            indicator: one.indicator.clone(),
            org_unit: one.org_unit.clone(),
        })
        .collect()
}
