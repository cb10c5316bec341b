//! A worker of a cluster: Ballista's own executor with the operator that computes partial cubes, behind certificates that only the
//! token gives.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::error::BallistaError;
use ballista_core::serde::protobuf::executor_grpc_server::ExecutorGrpcServer;
use ballista_executor::ArrowFlightServerProvider;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::flight_service::BallistaFlightService;
use keiki_store::Reading;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::asking::{ALIVE_INTERVAL, ALIVE_TIMEOUT};
use super::codec::Codec;
use super::computing::Reader;
use super::scheduler::{MESSAGE_BYTES, failed};
use super::security::{Security, Token};
use super::stopping::Stopped;
use crate::error::Result;

/// For how long a scheduler that is not there yet is waited for.
const SCHEDULER_SECONDS: u16 = 60;

/// For how long the cubes of a job are kept at most that nobody fetched.
const CUBES_SECONDS: u64 = 3600;

/// How a worker runs.
#[derive(Debug, Clone)]
pub struct WorkerSetting {
    /// Its name in reports; `None` = host and port.
    pub name: Option<String>,
    /// Host of the scheduler.
    pub scheduler_host: String,
    /// Port of the scheduler.
    pub scheduler_port: u16,
    /// Where it listens; port 0 = any that is free.
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

/// Runs a worker until it is told to stop by a signal; `ready` is told where it listens once it does.
///
/// # Errors
/// There is no scheduler that takes its token, or it cannot listen.
pub async fn run_worker(setting: WorkerSetting, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let security = Security::new(&setting.token)?;
    let folder = setting.folder.to_string_lossy().into_owned();
    let listener = TcpListener::bind(setting.listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let host = setting.host.unwrap_or_else(|| address.ip().to_string());
    let name = setting.name;
    let name = name.unwrap_or_else(|| format!("{host}:{}", address.port()));
    let stopped = Stopped::default();
    let reader = Reader::new(name.clone(), setting.reading, stopped.clone());
    let config = ExecutorProcessConfig {
        executor_id: name,
        bind_host: address.ip().to_string(),
        external_host: Some(host),
        port: address.port(),
        // Who cancels comes to the same door as who fetches.
        grpc_port: address.port(),
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
        override_physical_codec: Some(Arc::new(Codec::new(Some(reader.into())))),
        override_arrow_flight_service: Some(answering(&security, listener, stopped)),
        override_create_grpc_client_endpoint: Some(security.of_client()),
        ..ExecutorProcessConfig::default()
    };
    ready(address);
    start_executor_process(Arc::new(config))
        .await
        .map_err(failed)
}

/// What hands out the cubes and stops tasks, to who has the token.
fn answering(
    security: &Security,
    listener: TcpListener,
    stopped: Stopped,
) -> Arc<ArrowFlightServerProvider> {
    let tls = security.of_server();
    Arc::new(move |folder, _, mut shutdown, _| {
        let (tls, stopped) = (tls.clone(), stopped.clone());
        let incoming = incoming(&listener);
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
                .add_service(ExecutorGrpcServer::new(stopped))
                .serve_with_incoming_shutdown(incoming?, async move { shutdown.recv().await });
            server.await.map_err(BallistaError::TonicError)
        })
    })
}

/// The connections that come to where a worker listens.
fn incoming(listener: &TcpListener) -> std::io::Result<TcpIncoming> {
    let listener = listener.try_clone()?;
    listener.set_nonblocking(true)?;
    let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?);
    Ok(incoming.with_nodelay(Some(true)))
}
