//! Expressions of measures, read once: told apart into conditions, and put together as programs.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::utils::{conjunction, split_conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::prelude::lit;
use keiki_model::expression::ExpressionError;

use super::branchless::{branchless, is_easy};
use super::{Program, SqlExpressions, fault, fitted};

/// An expression over the columns of a schema, with its types fitted together, simplified.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    expr: Expr,
    data_type: DataType,
}

/// A part of a predicate: where it is false, so is the predicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition(Expr);

/// An expression that can be put together with others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Whole(Expr);

impl Whole {
    /// Tells whether it is true of every row, whatever the row holds.
    pub(crate) fn is_always_true(&self) -> bool {
        matches!(&self.0, Expr::Literal(ScalarValue::Boolean(Some(true)), _))
    }

    /// The condition that all of several hold.
    pub(crate) fn all_of(conditions: &[Condition]) -> Self {
        let parts = conditions.iter().map(|condition| condition.0.clone());
        Self(conjunction(parts).unwrap_or_else(|| lit(true)))
    }
}

impl Fitted {
    pub(crate) fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// The conditions that a predicate sets and that are easy to tell: they look only at texts and flags, and cannot fail.
    pub(crate) fn easy_conditions(&self, schema: &SchemaRef) -> Vec<Condition> {
        let Ok(frame) = DFSchema::try_from(schema.as_ref().clone()) else {
            return Vec::new();
        };
        let parts = split_conjunction(&self.expr).into_iter();
        let easy = parts.filter(|part| is_easy(part, &frame));
        easy.map(|part| Condition(part.clone())).collect()
    }

    /// The expression as it stands.
    pub(crate) fn whole(&self) -> Whole {
        Whole(self.expr.clone())
    }

    /// What is left of a predicate for rows of which some conditions are known to be true.
    pub(crate) fn given(&self, conditions: &[Condition]) -> Whole {
        if self.data_type != DataType::Boolean {
            return self.whole();
        }
        let is_open = |part: &Expr| !conditions.iter().any(|known| known.0 == *part);
        let parts = split_conjunction_owned(self.expr.clone()).into_iter();
        let rest = conjunction(parts.filter(is_open));
        Whole(rest.unwrap_or_else(|| lit(true)))
    }
}

impl SqlExpressions {
    /// Reads an expression of a measure.
    ///
    /// # Errors
    /// It is not SQL, names a column that is not there, or its types do not go together.
    pub(crate) fn fit(&self, sql: &str, schema: &SchemaRef) -> Result<Fitted, ExpressionError> {
        let read = || {
            let frame = DFSchema::try_from(schema.as_ref().clone())?;
            let expr = fitted(self.parsed(sql, &frame)?, &frame)?;
            let data_type = expr.get_type(&frame)?;
            Ok::<_, DataFusionError>(Fitted { expr, data_type })
        };
        read().map_err(|error| fault(&error, sql, schema))
    }

    /// Puts several expressions over the columns of a schema together. The program reads only the columns that bear on one.
    ///
    /// # Errors
    /// They do not go together.
    pub(crate) fn program(
        &self,
        expressions: &[Whole],
        schema: &SchemaRef,
    ) -> Result<Program, ExpressionError> {
        let named = expressions.iter().flat_map(|one| one.0.column_refs());
        let read: BTreeSet<&str> = named.map(|column| column.name.as_str()).collect();
        let fields = schema.fields().iter();
        let fields = fields.filter(|field| read.contains(field.name().as_str()));
        let narrow = Schema::new(fields.cloned().collect::<Vec<_>>());
        let put_together = || {
            let frame = DFSchema::try_from(narrow)?;
            let typed = expressions.iter();
            let typed = typed.map(|one| branchless(one.0.clone(), &frame));
            let typed = typed.collect::<Result<_, _>>()?;
            Program::new(&self.context, typed, Arc::new(frame))
        };
        put_together().map_err(|error| fault(&error, "", schema))
    }
}
