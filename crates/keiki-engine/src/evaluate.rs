//! Cubes, tree and claims become measurements: amounts are masked, rolled up, and only then divided.

mod amounts;
mod counts;
mod formulas;
mod judgement;
mod memory;
mod parallel;
mod standing;
mod statistics;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, Month, Period};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Formula, Indicator, Kpi};
use keiki_model::measurement::{Measurement, Scope, Statistics};
use keiki_model::org::{Arrangement, Hierarchy, Tree};

use crate::coverage::Claims;
use crate::engine::{Engine, Knowledge};
use crate::keep::Filled;
use crate::plan::{ClockPlan, Plan};
use crate::reported::ReportedFigures;
use crate::timing::Timing;

pub(crate) use amounts::View;
use amounts::{Frame, Places, views};
use formulas::{entities, mean, ratio};
use judgement::{CYCLE_MONTHS, Labels, Terms};
use memory::Inputs;
pub(crate) use memory::Memory;
use parallel::in_parallel;
use standing::Standing;
pub(crate) use standing::{Bearing, bearing};
pub(crate) use statistics::Window;

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
    people: Vec<Option<Vec<i64>>>,
    /// Per dataset, what its views share.
    shared: Vec<Shared>,
}

/// What the views of one dataset share. *Shape*: slot, then node or org unit of the cube.
#[derive(Default)]
struct Shared {
    places: OnceLock<Vec<Arc<Places>>>,
    covered_on: OnceLock<Vec<Vec<bool>>>,
    covered_throughout: OnceLock<Vec<Vec<bool>>>,
}

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
        let arrangements: Vec<Arc<Arrangement>> = slots
            .iter()
            .map(|slot| {
                let tree = setting.organisation.tree(slot.tree_on);
                let main = Arc::new(tree.seen_on(slot.cut));
                Arc::new(match slot.hierarchy {
                    None => Arrangement::of_main(main),
                    Some(at) => setting.hierarchies[at].arrange(main, slot.tree_on),
                })
            })
            .collect();
        let timing = |(slot, of_slot): (&Slot, &Arc<Arrangement>)| {
            let today = knowledge.today;
            Arc::new(Timing::new(&setting.calendars, slot, of_slot.main(), today))
        };
        let timings = slots.iter().zip(&arrangements).map(timing).collect();
        let shared = cubes.iter().map(|_| Shared::default()).collect();
        Self {
            engine,
            plan,
            knowledge,
            cubes,
            claims,
            reported: Arc::new(reported),
            people: vec![None; slots.len()],
            slots,
            arrangements,
            timings,
            shared,
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
            own.iter().any(|count| *count > 0).then_some(own)
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

    /// The nodes that are asked for. *Shape*: slot, node.
    fn wanted(&self, units: &[String]) -> Vec<Vec<bool>> {
        let of_slot = |arrangement: &Arc<Arrangement>| {
            let tree = arrangement.tree();
            let mut wanted = vec![units.is_empty(); tree.nodes().len()];
            for position in units.iter().filter_map(|id| tree.position(id)) {
                wanted[position] = true;
            }
            wanted
        };
        self.arrangements.iter().map(of_slot).collect()
    }

    /// Measures all indicators of the KPIs for the org units (empty = all) and periods.
    /// *Shape*: ordered by KPI, indicator, position in the tree, slot.
    pub(crate) fn measure(&self, kpis: &[Arc<Kpi>], units: &[String]) -> Vec<Measurement> {
        let Some(first) = self.slots.first() else {
            return Vec::new();
        };
        // The definitions of one plan are the same on all of its days.
        let kpis: Vec<Arc<Kpi>> = kpis
            .iter()
            .map(|kpi| self.engine.with_parameters(kpi, first.cut))
            .collect();
        let wanted = self.wanted(units);
        let of_each = wanted.iter().flatten().filter(|is| **is).count();
        let indicators: Vec<(&Kpi, &Indicator)> = kpis
            .iter()
            .flat_map(|kpi| {
                kpi.indicators
                    .iter()
                    .map(move |indicator| (&**kpi, indicator))
            })
            .collect();
        let views = self.all_views(&indicators);
        let labels = Labels::new(self);
        let mut measured: Vec<Option<Measurement>> = Vec::new();
        measured.resize_with(of_each * indicators.len(), || None);
        let parts = measured.chunks_mut(of_each.max(1));
        in_parallel(indicators.into_iter().zip(parts).collect(), |(of, part)| {
            self.measure_indicator(of, &views, &wanted, &labels, part);
        });
        // Every place is filled; `map_while` leaves them where they are.
        measured.into_iter().map_while(|one| one).collect()
    }

    /// The positions of all measurements in the order that is promised. *Shape*: indicator, node, slot.
    pub(crate) fn order(&self, kpis: &[Arc<Kpi>], units: &[String]) -> Vec<(usize, usize, usize)> {
        let wanted = self.wanted(units);
        let indicators: usize = kpis.iter().map(|kpi| kpi.indicators.len()).sum();
        (0..indicators)
            .flat_map(|indicator| places(&wanted).map(move |(node, slot)| (indicator, node, slot)))
            .collect()
    }

    /// The views of all measures that the indicators need.
    fn all_views(&self, indicators: &[(&Kpi, &Indicator)]) -> HashMap<MeasurePlace, Vec<View<'_>>> {
        let mut needed: Vec<(u32, MeasurePlace)> = indicators
            .iter()
            .flat_map(|(kpi, indicator)| self.places_of(kpi, indicator))
            .collect();
        needed.sort_unstable();
        needed.dedup();
        in_parallel(needed, |(kpi, place)| (place, self.views(kpi, place)))
            .into_iter()
            .collect()
    }

    /// The measures that an indicator needs: those of its formula, then pace, then unmet.
    fn places_of(&self, kpi: &Kpi, indicator: &Indicator) -> Vec<(u32, MeasurePlace)> {
        let mut named: Vec<&str> = indicator.formula.measures();
        named.extend(indicator.pace.as_deref());
        named.extend(indicator.unmet.as_deref());
        named
            .into_iter()
            .filter_map(|name| Some((kpi.no, self.plan.place(kpi.no, name)?)))
            .collect()
    }

    /// The amounts of a measure in each period, masked by coverage and by whom the KPI concerns.
    pub(crate) fn views(&self, kpi: u32, place: MeasurePlace) -> Vec<View<'_>> {
        let plan = self.plan.measure(place);
        let cube = self.cubes[place.0].as_ref().map(|filled| &*filled.cube);
        let is_flow = matches!(plan.clock, ClockPlan::Flow { .. });
        let shared = &self.shared[place.0];
        let places = shared.places.get_or_init(|| {
            let arrangements = self.arrangements.iter();
            arrangements
                .map(|of_slot| Arc::new(Places::new(cube, of_slot.main())))
                .collect()
        });
        let covered = if is_flow {
            &shared.covered_throughout
        } else {
            &shared.covered_on
        };
        let covered = covered.get_or_init(|| {
            let arrangements = self.arrangements.iter();
            let timings = self.timings.iter().zip(arrangements.map(|of| of.main()));
            timings
                .map(|(timing, tree)| match &self.claims[place.0] {
                    None => vec![false; tree.nodes().len()],
                    Some(claims) => timing.flags(|span| {
                        if is_flow {
                            claims.throughout(tree, span.months, span.cut)
                        } else {
                            claims.on(tree, span.cut)
                        }
                    }),
                })
                .collect()
        });
        let frames = (0..self.slots.len())
            .map(|at| {
                let arrangement = &self.arrangements[at];
                let programme = &self.engine.setting.programme;
                let concerned = programme.concerned(kpi, arrangement.main());
                let covered = covered[at].iter().zip(concerned);
                Frame {
                    slot: self.slots[at],
                    arrangement: Arc::clone(arrangement),
                    places: Arc::clone(&places[at]),
                    timing: Arc::clone(&self.timings[at]),
                    covered: covered.map(|(covered, is)| *covered && is).collect(),
                }
            })
            .collect();
        views(cube, place.1, plan, frames)
    }

    /// Measures one indicator, into the places that are its own.
    fn measure_indicator(
        &self,
        (kpi, indicator): (&Kpi, &Indicator),
        views: &HashMap<MeasurePlace, Vec<View<'_>>>,
        wanted: &[Vec<bool>],
        labels: &Labels,
        part: &mut [Option<Measurement>],
    ) {
        let own = self.places_of(kpi, indicator);
        let of_slot = |slot: usize| -> Vec<&View<'_>> {
            own.iter().map(|(_, place)| &views[place][slot]).collect()
        };
        let programme = &self.engine.setting.programme;
        let concerned: Vec<Vec<bool>> = self
            .arrangements
            .iter()
            .map(|of| of.flags(&programme.concerned(kpi.no, of.main())))
            .collect();
        let own_views: Vec<Vec<&View<'_>>> = (0..self.slots.len()).map(of_slot).collect();
        let memory = self.engine.memory.as_ref();
        let inputs = memory.and_then(|_| Inputs::new(self, indicator, &own, &own_views, wanted));
        if let (Some(memory), Some(inputs)) = (memory, &inputs) {
            let known_at = labels.known_at();
            let renew = |one: &Measurement| Measurement {
                known_at: known_at.clone(),
                journal_version: self.knowledge.seq,
                ..one.clone()
            };
            if memory.recall((kpi, indicator), inputs, part, renew) {
                return;
            }
        }
        let standings: Vec<Standing<'_>> = (0..self.slots.len())
            .map(|slot| {
                Standing::new(
                    &self.arrangements[slot],
                    (indicator, &concerned[slot]),
                    &own_views[slot],
                    self.people[slot].as_deref(),
                    self.reported
                        .of(kpi.no, &indicator.code, &labels.slots[slot].period),
                )
            })
            .collect();
        let figures = self.figures_of_counts(indicator, own.first(), views);
        let labels = labels.of(kpi, indicator);
        let terms: Vec<Vec<Terms<'_>>> = (0..self.slots.len())
            .map(|slot| self.terms_of(slot))
            .collect();
        for ((node, slot), place) in places(wanted).zip(part.iter_mut()) {
            let at = At {
                kpi,
                indicator,
                slot: &self.slots[slot],
                slot_index: slot,
                arrangement: &self.arrangements[slot],
                concerned: &concerned[slot],
                node,
                views: &own_views[slot],
            };
            let counted = figures.get(slot).and_then(|of_slot| of_slot.get(node));
            let known = standings[slot].known(&at, || figure(&at, counted));
            let terms = &terms[slot][self.number_at(slot, node)];
            *place = Some(self.judged(&at, known, &labels, terms));
        }
        if let (Some(memory), Some(inputs)) = (memory, inputs) {
            memory.keep((kpi, indicator), inputs, part);
        }
    }

    /// The figures of an indicator that reads a histogram. *Shape*: slot, node; empty for others.
    fn figures_of_counts(
        &self,
        indicator: &Indicator,
        first: Option<&(u32, MeasurePlace)>,
        views: &HashMap<MeasurePlace, Vec<View<'_>>>,
    ) -> Vec<Vec<Figure>> {
        let reads_counts = indicator.formula.needs_histogram()
            || matches!(indicator.formula, Formula::SurvivalMedian(_));
        let Some((_, place)) = first.filter(|_| reads_counts) else {
            return Vec::new();
        };
        let Some(filled) = &self.cubes[place.0] else {
            return Vec::new();
        };
        let reading = statistics::Reading {
            indicator,
            cube: &filled.cube,
            measure: place.1,
            knowledge: &self.knowledge,
            zone: &self.engine.setting.zone,
        };
        statistics::figures(&reading, &self.slots, &views[place])
    }
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

/// The nodes and slots that are asked for, in the order in which they are measured.
fn places(wanted: &[Vec<bool>]) -> impl Iterator<Item = (usize, usize)> {
    let nodes = wanted.iter().map(Vec::len).max().unwrap_or(0);
    (0..nodes).flat_map(move |node| {
        let slots = wanted.iter().enumerate();
        slots
            .filter(move |(_, nodes)| nodes.get(node) == Some(&true))
            .map(move |(slot, _)| (node, slot))
    })
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
