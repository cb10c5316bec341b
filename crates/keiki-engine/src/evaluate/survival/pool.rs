//! The cases of several org units together, seen through one window after the other: only what changes is looked at.

use keiki_model::survival::{Event, MINIMUM_AT_RISK, Median, median};

use super::cases::{Cases, Change, Reach, Windows};
use super::scale::Places;

/// The cases of the org units that are shown.
pub(super) struct Pool<'c> {
    cases: &'c Cases,
    windows: &'c Windows,
    onsets: Places<'c>,
    ages: Places<'c>,
    /// Those at risk from the start of their age.
    from_start: i64,
    /// *Shape*: watch.
    watched: Vec<Watched>,
    /// How many finish within their window. *Shape*: place of the age.
    finishing: Vec<i64>,
    total: i64,
    open: i64,
    /// The org units, ascending, and the window.
    shown: (&'c [usize], usize),
}

/// Those whose age the ends of windows cut. *Shape*: place of the onset; empty where none of the org units has this watch.
#[derive(Debug, Clone, Default)]
struct Watched {
    /// Begun before the window, and not gone.
    entering: Vec<i64>,
    /// Begun before the window's end, and not finished.
    open: Vec<i64>,
    /// No place before this one has any that are open.
    first_open: usize,
}

/// What is looked at of one set of cases, from the youngest on.
#[derive(Clone)]
struct Edge<'p> {
    /// *Shape*: place of the onset.
    counts: &'p [i64],
    /// Whether they come under risk at this age or leave it.
    sign: i64,
    /// The instant at which they have this age.
    at: i64,
    /// Those before this place are older, and left to be looked at.
    left: usize,
}

impl<'c> Pool<'c> {
    /// A pool that shows none yet of so many org units.
    pub(super) fn new(cases: &'c Cases, windows: &'c Windows, units: &[usize]) -> Self {
        let of_units = || units.iter().map(|unit| &cases.units[*unit]);
        let begun = of_units().map(|unit| unit.begun.len()).sum();
        let finished = of_units().map(|unit| unit.finished.len()).sum();
        let onset = of_units().flat_map(|unit| unit.begun.iter().filter_map(Change::onset));
        let age = of_units().flat_map(|unit| unit.finished.iter().map(|one| one.age));
        let onsets = Places::new(&cases.onsets, begun, onset);
        let ages = Places::new(&cases.ages, finished, age);
        let mut watched = vec![Watched::default(); windows.watches.len()];
        for unit in of_units() {
            let watched = &mut watched[unit.watch];
            for counts in [&mut watched.entering, &mut watched.open] {
                counts.resize(onsets.values().len(), 0);
            }
        }
        Self {
            cases,
            windows,
            from_start: 0,
            watched,
            finishing: vec![0; ages.values().len()],
            onsets,
            ages,
            total: 0,
            open: 0,
            shown: (&[], 0),
        }
    }

    /// Shows the cases of org units, ascending, as a window sees them.
    pub(super) fn show(&mut self, units: &'c [usize], window: usize) {
        let (before, window_before) = std::mem::replace(&mut self.shown, (units, window));
        let cases = self.cases;
        let reach = |unit: usize, window: usize| cases.units[unit].reach(window);
        let mut before = before.iter().copied().peekable();
        for unit in units.iter().copied() {
            while let Some(left) = before.next_if(|other| *other < unit) {
                self.change(left, Reach::default(), reach(left, window_before), -1);
            }
            let was_there = before.next_if_eq(&unit).is_some();
            let from = was_there.then(|| reach(unit, window_before));
            self.change(unit, from.unwrap_or_default(), reach(unit, window), 1);
        }
        for left in before {
            self.change(left, Reach::default(), reach(left, window_before), -1);
        }
    }

    /// Takes in, or out, what lies between two reaches of an org unit's cases.
    fn change(&mut self, unit: usize, from: Reach, to: Reach, sign: i64) {
        let unit = &self.cases.units[unit];
        for one in &unit.begun[from.begun..to.begun] {
            self.begin(unit.watch, one, sign);
        }
        for one in &unit.begun[from.entered..to.entered] {
            self.enter(unit.watch, one, sign);
        }
        for one in &unit.finished[from.finished..to.finished] {
            self.finish(unit.watch, one, sign);
        }
        for one in &unit.finished[from.gone..to.gone] {
            self.go(unit.watch, one, sign);
        }
    }

    fn begin(&mut self, watch: usize, one: &Change, sign: i64) {
        let count = sign * i64::from(one.count);
        self.total += count;
        self.from_start += count;
        let Some(onset) = one.onset() else {
            self.finishing[self.ages.of(one.age)] += count;
            return;
        };
        let watched = &mut self.watched[watch];
        let onset = self.onsets.of(onset);
        watched.open[onset] += count;
        watched.first_open = watched.first_open.min(onset);
        self.open += count;
    }

    fn enter(&mut self, watch: usize, one: &Change, sign: i64) {
        if let Some(onset) = one.onset() {
            let count = sign * i64::from(one.count);
            self.from_start -= count;
            self.watched[watch].entering[self.onsets.of(onset)] += count;
        }
    }

    fn finish(&mut self, watch: usize, one: &Change, sign: i64) {
        if let Some(onset) = one.onset() {
            let count = sign * i64::from(one.count);
            self.watched[watch].open[self.onsets.of(onset)] -= count;
            self.open -= count;
            self.finishing[self.ages.of(one.age)] += count;
        }
    }

    fn go(&mut self, watch: usize, one: &Change, sign: i64) {
        let count = sign * i64::from(one.count);
        self.total -= count;
        self.finishing[self.ages.of(one.age)] -= count;
        match one.onset() {
            Some(onset) => self.watched[watch].entering[self.onsets.of(onset)] -= count,
            None => self.from_start -= count,
        }
    }

    /// How many are seen.
    pub(super) fn total(&self) -> i64 {
        self.total
    }

    /// How many have begun and not finished by the end of the window.
    pub(super) fn open(&self) -> i64 {
        self.open
    }

    /// The age of the oldest of those, in steps.
    pub(super) fn oldest(&mut self) -> Option<i64> {
        let mut oldest = None;
        for (watched, sights) in self.watched.iter_mut().zip(&self.windows.watches) {
            let is_none = |count: &&i64| **count == 0;
            let none = watched.open[watched.first_open..]
                .iter()
                .take_while(is_none);
            watched.first_open += none.count();
            let onset = self.onsets.values().get(watched.first_open);
            let onset = onset.filter(|_| watched.first_open < watched.open.len());
            oldest = oldest.max(onset.map(|onset| sights[self.shown.1].1 - onset));
        }
        oldest
    }

    /// The median of their ages when they finish.
    pub(super) fn median(&self) -> Median {
        median(&self.ages_of_finish(), MINIMUM_AT_RISK)
    }

    fn ages_of_finish(&self) -> AgesOfFinish<'_> {
        let sights = self
            .windows
            .watches
            .iter()
            .map(|sights| sights[self.shown.1]);
        let edges = self
            .watched
            .iter()
            .zip(sights)
            .flat_map(|(watched, (begin, end))| {
                let (entering, open) = (&watched.entering, &watched.open);
                [self.edge(entering, 1, begin), self.edge(open, -1, end)]
            });
        AgesOfFinish {
            onsets: self.onsets.values(),
            edges: edges.filter(|edge| edge.left > 0).collect(),
            ages: self.ages.values().iter().zip(&self.finishing),
            at_risk: self.from_start,
        }
    }

    fn edge<'p>(&self, counts: &'p [i64], sign: i64, at: i64) -> Edge<'p> {
        let before = self.onsets.values().partition_point(|onset| *onset < at);
        Edge {
            left: before.min(counts.len()),
            counts,
            sign,
            at,
        }
    }
}

/// Goes through the ages at which cases finish, ascending.
#[derive(Clone)]
struct AgesOfFinish<'p> {
    onsets: &'p [i64],
    edges: Vec<Edge<'p>>,
    ages: std::iter::Zip<std::slice::Iter<'p, i64>, std::slice::Iter<'p, i64>>,
    at_risk: i64,
}

impl Iterator for AgesOfFinish<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let (age, finished) = self.ages.find(|(_, finished)| **finished != 0)?;
        for edge in &mut self.edges {
            while edge.left > 0 && edge.at - self.onsets[edge.left - 1] < *age {
                edge.left -= 1;
                self.at_risk += edge.sign * edge.counts[edge.left];
            }
        }
        let at_risk = self.at_risk;
        self.at_risk -= finished;
        Some(Event {
            age: *age,
            at_risk,
            finished: *finished,
        })
    }
}
