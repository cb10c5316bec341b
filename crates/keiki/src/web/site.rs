//! What all requests share.

use std::sync::Arc;

use axum::http::HeaderValue;

use super::begun::Begun;
use crate::operations::accounts::Registry;
use crate::operations::office::Office;
use crate::operations::openid_connect::Provider;

/// What all requests share.
#[derive(Debug)]
pub(super) struct Site {
    /// The books.
    pub(super) office: Arc<Office>,
    /// The accounts.
    pub(super) registry: Registry,
    /// Who says who somebody is; `None` where the accounts alone do.
    pub(super) provider: Option<Provider>,
    /// What a page may load and where its forms may lead.
    pub(super) policy: HeaderValue,
    /// How it is reached.
    pub(super) way: Way,
    /// What comes to its end whoever waits for it.
    pub(super) begun: Begun,
}

/// The state of the router.
pub(super) type Shared = Arc<Site>;

/// How the server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    /// Whether browsers come by TLS.
    pub(super) transport: Transport,
    /// How many proxies stand before it, whose word for the visitor's address is believed.
    pub(super) proxies: usize,
}

/// Whether browsers come by TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// They do.
    Tls,
    /// They come from this computer alone, in the clear.
    Loopback,
}

impl Way {
    /// The name of the session's cookie. Browsers take a `__Host-` cookie only by TLS, for this host alone and for all of it.
    pub(super) fn cookie(self) -> &'static str {
        match self.transport {
            Transport::Tls => "__Host-keiki",
            Transport::Loopback => "keiki-session",
        }
    }

    /// The name of the cookie that a browser keeps while it is with the provider of sign-ins.
    pub(super) fn openid_cookie(self) -> &'static str {
        match self.transport {
            Transport::Tls => "__Host-keiki-openid",
            Transport::Loopback => "keiki-openid",
        }
    }

    /// The attributes of every cookie.
    pub(super) fn attributes(self) -> &'static str {
        match self.transport {
            Transport::Tls => "Path=/; HttpOnly; SameSite=Lax; Secure",
            Transport::Loopback => "Path=/; HttpOnly; SameSite=Lax",
        }
    }
}
