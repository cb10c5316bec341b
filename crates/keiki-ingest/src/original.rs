//! Reads rows again as they stood in their files, so that a rejected one can be mended and sent back.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray};

use crate::error::IngestError;
use crate::extract::{Extract, ExtractBuilder};
use crate::mapping;
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

/// A row as it stood in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalRow {
    /// The file.
    pub file: String,
    /// Line of a text file, or number of the record, from 1.
    pub row: u64,
    /// The source's columns and what stood in them, without those that were empty.
    pub cells: Vec<(String, String)>,
}

/// Reads the wanted rows, named by file and row. Returns the source's columns in their order, and the rows that can be read.
///
/// # Errors
/// A file cannot be read at all.
pub fn original_rows(
    source: &Source,
    files: &[InputFile],
    wanted: &BTreeSet<(String, u64)>,
    context: &Context<'_>,
) -> Result<(Vec<String>, Vec<OriginalRow>), IngestError> {
    let mut names: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    let mut take = |extract: Extract| {
        let schema = extract.batch.schema();
        names = schema.fields().iter().map(|f| f.name().clone()).collect();
        rows.extend(wanted_of(&extract, &names, wanted));
        Ok(())
    };
    let asked = mapping::named(source);
    let (nulls, limits) = (&source.format.nulls, &context.limits);
    let mut builder = ExtractBuilder::new(nulls, limits, &asked, &mut take);
    source
        .kind
        .reader
        .read(files, source, context, &mut builder)?;
    builder.finish()?;
    Ok((names, rows))
}

/// The wanted rows of a chunk.
fn wanted_of(
    extract: &Extract,
    names: &[String],
    wanted: &BTreeSet<(String, u64)>,
) -> Vec<OriginalRow> {
    let mut rows = Vec::new();
    for (position, place) in extract.places.iter().enumerate() {
        let file = usize::try_from(place.file).ok();
        let file = file.and_then(|file| extract.files.get(file)).cloned();
        let at = (file.unwrap_or_default(), place.row);
        if !wanted.contains(&at) {
            continue;
        }
        let cells = names.iter().zip(extract.batch.columns());
        let cells = cells.filter_map(|(name, array)| {
            let texts = array.as_string_opt::<i32>()?;
            let text = texts.is_valid(position).then(|| texts.value(position))?;
            Some((name.clone(), text.to_owned()))
        });
        rows.push(OriginalRow {
            cells: cells.collect(),
            file: at.0,
            row: at.1,
        });
    }
    rows
}
