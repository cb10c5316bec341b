//! When a company has reported that has others below it: once its own departments have, whatever those others have sent.

use keiki_engine::{Engine, Request, Structure};
use keiki_model::calendar::Period;
use keiki_model::measurement::{CoverageRule, Measurement, Scope};
use keiki_model::org::Organisation;
use keiki_model::programme::{Programme, read_programme};

use crate::inventory::{asset, assets, counts};
use crate::world::{Reading, World, block_on, day, end_of, list, shipped_catalogue};

const HEADER: &str =
    "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n";
const HEADCOUNTS: &str = include_str!(
    "../../../../catalogue/security_department/08_security_headcount/cases/normal/headcounts.csv"
);

/// KPI 1 in May of a unit, with or without the entities below it.
fn request(scope: Scope, unit: &str) -> Request {
    Request {
        kpis: vec![1],
        org_units: vec![unit.to_owned()],
        structure: Structure {
            scope,
            ..Structure::default()
        },
        periods: vec![Period::parse("2026-05").expect("a period")],
        known_at: None,
        seq: None,
        now: end_of(day("2026-05-31")),
    }
}

async fn measured((world, engine): (&World, &Engine), request: &Request) -> Measurement {
    let found = engine.measure(&world.journal, request).await;
    let found = found.unwrap_or_else(|error| unreachable!("{error}"));
    let mut found = found.into_iter();
    let ratio = found.find(|m| m.indicator == "inventory_ratio");
    ratio.expect("KPI 1 is measured")
}

async fn inventory(of: (&World, &Engine), scope: Scope, unit: &str) -> Measurement {
    measured(of, &request(scope, unit)).await
}

/// Takes in assets of the units, in a reading that covers some.
async fn take(world: &World, units: &[&str], covers: &[&str]) {
    let rows = units.iter().enumerate();
    let rows: Vec<String> = rows
        .map(|(at, unit)| asset(&format!("A{at}"), unit, ""))
        .collect();
    let reading = Reading {
        covers: covers.iter().map(|unit| (*unit).to_owned()).collect(),
        ..Reading::new("assets", day("2026-05-31"))
    };
    world.commit_csv(&reading, &assets(&rows)).await;
}

async fn world_of(rows: &str) -> World {
    let organisation = Organisation::read("org.csv", &format!("{HEADER}{rows}"));
    let organisation = organisation.unwrap_or_else(|p| unreachable!("{}", list(&p)));
    World::new(shipped_catalogue(), organisation).await
}

/// Statements that were closed before departments spoke for their company are computed as they were.
#[test]
fn by_claims_alone_a_company_has_reported_once_all_below_it_have() {
    block_on(async {
        let mut found = Vec::new();
        for covers in [&["HD-SEC", "JP1"][..], &["HD"]] {
            let world = World::shipped().await;
            take(&world, &["HD-SEC", "JP1"], covers).await;
            let request = Request {
                structure: Structure {
                    coverage_rule: CoverageRule::ByClaims,
                    ..Structure::default()
                },
                ..request(Scope::Consolidated, "HD")
            };
            found.push(standing(&measured((&world, &world.engine), &request).await));
        }
        assert_eq!(found, [is(1, 3, "HD US1", "2"), is(3, 3, "", "2")]);
    });
}

/// Of how many units that owe how many have reported, who has not, and how many assets are counted.
fn standing(m: &Measurement) -> (u32, u32, String, String) {
    let missing = m.grounds.missing.join(" ");
    (
        m.coverage.covered,
        m.coverage.expected,
        missing,
        counts(m).1,
    )
}

async fn consolidated(world: &World, unit: &str) -> (u32, u32, String, String) {
    let of = (world, &world.engine);
    standing(&inventory(of, Scope::Consolidated, unit).await)
}

fn is(covered: u32, expected: u32, missing: &str, counted: &str) -> (u32, u32, String, String) {
    (covered, expected, missing.to_owned(), counted.to_owned())
}

#[test]
fn a_company_has_reported_once_its_departments_have_whatever_the_companies_below_it_sent() {
    block_on(async {
        let of = async |rows: &[&str], covers: &[&str]| {
            let world = World::shipped().await;
            take(&world, rows, covers).await;
            let of = (&world, &world.engine);
            let alone = inventory(of, Scope::StandAlone, "HD").await;
            (
                alone.coverage.covered,
                alone.coverage.expected,
                counts(&alone).1,
                consolidated(&world, "HD").await,
            )
        };
        let rows = ["HD-SEC", "JP1"];
        let one = |counted: &str, group| (1, 1, counted.to_owned(), group);
        let none = |group| (0, 1, String::new(), group);
        assert_eq!(
            of(&rows, &["HD-SEC"]).await,
            one("1", is(1, 3, "JP1 US1", "1"))
        );
        assert_eq!(
            of(&rows, &["HD-SEC", "JP1"]).await,
            one("1", is(2, 3, "US1", "2"))
        );
        // The companies below it do not speak for it, and it does not for them.
        assert_eq!(of(&rows, &["JP1", "US1"]).await, none(is(2, 3, "HD", "1")));
        // Evidence of the company itself, for which nobody speaks.
        assert_eq!(
            of(&["HD-SEC", "HD"], &["HD-SEC"]).await,
            none(is(0, 3, "HD JP1 US1", ""))
        );
        // A nil return of its department is a report.
        assert_eq!(
            of(&[], &["HD-SEC"]).await,
            one("0", is(1, 3, "JP1 US1", "0"))
        );
    });
}

#[test]
fn all_departments_have_to_have_reported_those_of_departments_for_them() {
    block_on(async {
        let rows = "G,,群,G,group,JP,,,\nD,G,丁,D,department,JP,,,\nD1,D,丁一,D1,department,JP,,,\n\
                    D2,D,丁二,D2,department,JP,,,\nE,G,戊,E,department,JP,,,\nA,G,甲,A,company,JP,,,\n";
        let mut found = Vec::new();
        for covers in [
            &["D1", "E"][..],
            &["D1", "D2"],
            &["D1", "D2", "E"],
            &["D", "E", "A"],
        ] {
            let world = world_of(rows).await;
            take(&world, &["D1", "E", "A"], covers).await;
            found.push(consolidated(&world, "G").await);
        }
        assert_eq!(
            found,
            [
                is(0, 2, "G A", ""),
                is(0, 2, "G A", ""),
                is(1, 2, "A", "2"),
                is(2, 2, "", "3"),
            ]
        );
    });
}

#[test]
fn a_holding_without_departments_is_what_lies_below_it() {
    block_on(async {
        let rows = "G,,群,G,group,JP,,,\nA,G,甲,A,company,JP,,,\nB,G,乙,B,overseas,US,,,\n";
        let mut found = Vec::new();
        for (units, covers) in [
            (&["A", "B"][..], &["A"][..]),
            (&["A", "B"], &["A", "B"]),
            (&["A", "G"], &["A", "B"]),
            (&["A", "G"], &["G"]),
        ] {
            let world = world_of(rows).await;
            take(&world, units, covers).await;
            found.push(consolidated(&world, "G").await);
        }
        assert_eq!(
            found,
            [
                is(1, 3, "G B", "1"),
                is(3, 3, "", "2"),
                is(2, 3, "G", "1"),
                is(3, 3, "", "2"),
            ]
        );
    });
}

#[test]
fn who_left_during_the_month_is_not_waited_for() {
    block_on(async {
        let units = "G,,群,G,group,JP,,,\nE,G,戊,E,department,JP,,,\n\
                     A,G,甲,A,company,JP,,2026-05-16,\nB,G,乙,B,company,JP,,,\n";
        for (successor, expected) in [("", is(1, 2, "B", "1")), ("E", is(1, 2, "B", "2"))] {
            let gone = format!("D,G,丁,D,department,JP,,2026-05-16,{successor}\n");
            let world = world_of(&format!("{units}{gone}")).await;
            let rows = if successor.is_empty() {
                &["E"][..]
            } else {
                &["D", "E"]
            };
            take(&world, rows, &["E"]).await;
            assert_eq!(consolidated(&world, "G").await, expected, "{successor}");
        }
        // It has to have reported as long as it is there.
        let stays = "D,G,丁,D,department,JP,,2026-06-01,E\n";
        let world = world_of(&format!("{units}{stays}")).await;
        take(&world, &["E"], &["E"]).await;
        assert_eq!(consolidated(&world, "G").await, is(0, 2, "G B", ""));
    });
}

#[test]
fn whom_the_kpi_does_not_concern_nobody_waits_for() {
    block_on(async {
        let rows = "G,,群,G,group,JP,,,\nD,G,丁,D,department,JP,,,\nE,G,戊,E,department,JP,,,\nA,G,甲,A,company,JP,,,\n";
        let world = world_of(rows).await;
        take(&world, &["E"], &["E"]).await;
        let away = "[[applicability]]\nkpi = 1\norg_unit = \"D\"\nfrom = \"2026-04-01\"\napplies = false\n\
                    reason = { ja = \"無\", en = \"none\" }\napproved_by = \"x\"\n";
        let programme = read_programme("programme.toml", away);
        let programme = programme.unwrap_or_else(|p| unreachable!("{}", list(&p)));
        let mut found = Vec::new();
        for programme in [Programme::default(), programme] {
            let engine = world.engine_with(Vec::new(), programme);
            let group = inventory((&world, &engine), Scope::Consolidated, "G").await;
            found.push(standing(&group));
        }
        assert_eq!(found, [is(0, 2, "G A", ""), is(1, 2, "A", "1")]);
    });
}

#[test]
fn people_are_counted_of_the_companies_that_have_reported() {
    block_on(async {
        let world = World::shipped().await;
        let people = Reading::new("headcounts", day("2026-05-31"));
        world.commit_csv(&people, HEADCOUNTS).await;
        take(&world, &["HD-SEC"], &["HD-SEC"]).await;
        let of = (&world, &world.engine);
        let group = inventory(of, Scope::Consolidated, "HD").await;
        let people = group.coverage.headcount;
        let people = people.expect("headcounts are known");
        assert_eq!((people.covered, people.expected), (206, 3726));
    });
}
