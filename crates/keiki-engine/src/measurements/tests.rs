//! The order in which measurements are given, and what they are said to be known by.

use keiki_model::kpi::Unit;
use keiki_model::measurement::{Basis, Coverage, Scope, Statistics};
use keiki_model::status::Status;

use super::*;

/// A part with one row for each number, which is its value of `n`.
fn part(indicator: &str, period: &str, units: &[&str], numbers: &[i128]) -> Part {
    let mut collector = Collector::default();
    for n in numbers {
        let own = Own {
            value: None,
            numerator: None,
            denominator: None,
            n: Some(*n),
            status: Status::NoTarget,
            coverage: Coverage::default(),
            basis: Basis::Rows,
        };
        let shared = Shared {
            calendar: 0,
            own_periods: Vec::new(),
            target: None,
        };
        collector.push((&own, &Statistics::default()), &shared, &Arc::default());
    }
    let units: Vec<Name> = units.iter().map(|id| Name::from(*id)).collect();
    Arc::new(collector.finish(Heading {
        no: 1,
        code: "1.1".into(),
        indicator: indicator.into(),
        is_companion: false,
        hierarchy: None,
        scope: Scope::Consolidated,
        tree_on: None,
        period: period.into(),
        cut_on: [period.into()].into(),
        unit: Unit::Count,
        definition_version: "1".into(),
        units: units.into(),
    }))
}

#[test]
fn measurements_are_in_order_of_indicator_unit_and_period_whatever_units_a_period_has() {
    let (before, after) = (["G", "A", "B"], ["G", "B"]);
    let parts = vec![
        vec![
            part("one", "2026-08", &before, &[1, 3]),
            part("one", "2026-09", &after, &[2, 4]),
        ],
        vec![
            part("two", "2026-08", &before, &[5, 7]),
            part("two", "2026-09", &after, &[6, 8]),
        ],
    ];
    let wanted = vec![
        Arc::new(vec![true, false, true]),
        Arc::new(vec![true, true]),
    ];
    let measured = Measurements::new(parts, wanted, "2026-10-05T00:00:00Z".into(), 9);
    assert_eq!(measured.len(), 8);
    let again: Vec<Measurement> = measured.clone().one_by_one().collect();
    let list = measured.into_vec();
    assert_eq!(list, again);
    let of = |one: &Measurement| {
        let known_by = (one.known_at.to_string(), one.journal_version);
        assert_eq!(known_by, ("2026-10-05T00:00:00Z".to_owned(), 9));
        (
            one.indicator.to_string(),
            one.org_unit.to_string(),
            one.n.unwrap_or(0),
        )
    };
    let found: Vec<_> = list.iter().map(of).collect();
    let expected = [
        ("one", "G", 1),
        ("one", "G", 2),
        ("one", "B", 4),
        ("one", "B", 3),
        ("two", "G", 5),
        ("two", "G", 6),
        ("two", "B", 8),
        ("two", "B", 7),
    ];
    let expected = expected.map(|(indicator, id, n)| (indicator.to_owned(), id.to_owned(), n));
    assert_eq!(found, expected);
}
