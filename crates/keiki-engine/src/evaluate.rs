//! Cubes, tree and claims become measurements: amounts are masked, rolled up, and only then divided.

mod amounts;
mod statistics;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, Month, Period, date_of, months_after};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Due, Formula, Indicator, Kpi};
use keiki_model::measurement::{Basis, Coverage, Measurement, Statistics};
use keiki_model::org::{Tree, UNASSIGNED};
use keiki_model::proportion::wilson_interval;
use keiki_model::status::{Facts, Status, judge};

use crate::coverage::{Claims, count, owing};
use crate::cube::{Cell, Cube};
use crate::engine::{Engine, Knowledge};
use crate::plan::ClockPlan;
use crate::reported::{ReportedFigure, ReportedFigures};

pub(crate) use amounts::View;
pub(crate) use statistics::Window;

/// A period with its months and the day at which it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) period: Period,
    pub(crate) months: (Month, Month),
    pub(crate) cut: Day,
}

/// Everything that figures are computed from.
pub(crate) struct Evaluation<'e> {
    engine: &'e Engine,
    pub(crate) knowledge: Knowledge,
    cubes: Vec<Option<Arc<Cube>>>,
    claims: Vec<Option<Claims>>,
    reported: ReportedFigures,
    pub(crate) slots: Vec<Slot>,
    trees: HashMap<Day, Arc<Tree>>,
}

/// Where a measure is: its dataset's position, and its own.
pub(crate) type MeasurePlace = (usize, usize);

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
        knowledge: Knowledge,
        cubes: Vec<Option<Arc<Cube>>>,
        claims: Vec<Option<Claims>>,
        reported: ReportedFigures,
        slots: Vec<Slot>,
    ) -> Self {
        let trees = slots
            .iter()
            .map(|slot| {
                (
                    slot.cut,
                    Arc::new(engine.setting.organisation.tree(slot.cut)),
                )
            })
            .collect();
        Self {
            engine,
            knowledge,
            cubes,
            claims,
            reported,
            slots,
            trees,
        }
    }

    pub(crate) fn tree(&self, cut: Day) -> Arc<Tree> {
        self.trees.get(&cut).map_or_else(
            || Arc::new(self.engine.setting.organisation.tree(cut)),
            Arc::clone,
        )
    }

    /// Tells whether any of the trees has the org unit; without periods every id is accepted.
    pub(crate) fn knows_unit(&self, id: &str) -> bool {
        self.trees.is_empty() || self.trees.values().any(|tree| tree.position(id).is_some())
    }

    /// Measures all indicators of the KPIs for the org units (empty = all) and periods.
    pub(crate) fn measure(&self, kpis: &[Arc<Kpi>], units: &[String]) -> Vec<Measurement> {
        let mut measurements: Vec<(usize, usize, usize, Measurement)> = Vec::new();
        for (slot_index, slot) in self.slots.iter().enumerate() {
            let tree = self.tree(slot.cut);
            let mut views: HashMap<MeasurePlace, Arc<View<'_>>> = HashMap::new();
            let nodes: Vec<usize> = if units.is_empty() {
                (0..tree.nodes().len()).collect()
            } else {
                units.iter().filter_map(|id| tree.position(id)).collect()
            };
            for (kpi_index, kpi) in kpis.iter().enumerate() {
                for (indicator_index, indicator) in kpi.indicators.iter().enumerate() {
                    let order = kpi_index * 1_000 + indicator_index;
                    for measurement in
                        self.indicator(kpi, indicator, slot, &tree, &nodes, &mut views)
                    {
                        measurements.push((order, measurement.0, slot_index, measurement.1));
                    }
                }
            }
        }
        measurements.sort_by_key(|(order, node, slot, _)| (*order, *node, *slot));
        measurements
            .into_iter()
            .map(|(_, _, _, measurement)| measurement)
            .collect()
    }

    fn indicator<'s>(
        &'s self,
        kpi: &Kpi,
        indicator: &Indicator,
        slot: &Slot,
        tree: &Arc<Tree>,
        nodes: &[usize],
        views: &mut HashMap<MeasurePlace, Arc<View<'s>>>,
    ) -> Vec<(usize, Measurement)> {
        let mut named: Vec<&str> = indicator.formula.measures();
        named.extend(indicator.pace.as_deref());
        named.extend(indicator.unmet.as_deref());
        let mut own: Vec<Arc<View<'s>>> = Vec::new();
        for name in named {
            let Some(place) = self.engine.plan.place(kpi.no, name) else {
                continue;
            };
            let view = if let Some(view) = views.get(&place) {
                Arc::clone(view)
            } else {
                let view = Arc::new(self.view(place, slot, tree));
                views.insert(place, Arc::clone(&view));
                view
            };
            own.push(view);
        }
        let period = slot.period.to_string();
        let reported = self.reported.of(kpi.no, &indicator.code, &period);
        nodes
            .iter()
            .map(|node| {
                let one = self.one(kpi, indicator, slot, tree, *node, &own, reported, &period);
                (*node, one)
            })
            .collect()
    }

    /// The amounts of a measure in a period, masked by coverage.
    pub(crate) fn view<'s>(
        &'s self,
        place: MeasurePlace,
        slot: &Slot,
        tree: &Arc<Tree>,
    ) -> View<'s> {
        let plan = self.engine.plan.measure(place);
        let covered = match &self.claims[place.0] {
            None => vec![false; tree.nodes().len()],
            Some(claims) if matches!(plan.clock, ClockPlan::Flow { .. }) => {
                claims.throughout(tree, slot.months, slot.cut)
            }
            Some(claims) => claims.on(tree, slot.cut),
        };
        View::new(
            self.cubes[place.0].as_deref(),
            place.1,
            plan,
            slot,
            tree,
            covered,
        )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the coordinates of one measurement"
    )]
    fn one(
        &self,
        kpi: &Kpi,
        indicator: &Indicator,
        slot: &Slot,
        tree: &Tree,
        node: usize,
        views: &[Arc<View<'_>>],
        reported: &[ReportedFigure],
        period: &str,
    ) -> Measurement {
        let Known {
            mut figure,
            coverage,
            basis,
            totals,
        } = self.known(indicator, slot, tree, node, views, reported);
        if indicator.is_sample
            && let (Some(k), Some(n)) = (figure.numerator, figure.n)
        {
            figure.statistics.interval = wilson_interval(k.numerator() / k.denominator(), n);
            figure.is_too_few = n < indicator.minimum_n;
        }
        let unmet = match (&indicator.unmet, views.last()) {
            (Some(measure), Some(view)) => self.unmet(kpi, measure, view, node, &totals, period),
            _ => Some(0),
        };
        if indicator.unmet.is_some() && coverage.covered > 0 {
            figure.statistics.unmet = unmet;
        }
        let status = judge(&Facts {
            coverage,
            coverage_at_least: kpi.coverage_at_least,
            value: figure.value,
            is_nothing: figure.is_nothing,
            is_unknown: figure.is_nothing && figure.is_unknown,
            none_is: indicator.none_is,
            is_too_few: figure.is_too_few,
            target: indicator.target,
            near_margin: indicator.near_margin,
            unmet,
            elapsed: self
                .elapsed(kpi, indicator.due, slot.cut)
                .map(|elapsed| paced(indicator, node, views).unwrap_or(elapsed)),
        });
        let has_value = !matches!(status, Status::NoData | Status::NotApplicable);
        Measurement {
            no: kpi.no,
            code: kpi.code.clone(),
            indicator: indicator.code.clone(),
            is_companion: indicator.is_companion,
            org_unit: tree.nodes()[node].id.clone(),
            period: period.to_owned(),
            cut_on: date_of(slot.cut).to_string(),
            known_at: instant_text(self.knowledge.known_at),
            value: figure.value.filter(|_| has_value),
            unit: indicator.unit,
            numerator: figure.numerator.filter(|_| has_value),
            denominator: figure.denominator.filter(|_| has_value),
            n: figure.n.filter(|_| has_value),
            target: indicator.target,
            status,
            coverage,
            basis,
            definition_version: kpi.version.clone(),
            journal_version: self.knowledge.seq,
            statistics: figure.statistics,
        }
    }

    /// How many items are not done that should be. Where totals stand in the place of rows, the total of the KPI's sum over
    /// the same measure is taken; `None` where a unit reported totals and not that one.
    fn unmet(
        &self,
        kpi: &Kpi,
        measure: &str,
        view: &View<'_>,
        node: usize,
        totals: &[(usize, ReportedFigure)],
        period: &str,
    ) -> Option<i128> {
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
    fn known(
        &self,
        indicator: &Indicator,
        slot: &Slot,
        tree: &Tree,
        node: usize,
        views: &[Arc<View<'_>>],
        reported: &[ReportedFigure],
    ) -> Known {
        let owing = owing_for(indicator, tree, node);
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
                tree.is_within(*position, node) || tree.is_within(node, *position)
            })
            .collect();
        for (position, _) in &totals {
            covered[*position..tree.nodes()[*position].subtree_end].fill(true);
        }
        if !totals.is_empty() {
            lift(&mut covered, tree, views);
        }
        let mut coverage = count(&owing, &covered);
        let mut basis = Basis::Rows;
        let mut figure = if totals.is_empty() {
            self.figure(indicator, slot, tree, node, views)
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
            basis,
            totals,
        }
    }

    /// The share of the way to the due date that has passed; `None` where the target is due.
    fn elapsed(&self, kpi: &Kpi, due: Due, cut: Day) -> Option<Fraction> {
        let calendar = &self.engine.setting.calendar;
        let (start, end) = match due {
            Due::Period => return None,
            Due::FiscalYearEnd => (
                calendar.fiscal_year_start(cut),
                calendar.fiscal_year_end(cut),
            ),
            Due::CycleEnd => {
                let months = kpi.parameters.iter().find(|p| p.name == "cycle_months");
                let months: i32 = months
                    .and_then(|p| p.default.value.parse().ok())
                    .unwrap_or(12);
                let end = calendar.cycle_end(cut, months);
                (months_after(end + 1, -i64::from(months)), end)
            }
        };
        if cut >= end {
            return None;
        }
        Fraction::new(i128::from(cut - start + 1), i128::from(end - start + 1))
    }

    fn figure(
        &self,
        indicator: &Indicator,
        slot: &Slot,
        tree: &Tree,
        node: usize,
        views: &[Arc<View<'_>>],
    ) -> Figure {
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
            Formula::Entities(_) => entities(first, tree, node, indicator),
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
    basis: Basis,
    /// What was reported in the place of rows, with the position of its org unit.
    totals: Vec<(usize, ReportedFigure)>,
}

/// Covers parents below which totals have filled the last gap, if no evidence of their own waits for a claim.
fn lift(covered: &mut [bool], tree: &Tree, views: &[Arc<View<'_>>]) {
    for position in (0..tree.nodes().len()).rev() {
        let mut below = tree
            .nodes()
            .iter()
            .enumerate()
            .filter(|(_, node)| node.parent == Some(position) && node.id != UNASSIGNED)
            .map(|(child, _)| covered[child])
            .peekable();
        let has_below = below.peek().is_some();
        if !covered[position]
            && has_below
            && below.all(|covered| covered)
            && !views.iter().any(|view| view.has_own_evidence(position))
        {
            covered[position] = true;
        }
    }
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

/// The units that owe an indicator at a node. Entities are counted from an entity down: a department has none.
fn owing_for(indicator: &Indicator, tree: &Tree, node: usize) -> Vec<usize> {
    let counts_entities = matches!(indicator.formula, Formula::Entities(_));
    if counts_entities && !tree.nodes()[node].kind.is_entity() {
        return Vec::new();
    }
    owing(tree, node, &indicator.applies_to)
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

fn ratio(above: Fraction, below: Cell, view: &View<'_>) -> Figure {
    let denominator = view.fraction(below);
    let value = Fraction::new(
        above.numerator() * denominator.denominator(),
        above.denominator() * denominator.numerator(),
    );
    Figure {
        value,
        numerator: Some(above),
        denominator: Some(denominator),
        n: Some(i128::from(below.count)),
        is_nothing: value.is_none(),
        ..Figure::default()
    }
}

fn mean(view: &View<'_>, total: Cell, indicator: &Indicator) -> Figure {
    let sum = view.fraction(total);
    let n = i128::from(total.count);
    let value = if n == 0 {
        None
    } else {
        sum.divided_by(n)
            .and_then(|mean| mean.divided_by(indicator.unit.divisor()))
    };
    Figure {
        value,
        numerator: Some(sum),
        denominator: Some(Fraction::whole(n)),
        n: Some(n),
        is_nothing: n == 0,
        ..Figure::default()
    }
}

/// Counts entities whose own level, departments included, is above zero.
fn entities(view: &View<'_>, tree: &Tree, node: usize, indicator: &Indicator) -> Figure {
    let owing = owing_for(indicator, tree, node);
    let own = view.own_levels(tree);
    let with = owing.iter().filter(|position| own[**position] > 0).count() as i128;
    let all = owing.len() as i128;
    Figure {
        value: Fraction::new(with, all),
        numerator: Some(Fraction::whole(with)),
        denominator: Some(Fraction::whole(all)),
        n: Some(all),
        is_nothing: all == 0,
        ..Figure::default()
    }
}

/// Puts reported totals in the place of the rows of their org units and all below them.
fn with_totals(
    indicator: &Indicator,
    tree: &Tree,
    node: usize,
    views: &[Arc<View<'_>>],
    totals: &[(usize, ReportedFigure)],
) -> Figure {
    let Some(first) = views.first() else {
        return Figure::default();
    };
    let is_replaced = |position: usize| {
        totals
            .iter()
            .any(|(unit, _)| tree.is_within(position, *unit))
    };
    // Below the unit that reported a total, nothing is known of how it divides.
    if totals
        .iter()
        .any(|(unit, _)| *unit != node && tree.is_within(node, *unit))
    {
        return Figure {
            is_nothing: true,
            ..Figure::default()
        };
    }
    let reported = |pick: fn(&ReportedFigure) -> Option<Fraction>| {
        totals
            .iter()
            .filter_map(|(_, figure)| pick(figure))
            .try_fold(Fraction::whole(0), Fraction::plus)
    };
    let rest = |view: &View<'_>| view.fraction(view.total_without(node, &is_replaced));
    let above = reported(|f| f.numerator).and_then(|reported| rest(first).plus(reported));
    let below_rest = match &indicator.formula {
        Formula::Mean(_) => Some(Fraction::whole(i128::from(
            first.total_without(node, &is_replaced).count,
        ))),
        _ => views.get(1).map(|second| rest(second)),
    };
    let below = below_rest
        .and_then(|rest| reported(|f| f.denominator).and_then(|reported| rest.plus(reported)));
    match &indicator.formula {
        Formula::Sum(_) => Figure {
            value: above.and_then(|sum| sum.divided_by(indicator.unit.divisor())),
            ..Figure::default()
        },
        Formula::Ratio { .. } | Formula::Mean(_) => {
            let quotient = above.zip(below).and_then(|(a, b)| {
                Fraction::new(
                    a.numerator() * b.denominator(),
                    a.denominator() * b.numerator(),
                )
            });
            let divisor = if matches!(indicator.formula, Formula::Mean(_)) {
                indicator.unit.divisor()
            } else {
                1
            };
            Figure {
                value: quotient.and_then(|value| value.divided_by(divisor)),
                numerator: above,
                denominator: below,
                n: below.map(|below| below.numerator() / below.denominator()),
                is_nothing: quotient.is_none(),
                ..Figure::default()
            }
        }
        _ => Figure {
            is_nothing: true,
            ..Figure::default()
        },
    }
}
