//! `keiki serve`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use keiki_model::text::Text;

use crate::cli::session::Session;
use crate::cli::{Exit, logging};
use crate::environment;
use crate::error::Result;
use crate::web::{HEADER_LIMIT, Options, REQUEST_LIMIT, Schedules, Security, Server};

/// The port on which pages are served where nothing else is said.
const PORT: u16 = 8080;

/// Serve the web pages
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The workspace [default: as with --workspace]
    dir: Option<PathBuf>,
    /// Where to listen; other computers are served by TLS or behind a proxy only
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// The certificate and those above it, as PEM
    #[arg(long, value_name = "PEM", requires = "key")]
    certificate: Option<PathBuf>,
    /// The certificate's key, as PEM
    #[arg(long, value_name = "PEM", requires = "certificate")]
    key: Option<PathBuf>,
    /// So many proxies stand before it, and the outermost speaks TLS
    #[arg(long, value_name = "COUNT", conflicts_with = "certificate")]
    proxies: Option<usize>,
    /// Whether the server reads sources when their schedules say so, or leaves them to `keiki ingest --due`
    #[arg(long, default_value = "read", value_name = "WHO")]
    schedules: Reading,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Reading {
    /// The server reads them
    Read,
    /// It leaves them
    Leave,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        logging::faults();
        let root = match &self.dir {
            Some(dir) => session.load(dir)?.root,
            None => session.workspace()?.root,
        };
        let security = match (self.certificate, self.key, self.proxies) {
            (Some(certificate), Some(key), _) => Security::Tls { certificate, key },
            (_, _, Some(count)) => Security::Proxies(count),
            _ => Security::Loopback,
        };
        let options = Options {
            listen: self.listen,
            security,
            request_limit: REQUEST_LIMIT,
            header_limit: HEADER_LIMIT,
            schedules: match self.schedules {
                Reading::Read => Schedules::Read,
                Reading::Leave => Schedules::Leave,
            },
        };
        run(Server::bind(&root, &options).await?, session).await
    }
}

/// Serves a workspace on this computer, on another port where the usual one is taken.
pub(super) async fn beside(root: &Path, session: &Session) -> Result<Exit> {
    logging::faults();
    let options = |port: u16| Options {
        listen: SocketAddr::from(([127, 0, 0, 1], port)),
        security: Security::Loopback,
        request_limit: REQUEST_LIMIT,
        header_limit: HEADER_LIMIT,
        schedules: Schedules::Read,
    };
    let server = match Server::bind(root, &options(PORT)).await {
        Ok(server) => server,
        Err(_) => Server::bind(root, &options(0)).await?,
    };
    run(server, session).await
}

/// Says where the pages are, and serves them until somebody stops it.
async fn run(server: Server, session: &Session) -> Result<Exit> {
    let url = server.url();
    let said = Text::new(
        format!("{url} で待ち受けています。Ctrl-C で終了します"),
        format!("listening on {url}; Ctrl-C stops it"),
    );
    session.line(said.get(session.language()));
    if let Some(path) = server.first_link().await? {
        let said = Text::new(
            format!("最初の管理者を登録するリンク(24時間有効): {url}{path}"),
            format!("the first administrator signs up here, within 24 hours: {url}{path}"),
        );
        session.line(said.get(session.language()));
    }
    server.run(environment::stopped()).await?;
    Ok(Exit::Fine)
}
