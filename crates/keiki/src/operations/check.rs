//! Checks a workspace and counts what is in it.

use crate::config::Workspace;

/// What a sound workspace holds, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Org units, whenever valid.
    pub org_units: usize,
    /// Further hierarchies over them.
    pub hierarchies: usize,
    /// Sources.
    pub sources: usize,
    /// Datasets, shipped and own.
    pub datasets: usize,
    /// KPIs, shipped and own.
    pub kpis: usize,
}

/// Counts the contents of a workspace; that it was loaded means that all of it is sound.
#[must_use]
pub fn check(workspace: &Workspace) -> Contents {
    let ids: std::collections::BTreeSet<&str> = workspace
        .organisation
        .rows()
        .iter()
        .map(|unit| unit.id.as_str())
        .collect();
    Contents {
        org_units: ids.len(),
        hierarchies: workspace.hierarchies.len(),
        sources: workspace.sources.len(),
        datasets: workspace.catalogue.datasets.len(),
        kpis: workspace.catalogue.kpis.len(),
    }
}
