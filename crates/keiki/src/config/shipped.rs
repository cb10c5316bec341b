//! The definitions that come with the program, embedded in it.

use include_dir::{Dir, include_dir};

static CATALOGUE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../catalogue");
static DATASETS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../datasets");

/// The name under which a shipped file is known in messages.
pub(super) const ORIGIN: &str = "<keiki>";

/// The shipped datasets as (file, text), in the order of their names.
#[must_use]
pub fn datasets() -> Vec<(String, String)> {
    texts(&DATASETS, "datasets", &|name| super::files::is_toml(name))
}

/// The shipped KPIs as (file, text), in the order of their folders.
#[must_use]
pub fn kpis() -> Vec<(String, String)> {
    texts(&CATALOGUE, "catalogue", &|name| name.ends_with("/kpi.toml"))
}

/// The frameworks to which KPIs are mapped as (file, text).
#[must_use]
pub fn frameworks() -> Vec<(String, String)> {
    let is_framework = |name: &str| name.starts_with("frameworks/") && super::files::is_toml(name);
    texts(&CATALOGUE, "catalogue", &is_framework)
}

fn texts(
    root: &Dir<'static>,
    folder: &str,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(dir) = open.pop() {
        open.extend(dir.dirs());
        for file in dir.files() {
            let name = file.path().to_string_lossy().replace('\\', "/");
            if let Some(text) = file.contents_utf8().filter(|_| is_wanted(&name)) {
                found.push((format!("{ORIGIN}/{folder}/{name}"), text.to_owned()));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_definitions_are_in_the_program() {
        assert!(
            datasets()
                .iter()
                .any(|(file, _)| file == "<keiki>/datasets/assets.toml")
        );
        assert!(
            kpis()
                .iter()
                .any(|(file, _)| file.ends_with("01_hardware_inventory/kpi.toml"))
        );
    }
}
