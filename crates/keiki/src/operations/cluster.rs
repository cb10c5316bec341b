//! Runs the processes of a cluster: its scheduler and its workers.

use std::net::SocketAddr;
use std::path::PathBuf;

use keiki_model::text::Text;

use crate::error::{Error, Result};

/// Where a scheduler is to run.
#[derive(Debug, Clone)]
pub struct SchedulerPlace {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The file with the cluster's token; `None` = it is in the environment.
    pub token_file: Option<PathBuf>,
    /// After how many seconds a worker that says nothing counts as lost.
    pub worker_timeout_seconds: u64,
}

/// Where a worker is to run.
#[derive(Debug, Clone)]
pub struct WorkerPlace {
    /// Host and port of the scheduler.
    pub scheduler: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Under which name others reach it; `None` = the address where it listens.
    pub host: Option<String>,
    /// Its name in reports; `None` = host and port.
    pub name: Option<String>,
    /// The file with the cluster's token; `None` = it is in the environment.
    pub token_file: Option<PathBuf>,
    /// How many parts it computes at a time; `None` = as many as there are processors.
    pub threads: Option<usize>,
    /// How much of a journal on an object store it keeps on disk.
    pub cache_bytes: u64,
}

/// Runs a scheduler until it is stopped.
///
/// # Errors
/// There is no token, or it cannot listen.
pub async fn schedule(place: SchedulerPlace, ready: impl FnOnce(Text)) -> Result<()> {
    #[cfg(feature = "cluster")]
    return running::schedule(place, ready).await;
    #[cfg(not(feature = "cluster"))]
    {
        drop((place, ready));
        std::future::ready(Err(not_built())).await
    }
}

/// Runs a worker until it is stopped.
///
/// # Errors
/// There is no token or no scheduler, or it cannot listen.
pub async fn work(place: WorkerPlace, ready: impl FnOnce(Text)) -> Result<()> {
    #[cfg(feature = "cluster")]
    return running::work(place, ready).await;
    #[cfg(not(feature = "cluster"))]
    {
        drop((place, ready));
        std::future::ready(Err(not_built())).await
    }
}

#[cfg(not(feature = "cluster"))]
fn not_built() -> Error {
    Error::user(
        Text::new(
            "このプログラムはクラスターを使えるようにビルドされていません",
            "this program was built without clusters",
        ),
        Text::new(
            "`cargo build --features cluster` でビルドしたものを使ってください",
            "use one that was built with `cargo build --features cluster`",
        ),
    )
}

#[cfg(feature = "cluster")]
mod running {
    use std::path::Path;
    use std::time::Duration;

    use keiki_engine::cluster::{
        SchedulerSetting, Token, WorkerSetting, run_scheduler, run_worker,
    };
    use keiki_ingest::live::{SecretReference, Vault};
    use keiki_store::Reading;

    use super::{Error, PathBuf, Result, SchedulerPlace, Text, WorkerPlace};
    use crate::config::settings::TOKEN_VARIABLE;
    use crate::environment::{self, Here};

    fn token(file: Option<PathBuf>) -> Result<Token> {
        let reference = match file {
            Some(file) => SecretReference::File(file.to_string_lossy().into_owned()),
            None => SecretReference::Environment(TOKEN_VARIABLE.to_owned()),
        };
        let folder = environment::current_folder().map_err(Error::file(Path::new(".")))?;
        let opened = Vault::new(&Here, &folder).open(&reference)?;
        Ok(Token::new(opened.expose())?)
    }

    pub(super) async fn schedule(place: SchedulerPlace, ready: impl FnOnce(Text)) -> Result<()> {
        let setting = SchedulerSetting {
            listen: place.listen,
            token: token(place.token_file)?,
            worker_timeout: Duration::from_secs(place.worker_timeout_seconds),
        };
        let ready = |address| {
            ready(Text::new(
                format!("ballista://{address} で待ち受けています。Ctrl-C で終了します"),
                format!("listening on ballista://{address}; Ctrl-C stops it"),
            ));
        };
        Ok(run_scheduler(setting, ready, environment::stopped()).await?)
    }

    pub(super) async fn work(place: WorkerPlace, ready: impl FnOnce(Text)) -> Result<()> {
        let scheduler = place.scheduler.rsplit_once(':');
        let scheduler = scheduler.and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (scheduler_host, scheduler_port) = scheduler.ok_or_else(|| {
            Error::user(
                Text::new(
                    format!("スケジューラーの場所として読めません: {}", place.scheduler),
                    format!("not the address of a scheduler: {}", place.scheduler),
                ),
                Text::new(
                    "ホスト名:ポート の形で書いてください(例: scheduler:50050)",
                    "write it as host:port, such as scheduler:50050",
                ),
            )
        })?;
        let folder = tempfile::tempdir().map_err(Error::file(Path::new(".")))?;
        let threads = place.threads.filter(|count| *count > 0);
        let threads = threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
        let setting = WorkerSetting {
            scheduler_host: scheduler_host.to_owned(),
            scheduler_port,
            listen: place.listen,
            host: place.host,
            token: token(place.token_file)?,
            threads: threads.unwrap_or(1),
            folder: folder.path().join("work"),
            reading: Reading {
                folder: Some(folder.path().join("objects")),
                cache_bytes: place.cache_bytes,
                ..Reading::default()
            },
            name: place.name,
        };
        std::fs::create_dir_all(&setting.folder).map_err(Error::file(&setting.folder))?;
        let scheduler = &place.scheduler;
        let ready = |address| {
            ready(Text::new(
                format!(
                    "スケジューラー {scheduler} の仕事を {address} で行います。Ctrl-C で終了します"
                ),
                format!("working for the scheduler {scheduler} on {address}; Ctrl-C stops it"),
            ));
        };
        Ok(run_worker(setting, ready).await?)
    }
}
