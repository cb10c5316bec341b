//! What is read of each dataset: all base measures of all KPIs, with their expressions compiled once, when they are first needed.

mod bound;
mod families;
mod maker;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, RecordBatch};
use keiki_model::calendar::Day;
use keiki_model::catalogue::Catalogue;
use keiki_model::dataset::Dataset;
use keiki_model::kpi::{Kpi, Measure};
use keiki_model::text::Text;

use crate::error::{EngineError, Result};
use crate::expressions::{Program, SqlExpressions};
pub(crate) use bound::BoundMeasure;
use families::Expressed;
pub(crate) use families::{Deciders, Deciding, Family, Kin};
use maker::Maker;

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
    /// Content hash of all that what it comes to depends on, the entries aside.
    pub(crate) version: String,
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

/// All that is read of one dataset.
#[derive(Debug, Clone)]
pub(crate) struct DatasetPlan {
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) measures: Vec<MeasurePlan>,
    /// The measures as they were before they were planned, so that another machine can plan them too.
    #[cfg_attr(
        not(feature = "cluster"),
        expect(dead_code, reason = "only another machine reads them")
    )]
    pub(crate) bound: Vec<BoundMeasure>,
    /// Content hash of everything above.
    pub(crate) version: String,
    expressed: Expressed,
    reading: OnceLock<Reading>,
}

/// How rows are read for all measures. A cube that was kept is looked at without it.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) families: Vec<Family>,
    /// The columns that the expressions read.
    pub(crate) columns: Vec<String>,
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
    /// Plans what is read of a dataset for measures.
    ///
    /// # Errors
    /// A definition does not compile.
    pub(crate) fn new(
        dataset: &Arc<Dataset>,
        expressions: &Arc<SqlExpressions>,
        measures: Vec<BoundMeasure>,
    ) -> Result<Self> {
        let mut maker = Maker::new(dataset, expressions);
        let measures = measures.into_iter().map(|measure| maker.measure(measure));
        let measures = measures.collect::<Result<Vec<_>>>()?;
        Ok(maker.finish(measures))
    }

    /// How rows are read; put together at the first call.
    ///
    /// # Errors
    /// Expressions do not go together.
    pub(crate) fn reading(&self) -> Result<&Reading> {
        if let Some(made) = self.reading.get() {
            return Ok(made);
        }
        let made = self.expressed.reading(&self.measures)?;
        Ok(self.reading.get_or_init(|| made))
    }

    /// The family of a measure, and the place of its kin: what has to be computed to tell what a row adds to it.
    ///
    /// # Errors
    /// Expressions do not go together.
    pub(crate) fn kin_of(&self, measure: usize) -> Result<Option<(&Family, usize)>> {
        let of = |family: &Family| {
            let mut kin = family.kin.iter();
            kin.position(|kin| kin.measures.contains(&measure))
        };
        let mut all = self.reading()?.families.iter();
        Ok(all.find_map(|family| Some((family, of(family)?))))
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

    /// The versions of its measures.
    pub(crate) fn versions(&self) -> Arc<[String]> {
        self.measures.iter().map(|m| m.version.clone()).collect()
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

    /// A dataset, by its position.
    pub(crate) fn dataset_at(&self, position: usize) -> &Dataset {
        &self.datasets[position].dataset
    }

    /// What is read of a dataset, by its position, if it has been compiled.
    pub(crate) fn made(&self, position: usize) -> Option<&Arc<DatasetPlan>> {
        self.datasets[position].made.get()
    }

    /// What is read of a dataset, by its position; compiled at the first call.
    ///
    /// # Errors
    /// A definition does not compile.
    pub(crate) fn dataset(&self, position: usize) -> Result<&Arc<DatasetPlan>> {
        if let Some(made) = self.made(position) {
            return Ok(made);
        }
        let planned = &self.datasets[position];
        let all: Vec<usize> = (0..planned.measures.len()).collect();
        let made = self.part(position, &all)?;
        Ok(planned.made.get_or_init(|| made))
    }

    /// What is read of a dataset for some of its measures, in the order in which they are named.
    ///
    /// # Errors
    /// A definition does not compile.
    pub(crate) fn part(&self, position: usize, measures: &[usize]) -> Result<Arc<DatasetPlan>> {
        let planned = &self.datasets[position];
        let bound = measures.iter().map(|at| {
            let (kpi, measure) = &planned.measures[*at];
            BoundMeasure::new(kpi, measure)
        });
        let bound = bound.collect::<Result<Vec<_>>>()?;
        let made = DatasetPlan::new(&planned.dataset, &self.expressions, bound)?;
        Ok(Arc::new(made))
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
