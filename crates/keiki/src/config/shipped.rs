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

/// The shipped datasets and KPIs as (file, text).
pub(super) fn definitions() -> impl Iterator<Item = (String, String)> {
    datasets().into_iter().chain(kpis())
}

/// Whether a definition of this name came with the program.
pub(super) fn is_shipped(file: &str) -> bool {
    file.strip_prefix(ORIGIN)
        .is_some_and(|rest| rest.starts_with('/'))
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
    use jiff::tz::TimeZone;
    use keiki_engine::expressions::SqlExpressions;
    use keiki_model::calendar::Calendar;
    use keiki_model::catalogue::Catalogue;

    use super::*;

    /// A workspace does not check them again (`config::Workspace`), so that this is the check.
    #[test]
    fn the_shipped_definitions_are_sound() {
        let catalogue = Catalogue::read(&datasets(), &kpis()).expect("the definitions can be read");
        assert_eq!(
            (catalogue.datasets.len(), catalogue.kpis.len()),
            (datasets().len(), 47)
        );
        let compiler = SqlExpressions::new(Calendar::default(), TimeZone::UTC);
        assert_eq!(catalogue.check(&compiler, &|_| false), []);
        // The check can fail: a KPI over a column that is not there.
        let broken = kpis()
            .into_iter()
            .map(|(file, text)| (file, text.replace("is_in_scope", "is_in_scoop")));
        let broken = Catalogue::read(&datasets(), &broken.collect::<Vec<_>>())
            .expect("names are not looked up yet");
        assert_ne!(broken.check(&compiler, &|_| false), []);
        assert_eq!(broken.check(&compiler, &is_shipped), []);
    }

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
