//! Tells an org unit that does not exist from one that exists on other days only.

use keiki_engine::EngineError;
use keiki_model::calendar::{BEGINNING, date_of};
use keiki_model::org::Organisation;
use keiki_model::text::Text;

use crate::error::Error;

/// Says of an org unit that was not found on which days it exists, if on any.
pub(super) fn absence(organisation: &Organisation, error: EngineError) -> Error {
    let EngineError::UnknownOrgUnit { found, .. } = &error else {
        return Error::Engine(error);
    };
    let spans: Vec<String> = organisation
        .rows()
        .iter()
        .filter(|unit| unit.id == *found)
        .map(|unit| {
            let from = (unit.valid_from > BEGINNING).then(|| date_of(unit.valid_from).to_string());
            let until = unit.valid_until.map(|until| date_of(until).to_string());
            format!(
                "{} – {}",
                from.unwrap_or_default(),
                until.unwrap_or_default()
            )
        })
        .collect();
    if spans.is_empty() {
        return Error::Engine(error);
    }
    Error::user(
        Text::new(
            format!("その期間の末日には存在しない組織です: {found}"),
            format!("the org unit does not exist on the period's last day: {found}"),
        ),
        Text::new(
            format!("org.csv での有効期間: {}", spans.join(", ")),
            format!("org.csv says that it is valid {}", spans.join(", ")),
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
            let hint = absence(&organisation, error).hint().map(|hint| hint.en);
            hint.unwrap_or_default()
        };
        assert!(unknown("SG1").contains("2026-07-01"));
        assert!(!unknown("SG2").contains("valid"));
    }
}
