//! Kept cubes: what makes them be read again, and how one that is not what it should be is found.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keiki_engine::{Detail, Engine, EngineError, Question, Request};
use keiki_model::calendar::Period;
use keiki_model::catalogue::Catalogue;
use keiki_model::measurement::Measurement;
use keiki_model::org::Organisation;

use crate::inventory::{asset, assets};
use crate::world::{Reading, World, block_on, day, engine_of, noon, repository};

/// A world with three assets, two of them inventoried.
async fn world() -> World {
    let world = World::shipped().await;
    let rows = [
        asset("A1", "JP1", "2026-04-01"),
        asset("A2", "JP1-IT", "2026-04-02"),
        asset("A3", "US1", ""),
    ];
    world
        .commit_csv(&Reading::new("assets", day("2026-04-05")), &assets(&rows))
        .await;
    world
}

async fn measured(engine: &Engine, world: &World) -> Vec<Measurement> {
    measured_in(engine, world, &["2026-04"], None).await
}

async fn measured_in(
    engine: &Engine,
    world: &World,
    periods: &[&str],
    known_at: Option<i64>,
) -> Vec<Measurement> {
    let period = |text: &&str| Period::parse(text).expect("a period");
    let request = Request {
        kpis: vec![1],
        org_units: Vec::new(),
        structure: keiki_engine::Structure::default(),
        periods: periods.iter().map(period).collect(),
        known_at,
        seq: None,
        now: noon(day("2026-04-20")),
    };
    let found = engine.measure(&world.journal, &request).await;
    found.expect("it measures")
}

fn cubes(world: &World) -> PathBuf {
    world.folder.path().join("cubes")
}

/// The shipped definitions, in one of which a base measure of KPI 1 leaves out what is not declared yet.
fn changed(catalogue: &Catalogue) -> Arc<Catalogue> {
    let mut catalogue = catalogue.clone();
    let kpi = catalogue.kpis.iter_mut().find(|kpi| kpi.no == 1);
    let kpi = Arc::make_mut(kpi.expect("KPI 1"));
    let measure = kpi.measures.iter_mut().find(|one| one.name == "in_scope");
    let filter = measure.and_then(|measure| measure.filter.as_mut());
    let filter = filter.expect("the measure has a predicate");
    filter.value.push_str(" and declared_on is not null");
    Arc::new(catalogue)
}

#[test]
fn what_was_known_in_the_past_costs_one_read_whatever_is_asked_for() {
    block_on(async {
        let world = world().await;
        let rows = [asset("A3", "US1", "2026-04-10")];
        let mut reading = Reading::new("assets", day("2026-04-12"));
        reading.extent = keiki_model::evidence::Extent::Part;
        world.commit_csv(&reading, &assets(&rows)).await;
        let present = engine_of(&world.catalogue, &world.organisation(), None);
        measured(&present, &world).await;
        let past = engine_of(&world.catalogue, &world.organisation(), None);
        let periods = ["2025-12", "2026-01", "2026-02", "2026-03", "2026-04"];
        let then = Some(noon(day("2026-04-06")));
        let found = measured_in(&past, &world, &periods, then).await;
        assert!(found.len() > periods.len());
        assert_eq!(past.measures_read(), present.measures_read());
        let opened = engine_of(&world.catalogue, &world.organisation(), None);
        let question = Question {
            no: 1,
            indicator: None,
            org_unit: "HD".into(),
            structure: keiki_engine::Structure::default(),
            period: Period::parse("2026-04").expect("a period"),
            known_at: then,
            seq: None,
            now: noon(day("2026-04-20")),
            against: None,
            detail: Detail::Columns,
        };
        let explained = opened.explain(&world.journal, &question).await;
        let explained = explained.expect("it explains").measurement;
        assert!(
            found.contains(&explained),
            "opened, it is the figure that was measured"
        );
        assert_eq!(opened.measures_read(), present.measures_read());
    });
}

#[test]
fn a_file_of_entries_that_is_gone_is_named_and_measures_nothing() {
    block_on(async {
        let world = world().await;
        let folder = world.folder.path().join("journal/entries/assets");
        let files = std::fs::read_dir(folder).expect("the table's folder");
        let files = files.map(|file| file.expect("a file").path());
        let gone: Vec<PathBuf> = files
            .filter(|path| path.extension().is_some_and(|is| is == "parquet"))
            .collect();
        for file in &gone {
            std::fs::remove_file(file).expect("it can be taken away");
        }
        let engine = engine_of(&world.catalogue, &world.organisation(), None);
        let request = Request {
            kpis: vec![1],
            org_units: Vec::new(),
            structure: keiki_engine::Structure::default(),
            periods: vec![Period::parse("2026-04").expect("a period")],
            known_at: None,
            seq: None,
            now: noon(day("2026-04-20")),
        };
        let found = engine.measure(&world.journal, &request).await;
        let Err(EngineError::MissingFile(path)) = found else {
            unreachable!("it is measured, or why not is something else");
        };
        let is_of = |file: &PathBuf| file.display().to_string().ends_with(&path);
        assert!(gone.iter().any(is_of), "{path}");
    });
}

#[test]
fn a_changed_definition_reads_its_own_base_measures_alone() {
    block_on(async {
        let world = world().await;
        let first = engine_of(&world.catalogue, &world.organisation(), Some(cubes(&world)));
        let before = measured(&first, &world).await;
        assert!(first.measures_read() > 1);
        let catalogue = changed(&world.catalogue);
        let other = engine_of(&catalogue, &world.organisation(), Some(cubes(&world)));
        let after = measured(&other, &world).await;
        assert_eq!(other.measures_read(), 1, "of all that were kept one is new");
        let afresh = engine_of(&catalogue, &world.organisation(), None);
        assert_eq!(after, measured(&afresh, &world).await);
        assert_ne!(before, after);
        // What was kept of the definitions before is still there.
        let again = engine_of(&world.catalogue, &world.organisation(), Some(cubes(&world)));
        assert_eq!(measured(&again, &world).await, before);
        assert_eq!(again.measures_read(), 0);
    });
}

#[test]
fn a_changed_definition_and_new_entries_together_come_to_what_all_entries_do() {
    block_on(async {
        let world = world().await;
        let first = engine_of(&world.catalogue, &world.organisation(), Some(cubes(&world)));
        measured(&first, &world).await;
        let rows = [asset("A3", "US1", "2026-04-10"), asset("A4", "HD-SEC", "")];
        let mut reading = Reading::new("assets", day("2026-04-12"));
        reading.extent = keiki_model::evidence::Extent::Part;
        world.commit_csv(&reading, &assets(&rows)).await;
        let catalogue = changed(&world.catalogue);
        let other = engine_of(&catalogue, &world.organisation(), Some(cubes(&world)));
        let afresh = engine_of(&catalogue, &world.organisation(), None);
        assert_eq!(
            measured(&other, &world).await,
            measured(&afresh, &world).await
        );
        let differing = other.cubes_that_differ(&world.journal, day("2026-04-20"));
        assert_eq!(
            differing.await.expect("the journal can be read"),
            [] as [String; 0]
        );
    });
}

#[test]
fn an_org_unit_with_another_parent_is_only_rolled_up_again() {
    block_on(async {
        let world = world().await;
        let first = engine_of(&world.catalogue, &world.organisation(), Some(cubes(&world)));
        measured(&first, &world).await;
        let file = repository().join("catalogue/org.csv");
        let text = std::fs::read_to_string(file).expect("the cases' org tree");
        let moved = text.replace("US1,HD,", "US1,JP1,");
        assert_ne!(moved, text);
        let organisation = Organisation::read("org.csv", &moved).expect("it is an org tree");
        let organisation = Arc::new(organisation);
        let other = engine_of(&world.catalogue, &organisation, Some(cubes(&world)));
        let after = measured(&other, &world).await;
        assert_eq!(other.measures_read(), 0, "entries were read again");
        let of_parent = |found: &[Measurement]| {
            let ratio = |one: &&Measurement| one.indicator == "inventory_ratio";
            let mut of = found.iter().filter(ratio);
            let figure = of
                .find(|one| one.org_unit == "JP1")
                .expect("JP1 is measured");
            figure.denominator.expect("it has assets").to_string()
        };
        assert_eq!(of_parent(&after), "3");
        let afresh = engine_of(&world.catalogue, &organisation, None);
        assert_eq!(after, measured(&afresh, &world).await);
    });
}

#[test]
fn a_kept_cube_in_which_a_sum_was_changed_is_found() {
    block_on(async {
        let world = world().await;
        let engine = || engine_of(&world.catalogue, &world.organisation(), Some(cubes(&world)));
        measured(&engine(), &world).await;
        let today = day("2026-04-20");
        let differing = engine().cubes_that_differ(&world.journal, today).await;
        assert_eq!(differing.expect("it can be read"), [] as [String; 0]);
        let file = cube_file(&cubes(&world), "assets-");
        let bytes = std::fs::read(&file).expect("the cube was kept");
        let mut found = 0;
        // Some bytes are of sums; others make the cube one that cannot be read, and it is made anew.
        for at in (0..bytes.len()).rev().step_by(3) {
            let mut changed = bytes.clone();
            changed[at] ^= 2;
            std::fs::write(&file, &changed).expect("the cube can be written");
            let differing = engine().cubes_that_differ(&world.journal, today).await;
            found += differing.expect("it can be read").len();
            if found > 0 {
                break;
            }
        }
        assert!(found > 0, "no changed byte was found");
    });
}

fn cube_file(folder: &Path, beginning: &str) -> PathBuf {
    let files = std::fs::read_dir(folder).expect("the folder of cubes");
    let mut paths = files.map(|file| file.expect("a file").path());
    let is_it = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(beginning))
    };
    paths.find(is_it).expect("the cube of the dataset")
}
