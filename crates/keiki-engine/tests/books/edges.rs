//! What counts at the very edge: the instant of knowledge, the cut day, the last day of freshness, a unit alone.

use keiki_engine::{Request, Structure};
use keiki_model::calendar::{BEGINNING, Day, Period};
use keiki_model::evidence::{Claim, Extent};
use keiki_model::measurement::{Measurement, Scope};

use crate::inventory::{asset, assets, counts, inventory};
use crate::world::{Reading, World, block_on, day, end_of, noon};

const VULNERABILITIES: &str =
    "vulnerability_id,org_unit,cve_id,cvss_base_score,published_on,started_on\n";

async fn figure(world: &World, indicator: &str, period: &str, known_at: i64) -> Measurement {
    let found = world.measure(24, "JP1", period, known_at).await;
    let found = found.into_iter().find(|m| m.indicator == indicator);
    found.expect("KPI 24 is measured")
}

fn shown(value: Option<keiki_model::fraction::Fraction>) -> Option<String> {
    value.map(|value| value.to_string())
}

/// Commits vulnerabilities with a claim from one day to another.
async fn claimed(world: &World, rows: &str, from: Day, until: Day) {
    let csv = format!("{VULNERABILITIES}{rows}");
    let reading = Reading {
        content: csv.clone(),
        extent: Extent::Part,
        ..Reading::new("vulnerabilities", until)
    };
    let mut submission = world.submission(&reading, world.read("vulnerabilities", &csv));
    submission.claims = vec![Claim {
        org_unit: "HD".into(),
        from,
        until,
        known_from: i64::MIN,
        fresh_days: None,
    }];
    let committed = world.journal.commit(submission).await;
    committed.unwrap_or_else(|error| unreachable!("{error}"));
}

#[test]
fn what_becomes_known_at_an_instant_is_known_at_it_and_not_before() {
    block_on(async {
        let world = World::shipped().await;
        for (id, on) in [("A1", "2026-05-10"), ("A2", "2026-05-20")] {
            let reading = Reading {
                extent: Extent::Part,
                ..Reading::new("assets", day(on))
            };
            let csv = assets(&[asset(id, "JP1", "")]);
            world.commit_csv(&reading, &csv).await;
        }
        let first = noon(day("2026-05-10"));
        let second = noon(day("2026-05-20"));
        let mut found = Vec::new();
        for known_at in [first - 1, first, second - 1, second] {
            let figure = inventory(&world, "JP1", "2026-05", known_at).await;
            found.push(counts(&figure).1);
        }
        assert_eq!(
            found,
            ["", "1", "1", "2"],
            "before anything came in there is no data"
        );
    });
}

#[test]
fn what_happens_on_the_cut_day_counts() {
    block_on(async {
        let world = World::shipped().await;
        let today = day("2026-05-20");
        let asset = assets(&[asset("A1", "JP1", "")]);
        world
            .commit_csv(&Reading::new("assets", today), &asset)
            .await;
        let rows = "V1,JP1,,9.8,2026-05-01,2026-05-20\nV2,JP1,,9.8,2026-05-01,2026-05-19\n";
        claimed(&world, rows, BEGINNING, today).await;
        let stock = inventory(&world, "JP1", "2026-05", end_of(today)).await;
        assert_eq!(
            counts(&stock).1,
            "1",
            "the asset was there since the cut day"
        );
        let flow = figure(&world, "start_days_mean", "2026-05", end_of(today)).await;
        assert_eq!(
            (shown(flow.numerator), flow.n),
            (Some("3196800".into()), Some(2))
        );
    });
}

#[test]
fn what_cannot_be_decided_is_unknown_and_not_counted() {
    block_on(async {
        let world = World::shipped().await;
        let today = day("2026-05-31");
        let rows = "V1,JP1,,9.8,2026-05-01,2026-05-20\nV2,JP1,,,2026-05-01,2026-05-19\n";
        claimed(&world, rows, BEGINNING, today).await;
        let flow = figure(&world, "start_days_mean", "2026-05", end_of(today)).await;
        assert_eq!((flow.n, flow.statistics.unknown), (Some(1), 1));
    });
}

#[test]
fn evidence_is_fresh_up_to_the_last_day_and_not_a_day_longer() {
    block_on(async {
        let world = World::shipped().await;
        let csv = assets(&[asset("A1", "JP1", "")]);
        world
            .commit_csv(&Reading::new("assets", day("2026-05-01")), &csv)
            .await;
        let mut covered = Vec::new();
        for last in ["2026-06-05", "2026-06-06"] {
            let found = inventory(&world, "JP1", "2026-06", end_of(day(last))).await;
            covered.push(found.coverage.covered);
        }
        assert_eq!(covered, [1, 0], "assets are fresh for 35 days");
    });
}

#[test]
fn a_flow_is_covered_where_evidence_speaks_for_every_month_from_its_first_day() {
    block_on(async {
        let mut covered = Vec::new();
        for from in ["2026-05-01", "2026-05-02"] {
            let world = World::shipped().await;
            let row = "V1,JP1,,9.8,2026-05-01,2026-05-20\n";
            claimed(&world, row, day(from), day("2026-06-30")).await;
            for period in ["2026-05", "2026-06", "FY2026-Q1"] {
                let known = end_of(day("2026-06-30"));
                let found = figure(&world, "start_days_mean", period, known).await;
                covered.push(found.coverage.covered);
            }
        }
        assert_eq!(covered, [1, 1, 0, 0, 1, 0]);
    });
}

/// KPI 1 in May of a unit, with or without what lies below it.
async fn scoped(world: &World, scope: Scope, unit: &str, today: Day) -> Measurement {
    let request = Request {
        kpis: vec![1],
        org_units: vec![unit.to_owned()],
        structure: Structure {
            scope,
            ..Structure::default()
        },
        periods: vec![Period::parse("2026-05").expect("a period")],
        known_at: None,
        seq: None,
        now: end_of(today),
    };
    let found = world.engine.measure(&world.journal, &request).await;
    let found = found.unwrap_or_else(|error| unreachable!("{error}"));
    let ratio = found.into_iter().find(|m| m.indicator == "inventory_ratio");
    ratio.expect("KPI 1 is measured")
}

#[test]
fn alone_an_entity_has_its_departments_and_passes_nothing_on() {
    block_on(async {
        let world = World::shipped().await;
        let rows = [("A1", "HD-SEC"), ("A2", "JP1"), ("A3", "JP1-IT")];
        let csv = assets(&rows.map(|(id, unit)| asset(id, unit, "")));
        let today = day("2026-05-31");
        world.commit_csv(&Reading::new("assets", today), &csv).await;
        let mut found = Vec::new();
        for scope in [Scope::StandAlone, Scope::Consolidated] {
            for unit in ["HD", "JP1"] {
                found.push(counts(&scoped(&world, scope, unit, today).await).1);
            }
        }
        assert_eq!(found, ["1", "2", "3", "2"]);
    });
}

#[test]
fn a_record_of_several_units_counts_once_above_them() {
    block_on(async {
        let world = World::shipped().await;
        let csv = "exercise_id,org_unit,audience,title,form,organiser,planned_on,replanned_on,cancelled_on,held_on\n\
                   E1,HD,executives,One,tabletop,own,2026-05-15,,,2026-05-15\n\
                   E2,JP1;US1,executives,Joint,tabletop,own,2026-06-05,,,\n";
        let today = day("2026-06-30");
        world
            .commit_csv(&Reading::new("exercises", today), csv)
            .await;
        let mut found = Vec::new();
        for unit in ["HD", "JP1", "US1"] {
            let all = world.measure(19, unit, "2026-06", end_of(today)).await;
            let ratio = all
                .into_iter()
                .find(|m| m.indicator == "held_to_plan_ratio");
            found.push(shown(ratio.expect("KPI 19 is measured").denominator));
        }
        assert_eq!(found, ["2", "1", "1"].map(|text| Some(text.to_owned())));
    });
}

#[test]
fn periods_may_be_asked_for_in_any_order() {
    block_on(async {
        let world = World::shipped().await;
        let today = day("2026-06-30");
        let rows = "V1,JP1,,9.8,2026-04-01,\nV2,JP1,,9.8,2026-03-01,2026-05-10\n";
        claimed(&world, rows, BEGINNING, today).await;
        let period = |text: &str| Period::parse(text).expect("a period");
        let request = Request {
            kpis: vec![24],
            org_units: vec!["JP1".into()],
            structure: Structure::default(),
            periods: ["2026-06", "2026-04", "2026-05"].map(period).to_vec(),
            known_at: None,
            seq: None,
            now: end_of(today),
        };
        let found = world.engine.measure(&world.journal, &request).await;
        let found = found.unwrap_or_else(|error| unreachable!("{error}"));
        let longest = found.iter().filter(|m| m.indicator == "open_days_longest");
        let longest: Vec<_> = longest
            .map(|m| (m.period.to_string(), shown(m.value)))
            .collect();
        let expected = [("2026-06", "90"), ("2026-04", "60"), ("2026-05", "60")];
        let expected = expected.map(|(period, days)| (period.to_owned(), Some(days.to_owned())));
        assert_eq!(longest, expected);
    });
}
