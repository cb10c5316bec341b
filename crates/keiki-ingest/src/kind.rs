//! The kinds of source, listed once: a new kind is a folder and a line in each match here.

use std::path::Path;

use keiki_model::document::{Located, read_document};

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;
use crate::{csv, json, kev, veris};

/// Names the form in which evidence comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// Comma-separated values.
    Csv,
    /// JSON: an array, lines of objects, or one object per file.
    Json,
    /// Incident reports in VERIS JSON.
    Veris,
    /// CISA's catalogue of known exploited vulnerabilities.
    Kev,
}

impl SourceKind {
    /// Every kind by the name that a definition gives it.
    pub const ALL: [(&'static str, Self); 4] = [
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("veris", Self::Veris),
        ("kev", Self::Kev),
    ];

    /// Its name in a definition.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Veris => "veris",
            Self::Kev => "kev",
        }
    }

    /// Guesses the kind of a file that comes without a definition from its extension.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let extension = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("json" | "ndjson" | "jsonl") => Self::Json,
            _ => Self::Csv,
        }
    }

    /// The dataset into which the kind maps of itself.
    #[must_use]
    pub fn dataset(self) -> Option<&'static str> {
        match self {
            Self::Csv | Self::Json => None,
            Self::Veris => Some("incidents"),
            Self::Kev => Some("exploited_vulnerabilities"),
        }
    }

    /// The mapping that the kind brings, by dataset column; a source's own takes its place column
    /// by column.
    pub(crate) fn preset(self) -> Vec<(String, Located)> {
        let text = match self {
            Self::Csv | Self::Json => return Vec::new(),
            Self::Veris => veris::PRESET,
            Self::Kev => kev::PRESET,
        };
        let file = format!("the mapping of kind {}", self.name());
        let read = read_document(&file, text, |node| {
            let columns = node.table("columns")?;
            Some(columns.all_strings())
        });
        read.expect("presets are part of the program and are read by a test")
    }

    /// Reads the files and pushes their rows. Returns what it means that a column is in none of the records.
    pub(crate) fn read(
        self,
        input: &[InputFile],
        source: &Source,
        context: &Context<'_>,
        rows: &mut ExtractBuilder<'_>,
    ) -> Result<AbsentColumn, IngestError> {
        match self {
            Self::Csv => csv::read(input, source, context, rows),
            Self::Json => json::read(input, source, context, rows),
            Self::Veris => veris::read(input, source, context, rows),
            Self::Kev => kev::read(input, source, context, rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use keiki_model::dataset::read_dataset;

    use super::*;

    #[test]
    fn every_preset_maps_to_columns_that_its_dataset_has() {
        for (_, kind) in SourceKind::ALL {
            let Some(name) = kind.dataset() else { continue };
            let file = format!("{name}.toml");
            let path = Path::new("../../datasets").join(&file);
            let text = std::fs::read_to_string(path).expect("the dataset is shipped");
            let dataset = read_dataset(&file, &text).expect("the dataset is well-formed");
            for (column, _) in kind.preset() {
                assert!(
                    dataset.column(&column).is_some(),
                    "{name} has no column {column}"
                );
            }
        }
    }

    #[test]
    fn every_kind_has_its_name_and_a_readable_preset() {
        for (name, kind) in SourceKind::ALL {
            assert_eq!(kind.name(), name);
            assert_eq!(kind.preset().is_empty(), kind.dataset().is_none());
        }
    }
}
