//! A figure opens to rows and totals that add up to it.

use keiki_engine::{Against, Explanation, Question, Structure};
use keiki_model::calendar::{Day, Period};
use keiki_model::evidence::Extent;
use keiki_model::fraction::Fraction;
use keiki_model::measurement::Basis;

use crate::inventory::{asset, assets};
use crate::world::{Reading, World, block_on, day, end_of, noon};

const TOTALS: &str =
    "kpi_no,indicator,org_unit,period,numerator,denominator,value,prepared_by,attachment\n";

fn question(org_unit: &str, period: &str, known_on: &str, against: Option<&str>) -> Question {
    Question {
        detail: keiki_engine::Detail::Columns,
        no: 1,
        indicator: None,
        org_unit: org_unit.into(),
        structure: Structure::default(),
        period: Period::parse(period).expect("a period"),
        known_at: Some(end_of(day(known_on))),
        seq: None,
        now: noon(day("2026-07-01")),
        against: against.map(|on| Against::KnownAt(end_of(day(on)))),
    }
}

fn reading(on: Day) -> Reading {
    let mut reading = Reading::new("reported_figures", on);
    reading.covers = Vec::new();
    reading.extent = Extent::Part;
    reading
}

/// Two units have rows; one of them reports a total in May, and another one in June.
async fn world() -> World {
    let world = World::shipped().await;
    let rows = [
        asset("A1", "JP1", "2026-04-02"),
        asset("A2", "JP1-IT", ""),
        asset("A3", "US1", "2026-04-02"),
        asset("A4", "US1", ""),
    ];
    world
        .commit_csv(&Reading::new("assets", day("2026-05-01")), &assets(&rows))
        .await;
    for (on, numerator) in [("2026-05-20", 70), ("2026-06-10", 75)] {
        let csv = format!("{TOTALS}1,inventory_ratio,JP1,2026-05,{numerator},100,,Sato,memo.pdf\n");
        world.commit_csv(&reading(day(on)), &csv).await;
    }
    world
}

async fn explain(world: &World, question: &Question) -> Explanation {
    let explained = world.engine.explain(&world.journal, question).await;
    explained.expect("it explains")
}

/// What rows and totals add up to, above and below the line.
fn added_up(explained: &Explanation) -> [Fraction; 2] {
    let zero = Fraction::whole(0);
    let sum = |mut amounts: Box<dyn Iterator<Item = Fraction> + '_>| {
        amounts.try_fold(zero, Fraction::plus).expect("it fits")
    };
    [0, 1].map(|part| {
        let rows = explained.parts[part].rows.iter().map(|row| row.amount);
        let totals = explained.totals.iter().filter_map(|total| {
            if part == 0 {
                total.numerator
            } else {
                total.denominator
            }
        });
        sum(Box::new(rows.chain(totals)))
    })
}

#[test]
fn rows_and_reported_totals_add_up_to_the_figure() {
    block_on(async {
        let world = world().await;
        for unit in ["HD", "JP1", "US1"] {
            for known_on in ["2026-05-10", "2026-05-31", "2026-06-30"] {
                let explained = explain(&world, &question(unit, "2026-05", known_on, None)).await;
                let measured = &explained.measurement;
                let figure = [measured.numerator, measured.denominator];
                assert_eq!(
                    added_up(&explained).map(Some),
                    figure,
                    "{unit} as known on {known_on}"
                );
                for (part, figure) in explained.parts.iter().zip(figure) {
                    assert_eq!(Some(part.total), figure, "{unit}, {}", part.measure);
                }
            }
        }
    });
}

#[test]
fn a_reported_total_is_listed_and_the_rows_that_it_replaces_are_not() {
    block_on(async {
        let world = world().await;
        let explained = explain(&world, &question("HD", "2026-05", "2026-05-31", None)).await;
        let keys = |part: usize| -> Vec<String> {
            let rows = explained.parts[part].rows.iter();
            rows.map(|row| row.record_key.clone()).collect()
        };
        assert_eq!(
            (keys(0), keys(1)),
            (vec!["A3".into()], vec!["A3".into(), "A4".into()])
        );
        assert_eq!(explained.totals.len(), 1, "{:?}", explained.totals);
        let total = &explained.totals[0];
        assert_eq!(
            (total.org_unit.as_str(), total.numerator, total.denominator),
            ("JP1", Some(Fraction::whole(70)), Some(Fraction::whole(100)))
        );
        assert_eq!(
            (total.seq, total.attachment.as_deref(), total.known_at),
            (2, Some("memo.pdf"), noon(day("2026-05-20")))
        );
        let preparer = total.prepared_by.as_deref();
        assert!(
            preparer.is_some_and(|token| token != "Sato"),
            "{preparer:?}"
        );
        // Nobody knows how the total divides among the departments.
        let below = explain(&world, &question("JP1-IT", "2026-05", "2026-05-31", None)).await;
        assert_eq!(below.measurement.numerator, None);
        assert!(below.totals.is_empty() && below.parts.iter().all(|part| part.rows.is_empty()));
    });
}

#[test]
fn a_ratio_alone_is_listed_where_it_is_the_figure_and_adds_nothing() {
    block_on(async {
        let world = World::shipped().await;
        let csv = format!("{TOTALS}1,inventory_ratio,US1,2026-05,,,0.5,,\n");
        world.commit_csv(&reading(day("2026-05-20")), &csv).await;
        let explained = explain(&world, &question("US1", "2026-05", "2026-05-31", None)).await;
        assert_eq!(explained.measurement.basis, Basis::Reference);
        assert_eq!(explained.totals.len(), 1, "{:?}", explained.totals);
        assert_eq!(explained.totals[0].value, Fraction::new(1, 2));
        let group = explain(&world, &question("HD", "2026-05", "2026-05-31", None)).await;
        assert!(group.totals.is_empty(), "{:?}", group.totals);
    });
}

#[test]
fn a_record_that_was_taken_back_is_a_difference_of_the_day_on_which_it_was() {
    block_on(async {
        let world = World::shipped().await;
        for (on, inventoried) in [("2026-05-01", "2026-04-02"), ("2026-05-20", "")] {
            world
                .commit_csv(
                    &Reading::new("assets", day(on)),
                    &assets(&[asset("A1", "JP1", inventoried)]),
                )
                .await;
        }
        let asked = question("HD", "2026-05", "2026-05-31", Some("2026-05-10"));
        let explained = explain(&world, &asked).await;
        assert!(explained.parts[0].rows.is_empty(), "{:?}", explained.parts);
        let against = explained.against.expect("a comparison");
        let [change] = against.changes.as_slice() else {
            unreachable!("one change: {:?}", against.changes);
        };
        assert_eq!(
            (change.after, change.seq, change.known_at),
            (None, 2, noon(day("2026-05-20")))
        );
    });
}

#[test]
fn a_total_that_changed_is_among_the_differences() {
    block_on(async {
        let world = world().await;
        let asked = question("HD", "2026-05", "2026-06-30", Some("2026-05-31"));
        let against = explain(&world, &asked).await.against.expect("a comparison");
        assert!(against.changes.is_empty(), "{:?}", against.changes);
        let amounts: Vec<_> = against
            .totals
            .iter()
            .map(|total| {
                let numerator = |side: &Option<keiki_engine::ReportedTotal>| {
                    side.as_ref().and_then(|total| total.numerator)
                };
                (
                    total.org_unit.as_str(),
                    numerator(&total.before),
                    numerator(&total.after),
                )
            })
            .collect();
        let whole = |value| Some(Fraction::whole(value));
        assert_eq!(amounts, [("JP1", whole(70), whole(75))]);
        // Before the first total, the rows stood there: they are gone, and the total has come.
        let asked = question("HD", "2026-05", "2026-05-31", Some("2026-05-10"));
        let against = explain(&world, &asked).await.against.expect("a comparison");
        let gone: Vec<&str> = against
            .changes
            .iter()
            .map(|change| {
                assert_eq!(change.after, None, "{}", change.record_key);
                change.record_key.as_str()
            })
            .collect();
        assert_eq!(gone, ["A1", "A1", "A2"]);
        assert!(matches!(against.totals.as_slice(), [total] if total.before.is_none()));
    });
}
