//! Whatever is put in comes back, to the bit.

use keiki_model::measurement::Exception;
use keiki_model::text::Text;
use proptest::prelude::*;

use super::*;

const UNITS: [&str; 3] = ["G", "JP1", "部門"];
const CUT_ON: [&str; 2] = ["2026-09-30", "2026-06-30"];

/// In a box, as what is made of many numbers would not fit into a thread's stack.
fn number() -> BoxedStrategy<i128> {
    prop_oneof![
        4 => -3..200_i128,
        2 => (0..127_u32).prop_map(|bits| 1 << bits),
        2 => (0..127_u32).prop_map(|bits| -(1 << bits)),
        1 => any::<i128>(),
        1 => Just(i128::MAX),
        1 => Just(i128::MIN),
    ]
    .boxed()
}

fn fraction() -> BoxedStrategy<Fraction> {
    let below = number().prop_map(|number| number.checked_abs().unwrap_or(1).max(1));
    let made = (number(), below).prop_map(|(above, below)| Fraction::new(above, below));
    made.prop_map(|made| made.expect("no denominator is zero"))
        .boxed()
}

fn maybe<T: std::fmt::Debug>(
    of: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Option<T>> {
    prop::option::of(of)
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(Status::all().collect::<Vec<_>>())
}

fn basis() -> impl Strategy<Value = Basis> {
    use Basis::{Held, Reference, Reported, Rows, Withheld};
    prop::sample::select(vec![Rows, Reported, Reference, Withheld, Held])
}

fn coverage() -> impl Strategy<Value = Coverage> {
    let people = (any::<i64>(), any::<i64>());
    let people = people.prop_map(|(covered, expected)| Headcount { covered, expected });
    (any::<u32>(), any::<u32>(), maybe(people)).prop_map(|(covered, expected, headcount)| {
        Coverage {
            covered,
            expected,
            headcount,
        }
    })
}

fn group() -> impl Strategy<Value = Group> {
    (".{0,40}", fraction(), number()).prop_map(|(name, value, n)| Group { name, value, n })
}

fn any_statistics() -> impl Strategy<Value = Statistics> {
    let float = || any::<f64>().prop_filter("it equals itself", |number| !number.is_nan());
    let known = (number(), number(), maybe((float(), float())));
    let open = (maybe(number()), maybe(fraction()));
    let left = (maybe(number()), maybe(number()));
    let groups = prop::collection::vec(group(), 0..4);
    (known, open, left, groups).prop_map(|(known, open, left, groups)| Statistics {
        unknown: known.0,
        undated: known.1,
        interval: known.2,
        open: open.0,
        open_age_max: open.1,
        unmet: left.0,
        pending: left.1,
        groups,
    })
}

/// Half of all rows say nothing beside the value.
fn statistics() -> BoxedStrategy<Statistics> {
    prop_oneof![Just(Statistics::default()), any_statistics()].boxed()
}

fn own() -> BoxedStrategy<(Own, Statistics)> {
    let numbers = (
        maybe(fraction()),
        maybe(fraction()),
        maybe(fraction()),
        maybe(number()),
    );
    let rest = (status(), coverage(), basis(), statistics());
    (numbers, rest)
        .prop_map(|(numbers, rest)| {
            let own = Own {
                value: numbers.0,
                numerator: numbers.1,
                denominator: numbers.2,
                n: numbers.3,
                status: rest.0,
                coverage: rest.1,
                basis: rest.2,
            };
            (own, rest.3)
        })
        .boxed()
}

fn shared() -> impl Strategy<Value = (usize, Vec<OwnPeriod>, Option<Target>)> {
    let own = (maybe("2026-0[1-9]"), -5..5).prop_map(|(first, lag_months)| OwnPeriod {
        org_unit: "US1".into(),
        first: first.map(Name::from),
        last: "2026-06".into(),
        lag_months,
    });
    let target = (maybe(fraction()), maybe(fraction()));
    let target = target.prop_map(|(at_least, at_most)| Target { at_least, at_most });
    (
        0..CUT_ON.len(),
        prop::collection::vec(own, 0..2),
        maybe(target),
    )
}

fn grounds() -> BoxedStrategy<Grounds> {
    let exception = || {
        let made = ("[a-z]{1,4}", maybe("[a-z]{1,4}"), maybe(any::<i32>()));
        maybe(made.prop_map(|(reason, approved_by, until)| Exception {
            reason: Text::new(reason.clone(), reason),
            approved_by,
            until,
        }))
    };
    let bounds = (maybe(fraction()), maybe(fraction()), maybe(fraction()));
    let rest = (maybe(any::<i32>()), number());
    let missing = prop::collection::vec("[A-Z]{1,3}", 0..3);
    (bounds, rest, missing, exception(), exception())
        .prop_map(|(bounds, rest, missing, waiver, exemption)| Grounds {
            coverage_at_least: bounds.0,
            near_margin: bounds.1,
            pace: bounds.2,
            due_on: rest.0,
            minimum_n: rest.1,
            missing,
            waiver,
            exemption,
        })
        .boxed()
}

fn heading(period: &str) -> Heading {
    Heading {
        no: 24,
        code: "2.1".into(),
        indicator: "started".into(),
        is_companion: true,
        hierarchy: Some("business".into()),
        scope: Scope::StandAlone,
        tree_on: Some("2026-10-01".into()),
        period: period.into(),
        cut_on: CUT_ON.map(Name::from).into(),
        unit: Unit::Count,
        definition_version: "abc".into(),
        units: UNITS.map(Name::from).into(),
    }
}

/// What a measurement is, said at length.
fn whole(
    node: usize,
    (own, statistics): (&Own, &Statistics),
    (calendar, own_periods, target): &(usize, Vec<OwnPeriod>, Option<Target>),
    grounds: &Grounds,
) -> Measurement {
    Measurement {
        no: 24,
        code: "2.1".into(),
        indicator: "started".into(),
        is_companion: true,
        org_unit: UNITS[node].into(),
        hierarchy: Some("business".into()),
        scope: Scope::StandAlone,
        tree_on: Some("2026-10-01".into()),
        period: "2026-09".into(),
        cut_on: CUT_ON[*calendar].into(),
        own_periods: own_periods.clone(),
        known_at: "2026-10-05T00:00:00Z".into(),
        value: own.value,
        unit: Unit::Count,
        numerator: own.numerator,
        denominator: own.denominator,
        n: own.n,
        target: *target,
        status: own.status,
        coverage: own.coverage,
        basis: own.basis,
        definition_version: "abc".into(),
        journal_version: 7,
        statistics: Arc::new(statistics.clone()),
        grounds: Arc::new(grounds.clone()),
    }
}

fn read(rows: Rows, nodes: &[usize]) -> Vec<Measurement> {
    let mut reading = Reading::new(Arc::new(rows));
    let known_at = Name::from("2026-10-05T00:00:00Z");
    let read = nodes.iter().map(|node| reading.next(*node, (&known_at, 7)));
    let read = read.flatten().collect();
    assert!(reading.next(0, (&known_at, 7)).is_none(), "all was read");
    read
}

fn plain() -> Own {
    Own {
        value: Fraction::new(1, 3),
        numerator: None,
        denominator: None,
        n: Some(3),
        status: Status::Met,
        coverage: Coverage::default(),
        basis: Basis::Rows,
    }
}

fn plain_shared() -> Shared {
    Shared {
        calendar: 0,
        own_periods: Vec::new(),
        target: None,
    }
}

proptest! {
    #[test]
    fn every_measurement_comes_back_as_it_was(
        rows in prop::collection::vec((0..UNITS.len(), own(), shared(), grounds(), any::<bool>()), 0..8)
    ) {
        let mut collector = Collector::default();
        let mut expected: Vec<Measurement> = Vec::new();
        let mut last = None;
        for (node, (own, statistics), shared, grounds, is_as_before) in &rows {
            let own = (own, statistics);
            // What seldom differs is often that of the row before.
            let (shared, grounds) = last.filter(|_| *is_as_before).unwrap_or((shared, grounds));
            last = Some((shared, grounds));
            let (calendar, own_periods, target) = shared.clone();
            let made = Shared { calendar, own_periods, target };
            collector.push(own, &made, &Arc::new(grounds.clone()));
            expected.push(whole(*node, own, shared, grounds));
        }
        let nodes: Vec<usize> = rows.iter().map(|row| row.0).collect();
        let rows = collector.finish(heading("2026-09"));
        prop_assert_eq!(rows.len(), expected.len());
        let found = read(rows, &nodes);
        let intervals = |all: &[Measurement]| -> Vec<_> {
            let interval = |one: &Measurement| one.statistics.interval;
            let bits = |(low, high): (f64, f64)| (low.to_bits(), high.to_bits());
            all.iter().map(|one| interval(one).map(bits)).collect()
        };
        prop_assert_eq!(intervals(&found), intervals(&expected));
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_collector_begins_each_period_anew() {
    let mut collector = Collector::default();
    let finish = |collector: &mut Collector| {
        collector.push(
            (&plain(), &Statistics::default()),
            &plain_shared(),
            &Arc::default(),
        );
        collector.finish(heading("2026-09"))
    };
    let (first, second) = (finish(&mut collector), finish(&mut collector));
    let expected = whole(
        1,
        (&plain(), &Statistics::default()),
        &(0, Vec::new(), None),
        &Grounds::default(),
    );
    assert_eq!(read(first, &[1]), std::slice::from_ref(&expected));
    assert_eq!(read(second, &[1]), [expected]);
}

#[test]
fn what_neighbours_have_alike_is_held_once_and_a_row_takes_little_room() {
    let mut collector = Collector::default();
    for _ in UNITS {
        collector.push(
            (&plain(), &Statistics::default()),
            &plain_shared(),
            &Arc::default(),
        );
    }
    let rows = collector.finish(heading("2026-09"));
    assert_eq!((rows.shared.len(), rows.grounds.len()), (1, 1));
    assert_eq!(size_of::<Row>(), 4);
    // 1/3, 3 records, coverage of 0 of 0, nothing unknown, nothing undated.
    assert_eq!(rows.numbers.len(), UNITS.len() * (2 + 1 + 2 + 2));
    let found = read(rows, &[0, 1, 2]);
    for pair in found.windows(2) {
        assert!(Arc::ptr_eq(&pair[0].statistics, &pair[1].statistics));
        assert!(Arc::ptr_eq(&pair[0].grounds, &pair[1].grounds));
    }
}
