//! Which KPIs the programme has adopted, which the next stage of maturity adds, and what evidence each needs and has.

use std::sync::Arc;

use keiki_model::calendar::Day;
use keiki_model::dataset::Dataset;
use keiki_model::kpi::{Kpi, MATURITIES};
use keiki_store::{Batch, StoreError};

use super::catalogue;
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};

/// Where a KPI stands on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// The programme has adopted it.
    Adopted,
    /// The next stage adds it.
    Next,
    /// A later stage adds it.
    Later,
}

/// Evidence that a KPI needs.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Its dataset.
    pub dataset: Arc<Dataset>,
    /// The last day for which the journal has any; absent where it has none.
    pub until: Option<Day>,
}

/// A KPI on the way.
#[derive(Debug, Clone)]
pub struct Step {
    /// The KPI.
    pub kpi: Arc<Kpi>,
    /// Where it stands.
    pub adoption: Adoption,
    /// The evidence that it needs.
    pub evidence: Vec<Evidence>,
}

impl Step {
    /// Whether all the evidence that it needs is in the journal.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.evidence.iter().all(|of| of.until.is_some())
    }
}

/// A stage of maturity with its KPIs.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The maturity.
    pub maturity: &'static str,
    /// Its KPIs, in order of their numbers.
    pub steps: Vec<Step>,
}

/// Draws the way through the stages of maturity.
///
/// # Errors
/// The journal cannot be read; that there is none yet is no error.
pub async fn road_map(workspace: &Workspace) -> Result<Vec<Stage>> {
    let batches = match workspace.journal(Opening::Existing).await {
        Ok(journal) => journal.snapshot().await?.batches().to_vec(),
        Err(Error::Store(StoreError::NoJournal(_))) => Vec::new(),
        Err(error) => return Err(error),
    };
    let is_adopted = |kpi: &Kpi| workspace.programme.adopts(kpi);
    let kpis = &workspace.catalogue.kpis;
    let is_open = |maturity: &str| {
        let mut of = kpis.iter().filter(|kpi| kpi.maturity == maturity);
        of.any(|kpi| !is_adopted(kpi))
    };
    let next = MATURITIES.iter().map(|row| row.0).find(|of| is_open(of));
    let stage = |maturity: &'static str| {
        let of_stage = kpis.iter().filter(|kpi| kpi.maturity == maturity);
        let steps = of_stage.map(|kpi| Step {
            kpi: Arc::clone(kpi),
            adoption: match (is_adopted(kpi), next == Some(maturity)) {
                (true, _) => Adoption::Adopted,
                (false, true) => Adoption::Next,
                (false, false) => Adoption::Later,
            },
            evidence: evidence(workspace, kpi, &batches),
        });
        Stage {
            maturity,
            steps: steps.collect(),
        }
    };
    Ok(MATURITIES.iter().map(|row| stage(row.0)).collect())
}

fn evidence(workspace: &Workspace, kpi: &Kpi, batches: &[Batch]) -> Vec<Evidence> {
    let datasets = catalogue::datasets(&workspace.catalogue, kpi).into_iter();
    let of = |dataset: Arc<Dataset>| {
        // What follows from other evidence is there as soon as that is.
        let distinct = dataset.distinct.as_ref();
        let read = distinct.map_or(dataset.name.as_str(), |of| of.dataset.value.as_str());
        let until = batches.iter().filter(|batch| batch.dataset == read);
        Evidence {
            until: until.map(|batch| batch.as_of).max(),
            dataset,
        }
    };
    datasets.map(of).collect()
}
