//! Binds the UDP port: to a group of sockets where the platform can, else to one.
//!
//! In: an address and how much kernel memory receive buffers may take. Out: the bound sockets.
//! Owns nothing afterwards. The first socket binds alone, without the option to share, so that a
//! port in use is an error; it gets the option afterwards and the others join it.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tracing::debug;

/// Receive buffer that is asked for. The kernel grants less where `net.core.rmem_max` is lower.
const WANTED_BUFFER_BYTES: usize = 4 << 20;

/// How large the group may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupLimits {
    /// Most bytes of all receive buffers together.
    pub(crate) max_buffer_bytes: usize,
    /// Most sockets. Measured: with 64 a full-speed burst of 200,000 is not lost.
    pub(crate) max_sockets: usize,
}

/// Why the UDP address cannot be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Somebody else has the port.
    #[error(
        "UDP address {address} is in use by another process, perhaps another X-Ray daemon; \
         stop that one or give another address with --bind"
    )]
    InUse {
        /// The address.
        address: SocketAddr,
    },
    /// The address is not this machine's, or the port is not ours to take.
    #[error("UDP address {address} cannot be bound; --bind takes an address of this machine")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Sockets on one address; each has a receive buffer of its own.
#[derive(Debug)]
pub(crate) struct SocketGroup {
    pub(super) sockets: Vec<UdpSocket>,
    address: SocketAddr,
    /// Bytes of each receive buffer, as the kernel counts them.
    pub(super) buffer_bytes: usize,
}

impl SocketGroup {
    /// Binds `address`; port 0 takes a free one.
    pub(crate) fn bind(address: SocketAddr, limits: GroupLimits) -> Result<Self, BindError> {
        let first = open(address, Sharing::Alone).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse { address },
            _ => BindError::Refused { address, source },
        })?;
        let bound = first.local_addr();
        let address = bound.map_err(|source| BindError::Refused { address, source })?;
        let buffer_bytes = grow_buffer(&first, limits.max_buffer_bytes);
        let wanted = (limits.max_buffer_bytes / buffer_bytes.max(1)).clamp(1, limits.max_sockets);
        let mut group = Self { sockets: vec![first], address, buffer_bytes };
        if let Err(error) = group.join(wanted) {
            debug!(%error, "no group of sockets on this platform, one socket does");
            group.sockets.truncate(1);
        }
        Ok(group)
    }

    /// The address that was bound.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Number of sockets.
    pub(crate) fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Bytes of all receive buffers together.
    pub(crate) fn total_buffer_bytes(&self) -> usize {
        self.buffer_bytes * self.sockets.len()
    }

    /// Adds sockets until there are `wanted`, and spreads datagrams over all of them.
    #[cfg(target_os = "linux")]
    fn join(&mut self, wanted: usize) -> io::Result<()> {
        let [first] = self.sockets.as_slice() else { return Ok(()) };
        if wanted < 2 {
            return Ok(());
        }
        SockRef::from(first).set_reuse_port(true)?;
        while self.sockets.len() < wanted {
            let socket = match open(self.address, Sharing::Shared) {
                Ok(socket) => socket,
                // Few files allowed: a smaller group is one too.
                Err(_) if self.sockets.len() > 1 => break,
                Err(error) => return Err(error),
            };
            grow_buffer(&socket, self.buffer_bytes);
            self.sockets.push(socket);
        }
        // From now on a socket that closes would take its share along, so none does until the end.
        let sockets = u32::try_from(self.sockets.len()).unwrap_or(1);
        match self.sockets.first() {
            Some(first) => super::sys::choose_socket_at_random(first, sockets),
            None => Ok(()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn join(&mut self, _wanted: usize) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Sharing {
    Alone,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "groups are for Linux"))]
    Shared,
}

fn open(address: SocketAddr, sharing: Sharing) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // As the reference: `[::]` is for IPv4 as well.
        socket.set_only_v6(false)?;
    }
    #[cfg(target_os = "linux")]
    if sharing == Sharing::Shared {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Asks for a large receive buffer; returns what there is, as the kernel counts it (twice what was
/// asked for, since its own book-keeping counts as well).
fn grow_buffer(socket: &UdpSocket, max_bytes: usize) -> usize {
    let socket = SockRef::from(socket);
    let wanted = WANTED_BUFFER_BYTES.min(max_bytes / 2);
    let before = socket.recv_buffer_size().unwrap_or(0);
    if before < 2 * wanted && socket.set_recv_buffer_size(wanted).is_err() {
        return before;
    }
    socket.recv_buffer_size().unwrap_or(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: GroupLimits = GroupLimits { max_buffer_bytes: 32 << 20, max_sockets: 64 };

    fn any_port() -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }

    #[test]
    fn a_port_in_use_is_an_error_that_names_the_way_out() {
        let taken = UdpSocket::bind(any_port()).unwrap();
        let address = taken.local_addr().unwrap();
        let error = SocketGroup::bind(address, LIMITS).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "UDP address {address} is in use by another process, perhaps another X-Ray \
                 daemon; stop that one or give another address with --bind"
            )
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_second_daemon_cannot_join_the_group_of_the_first() {
        let first = SocketGroup::bind(any_port(), LIMITS).unwrap();
        let second = SocketGroup::bind(first.address(), LIMITS);
        assert!(matches!(second, Err(BindError::InUse { .. })), "{second:?}");
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        let error = SocketGroup::bind(([192, 0, 2, 1], 0).into(), LIMITS).unwrap_err();
        assert!(matches!(error, BindError::Refused { .. }), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn receive_buffers_stay_within_their_share_of_memory() {
        for max_buffer_bytes in [1 << 20, 4 << 20, 32 << 20] {
            let limits = GroupLimits { max_buffer_bytes, max_sockets: 64 };
            let group = SocketGroup::bind(any_port(), limits).unwrap();
            assert!(group.total_buffer_bytes() <= max_buffer_bytes, "{group:?}");
            assert!(group.len() <= 64);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn one_sender_fills_all_sockets() {
        let limits = GroupLimits { max_buffer_bytes: 32 << 20, max_sockets: 4 };
        let group = SocketGroup::bind(any_port(), limits).unwrap();
        assert_eq!(group.len(), 4);
        let sender = UdpSocket::bind(any_port()).unwrap();
        for _ in 0..200 {
            sender.send_to(b"x", group.address()).unwrap();
        }
        for socket in &group.sockets {
            socket.set_nonblocking(true).unwrap();
            let read = std::iter::from_fn(|| socket.recv(&mut [0; 8]).ok()).count();
            // 50 on average; less than 10 comes up once in 10^12 runs.
            assert!(read >= 10, "{read}");
        }
    }
}
