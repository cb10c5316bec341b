//! Holds the dataset's row rules and the source's stated scope against the typed rows.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::util::display::array_value_to_string;
use keiki_model::dataset::Dataset;
use keiki_model::document::Located;
use keiki_model::evidence::{BY_SQL, Cell, Reason};
use keiki_model::expression::{Expression, Expressions};
use keiki_model::problem::{Place, Problem};
use keiki_model::repeats::MASK;
use keiki_model::text::Text;

use crate::columns::{Doubted, Rejections, Typed, evaluate};
use crate::convert::excerpt;
use crate::error::IngestError;
use crate::source::Source;

/// The dataset's row rules and the source's stated scope, compiled once for all chunks of a reading.
#[derive(Debug)]
pub(crate) struct Conditions {
    rules: Vec<Arc<dyn Expression>>,
    scope: Option<Arc<dyn Expression>>,
}

impl Conditions {
    /// Compiles them over the columns of typed rows.
    ///
    /// # Errors
    /// One does not compile, or is no condition.
    pub(crate) fn new(
        source: &Source,
        dataset: &Dataset,
        schema: &SchemaRef,
        expressions: &dyn Expressions,
    ) -> Result<Self, IngestError> {
        let rules = dataset.rules.iter();
        let rules = rules.map(|rule| condition(&rule.require, schema, expressions));
        let scope = source.scope.predicate.as_ref().map(|predicate| Located {
            value: format!("({predicate}) is true"),
            place: source.scope_place.clone(),
        });
        let scope = scope.map(|sql| condition(&sql, schema, expressions));
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
            scope: scope.transpose()?,
        })
    }

    /// Rejects the rows that a rule or the scope does not let pass; a rule that names the value in doubt takes that out alone.
    ///
    /// # Errors
    /// The parts of a result do not fit together, which is a fault of Keiki.
    pub(crate) fn check(
        &self,
        source: &Source,
        dataset: &Dataset,
        typed: &mut Typed,
        rejections: &mut Rejections,
    ) -> Result<(), IngestError> {
        self.check_rules(dataset, typed, rejections)?;
        self.check_scope(source, dataset, &typed.batch, rejections)
    }

    /// Rejects the rows for which a rule of the dataset is false; unknown passes.
    fn check_rules(
        &self,
        dataset: &Dataset,
        typed: &mut Typed,
        rejections: &mut Rejections,
    ) -> Result<(), IngestError> {
        for (rule, compiled) in dataset.rules.iter().zip(&self.rules) {
            let batch = typed.batch.clone();
            let mut doubted = Vec::new();
            let mut broken = |columns: &[String], row: usize| {
                // What is taken as unknown comes first.
                let is_other = |name: &&String| {
                    let unknown = rule.unknown.as_ref();
                    unknown.is_none_or(|unknown| unknown.value != **name)
                };
                let mut columns: Vec<&String> = columns.iter().collect();
                columns.sort_by_key(is_other);
                let reason = Reason::RuleBroken {
                    ja: rule.message.ja.clone(),
                    en: rule.message.en.clone(),
                    rule: rule.require.value.clone(),
                    cells: cells(dataset, &batch, columns, row),
                };
                if rule.unknown.is_none() {
                    return Some(reason);
                }
                doubted.push(Doubted { row, reason });
                None
            };
            reject_where_false(dataset, &batch, compiled.as_ref(), &mut broken, rejections)?;
            if let Some(unknown) = rule.unknown.as_ref().filter(|_| !doubted.is_empty()) {
                typed.batch = without(&batch, &unknown.value, &doubted)?;
                typed.doubted.append(&mut doubted);
            }
        }
        Ok(())
    }

    /// Rejects the rows that lie outside what the source says that it holds; so does a row of which it
    /// cannot be told. Org units in scope are for the caller to hold against the tree, which is not known here.
    fn check_scope(
        &self,
        source: &Source,
        dataset: &Dataset,
        batch: &RecordBatch,
        rejections: &mut Rejections,
    ) -> Result<(), IngestError> {
        let (Some(predicate), Some(compiled)) = (&source.scope.predicate, &self.scope) else {
            return Ok(());
        };
        let mut outside = |_: &[String], _| {
            let found = format!("{BY_SQL}{}", excerpt(predicate));
            Some(Reason::OutsideScope { found })
        };
        reject_where_false(dataset, batch, compiled.as_ref(), &mut outside, rejections)
    }
}

/// Compiles a condition.
fn condition(
    sql: &Located,
    schema: &SchemaRef,
    expressions: &dyn Expressions,
) -> Result<Arc<dyn Expression>, IngestError> {
    let compiled = expressions
        .compile(&sql.value, schema)
        .map_err(|error| definition(error.into_problem(sql)))?;
    match compiled.data_type() {
        DataType::Boolean | DataType::Null => Ok(compiled),
        other => {
            let problem = Problem::new(
                sql.place.clone(),
                Text::new(
                    format!("条件式が必要です(現在は {other})"),
                    format!("a condition is needed, found {other}"),
                ),
            );
            Err(definition(problem.hint(Text::new(
                "真偽値になる式を書いてください",
                "write an expression that is true or false",
            ))))
        }
    }
}

/// The rows with a column unknown in those where it is in doubt.
fn without(
    batch: &RecordBatch,
    column: &str,
    doubted: &[Doubted],
) -> Result<RecordBatch, IngestError> {
    let fault = |e| IngestError::internal(&e);
    let schema = batch.schema();
    let position = schema.index_of(column).map_err(fault)?;
    let mut is_doubted = vec![false; batch.num_rows()];
    for one in doubted {
        is_doubted[one.row] = true;
    }
    let mut arrays = batch.columns().to_vec();
    arrays[position] = nullif(&arrays[position], &BooleanArray::from(is_doubted)).map_err(fault)?;
    RecordBatch::try_new(schema, arrays).map_err(fault)
}

/// Rejects the rows for which a condition is false, where there is a reason for it.
fn reject_where_false(
    dataset: &Dataset,
    batch: &RecordBatch,
    compiled: &dyn Expression,
    reason: &mut dyn FnMut(&[String], usize) -> Option<Reason>,
    rejections: &mut Rejections,
) -> Result<(), IngestError> {
    if compiled.data_type() == &DataType::Null {
        return Ok(());
    }
    let (array, faults) = evaluate(compiled, batch)?;
    for (row, detail) in faults {
        let columns = compiled.columns();
        let is_personal =
            |name: &String| dataset.column(name).is_some_and(|column| column.personal);
        let detail = if columns.iter().any(is_personal) {
            MASK.to_owned()
        } else {
            excerpt(&detail)
        };
        let column = columns.first().cloned().unwrap_or_default();
        rejections.add(row, Reason::Expression { column, detail });
    }
    let holds = array.as_boolean();
    if holds.false_count() > 0 {
        for (row, holds) in holds.iter().enumerate() {
            if holds == Some(false)
                && let Some(reason) = reason(compiled.columns(), row)
            {
                rejections.add(row, reason);
            }
        }
    }
    Ok(())
}

/// The cells of a row that a rule reads, those that name a person hidden.
fn cells(dataset: &Dataset, batch: &RecordBatch, columns: Vec<&String>, row: usize) -> Vec<Cell> {
    let cell = |column: &String| {
        let array = batch.column_by_name(column)?;
        let is_personal = dataset.column(column).is_some_and(|column| column.personal);
        let shown = || {
            if is_personal {
                MASK.to_owned()
            } else {
                excerpt(&array_value_to_string(array, row).unwrap_or_default())
            }
        };
        Some(Cell {
            column: column.clone(),
            value: array.is_valid(row).then(shown),
        })
    };
    columns.into_iter().filter_map(cell).collect()
}

fn definition(mut problem: Problem) -> IngestError {
    if problem.place.file.is_empty() {
        problem.place = Place::file("<rule>");
    }
    IngestError::Definition {
        problems: vec![problem],
    }
}
