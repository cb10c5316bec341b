//! Cubes, tree and claims become measurements: amounts are masked, rolled up, and only then divided.

mod amounts;
mod bearing;
mod counts;
mod durations;
mod footings;
mod formulas;
mod judgement;
mod labels;
mod memory;
mod sources;
mod standing;
mod statistics;
mod survival;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, Month, Period};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Indicator, Kpi};
use keiki_model::measurement::{CoverageRule, Scope, Statistics};
use keiki_model::org::{Arrangement, Hierarchy, Tree};

use crate::coverage::Claims;
use crate::engine::{Engine, Knowledge};
use crate::keep::Filled;
use crate::measurements::{Collector, Part};
use crate::plan::Plan;
use crate::reported::ReportedFigures;
use crate::timing::Timing;

use amounts::Footing;
pub(crate) use amounts::View;
pub(crate) use bearing::{Bearing, Stands, Subtrees};
pub(crate) use durations::is_of_durations;
use footings::Ground;
use judgement::{CYCLE_MONTHS, Rules};
use labels::Labels;
use memory::Counted;
pub(crate) use memory::Memory;
use sources::Resting;
use standing::Standing;
pub(crate) use survival::Window;
use work::{Work, by_kpi, dealt_out, grouped};

/// Up to how many KPIs are dealt out to threads in parts.
const FEW_KPIS: usize = 8;

/// A period with its months and the day at which it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) period: Period,
    pub(crate) months: (Month, Month),
    pub(crate) cut: Day,
    /// The day whose org tree is used.
    pub(crate) tree_on: Day,
    /// Whether figures hold the entities below a unit.
    pub(crate) scope: Scope,
    /// The position of the hierarchy along which figures are rolled up; `None` = the main tree.
    pub(crate) hierarchy: Option<usize>,
    /// By which rule a unit has reported.
    pub(crate) coverage_rule: CoverageRule,
}

/// Everything that figures are computed from.
pub(crate) struct Evaluation<'e> {
    engine: &'e Engine,
    plan: Arc<Plan>,
    pub(crate) knowledge: Knowledge,
    cubes: Vec<Option<Filled>>,
    /// *Shape*: as `cubes`.
    grounds: Vec<Arc<Ground>>,
    reported: Arc<ReportedFigures>,
    pub(crate) slots: Vec<Slot>,
    /// Per slot, the tree along which figures are rolled up, and the main one below it.
    arrangements: Vec<Arc<Arrangement>>,
    /// Per slot, which months stand for it in each org unit.
    timings: Vec<Arc<Timing>>,
    people: People,
}

/// Where evidence counts: for all KPIs that concern everybody, and for each of the others.
type Footings = HashMap<(Option<u32>, Speaking), Arc<OnceLock<SlotFootings>>>;

/// Where evidence counts. *Shape*: slot.
type SlotFootings = Arc<Vec<Arc<Footing>>>;

/// What evidence has to speak for to be counted in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Speaking {
    /// The cut day, as stocks do.
    OnCutDay,
    /// Every month, as flows do.
    Throughout,
}

/// Per slot, the people of each unit of the main tree; absent where no headcount is known.
type People = Vec<Option<Arc<Vec<i64>>>>;

/// The views of measures. *Shape*: slot; only those that are needed.
type Views<'v> = HashMap<MeasurePlace, Vec<Option<View<'v>>>>;

/// Where a measure is: its dataset's position, and its own.
pub(crate) type MeasurePlace = (usize, usize);

/// Whom a KPI concerns.
struct Concerned {
    /// Per unit of the main tree.
    units: Vec<bool>,
    /// Per node of the tree along which figures are rolled up.
    nodes: Vec<bool>,
}

impl Concerned {
    fn new(units: Vec<bool>, arrangement: &Arrangement) -> Self {
        let nodes = arrangement.flags(&units);
        Self { units, nodes }
    }
}

/// What one measurement is about.
#[derive(Clone, Copy)]
struct At<'a> {
    kpi: &'a Kpi,
    indicator: &'a Indicator,
    slot: &'a Slot,
    slot_index: usize,
    arrangement: &'a Arrangement,
    concerned: &'a Concerned,
    node: usize,
    /// Of the measures of the formula, then of those beside it.
    views: &'a [&'a View<'a>],
    /// How many the formula has.
    in_formula: usize,
}

impl<'a> At<'a> {
    /// The tree that has the node.
    fn tree(&self) -> &'a Tree {
        self.arrangement.tree()
    }

    /// The length of the stocktake cycle at the node.
    fn cycle_months(&self) -> i32 {
        let unit = self.arrangement.ruled_by(self.node);
        let id = &self.arrangement.main().nodes()[unit].id;
        let months = self
            .kpi
            .parameters
            .iter()
            .find(|p| p.name == "cycle_months");
        months.map_or(CYCLE_MONTHS, |parameter| {
            let own = parameter.by_unit.iter().find(|(_, ids)| ids.contains(id));
            let value = own.map_or(&parameter.default.value, |(value, _)| value);
            value.parse().unwrap_or(CYCLE_MONTHS)
        })
    }
}

/// An indicator's figure before it is judged.
#[derive(Debug, Clone, Default)]
struct Figure {
    value: Option<Fraction>,
    numerator: Option<Fraction>,
    denominator: Option<Fraction>,
    n: Option<i128>,
    is_nothing: bool,
    /// Whether something is there whose value is not known.
    is_unknown: bool,
    is_too_few: bool,
    statistics: Statistics,
}

impl<'e> Evaluation<'e> {
    pub(crate) fn new(
        engine: &'e Engine,
        plan: Arc<Plan>,
        knowledge: Knowledge,
        cubes: Vec<Option<Filled>>,
        claims: Vec<Option<Claims>>,
        reported: ReportedFigures,
        slots: Vec<Slot>,
    ) -> Self {
        let setting = &engine.setting;
        // Between the days on which it changes the tree is one and the same.
        let changes = setting.organisation.change_days();
        let mut trees: HashMap<usize, Tree> = HashMap::new();
        let mut arrange = |slot: &Slot| {
            let tree = trees.entry(changes.range(..=slot.tree_on).count());
            let tree = tree.or_insert_with(|| setting.organisation.tree(slot.tree_on));
            let main = Arc::new(tree.clone().seen_on(slot.cut));
            Arc::new(match slot.hierarchy {
                None => Arrangement::of_main(main),
                Some(at) => setting.hierarchies[at].arrange(main, slot.tree_on),
            })
        };
        let arrangements = slots.iter().map(|slot| match &engine.memory {
            Some(memory) => memory.arrangement(slot, || arrange(slot)),
            None => arrange(slot),
        });
        let arrangements: Vec<Arc<Arrangement>> = arrangements.collect();
        let timing = |(slot, of_slot): (&Slot, &Arc<Arrangement>)| {
            let today = knowledge.today;
            Arc::new(Timing::new(&setting.calendars, slot, of_slot.main(), today))
        };
        let timings = slots.iter().zip(&arrangements).map(timing).collect();
        let reported = match &engine.memory {
            Some(memory) => memory.same_reported(reported),
            None => Arc::new(reported),
        };
        let of_datasets = cubes.iter().zip(claims).map(|(filled, claims)| {
            let cube = filled.as_ref().map(|filled| &filled.cube);
            (
                claims,
                cube.map_or(&[] as &[String], |cube| cube.units.list()),
            )
        });
        let grounds = match &engine.memory {
            Some(memory) => memory.grounds((&plan, &slots, knowledge.today), of_datasets),
            None => of_datasets
                .map(|(claims, units)| Arc::new(Ground::new(claims, units)))
                .collect(),
        };
        Self {
            engine,
            plan,
            knowledge,
            cubes,
            grounds,
            reported,
            people: vec![None; slots.len()],
            slots,
            arrangements,
            timings,
        }
        .with_people()
    }

    /// Counts the people of each unit, if the catalogue has a measure of that and there is evidence of it.
    fn with_people(mut self) -> Self {
        let Some((kpi, place)) = self.plan.people else {
            return self;
        };
        let divisor = self.plan.measure(place).divisor;
        let count = |view: &View<'_>| {
            let own: Vec<i64> = view
                .own_levels()
                .iter()
                .map(|sum| i64::try_from(sum / divisor).unwrap_or(0))
                .collect();
            own.iter().any(|count| *count > 0).then(|| Arc::new(own))
        };
        let resting = Resting {
            places: &[(kpi, place)],
            footings: &[self.footings(kpi, place)],
        };
        let slots = 0..self.slots.len();
        let memory = self.engine.memory.as_ref();
        let known = slots
            .clone()
            .map(|slot| memory?.people(|sources| self.still_gives(sources, resting, slot)));
        let mut known: Vec<Option<Counted>> = known.collect();
        let missing: Vec<usize> = slots.filter(|slot| known[*slot].is_none()).collect();
        if !missing.is_empty() {
            for (slot, view) in missing.iter().zip(self.views_in(kpi, place, &missing)) {
                let counted = Counted(count(&view));
                known[*slot] = Some(match (memory, self.sources(resting, *slot)) {
                    (Some(memory), Some(sources)) => memory.keep_people(sources, counted),
                    _ => counted,
                });
            }
        }
        let known = known.into_iter().flatten();
        self.people = known.map(|Counted(people)| people).collect();
        self
    }

    /// The main tree of a slot and the one along which figures are rolled up.
    pub(crate) fn arrangement(&self, slot: usize) -> &Arrangement {
        &self.arrangements[slot]
    }

    /// The org units that entries of a dataset name wherever they may count.
    pub(crate) fn named_units(&self, dataset: usize) -> &[String] {
        let filled = self.cubes.get(dataset).and_then(Option::as_ref);
        filled.map_or(&[], |filled| filled.cube.units.list())
    }

    /// The number of the calendar that a node follows: in a hierarchy, that of the unit whose rules it has.
    fn number_at(&self, slot: usize, node: usize) -> usize {
        self.timings[slot].number_of(self.arrangements[slot].ruled_by(node))
    }

    /// The tree along which the figures of a slot are rolled up.
    pub(crate) fn tree(&self, slot: usize) -> &Tree {
        self.arrangements[slot].tree()
    }

    /// The hierarchy along which figures are rolled up; `None` = the main tree.
    pub(crate) fn hierarchy(&self) -> Option<&'e Hierarchy> {
        let at = self.slots.first()?.hierarchy?;
        self.engine.setting.hierarchies.get(at)
    }

    /// Tells whether any of the trees has the org unit; without periods every id is accepted.
    pub(crate) fn knows_unit(&self, id: &str) -> bool {
        let mut trees = self.arrangements.iter().map(|of_slot| of_slot.tree());
        self.arrangements.is_empty() || trees.any(|tree| tree.position(id).is_some())
    }

    /// The nodes that are asked for (no units = all). *Shape*: slot, node.
    pub(crate) fn wanted(&self, units: &[String]) -> Vec<Arc<Vec<bool>>> {
        let of_slot = |arrangement: &Arc<Arrangement>| {
            let tree = arrangement.tree();
            let mut wanted = vec![units.is_empty(); tree.nodes().len()];
            for position in units.iter().filter_map(|id| tree.position(id)) {
                wanted[position] = true;
            }
            Arc::new(wanted)
        };
        let wanted = self.arrangements.iter().map(of_slot).collect();
        match &self.engine.memory {
            Some(memory) => memory.same_wanted(wanted),
            None => wanted,
        }
    }

    /// Measures all indicators of the KPIs at the nodes that are wanted. *Shape*: indicator, slot.
    pub(crate) fn measure(&self, kpis: &[Arc<Kpi>], wanted: &[Arc<Vec<bool>>]) -> Vec<Vec<Part>> {
        // The definitions of one plan are the same on all of its days.
        let kpis: Vec<Arc<Kpi>> = match self.slots.first() {
            None => kpis.to_vec(),
            Some(first) => kpis
                .iter()
                .map(|kpi| self.engine.with_parameters(kpi, first.cut))
                .collect(),
        };
        let indicators = kpis
            .iter()
            .flat_map(|kpi| kpi.indicators.iter().map(move |one| (&**kpi, one)));
        let indicators: Vec<(&Kpi, &Indicator)> = indicators.collect();
        let asked: usize = wanted.iter().map(|nodes| nodes.len()).sum();
        let asked = match &self.engine.memory {
            Some(_) => asked * indicators.len(),
            None => 0,
        };
        let work = dealt_out(asked, indicators, |of| self.work(of, wanted));
        let labels = Labels::new(self);
        let figures: usize = work.iter().map(|work| work.count(wanted)).sum();
        let (done, left): (Vec<_>, Vec<_>) = work
            .into_iter()
            .enumerate()
            .partition(|(_, work)| work.missing().is_empty());
        let by_kpi = by_kpi(left);
        // Threads share KPIs, or where these are few, what each of them consists of.
        let within = if by_kpi.len() < FEW_KPIS { figures } else { 0 };
        // No longer than the figures of a KPI take are its views needed, which are much when taken together.
        let of_kpi = |work: Vec<(usize, Work<'_>)>| {
            let views = self.views_for(&work, within);
            let of_group = |group| self.measure_group(group, &views, wanted, &labels);
            dealt_out(within, grouped(work), of_group)
        };
        let measured = dealt_out(figures, by_kpi, of_kpi).into_iter();
        let done = done.iter().map(|(at, work)| (*at, work.remembered()));
        let mut measured: Vec<(usize, Vec<Part>)> =
            measured.flatten().flatten().chain(done).collect();
        measured.sort_unstable_by_key(|(at, _)| *at);
        measured.into_iter().map(|(_, parts)| parts).collect()
    }

    /// Measures indicators whose figures come of the same sums, and remembers them. *Shape*: indicator, with its place; slot.
    fn measure_group(
        &self,
        group: Vec<(usize, Work<'_>)>,
        views: &Views<'_>,
        wanted: &[Arc<Vec<bool>>],
        labels: &Labels,
    ) -> Vec<(usize, Vec<Part>)> {
        let figures = self.figures_of_counts(&group, views);
        let of_work = |((at, work), figures): ((usize, Work<'_>), _)| {
            let fresh = self.measure_indicator(&work, figures, views, wanted, labels);
            let mut fresh = fresh.into_iter();
            let recalled = work.recalled.iter();
            let parts = recalled.filter_map(|recalled| match recalled {
                Some(remembered) => Some(Arc::clone(&remembered.part)),
                None => fresh.next(),
            });
            let parts: Vec<Part> = parts.collect();
            if let Some(memory) = &self.engine.memory {
                memory.keep(work.of, work.into_remembered(&parts));
            }
            (at, parts)
        };
        group.into_iter().zip(figures).map(of_work).collect()
    }

    /// Measures one indicator in the periods that are not remembered. *Shape*: slot of which nothing is remembered.
    fn measure_indicator(
        &self,
        work: &Work<'_>,
        figures: Vec<Vec<Figure>>,
        views: &Views<'_>,
        wanted: &[Arc<Vec<bool>>],
        labels: &Labels,
    ) -> Vec<Part> {
        let (kpi, indicator) = work.of;
        let missing = work.missing();
        let programme = &self.engine.setting.programme;
        let labels = labels.of(kpi, indicator);
        let in_formula = indicator.formula.measures().len();
        let mut measured = Collector::default();
        let of_slot = |(slot, mut figures): (usize, Vec<Figure>)| {
            let arrangement = &*self.arrangements[slot];
            let concerned = programme.concerned(kpi.no, arrangement.main());
            let concerned = Concerned::new(concerned, arrangement);
            let own = work.places.iter();
            let own: Vec<&View<'_>> = own.filter_map(|at| views[&at.1][slot].as_ref()).collect();
            let standing = Standing::new(
                (arrangement, self.slots[slot].coverage_rule),
                (indicator, &concerned),
                &own,
                self.people[slot].as_deref().map(Vec::as_slice),
                self.reported
                    .of(kpi.no, &indicator.code, labels.period(slot)),
            );
            let terms = self.terms_of(slot);
            let mut rules: Option<Rules> = None;
            for node in (0..wanted[slot].len()).filter(|node| wanted[slot][*node]) {
                let at = At {
                    kpi,
                    indicator,
                    slot: &self.slots[slot],
                    slot_index: slot,
                    arrangement,
                    concerned: &concerned,
                    node,
                    views: &own,
                    in_formula,
                };
                let of_calendar = &terms[self.number_at(slot, node)];
                rules.take_if(|of_last| !of_last.hold_at(of_calendar));
                let rules = rules.get_or_insert_with(|| self.rules(&at, of_calendar));
                let known = standing.known(&at);
                let figure = known.figure(&at, figures.get_mut(node));
                self.judge(&at, known, figure, (rules, &labels), &mut measured);
            }
            let heading = labels.heading(work.of, (slot, &self.slots[slot]));
            Arc::new(measured.finish(heading))
        };
        missing.into_iter().zip(figures).map(of_slot).collect()
    }

    /// The figures of indicators that read the same histogram. *Shape*: indicator, slot of which nothing is remembered, node; no
    /// figures for indicators that read none.
    fn figures_of_counts(
        &self,
        group: &[(usize, Work<'_>)],
        views: &Views<'_>,
    ) -> Vec<Vec<Vec<Figure>>> {
        let Some((_, first)) = group.first() else {
            return Vec::new();
        };
        let slots = first.missing();
        let place = first.place_of_counts();
        let filled = place.and_then(|place| Some((place, self.cubes[place.0].as_ref()?)));
        let Some((place, filled)) = filled else {
            return vec![vec![Vec::new(); slots.len()]; group.len()];
        };
        let indicators: Vec<&Indicator> = group.iter().map(|(_, work)| work.of.1).collect();
        let reading = statistics::Reading {
            indicators: &indicators,
            cube: &filled.cube,
            measure: place.1,
            knowledge: &self.knowledge,
            zone: &self.engine.setting.zone,
        };
        let views = slots
            .iter()
            .filter_map(|slot| views[&place][*slot].as_ref());
        statistics::figures(&reading, &views.collect::<Vec<_>>())
    }
}

/// The trailing twelve months that end with the month of the cut day.
pub(crate) fn survival_window(cut: Day, knowledge: &Knowledge, zone: &TimeZone) -> Window {
    let first = Month::of(cut).plus(-11).first_day();
    Window::new(first, cut + 1, knowledge.known_at, zone)
}
