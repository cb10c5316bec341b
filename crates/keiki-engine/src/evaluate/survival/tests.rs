//! Survival against a plain loop over cases: pools, places and the nearby median.

use std::collections::BTreeSet;

use keiki_model::histogram::{Cell, Histogram};
use keiki_model::survival::{Event, MINIMUM_AT_RISK, Median, Span, median};
use proptest::prelude::*;

use super::cases::{Case, Cases, Sight, Windows};
use super::pool::Pool;
use crate::rows::OPEN;

/// What is said of the cases of several org units seen through one window.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    total: i64,
    open: i64,
    oldest: Option<i64>,
    median: Median,
}

/// The long way round: case by case, and age by age.
fn plain(histogram: &Histogram, windows: &Windows, units: &[usize], window: usize) -> Seen {
    let (mut spans, mut open, mut oldest) = (Vec::new(), 0, None);
    for unit in units {
        let sight = windows.watches[windows.of_units[*unit]][window];
        for case in histogram.of_unit(*unit).iter().map(Case::new) {
            spans.extend(case.through(sight));
            if case.onset < sight.1 && case.finish >= sight.1 {
                open += i64::from(case.count);
                oldest = oldest.max(Some(sight.1 - case.onset));
            }
        }
    }
    let finished = spans.iter().filter(|span| span.is_finished);
    let ages: BTreeSet<i64> = finished.map(|span| span.exit).collect();
    let count = |is_it: &dyn Fn(&Span) -> bool| -> i64 {
        let those = spans.iter().filter(|span| is_it(span));
        those.map(|span| span.count).sum()
    };
    let events = ages.into_iter().map(|age| Event {
        age,
        at_risk: count(&|span| (span.entry == 0 || span.entry < age) && span.exit >= age),
        finished: count(&|span| span.is_finished && span.exit == age),
    });
    let events: Vec<Event> = events.collect();
    Seen {
        total: count(&|_| true),
        open,
        oldest,
        median: median(&events.into_iter(), MINIMUM_AT_RISK),
    }
}

fn shown(pool: &mut Pool<'_>) -> Seen {
    Seen {
        total: pool.total(),
        open: pool.open(),
        oldest: pool.oldest(),
        median: pool.median(),
    }
}

const UNITS: usize = 4;

/// A case of an org unit: its onset, how long it takes (less than nothing where it is reversed), and how many such there are.
type Drawn = (usize, i64, Option<i64>, i64);

fn histogram(drawn: &[Drawn], step: i64) -> Histogram {
    let mut histogram = Histogram::default();
    for (unit, onset, lasts, count) in drawn {
        let onset = onset * step;
        let cell = Cell {
            unit: u16::try_from(*unit).expect("few"),
            bin: 0,
            group: u16::from(onset % 2 == 0),
            first: onset,
            second: lasts.map_or(OPEN, |lasts| onset + lasts * step),
        };
        histogram.add(cell, *count).expect("in range");
    }
    histogram.settle();
    histogram
}

fn cases() -> impl Strategy<Value = Vec<Drawn>> {
    let lasts = prop::option::weighted(0.8, -15_i64..60);
    prop::collection::vec((0..UNITS, -60_i64..60, lasts, 1_i64..4), 0..120)
}

/// The beginnings and ends of windows, in order.
fn sights(lengths: &[(i64, i64)], step: i64) -> Vec<Sight> {
    let mut begin = -40;
    let mut end = -20;
    let mut sights = Vec::new();
    for (later, longer) in lengths {
        begin += later;
        end = (begin + 1).max(end + longer);
        sights.push((begin * step, end * step));
    }
    sights
}

proptest! {
    /// Org units come and go from window to window.
    #[test]
    fn a_pool_shows_what_its_cases_come_to_one_by_one(
        drawn in cases(),
        lengths in prop::collection::vec((0_i64..9, 0_i64..9), 1..8),
        lists in prop::collection::vec(prop::sample::subsequence((0..UNITS).collect::<Vec<_>>(), 0..=UNITS), 8),
        step in prop::sample::select(vec![1_i64, 977]),
    ) {
        let histogram = histogram(&drawn, step);
        let windows = Windows {
            watches: vec![sights(&lengths, step)],
            of_units: vec![0; UNITS],
        };
        let cases = Cases::new(&histogram, &windows);
        let ever: BTreeSet<usize> = lists[..lengths.len()].iter().flatten().copied().collect();
        let mut pool = Pool::new(&cases, &windows, &ever.into_iter().collect::<Vec<_>>());
        for (window, units) in lists[..lengths.len()].iter().enumerate() {
            pool.show(units, window);
            prop_assert_eq!(shown(&mut pool), plain(&histogram, &windows, units, window));
        }
    }

    #[test]
    fn org_units_with_windows_of_their_own_are_shown_together(
        drawn in cases(),
        lengths in prop::collection::vec((0_i64..30, 0_i64..30), UNITS),
        step in prop::sample::select(vec![1_i64, 977]),
    ) {
        let histogram = histogram(&drawn, step);
        let own = |length: &(i64, i64)| sights(std::slice::from_ref(length), step);
        let windows = Windows {
            watches: lengths.iter().map(own).collect(),
            of_units: (0..UNITS).rev().collect(),
        };
        let cases = Cases::new(&histogram, &windows);
        for units in [vec![1], vec![0, 2], (0..UNITS).collect()] {
            let mut pool = Pool::new(&cases, &windows, &units);
            pool.show(&units, 0);
            prop_assert_eq!(shown(&mut pool), plain(&histogram, &windows, &units, 0));
        }
    }
}
