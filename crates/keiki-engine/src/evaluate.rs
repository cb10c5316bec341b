//! Cubes, tree and claims become measurements: amounts are masked, rolled up, and only then divided.

mod amounts;
mod formulas;
mod statistics;

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::Arc;

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, Month, Period, date_of, months_after};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Due, Formula, Indicator, Kpi};
use keiki_model::measurement::{
    ApprovedMiss, Basis, Coverage, Grounds, Headcount, Measurement, Scope, Statistics,
};
use keiki_model::org::Tree;
use keiki_model::proportion::wilson_interval;
use keiki_model::status::{Facts, Found, Status, judge};

use crate::coverage::{Claims, count, owing};
use crate::cube::Cube;
use crate::engine::{Engine, Knowledge};
use crate::plan::{ClockPlan, Plan};
use crate::reported::{ReportedFigure, ReportedFigures};

pub(crate) use amounts::View;
use formulas::{entities, lift, mean, ratio, with_totals};
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
}

/// Everything that figures are computed from.
pub(crate) struct Evaluation<'e> {
    engine: &'e Engine,
    plan: Arc<Plan>,
    pub(crate) knowledge: Knowledge,
    cubes: Vec<Option<Arc<Cube>>>,
    claims: Vec<Option<Claims>>,
    reported: ReportedFigures,
    pub(crate) slots: Vec<Slot>,
    trees: HashMap<(Day, Day), Arc<Tree>>,
    /// Per tree and cut day, the people of each unit; absent where no headcount is known.
    people: HashMap<(Day, Day), Vec<i64>>,
}

/// Where a measure is: its dataset's position, and its own.
pub(crate) type MeasurePlace = (usize, usize);

/// What one measurement is about.
#[derive(Clone, Copy)]
struct At<'a> {
    kpi: &'a Kpi,
    indicator: &'a Indicator,
    slot: &'a Slot,
    period: &'a str,
    tree: &'a Tree,
    /// Per node, whether the KPI concerns it.
    concerned: &'a [bool],
    node: usize,
    views: &'a [Arc<View<'a>>],
}

impl At<'_> {
    /// The length of the stocktake cycle at the node.
    fn cycle_months(&self) -> i32 {
        const DEFAULT: i32 = 12;
        let id = &self.tree.nodes()[self.node].id;
        let months = self
            .kpi
            .parameters
            .iter()
            .find(|p| p.name == "cycle_months");
        months.map_or(DEFAULT, |parameter| {
            let own = parameter.by_unit.iter().find(|(_, ids)| ids.contains(id));
            let value = own.map_or(&parameter.default.value, |(value, _)| value);
            value.parse().unwrap_or(DEFAULT)
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
        cubes: Vec<Option<Arc<Cube>>>,
        claims: Vec<Option<Claims>>,
        reported: ReportedFigures,
        slots: Vec<Slot>,
    ) -> Self {
        let trees = slots
            .iter()
            .map(|slot| {
                let tree = engine.setting.organisation.tree(slot.tree_on);
                ((slot.tree_on, slot.cut), Arc::new(tree.seen_on(slot.cut)))
            })
            .collect();
        Self {
            engine,
            plan,
            knowledge,
            cubes,
            claims,
            reported,
            slots,
            trees,
            people: HashMap::new(),
        }
        .with_people()
    }

    /// Counts the people of each unit, if the catalogue has a measure of that and there is evidence of it.
    fn with_people(mut self) -> Self {
        let Some((kpi, place)) = self.plan.people else {
            return self;
        };
        let divisor = self.plan.measure(place).divisor;
        let mut people = HashMap::new();
        for slot in &self.slots {
            let tree = self.tree(slot);
            let view = self.view(kpi, place, slot, &tree);
            let own: Vec<i64> = view
                .own_levels(&tree)
                .into_iter()
                .map(|sum| i64::try_from(sum / divisor).unwrap_or(0))
                .collect();
            if own.iter().any(|count| *count > 0) {
                people.insert((slot.tree_on, slot.cut), own);
            }
        }
        self.people = people;
        self
    }

    pub(crate) fn tree(&self, slot: &Slot) -> Arc<Tree> {
        self.trees.get(&(slot.tree_on, slot.cut)).map_or_else(
            || Arc::new(self.engine.setting.organisation.tree(slot.cut)),
            Arc::clone,
        )
    }

    /// Tells whether any of the trees has the org unit; without periods every id is accepted.
    pub(crate) fn knows_unit(&self, id: &str) -> bool {
        self.trees.is_empty() || self.trees.values().any(|tree| tree.position(id).is_some())
    }

    /// Measures all indicators of the KPIs for the org units (empty = all) and periods.
    /// *Shape*: with the position of each in the catalogue, the tree and the slots.
    pub(crate) fn measure(
        &self,
        kpis: &[Arc<Kpi>],
        units: &[String],
    ) -> Vec<(usize, usize, usize, Measurement)> {
        // Periods are independent of each other; they are dealt out to as many threads as there are processors.
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let parts: Vec<_> = (0..threads.min(self.slots.len()))
                .map(|first| {
                    scope.spawn(move || {
                        let own = (first..self.slots.len()).step_by(threads);
                        own.flat_map(|slot| self.measure_slot(slot, kpis, units))
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            parts
                .into_iter()
                .flat_map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        })
    }

    /// Measures all indicators of the KPIs in one period.
    fn measure_slot(
        &self,
        slot_index: usize,
        kpis: &[Arc<Kpi>],
        units: &[String],
    ) -> Vec<(usize, usize, usize, Measurement)> {
        let mut measurements: Vec<(usize, usize, usize, Measurement)> = Vec::new();
        let slot = &self.slots[slot_index];
        let tree = self.tree(slot);
        let mut views: HashMap<MeasurePlace, Arc<View<'_>>> = HashMap::new();
        let nodes: Vec<usize> = if units.is_empty() {
            (0..tree.nodes().len()).collect()
        } else {
            units.iter().filter_map(|id| tree.position(id)).collect()
        };
        for (kpi_index, kpi) in kpis.iter().enumerate() {
            let kpi = self.engine.with_parameters(kpi, slot.cut);
            let concerned = self.engine.setting.programme.concerned(kpi.no, &tree);
            for (indicator_index, indicator) in kpi.indicators.iter().enumerate() {
                let order = kpi_index * 1_000 + indicator_index;
                let own = self.views(&kpi, indicator, slot, &tree, &mut views);
                let period = slot.period.to_string();
                for node in &nodes {
                    let at = At {
                        kpi: &kpi,
                        indicator,
                        slot,
                        period: &period,
                        tree: &tree,
                        concerned: &concerned,
                        node: *node,
                        views: &own,
                    };
                    measurements.push((order, *node, slot_index, self.one(&at)));
                }
            }
        }
        measurements
    }

    /// The amounts that an indicator needs: those of its formula, then pace, then unmet.
    fn views<'s>(
        &'s self,
        kpi: &Kpi,
        indicator: &Indicator,
        slot: &Slot,
        tree: &Arc<Tree>,
        views: &mut HashMap<MeasurePlace, Arc<View<'s>>>,
    ) -> Vec<Arc<View<'s>>> {
        let mut named: Vec<&str> = indicator.formula.measures();
        named.extend(indicator.pace.as_deref());
        named.extend(indicator.unmet.as_deref());
        named
            .into_iter()
            .filter_map(|name| self.plan.place(kpi.no, name))
            .map(|place| {
                let view = views
                    .entry(place)
                    .or_insert_with(|| Arc::new(self.view(kpi.no, place, slot, tree)));
                Arc::clone(view)
            })
            .collect()
    }

    /// The amounts of a measure in a period, masked by coverage and by whom the KPI concerns.
    pub(crate) fn view<'s>(
        &'s self,
        kpi: u32,
        place: MeasurePlace,
        slot: &Slot,
        tree: &Arc<Tree>,
    ) -> View<'s> {
        let plan = self.plan.measure(place);
        let mut covered = match &self.claims[place.0] {
            None => vec![false; tree.nodes().len()],
            Some(claims) if matches!(plan.clock, ClockPlan::Flow { .. }) => {
                claims.throughout(tree, slot.months, slot.cut)
            }
            Some(claims) => claims.on(tree, slot.cut),
        };
        let concerned = self.engine.setting.programme.concerned(kpi, tree);
        for (flag, is_concerned) in covered.iter_mut().zip(concerned) {
            *flag &= is_concerned;
        }
        View::new(
            self.cubes[place.0].as_deref(),
            place.1,
            plan,
            slot,
            tree,
            covered,
        )
    }

    fn one(&self, at: &At<'_>) -> Measurement {
        let At {
            kpi,
            indicator,
            tree,
            node,
            ..
        } = *at;
        let Known {
            mut figure,
            coverage,
            missing,
            basis,
            totals,
        } = self.known(at);
        if indicator.is_sample
            && let (Some(k), Some(n)) = (figure.numerator, figure.n)
        {
            figure.statistics.interval = wilson_interval(k.numerator() / k.denominator(), n);
            figure.is_too_few = n < indicator.minimum_n;
        }
        let unmet = match (&indicator.unmet, at.views.last()) {
            (Some(measure), Some(view)) => self.unmet(at, measure, view, &totals),
            _ => Some(0),
        };
        if indicator.unmet.is_some() && coverage.covered > 0 {
            figure.statistics.unmet = unmet;
        }
        let programme = &self.engine.setting.programme;
        let set = programme.target(kpi, &indicator.code, tree, node);
        let target = set.map_or(indicator.target, |set| set.target);
        let near_margin = set
            .and_then(|set| set.near_margin)
            .unwrap_or(indicator.near_margin);
        let due = set.and_then(|set| set.due).unwrap_or(indicator.due);
        let way = self.way(at, due);
        let waiver = programme.waiver(kpi.no, &indicator.code, tree, node);
        let status = judge(&Facts {
            coverage,
            coverage_at_least: kpi.coverage_at_least,
            covered_by: kpi.covered_by,
            value: figure.value,
            found: match (figure.is_nothing, figure.is_unknown) {
                (false, _) => Found::Records,
                (true, false) => Found::Nothing,
                (true, true) => Found::OnlyUnknown,
            },
            none_is: indicator.none_is,
            is_too_few: figure.is_too_few,
            target,
            near_margin,
            unmet,
            elapsed: way.map(|(_, share)| share),
            is_waived: waiver.is_some(),
        });
        let has_value = !matches!(status, Status::NoData | Status::NotApplicable);
        Measurement {
            no: kpi.no,
            code: kpi.code.clone(),
            indicator: indicator.code.clone(),
            is_companion: indicator.is_companion,
            org_unit: tree.nodes()[node].id.clone(),
            scope: at.slot.scope,
            tree_on: (at.slot.tree_on != at.slot.cut).then(|| date_of(at.slot.tree_on).to_string()),
            period: at.period.to_owned(),
            cut_on: date_of(at.slot.cut).to_string(),
            known_at: instant_text(self.knowledge.known_at),
            value: figure.value.filter(|_| has_value),
            unit: indicator.unit,
            numerator: figure.numerator.filter(|_| has_value),
            denominator: figure.denominator.filter(|_| has_value),
            n: figure.n.filter(|_| has_value),
            target,
            status,
            coverage,
            basis,
            definition_version: kpi.version.clone(),
            journal_version: self.knowledge.seq,
            statistics: figure.statistics,
            grounds: Grounds {
                coverage_at_least: Some(kpi.coverage_at_least),
                near_margin: Some(near_margin),
                due_on: way.map(|(due_on, _)| due_on),
                pace: way.and_then(|(_, share)| target?.at_least?.times(share)),
                minimum_n: indicator.minimum_n,
                missing,
                waiver: waiver.map(|waiver| ApprovedMiss {
                    reason: waiver.reason.clone(),
                    approved_by: waiver.standing.approved_by.clone(),
                    until: waiver.standing.until,
                }),
            },
        }
    }

    /// How many items are not done that should be. Where totals stand in the place of rows, the total of the KPI's sum over
    /// the same measure is taken; `None` where a unit reported totals and not that one.
    fn unmet(
        &self,
        at: &At<'_>,
        measure: &str,
        view: &View<'_>,
        totals: &[(usize, ReportedFigure)],
    ) -> Option<i128> {
        let At {
            kpi, period, node, ..
        } = *at;
        let is_replaced = |position: usize| {
            totals
                .iter()
                .any(|(unit, _)| view.tree().is_within(position, *unit))
        };
        let mut unmet = i128::from(view.total_without(node, &is_replaced).count);
        let sum = kpi
            .indicators
            .iter()
            .find(|i| matches!(&i.formula, Formula::Sum(m) if m == measure));
        for (_, figure) in totals {
            let reported = self.reported.of(kpi.no, &sum?.code, period);
            let of_unit = reported.iter().find(|f| f.org_unit == figure.org_unit)?;
            let count = of_unit.numerator?;
            unmet += count.numerator() / count.denominator();
        }
        Some(unmet)
    }

    /// The figure from rows, or from what was reported in their place, and what it rests on.
    fn known(&self, at: &At<'_>) -> Known {
        let At {
            indicator,
            tree,
            node,
            views,
            ..
        } = *at;
        let reported = self.reported.of(at.kpi.no, &indicator.code, at.period);
        let owing = owing_for(at);
        let mut covered = vec![true; tree.nodes().len()];
        for view in views {
            for (flag, of) in covered.iter_mut().zip(&view.covered) {
                *flag &= *of;
            }
        }
        let totals: Vec<(usize, ReportedFigure)> = reported
            .iter()
            .filter(|figure| figure.has_totals())
            .filter_map(|figure| Some((tree.position(&figure.org_unit)?, figure.clone())))
            .filter(|(position, _)| {
                let is_below = match at.slot.scope {
                    Scope::Consolidated => tree.is_within(*position, node),
                    Scope::StandAlone => tree.entity_of(*position) == node,
                };
                is_below || tree.is_within(node, *position)
            })
            .collect();
        for (position, _) in &totals {
            covered[*position..tree.nodes()[*position].subtree_end].fill(true);
        }
        if !totals.is_empty() {
            lift(&mut covered, tree, views);
        }
        let mut coverage = count(&owing, &covered);
        coverage.headcount = self.headcount(at, &owing, &covered);
        let missing = owing
            .iter()
            .filter(|position| !covered[**position])
            .map(|position| tree.nodes()[*position].id.clone())
            .collect();
        let mut basis = Basis::Rows;
        let mut figure = if totals.is_empty() {
            self.figure(at)
        } else {
            basis = Basis::Reported;
            with_totals(indicator, tree, node, views, &totals)
        };
        let reference = reported
            .iter()
            .find(|f| !f.has_totals() && f.org_unit == tree.nodes()[node].id);
        if let Some(value) = reference
            .and_then(|reference| reference.value)
            .filter(|_| coverage.covered == 0)
        {
            basis = Basis::Reference;
            coverage = Coverage {
                covered: coverage.expected.min(1),
                ..coverage
            };
            figure = Figure {
                value: Some(value),
                ..Figure::default()
            };
        }
        if coverage.covered == 0 {
            figure = Figure {
                statistics: Statistics {
                    undated: figure.statistics.undated,
                    ..Statistics::default()
                },
                ..Figure::default()
            };
        }
        Known {
            figure,
            coverage,
            missing,
            basis,
            totals,
        }
    }

    /// Coverage by people: the headcount of each owing unit, its departments included, as the catalogue's measure has it.
    fn headcount(&self, at: &At<'_>, owing: &[usize], covered: &[bool]) -> Option<Headcount> {
        let people = self.people.get(&(at.slot.tree_on, at.slot.cut))?;
        let sum = |is_counted: &dyn Fn(usize) -> bool| {
            owing
                .iter()
                .filter(|position| is_counted(**position))
                .map(|position| people[*position])
                .sum()
        };
        Some(Headcount {
            covered: sum(&|position| covered[position]),
            expected: sum(&|_| true),
        })
    }

    /// The day on which the target is due and the share of the way to it that should be done; `None` where it is due now.
    fn way(&self, at: &At<'_>, due: Due) -> Option<(Day, Fraction)> {
        let calendar = &self.engine.setting.calendar;
        let cut = at.slot.cut;
        let (start, end) = match due {
            Due::Period => return None,
            Due::FiscalYearEnd => (
                calendar.fiscal_year_start(cut),
                calendar.fiscal_year_end(cut),
            ),
            Due::CycleEnd => {
                let months = at.cycle_months();
                let end = calendar.cycle_end(cut, months);
                (months_after(end + 1, -i64::from(months)), end)
            }
        };
        if cut >= end {
            return None;
        }
        let elapsed = Fraction::new(i128::from(cut - start + 1), i128::from(end - start + 1))?;
        let share = paced(at.indicator, at.node, at.views).unwrap_or(elapsed);
        Some((end, share))
    }

    fn figure(&self, at: &At<'_>) -> Figure {
        let At {
            indicator,
            slot,
            tree,
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
            Formula::Quantile { at, .. } => statistics::quantile(first, node, *at, indicator),
            Formula::ShareWithin { limit, .. } => statistics::share_within(first, node, *limit),
            Formula::SurvivalMedian(_) => self.survival(first, slot, node, indicator),
            Formula::Lowest(_) => {
                statistics::extreme(first, node, statistics::Extreme::Lowest, indicator)
            }
            Formula::Highest(_) => {
                statistics::extreme(first, node, statistics::Extreme::Highest, indicator)
            }
            Formula::Latest(_) => {
                statistics::extreme(first, node, statistics::Extreme::Latest, indicator)
            }
            Formula::DaysLate(_) => statistics::days_late(first, node, slot.cut),
            Formula::Entities(_) => entities(first, tree, at),
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

    fn survival(&self, view: &View<'_>, slot: &Slot, node: usize, indicator: &Indicator) -> Figure {
        let window = survival_window(slot, &self.knowledge, &self.engine.setting.zone);
        statistics::survival(view, node, &window, indicator)
    }
}

/// A figure and what it rests on.
struct Known {
    figure: Figure,
    coverage: Coverage,
    /// Ids of units that owe evidence and have not reported.
    missing: Vec<String>,
    basis: Basis,
    /// What was reported in the place of rows, with the position of its org unit.
    totals: Vec<(usize, ReportedFigure)>,
}

/// The share of the way that a plan has for this day: the pace measure over the denominator.
fn paced(indicator: &Indicator, node: usize, views: &[Arc<View<'_>>]) -> Option<Fraction> {
    indicator.pace.as_ref()?;
    let of = |view: &View<'_>| view.fraction(view.total(node));
    let (planned, whole) = (
        of(views.get(indicator.formula.measures().len())?),
        of(views.get(1)?),
    );
    Fraction::new(
        planned.numerator() * whole.denominator(),
        planned.denominator() * whole.numerator(),
    )
}

/// The units that owe an indicator at a node, of those whom the KPI concerns. Entities are counted from an entity down: a
/// department has none.
fn owing_for(at: &At<'_>) -> Vec<usize> {
    let counts_entities = matches!(at.indicator.formula, Formula::Entities(_));
    if counts_entities && !at.tree.nodes()[at.node].kind.is_entity() {
        return Vec::new();
    }
    let mut owing = owing(at.tree, at.node, &at.indicator.applies_to);
    if at.slot.scope == Scope::StandAlone {
        owing.retain(|position| *position == at.node);
    }
    owing.retain(|position| at.concerned[*position]);
    owing
}

/// The trailing twelve months that end with the month of the cut day.
pub(crate) fn survival_window(slot: &Slot, knowledge: &Knowledge, zone: &TimeZone) -> Window {
    let first = Month::of(slot.cut).plus(-11).first_day();
    Window::new(first, slot.cut + 1, knowledge.known_at, zone)
}

pub(crate) fn instant_text(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map_or_else(|_| micros.to_string(), |instant| instant.to_string())
}
