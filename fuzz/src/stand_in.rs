//! Stands in for the SQL engine: a mapping is the first column that it names, a condition is always true. What is tried are the
//! readers and the conversions behind them, and they are tried a thousand times a second.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use keiki_model::expression::{Expression, ExpressionError, Expressions};

/// The text of every condition.
pub(crate) const CONDITION: &str = "a condition";

/// Compiles anything.
#[derive(Debug)]
pub(crate) struct StandIn;

impl Expressions for StandIn {
    fn compile(
        &self,
        sql: &str,
        schema: &SchemaRef,
    ) -> Result<Arc<dyn Expression>, ExpressionError> {
        if sql == CONDITION {
            return Ok(Arc::new(True));
        }
        let named = schema
            .fields()
            .iter()
            .map(|field| field.name())
            .filter(|name| sql.contains(&format!("\"{name}\"")))
            .min_by_key(|name| sql.find(&format!("\"{name}\"")));
        Ok(Arc::new(Named(named.into_iter().cloned().collect())))
    }
}

#[derive(Debug)]
struct True;

impl Expression for True {
    fn data_type(&self) -> &DataType {
        &DataType::Boolean
    }

    fn columns(&self) -> &[String] {
        &[]
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef, String> {
        Ok(Arc::new(BooleanArray::from(vec![true; batch.num_rows()])))
    }
}

/// The column that an expression names first, or the same text in every row.
#[derive(Debug)]
struct Named(Vec<String>);

impl Expression for Named {
    fn data_type(&self) -> &DataType {
        &DataType::Utf8
    }

    fn columns(&self) -> &[String] {
        &self.0
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef, String> {
        let column = self.0.first().and_then(|name| batch.column_by_name(name));
        match column {
            Some(column) => {
                let texts = cast(column, &DataType::Utf8).map_err(|e| e.to_string())?;
                Ok(Arc::new(texts.as_string::<i32>().clone()))
            }
            None => Ok(Arc::new(StringArray::from(vec!["HD"; batch.num_rows()]))),
        }
    }
}
