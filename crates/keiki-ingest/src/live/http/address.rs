//! Which addresses a source may reach: the public ones, or those of the organisation's own network
//! where its definition says so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::super::error::FetchError;

/// The network in which a system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// The internet; private addresses are refused.
    Public,
    /// The organisation's own, or this computer.
    Internal,
}

impl Network {
    pub(crate) const ALL: [(&'static str, Self); 2] =
        [("public", Self::Public), ("internal", Self::Internal)];

    /// Checks an address that is written as a number; names are checked when they are resolved.
    pub(crate) fn check(self, url: &Url) -> Result<(), FetchError> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return Ok(()),
        };
        if self == Self::Internal || is_public(address) {
            return Ok(());
        }
        Err(FetchError::Address {
            system: url.origin().ascii_serialization(),
            address: address.to_string(),
        })
    }
}

/// Says that a name leads to an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("not a public address: {0}")]
pub(super) struct NotPublic(pub(super) String);

/// Resolves names to public addresses only.
#[derive(Debug)]
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One private address among public ones is how a name is rebound; all of them count.
            if let Some(private) = found.iter().find(|address| !is_public(address.ip())) {
                return Err(NotPublic(private.ip().to_string()).into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// Tells whether an address is one of the internet. *Source*: RFC 6890 and the IANA registries of
/// special-purpose addresses.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(embedded) = address.to_ipv4_mapped() {
        return is_public_v4(embedded);
    }
    let [first, second, ..] = address.segments();
    let is_global = first & 0xe000 == 0x2000;
    // 6to4, Teredo and documentation carry or stand for other addresses.
    is_global && first != 0x2002 && !(first == 0x2001 && (second == 0 || second == 0x0db8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_own_networks_are_not_public_however_they_are_written() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "2002:a00:1::1",
            "64:ff9b::a00:1",
        ];
        for text in private {
            assert!(!is_public(text.parse().expect("an address")), "{text}");
        }
        for text in ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(text.parse().expect("an address")), "{text}");
        }
    }
}
