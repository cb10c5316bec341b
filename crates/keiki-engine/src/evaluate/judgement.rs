//! A figure is held against its target and becomes a measurement.

use std::cell::RefCell;
use std::sync::Arc;

use keiki_model::calendar::{Calendar, Day, date_of, instant_text, months_after};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Due, Formula, Indicator, Kpi};
use keiki_model::measurement::{Exception, Grounds, Measurement, OwnPeriod, Statistics};
use keiki_model::name::Name;
use keiki_model::programme::Standing;
use keiki_model::proportion::wilson_interval;
use keiki_model::status::{Facts, Found, Status, Way, judge};
use keiki_model::text::Text;

use super::bearing::Subtrees;
use super::standing::{Known, Total};
use super::{At, Evaluation, Figure, Slot, View};
use crate::reported::of_unit;
use crate::timing::Timing;

/// The names that measurements carry.
pub(super) struct Labels {
    pub(super) slots: Vec<SlotLabels>,
    /// Ids of the org units, for each of the trees that differ. *Shape*: tree, node.
    units: Vec<Vec<Name>>,
    /// *Shape*: slot.
    trees: Vec<usize>,
    /// What stands for the period in entities that lag. *Shape*: slot, then node; nothing where none does.
    own_periods: Vec<Vec<Vec<OwnPeriod>>>,
    hierarchy: Option<Name>,
    known_at: Name,
}

/// The names of one period.
#[derive(Clone)]
pub(super) struct SlotLabels {
    pub(super) period: Name,
    /// By the number of the calendar.
    cut_on: Vec<Name>,
    tree_on: Option<Name>,
}

/// The names that the measurements of one indicator carry.
pub(super) struct KpiLabels<'l> {
    code: Name,
    indicator: Name,
    definition_version: Name,
    known_at: Name,
    pub(super) slots: Vec<SlotLabels>,
    units: Vec<Vec<Name>>,
    trees: &'l [usize],
    own_periods: &'l [Vec<Vec<OwnPeriod>>],
    hierarchy: Option<Name>,
    /// Per slot, the grounds of the measurement before: nearly always those of the next.
    grounds: RefCell<Vec<Arc<Grounds>>>,
    statistics: RefCell<Arc<Statistics>>,
}

impl KpiLabels<'_> {
    /// The entities that lag, of those whom the KPI concerns.
    fn own_periods_at(&self, at: &At<'_>) -> Vec<OwnPeriod> {
        let Some(all) = self.own_periods[at.slot_index].get(at.node) else {
            return Vec::new();
        };
        let is_concerned = |own: &&OwnPeriod| {
            let node = at.tree().position(&own.org_unit);
            node.is_none_or(|node| at.concerned.nodes[node])
        };
        all.iter().filter(is_concerned).cloned().collect()
    }

    fn shared(&self, slot: usize, grounds: Grounds) -> Arc<Grounds> {
        let mut last = self.grounds.borrow_mut();
        if *last[slot] != grounds {
            last[slot] = Arc::new(grounds);
        }
        Arc::clone(&last[slot])
    }

    fn shared_statistics(&self, statistics: Statistics) -> Arc<Statistics> {
        let mut last = self.statistics.borrow_mut();
        if **last != statistics {
            *last = Arc::new(statistics);
        }
        Arc::clone(&last)
    }
}

impl Labels {
    pub(super) fn new(evaluation: &Evaluation<'_>) -> Self {
        let day = |day: Day| Name::from(date_of(day).to_string());
        let of_slot = |(slot, timing): (&Slot, &Arc<Timing>)| SlotLabels {
            period: slot.period.to_string().into(),
            cut_on: timing.spans().iter().map(|span| day(span.cut)).collect(),
            tree_on: (slot.tree_on != slot.cut).then(|| day(slot.tree_on)),
        };
        let (mut units, mut trees) = (Vec::<Vec<Name>>::new(), Vec::new());
        for arrangement in &evaluation.arrangements {
            let ids = arrangement.tree().nodes().iter().map(|node| &*node.id);
            let known = |of: &Vec<Name>| of.iter().map(|id| &**id).eq(ids.clone());
            let known = units.iter().position(known);
            trees.push(known.unwrap_or(units.len()));
            if known.is_none() {
                units.push(ids.map(Name::from).collect());
            }
        }
        Self {
            slots: evaluation
                .slots
                .iter()
                .zip(&evaluation.timings)
                .map(of_slot)
                .collect(),
            own_periods: (0..evaluation.slots.len())
                .map(|slot| evaluation.own_periods(slot))
                .collect(),
            units,
            trees,
            hierarchy: evaluation.hierarchy().map(|of| of.name.as_str().into()),
            known_at: instant_text(evaluation.knowledge.known_at).into(),
        }
    }

    /// The names for one indicator: copies of its own, so that threads do not count references to the same ones.
    pub(super) fn of(&self, kpi: &Kpi, indicator: &Indicator) -> KpiLabels<'_> {
        let own = |name: &Name| Name::from(&**name);
        let of_slot = |slot: &SlotLabels| SlotLabels {
            period: own(&slot.period),
            cut_on: slot.cut_on.iter().map(own).collect(),
            tree_on: slot.tree_on.as_ref().map(own),
        };
        KpiLabels {
            code: kpi.code.as_str().into(),
            indicator: indicator.code.as_str().into(),
            definition_version: kpi.version.as_str().into(),
            known_at: own(&self.known_at),
            slots: self.slots.iter().map(of_slot).collect(),
            units: self
                .units
                .iter()
                .map(|ids| ids.iter().map(own).collect())
                .collect(),
            trees: &self.trees,
            own_periods: &self.own_periods,
            hierarchy: self.hierarchy.as_ref().map(own),
            grounds: RefCell::new(vec![Arc::default(); self.slots.len()]),
            statistics: RefCell::default(),
        }
    }
}

/// The terms of a calendar in which a cut day lies, first and last day.
pub(super) struct Terms<'c> {
    calendar: &'c Calendar,
    number: usize,
    cut: Day,
    fiscal_year: (Day, Day),
    /// The stocktake cycle of the usual length in months.
    cycle: (i32, (Day, Day)),
}

impl<'c> Terms<'c> {
    fn new(calendar: &'c Calendar, number: usize, cut: Day) -> Self {
        Self {
            calendar,
            number,
            cut,
            fiscal_year: (
                calendar.fiscal_year_start(cut),
                calendar.fiscal_year_end(cut),
            ),
            cycle: (CYCLE_MONTHS, cycle(calendar, cut, CYCLE_MONTHS)),
        }
    }
}

/// The length of a stocktake cycle, where nothing else is said.
pub(super) const CYCLE_MONTHS: i32 = 12;

fn cycle(calendar: &Calendar, cut: Day, months: i32) -> (Day, Day) {
    let end = calendar.cycle_end(cut, months);
    (months_after(end + 1, -i64::from(months)), end)
}

impl Evaluation<'_> {
    /// The terms of each calendar in which a period is cut, by its number.
    pub(super) fn terms_of(&self, slot: usize) -> Vec<Terms<'_>> {
        let calendars = &self.engine.setting.calendars;
        let spans = self.timings[slot].spans().iter().enumerate();
        spans
            .map(|(number, span)| Terms::new(calendars.numbered(number), number, span.cut))
            .collect()
    }

    /// Per node, the entities at or below it, or above it, that lag behind the group in a period.
    fn own_periods(&self, slot: usize) -> Vec<Vec<OwnPeriod>> {
        let (timing, arrangement) = (&self.timings[slot], &self.arrangements[slot]);
        if timing.is_uniform() {
            return Vec::new();
        }
        let (tree, main) = (arrangement.tree(), arrangement.main());
        let mut found = vec![Vec::new(); tree.nodes().len()];
        let spans = timing.spans();
        for (number, span) in spans
            .iter()
            .enumerate()
            .filter(|(_, one)| **one != spans[0])
        {
            let Some(entity) = self.engine.setting.calendars.entity(number) else {
                continue;
            };
            let month = |month: keiki_model::calendar::Month| Name::from(month.to_string());
            let (first, last) = span.months;
            let own = OwnPeriod {
                org_unit: entity.into(),
                first: (first <= last).then(|| month(first)),
                last: month(last),
                lag_months: spans[0].months.1.0 - last.0,
            };
            let mut nodes = vec![false; found.len()];
            for unit in (0..main.nodes().len()).filter(|unit| timing.number_of(*unit) == number) {
                let taker = Some(arrangement.taker(unit));
                for node in std::iter::successors(taker, |at| tree.nodes()[*at].parent) {
                    nodes[node] = true;
                }
            }
            for (node, _) in nodes.iter().enumerate().filter(|(_, is)| **is) {
                found[node].push(own.clone());
            }
        }
        found
    }

    /// Holds a figure against its target.
    pub(super) fn judged(
        &self,
        at: &At<'_>,
        known: Known<'_>,
        labels: &KpiLabels<'_>,
        terms: &Terms<'_>,
    ) -> Measurement {
        let At {
            kpi,
            indicator,
            arrangement,
            node,
            ..
        } = *at;
        let (main, unit) = (arrangement.main(), arrangement.ruled_by(node));
        let Known {
            mut figure,
            coverage,
            missing,
            basis,
            totals,
        } = known;
        note_sample(&mut figure, indicator);
        let reported = (&*totals, &*labels.slots[at.slot_index].period);
        let beside = |measure: &String| self.beside(at, measure, reported);
        let unmet = indicator.unmet.as_ref().map(beside);
        let unmet = unmet.map_or(Some(0), |sum| Some(sum?.0));
        if indicator.unmet.is_some() && coverage.covered > 0 {
            figure.statistics.unmet = unmet;
        }
        let programme = &self.engine.setting.programme;
        let set = programme.target(kpi, &indicator.code, main, unit);
        let target = set.map_or(indicator.target, |set| set.target);
        let near_margin = set
            .and_then(|set| set.near_margin)
            .unwrap_or(indicator.near_margin);
        let due = set.and_then(|set| set.due).unwrap_or(indicator.due);
        let way = Self::way(at, due, terms);
        let pending = indicator.pending.as_ref().filter(|_| due == Due::Deadline);
        let pending = pending.map(beside);
        if coverage.covered > 0 {
            figure.statistics.pending = pending.flatten().map(|sum| sum.0);
        }
        let waiver = programme.waiver(kpi.no, &indicator.code, main, unit);
        let cadence = programme.cadence(kpi.no, main, unit);
        let is_asked = cadence.is_none_or(|one| one.ends_within(at.slot.months, terms.calendar));
        let status = judge(&Facts {
            coverage,
            coverage_at_least: kpi.coverage_at_least,
            covered_by: kpi.covered_by,
            value: figure.value,
            found: found(&figure),
            none_is: indicator.none_is,
            is_too_few: figure.is_too_few,
            target,
            near_margin,
            unmet,
            way: match (way, pending) {
                (Some((_, share)), _) => Way::Along(share),
                (None, None) => Way::Arrived,
                (None, Some(sum)) => Way::ByItem(sum.and_then(|sum| done_in_time(&figure, sum.1))),
            },
            is_waived: waiver.is_some(),
            is_asked,
        });
        let exemption = programme.exemption(kpi.no, main, unit);
        let exemption = exemption.filter(|_| status == Status::NotApplicable);
        let has_value = !matches!(status, Status::NoData | Status::NotApplicable);
        Measurement {
            no: kpi.no,
            code: labels.code.clone(),
            indicator: labels.indicator.clone(),
            is_companion: indicator.is_companion,
            org_unit: labels.units[labels.trees[at.slot_index]][node].clone(),
            hierarchy: labels.hierarchy.clone(),
            scope: at.slot.scope,
            tree_on: labels.slots[at.slot_index].tree_on.clone(),
            period: labels.slots[at.slot_index].period.clone(),
            cut_on: labels.slots[at.slot_index].cut_on[terms.number].clone(),
            own_periods: labels.own_periods_at(at),
            known_at: labels.known_at.clone(),
            value: figure.value.filter(|_| has_value),
            unit: indicator.unit,
            numerator: figure.numerator.filter(|_| has_value),
            denominator: figure.denominator.filter(|_| has_value),
            n: figure.n.filter(|_| has_value),
            target,
            status,
            coverage,
            basis,
            definition_version: labels.definition_version.clone(),
            journal_version: self.knowledge.seq,
            statistics: labels.shared_statistics(figure.statistics),
            grounds: labels.shared(
                at.slot_index,
                Grounds {
                    coverage_at_least: Some(kpi.coverage_at_least),
                    near_margin: Some(near_margin),
                    due_on: way.map(|(due_on, _)| due_on),
                    pace: way.and_then(|(_, share)| target?.at_least?.times(share)),
                    minimum_n: indicator.minimum_n,
                    missing,
                    waiver: waiver.map(|row| exception(&row.standing, &row.reason)),
                    exemption: exemption.map(|row| exception(&row.standing, &row.reason)),
                },
            ),
        }
    }

    /// How many items a measure beside the formula counts, and their sum. Where totals stand in the place of rows, the total
    /// of the KPI's sum over the same measure is taken; `None` where a unit reported totals and not that one.
    fn beside(
        &self,
        at: &At<'_>,
        measure: &str,
        (totals, period): (&[Total<'_>], &str),
    ) -> Option<(i128, Fraction)> {
        let At { kpi, node, .. } = *at;
        let named = at.indicator.measures();
        let view = at
            .views
            .get(named.iter().rposition(|one| *one == measure)?)?;
        let rest = if totals.is_empty() {
            view.total(node)
        } else {
            let units = totals.iter().map(|total| total.unit);
            view.total_without(node, &Subtrees::new(view.main(), units))
        };
        let (mut count, mut of_all) = (i128::from(rest.count), view.fraction(rest));
        let sum = kpi
            .indicators
            .iter()
            .find(|i| matches!(&i.formula, Formula::Sum(m) if m == measure));
        let of_sum = sum.map(|sum| self.reported.of(kpi.no, &sum.code, period));
        for Total { figure, .. } in totals.iter().filter(|total| total.counts()) {
            let total = of_unit(of_sum?, &figure.org_unit)?.numerator?;
            count += total.numerator() / total.denominator();
            of_all = of_all.plus(total)?;
        }
        Some((count, of_all))
    }

    /// The day on which the target is due and the share of the way to it that should be done; `None` where it is due now.
    fn way(at: &At<'_>, due: Due, terms: &Terms<'_>) -> Option<(Day, Fraction)> {
        let cut = terms.cut;
        let (start, end) = match due {
            Due::Period | Due::Deadline => return None,
            Due::FiscalYearEnd => terms.fiscal_year,
            Due::CycleEnd => {
                let months = at.cycle_months();
                match terms.cycle {
                    (known, cycle) if known == months => cycle,
                    _ => cycle(terms.calendar, cut, months),
                }
            }
        };
        if cut >= end {
            return None;
        }
        let elapsed = Fraction::new(i128::from(cut - start + 1), i128::from(end - start + 1))?;
        let share = paced(at.indicator, at.node, at.views).unwrap_or(elapsed);
        Some((end, share))
    }
}

/// The share of the way that a plan has for this day: the pace measure over the denominator.
fn paced(indicator: &Indicator, node: usize, views: &[&View<'_>]) -> Option<Fraction> {
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

/// Of a sample: its interval, and whether it is too small.
fn note_sample(figure: &mut Figure, indicator: &Indicator) {
    if indicator.is_sample
        && let (Some(k), Some(n)) = (figure.numerator, figure.n)
    {
        figure.statistics.interval = wilson_interval(k.numerator() / k.denominator(), n);
        figure.is_too_few = n < indicator.minimum_n;
    }
}

/// The value of a ratio once everything has been done of which the deadline is still to come.
fn done_in_time(figure: &Figure, pending: Fraction) -> Option<Fraction> {
    let above = figure.numerator?.plus(pending)?;
    let below = figure.denominator?;
    Fraction::new(
        above.numerator() * below.denominator(),
        above.denominator() * below.numerator(),
    )
}

/// What there was to count.
fn found(figure: &Figure) -> Found {
    match (figure.is_nothing, figure.is_unknown) {
        (false, _) => Found::Records,
        (true, false) => Found::Nothing,
        (true, true) => Found::OnlyUnknown,
    }
}

/// An exception of the programme, as a measurement carries it.
fn exception(standing: &Standing, reason: &Text) -> Exception {
    Exception {
        reason: reason.clone(),
        approved_by: standing.approved_by.clone(),
        until: standing.until,
    }
}
