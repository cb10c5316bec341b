//! Figures along further hierarchies: the same evidence, claims and rules as in the org tree, in another order.

use std::path::PathBuf;

use keiki_engine::{Engine, Request, Structure};
use keiki_model::calendar::{Period, date_of};
use keiki_model::catalogue::Catalogue;
use keiki_model::fraction::Fraction;
use keiki_model::measurement::{Basis, Measurement};
use keiki_model::org::{Hierarchy, Organisation, UNASSIGNED};
use keiki_model::programme::{Programme, read_programme};
use keiki_model::status::Status;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::inventory::{asset, assets};
use crate::properties::{CASES, Draw, KPI, REPORTED, THINGS, totals};
use crate::world::{Reading, World, block_on, day, list, noon};

const HEADER: &str =
    "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n";

/// Regions over the org tree of the worked cases; the IT department of JP1 is run from America.
const REGION: &str = "W,,世界,World,group,,,,\nASIA,W,アジア,Asia,group,,,,\nAMER,W,米州,America,group,,,,\n\
                      HD,ASIA,,,,,,,\nJP1,ASIA,,,,,,,\nJP1-IT,AMER,,,,,,,\nUS1,AMER,,,,,,,\n";

fn hierarchy(rows: &str, organisation: &Organisation) -> Hierarchy {
    let text = format!("{HEADER}{rows}");
    Hierarchy::read("region", "hierarchies/region.csv", &text, organisation)
        .unwrap_or_else(|p| unreachable!("{}", list(&p)))
}

async fn measure(
    (world, engine): (&World, &Engine),
    (kpi, hierarchy): (u32, Option<&str>),
    period: &str,
    units: &[&str],
) -> Vec<Measurement> {
    let request = Request {
        kpis: vec![kpi],
        org_units: units.iter().map(|id| (*id).to_owned()).collect(),
        structure: Structure {
            hierarchy: hierarchy.map(str::to_owned),
            ..Structure::default()
        },
        periods: vec![Period::parse(period).expect("a period")],
        known_at: None,
        seq: None,
        now: noon(day("2026-12-31")),
    };
    engine
        .measure(&world.journal, &request)
        .await
        .unwrap_or_else(|e| unreachable!("{e}"))
}

/// A world of KPI 1 in which regions are known, with what the programme says.
async fn regions(rows: &str, programme: &str) -> (World, Engine) {
    let kpi = PathBuf::from("../../catalogue/security_department/01_hardware_inventory");
    let world = World::of_kpi(&kpi).await;
    let programme = match programme {
        "" => Programme::default(),
        text => {
            read_programme("programme.toml", text).unwrap_or_else(|p| unreachable!("{}", list(&p)))
        }
    };
    let engine = world.engine_with(vec![hierarchy(rows, &world.organisation())], programme);
    (world, engine)
}

/// Two of JP1's own assets, three of its IT department, one of US1, one of the holding, and one of nobody that is known.
fn evidence() -> String {
    assets(&[
        asset("A1", "JP1", "2026-05-01"),
        asset("A2", "JP1", ""),
        asset("A3", "JP1-IT", "2026-05-01"),
        asset("A4", "JP1-IT", "2026-05-01"),
        asset("A5", "JP1-IT", ""),
        asset("A6", "US1", "2026-05-01"),
        asset("A7", "HD-SEC", "2026-05-01"),
        asset("A8", "XX9", ""),
    ])
}

/// Numerator, denominator, and covered and expected units of the inventory at a node.
async fn inventory(of: (&World, &Engine), node: &str) -> (i128, i128, u32, u32) {
    let found = measure(of, (1, Some("region")), "2026-05", &[node]).await;
    let whole = |value: Option<Fraction>| value.map_or(-1, Fraction::numerator);
    let m = &found[0];
    (
        whole(m.numerator),
        whole(m.denominator),
        m.coverage.covered,
        m.coverage.expected,
    )
}

#[test]
fn evidence_counts_at_the_nearest_unit_that_is_placed() {
    block_on(async {
        let (world, engine) = regions(REGION, "").await;
        let reading = Reading::new("assets", day("2026-05-31"));
        world.commit_csv(&reading, &evidence()).await;
        let of = (&world, &engine);
        // HD-SEC is not placed: its evidence goes to HD. JP1 is without its IT department, which is placed elsewhere.
        assert_eq!(inventory(of, "HD").await, (1, 1, 1, 1));
        assert_eq!(inventory(of, "JP1").await, (1, 2, 1, 1));
        assert_eq!(inventory(of, "ASIA").await, (2, 3, 2, 2));
        assert_eq!(inventory(of, "JP1-IT").await, (2, 3, 1, 1));
        assert_eq!(inventory(of, "AMER").await, (3, 4, 1, 1));
        assert_eq!(inventory(of, UNASSIGNED).await, (0, 1, 1, 1));
        assert_eq!(inventory(of, "W").await, (5, 8, 3, 3));
        let figure = measure(of, (1, Some("region")), "2026-05", &["W"]).await;
        let main = measure(of, (1, None), "2026-05", &["HD"]).await;
        assert_eq!(
            (figure[0].numerator, figure[0].denominator),
            (main[0].numerator, main[0].denominator)
        );
        assert_eq!(
            (
                &figure[0].to_json()["hierarchy"],
                &main[0].to_json()["hierarchy"]
            ),
            (&"region".into(), &serde_json::Value::Null)
        );
    });
}

#[test]
fn a_claim_for_a_parent_covers_units_that_a_hierarchy_places_elsewhere() {
    block_on(async {
        let (world, engine) = regions(REGION, "").await;
        let reading = Reading {
            covers: vec!["JP1".into()],
            ..Reading::new("assets", day("2026-05-31"))
        };
        world.commit_csv(&reading, &evidence()).await;
        let of = (&world, &engine);
        assert_eq!(inventory(of, "JP1-IT").await, (2, 3, 1, 1));
        assert_eq!(inventory(of, "ASIA").await, (1, 2, 1, 2));
        // US1 owes the evidence of the region, and nothing of it is there.
        let amer = measure(of, (1, Some("region")), "2026-05", &["AMER"]).await;
        assert_eq!(amer[0].status, Status::NoData);
        assert_eq!(amer[0].grounds.missing, ["US1"]);
        // Evidence of unknown units shows wherever anything does.
        assert_eq!(inventory(of, "W").await, (3, 6, 1, 3));
    });
}

#[test]
fn units_left_out_are_counted_apart_and_owe_nothing() {
    block_on(async {
        let rows = "W,,世界,World,group,,,,\nAMER,W,米州,America,group,,,,\nUS1,AMER,,,,,,,\n";
        let (world, engine) = regions(rows, "").await;
        let reading = Reading::new("assets", day("2026-05-31"));
        world.commit_csv(&reading, &evidence()).await;
        let of = (&world, &engine);
        assert_eq!(inventory(of, "AMER").await, (1, 1, 1, 1));
        assert_eq!(inventory(of, UNASSIGNED).await, (4, 7, 1, 1));
        assert_eq!(inventory(of, "W").await, (5, 8, 1, 1));
    });
}

#[test]
fn departments_owe_where_no_entity_is_placed_with_them() {
    block_on(async {
        let rows = "W,,世界,World,group,,,,\nIT,W,情報,IT,group,,,,\nJP1-IT,IT,,,,,,,\n\
                    REST,W,他,Rest,group,,,,\nHD,REST,,,,,,,\n";
        let (world, engine) = regions(rows, "").await;
        let reading = Reading {
            covers: vec!["US1".into()],
            ..Reading::new("assets", day("2026-05-31"))
        };
        world.commit_csv(&reading, &evidence()).await;
        let of = (&world, &engine);
        let silent = measure(of, (1, Some("region")), "2026-05", &["IT"]).await;
        assert_eq!(silent[0].grounds.missing, ["JP1-IT"]);
        let later = Reading::new("assets", day("2026-05-31"));
        let further = assets(&[asset("A9", "JP1-IT", "")]);
        world.commit_csv(&later, &further).await;
        assert_eq!(inventory(of, "IT").await, (2, 4, 1, 1));
    });
}

#[test]
fn rules_come_from_the_org_tree_and_its_root() {
    block_on(async {
        let target = |unit: &str, bound: &str| {
            format!(
                "[[targets]]\nkpi = 1\norg_unit = \"{unit}\"\nfrom = \"2026-04-01\"\nat_least = \"{bound}\"\n"
            )
        };
        let away = "[[applicability]]\nkpi = 1\norg_unit = \"US1\"\nfrom = \"2026-04-01\"\napplies = false\n\
                    reason = { ja = \"無\", en = \"none\" }\napproved_by = \"x\"\n";
        let programme = format!("{}{}{away}", target("HD", "0.5"), target("JP1", "0.8"));
        let (world, engine) = regions(REGION, &programme).await;
        let reading = Reading::new("assets", day("2026-05-31"));
        world.commit_csv(&reading, &evidence()).await;
        let of = (&world, &engine);
        let found = measure(of, (1, Some("region")), "2026-05", &["W", "AMER", "JP1-IT"]).await;
        let ratio = |parts: (i128, i128)| Fraction::new(parts.0, parts.1);
        let bounds: Vec<(&str, Option<Fraction>)> = found
            .iter()
            .filter(|m| m.indicator == "inventory_ratio")
            .map(|m| (&*m.org_unit, m.target.and_then(|target| target.at_least)))
            .collect();
        assert_eq!(
            bounds,
            [
                ("W", ratio((1, 2))),
                ("AMER", ratio((1, 2))),
                ("JP1-IT", ratio((4, 5)))
            ]
        );
        // US1 is not concerned: its evidence is left out, and the department remains, for which no entity stands.
        assert_eq!(inventory(of, "W").await, (4, 7, 2, 2));
        let us1 = measure(of, (1, Some("region")), "2026-05", &["US1"]).await;
        assert_eq!(us1[0].status, Status::NotApplicable);
    });
}

#[test]
fn a_reported_total_counts_once_at_the_node_of_its_unit() {
    block_on(async {
        let (world, engine) = regions(REGION, "").await;
        let reading = Reading::new("assets", day("2026-05-31"));
        world.commit_csv(&reading, &evidence()).await;
        let totals = Reading::new("reported_figures", day("2026-05-31"));
        let text = "kpi_no,indicator,org_unit,period,numerator,denominator,value,prepared_by,attachment\n\
                    1,inventory_ratio,JP1,2026-05,40,50,,U77,list.pdf\n";
        world.commit_csv(&totals, text).await;
        let of = (&world, &engine);
        // It stands for the IT department too, of which America then knows nothing.
        assert_eq!(inventory(of, "JP1").await, (40, 50, 1, 1));
        assert_eq!(inventory(of, "ASIA").await, (41, 51, 2, 2));
        assert_eq!(inventory(of, "AMER").await, (1, 1, 1, 1));
        assert_eq!(inventory(of, "W").await, (42, 53, 3, 3));
        let found = measure(of, (1, Some("region")), "2026-05", &["W", "AMER"]).await;
        assert_eq!(found[0].basis, Basis::Reported);
        let amer = found.iter().find(|m| m.org_unit == "AMER");
        assert_eq!(amer.map(|m| m.basis), Some(Basis::Rows));
        let main = measure(of, (1, None), "2026-05", &["HD"]).await;
        assert_eq!(
            (found[0].numerator, found[0].denominator),
            (main[0].numerator, main[0].denominator)
        );
    });
}

#[test]
fn a_unit_that_moves_in_a_hierarchy_stands_where_it_stood_on_the_day() {
    block_on(async {
        let rows = "W,,世界,World,group,,,,\nE,W,東,East,group,,,,\nF,W,西,West,group,,,,\n\
                    HD,F,,,,,,,\nUS1,E,,,,,,2026-05-01,\nUS1,F,,,,,2026-05-01,,\n";
        let (world, engine) = regions(rows, "").await;
        let reading = Reading::new("assets", day("2026-05-31"));
        world.commit_csv(&reading, &evidence()).await;
        let of = (&world, &engine);
        let denominator = async |node: &str, period: &str| {
            let found = measure(of, (1, Some("region")), period, &[node]).await;
            found[0].denominator.map(Fraction::numerator)
        };
        assert_eq!(denominator("F", "2026-05").await, Some(7));
        assert_eq!(denominator("E", "2026-05").await, None);
    });
}

/// The worked case of KPI 8: people of each org unit from the second quarter on.
const HEADCOUNTS: &str = include_str!(
    "../../../../catalogue/security_department/08_security_headcount/cases/normal/headcounts.csv"
);

#[test]
fn people_count_where_their_unit_is_placed_and_coverage_by_people_with_their_entity() {
    block_on(async {
        let world = World::shipped().await;
        let region = hierarchy(REGION, &world.organisation());
        let engine = world.engine_with(vec![region], Programme::default());
        let of = (&world, &engine);
        let people = Reading::new("headcounts", day("2026-06-30"));
        world.commit_csv(&people, HEADCOUNTS).await;
        let assets = Reading {
            covers: vec!["US1".into()],
            ..Reading::new("assets", day("2026-06-30"))
        };
        world.commit_csv(&assets, &evidence()).await;
        let nodes = ["W", "ASIA", "JP1", "AMER", "JP1-IT"];
        let share = measure(of, (8, Some("region")), "2026-06", &nodes).await;
        let decimal = |text: &str| Fraction::parse_decimal(text);
        let parts: Vec<_> = share
            .iter()
            .filter(|m| m.indicator == "security_to_it_ratio")
            .map(|m| (&*m.org_unit, m.numerator, m.denominator))
            .collect();
        // 5 of 120 of JP1 work in its IT department, which is run from America with 0.75 of 25.
        assert_eq!(
            parts,
            [
                ("W", decimal("12.75"), decimal("181.5")),
                ("ASIA", decimal("7"), decimal("36.5")),
                ("JP1", decimal("0.5"), decimal("20")),
                ("AMER", decimal("5.75"), decimal("145")),
                ("JP1-IT", decimal("5"), decimal("120")),
            ]
        );
        let inventory = measure(of, (1, Some("region")), "2026-06", &["W", "ASIA", "AMER"]).await;
        let coverage: Vec<_> = inventory
            .iter()
            .filter(|m| m.indicator == "inventory_ratio")
            .map(|m| {
                let people = m.coverage.headcount.expect("headcounts are known");
                let units = (m.coverage.covered, m.coverage.expected);
                (&*m.org_unit, units, (people.covered, people.expected))
            })
            .collect();
        // Only entities owe: the department's people stand with JP1, wherever it is placed.
        assert_eq!(
            coverage,
            [
                ("W", (1, 3), (400, 3726)),
                ("ASIA", (0, 2), (0, 3326)),
                ("AMER", (1, 1), (400, 400)),
            ]
        );
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn however_units_are_placed_the_roots_agree(seed in any::<u64>()) {
        block_on(roots_agree(seed))?;
    }
}

/// How many of the org units a hierarchy places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    All,
    Some,
}

const UNITS: [(&str, &str, &str); 8] = [
    ("G", "", "group"),
    ("A", "G", "subsidiary"),
    ("B", "G", "overseas"),
    ("C", "B", "company"),
    ("DG", "G", "department"),
    ("DA", "A", "department"),
    ("DC", "C", "department"),
    ("DD", "DA", "department"),
];

async fn roots_agree(seed: u64) -> Result<(), TestCaseError> {
    let mut draw = Draw(seed);
    let rows = UNITS.map(|(id, parent, kind)| format!("{id},{parent},{id},{id},{kind},JP,,,\n"));
    let moves = "M,A,M,M,department,JP,,2026-05-15,\nM,C,M,M,department,JP,2026-05-15,,\n";
    let text = format!("{HEADER}{}{moves}", rows.concat());
    let organisation =
        Organisation::read("org.csv", &text).unwrap_or_else(|p| unreachable!("{}", list(&p)));
    let datasets = [
        ("things.toml", THINGS),
        ("cases.toml", CASES),
        ("reported_figures.toml", REPORTED),
    ]
    .map(|(file, text)| (file.to_owned(), text.to_owned()));
    let kpis = [("kpi.toml".to_owned(), KPI.to_owned())];
    let catalogue =
        Catalogue::read(&datasets, &kpis).unwrap_or_else(|p| unreachable!("{}", list(&p)));
    let world = World::new(catalogue, organisation).await;
    for _ in 0..draw.between(2, 5) {
        take(&world, &mut draw).await;
    }
    for _ in 0..draw.between(0, 3) {
        let (_, csv) = totals(&mut draw, &UNITS.map(|(id, ..)| id));
        let reading = Reading::new("reported_figures", day("2026-06-28"));
        let receipt = world.commit_csv(&reading, &csv).await;
        assert!(receipt.rejected.is_empty(), "{:?}", receipt.rejected);
    }
    for of in [Placed::All, Placed::All, Placed::Some] {
        let placed = hierarchy(&place(&mut draw, of), &world.organisation());
        let engine = world.engine_with(vec![placed.clone()], Programme::default());
        let books = (&world, &engine);
        for period in ["2026-05", "2026-06", "FY2026-Q1"] {
            let main = measure(books, (1000, None), period, &["G"]).await;
            let along = measure(books, (1000, Some("region")), period, &["R0"]).await;
            for (main, along) in main.iter().zip(&along) {
                agree((main, along), of, &placed)?;
            }
            prop_assert_eq!(main.len(), along.len());
        }
    }
    Ok(())
}

fn agree(
    (main, along): (&Measurement, &Measurement),
    of: Placed,
    placed: &Hierarchy,
) -> Result<(), TestCaseError> {
    let counts_entities = main.indicator == "thing_entities";
    // Without all entities in it, a hierarchy may owe nothing, or count fewer.
    let is_whole = of == Placed::All;
    if !is_whole && (counts_entities || along.coverage.covered == 0 || main.coverage.covered == 0) {
        return Ok(());
    }
    let parts = |m: &Measurement| {
        let stats = serde_json::to_string(&m.to_json()["stats"]).unwrap_or_default();
        (m.value, m.numerator, m.denominator, m.n, stats)
    };
    prop_assert_eq!(
        parts(main),
        parts(along),
        "{}: {:?}",
        main.indicator,
        placed.rows()
    );
    if is_whole {
        prop_assert_eq!(main.coverage, along.coverage);
        prop_assert_eq!(main.status, along.status);
    }
    Ok(())
}

/// One reading of either dataset: rows of random units, cases of several, and claims for some.
async fn take(world: &World, draw: &mut Draw) {
    let ids = ["G", "A", "B", "C", "DG", "DA", "DC", "DD", "M", "X"];
    let is_of_things = draw.chance(50);
    let mut text = String::from(if is_of_things {
        "thing_id,org_unit,kind,is_ok,amount,from_on,until_on\n"
    } else {
        "case_id,org_unit,opened_on,closed_on,minutes\n"
    });
    for key in 0..draw.between(4, 14) {
        let from = draw.between(day("2026-04-01"), day("2026-06-20"));
        let (begins, ends) = (date_of(from), date_of(from + draw.between(1, 40)));
        let amount = draw.between(0, 90);
        let mut unit = (*draw.pick(&ids)).to_owned();
        if is_of_things {
            let is_ok = draw.chance(60);
            text += &format!("k{key},{unit},a,{is_ok},{amount},{begins},{ends}\n");
        } else {
            while draw.chance(50) {
                unit = format!("{unit};{}", draw.pick(&ids));
            }
            text += &format!("k{key},{unit},{begins},{ends},{amount}\n");
        }
    }
    let covers: Vec<String> = ids[..9]
        .iter()
        .filter(|_| draw.chance(40))
        .map(|id| (*id).to_owned())
        .collect();
    let reading = Reading {
        covers,
        ..Reading::new(
            if is_of_things { "things" } else { "cases" },
            day("2026-06-28"),
        )
    };
    let receipt = world.commit_csv(&reading, &text).await;
    assert!(receipt.rejected.is_empty(), "{:?}", receipt.rejected);
}

/// The rows of a random hierarchy: three nodes of its own, and all or some units below them or below each other.
fn place(draw: &mut Draw, of: Placed) -> String {
    let mut rows: String = ["R0,", "R1,R0", "R2,R0", "R3,R1"]
        .map(|node| format!("{node},名,Name,group,,,,\n"))
        .concat();
    let mut nodes = vec!["R0", "R1", "R2", "R3"];
    // Nodes of its own lead to units.
    let mut fixed = vec![("DG", "R2"), ("DA", "R3")];
    let mut ids = vec!["G", "A", "B", "C", "DC", "DD", "M"];
    while !ids.is_empty() {
        let last = i32::try_from(ids.len()).unwrap_or(1) - 1;
        let id = ids.remove(usize::try_from(draw.between(0, last)).unwrap_or(0));
        if of == Placed::All || draw.chance(50) {
            fixed.push((id, *draw.pick(&nodes)));
            nodes.push(id);
        }
    }
    for (id, parent) in fixed {
        rows += &format!("{id},{parent},,,,,,,\n");
    }
    rows
}
