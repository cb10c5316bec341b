//! What stands in the way of closing a period.

use std::collections::{BTreeMap, BTreeSet};

use keiki_model::measurement::Measurement;
use keiki_model::org::UNASSIGNED;
use keiki_model::statement::Obstacle;
use keiki_store::{Afterwards, Journal, Outcome};

use crate::error::Result;

/// Lists what stands in the way: evidence that is owed, rejected rows that are still out, evidence of org units that
/// nobody knows. *Shape*: by kind, then KPI or source.
pub(super) async fn obstacles(
    journal: &Journal,
    measured: &[Measurement],
    root: &str,
) -> Result<Vec<Obstacle>> {
    let mut found = missing(measured, root);
    found.extend(rejected(journal).await?);
    found.extend(unassigned(measured));
    Ok(found)
}

fn missing(measured: &[Measurement], root: &str) -> Vec<Obstacle> {
    let mut by_kpi: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for one in measured.iter().filter(|one| one.org_unit == *root) {
        let ids = one.grounds.missing.iter().map(String::as_str);
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

/// Counts what is still out: neither mended by a later reading nor replaced by one.
async fn rejected(journal: &Journal) -> Result<Vec<Obstacle>> {
    let snapshot = journal.snapshot().await?;
    let rejects = journal.rejects(&snapshot).await?;
    let afterwards = journal.afterwards(&snapshot, &rejects).await?;
    let mut by_source: BTreeMap<String, u64> = BTreeMap::new();
    for (reject, afterwards) in rejects.into_iter().zip(afterwards) {
        if reject.outcome == Outcome::Rejected && afterwards == Afterwards::Open {
            *by_source.entry(reject.source).or_default() += 1;
        }
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
