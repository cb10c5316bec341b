//! How a collection stands: which org unit was sent what, what came back, and what is missing.

use std::collections::{BTreeMap, BTreeSet};

use keiki_model::calendar::{Period, local_day};
use keiki_model::collection::COLLECTION_SOURCE;
use keiki_store::{Batch, SentForm, StoreError};

use super::{forms, owed, span};
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};
use crate::operations::ingest::scope::check_units;

/// How a dataset of an org unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is owed, and no form was made.
    NotSent,
    /// A form was made and has not come back.
    Missing,
    /// It came back.
    Back,
    /// It came back with some rows rejected.
    Partly,
    /// It came back: there is nothing.
    Nothing,
}

/// A dataset of an org unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The org unit.
    pub org_unit: String,
    /// The dataset.
    pub dataset: String,
    /// How it stands.
    pub state: State,
    /// The last form that was made.
    pub sent: Option<SentForm>,
    /// The last reading of it.
    pub back: Option<Batch>,
}

/// Lists how the collection of a period stands, in the order of the tree.
///
/// # Errors
/// An org unit does not exist, or the books cannot be read.
pub async fn status(
    workspace: &Workspace,
    period: Period,
    units: &[String],
    now: i64,
) -> Result<Vec<Standing>> {
    check_units(workspace, units)?;
    let (_, last) = span(workspace, period)?;
    let day = last.min(local_day(now, &workspace.settings.zone));
    let tree = workspace.organisation.tree(day);
    let sent = forms(workspace)
        .await?
        .of_period(&period.to_string())
        .await?;
    let snapshot = match workspace.journal(Opening::Existing).await {
        Ok(journal) => Some(journal.snapshot().await?),
        Err(Error::Store(StoreError::NoJournal(_))) => None,
        Err(error) => return Err(error),
    };
    let batches: &[Batch] = snapshot.as_ref().map_or(&[], |snapshot| snapshot.batches());
    let none = BTreeSet::new();
    let mut owing: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for unit in owed::entities_at_and_below(&tree, 0) {
        let owed = owed::datasets(workspace, snapshot.as_ref(), &tree, unit, (period, &none));
        let names = owed.into_iter().map(|dataset| dataset.name.clone());
        owing.entry(unit).or_default().extend(names);
    }
    for form in &sent {
        let unit = tree.position_of_evidence(&form.org_unit);
        owing.entry(unit).or_default().extend(form.datasets.clone());
    }
    let mut standings = Vec::new();
    for (unit, datasets) in owing {
        let id = &tree.nodes()[unit].id;
        if !units.is_empty() && !units.contains(id) {
            continue;
        }
        for dataset in datasets {
            standings.push(standing(id, dataset, &sent, batches));
        }
    }
    Ok(standings)
}

fn standing(org_unit: &str, dataset: String, sent: &[SentForm], batches: &[Batch]) -> Standing {
    let of_unit = || {
        sent.iter()
            .filter(|form| form.org_unit == org_unit && form.datasets.contains(&dataset))
    };
    let last = of_unit().next_back().cloned();
    let back = batches
        .iter()
        .rev()
        .filter(|batch| batch.source == COLLECTION_SOURCE && batch.dataset == dataset)
        .find(|batch| of_unit().any(|form| form.id == batch.mapping_version))
        .cloned();
    let state = match (&last, &back) {
        (None, _) => State::NotSent,
        (Some(_), None) => State::Missing,
        (Some(_), Some(batch)) if batch.counts.rejected > 0 => State::Partly,
        (Some(_), Some(batch)) if batch.counts.accepted == 0 => State::Nothing,
        (Some(_), Some(_)) => State::Back,
    };
    Standing {
        org_unit: org_unit.to_owned(),
        dataset,
        state,
        sent: last,
        back,
    }
}
