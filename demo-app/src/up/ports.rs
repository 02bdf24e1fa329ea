//! Which ports are free, and what to say of one that is not.
//!
//! The shop's and the console's are promised: taken means an error with the way out. The others may
//! move to a free one, and the table says so, unless `--strict-ports`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use super::holder::{Holder, holder};
use crate::service::listen::IfTaken;

/// A port that somebody else has.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub(super) struct PortTaken {
    what: &'static str,
    address: SocketAddr,
    holder: Option<Holder>,
    /// The arguments that choose another.
    way_out: String,
}

impl PortTaken {
    fn text(&self) -> String {
        let Self { what, address, holder, way_out } = self;
        let held = match holder {
            Some(Holder { pid, name }) => format!(" by {name} (process {pid})"),
            None => format!(
                "; another user's process may hold it, which `ss -ltnp sport = :{}` shows as root",
                address.port()
            ),
        };
        let port = address.port();
        format!("{what} cannot start: port {port} is in use{held}.\nStop that, or {way_out}.")
    }
}

/// Refuses a promised address that is taken; `flag` chooses another.
///
/// # Errors
/// When it is taken.
pub(super) fn promised(
    what: &'static str,
    address: SocketAddr,
    flag: &str,
) -> Result<(), PortTaken> {
    if address.port() == 0 || is_free(address) {
        return Ok(());
    }
    let other = free_near(address);
    let way_out = format!("choose another port: cargo run --release -p demo-app -- {flag} {other}");
    Err(PortTaken { what, address, holder: holder(address.port()), way_out })
}

/// `port` on loopback if TCP, and UDP if `udp` says so, have it free; else 0, for any.
///
/// # Errors
/// When it is taken and must not move.
pub(super) fn movable(
    what: &'static str,
    port: u16,
    udp: Udp,
    if_taken: IfTaken,
) -> Result<SocketAddr, PortTaken> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let free = is_free(address) && (udp == Udp::No || UdpSocket::bind(address).is_ok());
    match if_taken {
        _ if free => Ok(address),
        IfTaken::TakeFree => Ok(SocketAddr::new(address.ip(), 0)),
        IfTaken::Fail => {
            let way_out = "leave out --strict-ports, and a free port is taken".to_owned();
            Err(PortTaken { what, address, holder: holder(port), way_out })
        }
    }
}

/// Whether the UDP port of the same number is needed as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Udp {
    Yes,
    No,
}

fn is_free(address: SocketAddr) -> bool {
    // An address of another machine fails as well, and says so itself when it is bound for good.
    match TcpListener::bind(address) {
        Ok(_) => true,
        Err(err) => err.kind() != std::io::ErrorKind::AddrInUse,
    }
}

/// The next free port above `address`, as an example; 0 if there is none near.
fn free_near(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = address.ip();
    let next = (1..=100).filter_map(|step| address.port().checked_add(step));
    let found = next.map(|port| SocketAddr::new(ip, port)).find(|address| is_free(*address));
    found.unwrap_or(SocketAddr::new(ip, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[test]
    fn a_promised_port_is_named_with_its_holder_and_the_way_out() {
        let (_listener, address) = taken();
        let said = promised("the shop", address, "--shop").unwrap_err().to_string();
        let port = address.port();
        assert!(
            said.starts_with(&format!("the shop cannot start: port {port} is in use")),
            "{said}"
        );
        #[cfg(target_os = "linux")]
        assert!(said.contains(&format!("(process {})", std::process::id())), "{said}");
        assert!(said.contains("-- --shop 127.0.0.1:"), "{said}");
    }

    #[test]
    fn any_other_port_moves_unless_it_must_not() {
        let (_listener, address) = taken();
        let port = address.port();
        let moved = movable("a service", port, Udp::No, IfTaken::TakeFree).unwrap();
        assert_eq!(moved.port(), 0);
        let said = movable("a service", port, Udp::No, IfTaken::Fail).unwrap_err().to_string();
        assert!(said.contains("leave out --strict-ports"), "{said}");
    }

    #[test]
    fn a_port_whose_udp_twin_is_taken_is_not_free() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let moved = movable("the daemon", port, Udp::Yes, IfTaken::TakeFree).unwrap();
        assert_eq!(moved.port(), 0);
    }
}
