//! What an org unit owes for a period: the datasets of the KPIs that concern it, save those that a system sends.

use std::collections::BTreeSet;
use std::sync::Arc;

use keiki_model::calendar::Period;
use keiki_model::collection::COLLECTION_SOURCE;
use keiki_model::dataset::{Dataset, DatasetKind, OrgUnits, REPORTED_FIGURES};
use keiki_model::kpi::{Indicator, Kpi};
use keiki_model::org::{Tree, UNASSIGNED};
use keiki_store::Snapshot;

use crate::config::Workspace;
use crate::operations::ingest::FILES_SOURCE;

/// The positions of the org units for which a unit speaks itself: it and its departments, not the entities below it.
pub(super) fn own_positions(tree: &Tree, unit: usize) -> Vec<usize> {
    let nodes = tree.nodes();
    (unit..nodes[unit].subtree_end)
        .filter(|at| nodes[*at].id != UNASSIGNED)
        .filter(|at| !nodes[unit].kind.is_entity() || tree.entity_of(*at) == unit)
        .collect()
}

/// The ids whose evidence belongs to a unit itself, those that have ended among them.
pub(super) fn own_units(workspace: &Workspace, tree: &Tree, unit: usize) -> Vec<String> {
    let own = own_positions(tree, unit);
    let ids: BTreeSet<String> = workspace
        .organisation
        .rows()
        .iter()
        .filter(|row| own.contains(&tree.position_of_evidence(&row.id)))
        .map(|row| row.id.clone())
        .collect();
    ids.into_iter().collect()
}

/// The org units that a form of a unit speaks for. A claim holds for all below a unit, so that a parent claims its departments
/// alone; the parent counts as reported once these have.
pub(super) fn claimed(tree: &Tree, unit: usize) -> Vec<String> {
    let nodes = tree.nodes();
    let has_entities = (unit + 1..nodes[unit].subtree_end).any(|at| nodes[at].kind.is_entity());
    if !has_entities {
        return vec![nodes[unit].id.clone()];
    }
    own_positions(tree, unit)
        .into_iter()
        .filter(|at| *at != unit && nodes[*at].parent == Some(unit))
        .map(|at| nodes[at].id.clone())
        .collect()
}

/// The indicators of the KPIs that concern a unit.
pub(super) fn indicators<'w>(
    workspace: &'w Workspace,
    tree: &Tree,
    unit: usize,
) -> Vec<(&'w Arc<Kpi>, Vec<&'w Indicator>)> {
    let kind = tree.nodes()[unit].kind;
    let mut found = Vec::new();
    for kpi in &workspace.catalogue.kpis {
        let concerns =
            workspace.programme.adopts(kpi) && workspace.programme.concerned(kpi.no, tree)[unit];
        if !concerns {
            continue;
        }
        let owed: Vec<&Indicator> = kpi
            .indicators
            .iter()
            .filter(|of| of.applies_to.is_empty() || of.applies_to.contains(&kind))
            .collect();
        if !owed.is_empty() {
            found.push((kpi, owed));
        }
    }
    found
}

/// The datasets that a unit owes for a period and no system sends, by name. `totals` are the KPIs that it reports as totals.
pub(super) fn datasets(
    workspace: &Workspace,
    snapshot: Option<&Snapshot>,
    tree: &Tree,
    unit: usize,
    (period, totals): (Period, &BTreeSet<u32>),
) -> Vec<Arc<Dataset>> {
    let calendar = &workspace.settings.calendar;
    let months = period.months(calendar);
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (kpi, indicators) in indicators(workspace, tree, unit) {
        let is_asked = |months| {
            let programme = &workspace.programme;
            programme.is_asked(kpi.no, (tree, unit), (months, calendar))
        };
        if totals.contains(&kpi.no) || !months.is_none_or(is_asked) {
            continue;
        }
        for name in indicators.iter().flat_map(|of| of.formula.measures()) {
            let measure = kpi.measure(name);
            names.extend(measure.map(|measure| measure.dataset.value.as_str()));
        }
    }
    let mut found: Vec<Arc<Dataset>> = Vec::new();
    for name in names {
        let Some(dataset) = asked_for(workspace, name) else {
            continue;
        };
        let is_sent = is_sent_by_a_system(workspace, snapshot, &dataset.name, tree, unit);
        if !is_sent && !found.iter().any(|known| known.name == dataset.name) {
            found.push(dataset);
        }
    }
    found
}

/// The dataset that is asked for in the place of a derived one; `None` for what has no org units.
fn asked_for(workspace: &Workspace, name: &str) -> Option<Arc<Dataset>> {
    let dataset = workspace.catalogue.datasets.get(name)?;
    let input = match (&dataset.kind, &dataset.distinct) {
        (DatasetKind::Derived, Some(distinct)) => {
            workspace.catalogue.datasets.get(&distinct.dataset.value)?
        }
        _ => dataset,
    };
    (input.org_units != OrgUnits::None && input.name != REPORTED_FIGURES).then(|| Arc::clone(input))
}

/// Tells whether a source of the workspace speaks for a unit: it says so, or has once done it.
pub(super) fn is_sent_by_a_system(
    workspace: &Workspace,
    snapshot: Option<&Snapshot>,
    dataset: &str,
    tree: &Tree,
    unit: usize,
) -> bool {
    let own = own_positions(tree, unit);
    let is_over = |id: &str| {
        let at = tree.position_of_evidence(id);
        tree.nodes()[at].id != UNASSIGNED && (tree.is_within(unit, at) || own.contains(&at))
    };
    let mut sources = workspace
        .sources
        .iter()
        .filter(|source| source.dataset == dataset);
    sources.any(|source| {
        let says_so = source.covers.iter().any(|id| is_over(id));
        let batches = snapshot.map_or(&[][..], Snapshot::batches).iter();
        let has_done_it = || {
            batches
                .filter(|batch| batch.dataset == dataset && batch.source == source.name)
                .filter(|batch| ![COLLECTION_SOURCE, FILES_SOURCE].contains(&batch.source.as_str()))
                .flat_map(|batch| &batch.claims)
                .any(|claim| is_over(&claim.org_unit))
        };
        says_so || (source.covers.is_empty() && has_done_it())
    })
}

/// The entities at and below a unit, which are asked one by one.
pub(super) fn entities_at_and_below(tree: &Tree, unit: usize) -> Vec<usize> {
    let nodes = tree.nodes();
    (unit..nodes[unit].subtree_end)
        .filter(|at| *at == unit || nodes[*at].kind.is_entity())
        .filter(|at| nodes[*at].id != UNASSIGNED)
        .collect()
}
