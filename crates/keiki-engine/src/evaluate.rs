//! Cubes, tree and claims become measurements: amounts are masked, rolled up, and only then divided.

mod amounts;
mod counts;
mod durations;
mod formulas;
mod judgement;
mod memory;
mod parallel;
mod standing;
mod statistics;
mod survival;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, Month, Period};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Formula, Indicator, Kpi};
use keiki_model::measurement::{Measurement, Scope, Statistics};
use keiki_model::org::{Arrangement, Hierarchy, Tree};

use crate::coverage::Claims;
use crate::engine::{Engine, Knowledge};
use crate::keep::Filled;
use crate::measurements::Part;
use crate::plan::{ClockPlan, Plan};
use crate::reported::ReportedFigures;
use crate::timing::Timing;

pub(crate) use amounts::View;
use amounts::{Footing, Places, bins, views};
pub(crate) use durations::is_of_durations;
use formulas::{entities, mean, ratio};
use judgement::{CYCLE_MONTHS, Labels};
use memory::Inputs;
pub(crate) use memory::Memory;
use parallel::in_parallel;
use standing::Standing;
pub(crate) use standing::{Bearing, bearing, outermost};
pub(crate) use survival::Window;

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
}

/// Everything that figures are computed from.
pub(crate) struct Evaluation<'e> {
    engine: &'e Engine,
    plan: Arc<Plan>,
    pub(crate) knowledge: Knowledge,
    cubes: Vec<Option<Filled>>,
    claims: Vec<Option<Claims>>,
    reported: Arc<ReportedFigures>,
    pub(crate) slots: Vec<Slot>,
    /// Per slot, the tree along which figures are rolled up, and the main one below it.
    arrangements: Vec<Arc<Arrangement>>,
    /// Per slot, which months stand for it in each org unit.
    timings: Vec<Arc<Timing>>,
    /// Per slot, the people of each unit of the main tree; absent where no headcount is known.
    people: Vec<Option<Arc<Vec<i64>>>>,
    /// Per dataset and slot, where the org units of its cube are.
    places: Vec<OnceLock<Vec<Arc<Places>>>>,
    footings: Mutex<Footings>,
}

/// Per dataset and KPI, where evidence counts. *Shape*: slot.
type Footings = HashMap<(usize, u32, Speaking), Arc<Vec<Arc<Footing>>>>;

/// What evidence has to speak for to be counted in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Speaking {
    /// The cut day, as stocks do.
    OnCutDay,
    /// Every month, as flows do.
    Throughout,
}

/// The views of measures. *Shape*: slot; only those that are needed.
type Views<'v> = HashMap<MeasurePlace, Vec<Option<View<'v>>>>;

/// Where a measure is: its dataset's position, and its own.
pub(crate) type MeasurePlace = (usize, usize);

/// What one measurement is about.
#[derive(Clone, Copy)]
struct At<'a> {
    kpi: &'a Kpi,
    indicator: &'a Indicator,
    slot: &'a Slot,
    slot_index: usize,
    arrangement: &'a Arrangement,
    /// Per node, whether the KPI concerns it.
    concerned: &'a [bool],
    node: usize,
    views: &'a [&'a View<'a>],
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
        let arrange = |slot: &Slot| {
            let tree = setting.organisation.tree(slot.tree_on);
            let main = Arc::new(tree.seen_on(slot.cut));
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
        Self {
            engine,
            plan,
            knowledge,
            places: cubes.iter().map(|_| OnceLock::new()).collect(),
            cubes,
            claims,
            reported,
            people: vec![None; slots.len()],
            slots,
            arrangements,
            timings,
            footings: Mutex::default(),
        }
        .with_people()
    }

    /// Counts the people of each unit, if the catalogue has a measure of that and there is evidence of it.
    fn with_people(mut self) -> Self {
        let Some((kpi, place)) = self.plan.people else {
            return self;
        };
        let divisor = self.plan.measure(place).divisor;
        let of_slot = |view: View<'_>| {
            let own: Vec<i64> = view
                .own_levels()
                .into_iter()
                .map(|sum| i64::try_from(sum / divisor).unwrap_or(0))
                .collect();
            own.iter().any(|count| *count > 0).then(|| Arc::new(own))
        };
        self.people = self.views(kpi, place).into_iter().map(of_slot).collect();
        self
    }

    /// The main tree of a slot and the one along which figures are rolled up.
    pub(crate) fn arrangement(&self, slot: usize) -> &Arrangement {
        &self.arrangements[slot]
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
        self.arrangements.iter().map(of_slot).collect()
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
        let work: Vec<Work<'_>> = indicators.map(|of| self.work(of, wanted)).collect();
        let views = self.views_for(&work);
        let labels = Labels::new(self);
        let measured = in_parallel(grouped(work), |group| {
            let figures = self.figures_of_counts(&group, &views);
            let of_work = |((at, work), figures): ((usize, Work<'_>), _)| {
                let fresh = self.measure_indicator(&work, figures, &views, wanted, &labels);
                let parts = work.recalled.into_iter().zip(fresh);
                let parts: Vec<Part> = parts
                    .map(|(recalled, fresh)| recalled.unwrap_or_else(|| Arc::new(fresh)))
                    .collect();
                if let Some(memory) = &self.engine.memory {
                    memory.keep(work.of, work.inputs, &parts);
                }
                (at, parts)
            };
            let of_group = group.into_iter().zip(figures).map(of_work);
            of_group.collect::<Vec<(usize, Vec<Part>)>>()
        });
        let mut measured: Vec<_> = measured.into_iter().flatten().collect();
        measured.sort_unstable_by_key(|(at, _)| *at);
        measured.into_iter().map(|(_, parts)| parts).collect()
    }

    /// What is left to do for an indicator.
    fn work<'k>(&self, of: (&'k Kpi, &'k Indicator), wanted: &[Arc<Vec<bool>>]) -> Work<'k> {
        let places = self.places_of(of.0, of.1);
        let (inputs, recalled) = match &self.engine.memory {
            None => (Vec::new(), vec![None; self.slots.len()]),
            Some(memory) => {
                let slots = 0..self.slots.len();
                let inputs: Vec<Option<Inputs>> = slots
                    .map(|slot| self.inputs(of.1, &places, slot, &wanted[slot]))
                    .collect();
                let recalled = memory.recall(of, &inputs);
                (inputs, recalled)
            }
        };
        Work {
            of,
            places,
            inputs,
            recalled,
        }
    }

    /// Collects what an indicator's measurements in a period rest on; `None` where a cube is not one that is kept.
    fn inputs(
        &self,
        indicator: &Indicator,
        places: &[(u32, MeasurePlace)],
        slot: usize,
        wanted: &Arc<Vec<bool>>,
    ) -> Option<Inputs> {
        let contents = places.iter().map(|(_, place)| {
            let filled = self.cubes[place.0].as_ref()?;
            let (axis, timing) = (&filled.cube.axis, &self.timings[slot]);
            let ranges = bins(axis, self.plan.measure(*place), timing);
            Some(filled.history.as_ref()?.contents(place.1, ranges))
        });
        let sees_cases = matches!(indicator.formula, Formula::SurvivalMedian(_));
        let zone = &self.engine.setting.zone;
        let spans = self.timings[slot].spans().iter().filter(|_| sees_cases);
        Some(Inputs {
            plan: Arc::clone(&self.plan),
            slot: self.slots[slot],
            wanted: Arc::clone(wanted),
            contents: contents.collect::<Option<_>>()?,
            footings: places
                .iter()
                .map(|(kpi, place)| Arc::clone(&self.footings(*kpi, *place)[slot]))
                .collect(),
            people: self.people[slot].clone(),
            reported: Arc::clone(&self.reported),
            windows: spans
                .map(|span| survival_window(span.cut, &self.knowledge, zone))
                .collect(),
        })
    }

    /// The views that are needed for what is left to do.
    fn views_for(&self, work: &[Work<'_>]) -> Views<'_> {
        let mut needed: HashMap<(u32, MeasurePlace), Vec<bool>> = HashMap::new();
        for work in work {
            for place in &work.places {
                let slots = needed.entry(*place);
                let slots = slots.or_insert_with(|| vec![false; self.slots.len()]);
                for (is_needed, recalled) in slots.iter_mut().zip(&work.recalled) {
                    *is_needed |= recalled.is_none();
                }
            }
        }
        in_parallel(needed.into_iter().collect(), |((kpi, place), needed)| {
            let slots: Vec<usize> = (0..needed.len()).filter(|slot| needed[*slot]).collect();
            let mut views: Vec<Option<View<'_>>> = needed.iter().map(|_| None).collect();
            for (slot, view) in slots.iter().zip(self.views_in(kpi, place, &slots)) {
                views[*slot] = Some(view);
            }
            (place, views)
        })
        .into_iter()
        .collect()
    }

    /// The measures that an indicator needs: those of its formula, then those beside it.
    fn places_of(&self, kpi: &Kpi, indicator: &Indicator) -> Vec<(u32, MeasurePlace)> {
        let named = indicator.measures().into_iter();
        named
            .filter_map(|name| Some((kpi.no, self.plan.place(kpi.no, name)?)))
            .collect()
    }

    /// The amounts of a measure in each period, masked by coverage and by whom the KPI concerns.
    pub(crate) fn views(&self, kpi: u32, place: MeasurePlace) -> Vec<View<'_>> {
        let all: Vec<usize> = (0..self.slots.len()).collect();
        self.views_in(kpi, place, &all)
    }

    fn views_in(&self, kpi: u32, place: MeasurePlace, slots: &[usize]) -> Vec<View<'_>> {
        let cube = self.cubes[place.0].as_ref().map(|filled| &*filled.cube);
        let footings = self.footings(kpi, place);
        let footings = slots.iter().map(|slot| Arc::clone(&footings[*slot]));
        views(cube, place.1, self.plan.measure(place), footings.collect())
    }

    /// Where the evidence for a measure counts. *Shape*: slot.
    fn footings(&self, kpi: u32, place: MeasurePlace) -> Arc<Vec<Arc<Footing>>> {
        let speaking = match self.plan.measure(place).clock {
            ClockPlan::Flow { .. } => Speaking::Throughout,
            ClockPlan::Stock { .. } | ClockPlan::Spell { .. } => Speaking::OnCutDay,
        };
        let mut known = self.footings.lock().unwrap_or_else(PoisonError::into_inner);
        let footings = known
            .entry((place.0, kpi, speaking))
            .or_insert_with(|| Arc::new(self.new_footings(kpi, place.0, speaking)));
        Arc::clone(footings)
    }

    fn new_footings(&self, kpi: u32, dataset: usize, speaking: Speaking) -> Vec<Arc<Footing>> {
        let cube = self.cubes[dataset].as_ref().map(|filled| &*filled.cube);
        let places = self.places[dataset].get_or_init(|| {
            let arrangements = self.arrangements.iter();
            arrangements
                .map(|of_slot| Arc::new(Places::new(cube, of_slot.main())))
                .collect()
        });
        let of_slot = |at: usize| {
            let (arrangement, timing) = (&self.arrangements[at], &self.timings[at]);
            let tree = arrangement.main();
            let covered = match &self.claims[dataset] {
                None => vec![false; tree.nodes().len()],
                Some(claims) => timing.flags(|span| match speaking {
                    Speaking::Throughout => claims.throughout(tree, span.months, span.cut),
                    Speaking::OnCutDay => claims.on(tree, span.cut),
                }),
            };
            let concerned = self.engine.setting.programme.concerned(kpi, tree);
            let covered = covered.into_iter().zip(concerned);
            Arc::new(Footing::new(
                self.slots[at],
                Arc::clone(arrangement),
                Arc::clone(&places[at]),
                Arc::clone(timing),
                covered.map(|(covered, is)| covered && is).collect(),
            ))
        };
        (0..self.slots.len()).map(of_slot).collect()
    }

    /// Measures one indicator in the periods that are not remembered. *Shape*: slot, node; empty where nothing is to be done.
    fn measure_indicator(
        &self,
        work: &Work<'_>,
        figures: Vec<Vec<Figure>>,
        views: &Views<'_>,
        wanted: &[Arc<Vec<bool>>],
        labels: &Labels,
    ) -> Vec<Vec<Measurement>> {
        let (kpi, indicator) = work.of;
        let mut measured: Vec<Vec<Measurement>> = self.slots.iter().map(|_| Vec::new()).collect();
        let missing = work.missing();
        if missing.is_empty() {
            return measured;
        }
        let programme = &self.engine.setting.programme;
        let labels = labels.of(kpi, indicator);
        for (slot, figures) in missing.into_iter().zip(figures) {
            let arrangement = &*self.arrangements[slot];
            let concerned = arrangement.flags(&programme.concerned(kpi.no, arrangement.main()));
            let own = work.places.iter();
            let own: Vec<&View<'_>> = own.filter_map(|at| views[&at.1][slot].as_ref()).collect();
            let period = &labels.slots[slot].period;
            let standing = Standing::new(
                arrangement,
                (indicator, &concerned),
                &own,
                self.people[slot].as_deref().map(Vec::as_slice),
                self.reported.of(kpi.no, &indicator.code, period),
            );
            let terms = self.terms_of(slot);
            let nodes = (0..wanted[slot].len()).filter(|node| wanted[slot][*node]);
            let nodes: Vec<usize> = nodes.collect();
            let of_node = |node: &usize| {
                let at = At {
                    kpi,
                    indicator,
                    slot: &self.slots[slot],
                    slot_index: slot,
                    arrangement,
                    concerned: &concerned,
                    node: *node,
                    views: &own,
                };
                let known = standing.known(&at, || figure(&at, figures.get(*node)));
                self.judged(&at, known, &labels, &terms[self.number_at(slot, *node)])
            };
            measured[slot] = nodes.iter().map(of_node).collect();
        }
        measured
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

/// One indicator: what it needs, and what is remembered of it.
struct Work<'k> {
    of: (&'k Kpi, &'k Indicator),
    places: Vec<(u32, MeasurePlace)>,
    /// *Shape*: slot; empty where nothing is remembered.
    inputs: Vec<Option<Inputs>>,
    /// *Shape*: slot.
    recalled: Vec<Option<Part>>,
}

impl Work<'_> {
    /// The slots of which nothing is remembered.
    fn missing(&self) -> Vec<usize> {
        let slots = 0..self.recalled.len();
        slots
            .filter(|slot| self.recalled[*slot].is_none())
            .collect()
    }

    /// The measure whose histogram is read, if any is.
    fn place_of_counts(&self) -> Option<MeasurePlace> {
        let formula = &self.of.1.formula;
        let reads_counts =
            formula.needs_histogram() || matches!(formula, Formula::SurvivalMedian(_));
        let (_, place) = self.places.first().filter(|_| reads_counts)?;
        Some(*place)
    }

    /// Tells whether its figures come of the same sums as those of other work.
    fn goes_with(&self, other: &Self) -> bool {
        let is_quantile = |work: &Self| matches!(work.of.1.formula, Formula::Quantile { .. });
        is_quantile(self)
            && is_quantile(other)
            && self.place_of_counts() == other.place_of_counts()
            && self.missing() == other.missing()
    }
}

/// Work with its place among all, what goes together put together, and what takes long first, so that threads end together.
fn grouped(work: Vec<Work<'_>>) -> Vec<Vec<(usize, Work<'_>)>> {
    let mut groups: Vec<Vec<(usize, Work<'_>)>> = Vec::new();
    for (at, work) in work.into_iter().enumerate() {
        match groups.iter_mut().find(|group| group[0].1.goes_with(&work)) {
            Some(group) => group.push((at, work)),
            None => groups.push(vec![(at, work)]),
        }
    }
    let cost = |group: &Vec<(usize, Work<'_>)>| match &group[0].1.of.1.formula {
        Formula::SurvivalMedian(_) => 0,
        formula if formula.needs_histogram() => 1,
        _ => 2,
    };
    groups.sort_by_key(cost);
    groups
}

/// The figure from rows; what a histogram gives is given.
fn figure(at: &At<'_>, counted: Option<&Figure>) -> Figure {
    let At {
        indicator,
        node,
        views,
        ..
    } = *at;
    let Some(first) = views.first() else {
        return Figure::default();
    };
    let total = first.total(node);
    let mut figure = match &indicator.formula {
        Formula::Ratio { .. } => match views.get(1) {
            Some(second) => ratio(first.fraction(total), second.total(node), second),
            None => Figure::default(),
        },
        Formula::Sum(_) => {
            let value = first.fraction(total).divided_by(indicator.unit.divisor());
            Figure {
                value,
                n: Some(i128::from(total.count)),
                ..Figure::default()
            }
        }
        Formula::Mean(_) => mean(first, total, indicator),
        Formula::Entities(_) => entities(first, at),
        _ => counted.cloned().unwrap_or_else(|| Figure {
            is_nothing: true,
            ..Figure::default()
        }),
    };
    figure.statistics.unknown = views
        .iter()
        .take(indicator.formula.measures().len())
        .map(|v| i128::from(v.total(node).unknown))
        .max()
        .unwrap_or(0);
    // A ratio has nothing to count where its denominator has none.
    let counted = views.get(indicator.formula.measures().len() - 1);
    figure.is_unknown = counted.is_some_and(|view| view.total(node).unknown > 0);
    figure.statistics.undated = i128::from(first.undated(node));
    figure
}

/// The trailing twelve months that end with the month of the cut day.
pub(crate) fn survival_window(cut: Day, knowledge: &Knowledge, zone: &TimeZone) -> Window {
    let first = Month::of(cut).plus(-11).first_day();
    Window::new(first, cut + 1, knowledge.known_at, zone)
}

pub(crate) fn instant_text(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map_or_else(|_| micros.to_string(), |instant| instant.to_string())
}
