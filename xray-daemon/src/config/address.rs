//! Addresses to bind, as Go takes them: `127.0.0.1:2000`, `:2000`, `[::]:2000`, `localhost:2000`.
//!
//! In: text. Out: a socket address. Owns nothing. Names are looked up, once, at start.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

/// What an option of this kind takes.
pub(super) const RULE: &str = "it takes host:port, such as 127.0.0.1:2000, :2000 or [::]:2000";

/// Reads an address; without a host it is all addresses of the machine.
pub(super) fn parse(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix(':') {
        return Some(every_address(port.parse().ok()?));
    }
    let found: Vec<_> = text.to_socket_addrs().ok()?.collect();
    found.iter().find(|address| address.is_ipv4()).or(found.first()).copied()
}

/// `[::]`, which takes IPv4 as well, or `0.0.0.0` on a machine without IPv6.
fn every_address(port: u16) -> SocketAddr {
    let has_ipv6 = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok();
    if has_ipv6 {
        (Ipv6Addr::UNSPECIFIED, port).into()
    } else {
        (Ipv4Addr::UNSPECIFIED, port).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_go_reads_them() {
        assert_eq!(parse("127.0.0.1:2000"), Some(([127, 0, 0, 1], 2000).into()));
        assert_eq!(parse("0.0.0.0:0"), Some(([0, 0, 0, 0], 0).into()));
        assert_eq!(parse("[::1]:2000"), Some((Ipv6Addr::LOCALHOST, 2000).into()));
        assert_eq!(parse("localhost:2000"), Some(([127, 0, 0, 1], 2000).into()));
        let every = parse(":2000").unwrap();
        assert!(every.ip().is_unspecified() && every.port() == 2000);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "2000", "127.0.0.1", "127.0.0.1:99999", ":x", "[::1:2000"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
