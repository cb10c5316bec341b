//! Checks a workspace and counts what is in it.

use keiki_ingest::sample::{Sampled, check_against};
use keiki_ingest::{Context, IngestError, Limits, Source, place};
use keiki_model::problem::{Place, Problem};
use keiki_model::text::Text;

use super::ingest::derived;
use crate::config::Workspace;
use crate::error::{Error, Result};

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
    /// Sources whose mapping was held against a file that lies at their place.
    pub sampled: usize,
}

/// Holds the mappings of a workspace against the files that are there, and counts its contents; that it was loaded means that
/// all else is sound.
///
/// # Errors
/// All mappings that do not fit their files, at once.
pub async fn check(workspace: &Workspace) -> Result<Contents> {
    let mut problems = derived::check(workspace).await?;
    let mut sampled = 0;
    for source in &workspace.sources {
        match sample(workspace, source) {
            Ok(Sampled::Fits) => sampled += 1,
            Ok(Sampled::Unseen) | Err(IngestError::NoFile { .. }) => {}
            Err(IngestError::Definition { problems: found }) => problems.extend(found),
            Err(error) => {
                let place = error.place().unwrap_or_else(|| Place::file(&source.file));
                let before = format!("{place}: ");
                let without = |said: String| match said.strip_prefix(&before) {
                    Some(rest) => rest.to_owned(),
                    None => said,
                };
                let said = error.message();
                let message = Text::new(without(said.ja), without(said.en));
                problems.push(Problem::new(place, message).hint(error.hint()));
            }
        }
    }
    if !problems.is_empty() {
        return Err(Error::Problems { problems });
    }
    let ids: std::collections::BTreeSet<&str> = workspace
        .organisation
        .rows()
        .iter()
        .map(|unit| unit.id.as_str())
        .collect();
    Ok(Contents {
        org_units: ids.len(),
        hierarchies: workspace.hierarchies.len(),
        sources: workspace.sources.len(),
        datasets: workspace.catalogue.datasets.len(),
        kpis: workspace.catalogue.kpis.len(),
        sampled,
    })
}

/// Holds a source's mapping against the first of its files.
fn sample(workspace: &Workspace, source: &Source) -> std::result::Result<Sampled, IngestError> {
    let dataset = workspace.catalogue.datasets.get(&source.dataset);
    let (Some(dataset), Some(place)) = (dataset, &source.place) else {
        return Ok(Sampled::Unseen);
    };
    let files = place::expand(&place.value, &workspace.root)?;
    let context = Context {
        expressions: workspace.mappings.as_ref(),
        zone: workspace.settings.zone.clone(),
        limits: Limits::default(),
        // Only columns are looked at, and every day has the same.
        as_of: 0,
    };
    check_against(source, dataset, &files, &context)
}
