//! A figure is held against its target and becomes a measurement.

use std::sync::Arc;

use keiki_model::calendar::{Calendar, Day, months_after};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Due, Formula, Indicator, Parameter, Target};
use keiki_model::measurement::{Exception, Grounds};
use keiki_model::programme::Standing;
use keiki_model::proportion::wilson_interval;
use keiki_model::status::{Facts, Found, Status, Way, judge};
use keiki_model::text::Text;

use super::bearing::Subtrees;
use super::labels::IndicatorLabels;
use super::standing::{Known, Total};
use super::{At, Evaluation, Figure, View};
use crate::measurements::{Collector, Own, Shared};
use crate::reported::of_unit;

/// The terms of a calendar in which a cut day lies.
pub(super) struct Terms<'c> {
    calendar: &'c Calendar,
    /// The number of the calendar.
    number: usize,
    cut: Day,
    fiscal_year: Rest,
    /// The stocktake cycle of the usual length in months.
    cycle: (i32, Rest),
}

/// The last day of a term and the share of the term that is over; `None` where all of it is.
type Rest = Option<(Day, Fraction)>;

impl<'c> Terms<'c> {
    fn new(calendar: &'c Calendar, number: usize, cut: Day) -> Self {
        let fiscal_year = (
            calendar.fiscal_year_start(cut),
            calendar.fiscal_year_end(cut),
        );
        Self {
            calendar,
            number,
            cut,
            fiscal_year: rest(fiscal_year, cut),
            cycle: (CYCLE_MONTHS, rest(cycle(calendar, cut, CYCLE_MONTHS), cut)),
        }
    }
}

/// What is left of a term after a day, by its first day and its last.
fn rest((start, end): (Day, Day), day: Day) -> Rest {
    let over = || Fraction::new(i128::from(day - start + 1), i128::from(end - start + 1));
    (day < end).then(over).flatten().map(|over| (end, over))
}

/// The length of a stocktake cycle, where nothing else is said.
pub(super) const CYCLE_MONTHS: i32 = 12;

fn cycle(calendar: &Calendar, cut: Day, months: i32) -> (Day, Day) {
    let end = calendar.cycle_end(cut, months);
    (months_after(end + 1, -i64::from(months)), end)
}

/// What holds for an indicator at an org unit, whatever its figure is.
pub(super) struct Rules {
    /// The number of the calendar.
    number: usize,
    /// Whether the same holds for all org units with this calendar.
    is_common: bool,
    target: Option<Target>,
    near_margin: Fraction,
    due: Due,
    way: Rest,
    is_asked: bool,
    /// Where nothing is missing.
    grounds: Arc<Grounds>,
}

impl Rules {
    /// Tells whether they are those of the next org unit too, which follows a calendar.
    pub(super) fn hold_at(&self, terms: &Terms<'_>) -> bool {
        self.is_common && self.number == terms.number
    }
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

    /// What holds at a node.
    pub(super) fn rules(&self, at: &At<'_>, terms: &Terms<'_>) -> Rules {
        let At {
            kpi,
            indicator,
            arrangement,
            node,
            ..
        } = *at;
        let (main, unit) = (arrangement.main(), arrangement.ruled_by(node));
        let programme = &self.engine.setting.programme;
        let set = programme.target(kpi, &indicator.code, main, unit);
        let target = set.map_or(indicator.target, |set| set.target);
        let near_margin = set
            .and_then(|set| set.near_margin)
            .unwrap_or(indicator.near_margin);
        let due = set.and_then(|set| set.due).unwrap_or(indicator.due);
        let way = way(at, due, terms);
        let waiver = programme.waiver(kpi.no, &indicator.code, main, unit);
        let cadence = programme.cadence(kpi.no, main, unit);
        let differ = |parameter: &Parameter| !parameter.by_unit.is_empty();
        let is_common = !programme.may_tell_apart(kpi.no) && !kpi.parameters.iter().any(differ);
        Rules {
            number: terms.number,
            is_common,
            target,
            near_margin,
            due,
            way,
            is_asked: cadence.is_none_or(|one| one.ends_within(at.slot.months, terms.calendar)),
            grounds: Arc::new(Grounds {
                coverage_at_least: Some(kpi.coverage_at_least),
                near_margin: Some(near_margin),
                due_on: way.map(|(due_on, _)| due_on),
                pace: way.and_then(|(_, share)| target?.at_least?.times(share)),
                minimum_n: indicator.minimum_n,
                missing: Vec::new(),
                waiver: waiver.map(|row| exception(&row.standing, &row.reason)),
                exemption: None,
            }),
        }
    }

    /// Holds a figure against its target, which makes it a measurement.
    pub(super) fn judge(
        &self,
        at: &At<'_>,
        known: Known<'_>,
        mut figure: Figure,
        (rules, labels): (&Rules, &IndicatorLabels<'_>),
        measured: &mut Collector,
    ) {
        let At {
            kpi,
            indicator,
            arrangement,
            node,
            ..
        } = *at;
        let coverage = known.coverage;
        note_sample(&mut figure, indicator);
        let reported = (&*known.totals, labels.period(at.slot_index));
        let beside = |measure: &String| self.beside(at, measure, reported);
        let unmet = indicator.unmet.as_ref().map(beside);
        let unmet = unmet.map_or(Some(0), |sum| Some(sum?.0));
        if indicator.unmet.is_some() && coverage.covered > 0 {
            figure.statistics.unmet = unmet;
        }
        let pending = indicator.pending.as_ref();
        let pending = pending.filter(|_| rules.due == Due::Deadline);
        let pending = pending.map(beside);
        if coverage.covered > 0 {
            figure.statistics.pending = pending.flatten().map(|sum| sum.0);
        }
        let paced = rules.way.and_then(|_| paced(at));
        let status = judge(&Facts {
            coverage,
            coverage_at_least: kpi.coverage_at_least,
            covered_by: kpi.covered_by,
            value: figure.value,
            found: found(&figure),
            none_is: indicator.none_is,
            is_too_few: figure.is_too_few,
            target: rules.target,
            near_margin: rules.near_margin,
            unmet,
            way: match (rules.way, pending) {
                (Some((_, elapsed)), _) => Way::Along(paced.unwrap_or(elapsed)),
                (None, None) => Way::Arrived,
                (None, Some(sum)) => Way::ByItem(sum.and_then(|sum| done_in_time(&figure, sum.1))),
            },
            is_waived: rules.grounds.waiver.is_some(),
            is_asked: rules.is_asked,
        });
        let is_exempt = status == Status::NotApplicable;
        let exemption = is_exempt.then(|| {
            let programme = &self.engine.setting.programme;
            programme.exemption(kpi.no, arrangement.main(), arrangement.ruled_by(node))
        });
        let has_value = !matches!(status, Status::NoData | Status::NotApplicable);
        let own = Own {
            value: figure.value.filter(|_| has_value),
            numerator: figure.numerator.filter(|_| has_value),
            denominator: figure.denominator.filter(|_| has_value),
            n: figure.n.filter(|_| has_value),
            status,
            coverage,
            basis: known.basis,
        };
        let own = (&own, &figure.statistics);
        let shared = Shared {
            calendar: rules.number,
            own_periods: labels.own_periods_at(at),
            target: rules.target,
        };
        let exemption = exemption.flatten();
        if known.missing.is_empty() && paced.is_none() && exemption.is_none() {
            return measured.push(own, &shared, &rules.grounds);
        }
        let pace = paced.map(|share| rules.target?.at_least?.times(share));
        let grounds = Grounds {
            pace: pace.unwrap_or(rules.grounds.pace),
            missing: known.missing,
            exemption: exemption.map(|row| exception(&row.standing, &row.reason)),
            ..(*rules.grounds).clone()
        };
        measured.push(own, &shared, &Arc::new(grounds));
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
        let place = at.indicator.beside().position(|one| one == measure)?;
        let view = at.views.get(at.in_formula + place)?;
        if totals.is_empty() {
            let total = view.total(node);
            return Some((i128::from(total.count), view.fraction(total)));
        }
        let units = totals.iter().map(|total| total.unit);
        let rest = view.total_without(node, &Subtrees::new(view.main(), units));
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
}

/// The day on which the target is due and the share of its term that is over; `None` where it is due now.
fn way(at: &At<'_>, due: Due, terms: &Terms<'_>) -> Rest {
    match due {
        Due::Period | Due::Deadline => None,
        Due::FiscalYearEnd => terms.fiscal_year,
        Due::CycleEnd => match (terms.cycle, at.cycle_months()) {
            ((known, rest), months) if known == months => rest,
            (_, months) => rest(cycle(terms.calendar, terms.cut, months), terms.cut),
        },
    }
}

/// The share of the way that a plan has for this day: the pace measure over the denominator.
fn paced(at: &At<'_>) -> Option<Fraction> {
    at.indicator.pace.as_ref()?;
    let of = |view: &View<'_>| view.fraction(view.total(at.node));
    let (planned, whole) = (of(at.views.get(at.in_formula)?), of(at.views.get(1)?));
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
