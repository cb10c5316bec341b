//! All expressions over one schema as one program: what several of them share is computed once.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use datafusion::common::DFSchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{EmptyRelation, Expr, LogicalPlan, Projection};
use datafusion::optimizer::common_subexpr_eliminate::CommonSubexprEliminate;
use datafusion::optimizer::{OptimizerContext, OptimizerRule};
use datafusion::physical_expr::PhysicalExpr;

use super::plain;

/// Expressions that are computed together, in steps: each reads what the one before it gives.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    schema: SchemaRef,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
struct Step {
    expressions: Vec<Arc<dyn PhysicalExpr>>,
    gives: SchemaRef,
}

impl Program {
    /// Puts expressions together that are typed and simplified already.
    pub(super) fn new(
        context: &SessionContext,
        expressions: Vec<Expr>,
        frame: DFSchemaRef,
    ) -> Result<Self, DataFusionError> {
        let schema = Arc::clone(frame.inner());
        let named = expressions
            .into_iter()
            .enumerate()
            .map(|(index, expression)| expression.alias(format!("#{index}")))
            .collect();
        let rows = LogicalPlan::EmptyRelation(EmptyRelation {
            produce_one_row: false,
            schema: frame,
        });
        let whole = LogicalPlan::Projection(Projection::try_new(named, Arc::new(rows))?);
        let shared = CommonSubexprEliminate::new().rewrite(whole, &OptimizerContext::new())?;
        let mut steps = Vec::new();
        let mut plan = &shared.data;
        while let LogicalPlan::Projection(projection) = plan {
            let expressions = projection
                .expr
                .iter()
                .map(|e| context.create_physical_expr(e.clone(), projection.input.schema()))
                .collect::<Result<_, _>>()?;
            steps.push(Step {
                expressions,
                gives: Arc::clone(projection.schema.inner()),
            });
            plan = &projection.input;
        }
        steps.reverse();
        Ok(Self { schema, steps })
    }

    /// The columns that the expressions are computed from.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
    }

    /// Computes all expressions over a batch that has at least their columns, found by name.
    /// *Shape*: in the order in which they were given, one value per row.
    pub(crate) fn evaluate(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, String> {
        let column = |name: &str| {
            let found = batch.column_by_name(name).cloned();
            found.ok_or_else(|| format!("the batch has no column `{name}`"))
        };
        let columns = self.columns().map(column).collect::<Result<_, String>>()?;
        self.evaluate_columns(columns, batch.num_rows())
    }

    /// Computes all expressions over their columns, in the order of `columns`.
    pub(crate) fn evaluate_columns(
        &self,
        columns: Vec<ArrayRef>,
        rows: usize,
    ) -> Result<Vec<ArrayRef>, String> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let mut columns: Vec<ArrayRef> = columns
            .into_iter()
            .zip(self.schema.fields())
            .map(|(column, field)| {
                if column.data_type() == field.data_type() {
                    Ok(column)
                } else {
                    cast(&column, field.data_type()).map_err(|e| e.to_string())
                }
            })
            .collect::<Result<_, String>>()?;
        let mut schema = &self.schema;
        for step in &self.steps {
            let given = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
                .map_err(|e| e.to_string())?;
            columns = step
                .expressions
                .iter()
                .map(|e| e.evaluate(&given)?.into_array(rows))
                .collect::<Result<_, DataFusionError>>()
                .map_err(|e| plain(&e))?;
            schema = &step.gives;
        }
        Ok(columns)
    }
}
