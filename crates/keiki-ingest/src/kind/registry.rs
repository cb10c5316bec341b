//! All kinds of source that can be named: those that ship with Keiki, and a workspace's own.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use include_dir::{Dir, include_dir};
use keiki_model::problem::{Place, Problem};
use keiki_model::text::Text;

use super::{Kind, definition};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/kinds");

static SHIPPED: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::read(shipped_texts())
        .expect("the kinds are part of the program, and a test reads all of them")
});

/// The kind of a file of which nothing else is known.
const FALLBACK: &str = "csv";

/// Kinds of source by name.
#[derive(Debug, Clone)]
pub struct Kinds {
    kinds: Vec<Arc<Kind>>,
}

impl Kinds {
    /// The kinds that ship with Keiki.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// The shipped kinds and a workspace's own, each a file and its text; the file is named after
    /// the kind.
    ///
    /// # Errors
    /// Every fault of the files, a name that is taken among them.
    pub fn with(own: &[(String, String)]) -> Result<Self, Vec<Problem>> {
        let mut kinds = Self::shipped().clone();
        let texts = own.iter().map(|(file, text)| {
            let stem = Path::new(file).file_stem().unwrap_or_default();
            (
                stem.to_string_lossy().into_owned(),
                file.clone(),
                text.clone(),
            )
        });
        kinds.add(Self::read(texts)?)?;
        Ok(kinds)
    }

    fn read(
        texts: impl IntoIterator<Item = (String, String, String)>,
    ) -> Result<Self, Vec<Problem>> {
        let mut kinds = Vec::new();
        let mut problems = Vec::new();
        for (name, file, text) in texts {
            match definition::read(&name, &file, &text) {
                Ok(kind) => kinds.push(Arc::new(kind)),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() {
            Ok(Self { kinds })
        } else {
            Err(problems)
        }
    }

    fn add(&mut self, own: Self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        for kind in own.kinds {
            if self.get(&kind.name).is_some() {
                let place = Place::file(&kind.file);
                let problem = Problem::new(
                    place,
                    Text::new(
                        format!("種類 `{}` はすでにあります", kind.name),
                        format!("there is a kind `{}` already", kind.name),
                    ),
                );
                problems.push(problem.hint(Text::new(
                    "別の名前を付けてください",
                    "give it a name of its own",
                )));
            } else {
                self.kinds.push(kind);
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    /// Every kind, the shipped ones first, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.kinds.iter()
    }

    /// The kind of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Kind>> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// Guesses the kind of a file that comes without a definition from its extension.
    #[must_use]
    pub fn of_file(&self, path: &Path) -> &Arc<Kind> {
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
            .unwrap_or_default();
        let claims = |kind: &&Arc<Kind>| kind.extensions.contains(&extension);
        self.kinds
            .iter()
            .find(claims)
            .or_else(|| self.get(FALLBACK))
            .unwrap_or(&self.kinds[0])
    }
}

/// The shipped definitions as (name, file, text).
fn shipped_texts() -> Vec<(String, String, String)> {
    let mut texts: Vec<_> = FILES
        .dirs()
        .filter_map(|folder| {
            let name = folder.path().to_string_lossy().into_owned();
            let file = FILES.get_file(folder.path().join("kind.toml"))?;
            let text = file.contents_utf8()?.to_owned();
            Some((
                name.clone(),
                format!("<keiki>/kinds/{name}/kind.toml"),
                text,
            ))
        })
        .collect();
    texts.sort();
    texts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use keiki_model::dataset::read_dataset;

    use super::*;
    use crate::source::{EFFECTIVE_ON, read_source};

    #[test]
    fn every_shipped_kind_is_read_and_says_what_it_is() {
        let texts = shipped_texts();
        assert_eq!(
            texts.len(),
            FILES.dirs().count(),
            "a folder has no kind.toml"
        );
        let kinds = Kinds::read(texts).expect("the shipped kinds are well-formed");
        for kind in kinds.iter() {
            assert!(
                !kind.references.is_empty(),
                "{} names no reference",
                kind.name
            );
            assert!(!kind.description.en.is_empty() && !kind.description.ja.is_empty());
        }
    }

    #[test]
    fn every_example_is_a_source_of_its_kind() {
        for kind in Kinds::shipped().iter() {
            let name = kind
                .example
                .lines()
                .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
                .unwrap_or_else(|| unreachable!("{} has no example", kind.name));
            let source = read_source(&format!("{name}.toml"), &kind.example, Kinds::shipped())
                .unwrap_or_else(|problems| unreachable!("{}: {problems:?}", kind.name));
            assert_eq!(source.kind.name, kind.name);
            let problems = source.check(&dataset(&source.dataset));
            assert!(problems.is_empty(), "{}: {problems:?}", kind.name);
        }
    }

    #[test]
    fn every_preset_maps_to_columns_that_its_dataset_has() {
        for kind in Kinds::shipped().iter() {
            for preset in &kind.presets {
                let dataset = dataset(&preset.dataset);
                assert!(!preset.columns.is_empty(), "{} maps nothing", kind.name);
                for (column, _) in &preset.columns {
                    assert!(
                        dataset.column(column).is_some() || column == EFFECTIVE_ON,
                        "{}: {} has no column {column}",
                        kind.name,
                        dataset.name
                    );
                }
            }
        }
    }

    #[test]
    fn no_extension_is_claimed_by_two_kinds() {
        let mut claimed = BTreeSet::new();
        for kind in Kinds::shipped().iter() {
            for extension in &kind.extensions {
                assert!(claimed.insert(extension), "{extension} is of two kinds");
                let path = format!("x.{}", extension.to_uppercase());
                let found = Kinds::shipped().of_file(Path::new(&path));
                assert_eq!(found.name, kind.name);
            }
        }
        assert_eq!(Kinds::shipped().of_file(Path::new("x")).name, FALLBACK);
    }

    #[test]
    fn a_workspace_brings_kinds_of_its_own_but_takes_no_name_twice() {
        let text = Kinds::shipped()
            .get("kev")
            .map(|_| FILES.get_file("kev/kind.toml"))
            .and_then(|file| file?.contents_utf8())
            .expect("kev ships with the program");
        let own = |name: &str| {
            let text = text.replace(
                "name = \"kev\"\nreader",
                &format!("name = \"{name}\"\nreader"),
            );
            Kinds::with(&[(format!("kinds/{name}.toml"), text)])
        };
        let kinds = own("own_list").expect("the definition is sound");
        assert_eq!(
            kinds.get("own_list").and_then(|kind| kind.dataset()),
            Some("exploited_vulnerabilities")
        );
        let problems = own("kev").expect_err("kev is taken");
        assert!(problems[0].message.en.contains("already"), "{problems:?}");
    }

    fn dataset(name: &str) -> keiki_model::dataset::Dataset {
        let file = format!("{name}.toml");
        let path = Path::new("../../datasets").join(&file);
        let text = std::fs::read_to_string(path).expect("the dataset is shipped");
        read_dataset(&file, &text).expect("the dataset is well-formed")
    }
}
