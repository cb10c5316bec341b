//! A journal in a temporary folder, with the shipped definitions or some of a test's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use keiki_engine::expressions::SqlExpressions;
use keiki_engine::{Engine, Request, Setting};
use keiki_ingest::{
    Context, IngestError, InputFile, Kinds, Limits, Source, read_chunks, read_evidence,
};
use keiki_model::calendar::{BEGINNING, Calendar, Day, Period, date_of, parse_day};
use keiki_model::calendars::Calendars;
use keiki_model::catalogue::Catalogue;
use keiki_model::dataset::Dataset;
use keiki_model::evidence::{Claim, Evidence, Extent, Missing, Scope};
use keiki_model::measurement::Measurement;
use keiki_model::org::{Hierarchy, Organisation};
use keiki_model::programme::Programme;
use keiki_store::{Database, FrozenPlan, Journal, Receipt, Submission, Tokens};
use url::Url;

/// The repository, from the folder in which Cargo runs the tests: a built test does not know where it was built.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from("../..")
}

pub(crate) fn zone() -> TimeZone {
    TimeZone::get("Asia/Tokyo").expect("the zone is known")
}

/// The instant of noon of a day, Japan time, in UTC microseconds.
pub(crate) fn noon(day: Day) -> i64 {
    date_of(day)
        .at(12, 0, 0, 0)
        .to_zoned(zone())
        .expect("a plain noon")
        .timestamp()
        .as_microsecond()
}

/// The last microsecond of a day, Japan time.
pub(crate) fn end_of(day: Day) -> i64 {
    date_of(day + 1)
        .at(0, 0, 0, 0)
        .to_zoned(zone())
        .expect("a plain midnight")
        .timestamp()
        .as_microsecond()
        - 1
}

pub(crate) fn day(text: &str) -> Day {
    parse_day(text).unwrap_or_else(|| unreachable!("not a date: {text}"))
}

/// Reads all files of a name below a folder as (path, text).
pub(crate) fn files(folder: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if is_wanted(&path) {
                let text = std::fs::read_to_string(&path).expect("a text file");
                found.push((path.display().to_string(), text));
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn shipped_catalogue() -> Catalogue {
    read_catalogue(&|path| path.file_name().is_some_and(|n| n == "kpi.toml"))
}

fn shipped_organisation() -> Organisation {
    let org = repository().join("catalogue/org.csv");
    let text = std::fs::read_to_string(&org).expect("the cases' org tree");
    Organisation::read("org.csv", &text).unwrap_or_else(|p| unreachable!("{}", list(&p)))
}

fn read_catalogue(is_kpi: &dyn Fn(&Path) -> bool) -> Catalogue {
    let datasets = files(&repository().join("datasets"), &|p| {
        p.extension().is_some_and(|e| e == "toml")
    });
    let kpis = files(&repository().join("catalogue"), is_kpi);
    match Catalogue::read(&datasets, &kpis) {
        Ok(catalogue) => catalogue,
        Err(problems) => unreachable!("{}", list(&problems)),
    }
}

pub(crate) fn list(problems: &[keiki_model::problem::Problem]) -> String {
    problems.iter().map(|p| format!("{p}\n")).collect()
}

fn setting(catalogue: &Arc<Catalogue>, organisation: &Arc<Organisation>) -> Setting {
    Setting {
        calendars: Calendar::default().into(),
        zone: zone(),
        catalogue: Arc::clone(catalogue),
        organisation: Arc::clone(organisation),
        hierarchies: Arc::default(),
        programme: Arc::default(),
        cubes: None,
        remembers: 4,
    }
}

/// An engine with other definitions or another tree, that keeps its cubes in a folder.
pub(crate) fn engine_of(
    catalogue: &Arc<Catalogue>,
    organisation: &Arc<Organisation>,
    cubes: Option<PathBuf>,
) -> Engine {
    Engine::new(Setting {
        cubes,
        ..setting(catalogue, organisation)
    })
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) journal: Journal,
    pub(crate) engine: Engine,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) expressions: Arc<SqlExpressions>,
    organisation: Arc<Organisation>,
}

/// One reading, as tests describe it.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) dataset: String,
    pub(crate) source: String,
    pub(crate) precedence: i32,
    pub(crate) as_of: Day,
    pub(crate) now: i64,
    pub(crate) extent: Extent,
    pub(crate) missing: Missing,
    pub(crate) scope_units: Vec<String>,
    pub(crate) covers: Vec<String>,
    pub(crate) frozen_plans: Vec<FrozenPlan>,
    pub(crate) is_missing_confirmed: bool,
    pub(crate) content: String,
}

impl Reading {
    pub(crate) fn new(dataset: &str, on: Day) -> Self {
        Self {
            dataset: dataset.to_owned(),
            source: dataset.to_owned(),
            precedence: 1,
            as_of: on,
            now: noon(on),
            extent: Extent::Full,
            missing: Missing::Keep,
            scope_units: Vec::new(),
            covers: vec!["HD".into()],
            frozen_plans: Vec::new(),
            is_missing_confirmed: false,
            content: String::new(),
        }
    }
}

impl World {
    pub(crate) async fn new(catalogue: Catalogue, organisation: Organisation) -> Self {
        // Wherever somebody keeps their books.
        let folder = tempfile::Builder::new().prefix("帳簿 ~1#").tempdir();
        let folder = folder.expect("a temporary folder");
        let calendar = Calendar::default();
        let expressions = Arc::new(SqlExpressions::new(calendar, zone()));
        let problems = catalogue.check(expressions.as_ref(), &|_| false);
        assert!(problems.is_empty(), "{}", list(&problems));
        let tokens = Tokens::open(&Database::file(&folder.path().join("keiki.db")))
            .await
            .expect("a database");
        let root =
            Url::from_directory_path(folder.path().join("journal")).expect("an absolute path");
        let shared: Arc<dyn keiki_model::expression::Expressions> = Arc::clone(&expressions) as _;
        let journal = Journal::create(&root, shared, tokens)
            .await
            .expect("a journal");
        let catalogue = Arc::new(catalogue);
        let organisation = Arc::new(organisation);
        let engine = Engine::new(setting(&catalogue, &organisation));
        Self {
            folder,
            journal,
            engine,
            catalogue,
            expressions,
            organisation,
        }
    }

    pub(crate) async fn shipped() -> Self {
        Self::new(shipped_catalogue(), shipped_organisation()).await
    }

    /// A world that measures one shipped KPI, with all datasets.
    pub(crate) async fn of_kpi(folder: &Path) -> Self {
        let is_kpi = |path: &Path| path == folder.join("kpi.toml");
        Self::new(read_catalogue(&is_kpi), shipped_organisation()).await
    }

    /// Another engine over the same books, with hierarchies and a programme.
    pub(crate) fn engine_with(&self, hierarchies: Vec<Hierarchy>, programme: Programme) -> Engine {
        let setting = Setting {
            hierarchies: Arc::new(hierarchies),
            programme: Arc::new(programme),
            ..setting(&self.catalogue, &self.organisation)
        };
        Engine::new(setting)
    }

    /// Another engine over the same books, with fiscal calendars.
    pub(crate) fn engine_with_calendars(&self, calendars: Calendars) -> Engine {
        let setting = Setting {
            calendars,
            ..setting(&self.catalogue, &self.organisation)
        };
        Engine::new(setting)
    }

    /// The same that remembers nothing of what it measured.
    pub(crate) fn forgetful(&self, calendars: Calendars) -> Engine {
        let setting = Setting {
            calendars,
            remembers: 0,
            ..setting(&self.catalogue, &self.organisation)
        };
        Engine::new(setting)
    }

    pub(crate) fn organisation(&self) -> Arc<Organisation> {
        Arc::clone(&self.organisation)
    }

    pub(crate) fn dataset(&self, name: &str) -> Arc<Dataset> {
        Arc::clone(
            self.catalogue
                .datasets
                .get(name)
                .unwrap_or_else(|| unreachable!("no dataset {name}")),
        )
    }

    /// Reads CSV text as the ingest does.
    pub(crate) fn read(&self, dataset: &str, csv: &str) -> Evidence {
        self.read_with(&self.expressions, dataset, csv)
    }

    /// Reads CSV text with expressions that know other calendars.
    pub(crate) fn read_with(
        &self,
        expressions: &SqlExpressions,
        dataset: &str,
        csv: &str,
    ) -> Evidence {
        let (source, files) = self.written(dataset, csv);
        let context = context(expressions, Limits::default());
        read_evidence(&source, &self.dataset(dataset), &files, &context)
            .unwrap_or_else(|e| unreachable!("{e}"))
    }

    /// Reads CSV text in chunks of so many rows.
    pub(crate) fn chunks(&self, dataset: &str, csv: &str, chunk_rows: usize) -> Vec<Evidence> {
        let (source, files) = self.written(dataset, csv);
        let limits = Limits {
            chunk_rows,
            ..Limits::default()
        };
        let context = context(&self.expressions, limits);
        let mut chunks = Vec::new();
        let mut take = |chunk| {
            chunks.push(chunk);
            Ok::<(), IngestError>(())
        };
        read_chunks(&source, &self.dataset(dataset), &files, &context, &mut take)
            .unwrap_or_else(|e| unreachable!("{e}"));
        chunks
    }

    /// Writes CSV text into a file, and says how it is read.
    fn written(&self, dataset: &str, csv: &str) -> (Source, [InputFile; 1]) {
        let path = self.folder.path().join("evidence.csv");
        std::fs::write(&path, csv).expect("a file");
        let source = Source::by_name(dataset, Kinds::shipped().of_file(&path), dataset);
        (source, [InputFile::new("evidence.csv", path)])
    }

    pub(crate) async fn commit_csv(&self, reading: &Reading, csv: &str) -> Receipt {
        let evidence = self.read(&reading.dataset, csv);
        self.commit(
            &Reading {
                content: csv.to_owned(),
                ..reading.clone()
            },
            evidence,
        )
        .await
    }

    pub(crate) async fn commit(&self, reading: &Reading, evidence: Evidence) -> Receipt {
        self.journal
            .commit(self.submission(reading, evidence))
            .await
            .unwrap_or_else(|e| unreachable!("{e}"))
    }

    pub(crate) fn submission(&self, reading: &Reading, evidence: Evidence) -> Submission {
        let dataset = self.dataset(&reading.dataset);
        let claims = reading
            .covers
            .iter()
            .map(|unit| Claim {
                org_unit: unit.clone(),
                from: BEGINNING,
                until: reading.as_of,
                known_from: i64::MIN,
                fresh_days: None,
            })
            .collect();
        Submission {
            dataset,
            datasets: self.catalogue.datasets.values().cloned().collect(),
            source: reading.source.clone(),
            mapping_version: "1".into(),
            precedence: reading.precedence,
            as_of: reading.as_of,
            now: reading.now,
            closed_at: i64::MIN,
            extent: reading.extent,
            missing: reading.missing,
            scope: Scope {
                org_units: reading.scope_units.clone(),
                predicate: None,
            },
            scope_units: reading.scope_units.clone(),
            claims,
            evidence: evidence.into(),
            files: Vec::new(),
            content_sha256: keiki_model::dataset::content_version(&reading.content),
            frozen_plans: reading.frozen_plans.clone(),
            is_missing_confirmed: reading.is_missing_confirmed,
            as_seen: None,
            author: "test".into(),
        }
    }

    pub(crate) async fn measure(
        &self,
        no: u32,
        unit: &str,
        period: &str,
        known_at: i64,
    ) -> Vec<Measurement> {
        let request = Request {
            kpis: vec![no],
            org_units: vec![unit.to_owned()],
            structure: keiki_engine::Structure::default(),
            periods: vec![Period::parse(period).expect("a period")],
            known_at: Some(known_at),
            seq: None,
            now: noon(day("2030-01-01")),
        };
        self.engine
            .measure(&self.journal, &request)
            .await
            .unwrap_or_else(|e| unreachable!("{e}"))
    }

    /// The journal's address.
    #[cfg(feature = "cluster")]
    pub(crate) fn root(&self) -> Url {
        Url::from_directory_path(self.folder.path().join("journal")).expect("an absolute path")
    }
}

fn context(expressions: &SqlExpressions, limits: Limits) -> Context<'_> {
    Context {
        expressions,
        zone: zone(),
        limits,
        as_of: 0,
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
