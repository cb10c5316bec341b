//! The median of how long cases stay open, period by period: each step looks only at cases that can still bear on it.

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, date_of};
use keiki_model::fraction::Fraction;
use keiki_model::histogram::{Cell, Weighed};
use keiki_model::kpi::Indicator;
use keiki_model::measurement::Statistics;
use keiki_model::survival::{Ages, MINIMUM_AT_RISK, Median, Span, median};

use super::statistics::Reading;
use super::{Figure, View};

use crate::plan::MeasurePlan;
use crate::rows::OPEN;

/// The window through which cases are seen. Days for dates, seconds for instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    days: (i64, i64),
    seconds: (i64, i64),
}

impl Window {
    /// From the start of a day until before another, or until the instant of knowledge if that comes first.
    pub(crate) fn new(first: Day, end: Day, known_at: i64, zone: &TimeZone) -> Self {
        let start_of = |day: Day| {
            let midnight = date_of(day).to_datetime(jiff::civil::Time::midnight());
            zone.to_ambiguous_timestamp(midnight)
                .compatible()
                .map_or(0, jiff::Timestamp::as_second)
        };
        let known = known_at.div_euclid(1_000_000) + 1;
        Self {
            days: (i64::from(first), i64::from(end)),
            seconds: (start_of(first), start_of(end).min(known)),
        }
    }

    /// Begin and end in the steps in which a measure keeps its cases: days for dates, else so many seconds.
    fn in_steps(&self, plan: &MeasurePlan) -> (i64, i64) {
        if plan.is_dated {
            return self.days;
        }
        let step = plan.step.max(1);
        let (begin, end) = self.seconds;
        (
            begin.div_euclid(step),
            end.div_euclid(step) + i64::from(end.rem_euclid(step) != 0),
        )
    }

    /// Tells whether a case is at risk at any time in the window.
    pub(crate) fn sees(&self, plan: &MeasurePlan, onset: i64, finish: Option<i64>) -> bool {
        let (begin, end) = self.in_steps(plan);
        Span::through(begin, end, onset, finish, 1).is_some()
    }
}

/// A case with its onset and finish, in steps, and how many such there are.
#[derive(Debug, Clone, Copy)]
struct Case {
    onset: i64,
    /// `OPEN` where it has not finished.
    finish: i64,
    count: i64,
}

impl Case {
    fn finish(&self) -> Option<i64> {
        (self.finish != OPEN).then_some(self.finish)
    }

    fn is_open(&self) -> bool {
        self.finish == OPEN
    }

    fn through(&self, (begin, end): (i64, i64)) -> Option<Span> {
        Span::through(begin, end, self.onset, self.finish(), self.count)
    }

    /// Tells whether it has finished, not before it began, by the end of a window.
    fn has_finished(&self, end: i64) -> bool {
        !self.is_open() && self.onset <= self.finish && self.finish < end
    }
}

/// The cases of an org unit, seen through one window after the other, each of which begins and ends no earlier than the one
/// before.
struct Cases {
    /// In order of their onset.
    all: Vec<Case>,
    /// How many of them have begun before the last window's end.
    begun: usize,
    /// How many of them had begun before the last window did.
    passed: usize,
    /// What those come to that began and finished within the last window: the same in the next, until it begins after them.
    within: Ages,
    /// The end of the last window.
    end: i64,
    /// Cases that are open and began within the last window, further from its end than the horizon reaches: wherever it ends,
    /// they are at risk from the start and never seen to finish, until it begins after them.
    waiting: i64,
    /// Cases that began before this onset, and have not been passed, are among those.
    waiting_before: i64,
    /// The others that have begun and may be in the next window, but for the old ones.
    live: Vec<Case>,
    old: Old,
    /// What they come to in the last window.
    seen: Seen,
}

/// What the cases of an org unit come to in one window.
#[derive(Debug, Clone, Default)]
struct Seen {
    ages: Ages,
    open: i128,
    oldest: Option<i64>,
}

impl Cases {
    fn new(cells: &[Weighed]) -> Self {
        let case = |one: &Weighed| {
            let cell = Cell::unpack(one.cell());
            Case {
                onset: cell.first,
                finish: cell.second,
                count: one.weight(),
            }
        };
        let mut all: Vec<Case> = cells.iter().map(case).collect();
        all.sort_by_key(|case| case.onset);
        Self {
            all,
            begun: 0,
            passed: 0,
            within: Ages::default(),
            end: i64::MIN,
            waiting: 0,
            waiting_before: i64::MIN,
            live: Vec::new(),
            old: Old::default(),
            seen: Seen::default(),
        }
    }

    /// The greatest age at which a case finishes.
    fn greatest_age(&self) -> Option<i64> {
        let ages = self.all.iter();
        ages.filter_map(|case| Some(case.finish()? - case.onset))
            .max()
    }

    /// Looks through the next window.
    fn see(&mut self, window: (i64, i64), horizon: i64) {
        let (begin, end) = window;
        self.pass(begin, horizon);
        let more = &self.all[self.begun..];
        let more = &more[..more.partition_point(|case| case.onset < end)];
        self.live.extend_from_slice(more);
        self.begun += more.len();
        self.end = end;
        self.waiting_before = end - horizon;
        let waits =
            |case: &Case| case.is_open() && begin <= case.onset && case.onset < end - horizon;
        let (within, old, waiting) = (&mut self.within, &mut self.old, &mut self.waiting);
        let ages = &mut self.seen.ages;
        ages.clear();
        let (mut open, mut first) = (0, None);
        // A case is over once it has finished before a window. One that is older than any case ever was when it finished
        // stays open for good, and all that matters of it is that it is there.
        self.live.retain(|case| {
            if !case.is_open() && case.finish < begin {
                return false;
            }
            if case.is_open() && begin - case.onset > horizon {
                old.add(case);
                return false;
            }
            if waits(case) {
                *waiting += case.count;
                return false;
            }
            if case.is_open() || case.finish >= end {
                open += i128::from(case.count);
                first = Some(earlier(first, case.onset));
            }
            let is_within = begin <= case.onset && case.has_finished(end);
            let into = if is_within { &mut *within } else { &mut *ages };
            if let Some(span) = case.through(window) {
                into.add(span, horizon);
            }
            !is_within
        });
        ages.add_all(within);
        ages.add_beyond(old.count);
        ages.add_throughout(self.waiting);
        self.seen.open = open + i128::from(old.count) + i128::from(self.waiting);
        let unpassed = self.all[self.passed.min(self.begun)..self.begun].iter();
        let mut waiting = unpassed.take_while(|case| case.onset < self.waiting_before);
        let waiting = waiting.find(|case| case.is_open());
        let onsets = [self.old.first, waiting.map(|case| case.onset), first];
        self.seen.oldest = onsets.into_iter().flatten().min().map(|onset| end - onset);
    }

    /// Takes cases that began before a window out of those that lie within.
    fn pass(&mut self, begin: i64, horizon: i64) {
        let before = self.all.partition_point(|case| case.onset < begin);
        for case in &self.all[self.passed.min(before)..before.min(self.begun)] {
            if case.is_open() && case.onset < self.waiting_before {
                self.waiting -= case.count;
                self.live.push(*case);
            } else if case.has_finished(self.end) {
                let taken = Case {
                    count: -case.count,
                    ..*case
                };
                if let Some(span) = taken.through((case.onset, self.end)) {
                    self.within.add(span, horizon);
                }
                self.live.push(*case);
            }
        }
        self.passed = self.passed.max(before);
    }
}

fn earlier(first: Option<i64>, onset: i64) -> i64 {
    first.map_or(onset, |first| first.min(onset))
}

/// Cases that never finish and are older than the horizon.
#[derive(Debug, Default)]
struct Old {
    count: i64,
    /// The least onset.
    first: Option<i64>,
}

impl Old {
    fn add(&mut self, case: &Case) {
        self.count += case.count;
        self.first = Some(earlier(self.first, case.onset));
    }
}

/// The survival medians of several periods, whose views come in the order of their cut days.
pub(super) fn survival(reading: &Reading<'_>, views: &[&View<'_>]) -> Vec<Vec<Figure>> {
    let Some(indicator) = reading.indicators.first() else {
        return Vec::new();
    };
    let histogram = &reading.cube.histograms[reading.measure];
    let mut cases: Vec<Cases> = (0..reading.cube.units.list().len())
        .map(|unit| Cases::new(histogram.of_unit(unit)))
        .collect();
    let horizon = cases.iter().filter_map(Cases::greatest_age).max();
    let horizon = horizon.unwrap_or(0).max(0);
    let of_view = |view: &&View<'_>| {
        let windows = reading.windows(view);
        for (unit, cases) in cases.iter_mut().enumerate() {
            let window = &windows[view.number_of(unit)];
            cases.see(window.in_steps(view.plan), horizon);
        }
        let of_node = |units: &[usize]| {
            let parts = units.iter().map(|unit| &cases[*unit].seen);
            figure(parts, view.plan, indicator)
        };
        view.units_by_node().map(of_node).collect()
    };
    views.iter().map(of_view).collect()
}

/// The cases of each org unit as they are seen in a period, and the seconds of a step of their ages. *Shape*: unit.
pub(super) fn cases_through(reading: &Reading<'_>, view: &View<'_>) -> (Vec<Vec<Span>>, i64) {
    let histogram = &reading.cube.histograms[reading.measure];
    let windows = reading.windows(view);
    let of_unit = |unit: usize| {
        let window = windows[view.number_of(unit)].in_steps(view.plan);
        let cases = Cases::new(histogram.of_unit(unit)).all.into_iter();
        cases.filter_map(|case| case.through(window)).collect()
    };
    let units = 0..reading.cube.units.list().len();
    (units.map(of_unit).collect(), step_seconds(view.plan))
}

fn step_seconds(plan: &MeasurePlan) -> i64 {
    if plan.is_dated {
        86_400
    } else {
        plan.step.max(1)
    }
}

/// The figure of all cases of several org units together.
fn figure<'s>(
    parts: impl Iterator<Item = &'s Seen> + Clone,
    plan: &MeasurePlan,
    indicator: &Indicator,
) -> Figure {
    let step = step_seconds(plan);
    let seconds = |steps: i64| {
        Fraction::whole(i128::from(steps) * i128::from(step)).divided_by(indicator.unit.divisor())
    };
    let n: i128 = parts
        .clone()
        .map(|part| i128::from(part.ages.total()))
        .sum();
    let ages = parts.clone().map(|part| &part.ages);
    let (value, is_too_few) = match median(ages, MINIMUM_AT_RISK) {
        Median::At(age) => (seconds(age), false),
        Median::TooFew => (None, true),
        // Fewer cases than the minimum can never reach a median that is trusted.
        Median::NotReached => (None, n < i128::from(MINIMUM_AT_RISK)),
    };
    Figure {
        value,
        n: Some(n),
        is_nothing: n == 0,
        is_too_few,
        statistics: Statistics {
            open: Some(parts.clone().map(|part| part.open).sum()),
            open_age_max: parts.filter_map(|part| part.oldest).max().and_then(seconds),
            ..Statistics::default()
        },
        ..Figure::default()
    }
}
