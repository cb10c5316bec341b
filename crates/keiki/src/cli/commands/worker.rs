//! `keiki worker`

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;
use crate::operations::cluster;

/// Run a worker of a cluster, which reads the journal's files and sends partial sums
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The scheduler
    #[arg(long, value_name = "HOST:PORT")]
    scheduler: String,
    /// Where to listen for those who fetch what it has computed
    #[arg(long, default_value = "127.0.0.1:50051", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Under which name others reach it [default: the address where it listens]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Its name in reports [default: host and port]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The file with the cluster's token [default: the environment variable `KEIKI_CLUSTER_TOKEN`]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How many parts it computes at a time [default: as many as there are processors]
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
    /// How much of a journal on an object store it keeps on disk
    #[arg(long, default_value_t = 1024, value_name = "MIB")]
    cache_mib: u64,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let place = cluster::WorkerPlace {
            scheduler: self.scheduler,
            listen: self.listen,
            host: self.host,
            name: self.name,
            token_file: self.token_file,
            threads: self.threads,
            cache_bytes: self.cache_mib.saturating_mul(1 << 20),
        };
        let language = session.language();
        let ready = |said: keiki_model::text::Text| session.line(said.get(language));
        cluster::work(place, ready).await?;
        Ok(Exit::Fine)
    }
}
