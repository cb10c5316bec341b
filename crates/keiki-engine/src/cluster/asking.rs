//! Asks a cluster for a cube: sends the work, gathers the partial cubes and makes sure that none is missing.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{UInt32Type, UInt64Type};
use ballista_core::config::BallistaConfig;
use ballista_core::execution_plans::execute_physical_plan;
use ballista_core::extension::SessionConfigExt;
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::TryStreamExt;
use jiff::tz::TimeZone;
use keiki_model::calendars::Calendars;
use keiki_store::Scan;
use sha2::{Digest, Sha256};
use url::Url;

use super::codec::Codec;
use super::operator::PartialCubes;
use super::security::{Security, Token};
use super::share::{Share, not_on_cluster};
use crate::axis::Axis;
use crate::cube::Cube;
use crate::error::{EngineError, Result};
use crate::plan::DatasetPlan;
use crate::read::Bounds;

/// For how long a connection may take to be made.
pub(super) const CONNECTING: Duration = Duration::from_secs(10);

/// After how long the other end of a connection is asked whether it is there.
pub(super) const ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// For how long it may take to answer that.
pub(super) const ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often work is given to the cluster: it is the same each time, whatever became of it before.
const ATTEMPTS: u32 = 3;

/// How long is waited before it is given again.
const PAUSE: Duration = Duration::from_secs(2);

/// Where a cluster is and how it is asked.
#[derive(Debug, Clone)]
pub struct ClusterSetting {
    /// Host and port of the scheduler.
    pub address: String,
    /// The secret of the cluster.
    pub token: Token,
    /// The journal's address, as workers know it.
    pub journal: Url,
    /// How much of the files a part holds at most, about.
    pub part_bytes: u64,
    /// For how long an answer is waited for, each of the times that it is asked for.
    pub patience: Duration,
}

/// A cluster.
#[derive(Clone)]
pub struct Cluster {
    setting: ClusterSetting,
    security: Security,
    session: String,
}

/// What came of a part.
#[derive(Default)]
struct Answer {
    pieces: BTreeMap<u32, Vec<u8>>,
    count: u32,
    sha256: Vec<u8>,
    rows: u64,
    read_bytes: u64,
    worker: String,
}

/// What a worker did.
#[derive(Default)]
struct Work {
    parts: u64,
    rows: u64,
    read_bytes: u64,
    sent_bytes: u64,
}

impl Cluster {
    /// Makes ready to ask a cluster; nothing is sent yet.
    ///
    /// # Errors
    /// No certificate can be made.
    pub fn new(setting: ClusterSetting) -> Result<Self> {
        let number = || RandomState::new().hash_one("session");
        Ok(Self {
            security: Security::new(&setting.token)?,
            session: format!("keiki-{:016x}{:016x}", number(), number()),
            setting,
        })
    }

    /// Has a cluster read entries into a cube.
    pub(crate) async fn read_cube(
        &self,
        plan: &DatasetPlan,
        known: (&Calendars, &TimeZone),
        scan: &Scan,
        (bounds, axis): (Bounds, &Axis),
    ) -> Result<Cube> {
        let empty = || Cube::new(axis.clone(), &plan.has_value());
        if scan.files.is_empty() {
            return Ok(empty());
        }
        let journal = (&self.setting.journal, scan);
        let part_bytes = self.setting.part_bytes;
        let share = Share::new(plan, known, journal, (bounds, axis), part_bytes)?;
        let share = Arc::new(share);
        let mut attempt = 1;
        let answered = loop {
            match self.ask(&share, &plan.has_value()).await {
                Ok(answered) => break answered,
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, attempt, "the cluster is asked again");
                    tokio::time::sleep(PAUSE).await;
                    attempt += 1;
                }
            }
        };
        let mut total = empty();
        for cube in answered {
            total.merge(cube)?;
        }
        Ok(total)
    }

    /// Gives the work to the cluster and returns the cube of each part.
    async fn ask(&self, share: &Arc<Share>, has_value: &[bool]) -> Result<Vec<Cube>> {
        let patience = self.setting.patience;
        let answered = tokio::time::timeout(patience, self.answers(share)).await;
        let answers = answered.map_err(|_| {
            let seconds = patience.as_secs();
            not_on_cluster(
                format!("{seconds}秒待っても結果が返りませんでした"),
                format!("there was no answer within {seconds} seconds"),
            )
        })??;
        report(&answers);
        cubes((share, has_value), answers)
    }

    async fn answers(&self, share: &Arc<Share>) -> Result<BTreeMap<u32, Answer>> {
        let codec = Arc::new(Codec::new(None));
        let config = SessionConfig::new_with_ballista()
            .with_ballista_override_create_grpc_client_endpoint(self.security.of_client())
            .with_ballista_use_tls(true)
            .with_ballista_shuffle_reader_force_remote_read(true)
            .with_ballista_adaptive_query_planner(false);
        let ballista = BallistaConfig::default();
        let stream = execute_physical_plan::<PhysicalPlanNode>(
            format!("https://{}", self.setting.address),
            &ballista,
            Arc::new(PartialCubes::of_all(Arc::clone(share))?),
            codec.as_ref(),
            self.session.clone(),
            config,
        );
        let mut stream = stream.await.map_err(|error| of_cluster(&error))?;
        let mut answers: BTreeMap<u32, Answer> = BTreeMap::new();
        while let Some(rows) = stream.try_next().await.map_err(|e| of_cluster(&e))? {
            take(&rows, &mut answers)
                .ok_or_else(|| not_whole("a piece came twice, or not as workers write them"))?;
        }
        Ok(answers)
    }
}

fn of_cluster(error: &datafusion::error::DataFusionError) -> EngineError {
    not_on_cluster(error.to_string(), error.to_string())
}

fn not_whole(how: &str) -> EngineError {
    not_on_cluster(
        format!("結果の一部が壊れています({how})。数値には使っていません"),
        format!("a part of the answer is damaged ({how}); it was not used for any figure"),
    )
}

/// Takes rows of the answer; `None` if they are not as a worker writes them, or a piece comes twice.
fn take(rows: &RecordBatch, answers: &mut BTreeMap<u32, Answer>) -> Option<()> {
    let column = |name| rows.column_by_name(name);
    let small = |name| column(name)?.as_primitive_opt::<UInt32Type>();
    let large = |name| column(name)?.as_primitive_opt::<UInt64Type>();
    let (parts, pieces, counts) = (small("part")?, small("piece")?, small("pieces")?);
    let (numbers, read) = (large("rows")?, large("read_bytes")?);
    let bytes = column("bytes")?.as_binary_opt::<i32>()?;
    let sha256 = column("sha256")?.as_binary_opt::<i32>()?;
    let workers =
        arrow::compute::cast(column("worker")?, &arrow::datatypes::DataType::Utf8).ok()?;
    let workers = workers.as_string_opt::<i32>()?;
    for row in 0..rows.num_rows() {
        let answer = answers.entry(parts.value(row)).or_default();
        if answer.pieces.is_empty() {
            answer.count = counts.value(row);
            answer.sha256 = sha256.value(row).to_vec();
            answer.rows = numbers.value(row);
            answer.read_bytes = read.value(row);
            workers.value(row).clone_into(&mut answer.worker);
        }
        let piece = bytes.value(row).to_vec();
        if answer.pieces.insert(pieces.value(row), piece).is_some() {
            return None;
        }
    }
    Some(())
}

/// The cubes of all parts, if each part is there and whole, and all rows were read of which the journal's log knows.
///
/// Where the log does not say how many rows a file has, they cannot be made sure of, and the answer is not taken.
fn cubes(
    (share, has_value): (&Share, &[bool]),
    answers: BTreeMap<u32, Answer>,
) -> Result<Vec<Cube>> {
    let read: u64 = answers.values().map(|answer| answer.rows).sum();
    let mut files = BTreeMap::new();
    for part in share.parts.iter().flatten() {
        files.insert(&part.path, part.rows);
    }
    let written: u64 = files.values().sum();
    let has_all = (0..)
        .zip(answers.keys())
        .all(|(number, part)| number == *part)
        && answers.len() == share.parts.len();
    if !has_all || read != written {
        let (came, asked) = (answers.len(), share.parts.len());
        return Err(not_on_cluster(
            format!(
                "結果が揃っていません(区分{came}/{asked}、行{read}/{written})。数値には使っていません"
            ),
            format!(
                "the answer is not whole: {came} of {asked} parts, {read} of {written} rows; it was not used for any figure"
            ),
        ));
    }
    let cube = |answer: Answer| {
        let is_last = answer.pieces.keys().next_back() == answer.count.checked_sub(1).as_ref();
        let is_whole = is_last && u32::try_from(answer.pieces.len()) == Ok(answer.count);
        let bytes: Vec<u8> = answer.pieces.into_values().flatten().collect();
        if !is_whole || Sha256::digest(&bytes).as_slice() != answer.sha256 {
            return Err(not_whole("SHA-256"));
        }
        let is_asked = |cube: &Cube| cube.axis == share.axis && cube.has_value() == has_value;
        let cube = crate::keep::from_bytes(&bytes).filter(is_asked);
        cube.ok_or_else(|| not_whole("form of a cube"))
    };
    answers.into_values().map(cube).collect()
}

/// Says what each worker did.
fn report(answers: &BTreeMap<u32, Answer>) {
    let mut work: BTreeMap<&str, Work> = BTreeMap::new();
    for answer in answers.values() {
        let of_worker = work.entry(&answer.worker).or_default();
        of_worker.parts += 1;
        of_worker.rows += answer.rows;
        of_worker.read_bytes += answer.read_bytes;
        of_worker.sent_bytes += answer.pieces.values().map(|b| b.len() as u64).sum::<u64>();
    }
    for (worker, did) in work {
        let (parts, rows) = (did.parts, did.rows);
        let (read_bytes, sent_bytes) = (did.read_bytes, did.sent_bytes);
        tracing::info!(
            worker,
            parts,
            rows,
            read_bytes,
            sent_bytes,
            "a worker answered"
        );
    }
}
