//! What stands in the way of closing a period.

use std::collections::{BTreeMap, BTreeSet};

use keiki_model::measurement::Measurement;
use keiki_model::org::UNASSIGNED;
use keiki_model::statement::Obstacle;
use keiki_store::{Journal, Outcome};

use crate::error::Result;

/// Lists what stands in the way: evidence that is owed, rejected rows of a source's last reading, evidence of org units that
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

/// A later reading of a source resolves what an earlier one left.
async fn rejected(journal: &Journal) -> Result<Vec<Obstacle>> {
    let snapshot = journal.snapshot().await?;
    let last: BTreeMap<&str, i64> = snapshot
        .batches()
        .iter()
        .map(|batch| (batch.source.as_str(), batch.seq))
        .collect();
    let mut by_source: BTreeMap<String, u64> = BTreeMap::new();
    for reject in journal.rejects(&snapshot).await? {
        let is_last = last.get(reject.source.as_str()) == Some(&reject.seq);
        if is_last && reject.outcome == Outcome::Rejected {
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
