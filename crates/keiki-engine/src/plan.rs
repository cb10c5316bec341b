//! What is read of each dataset: all base measures of all KPIs, with their expressions compiled once, when they are first needed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use keiki_model::calendar::Day;
use keiki_model::catalogue::{Catalogue, bind};
use keiki_model::dataset::{Dataset, ORG_UNIT, content_version};
use keiki_model::document::Located;
use keiki_model::expression::{Expression, ExpressionError, Expressions};
use keiki_model::kpi::{Clock, Formula, Kpi, Measure};
use keiki_model::text::Text;
use keiki_store::{EFFECTIVE_ON, WEIGHT, entries_schema};

use crate::error::{EngineError, Result};
use crate::expressions::{Condition, Program, SqlExpressions};

/// When a measure counts, by number of the expression.
#[derive(Debug, Clone)]
pub(crate) enum ClockPlan {
    Stock {
        from: Option<usize>,
        until: Option<usize>,
    },
    Flow {
        on: usize,
    },
    Spell {
        begins: usize,
        ends: usize,
    },
}

/// A base measure, ready to be accumulated.
#[derive(Debug, Clone)]
pub(crate) struct MeasurePlan {
    pub(crate) name: String,
    pub(crate) filter: Option<usize>,
    pub(crate) value: Option<usize>,
    /// Ten to the power of the value's scale.
    pub(crate) divisor: i128,
    pub(crate) clock: ClockPlan,
    pub(crate) group: Option<usize>,
    pub(crate) has_histogram: bool,
    /// Whether the histogram keeps the day beside the value, for the latest.
    pub(crate) keeps_day: bool,
    pub(crate) step: i64,
    /// Whether a spell's onset is a date, kept in days.
    pub(crate) is_dated: bool,
}

impl MeasurePlan {
    /// The day of an onset in steps; of an instant the day in UTC, which is near enough for what is unknown.
    pub(crate) fn day_of_onset(&self, onset: i64) -> Day {
        let day = if self.is_dated {
            onset
        } else {
            onset.saturating_mul(self.step).div_euclid(86_400)
        };
        Day::try_from(day).unwrap_or(Day::MAX)
    }

    /// What decides which rows may count: the predicate, and the first day on which a row counts.
    fn deciding(&self) -> (Option<usize>, Option<usize>) {
        match self.clock {
            ClockPlan::Stock { from, .. } => (self.filter, from),
            ClockPlan::Flow { .. } | ClockPlan::Spell { .. } => (self.filter, None),
        }
    }

    /// The numbers of all other expressions that it reads.
    fn others(&self) -> impl Iterator<Item = usize> {
        let clock = match self.clock {
            ClockPlan::Stock { until, .. } => [until, None],
            ClockPlan::Flow { on } => [Some(on), None],
            ClockPlan::Spell { begins, ends } => [Some(begins), Some(ends)],
        };
        [self.value, self.group].into_iter().chain(clock).flatten()
    }

    /// The value, in steps, of a pair that a histogram keeps.
    pub(crate) fn value_of(&self, (first, second): (i64, i64)) -> i64 {
        if self.keeps_day { second } else { first }
    }
}

/// Measures that count the same rows: what else they read is computed of those rows alone.
#[derive(Debug, Clone)]
pub(crate) struct Kin {
    /// The predicate, by its place among the deciding expressions.
    pub(crate) filter: Option<usize>,
    /// The day from which a row counts, likewise.
    pub(crate) from: Option<usize>,
    pub(crate) measures: Vec<usize>,
    pub(crate) program: Program,
    /// The columns that the program reads.
    pub(crate) columns: Vec<String>,
    /// The numbers of the program's expressions.
    numbers: Vec<usize>,
}

impl Kin {
    /// The values of an expression by its number.
    ///
    /// # Panics
    /// None of the measures reads it.
    pub(crate) fn value<'v>(&self, values: &'v [ArrayRef], number: usize) -> &'v ArrayRef {
        let place = self.numbers.iter().position(|known| *known == number);
        &values[place.expect("a kin's program has all expressions of its measures")]
    }
}

/// Measures whose predicates begin alike: what tells their rows from all others is looked at first, and costs next to nothing.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    /// What is false of all rows that count for none of the measures; `None` = any row may count.
    pub(crate) gate: Option<Program>,
    /// The columns that are read of the rows that pass.
    pub(crate) columns: Vec<String>,
    /// What decides which of these rows may count.
    pub(crate) deciding: Program,
    pub(crate) kin: Vec<Kin>,
}

/// All that is read of one dataset.
#[derive(Debug, Clone)]
pub(crate) struct DatasetPlan {
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) families: Vec<Family>,
    pub(crate) measures: Vec<MeasurePlan>,
    /// The columns that the expressions read.
    pub(crate) columns: Vec<String>,
    /// Content hash of everything above.
    pub(crate) version: String,
}

/// All datasets that KPIs read, and where each KPI's measures are. A dataset is compiled when it is first needed.
pub(crate) struct Plan {
    expressions: Arc<SqlExpressions>,
    datasets: Vec<Planned>,
    places: HashMap<(u32, String), (usize, usize)>,
    /// The measure that counts people, with its KPI.
    pub(crate) people: Option<(u32, (usize, usize))>,
}

/// A dataset, and which measures it will be read for.
#[derive(Debug)]
struct Planned {
    dataset: Arc<Dataset>,
    measures: Vec<(Arc<Kpi>, Measure)>,
    made: OnceLock<Arc<DatasetPlan>>,
}

impl DatasetPlan {
    /// The family and kin of a measure: what has to be computed to tell what a row adds to it.
    pub(crate) fn kin_of(&self, measure: usize) -> Option<(&Family, &Kin)> {
        let all = self.families.iter();
        let mut all = all.flat_map(|family| family.kin.iter().map(move |kin| (family, kin)));
        all.find(|(_, kin)| kin.measures.contains(&measure))
    }

    /// Evaluates a program over a batch.
    pub(crate) fn evaluate(&self, program: &Program, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.computed(program.evaluate(batch))
    }

    /// What was computed, or the error that says of which dataset it was.
    pub(crate) fn computed<T>(&self, found: std::result::Result<T, String>) -> Result<T> {
        found.map_err(|message| {
            let name = &self.dataset.name;
            EngineError::query(Text::new(
                format!("{name} の式を計算できません: {message}"),
                format!("an expression over {name} cannot be computed: {message}"),
            ))
        })
    }

    /// Per measure, whether it sums more than records.
    pub(crate) fn has_value(&self) -> Vec<bool> {
        self.measures.iter().map(|m| m.value.is_some()).collect()
    }
}

impl Plan {
    /// Finds out which datasets the KPIs of a catalogue read, and for which measures.
    pub(crate) fn new(catalogue: &Catalogue, expressions: Arc<SqlExpressions>) -> Self {
        let mut plan = Self {
            expressions,
            datasets: Vec::new(),
            places: HashMap::new(),
            people: None,
        };
        let mut by_dataset: BTreeMap<&str, Vec<(&Arc<Kpi>, &Measure)>> = BTreeMap::new();
        for kpi in &catalogue.kpis {
            for measure in &kpi.measures {
                let of_dataset = by_dataset.entry(&measure.dataset.value).or_default();
                of_dataset.push((kpi, measure));
            }
        }
        for (name, measures) in by_dataset {
            let Some(dataset) = catalogue.datasets.get(name) else {
                continue;
            };
            let position = plan.datasets.len();
            for (at, (kpi, measure)) in measures.iter().enumerate() {
                let place = (position, at);
                plan.places.insert((kpi.no, measure.name.clone()), place);
                if measure.is_headcount {
                    plan.people.get_or_insert((kpi.no, place));
                }
            }
            let measures = measures.into_iter();
            plan.datasets.push(Planned {
                dataset: Arc::clone(dataset),
                measures: measures
                    .map(|(kpi, measure)| (Arc::clone(kpi), measure.clone()))
                    .collect(),
                made: OnceLock::new(),
            });
        }
        plan
    }

    /// How many datasets there are.
    pub(crate) fn dataset_count(&self) -> usize {
        self.datasets.len()
    }

    /// What is read of a dataset, by its position; compiled at the first call.
    ///
    /// # Errors
    /// A definition does not compile.
    pub(crate) fn dataset(&self, position: usize) -> Result<&Arc<DatasetPlan>> {
        let planned = &self.datasets[position];
        if let Some(made) = planned.made.get() {
            return Ok(made);
        }
        let mut maker = Maker::new(&planned.dataset, &self.expressions);
        let measures = planned.measures.iter();
        let measures = measures.map(|(kpi, measure)| maker.measure(kpi, measure));
        let measures = measures.collect::<Result<Vec<_>>>()?;
        let made = Arc::new(maker.finish(measures)?);
        Ok(planned.made.get_or_init(|| made))
    }

    /// The dataset's and the measure's position.
    pub(crate) fn place(&self, kpi: u32, measure: &str) -> Option<(usize, usize)> {
        self.places.get(&(kpi, measure.to_owned())).copied()
    }

    /// A measure of a dataset that has been read.
    pub(crate) fn measure(&self, place: (usize, usize)) -> &MeasurePlan {
        let made = self.datasets[place.0].made.get();
        let made = made.expect("a dataset is compiled before its measures are looked at");
        &made.measures[place.1]
    }
}

struct Maker<'m> {
    dataset: &'m Arc<Dataset>,
    schema: SchemaRef,
    compiler: &'m SqlExpressions,
    expressions: Vec<Arc<dyn Expression>>,
    by_sql: HashMap<String, usize>,
    fingerprint: String,
}

impl<'m> Maker<'m> {
    fn new(dataset: &'m Arc<Dataset>, compiler: &'m SqlExpressions) -> Self {
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
        let compiled = self
            .compiler
            .compile(&bound.value, &self.schema)
            .map_err(|error| EngineError::Definition(error.into_problem(sql)))?;
        self.expressions.push(compiled);
        self.by_sql.insert(bound.value, self.expressions.len() - 1);
        Ok(self.expressions.len() - 1)
    }

    fn optional(&mut self, kpi: &Kpi, sql: Option<&Located>) -> Result<Option<usize>> {
        sql.map(|sql| self.add(kpi, sql)).transpose()
    }

    fn measure(&mut self, kpi: &Kpi, measure: &Measure) -> Result<MeasurePlan> {
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
        let plan = MeasurePlan {
            is_dated,
            name: measure.name.clone(),
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
        self.fingerprint.push_str(&format!("\n{} {plan:?}", kpi.no));
        Ok(plan)
    }

    fn finish(self, measures: Vec<MeasurePlan>) -> Result<DatasetPlan> {
        let mut sql: Vec<(&String, &usize)> = self.by_sql.iter().collect();
        sql.sort_by_key(|(_, index)| **index);
        let version = content_version(&format!("{}\n{sql:?}", self.fingerprint));
        let sql: Vec<String> = sql.into_iter().map(|(sql, _)| sql.clone()).collect();
        let families = self.by_beginning(&sql, &measures).into_iter();
        let families = families
            .map(|(conditions, members)| self.family(&sql, &measures, (&conditions, &members)));
        let families = families.collect::<Result<Vec<Family>>>()?;
        let gates = families.iter().filter_map(|family| family.gate.as_ref());
        let read: BTreeSet<String> = gates
            .flat_map(|gate| gate.columns().map(str::to_owned))
            .chain(families.iter().flat_map(|family| family.columns.clone()))
            .collect();
        Ok(DatasetPlan {
            columns: read.into_iter().collect(),
            families,
            dataset: Arc::clone(self.dataset),
            measures,
            version,
        })
    }

    /// The measures by what their predicates begin with, where that is easy to tell, each part with the conditions that all of
    /// its members share.
    fn by_beginning(
        &self,
        sql: &[String],
        measures: &[MeasurePlan],
    ) -> Vec<(Vec<Condition>, Vec<usize>)> {
        let mut parts: Vec<(Vec<Condition>, Vec<usize>)> = Vec::new();
        for (index, measure) in measures.iter().enumerate() {
            let conditions = measure.filter.map_or_else(Vec::new, |filter| {
                self.compiler.easy_conditions(&sql[filter], &self.schema)
            });
            let mut known = parts.iter_mut();
            match known.find(|(of, _)| of.first() == conditions.first()) {
                Some((shared, members)) => {
                    shared.retain(|one| conditions.contains(one));
                    members.push(index);
                }
                None => parts.push((conditions, vec![index])),
            }
        }
        parts
    }

    /// Plans what is read for measures whose predicates share some conditions.
    fn family(
        &self,
        sql: &[String],
        measures: &[MeasurePlan],
        (conditions, members): (&[Condition], &[usize]),
    ) -> Result<Family> {
        let mut by_deciding: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for index in members {
            let deciding = measures[*index].deciding();
            by_deciding.entry(deciding).or_default().push(*index);
        }
        let decisions = by_deciding.keys();
        let mut deciding: Vec<usize> = decisions
            .flat_map(|(filter, from)| [*filter, *from])
            .flatten()
            .collect();
        deciding.sort_unstable();
        deciding.dedup();
        let place = |number: Option<usize>| deciding.binary_search(&number?).ok();
        let kin = by_deciding.into_iter().map(|((filter, from), members)| {
            let others = members.iter().flat_map(|index| measures[*index].others());
            let mut numbers: Vec<usize> = others.collect();
            numbers.sort_unstable();
            numbers.dedup();
            let program = self.program(sql, numbers.iter().copied())?;
            Ok(Kin {
                filter: place(filter),
                from: place(from),
                measures: members,
                columns: program.columns().map(str::to_owned).collect(),
                program,
                numbers,
            })
        });
        let kin = kin.collect::<Result<Vec<Kin>>>()?;
        let deciding = self.program(sql, deciding.iter().copied())?;
        let of_kin = kin.iter().flat_map(|kin| &kin.columns).cloned();
        let columns: BTreeSet<String> = of_kin
            .chain(deciding.columns().map(str::to_owned))
            .chain([ORG_UNIT, WEIGHT, EFFECTIVE_ON].map(str::to_owned))
            .collect();
        let gate = (!conditions.is_empty()).then(|| {
            let gate = self.compiler.all_of(conditions, &self.schema);
            gate.map_err(|error| self.apart(&error))
        });
        Ok(Family {
            gate: gate.transpose()?,
            columns: columns.into_iter().collect(),
            deciding,
            kin,
        })
    }

    /// Puts expressions together, given by their numbers.
    fn program(&self, sql: &[String], numbers: impl Iterator<Item = usize>) -> Result<Program> {
        let numbers: Vec<usize> = numbers.collect();
        let reads = |name: &String| {
            let mut compiled = numbers.iter().map(|number| &self.expressions[*number]);
            compiled.any(|expression| expression.columns().contains(name))
        };
        let fields = self.schema.fields().iter();
        let read: Vec<Arc<Field>> = fields.filter(|f| reads(f.name())).cloned().collect();
        let sql: Vec<String> = numbers.iter().map(|number| sql[*number].clone()).collect();
        let program = self.compiler.program(&sql, &Arc::new(Schema::new(read)));
        program.map_err(|error| self.apart(&error))
    }

    fn apart(&self, error: &ExpressionError) -> EngineError {
        let name = &self.dataset.name;
        EngineError::query(Text::new(
            format!("{name} の式を組み合わせられません: {error}"),
            format!("the expressions over {name} do not go together: {error}"),
        ))
    }
}
