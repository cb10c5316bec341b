//! Measures become plans: what each reads, with its expressions.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use keiki_model::dataset::{Dataset, content_version};
use keiki_store::entries_schema;

use super::bound::{BoundClock, BoundExpression, BoundMeasure};
use super::families::Expressed;
use super::{ClockPlan, DatasetPlan, MeasurePlan};
use crate::error::{EngineError, Result};
use crate::expressions::{Fitted, SqlExpressions};

/// Reads the expressions of all measures over one dataset, each once.
pub(super) struct Maker<'m> {
    dataset: &'m Arc<Dataset>,
    schema: SchemaRef,
    compiler: &'m Arc<SqlExpressions>,
    expressions: Vec<Fitted>,
    by_sql: HashMap<String, usize>,
    fingerprint: String,
    bound: Vec<BoundMeasure>,
}

impl<'m> Maker<'m> {
    pub(super) fn new(dataset: &'m Arc<Dataset>, compiler: &'m Arc<SqlExpressions>) -> Self {
        // Texts are read as dictionaries, so that a comparison costs one look per distinct value.
        let entries = entries_schema(dataset);
        let fields: Vec<Arc<Field>> = entries
            .fields()
            .iter()
            .filter(|field| dataset.column(field.name()).is_some())
            .cloned()
            .collect();
        Self {
            dataset,
            schema: Arc::new(Schema::new(fields)),
            compiler,
            expressions: Vec::new(),
            by_sql: HashMap::new(),
            fingerprint: format!("{} {}", dataset.name, dataset.version),
            bound: Vec::new(),
        }
    }

    fn add(&mut self, expression: &BoundExpression) -> Result<usize> {
        if let Some(known) = self.by_sql.get(&expression.sql) {
            return Ok(*known);
        }
        let fitted = self
            .compiler
            .fit(&expression.sql, &self.schema)
            .map_err(|error| EngineError::Definition(error.into_problem(&expression.written)))?;
        self.expressions.push(fitted);
        self.by_sql
            .insert(expression.sql.clone(), self.expressions.len() - 1);
        Ok(self.expressions.len() - 1)
    }

    fn optional(&mut self, expression: Option<&BoundExpression>) -> Result<Option<usize>> {
        expression.map(|one| self.add(one)).transpose()
    }

    /// Plans a measure.
    ///
    /// # Errors
    /// One of its expressions does not compile.
    pub(super) fn measure(&mut self, measure: BoundMeasure) -> Result<MeasurePlan> {
        let filter = self.optional(measure.filter.as_ref())?;
        let value = self.optional(measure.value.as_ref())?;
        let group = self.optional(measure.group.as_ref())?;
        let clock = match &measure.clock {
            BoundClock::Stock { from, until } => ClockPlan::Stock {
                from: self.optional(from.as_ref())?,
                until: self.optional(until.as_ref())?,
            },
            BoundClock::Flow { on } => ClockPlan::Flow { on: self.add(on)? },
            BoundClock::Spell { begins, ends } => ClockPlan::Spell {
                begins: self.add(begins)?,
                ends: self.add(ends)?,
            },
        };
        let scale = match value.map(|index| self.expressions[index].data_type()) {
            Some(DataType::Decimal128(_, scale)) => u32::try_from(*scale).unwrap_or(0),
            _ => 0,
        };
        let is_dated = match &clock {
            ClockPlan::Spell { begins, .. } => {
                self.expressions[*begins].data_type() == &DataType::Date32
            }
            _ => false,
        };
        let mut plan = MeasurePlan {
            is_dated,
            name: measure.name.clone(),
            version: String::new(),
            filter,
            value,
            divisor: 10_i128.pow(scale),
            group,
            has_histogram: measure.has_histogram,
            keeps_day: measure.keeps_day,
            clock,
            step: measure.step,
        };
        plan.version = self.version_of(&plan);
        self.fingerprint
            .push_str(&format!("\n{} {plan:?}", measure.kpi));
        self.bound.push(measure);
        Ok(plan)
    }

    /// The version of a measure: numbers of expressions, which depend on what other measures there are, give way to their SQL.
    fn version_of(&self, plan: &MeasurePlan) -> String {
        let sql = |number: usize| {
            let mut all = self.by_sql.iter();
            all.find(|(_, at)| **at == number).map(|(sql, _)| sql)
        };
        let (kind, clock) = match plan.clock {
            ClockPlan::Stock { from, until } => ("stock", [from, until]),
            ClockPlan::Flow { on } => ("flow", [Some(on), None]),
            ClockPlan::Spell { begins, ends } => ("spell", [Some(begins), Some(ends)]),
        };
        let read = [plan.filter, plan.value, plan.group, clock[0], clock[1]];
        let read = read.map(|number| number.and_then(sql));
        content_version(&format!(
            "{} {} {kind} {read:?} {} {} {} {} {}",
            self.dataset.name,
            self.dataset.version,
            plan.divisor,
            plan.has_histogram,
            plan.keeps_day,
            plan.step,
            plan.is_dated
        ))
    }

    /// Plans what is read for all measures.
    pub(super) fn finish(self, measures: Vec<MeasurePlan>) -> DatasetPlan {
        let mut sql: Vec<(&String, &usize)> = self.by_sql.iter().collect();
        sql.sort_by_key(|(_, index)| **index);
        let version = content_version(&format!("{}\n{sql:?}", self.fingerprint));
        DatasetPlan {
            dataset: Arc::clone(self.dataset),
            measures,
            bound: self.bound,
            version,
            expressed: Expressed {
                dataset: Arc::clone(self.dataset),
                schema: self.schema,
                compiler: Arc::clone(self.compiler),
                expressions: self.expressions,
            },
            reading: OnceLock::new(),
        }
    }
}
