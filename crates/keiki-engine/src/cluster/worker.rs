//! A worker of a cluster: Ballista's own executor with the operator that computes partial cubes, behind certificates that only the
//! token gives.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::error::BallistaError;
use ballista_executor::ArrowFlightServerProvider;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::flight_service::BallistaFlightService;
use keiki_store::Reading;
use tonic::transport::Server;

use super::asking::{ALIVE_INTERVAL, ALIVE_TIMEOUT};
use super::codec::Codec;
use super::computing::Reader;
use super::scheduler::{MESSAGE_BYTES, failed};
use super::security::{Security, Token};
use crate::error::Result;

/// For how long a scheduler that is not there yet is waited for.
const SCHEDULER_SECONDS: u16 = 60;

/// For how long the cubes of a job are kept at most that nobody fetched.
const CUBES_SECONDS: u64 = 3600;

/// How a worker runs.
#[derive(Debug, Clone)]
pub struct WorkerSetting {
    /// Its name in reports.
    pub name: String,
    /// Host of the scheduler.
    pub scheduler_host: String,
    /// Port of the scheduler.
    pub scheduler_port: u16,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Under which name others reach it; `None` = the address where it listens.
    pub host: Option<String>,
    /// The secret of the cluster.
    pub token: Token,
    /// How many parts it computes at a time.
    pub threads: usize,
    /// The folder for what it has computed until it is fetched.
    pub folder: PathBuf,
    /// How it reads journals on object stores.
    pub reading: Reading,
}

/// Runs a worker until it is told to stop by a signal.
///
/// # Errors
/// There is no scheduler that takes its token, or it cannot listen.
pub async fn run_worker(setting: WorkerSetting) -> Result<()> {
    let security = Security::new(&setting.token)?;
    let folder = setting.folder.to_string_lossy().into_owned();
    let reader = Arc::new(Reader::new(setting.name.clone(), setting.reading));
    let host = setting
        .host
        .unwrap_or_else(|| setting.listen.ip().to_string());
    let config = ExecutorProcessConfig {
        executor_id: setting.name,
        bind_host: setting.listen.ip().to_string(),
        external_host: Some(host),
        port: setting.listen.port(),
        scheduler_host: setting.scheduler_host,
        scheduler_port: setting.scheduler_port,
        scheduler_connect_timeout_seconds: SCHEDULER_SECONDS,
        vcores: setting.threads,
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(folder),
        job_data_ttl_seconds: CUBES_SECONDS,
        job_data_clean_up_interval_seconds: CUBES_SECONDS,
        grpc_max_decoding_message_size: u32::try_from(MESSAGE_BYTES).unwrap_or(u32::MAX),
        grpc_max_encoding_message_size: u32::try_from(MESSAGE_BYTES).unwrap_or(u32::MAX),
        override_physical_codec: Some(Arc::new(Codec::new(Some(reader)))),
        override_arrow_flight_service: Some(answering(&security)),
        override_create_grpc_client_endpoint: Some(security.of_client()),
        ..ExecutorProcessConfig::default()
    };
    start_executor_process(Arc::new(config))
        .await
        .map_err(failed)
}

/// What hands out the cubes, to who has the token.
fn answering(security: &Security) -> Arc<ArrowFlightServerProvider> {
    let tls = security.of_server();
    Arc::new(move |folder, address, mut shutdown, _| {
        let tls = tls.clone();
        tokio::spawn(async move {
            let cubes = FlightServiceServer::new(BallistaFlightService::new(folder))
                .max_decoding_message_size(MESSAGE_BYTES)
                .max_encoding_message_size(MESSAGE_BYTES);
            let server = Server::builder()
                .tls_config(tls)
                .map_err(BallistaError::TonicError)?
                .http2_keepalive_interval(Some(ALIVE_INTERVAL))
                .http2_keepalive_timeout(Some(ALIVE_TIMEOUT))
                .add_service(cubes)
                .serve_with_shutdown(address, async move { shutdown.recv().await });
            server.await.map_err(BallistaError::TonicError)
        })
    })
}
