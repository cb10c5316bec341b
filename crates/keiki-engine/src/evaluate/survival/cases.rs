//! The cases of all org units, in the orders in which windows come to see them and lose them again.

use keiki_model::histogram::{Cell, Histogram, Weighed};
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
    pub(super) fn new(one: Weighed) -> Self {
        let cell = Cell::unpack(one.cell());
        Self {
            onset: cell.first,
            finish: cell.second,
            count: i32::try_from(one.weight()).expect("a part of a weight takes few bits"),
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

    /// Tells whether any of the windows, in their order, sees it though it finishes before it begins.
    fn is_seen_reversed(&self, sights: &[Sight]) -> bool {
        let first = sights.partition_point(|(_, end)| *end <= self.onset);
        let gone = sights.partition_point(|(begin, _)| *begin < self.gone_from());
        first < gone
    }
}

/// What is seen of a case once it has begun.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// Of its onset, among those of all cases.
    Onset(u32),
    /// Of its age, for one that finishes before it begins: it is at risk, and finished, for as long as it is seen.
    ReversedAge(u32),
}

/// A case as one that begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    pub(super) place: Place,
    pub(super) count: i32,
}

/// A case as one that finishes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished {
    pub(super) begun: Place,
    pub(super) age: u32,
    pub(super) count: i32,
}

/// How many cases of an org unit, in the order of their onsets or in that in which they finish, have passed an end of a window.
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
    /// In order of their onsets.
    pub(super) begun: Vec<Begun>,
    /// In the order in which they finish and are gone.
    pub(super) finished: Vec<Finished>,
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
        let cells = units.clone().flat_map(|unit| histogram.of_unit(unit));
        let cases = cells.map(|one| Case::new(*one));
        let mut onsets: Vec<i64> = cases.clone().map(|case| case.onset).collect();
        onsets.dedup();
        let (onsets, ages) = (
            Scale::new(onsets),
            Scale::new(cases.filter_map(|case| case.age()).collect()),
        );
        let of_unit = |unit: usize| {
            let watch = windows.of_units[unit];
            let cases = histogram.of_unit(unit).iter().map(|one| Case::new(*one));
            of_unit(cases, (watch, &windows.watches[watch]), (&onsets, &ages))
        };
        Self {
            units: units.map(of_unit).collect(),
            onsets,
            ages,
        }
    }
}

fn of_unit(
    cases: impl Iterator<Item = Case>,
    (watch, sights): (usize, &[Sight]),
    (onsets, ages): (&Scale, &Scale),
) -> UnitCases {
    let is_seen = |case: &Case| !case.is_reversed() || case.is_seen_reversed(sights);
    let mut cases: Vec<Case> = cases.filter(is_seen).collect();
    // Cells of several groups come group by group.
    cases.sort_by_key(|case| case.onset);
    let place = |case: &Case| {
        if case.is_reversed() {
            Place::ReversedAge(ages.place(case.finish - case.onset))
        } else {
            Place::Onset(onsets.place(case.onset))
        }
    };
    let begun = cases.iter().map(|case| Begun {
        place: place(case),
        count: case.count,
    });
    let begun: Vec<Begun> = begun.collect();
    let with_places = cases.iter().zip(&begun);
    let mut ended: Vec<(Case, Finished)> = with_places
        .filter_map(|(case, begun)| {
            let finished = Finished {
                begun: begun.place,
                age: ages.place(case.age()?),
                count: case.count,
            };
            Some((*case, finished))
        })
        .collect();
    ended.sort_unstable_by_key(|(case, _)| case.finish + case.gone_from());
    let reach = |(begin, end): &Sight| Reach {
        begun: cases.partition_point(|case| case.onset < *end),
        entered: cases.partition_point(|case| case.onset < *begin),
        finished: ended.partition_point(|(case, _)| case.finish < *end),
        gone: ended.partition_point(|(case, _)| case.gone_from() <= *begin),
    };
    UnitCases {
        watch,
        reaches: sights.iter().map(reach).collect(),
        begun,
        finished: ended.into_iter().map(|(_, finished)| finished).collect(),
    }
}
