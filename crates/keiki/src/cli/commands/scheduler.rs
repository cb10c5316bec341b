//! `keiki scheduler`

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;
use crate::operations::cluster;

/// Run the scheduler of a cluster, which gives work to workers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:50050", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// The file with the cluster's token [default: the environment variable `KEIKI_CLUSTER_TOKEN`]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// After how long a worker that says nothing counts as lost
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    worker_timeout: u64,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let place = cluster::SchedulerPlace {
            listen: self.listen,
            token_file: self.token_file,
            worker_timeout_seconds: self.worker_timeout,
        };
        let language = session.language();
        let ready = |said: keiki_model::text::Text| session.line(said.get(language));
        cluster::schedule(place, ready).await?;
        Ok(Exit::Fine)
    }
}
