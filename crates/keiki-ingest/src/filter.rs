//! Leaves out the rows of which a source or its kind says that they are not evidence of the
//! dataset.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use keiki_model::document::Located;
use keiki_model::evidence::Reason;
use keiki_model::expression::{Expression, Expressions};
use keiki_model::problem::Problem;
use keiki_model::text::Text;

use crate::columns::evaluate;
use crate::convert::excerpt;
use crate::error::IngestError;
use crate::extract::{AbsentColumn, Columns, Extract};
use crate::mapping::identifiers;

/// Compiles a condition over the source's columns; what a format leaves out is null.
///
/// # Errors
/// It does not compile, or yields no truth value.
pub(crate) fn compile(
    sql: &Located,
    columns: &SchemaRef,
    absent: AbsentColumn,
    expressions: &dyn Expressions,
) -> Result<(Arc<dyn Expression>, SchemaRef), IngestError> {
    let definition = |problem: Problem| IngestError::Definition {
        problems: vec![problem],
    };
    let schema = match absent {
        AbsentColumn::Fault => Arc::clone(columns),
        AbsentColumn::Null => with_absent_columns(sql, columns),
    };
    let compiled = expressions
        .compile(&sql.value, &schema)
        .map_err(|error| definition(error.into_problem(sql)))?;
    if compiled.data_type() != &DataType::Boolean {
        let message = Text::new(
            format!(
                "`where` の結果が真偽値ではありません: {}",
                compiled.data_type()
            ),
            format!("`where` yields {}, no truth value", compiled.data_type()),
        );
        let problem = Problem::new(sql.place.clone(), message);
        let hint = Text::new(
            "何かと比べてください(例: \"type\" = 'server')",
            "compare something, for example \"type\" = 'server'",
        );
        return Err(definition(problem.hint(hint)));
    }
    Ok((compiled, schema))
}

/// Keeps the rows for which `sql`, over the source's columns, is true. A row for which it cannot be
/// computed is rejected: nobody knows whether it is evidence.
///
/// # Errors
/// The expression does not compile, or yields no truth value.
pub(crate) fn apply(
    sql: &Located,
    mut extract: Extract,
    expressions: &dyn Expressions,
) -> Result<Extract, IngestError> {
    let absent = match extract.columns {
        Columns::Complete => AbsentColumn::Fault,
        Columns::Growing => AbsentColumn::Null,
    };
    let (compiled, schema) = compile(sql, &extract.batch.schema(), absent, expressions)?;
    let mut arrays = extract.batch.columns().to_vec();
    arrays.resize_with(schema.fields().len(), || {
        new_null_array(&DataType::Utf8, extract.batch.num_rows())
    });
    let batch = RecordBatch::try_new(schema, arrays).map_err(|e| IngestError::internal(&e))?;
    let (is_evidence, faults) = evaluate(compiled.as_ref(), &batch)?;
    let mut keep: Vec<bool> = is_evidence
        .as_boolean()
        .iter()
        .map(|value| value == Some(true))
        .collect();
    for (row, detail) in faults {
        keep[row] = false;
        let reason = Reason::Expression {
            column: "where".to_owned(),
            detail: excerpt(&detail),
        };
        extract.rejected.push((extract.places[row], reason));
    }
    let mut number = 0;
    let numbers: Vec<Option<usize>> = keep
        .iter()
        .map(|is_kept| {
            number += usize::from(*is_kept);
            is_kept.then(|| number - 1)
        })
        .collect();
    extract
        .left_unknown
        .retain_mut(|left| match numbers[left.row] {
            Some(number) => {
                left.row = number;
                true
            }
            None => false,
        });
    let mut kept = keep.iter();
    extract.places.retain(|_| kept.next() == Some(&true));
    extract.batch = filter_record_batch(&extract.batch, &BooleanArray::from(keep))
        .map_err(|e| IngestError::internal(&e))?;
    Ok(extract)
}

fn with_absent_columns(sql: &Located, columns: &SchemaRef) -> SchemaRef {
    let named: BTreeSet<String> = identifiers(&sql.value).into_iter().collect();
    let mut fields: Vec<Arc<Field>> = columns.fields().iter().cloned().collect();
    let absent = named
        .into_iter()
        .filter(|name| columns.index_of(name).is_err());
    fields.extend(absent.map(|name| Arc::new(Field::new(name, DataType::Utf8, true))));
    Arc::new(Schema::new(fields))
}
