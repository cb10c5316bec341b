//! Holds a mapping against both of its sides before anything is read: the dataset, and the files that lie at its place.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use keiki_model::dataset::Dataset;
use keiki_model::expression::Expressions;
use keiki_model::problem::Problem;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, Columns, Extract, ExtractBuilder};
use crate::filter;
use crate::mapping::{Mapping, Required, identifiers, wanted};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;
use crate::unpack;

/// What holding a mapping against the evidence came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampled {
    /// It fits the file.
    Fits,
    /// There is no file, or it has no record.
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

/// Holds a source's mapping against the first rows of the first of its files.
///
/// # Errors
/// The file cannot be read at all, or the mapping does not fit it.
pub fn check_against(
    source: &Source,
    dataset: &Dataset,
    files: &[InputFile],
    context: &Context<'_>,
) -> Result<Sampled, IngestError> {
    let packed = &files[..files.len().min(1)];
    let files = unpack::members(
        packed,
        source.kind.reader.archives(),
        source.format.encoding,
    )?;
    let Some(first) = files.first() else {
        return Ok(Sampled::Unseen);
    };
    let Some((extract, absent)) = first_rows((source, dataset), first, context)? else {
        return Ok(Sampled::Unseen);
    };
    let columns = extract.batch.schema();
    if let Some(sql) = source.filter() {
        filter::compile(sql, &columns, absent.0, context.expressions)?;
    }
    Mapping::new(
        source,
        dataset,
        (&columns, &[]),
        absent,
        context.expressions,
    )?;
    Ok(Sampled::Fits)
}

/// A chunk, and what it means that a column is not in it.
type FirstRows = (Extract, (AbsentColumn, Required));

/// The first chunk of a file, and what a column means that is not in it; `None` where the file has no record to show columns.
fn first_rows(
    (source, dataset): (&Source, &Dataset),
    file: &InputFile,
    context: &Context<'_>,
) -> Result<Option<FirstRows>, IngestError> {
    let mut first: Option<Extract> = None;
    let mut is_enough = false;
    let mut take = |extract: Extract| {
        if first.is_none() {
            first = Some(extract);
            return Ok(());
        }
        is_enough = true;
        Err(IngestError::internal(&"enough has been read"))
    };
    let wanted = wanted(source, dataset);
    let (nulls, limits) = (&source.format.nulls, &context.limits);
    let mut rows = ExtractBuilder::new(nulls, limits, &wanted, &mut take);
    let read = source
        .kind
        .reader
        .read(std::slice::from_ref(file), source, context, &mut rows)
        .and_then(|absent| rows.finish().map(|()| absent));
    let Some(extract) = first else {
        return read.map(|_absent| None);
    };
    let absent = match (read, is_enough) {
        (Ok(absent), _) => (absent, Required::Held),
        (Err(_), true) if extract.columns == Columns::Complete => {
            (AbsentColumn::Fault, Required::Held)
        }
        (Err(_), true) => (AbsentColumn::Null, Required::Open),
        (Err(error), false) => return Err(error),
    };
    let is_empty = absent.0 == AbsentColumn::Null && extract.places.is_empty();
    Ok((!is_empty).then_some((extract, absent)))
}
