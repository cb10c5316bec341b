//! Asks a cluster for a cube: sends the work, and adds up what comes back.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::config::BallistaConfig;
use ballista_core::execution_plans::execute_physical_plan;
use ballista_core::extension::SessionConfigExt;
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::TryStreamExt;
use jiff::tz::TimeZone;
use keiki_model::calendars::Calendars;
use keiki_store::Scan;
use url::Url;

use super::answer::{Answers, Asked};
use super::codec::Codec;
use super::operator::PartialCubes;
use super::parts::{FilePart, parts};
use super::persisting::{Failure, Persistence};
use super::security::{Security, Token};
use super::share::{Share, not_on_cluster};
use crate::axis::Axis;
use crate::cube::Cube;
use crate::error::Result;
use crate::plan::DatasetPlan;
use crate::read::Bounds;

/// For how long a connection may take to be made.
pub(super) const CONNECTING: Duration = Duration::from_secs(10);

/// After how long the other end of a connection is asked whether it is there.
pub(super) const ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// For how long it may take to answer that.
pub(super) const ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

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
    /// For how long an answer is waited for, however often it is asked for meanwhile.
    pub patience: Duration,
}

/// A cluster.
#[derive(Clone)]
pub struct Cluster {
    setting: ClusterSetting,
    security: Security,
    session: String,
}

/// What a cluster is to do.
struct Work {
    share: Arc<[u8]>,
    parts: Vec<Vec<FilePart>>,
    axis: Axis,
    has_value: Vec<bool>,
}

impl Cluster {
    /// Makes ready to ask a cluster; nothing is sent yet.
    ///
    /// # Errors
    /// No certificate can be made.
    pub fn new(setting: ClusterSetting) -> Result<Self> {
        Ok(Self {
            security: Security::new(&setting.token)?,
            session: fresh_name("keiki"),
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
        let share = Share::new(plan, known, &self.setting.journal, (bounds, axis))?;
        let work = Work {
            share: share.to_bytes()?.into(),
            parts: parts(&scan.files, self.setting.part_bytes),
            axis: axis.clone(),
            has_value: plan.has_value(),
        };
        let persistence = Persistence::new(self.setting.patience);
        let cubes = persistence.give(|| self.ask(&work)).await?;
        let mut total = empty();
        for cube in cubes {
            total.merge(cube)?;
        }
        Ok(total)
    }

    /// Gives the work to the cluster and returns the cube of each part.
    async fn ask(&self, work: &Work) -> std::result::Result<Vec<Cube>, Failure> {
        self.reach().await?;
        let answers = self.answers(work).await?;
        answers.report();
        answers.cubes(&Asked {
            axis: &work.axis,
            has_value: &work.has_value,
            parts: &work.parts,
        })
    }

    /// Makes sure that there is a scheduler, and that it has the same token.
    async fn reach(&self) -> std::result::Result<(), Failure> {
        let address = &self.setting.address;
        let endpoint = self.security.endpoint(address);
        let reached = match endpoint {
            Ok(endpoint) => endpoint.connect().await,
            Err(error) => Err(error),
        };
        let Err(error) = reached else {
            return Ok(());
        };
        let cause = innermost(&error);
        if is_of_tls(&error) {
            return Err(Failure::Lasting(not_on_cluster(
                format!("{address} のスケジューラーとはトークンが異なります({cause})"),
                format!("the scheduler at {address} has another token than this program ({cause})"),
            )));
        }
        Err(Failure::Unreached(not_on_cluster(
            format!("スケジューラー {address} に接続できません: {cause}"),
            format!("no scheduler answers at {address}: {cause}"),
        )))
    }

    async fn answers(&self, work: &Work) -> std::result::Result<Answers, Failure> {
        let codec = Codec::new(None);
        let config = SessionConfig::new_with_ballista()
            .with_ballista_override_create_grpc_client_endpoint(self.security.of_client())
            .with_ballista_use_tls(true)
            .with_ballista_shuffle_reader_force_remote_read(true)
            .with_ballista_adaptive_query_planner(false);
        let ballista = BallistaConfig::default();
        let plan = PartialCubes::of_all(Arc::clone(&work.share), &work.parts);
        let stream = execute_physical_plan::<PhysicalPlanNode>(
            format!("https://{}", self.setting.address),
            &ballista,
            Arc::new(plan.map_err(Failure::Lasting)?),
            &codec,
            self.session.clone(),
            config,
        );
        let mut stream = stream.await.map_err(|error| failed(&error))?;
        let mut answers = Answers::default();
        while let Some(rows) = stream.try_next().await.map_err(|error| failed(&error))? {
            answers.take(&rows)?;
        }
        Ok(answers)
    }
}

/// A name that nothing else has.
pub(super) fn fresh_name(of: &str) -> String {
    let number = || RandomState::new().hash_one(of);
    format!("{of}-{:016x}{:016x}", number(), number())
}

/// Work that the cluster did not get done: workers say themselves what they cannot do.
fn failed(error: &datafusion::error::DataFusionError) -> Failure {
    Failure::Passing(not_on_cluster(error.to_string(), error.to_string()))
}

/// The error that lies below all others.
fn innermost<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last
}

/// Whether the other end was there, and its certificate, or what it said in the place of one, was not taken.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        // What an error of a connection holds is not named as its source.
        let held = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let is_tls = |error: &(dyn Error + Send + Sync + 'static)| error.is::<rustls::Error>();
        if error.is::<rustls::Error>() || held.is_some_and(is_tls) {
            return true;
        }
        next = error.source();
    }
    false
}
