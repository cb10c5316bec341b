//! The cases of all org units, in the orders in which windows come to see them and lose them again.

use keiki_model::digits::sort_by_number;
use keiki_model::histogram::{Cell, Histogram, UnitCells};
use keiki_model::survival::Span;

use super::scale::Scale;
use crate::rows::OPEN;

/// From when until before when cases are seen, in the steps in which a measure keeps them.
pub(super) type Sight = (i64, i64);

/// A case with its onset and finish, in steps, and how many such there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) onset: i64,
    /// `OPEN` where it has not finished.
    pub(super) finish: i64,
    pub(super) count: i32,
}

impl Case {
    pub(super) fn new((cell, count): (Cell, i64)) -> Self {
        Self {
            onset: cell.first,
            finish: cell.second,
            count: i32::try_from(count).expect("a part of a weight takes few bits"),
        }
    }

    pub(super) fn through(&self, (begin, end): Sight) -> Option<Span> {
        let finish = (self.finish != OPEN).then_some(self.finish);
        Span::through(begin, end, self.onset, finish, i64::from(self.count))
    }

    fn age(&self) -> Option<i64> {
        (self.finish != OPEN).then(|| self.finish - self.onset)
    }

    /// Tells whether it is said to finish before it begins.
    fn is_reversed(&self) -> bool {
        self.finish < self.onset
    }

    /// The least beginning of a window that no longer sees it. One that lasts is never at risk in a window that begins at the
    /// instant at which it finishes.
    fn gone_from(&self) -> i64 {
        self.finish + i64::from(self.finish <= self.onset)
    }

    /// Orders cases by when they finish and when they are gone: those that have finished before an instant come before twice that,
    /// and those that are gone from it on do not come after it.
    fn finish_order(&self) -> i64 {
        self.finish + self.gone_from()
    }

    /// Tells whether any of the windows, in their order, sees it though it finishes before it begins.
    fn is_seen_reversed(&self, sights: &[Sight]) -> bool {
        let first = sights.partition_point(|(_, end)| *end <= self.onset);
        let gone = sights.partition_point(|(begin, _)| *begin < self.gone_from());
        first < gone
    }
}

/// What a case changes, or several such: where it is counted by its onset and by its age, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    onset: u32,
    /// Only of those that finish, or finish before they begin.
    pub(super) age: u32,
    pub(super) count: i32,
}

/// Stands for no place.
const NOWHERE: u32 = u32::MAX;

impl Change {
    /// The place of the onset; `None` where it finishes before it begins: it is at risk, and finished, for as long as it is seen.
    pub(super) fn onset(&self) -> Option<u32> {
        (self.onset != NOWHERE).then_some(self.onset)
    }

    /// Adds another to the same places; `None` where these are others, or the sum is too great.
    fn with(&self, other: &Self) -> Option<Self> {
        let count = self.count.checked_add(other.count)?;
        let is_same = (self.onset, self.age) == (other.onset, other.age);
        is_same.then_some(Self { count, ..*self })
    }
}

/// How many changes of an org unit's cases, in the order of their onsets or in that in which they finish, an end of a window has
/// passed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reach {
    /// Have begun before it ends.
    pub(super) begun: usize,
    /// Have begun before it begins.
    pub(super) entered: usize,
    /// Have finished before it ends.
    pub(super) finished: usize,
    /// Are no longer seen in it.
    pub(super) gone: usize,
}

/// The cases of an org unit.
#[derive(Debug)]
pub(super) struct UnitCases {
    /// Through whose windows they are seen.
    pub(super) watch: usize,
    /// In order of their onsets; those of one onset together.
    pub(super) begun: Vec<Change>,
    /// In the order in which they finish and are gone.
    pub(super) finished: Vec<Change>,
    /// *Shape*: window.
    reaches: Vec<Reach>,
}

impl UnitCases {
    pub(super) fn reach(&self, window: usize) -> Reach {
        self.reaches[window]
    }
}

/// The cases of all org units.
#[derive(Debug)]
pub(super) struct Cases {
    pub(super) onsets: Scale,
    pub(super) ages: Scale,
    pub(super) units: Vec<UnitCases>,
}

/// The windows through which the cases of org units are seen. Each begins and ends no earlier than the one before.
#[derive(Debug)]
pub(super) struct Windows {
    /// *Shape*: watch, window.
    pub(super) watches: Vec<Vec<Sight>>,
    /// Per org unit, its watch.
    pub(super) of_units: Vec<usize>,
}

impl Cases {
    pub(super) fn new(histogram: &Histogram, windows: &Windows) -> Self {
        let units = 0..windows.of_units.len();
        let cases = |unit: usize| histogram.of_unit(unit).iter().map(Case::new);
        let onsets = Scale::new(units.clone().flat_map(cases).map(|case| case.onset));
        let ages = Scale::new(units.clone().flat_map(cases).filter_map(|case| case.age()));
        let of_unit = |unit: usize| {
            let watch = windows.of_units[unit];
            let watched = (watch, windows.watches[watch].as_slice());
            of_unit(histogram.of_unit(unit), watched, (&onsets, &ages))
        };
        Self {
            units: units.clone().map(of_unit).collect(),
            onsets,
            ages,
        }
    }
}

fn of_unit(
    cells: UnitCells<'_>,
    (watch, sights): (usize, &[Sight]),
    (onsets, ages): (&Scale, &Scale),
) -> UnitCases {
    let is_seen = |case: &Case| !case.is_reversed() || case.is_seen_reversed(sights);
    let mut begun: Vec<(i64, Change)> = Vec::new();
    let mut finished: Vec<(i64, Change)> = Vec::with_capacity(cells.len());
    for case in cells.iter().map(Case::new).filter(is_seen) {
        let is_reversed = case.is_reversed();
        let before = begun.last().filter(|(onset, _)| *onset == case.onset);
        let onset = match before {
            _ if is_reversed => NOWHERE,
            Some((_, last)) if last.onset != NOWHERE => last.onset,
            _ => onsets.place(case.onset),
        };
        let whole = Change {
            onset,
            age: case.age().map_or(NOWHERE, |age| ages.place(age)),
            count: case.count,
        };
        let begins = Change {
            age: if is_reversed { whole.age } else { NOWHERE },
            ..whole
        };
        if case.finish != OPEN {
            finished.push((case.finish_order(), whole));
        }
        match (
            before.and_then(|(_, last)| last.with(&begins)),
            begun.last_mut(),
        ) {
            (Some(sum), Some((_, last))) => *last = sum,
            _ => begun.push((case.onset, begins)),
        }
    }
    // They come in two lists, each in order.
    sort_by_number(&mut begun, |(onset, _)| *onset);
    sort_by_number(&mut finished, |(order, _)| *order);
    let begun_before = |at: i64| begun.partition_point(|(onset, _)| *onset < at);
    let finished_before = |order: i64| finished.partition_point(|(other, _)| *other < order);
    let reach = |(begin, end): &Sight| Reach {
        begun: begun_before(*end),
        entered: begun_before(*begin),
        finished: finished_before(2 * end),
        gone: finished_before(2 * begin + 1),
    };
    UnitCases {
        watch,
        reaches: sights.iter().map(reach).collect(),
        begun: begun.into_iter().map(|(_, change)| change).collect(),
        finished: finished.into_iter().map(|(_, change)| change).collect(),
    }
}
