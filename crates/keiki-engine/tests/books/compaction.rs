//! Compaction sets apart what comes to nothing. Whoever adds up everything passes over it, and no figure moves.

use keiki_engine::{Engine, Request, Structure};
use keiki_model::calendar::{Period, local_day};
use keiki_model::evidence::Extent;
use keiki_model::measurement::Measurement;

use crate::inventory::{all_files, verify};
use crate::world::{Reading, World, block_on, day, end_of, engine_of, zone};

const COUNT: usize = 60;

/// Vulnerabilities of two org units, of which those below some numbers are started and completed.
fn vulnerabilities(numbers: std::ops::Range<usize>, started: usize, completed: usize) -> String {
    let row = |number: usize| {
        let unit = ["JP1", "US1"][number % 2];
        let day = number % 28 + 1;
        let on = |is: bool, month: u8| {
            let text = || format!("2026-{month:02}-{day:02}");
            is.then(text).unwrap_or_default()
        };
        let (started, completed) = (on(number < started, 5), on(number < completed, 6));
        format!("V{number},{unit},9.8,2026-04-{day:02},{started},{completed}\n")
    };
    let header = "vulnerability_id,org_unit,cvss_base_score,published_on,started_on,completed_on\n";
    header.to_owned() + &numbers.map(row).collect::<String>()
}

async fn commit(world: &World, on: &str, rows: &str) {
    let reading = Reading {
        extent: Extent::Part,
        ..Reading::new("vulnerabilities", day(on))
    };
    world.commit_csv(&reading, rows).await;
}

/// The figures of KPI 24 and 25 in all org units as they were known on a day, without the version of the books.
async fn figures(engine: &Engine, world: &World, known_on: &str) -> Vec<Measurement> {
    let periods = ["2026-04", "2026-05", "2026-06"];
    let period = |text: &&str| Period::parse(text).expect("a period");
    let request = Request {
        kpis: vec![24, 25],
        org_units: Vec::new(),
        structure: Structure::default(),
        periods: periods.iter().map(period).collect(),
        known_at: Some(end_of(day(known_on))),
        seq: None,
        now: end_of(day("2026-06-30")),
    };
    let found = engine.measure(&world.journal, &request).await;
    let mut found = found.expect("it measures");
    for one in &mut found {
        one.journal_version = 0;
    }
    found
}

fn fresh(world: &World) -> Engine {
    engine_of(&world.catalogue, &world.organisation(), None)
}

/// How many files hold entries, and how many of these hold what comes to nothing.
fn files(world: &World) -> (usize, usize) {
    let files = all_files(&world.folder.path().join("journal/entries/vulnerabilities"));
    let names = files.iter().filter_map(|path| path.file_name()?.to_str());
    let names: Vec<&str> = names.filter(|name| name.ends_with(".parquet")).collect();
    let cleared = names.iter().filter(|name| name.starts_with("cleared-"));
    (names.len(), cleared.count())
}

#[test]
fn what_comes_to_nothing_is_passed_over_and_no_figure_moves() {
    block_on(async {
        let world = World::shipped().await;
        let datasets: Vec<_> = world.catalogue.datasets.values().cloned().collect();
        let compact = async || {
            let done = world.journal.compact_to(&datasets, 64).await;
            done.expect("it compacts")
        };
        commit(&world, "2026-05-01", &vulnerabilities(0..COUNT, 0, 0)).await;
        // One engine has kept the first commit alone, and adds the others to it after they are compacted.
        let keeping = fresh(&world);
        let first = figures(&keeping, &world, "2026-06-30").await;
        commit(&world, "2026-05-29", &vulnerabilities(0..40, 40, 0)).await;
        commit(&world, "2026-06-29", &vulnerabilities(0..30, 30, 30)).await;
        let days = ["2026-05-01", "2026-05-29", "2026-06-30"];
        let mut before = Vec::new();
        for day in days {
            before.push(figures(&fresh(&world), &world, day).await);
        }
        assert_ne!(first, before[2], "what came later changes figures");
        compact().await;
        // 60 rows came, 40 of them went for others, and 30 of these: 200 entries, of which 140 come to nothing.
        let (all, cleared) = files(&world);
        assert!(cleared > 0 && cleared < all, "{cleared} of {all} files");
        let snapshot = world.journal.snapshot().await.expect("it can be read");
        let dataset = world.dataset("vulnerabilities");
        let scan = world.journal.scan(&dataset, &snapshot, 0, snapshot.seq());
        let scan = scan.await.expect("the table can be read");
        let rows = |scan: &keiki_store::Scan| scan.files.iter().map(|file| file.rows).sum::<u64>();
        let counted = scan.clone().without_cleared(0, snapshot.seq());
        assert_eq!((rows(&scan), rows(&counted)), (200, 60));
        let until_second = scan.clone().without_cleared(0, snapshot.seq() - 1);
        let after_first = scan.clone().without_cleared(1, snapshot.seq());
        for whole in [until_second, after_first] {
            assert_eq!(rows(&whole), 200, "what is not counted whole is read whole");
        }
        for (day, before) in days.iter().zip(&before) {
            let after = figures(&fresh(&world), &world, day).await;
            assert_eq!(after, *before, "as known on {day}");
        }
        assert_eq!(figures(&keeping, &world, "2026-06-30").await, before[2]);
        let today = local_day(end_of(day("2026-06-30")), &zone());
        let differing = keeping.cubes_that_differ(&world.journal, today);
        assert_eq!(
            differing.await.expect("entries can be read"),
            Vec::<String>::new(),
            "all entries come to what was kept without those that come to nothing"
        );
        assert_eq!(verify(&world).await, []);
        // Another commit takes out what the first compaction left, and comes to nothing with it in the next.
        commit(
            &world,
            "2026-06-30",
            &vulnerabilities(0..COUNT, COUNT, COUNT),
        )
        .await;
        let last = figures(&fresh(&world), &world, "2026-06-30").await;
        assert_ne!(last, before[2]);
        compact().await;
        assert!(files(&world).1 > cleared);
        assert_eq!(figures(&fresh(&world), &world, "2026-06-30").await, last);
        assert_eq!(figures(&keeping, &world, "2026-06-30").await, last);
        for (day, before) in days[..2].iter().zip(&before) {
            let after = figures(&fresh(&world), &world, day).await;
            assert_eq!(after, *before, "as known on {day}");
        }
        assert_eq!(verify(&world).await, []);
    });
}
