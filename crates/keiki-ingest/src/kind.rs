//! The kinds of source: which reader reads them, how their values are written, and how they map to
//! datasets, each a file `kinds/<kind>/kind.toml`.
//!
//! A mapping that ships with Keiki is a *preset*. It is data: a further one needs no code, and an
//! organisation's own is a file `kinds/<kind>.toml` in its workspace.

mod definition;
mod registry;

use keiki_model::dataset::Dataset;
use keiki_model::document::Located;
use keiki_model::text::Text;

use crate::format::Format;
use crate::readers::Reader;

pub use registry::Kinds;

/// A form in which evidence comes.
#[derive(Debug)]
pub struct Kind {
    /// Name, the same as the folder's.
    pub name: String,
    /// What it is called.
    pub title: Text,
    /// What it reads, and what becomes of it.
    pub description: Text,
    /// The code that reads it.
    pub reader: Reader,
    /// The connector that fetches its evidence from a live system; `None` for evidence in files.
    pub connector: Option<String>,
    /// Extensions of files that are of this kind, where nobody says what they are.
    pub extensions: Vec<String>,
    /// Where the format is specified.
    pub references: Vec<String>,
    /// The text of a source of this kind.
    pub example: String,
    /// How the values of a source are written that says nothing about it.
    pub format: Format,
    /// The datasets into which it maps of itself; the first where a source names none.
    pub presets: Vec<Preset>,
    /// Content hash of the definition, hexadecimal, 16 characters.
    pub version: String,
    /// The file it was read from.
    pub file: String,
}

/// The mapping that a kind brings for one dataset.
#[derive(Debug)]
pub struct Preset {
    /// The dataset.
    pub dataset: String,
    /// How values are written where the dataset is this one.
    pub format: Format,
    /// SQL over the source's columns: which rows are evidence of the dataset.
    pub filter: Option<Located>,
    /// Dataset column and SQL expression over the source's columns.
    pub columns: Vec<(String, Located)>,
}

impl Kind {
    /// The dataset into which the kind maps where a source names none.
    #[must_use]
    pub fn dataset(&self) -> Option<&str> {
        self.presets.first().map(|preset| preset.dataset.as_str())
    }

    /// What it brings for a dataset.
    #[must_use]
    pub fn preset(&self, dataset: &str) -> Option<&Preset> {
        self.presets.iter().find(|preset| preset.dataset == dataset)
    }

    /// How values are written where nobody says so.
    pub(crate) fn format(&self, dataset: &str) -> &Format {
        self.preset(dataset)
            .map_or(&self.format, |preset| &preset.format)
    }
}

impl Preset {
    /// The columns that a source has to state, since the dataset requires them and the kind does not
    /// know them.
    #[must_use]
    pub fn left_to_source<'d>(&self, dataset: &'d Dataset) -> Vec<&'d str> {
        let is_mapped = |name: &str| self.columns.iter().any(|(column, _)| column == name);
        let required = dataset
            .columns
            .iter()
            .filter(|column| column.required && column.lookup.is_none());
        required
            .map(|column| column.name.as_str())
            .filter(|name| !is_mapped(name))
            .collect()
    }
}
