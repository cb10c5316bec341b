//! The scheduler of a cluster: Ballista's own, behind certificates that only the token gives.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::create_scheduler;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::asking::{ALIVE_INTERVAL, ALIVE_TIMEOUT};
use super::attended::{Attended, Names};
use super::codec::Codec;
use super::security::{Security, Token};
use super::share::not_on_cluster;
use crate::error::{EngineError, Result};

/// The size of a message at most: what a worker is told names every file.
pub(super) const MESSAGE_BYTES: usize = 64 << 20;

/// How often it is looked for workers that no longer answer.
const LOOKING_SECONDS: u64 = 2;

/// How a scheduler runs.
#[derive(Debug, Clone)]
pub struct SchedulerSetting {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The secret of the cluster.
    pub token: Token,
    /// After how long a worker that says nothing counts as lost, and its work is given to others.
    pub worker_timeout: Duration,
}

pub(super) fn failed(error: impl std::fmt::Display) -> EngineError {
    not_on_cluster(error.to_string(), error.to_string())
}

/// Runs a scheduler until `stopped`; `ready` is told where it listens once it does.
///
/// # Errors
/// It cannot listen, or stops by itself.
pub async fn run_scheduler(
    setting: SchedulerSetting,
    ready: impl FnOnce(SocketAddr),
    stopped: impl Future<Output = ()>,
) -> Result<()> {
    let security = Security::new(&setting.token)?;
    let incoming = TcpIncoming::bind(setting.listen).map_err(failed)?;
    let incoming = incoming.with_nodelay(Some(true));
    let address = incoming.local_addr().map_err(failed)?;
    let config = SchedulerConfig {
        external_host: address.ip().to_string(),
        bind_host: address.ip().to_string(),
        bind_port: address.port(),
        // Workers come for their work, so that nobody needs to reach them but who fetches an answer.
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        executor_timeout_seconds: setting.worker_timeout.as_secs().max(1),
        expire_dead_executor_interval_seconds: LOOKING_SECONDS,
        no_executors_grace_period_seconds: setting.worker_timeout.as_secs().max(1),
        override_physical_codec: Some(Arc::new(Codec::new(None))),
        override_create_grpc_client_endpoint: Some(security.of_client()),
        use_tls: true,
        job_id_generator: Some(Arc::new(Names)),
        ..SchedulerConfig::default()
    };
    let cluster = BallistaCluster::new_from_config(&config).await;
    let cluster = cluster.map_err(failed)?;
    let scheduler = create_scheduler(cluster, config.into()).await;
    let scheduler = SchedulerGrpcServer::new(Attended::new(scheduler.map_err(failed)?))
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    let mut server = Server::builder()
        .tls_config(security.of_server())
        .map_err(failed)?
        .http2_keepalive_interval(Some(ALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(ALIVE_TIMEOUT));
    ready(address);
    let serving = server.add_service(scheduler);
    let served = serving
        .serve_with_incoming_shutdown(incoming, stopped)
        .await;
    served.map_err(failed)
}
