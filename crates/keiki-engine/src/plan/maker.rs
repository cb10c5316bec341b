//! Measures become plans: what each reads, with its expressions.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use keiki_model::catalogue::bind;
use keiki_model::dataset::{Dataset, content_version};
use keiki_model::document::Located;
use keiki_model::kpi::{Clock, Formula, Kpi, Measure};
use keiki_store::entries_schema;

use super::families::{Expressed, Family};
use super::{ClockPlan, DatasetPlan, MeasurePlan};
use crate::error::{EngineError, Result};
use crate::expressions::{Fitted, SqlExpressions};

/// Reads the expressions of all measures over one dataset, each once.
pub(super) struct Maker<'m> {
    dataset: &'m Arc<Dataset>,
    schema: SchemaRef,
    compiler: &'m SqlExpressions,
    expressions: Vec<Fitted>,
    by_sql: HashMap<String, usize>,
    fingerprint: String,
}

impl<'m> Maker<'m> {
    pub(super) fn new(dataset: &'m Arc<Dataset>, compiler: &'m SqlExpressions) -> Self {
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
        }
    }

    fn add(&mut self, kpi: &Kpi, sql: &Located) -> Result<usize> {
        let bound = bind(sql, &kpi.parameters).map_err(EngineError::Definition)?;
        if let Some(known) = self.by_sql.get(&bound.value) {
            return Ok(*known);
        }
        let fitted = self
            .compiler
            .fit(&bound.value, &self.schema)
            .map_err(|error| EngineError::Definition(error.into_problem(sql)))?;
        self.expressions.push(fitted);
        self.by_sql.insert(bound.value, self.expressions.len() - 1);
        Ok(self.expressions.len() - 1)
    }

    fn optional(&mut self, kpi: &Kpi, sql: Option<&Located>) -> Result<Option<usize>> {
        sql.map(|sql| self.add(kpi, sql)).transpose()
    }

    /// Plans a measure.
    ///
    /// # Errors
    /// One of its expressions does not compile.
    pub(super) fn measure(&mut self, kpi: &Kpi, measure: &Measure) -> Result<MeasurePlan> {
        let filter = self.optional(kpi, measure.filter.as_ref())?;
        let value = self.optional(kpi, measure.value.as_ref())?;
        let group = self.optional(kpi, measure.group.as_ref())?;
        let clock = match &measure.clock {
            Clock::Stock { from, until } => ClockPlan::Stock {
                from: self.optional(kpi, from.as_ref())?,
                until: self.optional(kpi, until.as_ref())?,
            },
            Clock::Flow { on } => ClockPlan::Flow {
                on: self.add(kpi, on)?,
            },
            Clock::Spell { begins, ends } => ClockPlan::Spell {
                begins: self.add(kpi, begins)?,
                ends: self.add(kpi, ends)?,
            },
        };
        let scale = match value.map(|index| self.expressions[index].data_type()) {
            Some(DataType::Decimal128(_, scale)) => u32::try_from(*scale).unwrap_or(0),
            _ => 0,
        };
        let reads = |f: &Formula| f.measures().contains(&measure.name.as_str());
        let formulas = || {
            kpi.indicators
                .iter()
                .map(|indicator| &indicator.formula)
                .filter(|f| reads(f))
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
            has_histogram: formulas().any(Formula::needs_histogram)
                || matches!(clock, ClockPlan::Spell { .. }),
            keeps_day: formulas().any(|f| matches!(f, Formula::Latest(_))),
            clock,
            step: measure.resolution.step(),
        };
        plan.version = self.version_of(&plan);
        self.fingerprint.push_str(&format!("\n{} {plan:?}", kpi.no));
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
    ///
    /// # Errors
    /// Expressions do not go together.
    pub(super) fn finish(self, measures: Vec<MeasurePlan>) -> Result<DatasetPlan> {
        let mut sql: Vec<(&String, &usize)> = self.by_sql.iter().collect();
        sql.sort_by_key(|(_, index)| **index);
        let version = content_version(&format!("{}\n{sql:?}", self.fingerprint));
        let expressions = Expressed {
            dataset: self.dataset,
            schema: &self.schema,
            compiler: self.compiler,
            expressions: &self.expressions,
        };
        let families = expressions.families(&measures)?;
        let read: BTreeSet<&String> = families.iter().flat_map(Family::columns).collect();
        Ok(DatasetPlan {
            columns: read.into_iter().cloned().collect(),
            families,
            dataset: Arc::clone(self.dataset),
            measures,
            version,
        })
    }
}
