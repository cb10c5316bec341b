//! The secret that the processes of a cluster share, and the certificates that come of it.
//!
//! From the token each process makes the key of one and the same certificate authority, and with it a certificate of its own. Both
//! ends of a connection take no certificate of any other authority. So who does not know the token neither gets in nor is
//! believed, and there are no files of keys to hand round.

use std::sync::Arc;

use ballista_core::extension::EndpointOverrideFn;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use sha2::{Digest, Sha256};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, ServerTlsConfig};

use super::share::not_on_cluster;
use crate::error::{EngineError, Result};

/// The fewest characters of a token.
const TOKEN_LENGTH: usize = 32;

/// The name in all certificates, whatever the machine is called.
const NAME: &str = "keiki-cluster";

/// What stands before the seed of an Ed25519 key in PKCS #8. *Source*: RFC 8410, section 7.
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The secret of a cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// Takes a token.
    ///
    /// # Errors
    /// It is too short to be a secret.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.len() >= TOKEN_LENGTH {
            return Ok(Self(text.to_owned()));
        }
        Err(not_on_cluster(
            format!(
                "クラスターのトークンが短すぎます。{TOKEN_LENGTH}文字以上の乱数にしてください(例: openssl rand -hex 32)"
            ),
            format!(
                "the cluster's token is too short; use {TOKEN_LENGTH} random characters or more, e.g. openssl rand -hex 32"
            ),
        ))
    }
}

/// The certificates of a process.
#[derive(Clone)]
pub(super) struct Security {
    authority: String,
    certificate: String,
    key: String,
}

fn failed(error: &rcgen::Error) -> EngineError {
    not_on_cluster(
        format!("証明書を作れません: {error}"),
        format!("a certificate cannot be made: {error}"),
    )
}

impl Security {
    pub(super) fn new(token: &Token) -> Result<Self> {
        // Libraries that ask for none in particular find several; the first that is named stays.
        let _is_named_already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let seed = Sha256::digest(format!("keiki cluster authority\n{}", token.0));
        let key = [&PKCS8[..], &seed[..]].concat();
        let made = || {
            let authority_key = KeyPair::try_from(key)?;
            let mut authority = CertificateParams::new(Vec::new())?;
            authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let name = format!("{NAME} authority");
            authority.distinguished_name.push(DnType::CommonName, name);
            let root = authority.self_signed(&authority_key)?;
            let issuer = Issuer::new(authority, authority_key);
            let own_key = KeyPair::generate()?;
            let own = CertificateParams::new(vec![NAME.to_owned()])?;
            let own = own.signed_by(&own_key, &issuer)?;
            Ok(Self {
                authority: root.pem(),
                certificate: own.pem(),
                key: own_key.serialize_pem(),
            })
        };
        made().map_err(|error| failed(&error))
    }

    fn identity(&self) -> Identity {
        Identity::from_pem(&self.certificate, &self.key)
    }

    /// How a server proves itself, and whom it lets in.
    pub(super) fn of_server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(self.identity())
            .client_ca_root(Certificate::from_pem(&self.authority))
    }

    /// How connections are made.
    pub(super) fn of_client(&self) -> EndpointOverrideFn {
        let security = self.clone();
        Arc::new(move |endpoint| Ok(security.secured(&endpoint)?))
    }

    fn secured(
        &self,
        endpoint: &Endpoint,
    ) -> std::result::Result<Endpoint, tonic::transport::Error> {
        let authority = endpoint.uri().authority();
        self.endpoint(authority.map_or("", |authority| authority.as_str()))
    }

    /// The other end of a connection, by its host and port.
    pub(super) fn endpoint(
        &self,
        authority: &str,
    ) -> std::result::Result<Endpoint, tonic::transport::Error> {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.authority))
            .identity(self.identity())
            .domain_name(NAME);
        let endpoint = Endpoint::from_shared(format!("https://{authority}"))?
            .connect_timeout(super::asking::CONNECTING)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(super::asking::ALIVE_INTERVAL)
            .keep_alive_timeout(super::asking::ALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        endpoint.tls_config(tls)
    }
}
