//! Reads XML: the elements at a path are records.
//!
//! *Source*: Extensible Markup Language (XML) 1.0, fifth edition (W3C, 2008). Names are local names; namespaces say nothing. A
//! record has its attributes (`@severity`), its own text (`text()`), the text of its children (`synopsis`), and what is
//! deeper under dotted names (`state.@reason`); several of one name are joined with `;`. It has the fields of the elements around it too, named
//! from the path's first step: `$.Report.ReportHost.@name`. Those may stand before or behind the records. Where children are a list of names
//! and values, `format.keys` says which attribute names them: with `tag@name`, `<tag name="os">` is `tag[os]`.
//!
//! The encoding is the one that the document declares. A document type is passed over; one that declares entities is refused, and nothing outside the file is ever read. A
//! document that is cut off is an error, because nobody knows what is missing. A record that is too long or too deep is
//! rejected.

mod document;
mod path;
mod records;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

use path::{Keys, Path};
use records::Records;

/// Reads the files as one reading.
///
/// # Errors
/// A file is not well-formed, is cut off, declares entities, or has another root than the path.
pub(crate) fn read(
    input: &[InputFile],
    source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    let limits = &context.limits;
    let path = Path::new(source.format.records.as_deref().unwrap_or_default());
    let keys = Keys::new(&source.format.keys);
    for file in input {
        rows.begin_file(&file.name);
        Records::new(&path, &keys, limits, rows).read(file)?;
    }
    Ok(AbsentColumn::Null)
}
