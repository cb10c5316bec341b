//! TLS to a server that speaks another protocol than HTTP.

use std::path::Path;
use std::sync::Arc;

use keiki_model::text::Text;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::FetchError;

/// Begins TLS on a connection. The server's certificate is checked against the computer's own
/// authorities and those in the file `ca`.
///
/// # Errors
/// The file cannot be read, or the server is not whom it should be.
pub(super) async fn begin(
    stream: TcpStream,
    host: &str,
    ca: Option<&Path>,
    system: &str,
) -> Result<TlsStream<TcpStream>, FetchError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = ca {
        let unusable =
            |e: rustls::pki_types::pem::Error| FetchError::unusable(&path.display().to_string(), e);
        for certificate in CertificateDer::pem_file_iter(path).map_err(unusable)? {
            let certificate = certificate.map_err(unusable)?;
            roots
                .add(certificate)
                .map_err(|e| FetchError::unusable(&path.display().to_string(), e))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| FetchError::unusable(system, e))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|e| FetchError::unusable(system, Text::quoted(format!("{e}: {host}"))))?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|e| FetchError::unreachable(system, e))
}
