//! Free ports for processes that must be told theirs.
//!
//! Out: a port on 127.0.0.1 that neither TCP nor UDP uses, and that this process hands out once.
//! Ports come from below Linux's ephemeral range (32768 and up), so that an outgoing connection
//! cannot take one between the look and the start.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Handed out so far in this process.
static TAKEN: AtomicU16 = AtomicU16::new(0);

/// A port free on 127.0.0.1 for both TCP and UDP.
///
/// # Panics
/// When none of 12,000 ports is free.
pub fn free_port() -> u16 {
    // Test processes that run side by side begin in different places.
    let start = (process::id() % u32::from(COUNT / 40)) as u16 * 40;
    for _ in 0..COUNT {
        let step = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(step) % COUNT;
        let address = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
    panic!("no free port from {FIRST} to {}; stop what holds them", FIRST + COUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_passed_over() {
        let first = free_port();
        let second = free_port();
        assert_ne!(first, second);
        let _held: Vec<_> = (second + 1..second + 4)
            .map(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)))
            .collect();
        assert!(!(second + 1..second + 4).contains(&free_port()));
    }
}
