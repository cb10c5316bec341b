//! The server: binds an address, puts the layers around the routes, and stops when it is told to, finishing what it has begun.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum_server::tls_rustls::RustlsConfig;
use keiki_model::text::Text;
use tokio::task::JoinSet;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use super::begun::Begun;
use super::site::{Shared, Site, Transport, Way};
use super::{assets, failure, guard, routes, visitor};
use crate::config::Workspace;
use crate::environment;
use crate::error::{Error, Result};
use crate::operations::accounts::Registry;
use crate::operations::ingest::due;
use crate::operations::office::Office;
use crate::operations::openid_connect::Provider;
use crate::operations::programme::Run;
use crate::operations::remind::{self, Sending};

/// How long a request may take, unless something else is said.
pub const REQUEST_LIMIT: Duration = Duration::from_mins(1);
/// How long a client may take to send its headers, unless something else is said.
pub const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// How long requests that have begun may go on when the server stops.
const STOP_SECONDS: u64 = 10;
/// How often the server looks whether somebody is to be told something.
const REMINDING: Duration = Duration::from_hours(1);
/// How often the server looks whether a source is due.
const READING: Duration = Duration::from_mins(1);
/// Who has read what the server reads by itself.
const READER: &str = "keiki serve";
/// The most that a form may send. *Units*: bytes.
pub(super) const FORM_BYTES: usize = 256 << 10;

/// How the server is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How what is sent is kept from others.
    pub security: Security,
    /// How long a request may take, to the last byte of its body and the first of its answer.
    pub request_limit: Duration,
    /// How long a client may take to send its headers.
    pub header_limit: Duration,
    /// Whether sources are read by their schedules.
    pub schedules: Schedules,
}

/// Who reads sources when their schedules say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Schedules {
    /// The server.
    #[default]
    Read,
    /// Somebody else, by `keiki ingest --due`.
    Leave,
}

/// How what is sent is kept from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Security {
    /// Only this computer reaches it.
    Loopback,
    /// By a certificate of its own, with its key.
    Tls {
        /// The certificate and those above it, as PEM.
        certificate: PathBuf,
        /// Its key, as PEM.
        key: PathBuf,
    },
    /// By so many proxies before it, the outermost of which speaks TLS.
    Proxies(usize),
}

/// A server that has its address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    security: Security,
    request_limit: Duration,
    header_limit: Duration,
    schedules: Schedules,
    root: PathBuf,
    site: Shared,
}

impl Server {
    /// Takes the address and opens the workspace.
    ///
    /// # Errors
    /// The address is taken or open to others without TLS, or the workspace cannot be used.
    pub async fn bind(root: &Path, options: &Options) -> Result<Self> {
        if options.security == Security::Loopback && !options.listen.ip().is_loopback() {
            return Err(open_to_others(options.listen));
        }
        let workspace = Workspace::load(root)?;
        let listener = TcpListener::bind(options.listen)
            .map_err(|error| no_address(options.listen, &error))?;
        let address = listener.local_addr().map_err(Error::stopped)?;
        let here = format!("http://{address}");
        let here = (options.security == Security::Loopback).then_some(here.as_str());
        let provider = Provider::open(&workspace, here, environment::now())?;
        let registry = Registry::open(&workspace).await?;
        let office = Box::pin(Office::open(workspace, environment::now())).await?;
        let office = Arc::new(office);
        let way = match options.security {
            Security::Loopback => Way {
                transport: Transport::Loopback,
                proxies: 0,
            },
            Security::Tls { .. } => Way {
                transport: Transport::Tls,
                proxies: 0,
            },
            Security::Proxies(proxies) => Way {
                transport: Transport::Tls,
                proxies,
            },
        };
        Ok(Self {
            listener,
            address,
            security: options.security.clone(),
            request_limit: options.request_limit,
            header_limit: options.header_limit,
            schedules: options.schedules,
            root: root.to_owned(),
            site: Arc::new(Site {
                office,
                registry,
                policy: guard::policy(provider.as_ref()),
                provider,
                way,
                begun: Begun::default(),
            }),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that a browser on this computer opens.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.security {
            Security::Tls { .. } => "https",
            Security::Loopback | Security::Proxies(_) => "http",
        };
        format!("{scheme}://{}", self.address)
    }

    /// The path of the link by which the first administrator signs up; `None` where there are accounts.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn first_link(&self) -> Result<Option<String>> {
        let token = self.site.registry.first_link(environment::now()).await?;
        Ok(token.map(|token| format!("/welcome/{token}")))
    }

    /// Serves until `stop` comes, then finishes what it has begun.
    ///
    /// # Errors
    /// The certificate or its key cannot be used, or the address is lost.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let handle = axum_server::Handle::new();
        let stopping = handle.clone();
        tokio::spawn(async move {
            stop.await;
            stopping.graceful_shutdown(Some(Duration::from_secs(STOP_SECONDS)));
        });
        let (office, begun) = (&self.site.office, self.site.begun.clone());
        let mut by_itself = JoinSet::new();
        by_itself.spawn(measuring(Arc::clone(office)));
        by_itself.spawn(reminding(self.root, begun.clone()));
        if self.schedules == Schedules::Read {
            by_itself.spawn(reading(Arc::clone(office), begun.clone()));
        }
        let service = router(self.site, self.request_limit)
            .into_make_service_with_connect_info::<SocketAddr>();
        let mut server = axum_server::from_tcp(self.listener).map_err(Error::stopped)?;
        server
            .http_builder()
            .http1()
            .header_read_timeout(self.header_limit);
        let server = server.handle(handle);
        let served = match &self.security {
            Security::Tls { certificate, key } => {
                let acceptor =
                    axum_server::tls_rustls::RustlsAcceptor::new(tls(certificate, key).await?);
                server.acceptor(acceptor).serve(service).await
            }
            Security::Loopback | Security::Proxies(_) => server.serve(service).await,
        };
        let rest = Duration::from_secs(STOP_SECONDS);
        let done = tokio::time::timeout(rest, begun.all_done()).await;
        if done.is_err() {
            tracing::warn!("the server stops before all that it has begun is done");
        }
        by_itself.shutdown().await;
        served.map_err(Error::stopped)
    }
}

/// Measures beforehand: at the start, and after what was written, so that no reader waits for it.
async fn measuring(office: Arc<Office>) {
    loop {
        let now = environment::now();
        if let Err(error) = office.warm(now).await {
            tracing::debug!(?error, "nothing was measured beforehand");
        }
        let rest = async {
            if let Err(error) = office.warm_year(now).await {
                tracing::debug!(?error, "the rest of the year was not measured beforehand");
            }
            std::future::pending::<()>().await;
        };
        // What is written meanwhile comes first.
        tokio::select! {
            () = office.written() => {}
            () = rest => {}
        }
    }
}

/// Reads what is due, once a minute as long as the server runs.
async fn reading(office: Arc<Office>, begun: Begun) {
    loop {
        let one = begun.one().await;
        if let Err(error) = read_due(&office).await {
            tracing::error!(cause = ?error, "sources that are due were not read");
        }
        drop(one);
        tokio::time::sleep(READING).await;
    }
}

async fn read_due(office: &Office) -> Result<()> {
    let now = environment::now();
    let workspace = office.workspace(now).await?;
    for outcome in due::read(&workspace, &environment::Here, READER, now).await? {
        if let Err(error) = outcome.result {
            let source = outcome.source;
            tracing::warn!(source, cause = ?error, "a source that is due could not be read");
        }
    }
    Ok(())
}

/// Tells everybody what is new for them, once an hour as long as the server runs.
async fn reminding(root: PathBuf, begun: Begun) {
    loop {
        tokio::time::sleep(REMINDING).await;
        let one = begun.one().await;
        let run = Run::of_nobody(environment::now());
        let told = match Workspace::load(&root) {
            Ok(workspace) => {
                remind::remind(&workspace, &run, &environment::Here, Sending::Send).await
            }
            Err(error) => Err(error),
        };
        let failed = match told {
            Ok(told) => told
                .into_iter()
                .filter_map(|one| one.result.err())
                .collect(),
            Err(error) => vec![error],
        };
        for error in failed {
            tracing::error!(cause = ?error, "a message was not sent");
        }
        drop(one);
    }
}

/// The routes with all that stands around each of them; the outermost layer is last.
fn router(site: Shared, limit: Duration) -> Router {
    routes::router()
        .merge(assets::router())
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(CatchPanicLayer::custom(failure::of_panic))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            limit,
        ))
        .layer(middleware::from_fn(guard::own_origin))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&site),
            visitor::recognise,
        ))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&site),
            guard::headers,
        ))
        .layer(CompressionLayer::new())
        .with_state(site)
}

async fn tls(certificate: &Path, key: &Path) -> Result<RustlsConfig> {
    // Another part of the program may have chosen the same already.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let config = RustlsConfig::from_pem_file(certificate, key).await;
    config.map_err(|error| {
        Error::user(
            Text::new(
                format!("証明書または鍵を使えません: {error}"),
                format!("the certificate or its key cannot be used: {error}"),
            ),
            Text::new(
                "--certificate と --key に、対になるPEMファイルを指定してください",
                "give --certificate and --key two PEM files that belong together",
            ),
        )
    })
}

fn open_to_others(listen: SocketAddr) -> Error {
    Error::user(
        Text::new(
            format!("暗号化せずに他のコンピュータへ公開することはできません: {listen}"),
            format!("not without TLS where others can reach it: {listen}"),
        ),
        Text::new(
            "--certificate と --key を指定するか、TLSを終端するプロキシの背後で --proxies 1 を指定してください",
            "give --certificate and --key, or --proxies 1 behind a proxy that speaks TLS",
        ),
    )
}

fn no_address(listen: SocketAddr, error: &std::io::Error) -> Error {
    Error::user(
        Text::new(
            format!("このアドレスでは待ち受けられません: {listen}: {error}"),
            format!("cannot listen there: {listen}: {error}"),
        ),
        Text::new(
            "--listen で別のアドレスやポートを指定してください",
            "choose another address or port with --listen",
        ),
    )
}
