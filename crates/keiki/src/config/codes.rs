//! What mappings look up: the code lists of a workspace and what tools call its org units.

use std::path::Path;

use keiki_engine::expressions::Codes;
use keiki_ingest::Source;
use keiki_model::codes::{CodeList, CodeLists};
use keiki_model::dataset::content_version;
use keiki_model::org::{ALIASES_FILE, OrgUnitNames, Organisation};
use keiki_model::problem::Problem;

use super::{Content, LISTS_FOLDER, ORG_FILE, Workspace};

/// Reads the lists and aliases.
pub(super) fn codes(
    content: &Content,
    organisation: &Organisation,
) -> std::result::Result<Codes, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut lists = CodeLists::new();
    for (file, text) in content.below(LISTS_FOLDER) {
        let name = Path::new(&file).file_stem().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        match CodeList::read(&name, &file, &text) {
            Ok(list) => {
                lists.insert(name, list);
            }
            Err(found) => problems.extend(found),
        }
    }
    let mut org_units = OrgUnitNames::of(organisation);
    if let Some(text) = content.get(ALIASES_FILE) {
        match org_units.clone().with_aliases(ALIASES_FILE, text) {
            Ok(named) => org_units = named,
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        Ok(Codes { lists, org_units })
    } else {
        Err(problems)
    }
}

impl Workspace {
    /// The version of what a source's rows are mapped by: its definition, with the lists and names of org units that its
    /// expressions look up. Where one of them changes, the same file is a new reading.
    #[must_use]
    pub fn mapping_version(&self, source: &Source) -> String {
        let expressions = source.expressions();
        let names = |word: &str| expressions.iter().any(|sql| sql.value.contains(word));
        let mut used: Vec<(String, String)> = Vec::new();
        if names("lookup") {
            used.extend(self.content.below(LISTS_FOLDER));
        }
        if names("org_unit(") || names("org_unit_on(") {
            let files = [ALIASES_FILE, ORG_FILE].map(|file| {
                let text = self.content.get(file).unwrap_or_default();
                (file.to_owned(), text.to_owned())
            });
            used.extend(files);
        }
        if used.is_empty() {
            return source.version.clone();
        }
        content_version(&format!("{} {used:?}", source.version))
    }
}
