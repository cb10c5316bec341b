//! The same books measured here and by a cluster: a scheduler and two workers of this process, reached over loopback.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use futures::{StreamExt, stream};
use keiki_engine::cluster::{
    Cluster, ClusterSetting, SchedulerSetting, Token, WorkerSetting, run_scheduler, run_worker,
};
use keiki_engine::{Engine, EngineError, Request, Structure};
use keiki_model::calendar::Period;
use keiki_model::measurement::Measurement;
use keiki_model::programme::Programme;

use crate::cases::{KNOWN_ON, kpi_folders, number_of, programme, readings, subfolders};
use crate::world::{World, block_on, day, end_of, noon};

/// Cases that are measured at the same time.
const AT_ONCE: usize = 16;

/// Small, so that small files are cut up too.
const PART_BYTES: u64 = 3000;

fn token(letter: &str) -> Token {
    Token::new(&letter.repeat(40)).expect("it is long enough")
}

/// A scheduler and workers, until the process ends.
fn start(workers: usize, folder: &Path) -> SocketAddr {
    let (sender, receiver) = mpsc::channel();
    spawn(async move {
        let setting = SchedulerSetting {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: token("a"),
            worker_timeout: Duration::from_mins(1),
        };
        let ready = move |address| sender.send(address).expect("somebody waits");
        run_scheduler(setting, ready, std::future::pending()).await
    });
    let address = receiver.recv().expect("the scheduler listens");
    for number in 0..workers {
        let folder = folder.join(number.to_string());
        std::fs::create_dir_all(&folder).expect("a folder");
        let setting = WorkerSetting {
            name: Some(format!("worker{number}")),
            scheduler_host: address.ip().to_string(),
            scheduler_port: address.port(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            host: None,
            token: token("a"),
            threads: 2,
            folder,
            reading: keiki_store::Reading::default(),
        };
        spawn(run_worker(setting, |_| ()));
    }
    address
}

fn spawn(process: impl Future<Output = Result<(), EngineError>> + Send + 'static) {
    std::thread::spawn(move || {
        let ended = block_on(process);
        unreachable!("a process of the cluster ended: {ended:?}");
    });
}

fn setting(world: &World, address: SocketAddr, token: Token) -> ClusterSetting {
    ClusterSetting {
        address: address.to_string(),
        token,
        journal: world.root(),
        part_bytes: PART_BYTES,
        patience: Duration::from_mins(5),
    }
}

fn cluster(world: &World, address: SocketAddr, token: Token) -> Cluster {
    Cluster::new(setting(world, address, token)).expect("certificates")
}

#[test]
fn every_case_of_the_catalogue_comes_out_the_same_here_and_on_a_cluster() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = start(2, folder.path());
    let folders = kpi_folders();
    let cases: Vec<PathBuf> = folders
        .iter()
        .flat_map(|kpi| subfolders(&kpi.join("cases")))
        .collect();
    let compared = block_on(async {
        let compared = cases.iter().map(|case| compare(case, address));
        let compared = stream::iter(compared).buffer_unordered(AT_ONCE);
        compared.collect::<Vec<Vec<Measurement>>>().await
    });
    let figures: Vec<&Measurement> = compared.iter().flatten().collect();
    let known = figures.iter().filter(|figure| figure.value.is_some());
    let numbers: BTreeSet<u32> = known.map(|figure| figure.no).collect();
    let shipped: BTreeSet<u32> = (1..=47).collect();
    assert_eq!(numbers, shipped, "a value of every KPI is compared");
    // What stands in the place of rows, and what follows from other rows, comes out the same too.
    for dataset in ["reported_figures", "certifications"] {
        let has = |case: &&PathBuf| readings(case).iter().any(|(of, _)| of.dataset == dataset);
        assert!(cases.iter().any(|case| has(&case)), "no case has {dataset}");
    }
    assert!(
        cases.len() >= 6 * 47,
        "only {} cases were found",
        cases.len()
    );
    assert!(
        figures.len() > 4 * cases.len(),
        "only {} figures were compared",
        figures.len()
    );
}

/// Measures all that a case expects here and on the cluster; returns the figures, which are the same to the last digit of a fraction.
async fn compare(case: &Path, address: SocketAddr) -> Vec<Measurement> {
    let kpi = case.ancestors().nth(2).expect("a case lies in a KPI");
    let world = World::of_kpi(kpi).await;
    let mut last = day(KNOWN_ON);
    for (reading, csv) in readings(case) {
        last = last.max(reading.as_of);
        world.commit_csv(&reading, &csv).await;
    }
    let no = number_of(case);
    let programme = || programme(case, no).unwrap_or_default();
    let here = world.engine_with(Vec::new(), programme());
    let there = world.engine_with(Vec::new(), programme());
    let there = there.on_cluster(Ok(cluster(&world, address, token("a"))));
    let mut rows = csv::Reader::from_path(case.join("expected.csv")).expect("expectations");
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows.deserialize::<BTreeMap<String, String>>() {
        let row = row.expect("a row of expectations");
        let periods = asked.entry(row["known_on"].clone()).or_default();
        periods.insert(row["period"].clone());
    }
    let mut compared = Vec::new();
    for (known_on, periods) in asked {
        let known_at = if known_on.is_empty() {
            end_of(last)
        } else {
            end_of(day(&known_on))
        };
        let asked = request(no, &periods, known_at);
        let expected = measured(&world, &here, &asked).await;
        let found = there.measure(&world.journal, &asked).await;
        let found = found.unwrap_or_else(|e| unreachable!("{}: {e}", case.display()));
        assert_eq!(found, expected, "{} {known_on}", case.display());
        assert_eq!(written(&found), written(&expected), "{}", case.display());
        compared.extend(found);
    }
    compared
}

/// Measurements as they leave the program.
fn written(measurements: &[Measurement]) -> Vec<String> {
    let written = measurements.iter().map(|one| one.to_json().to_string());
    written.collect()
}

fn request(no: u32, periods: &BTreeSet<String>, known_at: i64) -> Request {
    let periods = periods.iter().map(|period| Period::parse(period));
    Request {
        kpis: vec![no],
        org_units: Vec::new(),
        structure: Structure::default(),
        periods: periods.collect::<Result<_, _>>().expect("periods"),
        known_at: Some(known_at),
        seq: None,
        now: noon(day("2030-01-01")),
    }
}

async fn measured(world: &World, engine: &Engine, request: &Request) -> Vec<Measurement> {
    let measured = engine.measure(&world.journal, request).await;
    measured.unwrap_or_else(|e| unreachable!("{e}"))
}

/// A KPI's normal case in the books, and what is asked of it.
async fn normal_case() -> (World, Request) {
    let kpi = &kpi_folders()[0];
    let world = World::of_kpi(kpi).await;
    let case = kpi.join("cases/normal");
    for (reading, csv) in readings(&case) {
        world.commit_csv(&reading, &csv).await;
    }
    let periods = BTreeSet::from(["2026-06".to_owned()]);
    let asked = request(number_of(&case), &periods, end_of(day(KNOWN_ON)));
    (world, asked)
}

async fn refused(world: &World, cluster: Cluster, asked: &Request) -> String {
    let engine = world.engine_with(Vec::new(), Programme::default());
    let engine = engine.on_cluster(Ok(cluster));
    let refused = engine.measure(&world.journal, asked).await;
    refused.expect_err("it cannot be measured").to_string()
}

#[test]
fn who_does_not_know_the_token_is_not_let_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = start(1, folder.path());
    block_on(async {
        let (world, asked) = normal_case().await;
        let said = refused(&world, cluster(&world, address, token("b")), &asked).await;
        let words = format!(
            "the cluster could not measure: the scheduler at {address} has another token than this program ("
        );
        assert!(said.starts_with(&words), "{said}");
        assert!(said.contains("invalid peer certificate"), "{said}");
        let engine = world.engine_with(Vec::new(), Programme::default());
        let engine = engine.on_cluster(Ok(cluster(&world, address, token("a"))));
        let measured = engine.measure(&world.journal, &asked).await;
        assert!(!measured.expect("the same token").is_empty());
    });
}

#[test]
fn a_file_that_is_not_found_is_no_file_without_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = start(1, folder.path());
    block_on(async {
        let (world, asked) = normal_case().await;
        let journal = world.root().to_file_path().expect("a folder");
        for table in subfolders(&journal.join("entries")) {
            for entry in std::fs::read_dir(table).expect("a table") {
                let path = entry.expect("an entry").path();
                if path.extension().is_some_and(|of| of == "parquet") {
                    std::fs::remove_file(path).expect("it is there");
                }
            }
        }
        let said = refused(&world, cluster(&world, address, token("a")), &asked).await;
        let words =
            "the cluster could not measure: worker worker0: it does not find a file of the journal";
        assert!(said.starts_with(words), "{said}");
        let here = world.engine_with(Vec::new(), Programme::default());
        let here = here.measure(&world.journal, &asked).await;
        let said = here.expect_err("its file is gone").to_string();
        assert!(
            said.starts_with("a file of the journal is missing: "),
            "{said}"
        );
    });
}
