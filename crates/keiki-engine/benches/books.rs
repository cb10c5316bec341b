//! Measures what the books cost: reading everything, adding a little, taking in a large export.
//!
//! `benches/run` runs it and writes docs/benchmarks.md; `cargo xtask bench peers` sets others beside it, at other sizes. Stages run in processes of their own, so that peak memory is that
//! of the stage.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads its arguments and opens a plain session to compare with"
)]

#[path = "books/evidence.rs"]
mod evidence;
#[path = "books/make.rs"]
mod make;
#[path = "books/others.rs"]
mod others;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use datafusion::physical_plan::ExecutionPlanProperties;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use futures::TryStreamExt;
use jiff::tz::TimeZone;
use keiki_engine::expressions::SqlExpressions;
use keiki_engine::{Engine, Request, Setting};
use keiki_ingest::{Context, IngestError, InputFile, Kinds, Limits, Source, read_chunks};
use keiki_model::calendar::{BEGINNING, Calendar, Day, Month, Period};
use keiki_model::catalogue::{Catalogue, bind};
use keiki_model::dataset::{Dataset, ORG_UNIT};
use keiki_model::evidence::{Claim, Evidence, Extent, Missing, Scope};
use keiki_model::expression::Expressions;
use keiki_model::kpi::{Clock, Measure};
use keiki_model::org::Organisation;
use keiki_store::{
    Database, EFFECTIVE_ON, Gathered, Gathering, Journal, MEMORY_BYTES, RawWriter, Repeats,
    Submission, Tokens, WEIGHT,
};
use tokio::runtime::Handle;
use url::Url;

use evidence::asset_rows;
use make::make;

/// What the program hands out memory with, so that what is measured is what it takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Org units and months.
const UNITS: usize = 300;
const MONTHS: i32 = 36;

/// How many records a register of assets has for each million of entries.
const ASSETS: usize = 80_000;

/// Millions of entries in the journal.
fn millions() -> usize {
    let asked = std::env::var("KEIKI_BENCH_MILLIONS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(10)
}

fn asset_count() -> usize {
    ASSETS * millions()
}

/// How many assets a reading changes.
fn asset_changes() -> usize {
    asset_count() / 10
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let folder = PathBuf::from(
        std::env::var("KEIKI_BENCH_DIR").unwrap_or_else(|_| "target/keiki-bench".into()),
    );
    let stage = arguments.iter().find_map(|a| a.strip_prefix("stage="));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    if let Some(stage) = stage {
        runtime.block_on(run(stage, &folder))
    } else {
        println!(
            "name the stage: stage=make, decode, decode_read, measure, answers, increment, export or ingest; `benches/run` runs all"
        );
        Ok(())
    }
}

async fn run(stage: &str, folder: &Path) -> Outcome<()> {
    match stage {
        "make" => make(folder).await?,
        "decode" => decode(folder, Wanted::All).await?,
        "decode_read" => decode(folder, Wanted::Counted).await?,
        "measure" => measure(folder).await?,
        "answers" => answers(folder).await?,
        "increment" => increment(folder).await?,
        "export" => export(folder).await?,
        "ingest" => ingest(folder).await?,
        other => return Err(format!("no such stage: {other}").into()),
    }
    if let Some(peak) = peak_memory_mebibytes() {
        println!("{stage}_peak_mib {peak}");
    }
    Ok(())
}

fn peak_memory_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib / 1024)
}

/// The processor time that this process has taken, on all threads: other programs that keep the machine busy stay out of it.
fn processor_seconds() -> f64 {
    let ticks_per_second = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the program's name, in brackets, user and system time are the 12th and 13th.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let times = fields.split_whitespace().skip(11).take(2);
    times
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / ticks_per_second
}

struct World {
    journal: Journal,
    catalogue: Arc<Catalogue>,
    organisation: Arc<Organisation>,
    expressions: Arc<SqlExpressions>,
}

fn zone() -> Outcome<TimeZone> {
    Ok(TimeZone::get("Asia/Tokyo")?)
}

fn last_month() -> Month {
    Month::new(2026, 9)
}

fn start() -> Day {
    last_month().plus(1 - MONTHS).first_day()
}

fn instant(day: Day) -> i64 {
    i64::from(day) * 86_400_000_000 + 3_600_000_000
}

fn unit(index: usize) -> String {
    format!("U{:03}", index % UNITS)
}

/// How often each stage measures: the best counts.
fn rounds() -> usize {
    let asked = std::env::var("KEIKI_BENCH_ROUNDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// The repository, in which `benches/run` runs the benchmarks.
fn repository() -> PathBuf {
    PathBuf::from(".")
}

/// The files below a folder that are named so, with their paths, in the order of the paths.
fn files(folder: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Outcome<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if is_wanted(&path) {
                found.push((path.display().to_string(), std::fs::read_to_string(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// All that is shipped; where figures are named, as `KPI/indicator`, no others.
fn catalogue() -> Outcome<Catalogue> {
    let datasets = files(&repository().join("datasets"), &|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    })?;
    let kpis = files(&repository().join("catalogue"), &|path| {
        path.file_name().is_some_and(|name| name == "kpi.toml")
    })?;
    let catalogue = Catalogue::read(&datasets, &kpis);
    let mut catalogue = catalogue.map_err(|problems| format!("{problems:?}"))?;
    if let Ok(figures) = std::env::var("KEIKI_BENCH_FIGURES") {
        leave_alone(&mut catalogue, &figures.split(' ').collect::<Vec<_>>());
    }
    Ok(catalogue)
}

/// Leaves nothing but some indicators, and the measures that they are computed from.
fn leave_alone(catalogue: &mut Catalogue, figures: &[&str]) {
    for kpi in &mut catalogue.kpis {
        let kpi = Arc::make_mut(kpi);
        let no = kpi.no;
        kpi.indicators
            .retain(|one| figures.contains(&format!("{no}/{}", one.code).as_str()));
        for indicator in &mut kpi.indicators {
            (indicator.pace, indicator.unmet, indicator.pending) = (None, None, None);
        }
        let read: Vec<String> = kpi
            .indicators
            .iter()
            .flat_map(|one| one.measures().into_iter().map(str::to_owned))
            .collect();
        kpi.measures.retain(|measure| read.contains(&measure.name));
    }
    catalogue.kpis.retain(|kpi| !kpi.indicators.is_empty());
}

async fn open(folder: &Path) -> Outcome<World> {
    let expressions = Arc::new(SqlExpressions::new(Calendar::default(), zone()?));
    let mut org = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\nG,,G,G,group,JP,,,\n".to_owned();
    for index in 0..UNITS {
        let (parent, kind) = if index < 30 {
            ("G".to_owned(), "company")
        } else {
            (unit(index % 30), "department")
        };
        writeln!(org, "{},{parent},U,U,{kind},JP,,,", unit(index))?;
    }
    let organisation =
        Organisation::read("org.csv", &org).map_err(|problems| format!("{problems:?}"))?;
    let tokens = Tokens::open(&Database::file(&folder.join("keiki.db"))).await?;
    std::fs::create_dir_all(folder)?;
    let root = Url::from_directory_path(folder.canonicalize()?.join("journal"))
        .map_err(|()| "not a folder")?;
    let shared: Arc<dyn keiki_model::expression::Expressions> = Arc::clone(&expressions) as _;
    let journal = Journal::create(&root, shared, tokens).await?;
    Ok(World {
        journal,
        catalogue: Arc::new(catalogue()?),
        organisation: Arc::new(organisation),
        expressions,
    })
}

fn engine(world: &World, is_asked_again: bool) -> Outcome<Engine> {
    Ok(Engine::new(Setting {
        calendars: Calendar::default().into(),
        zone: zone()?,
        catalogue: Arc::clone(&world.catalogue),
        organisation: Arc::clone(&world.organisation),
        hierarchies: Arc::default(),
        programme: Arc::default(),
        cubes: None,
        remembers: if is_asked_again {
            request().periods.len()
        } else {
            0
        },
    }))
}

fn request() -> Request {
    Request {
        kpis: Vec::new(),
        org_units: Vec::new(),
        structure: keiki_engine::Structure::default(),
        periods: (0..MONTHS)
            .map(|i| Period::Month(last_month().plus(-i)))
            .collect(),
        known_at: None,
        seq: None,
        now: instant(last_month().last_day()),
    }
}

async fn commit(
    world: &World,
    dataset: &str,
    rows: RecordBatch,
    on: Day,
    content: String,
) -> Outcome<()> {
    let places = vec![0; rows.num_rows()];
    let evidence = Evidence {
        rows,
        places,
        files: Vec::new(),
        effective_on: None,
        known_at: None,
        version_order: None,
        rejected: Vec::new(),
        left_unknown: Vec::new(),
        open_ends: Vec::new(),
    };
    world
        .journal
        .commit(submission(
            world,
            dataset,
            evidence.into(),
            on,
            Extent::Part,
            content,
        )?)
        .await?;
    Ok(())
}

fn submission(
    world: &World,
    dataset: &str,
    evidence: Gathered,
    on: Day,
    extent: Extent,
    content: String,
) -> Outcome<Submission> {
    Ok(Submission {
        dataset: Arc::clone(
            world
                .catalogue
                .datasets
                .get(dataset)
                .ok_or("no such dataset")?,
        ),
        datasets: world.catalogue.datasets.values().cloned().collect(),
        source: dataset.to_owned(),
        mapping_version: "1".into(),
        precedence: 1,
        as_of: on,
        now: instant(on),
        closed_at: i64::MIN,
        extent,
        missing: Missing::Keep,
        scope: Scope::default(),
        scope_units: Vec::new(),
        claims: vec![Claim {
            org_unit: "G".into(),
            from: BEGINNING,
            until: last_month().last_day(),
            known_from: i64::MIN,
            fresh_days: None,
        }],
        evidence,
        files: Vec::new(),
        content_sha256: content,
        frozen_plans: Vec::new(),
        is_missing_confirmed: false,
        as_seen: None,
        author: "benchmark".into(),
    })
}

/// The columns of a dataset that measuring reads: those that the expressions of its measures name, and when, where and with
/// which sign an entry counts.
fn columns_read(world: &World, dataset: &Dataset) -> Outcome<Vec<String>> {
    let mut columns = vec![
        ORG_UNIT.to_owned(),
        WEIGHT.to_owned(),
        EFFECTIVE_ON.to_owned(),
    ];
    for kpi in &world.catalogue.kpis {
        let of_dataset = |measure: &&Measure| measure.dataset.value == dataset.name;
        for measure in kpi.measures.iter().filter(of_dataset) {
            let clock = match &measure.clock {
                Clock::Stock { from, until } => [from.as_ref(), until.as_ref()],
                Clock::Flow { on } => [Some(on), None],
                Clock::Spell { begins, ends } => [Some(begins), Some(ends)],
            };
            let others = [&measure.filter, &measure.value, &measure.group];
            let all = others.into_iter().map(Option::as_ref).chain(clock);
            for sql in all.flatten() {
                let bound = bind(sql, &kpi.parameters).map_err(|problem| format!("{problem:?}"))?;
                let compiled = world
                    .expressions
                    .compile(&bound.value, &dataset.schema())
                    .map_err(|error| format!("{error:?}"))?;
                columns.extend(compiled.columns().iter().cloned());
            }
        }
    }
    columns.sort();
    columns.dedup();
    Ok(columns)
}

/// Which entries are decoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    /// Those that compaction did not set apart as coming to nothing, which measuring passes over.
    Counted,
}

/// Decodes the columns that the KPIs read, and nothing more.
async fn decode(folder: &Path, wanted: Wanted) -> Outcome<()> {
    let world = open(folder).await?;
    let snapshot = world.journal.snapshot().await?;
    let measures = world.catalogue.kpis.iter().flat_map(|kpi| &kpi.measures);
    let datasets: BTreeSet<&str> = measures.map(|one| one.dataset.value.as_str()).collect();
    let of = |name: &'_ str| -> Outcome<(String, Vec<String>)> {
        let columns = columns_read(&world, &world.catalogue.datasets[name])?;
        Ok((name.to_owned(), columns))
    };
    let columns: Vec<_> = datasets.into_iter().map(of).collect::<Outcome<_>>()?;
    println!("{columns:?}");
    for _ in 0..rounds() {
        let (began, processor, mut entries) = (Instant::now(), processor_seconds(), 0);
        for (name, columns) in &columns {
            let scan = world
                .journal
                .scan(
                    &world.catalogue.datasets[name],
                    &snapshot,
                    0,
                    snapshot.seq(),
                )
                .await?;
            let scan = match wanted {
                Wanted::All => scan,
                Wanted::Counted => scan.without_cleared(0, snapshot.seq()),
            };
            if scan.files.is_empty() {
                continue;
            }
            let context =
                SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
            let url = Url::parse("keiki://journal")?;
            context
                .runtime_env()
                .register_object_store(&url, Arc::clone(&scan.store));
            let paths: Vec<String> = scan
                .files
                .iter()
                .map(|file| format!("keiki://journal/{}", file.path))
                .collect();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let plan = context
                .read_parquet(paths, ParquetReadOptions::default())
                .await?
                .select_columns(&columns)?;
            let plan = plan.create_physical_plan().await?;
            let mut parts = Vec::new();
            for partition in 0..plan.output_partitioning().partition_count() {
                let mut stream = plan.execute(partition, context.task_ctx())?;
                parts.push(tokio::spawn(async move {
                    let mut rows = 0;
                    while let Some(batch) = stream.try_next().await? {
                        rows += batch.num_rows();
                    }
                    Ok::<usize, datafusion::error::DataFusionError>(rows)
                }));
            }
            for part in parts {
                entries += part.await??;
            }
        }
        let (stage, entered) = match wanted {
            Wanted::All => ("decode", "entries"),
            Wanted::Counted => ("decode_read", "entries_read"),
        };
        println!("{stage}_seconds {:.3}", began.elapsed().as_secs_f64());
        println!(
            "{stage}_processor_seconds {:.2}",
            processor_seconds() - processor
        );
        println!("{entered} {entries}");
    }
    Ok(())
}

/// Measures everything from a cold start.
async fn measure(folder: &Path) -> Outcome<()> {
    let world = open(folder).await?;
    for _ in 0..rounds() {
        let engine = engine(&world, false)?;
        let (began, processor) = (Instant::now(), processor_seconds());
        let measurements = engine.measurements(&world.journal, &request()).await?;
        println!("measure_seconds {:.3}", began.elapsed().as_secs_f64());
        println!(
            "measure_processor_seconds {:.2}",
            processor_seconds() - processor
        );
        println!("measurements {}", measurements.len());
    }
    Ok(())
}

/// Writes all figures as exact fractions, to compare with those of others.
async fn answers(folder: &Path) -> Outcome<()> {
    let world = open(folder).await?;
    let engine = engine(&world, false)?;
    let mut text = "kpi,indicator,org_unit,period,value\n".to_owned();
    let measured = engine.measurements(&world.journal, &request()).await?;
    for one in measured.one_by_one() {
        let value = one.value.map_or_else(String::new, |value| {
            format!("{}/{}", value.numerator(), value.denominator())
        });
        writeln!(
            text,
            "{},{},{},{},{value}",
            one.no, one.indicator, one.org_unit, one.period
        )?;
    }
    std::fs::write(folder.join("answers.csv"), text)?;
    Ok(())
}

/// Measures everything, adds a thousandth of the entries, and measures again.
async fn increment(folder: &Path) -> Outcome<()> {
    let world = open(folder).await?;
    let assets = Arc::clone(&world.catalogue.datasets["assets"]);
    // A changed row writes two entries.
    let changed = millions() * 500;
    println!("increment_entries {}", 2 * changed);
    for turn in 0..rounds() {
        let engine = engine(&world, true)?;
        let began = Instant::now();
        let full = engine.measurements(&world.journal, &request()).await?;
        println!("full_seconds {:.3}", began.elapsed().as_secs_f64());
        let numbers: Vec<usize> = (0..changed).map(|i| i * 7 + turn).collect();
        let salt =
            u64::try_from(turn)? + 1_000 + u64::try_from(world.journal.snapshot().await?.seq())?;
        let on = last_month().last_day();
        commit(
            &world,
            "assets",
            asset_rows(&assets, &numbers, salt)?,
            on,
            format!("i{salt}"),
        )
        .await?;
        let began = Instant::now();
        let again = engine.measurements(&world.journal, &request()).await?;
        println!("again_seconds {:.4}", began.elapsed().as_secs_f64());
        assert_eq!(full.len(), again.len(), "the same is measured again");
    }
    Ok(())
}

/// Writes a full export of a million rows, most of them unchanged: a stage of its own, so that its memory is not the ingest's.
async fn export(folder: &Path) -> Outcome<()> {
    let world = open(folder).await?;
    let dataset = Arc::clone(&world.catalogue.datasets["assets"]);
    let numbers: Vec<usize> = (0..asset_count()).collect();
    let seq = u64::try_from(world.journal.snapshot().await?.seq())?;
    write_export(&folder.join("assets.csv"), &dataset, &numbers, seq)
}

/// Reads the export as `keiki ingest` does: chunk by chunk, so that few of its rows are in memory at a time.
fn read_export(
    path: &Path,
    dataset: &Dataset,
    expressions: &SqlExpressions,
    mut gathering: Gathering,
) -> Result<Gathering, String> {
    let source = Source::by_name("assets", Kinds::shipped().of_file(path), "assets");
    let context = Context {
        expressions,
        zone: zone().map_err(|error| error.to_string())?,
        limits: Limits::default(),
        as_of: 0,
    };
    let files = [InputFile::new("assets.csv", path.to_owned())];
    let runtime = Handle::current();
    let mut take = |chunk| {
        let added = runtime.block_on(gathering.add(chunk));
        added.map_err(|error| Unread(error.to_string()))
    };
    read_chunks(&source, dataset, &files, &context, &mut take).map_err(|error| error.0)?;
    Ok(gathering)
}

/// Why the export could not be read.
struct Unread(String);

impl From<IngestError> for Unread {
    fn from(error: IngestError) -> Self {
        Self(error.to_string())
    }
}

/// Takes the export in.
async fn ingest(folder: &Path) -> Outcome<()> {
    let world = open(folder).await?;
    let dataset = Arc::clone(&world.catalogue.datasets["assets"]);
    let (path, on) = (folder.join("assets.csv"), last_month().last_day());
    let began = Instant::now();
    let raw = world
        .journal
        .store_raw(&path, "assets.csv", RawWriter::Plain);
    let (path, expressions) = (path.clone(), Arc::clone(&world.expressions));
    let to_read = Arc::clone(&dataset);
    let gathering = world
        .journal
        .gather(&dataset, on, Repeats::Found, MEMORY_BYTES);
    let reading = move || read_export(&path, &to_read, &expressions, gathering);
    let gathering = tokio::task::spawn_blocking(reading);
    // As `keiki ingest` does: the bytes are kept while they are read.
    let (gathering, raw) = tokio::join!(gathering, async {
        let raw = raw.await;
        println!("ingest_raw_seconds {:.3}", began.elapsed().as_secs_f64());
        raw
    });
    let (evidence, raw) = (gathering??.finish().await?, raw?);
    println!("ingest_read_seconds {:.3}", began.elapsed().as_secs_f64());
    let mut submission = submission(
        &world,
        "assets",
        evidence,
        on,
        Extent::Full,
        raw.reference.sha256.clone(),
    )?;
    submission.files = vec![raw.reference.clone()];
    let receipt = world.journal.commit(submission).await?;
    println!("ingest_seconds {:.3}", began.elapsed().as_secs_f64());
    println!("ingest_counts {:?}", receipt.counts);
    Ok(())
}

fn write_export(path: &Path, dataset: &Dataset, numbers: &[usize], seq: u64) -> Outcome<()> {
    // One in a hundred rows says something new.
    // The others say what `make` said of them last.
    let last: Vec<RecordBatch> = numbers
        .chunks(asset_changes())
        .zip(11..)
        .map(|(chunk, turn)| asset_rows(dataset, chunk, turn))
        .collect::<Outcome<_>>()?;
    let rows = arrow::compute::concat_batches(&dataset.schema(), &last)?;
    let fresh = asset_rows(dataset, numbers, 5_000 + seq)?;
    let options = arrow::util::display::FormatOptions::default();
    let shown = |rows: &RecordBatch| -> Outcome<Vec<usize>> {
        Ok((0..rows.num_columns())
            .filter(|i| rows.column(*i).null_count() < rows.num_rows())
            .collect())
    };
    let columns = shown(&rows)?;
    let mut text = String::new();
    let names: Vec<&str> = columns
        .iter()
        .map(|i| rows.schema_ref().field(*i).name().as_str())
        .collect();
    writeln!(text, "{}", names.join(","))?;
    let formatters = |rows: &'_ RecordBatch| -> Outcome<Vec<Vec<String>>> {
        columns
            .iter()
            .map(|i| {
                let formatter =
                    arrow::util::display::ArrayFormatter::try_new(rows.column(*i), &options)?;
                Ok((0..rows.num_rows())
                    .map(|row| formatter.value(row).to_string())
                    .collect())
            })
            .collect()
    };
    let (old, new) = (formatters(&rows)?, formatters(&fresh)?);
    for row in 0..rows.num_rows() {
        let from = if row % 100 == 0 { &new } else { &old };
        let fields: Vec<&str> = from.iter().map(|column| column[row].as_str()).collect();
        writeln!(text, "{}", fields.join(","))?;
    }
    std::fs::write(path, text)?;
    Ok(())
}
