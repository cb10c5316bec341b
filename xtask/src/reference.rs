//! The reference pages of the catalogue, the datasets, the kinds of source and the frameworks, generated from their definitions.

mod catalogue;
mod datasets;
mod frameworks;
mod sources;

use std::path::{Path, PathBuf};

use keiki_model::catalogue::Catalogue;
use keiki_model::framework::{self, Framework};
use keiki_model::problem::Problem;
use keiki_model::text::Text;

/// The page of the KPIs.
pub const CATALOGUE_PAGE: &str = "docs/reference/catalogue.md";
/// The page of the datasets.
pub const DATASETS_PAGE: &str = "docs/reference/datasets.md";
/// The page of the kinds of source.
pub const SOURCES_PAGE: &str = "docs/reference/sources.md";
/// The page of the frameworks.
pub const FRAMEWORKS_PAGE: &str = "docs/reference/frameworks.md";

/// Why pages could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// Definitions are wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Definitions(Vec<Problem>),
}

type Result<T> = std::result::Result<T, ReferenceError>;

/// Writes the pages of the repository at `root`.
///
/// # Errors
/// A definition is wrong, or a file cannot be read or written.
pub fn write(root: &Path) -> Result<()> {
    for (page, text) in pages(root)? {
        let path = root.join(page);
        std::fs::write(&path, text).map_err(in_file(&path))?;
    }
    Ok(())
}

/// Makes the pages of the repository at `root`. *Shape*: path below the root, text.
///
/// # Errors
/// A definition is wrong or cannot be read.
pub fn pages(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let definitions = Definitions::read(root)?;
    Ok(vec![
        (CATALOGUE_PAGE, catalogue::page(root, &definitions)?),
        (DATASETS_PAGE, datasets::page(&definitions)),
        (SOURCES_PAGE, sources::page(&definitions)),
        (FRAMEWORKS_PAGE, frameworks::page(&definitions)),
    ])
}

/// The shipped definitions, each under its path below the root.
struct Definitions {
    catalogue: Catalogue,
    frameworks: Vec<Framework>,
}

impl Definitions {
    fn read(root: &Path) -> Result<Self> {
        let datasets = texts(root, "datasets", &|path| {
            path.extension().is_some_and(|e| e == "toml")
        })?;
        let kpis = texts(root, "catalogue", &|path| path.ends_with("kpi.toml"))?;
        let catalogue = Catalogue::read(&datasets, &kpis).map_err(ReferenceError::Definitions)?;
        let files = texts(root, "catalogue/frameworks", &|path| {
            path.extension().is_some_and(|e| e == "toml")
        })?;
        let mut frameworks = Vec::new();
        for (file, text) in files {
            frameworks.push(Framework::read(&file, &text).map_err(ReferenceError::Definitions)?);
        }
        frameworks.sort_by_key(|of| framework::CODES.iter().position(|code| *code == of.code));
        let problems = catalogue.check_context(&frameworks);
        if !problems.is_empty() {
            return Err(ReferenceError::Definitions(problems));
        }
        Ok(Self {
            catalogue,
            frameworks,
        })
    }
}

fn texts(
    root: &Path,
    folder: &str,
    is_wanted: &dyn Fn(&Path) -> bool,
) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(folder)];
    while let Some(folder) = open.pop() {
        for name in names(&root.join(&folder))? {
            let path = folder.join(name);
            if root.join(&path).is_dir() {
                open.push(path);
            } else if is_wanted(&path) {
                let text = std::fs::read_to_string(root.join(&path)).map_err(in_file(&path))?;
                found.push((path.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What a folder holds, sorted.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(in_file(folder))? {
        let entry = entry.map_err(in_file(folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn in_file(path: &Path) -> impl FnOnce(std::io::Error) -> ReferenceError + use<'_> {
    move |source| ReferenceError::File {
        path: path.display().to_string(),
        source,
    }
}

/// The line under the title of a page that nobody edits.
fn notice(of: &str) -> String {
    format!(
        "<!-- Generated from {of} by `cargo xtask reference`. Edit those files, not this page. -->\n"
    )
}

/// A text that stands as itself in Markdown, cells of tables included.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '[' | ']' | '`' | '~' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '\n' => out.push_str("<br>"),
            _ => out.push(c),
        }
    }
    out
}

/// A text as code in a cell of a table.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// Both languages in one cell or line.
fn both(text: &Text) -> String {
    format!("{}<br>{}", plain(&text.ja), plain(&text.en))
}

/// A row of a table.
fn row<C: AsRef<str>>(cells: &[C]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The first two lines of a table.
fn heading(titles: &[&str]) -> String {
    format!("\n{}|{}\n", row(titles), "---|".repeat(titles.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_reference_pages_are_fresh() {
        let root = Path::new("..");
        let pages = pages(root).expect("the definitions are sound");
        let stale: Vec<&str> = pages
            .iter()
            .filter(|(page, text)| {
                std::fs::read_to_string(root.join(page)).ok().as_ref() != Some(text)
            })
            .map(|(page, _)| *page)
            .collect();
        assert!(
            stale.is_empty(),
            "no longer what the definitions say: {}; run `cargo xtask reference` and commit what it writes",
            stale.join(", ")
        );
    }

    #[test]
    fn a_text_of_a_definition_is_never_markdown() {
        assert_eq!(plain("a|b <c> *d*"), "a\\|b &lt;c> \\*d\\*");
    }
}
