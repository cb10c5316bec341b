//! Org units that a user or a source names.

use keiki_model::calendar::Day;
use keiki_model::org::Organisation;
use keiki_model::text::Text;

use crate::config::{Workspace, suggestion};
use crate::error::{Error, Result};

/// Checks that org units exist, whenever.
pub(in crate::operations) fn check_units(workspace: &Workspace, ids: &[String]) -> Result<()> {
    let known = workspace
        .organisation
        .rows()
        .iter()
        .map(|unit| unit.id.as_str());
    for id in ids {
        if !known.clone().any(|known| known == id) {
            let message = Text::new(
                format!("組織がありません: {id}"),
                format!("unknown org unit: {id}"),
            );
            return Err(Error::user(message, suggestion(id, known)));
        }
    }
    Ok(())
}

/// All ids whose evidence belongs to one of the units or below it on a day, those that have ended among them.
pub(super) fn expand(organisation: &Organisation, units: &[String], day: Day) -> Vec<String> {
    let tree = organisation.tree(day);
    let outer: Vec<usize> = units
        .iter()
        .map(|id| tree.position_of_evidence(id))
        .collect();
    let mut ids: Vec<String> = organisation
        .rows()
        .iter()
        .filter(|unit| {
            let position = tree.position_of_evidence(&unit.id);
            outer.iter().any(|outer| tree.is_within(position, *outer))
        })
        .map(|unit| unit.id.clone())
        .chain(units.iter().cloned())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}
