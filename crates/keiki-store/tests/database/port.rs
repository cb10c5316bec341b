//! A port for a server that a test starts.

use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::ops::Range;

/// The system gives none of these to whoever asks for any port, so that no client has it by the time its server listens.
const PORTS: Range<u16> = 15_000..32_000;

/// A port of the loopback address that is free.
pub(crate) fn free_port() -> u16 {
    let drawn = || {
        let number = RandomState::new().hash_one(());
        let ports = u64::from(PORTS.end - PORTS.start);
        PORTS.start + u16::try_from(number % ports).expect("it is less than there are ports")
    };
    let mut ports = std::iter::repeat_with(drawn);
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a port is free")
}
