//! Finds hierarchies, and tells an org unit that does not exist from one that exists on other days only.

use keiki_engine::EngineError;
use keiki_model::calendar::{BEGINNING, date_of};
use keiki_model::org::{Hierarchy, Organisation};
use keiki_model::text::{Language, Text};

use crate::config::{HIERARCHIES_FOLDER, ORG_FILE, Workspace, suggestion};
use crate::error::{Error, Result};

/// Finds the hierarchy that is asked for; `None` for the org tree.
pub(super) fn hierarchy<'w>(
    workspace: &'w Workspace,
    name: Option<&str>,
) -> Result<Option<&'w Hierarchy>> {
    let Some(name) = name else { return Ok(None) };
    let mut all = workspace.hierarchies.iter();
    let found = all.find(|hierarchy| hierarchy.name == name);
    found.map(Some).ok_or_else(|| {
        let names = workspace.hierarchies.iter().map(|of| of.name.as_str());
        let hint = if workspace.hierarchies.is_empty() {
            Text::new(
                format!("{HIERARCHIES_FOLDER}/{name}.csv を作成してください"),
                format!("there are none; make {HIERARCHIES_FOLDER}/{name}.csv"),
            )
        } else {
            suggestion(name, names)
        };
        let message = Text::new(
            format!("階層がありません: {name}"),
            format!("unknown hierarchy: {name}"),
        );
        Error::user(message, hint)
    })
}

/// Says of an org unit that was not found on which days it exists, if on any.
pub(super) fn absence(
    organisation: &Organisation,
    hierarchy: Option<&Hierarchy>,
    error: EngineError,
) -> Error {
    let EngineError::UnknownOrgUnit { found, .. } = &error else {
        return Error::Engine(error);
    };
    let file = hierarchy.map_or_else(
        || ORG_FILE.to_owned(),
        |of| format!("{HIERARCHIES_FOLDER}/{}.csv", of.name),
    );
    let spans: Vec<Text> = hierarchy
        .map_or(organisation.rows(), Hierarchy::rows)
        .iter()
        .filter(|unit| unit.id == *found)
        .map(|unit| {
            let from = (unit.valid_from > BEGINNING).then(|| date_of(unit.valid_from).to_string());
            let until = unit.valid_until.map(|until| date_of(until).to_string());
            span(from.as_deref(), until.as_deref())
        })
        .collect();
    if spans.is_empty() {
        let is_left_out = organisation.rows().iter().any(|unit| unit.id == *found);
        return match hierarchy.filter(|_| is_left_out) {
            None => Error::Engine(error),
            Some(hierarchy) => left_out(found, &hierarchy.name, &file),
        };
    }
    let all = |language| {
        let spans: Vec<&str> = spans.iter().map(|span| span.get(language)).collect();
        spans.join(", ")
    };
    let taken_over = organisation
        .rows()
        .iter()
        .rfind(|unit| unit.id == *found)
        .and_then(|unit| unit.successor_id.as_deref())
        .map_or_else(|| Text::new("", ""), goes_on);
    Error::user(
        Text::new(
            format!("その期間の末日には存在しない組織です: {found}"),
            format!("the org unit does not exist on the period's last day: {found}"),
        ),
        Text::new(
            format!(
                "{file} での有効期間: {}{}",
                all(Language::Ja),
                taken_over.ja
            ),
            format!(
                "{file} says that it is valid {}{}",
                all(Language::En),
                taken_over.en
            ),
        ),
    )
}

/// Where the evidence of an org unit counts once it has ended.
fn goes_on(successor: &str) -> Text {
    Text::new(
        format!("。廃止後の証跡は {successor} に計上されます"),
        format!("; after that its evidence counts at {successor}"),
    )
}

/// The days on which an org unit exists: from its first to the one on which it is no more.
fn span(from: Option<&str>, until: Option<&str>) -> Text {
    match (from, until) {
        (Some(from), Some(until)) => Text::new(
            format!("{from} 以降、{until} より前"),
            format!("from {from} and before {until}"),
        ),
        (Some(from), None) => Text::new(format!("{from} 以降"), format!("from {from} on")),
        (None, Some(until)) => Text::new(format!("{until} より前"), format!("before {until}")),
        (None, None) => Text::new("すべての日", "on every day"),
    }
}

/// Says of an org unit that a hierarchy does not place it.
fn left_out(id: &str, hierarchy: &str, file: &str) -> Error {
    Error::user(
        Text::new(
            format!("階層 {hierarchy} に含まれない組織です: {id}"),
            format!("the hierarchy {hierarchy} does not place the org unit: {id}"),
        ),
        Text::new(
            format!("{file} に行を追加するか、--hierarchy を外してください"),
            format!("add a row to {file}, or leave --hierarchy out"),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_of_other_days_is_told_from_one_that_never_was() {
        let text = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
                    HD,,架空,Fictional,group,JP,,,\nSG1,HD,亜,Asia,overseas,SG,2026-07-01,,\n";
        let organisation = Organisation::read("org.csv", text).expect("the tree is sound");
        let unknown = |id: &str| {
            let error = EngineError::UnknownOrgUnit {
                found: id.to_owned(),
                near: None,
            };
            let hint = absence(&organisation, None, error)
                .hint()
                .map(|hint| hint.en);
            hint.unwrap_or_default()
        };
        assert!(unknown("SG1").contains("2026-07-01"));
        assert!(!unknown("SG2").contains("valid"));
    }
}
