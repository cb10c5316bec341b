//! The engine: which cubes a request needs, read or kept, and the measurements that come of them.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, Month, Period, instant_text, local_day};
use keiki_model::calendars::Calendars;
use keiki_model::catalogue::Catalogue;
use keiki_model::dataset::REPORTED_FIGURES;
use keiki_model::durations::Durations;
use keiki_model::kpi::Kpi;
use keiki_model::measurement::{CoverageRule, Measurement, Scope};
use keiki_model::org::{Hierarchy, Organisation};
use keiki_model::problem::nearest;
use keiki_model::programme::Programme;
use keiki_model::text::Text;
use keiki_store::{Journal, Scan, Snapshot};
use tokio::sync::Semaphore;

use crate::axis::Axis;
use crate::coverage::Claims;
use crate::cube::Cube;
use crate::error::{EngineError, Result};
use crate::evaluate::{Evaluation, Memory, Slot, is_of_durations};
use crate::expressions::{SqlExpressions, session};
use crate::keep::{Filled, Keeper};
use crate::measurements::{Measurements, Part};
use crate::plan::{DatasetPlan, Plan};
use crate::read::{Bounds, read_cube, read_rows};
use crate::reported::{ReportedFigures, TotalInPlace};

/// How many months before the open one a kept cube holds.
const KEPT_MONTHS: i32 = 59;

/// How many datasets are read at the same time: while the parts of one are put together, the other keeps the threads busy.
pub(crate) const DATASETS_AT_ONCE: usize = 2;

/// Of how many datasets the logs are read at the same time.
const DATASETS_OPENED: usize = 16;

/// As `DATASETS_AT_ONCE`, where each request to the journal costs time: most of them wait.
const DATASETS_WAITING: usize = 6;

/// What an engine is made of.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The fiscal calendars of the group and of entities that have their own.
    pub calendars: Calendars,
    /// The workspace's zone.
    pub zone: TimeZone,
    /// The definitions.
    pub catalogue: Arc<Catalogue>,
    /// The org tree.
    pub organisation: Arc<Organisation>,
    /// Further hierarchies over it.
    pub hierarchies: Arc<Vec<Hierarchy>>,
    /// Whom KPIs concern, targets, parameters, waivers.
    pub programme: Arc<Programme>,
    /// The folder in which cubes are kept; absent = in memory only.
    pub cubes: Option<PathBuf>,
    /// Of how many periods the measurements of each indicator are remembered, for a process that is asked for the same again and
    /// again; 0 = of none.
    pub remembers: usize,
}

/// How org units are put together in a figure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Structure {
    /// Whether figures hold the entities below a unit.
    pub scope: Scope,
    /// The day whose org tree is used, for comparatives on one structure; absent = each period's cut day.
    pub tree_on: Option<Day>,
    /// The hierarchy along which figures are rolled up; absent = the org tree.
    pub hierarchy: Option<String>,
    /// By which rule a unit has reported.
    pub coverage_rule: CoverageRule,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Numbers of KPIs; empty = all.
    pub kpis: Vec<u32>,
    /// Ids of org units; empty = all of the tree of the cut day.
    pub org_units: Vec<String>,
    /// How the org units are put together.
    pub structure: Structure,
    /// Periods.
    pub periods: Vec<Period>,
    /// The instant of knowledge, UTC microseconds; absent = now.
    pub known_at: Option<i64>,
    /// The journal version; absent = the newest.
    pub seq: Option<i64>,
    /// Now, UTC microseconds.
    pub now: i64,
}

/// Computes measurements.
pub struct Engine {
    pub(crate) setting: Setting,
    pub(crate) context: SessionContext,
    expressions: Arc<SqlExpressions>,
    /// The definitions with their parameters' defaults.
    plan: Arc<Plan>,
    /// The definitions with other parameters, by what those are.
    plans: Mutex<HashMap<String, Arc<Plan>>>,
    pub(crate) keeper: Keeper,
    measures_read: AtomicUsize,
    pub(crate) memory: Option<Memory>,
    /// What reads the journal's files in the place of this machine.
    #[cfg(feature = "cluster")]
    cluster: Option<std::result::Result<crate::cluster::Cluster, Text>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("setting", &self.setting)
            .finish_non_exhaustive()
    }
}

/// Definitions, and the periods for which they hold with their positions among those asked for.
type PlanSlots = (Arc<Plan>, Vec<(usize, Slot)>);

/// A dataset of a plan, which is read when it is its turn.
#[derive(Clone, Copy)]
pub(crate) struct PlannedDataset<'p> {
    pub(crate) plans: &'p Arc<Plan>,
    pub(crate) position: usize,
    pub(crate) plan: &'p Arc<DatasetPlan>,
    /// How many others may be read at the same time.
    pub(crate) turns: &'p Semaphore,
}

/// What is known, and up to where.
#[derive(Debug, Clone)]
pub(crate) struct Knowledge {
    pub(crate) snapshot: Snapshot,
    pub(crate) seq: i64,
    pub(crate) known_at: i64,
    /// The local date of the instant.
    pub(crate) today: Day,
}

impl Engine {
    /// Makes an engine; expressions are compiled when they are first needed, each once. Check the catalogue first to see all of
    /// its problems at once.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        let expressions = SqlExpressions::new(setting.calendars.clone(), setting.zone.clone());
        Self::sharing(setting, Arc::new(expressions))
    }

    /// The same with a compiler that others use too; it has the calendars and the zone of the setting.
    #[must_use]
    pub fn sharing(setting: Setting, expressions: Arc<SqlExpressions>) -> Self {
        let plan = Plan::new(&setting.catalogue, Arc::clone(&expressions));
        // Not the compiler's: another engine that shares it may read another journal.
        let context = session(setting.calendars.clone(), setting.zone.clone());
        let memory = (setting.remembers > 0).then(|| Memory::new(setting.remembers));
        let keeper = Keeper::new(setting.cubes.clone());
        Self {
            setting,
            context,
            plan: Arc::new(plan),
            expressions,
            plans: Mutex::default(),
            measures_read: AtomicUsize::new(0),
            keeper,
            memory,
            #[cfg(feature = "cluster")]
            cluster: None,
        }
    }

    /// Has a cluster read the journal's files, or says why it cannot once a figure needs it. Figures stay what they are.
    #[cfg(feature = "cluster")]
    #[must_use]
    pub fn on_cluster(
        mut self,
        cluster: std::result::Result<crate::cluster::Cluster, Text>,
    ) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// Measures. *Shape*: ordered by KPI, indicator, org unit in depth-first order, period; periods that begin after the
    /// instant of knowledge are left out.
    ///
    /// # Errors
    /// The journal cannot be read, or something asked for does not exist.
    pub async fn measure(&self, journal: &Journal, request: &Request) -> Result<Vec<Measurement>> {
        Ok(self.measurements(journal, request).await?.into_vec())
    }

    /// Measures as `measure` does, and shares what is remembered.
    ///
    /// # Errors
    /// The journal cannot be read, or something asked for does not exist.
    pub async fn measurements(&self, journal: &Journal, request: &Request) -> Result<Measurements> {
        let knowledge = self
            .knowledge(journal, request.known_at, request.seq, request.now)
            .await?;
        let kpis = self.kpis(&request.kpis)?;
        let slots = self.slots(&request.periods, &request.structure, knowledge.today)?;
        let indicators: usize = kpis.iter().map(|kpi| kpi.indicators.len()).sum();
        let mut parts: Vec<Vec<Option<Part>>> = vec![vec![None; slots.len()]; indicators];
        let mut wanted = vec![Arc::default(); slots.len()];
        for (plan, slots) in self.by_plan(&slots) {
            let (positions, slots): (Vec<usize>, Vec<Slot>) = slots.into_iter().unzip();
            let evaluation = self
                .evaluation(journal, knowledge.clone(), plan, &kpis, slots)
                .await?;
            self.check_units(&evaluation, &request.org_units)?;
            let nodes = evaluation.wanted(&request.org_units);
            let measured = evaluation.measure(&kpis, &nodes);
            for (slots, found) in parts.iter_mut().zip(measured) {
                for (position, part) in positions.iter().zip(found) {
                    slots[*position] = Some(part);
                }
            }
            for (position, nodes) in positions.into_iter().zip(nodes) {
                wanted[position] = nodes;
            }
        }
        // Every period is of one plan.
        let parts = parts.into_iter();
        let parts = parts.map(|slots| slots.into_iter().flatten().collect());
        let parts = parts.collect();
        let known_at = instant_text(knowledge.known_at).into();
        Ok(Measurements::new(parts, wanted, known_at, knowledge.seq))
    }

    /// How long things took in a period, for the charts of time KPIs: what medians and medians of survival are computed from.
    /// *Shape*: ordered by KPI, indicator, org unit in depth-first order; what is empty is left out.
    ///
    /// # Errors
    /// As `measure`.
    pub async fn durations(&self, journal: &Journal, request: &Request) -> Result<Vec<Durations>> {
        let knowledge = self
            .knowledge(journal, request.known_at, request.seq, request.now)
            .await?;
        let mut kpis = self.kpis(&request.kpis)?;
        kpis.retain(|kpi| kpi.indicators.iter().any(is_of_durations));
        let mut found = Vec::new();
        if kpis.is_empty() {
            return Ok(found);
        }
        let slots = self.slots(&request.periods, &request.structure, knowledge.today)?;
        for (plan, slots) in self.by_plan(&slots) {
            for (_, slot) in slots {
                let (knowledge, plan) = (knowledge.clone(), Arc::clone(&plan));
                let evaluation = self
                    .evaluation(journal, knowledge, plan, &kpis, vec![slot])
                    .await?;
                found.extend(evaluation.durations(&kpis));
            }
        }
        Ok(found)
    }

    /// The periods by the definitions that hold on their cut days: parameters may change, and with them the SQL.
    fn by_plan(&self, slots: &[Slot]) -> Vec<PlanSlots> {
        let mut parts: Vec<PlanSlots> = Vec::new();
        for (position, slot) in slots.iter().enumerate() {
            let plan = self.plan_on(slot.cut);
            match parts.iter_mut().find(|(of, _)| Arc::ptr_eq(of, &plan)) {
                Some((_, slots)) => slots.push((position, *slot)),
                None => parts.push((plan, vec![(position, *slot)])),
            }
        }
        parts
    }

    /// A KPI with the parameters that stand on a day.
    pub(crate) fn with_parameters(&self, kpi: &Arc<Kpi>, day: Day) -> Arc<Kpi> {
        let programme = &self.setting.programme;
        if !programme
            .parameters
            .iter()
            .any(|of| of.standing.kpi == kpi.no)
        {
            return Arc::clone(kpi);
        }
        let tree = self.setting.organisation.tree(day);
        Arc::new(Kpi {
            parameters: programme.parameters(kpi, &tree),
            ..kpi.as_ref().clone()
        })
    }

    /// The definitions with the parameters that stand on a day.
    pub(crate) fn plan_on(&self, day: Day) -> Arc<Plan> {
        if self.setting.programme.parameters.is_empty() {
            return Arc::clone(&self.plan);
        }
        let catalogue = &self.setting.catalogue;
        let kpis: Vec<Arc<Kpi>> = catalogue
            .kpis
            .iter()
            .map(|kpi| self.with_parameters(kpi, day))
            .collect();
        let values: Vec<_> = kpis
            .iter()
            .flat_map(|kpi| kpi.parameters.iter().map(|p| (kpi.no, &p.name, &p.by_unit)))
            .filter(|(_, _, by_unit)| !by_unit.is_empty())
            .collect();
        if values.is_empty() {
            return Arc::clone(&self.plan);
        }
        let key = format!("{values:?}");
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&key) {
            return Arc::clone(plan);
        }
        let catalogue = Catalogue {
            datasets: catalogue.datasets.clone(),
            kpis: kpis.clone(),
        };
        let plan = Arc::new(Plan::new(&catalogue, Arc::clone(&self.expressions)));
        plans.insert(key, Arc::clone(&plan));
        plan
    }

    pub(crate) fn check_units(&self, evaluation: &Evaluation<'_>, units: &[String]) -> Result<()> {
        for unit in units {
            if !evaluation.knows_unit(unit) {
                let rows = evaluation
                    .hierarchy()
                    .map_or(self.setting.organisation.rows(), Hierarchy::rows);
                let ids = rows.iter().map(|row| row.id.as_str());
                let near = nearest(unit, ids).map(str::to_owned);
                return Err(EngineError::UnknownOrgUnit {
                    found: unit.clone(),
                    near,
                });
            }
        }
        Ok(())
    }

    pub(crate) async fn knowledge(
        &self,
        journal: &Journal,
        known_at: Option<i64>,
        seq: Option<i64>,
        now: i64,
    ) -> Result<Knowledge> {
        let snapshot = journal.snapshot().await?;
        let known_at = known_at.unwrap_or(now).min(now.max(snapshot.known_at()));
        Ok(Knowledge {
            seq: seq.unwrap_or_else(|| snapshot.seq()).min(snapshot.seq()),
            today: local_day(known_at, &self.setting.zone),
            known_at,
            snapshot,
        })
    }

    pub(crate) fn kpis(&self, numbers: &[u32]) -> Result<Vec<Arc<Kpi>>> {
        let all = &self.setting.catalogue.kpis;
        if numbers.is_empty() {
            return Ok(all.clone());
        }
        numbers
            .iter()
            .map(|no| {
                all.iter()
                    .find(|kpi| kpi.no == *no)
                    .cloned()
                    .ok_or_else(|| EngineError::UnknownKpi(no.to_string()))
            })
            .collect()
    }

    /// The position of a hierarchy.
    fn hierarchy(&self, name: &str) -> Result<usize> {
        let all = &self.setting.hierarchies;
        let found = all.iter().position(|hierarchy| hierarchy.name == name);
        found.ok_or_else(|| EngineError::UnknownHierarchy {
            found: name.to_owned(),
            known: all.iter().map(|one| one.name.clone()).collect(),
        })
    }

    /// The periods with their months and cut days; those that begin after today are left out.
    pub(crate) fn slots(
        &self,
        periods: &[Period],
        structure: &Structure,
        today: Day,
    ) -> Result<Vec<Slot>> {
        let hierarchy = structure.hierarchy.as_deref();
        let hierarchy = hierarchy.map(|name| self.hierarchy(name)).transpose()?;
        let mut slots = Vec::new();
        for period in periods {
            let months = period
                .months(self.setting.calendars.group())
                .ok_or_else(|| {
                    EngineError::NotMeasurable(Box::new(Text::new(
                        format!("{period}(会計年度にその期間はありません)"),
                        format!("{period} (the fiscal year has no such part)"),
                    )))
                })?;
            if months.0.first_day() <= today {
                let cut = months.1.last_day().min(today);
                slots.push(Slot {
                    period: *period,
                    months,
                    cut,
                    tree_on: structure.tree_on.unwrap_or(cut),
                    scope: structure.scope,
                    hierarchy,
                    coverage_rule: structure.coverage_rule,
                });
            }
        }
        Ok(slots)
    }

    /// Reads what the KPIs need and puts it together with the tree, the claims and the reported figures.
    pub(crate) async fn evaluation<'e>(
        &'e self,
        journal: &Journal,
        knowledge: Knowledge,
        plan: Arc<Plan>,
        kpis: &[Arc<Kpi>],
        slots: Vec<Slot>,
    ) -> Result<Evaluation<'e>> {
        let filled = self.fill(journal, &knowledge, &plan, kpis, &slots);
        let reported = self.reported(journal, &knowledge);
        let ((cubes, claims), reported) = futures::try_join!(filled, reported)?;
        Ok(Evaluation::new(
            self, plan, knowledge, cubes, claims, reported, slots,
        ))
    }

    /// The cubes that the KPIs need, and who claims to have sent everything of them. *Shape*: as the plan's datasets.
    async fn fill(
        &self,
        journal: &Journal,
        knowledge: &Knowledge,
        plan: &Arc<Plan>,
        kpis: &[Arc<Kpi>],
        slots: &[Slot],
    ) -> Result<(Vec<Option<Filled>>, Vec<Option<Claims>>)> {
        let mut cubes: Vec<Option<Filled>> = vec![None; plan.dataset_count()];
        let mut claims: Vec<Option<Claims>> = vec![None; plan.dataset_count()];
        let measures = kpis.iter().flat_map(|kpi| {
            kpi.measures
                .iter()
                .map(|measure| plan.place(kpi.no, &measure.name))
        });
        let people = plan.people.map(|(_, place)| place);
        let needed: BTreeSet<usize> = measures.chain([people]).flatten().map(|at| at.0).collect();
        let turns = Semaphore::new(self.turns(journal));
        let read = needed.into_iter().map(|position| {
            let (plan, turns) = (Arc::clone(plan), &turns);
            async move {
                let of_dataset = compiled(Arc::clone(&plan), position).await?;
                let of = PlannedDataset {
                    plans: &plan,
                    position,
                    plan: &of_dataset,
                    turns,
                };
                let cube = self.cube(journal, of, knowledge, slots).await?;
                Ok::<_, EngineError>((position, of_dataset, cube))
            }
        });
        let mut read = std::pin::pin!(stream::iter(read).buffer_unordered(DATASETS_OPENED));
        while let Some((position, of_dataset, cube)) = read.try_next().await? {
            cubes[position] = Some(cube);
            claims[position] = Some(Claims::new(
                &of_dataset.dataset,
                &knowledge.snapshot,
                knowledge.seq,
                knowledge.known_at,
                &self.setting.zone,
            ));
        }
        Ok((cubes, claims))
    }

    /// How many datasets are read at the same time.
    fn turns(&self, journal: &Journal) -> usize {
        #[cfg(feature = "cluster")]
        if self.cluster.is_some() {
            return DATASETS_AT_ONCE;
        }
        if journal.is_far() {
            DATASETS_WAITING
        } else {
            DATASETS_AT_ONCE
        }
    }

    /// The totals that stand in the place of rows now, by KPI, indicator, org unit and period.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn totals_in_place(&self, journal: &Journal, now: i64) -> Result<Vec<TotalInPlace>> {
        let knowledge = self.knowledge(journal, None, None, now).await?;
        Ok(self.reported(journal, &knowledge).await?.totals())
    }

    async fn reported(&self, journal: &Journal, knowledge: &Knowledge) -> Result<ReportedFigures> {
        let Some(dataset) = self.setting.catalogue.datasets.get(REPORTED_FIGURES) else {
            return Ok(ReportedFigures::default());
        };
        let scan = journal
            .scan(dataset, &knowledge.snapshot, 0, knowledge.seq)
            .await?;
        let bounds = Bounds {
            after_seq: 0,
            until_seq: knowledge.seq,
            known_at: Some(knowledge.known_at),
        };
        ReportedFigures::new(&read_rows(&self.context, dataset, &scan, bounds, None, None).await?)
    }

    /// The cube of a dataset: kept and brought up to date where everything known is asked for, else read afresh.
    async fn cube(
        &self,
        journal: &Journal,
        of: PlannedDataset<'_>,
        knowledge: &Knowledge,
        slots: &[Slot],
    ) -> Result<Filled> {
        let open = Month::of(knowledge.today);
        let kept_axis = Axis::new(open.plus(-KEPT_MONTHS), open);
        let asks_everything = knowledge.known_at >= knowledge.snapshot.known_at();
        let first = |slot: &Slot| self.first_month(slot);
        if asks_everything
            && slots
                .iter()
                .all(|slot| kept_axis.holds(first(slot), slot.months.1.min(open)))
        {
            return self.kept_cube(journal, of, knowledge, kept_axis).await;
        }
        let plan = of.plan;
        let first = slots.iter().map(first).min().unwrap_or(open);
        let axis = Axis::new(first, open);
        let bounds = Bounds {
            after_seq: 0,
            until_seq: knowledge.seq,
            known_at: (!asks_everything).then_some(knowledge.known_at),
        };
        let scan = journal
            .scan(&plan.dataset, &knowledge.snapshot, 0, knowledge.seq)
            .await?;
        Ok(Filled {
            cube: Arc::new(self.read_in_turn(of, plan, &scan, (bounds, &axis)).await?),
            history: None,
        })
    }

    /// As `read`, when it is the dataset's turn, and without entries that come to nothing within the bounds.
    pub(crate) async fn read_in_turn(
        &self,
        of: PlannedDataset<'_>,
        plan: &Arc<DatasetPlan>,
        scan: &Scan,
        (bounds, axis): (Bounds, &Axis),
    ) -> Result<Cube> {
        let turn = of.turns.acquire().await;
        let _turn = turn.map_err(|error| EngineError::stopped(&error))?;
        if bounds.known_at.is_some() {
            return self.read(plan, scan, bounds, axis).await;
        }
        let scan = scan.clone();
        let scan = scan.without_cleared(bounds.after_seq, bounds.until_seq);
        self.read(plan, &scan, bounds, axis).await
    }

    /// Reads entries into a cube, here or on the cluster, and counts for how many measures.
    pub(crate) async fn read(
        &self,
        plan: &Arc<DatasetPlan>,
        scan: &Scan,
        bounds: Bounds,
        axis: &Axis,
    ) -> Result<Cube> {
        if !scan.files.is_empty() {
            let measures = plan.measures.len();
            self.measures_read.fetch_add(measures, Ordering::Relaxed);
        }
        #[cfg(feature = "cluster")]
        if let Some(cluster) = &self.cluster {
            let cluster = cluster.as_ref().map_err(|why| EngineError::Cluster {
                why: Box::new(why.clone()),
                hint: None,
            })?;
            let known = (&self.setting.calendars, &self.setting.zone);
            return cluster.read_cube(plan, known, scan, (bounds, axis)).await;
        }
        if !scan.files.is_empty() {
            prepared(plan).await?;
        }
        let units = self.setting.organisation.rows().len();
        read_cube(&self.context, plan, scan, bounds, axis, units).await
    }

    /// For how many base measures entries were read since the engine was made; each reading of a dataset counts its own.
    #[must_use]
    pub fn measures_read(&self) -> usize {
        self.measures_read.load(Ordering::Relaxed)
    }

    /// The first month of any calendar that stands for a slot's period.
    fn first_month(&self, slot: &Slot) -> Month {
        let calendars = &self.setting.calendars;
        let own = calendars.numbers().skip(1);
        own.filter_map(|number| calendars.months(number, slot.period))
            .map(|(first, _)| first)
            .fold(slot.months.0, Month::min)
    }
}

/// What is read of a dataset: its expressions are compiled on a thread of their own, so that those of several datasets are at the
/// same time.
pub(crate) async fn compiled(plan: Arc<Plan>, position: usize) -> Result<Arc<DatasetPlan>> {
    if let Some(made) = plan.made(position) {
        return Ok(Arc::clone(made));
    }
    aside(move || plan.dataset(position).cloned()).await
}

/// Plans how rows of a dataset are read, likewise.
async fn prepared(plan: &Arc<DatasetPlan>) -> Result<()> {
    let plan = Arc::clone(plan);
    aside(move || plan.reading().map(|_made| ())).await
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| EngineError::stopped(&error))?
}
