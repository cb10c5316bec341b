//! Computes the dataset's columns for every row of a chunk, and rejects the rows for which that
//! cannot be done.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{Field, Schema};
use keiki_model::dataset::{Column, Dataset, ORG_UNIT, OrgUnits};
use keiki_model::evidence::Reason;
use keiki_model::expression::Expression;
use keiki_model::repeats::MASK;

use crate::convert::{Forms, convert, excerpt, text};
use crate::error::IngestError;
use crate::identity;
use crate::mapping::{Mapped, Mapping, Origin};

/// The rows of a chunk that broke a rule, each with its reasons in the order in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Rejections {
    reasons: BTreeMap<usize, Vec<Reason>>,
}

impl Rejections {
    /// Rejects a row.
    pub(crate) fn add(&mut self, row: usize, reason: Reason) {
        self.reasons.entry(row).or_default().push(reason);
    }

    /// Tells whether a row is rejected.
    pub(crate) fn contains(&self, row: usize) -> bool {
        self.reasons.contains_key(&row)
    }

    /// Tells whether no row is rejected.
    pub(crate) fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }

    /// The rows, each with its first reason, in order.
    pub(crate) fn into_reasons(self) -> impl Iterator<Item = (usize, Reason)> {
        let rows = self.reasons.into_iter();
        rows.filter_map(|(row, reasons)| Some((row, reasons.into_iter().next()?)))
    }

    /// The rows with every reason, in order.
    pub(crate) fn every(&self) -> impl Iterator<Item = (usize, &Reason)> {
        let rows = self.reasons.iter();
        rows.flat_map(|(row, reasons)| reasons.iter().map(|reason| (*row, reason)))
    }
}

/// The typed columns of a chunk, rejected rows included.
#[derive(Debug)]
pub(crate) struct Typed {
    /// *Shape*: every column of the dataset, in its order.
    pub(crate) batch: RecordBatch,
    /// The day from which each row holds.
    pub(crate) effective_on: Option<ArrayRef>,
    /// The knowledge times of a load of history.
    pub(crate) known_at: Option<ArrayRef>,
    /// The order of versions of a load of history.
    pub(crate) order: Option<ArrayRef>,
    /// Values that are in doubt: they are null in the batch.
    pub(crate) doubted: Vec<Doubted>,
}

/// A value that a rule of the dataset does not let stand.
#[derive(Debug)]
pub(crate) struct Doubted {
    /// Number of the row in its chunk, from 0.
    pub(crate) row: usize,
    /// Which rule, and what stood there.
    pub(crate) reason: Reason,
}

/// Computes the columns.
///
/// # Errors
/// The arrays do not fit together, which is a fault of Keiki.
pub(crate) fn compute(
    mapping: &Mapping,
    chunk: &RecordBatch,
    dataset: &Dataset,
    forms: &Forms,
    rejections: &mut Rejections,
) -> Result<Typed, IngestError> {
    let chunk = &mapping.rows(chunk)?;
    let rows = chunk.num_rows();
    let mut fields = Vec::with_capacity(dataset.columns.len());
    let mut arrays = Vec::with_capacity(dataset.columns.len());
    for (mapped, column) in mapping.columns.iter().zip(&dataset.columns) {
        let mut array = values(mapping, mapped, chunk, forms, rejections)?;
        if column.name == ORG_UNIT && dataset.org_units == OrgUnits::Several {
            array = text::canonical_org_units(array.as_string());
        }
        if column.required
            && column.lookup.is_none()
            && dataset.minted_column() != Some(&column.name)
        {
            require(&column.name, &array, rejections);
        }
        check_list(column, mapped.is_hidden, &array, rejections);
        fields.push(Field::new(&column.name, column.kind.arrow(), true));
        arrays.push(array);
    }
    if let Some(key) = dataset.minted_column() {
        identity::mint(dataset, key, &fields, &mut arrays);
        if let Some(position) = fields.iter().position(|field| field.name() == key) {
            identity::require(dataset, key, &arrays[position], rejections);
        }
    }
    let mut extra =
        |mapped: &Option<Mapped>, is_required: bool| -> Result<Option<ArrayRef>, IngestError> {
            let Some(mapped) = mapped else {
                return Ok(None);
            };
            let array = values(mapping, mapped, chunk, forms, rejections)?;
            if is_required {
                require(&mapped.name, &array, rejections);
            }
            Ok(Some(array))
        };
    let effective_on = extra(&mapping.effective_on, false)?;
    let known_at = extra(&mapping.known_at, true)?;
    let order = extra(&mapping.order, true)?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|e| IngestError::internal(&e))?;
    Ok(Typed {
        batch,
        effective_on,
        known_at,
        order,
        doubted: Vec::new(),
    })
}

/// Computes one column in its declared type.
fn values(
    mapping: &Mapping,
    mapped: &Mapped,
    batch: &RecordBatch,
    forms: &Forms,
    rejections: &mut Rejections,
) -> Result<ArrayRef, IngestError> {
    let array = match &mapped.origin {
        Origin::Absent => return Ok(mapping.nulls(&mapped.kind.arrow(), batch.num_rows())),
        Origin::Column(number) => Arc::clone(batch.column(*number)),
        Origin::Expression(expression) => {
            let (array, faults) = evaluate(expression.as_ref(), batch)?;
            for (row, detail) in faults {
                let detail = if mapped.is_hidden {
                    MASK.to_owned()
                } else {
                    excerpt(&detail)
                };
                rejections.add(
                    row,
                    Reason::Expression {
                        column: mapped.name.clone(),
                        detail,
                    },
                );
            }
            array
        }
    };
    let converted = convert(&array, mapped.kind, forms.of(&mapped.name))
        .map_err(|detail| IngestError::Internal { detail })?;
    for (row, misfit) in converted.faults {
        let why = misfit.why.map(|why| Box::new(why.text()));
        let found = if mapped.is_hidden {
            MASK.to_owned()
        } else {
            misfit.found
        };
        let (column, expected) = (mapped.name.clone(), mapped.kind.name());
        rejections.add(
            row,
            Reason::WrongType {
                column,
                expected,
                found,
                why,
            },
        );
    }
    Ok(converted.array)
}

/// Evaluates an expression for all rows; where it fails, halves the rows until those at fault stand
/// alone, which are null.
///
/// # Errors
/// The parts do not fit together, which is a fault of Keiki.
pub(crate) fn evaluate(
    expression: &dyn Expression,
    batch: &RecordBatch,
) -> Result<(ArrayRef, Vec<(usize, String)>), IngestError> {
    if let Ok(array) = expression.evaluate(batch) {
        return Ok((array, Vec::new()));
    }
    let mut parts = Vec::new();
    let mut faults = Vec::new();
    let mut open = vec![(0, batch.num_rows())];
    while let Some((from, length)) = open.pop() {
        match expression.evaluate(&batch.slice(from, length)) {
            Ok(array) => parts.push(array),
            Err(detail) if length <= 1 => {
                parts.push(new_null_array(expression.data_type(), length));
                faults.push((from, detail));
            }
            Err(_) => {
                let half = length / 2;
                open.push((from + half, length - half));
                open.push((from, half));
            }
        }
    }
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    let array = concat(&parts).map_err(|e| IngestError::internal(&e))?;
    Ok((array, faults))
}

/// Rejects the rows that lack a value.
fn require(column: &str, array: &ArrayRef, rejections: &mut Rejections) {
    if array.null_count() == 0 {
        return;
    }
    for row in (0..array.len()).filter(|row| array.is_null(*row)) {
        rejections.add(
            row,
            Reason::MissingValue {
                column: column.to_owned(),
            },
        );
    }
}

/// Rejects the rows whose value is not in the column's closed list.
fn check_list(column: &Column, is_hidden: bool, array: &ArrayRef, rejections: &mut Rejections) {
    if column.values.is_empty() {
        return;
    }
    let Some(texts) = array.as_string_opt::<i32>() else {
        return;
    };
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        if !column.values.iter().any(|listed| listed == text) {
            let found = if is_hidden {
                MASK.to_owned()
            } else {
                excerpt(text)
            };
            let (column, expected) = (column.name.clone(), column.values.join(", "));
            rejections.add(
                row,
                Reason::NotListed {
                    column,
                    found,
                    expected,
                },
            );
        }
    }
}
