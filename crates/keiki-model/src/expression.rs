//! The seam between what Keiki means and the SQL engine that evaluates predicates, values and mappings.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};

use crate::document::Located;
use crate::problem::{Place, Problem};
use crate::text::Text;

/// Compiles SQL expressions against a schema. The engine implements it; ingest and store only use it.
pub trait Expressions: Send + Sync {
    /// Compiles `sql` over the columns of `schema`.
    ///
    /// # Errors
    /// The expression does not parse, names an unknown column or function, or its types do not fit.
    fn compile(
        &self,
        sql: &str,
        schema: &SchemaRef,
    ) -> Result<Arc<dyn Expression>, ExpressionError>;
}

/// A compiled expression.
pub trait Expression: Send + Sync + fmt::Debug {
    /// The type of its values.
    fn data_type(&self) -> &DataType;

    /// The columns that it reads, by name, sorted.
    fn columns(&self) -> &[String];

    /// Evaluates it over a batch that has at least those columns (found by name). *Shape*: one value per row.
    ///
    /// # Errors
    /// A value cannot be computed, for example a cast that fails; the message names no row.
    fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef, String>;
}

/// Says why an expression did not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", message.en)]
pub struct ExpressionError {
    /// What is wrong.
    pub message: Text,
    /// How to mend it.
    pub hint: Option<Text>,
    /// Byte offset in the SQL text at which it is wrong, where known.
    pub offset: Option<usize>,
}

impl ExpressionError {
    /// Turns the fault into a problem that points into the file that holds the expression.
    #[must_use]
    pub fn into_problem(self, sql: &Located) -> Problem {
        let mut place = sql.place.clone();
        if let Some(offset) = self.offset {
            let within = Place::at("", &sql.value, offset);
            if within.line == 1 {
                place.column += within.column - 1;
            } else {
                place.line += within.line - 1;
                place.column = within.column;
            }
        }
        Problem {
            place,
            message: Box::new(self.message),
            hint: self.hint.map(Box::new),
        }
    }
}
