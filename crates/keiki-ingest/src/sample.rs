//! Holds a mapping against both of its sides before anything is read: the dataset, and the files that lie at its place.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use keiki_model::dataset::Dataset;
use keiki_model::expression::Expressions;
use keiki_model::problem::Problem;

use crate::error::IngestError;
use crate::extract::AbsentColumn;
use crate::mapping::{Mapping, identifiers};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

/// The most that is read to hold a mapping against a file. *Units*: bytes.
const SAMPLE_BYTES: u64 = 64 << 20;

/// What holding a mapping against the evidence came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampled {
    /// It fits the file.
    Fits,
    /// The file has no record, or is too large to be looked at beforehand.
    Unseen,
}

/// Compiles a mapping without its evidence: whatever it names is taken for a column of text. Unknown functions, code lists and
/// their columns show, and what is no SQL; whether the columns exist does not.
#[must_use]
pub fn check_mapping(source: &Source, expressions: &dyn Expressions) -> Vec<Problem> {
    let mut problems = Vec::new();
    for sql in source.expressions() {
        let names: BTreeSet<String> = identifiers(&sql.value).into_iter().collect();
        let fields = names.into_iter();
        let fields: Vec<Field> = fields
            .map(|n| Field::new(n, DataType::Utf8, true))
            .collect();
        if let Err(error) = expressions.compile(&sql.value, &Arc::new(Schema::new(fields))) {
            problems.push(error.into_problem(&sql));
        }
    }
    problems
}

/// Holds a source's mapping against the first of its files.
///
/// # Errors
/// The file cannot be read at all, or the mapping does not fit it.
pub fn check_against(
    source: &Source,
    dataset: &Dataset,
    files: &[InputFile],
    context: &Context<'_>,
) -> Result<Sampled, IngestError> {
    let Some(first) = files.first() else {
        return Ok(Sampled::Unseen);
    };
    let metadata = std::fs::metadata(&first.path).map_err(|e| IngestError::io(&first.name, e))?;
    if metadata.len() > SAMPLE_BYTES {
        return Ok(Sampled::Unseen);
    }
    let extract = source
        .kind
        .read(std::slice::from_ref(first), source, context)?;
    if extract.absent == AbsentColumn::Null && extract.places.is_empty() {
        return Ok(Sampled::Unseen);
    }
    Mapping::new(source, dataset, &extract, context.expressions)?;
    Ok(Sampled::Fits)
}
