//! Sends documents to the daemon by UDP, and notices when nobody is there.
//!
//! In: documents. Out: datagrams, header line and document. Owns one connected socket, opened anew
//! when the daemon's name leads elsewhere. A plain send to a closed port succeeds; a connected
//! socket is told by ICMP, and reports it at its next call. Rule for the header line: X-Ray
//! developer guide, "Sending segment documents".

use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tracing::{info, warn};

use super::resolver::{Resolved, Resolver};
use super::{Counters, Endpoint};
use crate::document::limits::{
    DATAGRAM_HEADER as HEADER, MAX_DATAGRAM_DOCUMENT_BYTES as MAX_DOCUMENT_BYTES,
};

/// How long documents are kept for the answer to a lookup, if there is an address to fall back on…
const LOOKUP_PATIENCE: Duration = Duration::from_millis(100);
/// … and if there is none.
const FIRST_LOOKUP_PATIENCE: Duration = Duration::from_secs(30);
/// Least time between two warnings that nobody listens.
const WARN_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct UdpOutput {
    resolver: Resolver,
    created: Instant,
    /// What the name led to last, and the socket to one of them.
    addresses: Vec<SocketAddr>,
    target: Option<Target>,
    reach: Reach,
    warned: Option<Instant>,
}

#[derive(Debug)]
struct Target {
    socket: Socket,
    address: SocketAddr,
}

/// What the last document met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Unknown,
    Sent,
    Refused,
}

impl UdpOutput {
    pub(crate) fn new(endpoint: Endpoint, now: Instant) -> Self {
        Self::with_resolver(Resolver::new(endpoint, now), now)
    }

    fn with_resolver(resolver: Resolver, now: Instant) -> Self {
        Self {
            resolver,
            created: now,
            addresses: Vec::new(),
            target: None,
            reach: Reach::Unknown,
            warned: None,
        }
    }

    /// Follows the name; false while an answer is worth waiting for.
    pub(crate) fn is_ready(&mut self, now: Instant) -> bool {
        match self.resolver.poll(now) {
            Some(Resolved::Addresses(addresses)) => self.follow(addresses),
            Some(Resolved::Failed(reason)) => self.warn_unresolved(now, &reason),
            None => {}
        }
        if self.target.is_none() {
            return now.duration_since(self.created) >= FIRST_LOOKUP_PATIENCE;
        }
        let pending = self.resolver.pending_since();
        pending.is_none_or(|since| now.duration_since(since) >= LOOKUP_PATIENCE)
    }

    /// Sends one document, and counts it as sent or by the reason it is not.
    pub(crate) fn send(&mut self, document: &[u8], counters: &Counters) {
        if document.len() > MAX_DOCUMENT_BYTES {
            counters.dropped_too_large.add(1);
            return;
        }
        // One try for every address of the name.
        for _ in 0..self.addresses.len().max(1) {
            let Some(target) = &self.target else { break };
            match target.send(document, counters) {
                Ok(()) => {
                    counters.documents_sent.add(1);
                    return self.reached(Reach::Sent);
                }
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => self.try_next(),
                Err(error) if is_too_large(&error) => {
                    counters.dropped_too_large.add(1);
                    return;
                }
                Err(_) => {
                    counters.dropped_send_failed.add(1);
                    return;
                }
            }
        }
        counters.dropped_unreachable.add(1);
        self.reached(Reach::Refused);
    }

    /// Keeps the socket if its address is still among `addresses`, else opens the first.
    fn follow(&mut self, addresses: Vec<SocketAddr>) {
        let kept = self.target.as_ref().is_some_and(|to| addresses.contains(&to.address));
        self.addresses = addresses;
        if !kept {
            self.target = self.addresses.iter().find_map(|address| Target::open(*address).ok());
        }
    }

    fn try_next(&mut self) {
        let Some(current) = self.target.as_ref().map(|target| target.address) else { return };
        let at = self.addresses.iter().position(|address| *address == current).unwrap_or(0);
        let others = self.addresses.iter().cycle().skip(at + 1).take(self.addresses.len());
        if let Some(next) = others.copied().find_map(|address| Target::open(address).ok()) {
            self.target = Some(next);
        }
    }

    /// Tells people when it changes whether somebody listens.
    fn reached(&mut self, reach: Reach) {
        if reach == self.reach {
            return;
        }
        let now = Instant::now();
        let daemon = self.resolver.endpoint();
        if reach == Reach::Refused && self.may_warn(now) {
            warn!(%daemon, "no X-Ray daemon listens there, documents are lost; start xray-daemon, or set AWS_XRAY_DAEMON_ADDRESS");
            self.warned = Some(now);
        } else if reach == Reach::Sent && self.reach == Reach::Refused {
            info!(%daemon, "the X-Ray daemon takes documents again");
        }
        self.reach = reach;
    }

    fn warn_unresolved(&mut self, now: Instant, reason: &str) {
        if self.target.is_none() && self.may_warn(now) {
            let daemon = self.resolver.endpoint();
            warn!(%daemon, reason, "the X-Ray daemon's name cannot be resolved; set AWS_XRAY_DAEMON_ADDRESS");
            self.warned = Some(now);
        }
    }

    fn may_warn(&self, now: Instant) -> bool {
        self.warned.is_none_or(|last| now.duration_since(last) >= WARN_EVERY)
    }
}

impl Target {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.connect(&address.into())?;
        Ok(Self { socket, address })
    }

    /// Sends header and document. An error that an earlier datagram left behind is counted to that
    /// one.
    fn send(&self, document: &[u8], counters: &Counters) -> io::Result<()> {
        let parts = [IoSlice::new(HEADER), IoSlice::new(document)];
        match self.socket.send_vectored(&parts) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                counters.documents_sent.take_back(1);
                counters.dropped_unreachable.add(1);
                self.socket.send_vectored(&parts)?;
            }
            Err(error) => return Err(error),
        }
        // On the same machine the answer is there already.
        self.socket.take_error()?.map_or(Ok(()), Err)
    }
}

fn is_too_large(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMSGSIZE)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::sync::{Arc, Mutex};
    use std::thread;

    use super::super::Stats;
    use super::super::resolver::Lookup;
    use super::*;

    const DOCUMENT: &[u8] = br#"{"name":"cart"}"#;

    fn receiver(address: &str) -> UdpSocket {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket
    }

    fn received(socket: &UdpSocket) -> Vec<u8> {
        let mut datagram = vec![0; 70_000];
        let bytes = socket.recv(&mut datagram).unwrap();
        datagram.truncate(bytes);
        datagram
    }

    fn output_to(address: SocketAddr) -> UdpOutput {
        let endpoint = Endpoint { host: address.ip().to_string(), port: address.port() };
        let mut output = UdpOutput::new(endpoint, Instant::now());
        assert!(output.is_ready(Instant::now()));
        output
    }

    /// A loopback port where nobody listens.
    fn closed_port() -> SocketAddr {
        UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[test]
    fn a_document_travels_behind_the_header_line() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let (daemon, counters) = (receiver(address), Counters::default());
            output_to(daemon.local_addr().unwrap()).send(DOCUMENT, &counters);
            assert_eq!(
                received(&daemon),
                b"{\"format\":\"json\",\"version\":1}\n{\"name\":\"cart\"}"
            );
            assert_eq!(counters.snapshot(), Stats { documents_sent: 1, ..Stats::default() });
        }
    }

    #[test]
    fn documents_to_a_closed_port_are_counted_as_unreachable() {
        let counters = Counters::default();
        let mut output = output_to(closed_port());
        for _ in 0..3 {
            output.send(DOCUMENT, &counters);
        }
        assert_eq!(counters.snapshot(), Stats { dropped_unreachable: 3, ..Stats::default() });
    }

    #[test]
    fn a_daemon_that_comes_late_is_reached() {
        let (address, counters) = (closed_port(), Counters::default());
        let mut output = output_to(address);
        output.send(DOCUMENT, &counters);
        let daemon = receiver(&address.to_string());
        output.send(DOCUMENT, &counters);
        assert_eq!(received(&daemon).len(), HEADER.len() + DOCUMENT.len());
        let expected = Stats { dropped_unreachable: 1, documents_sent: 1, ..Stats::default() };
        assert_eq!(counters.snapshot(), expected);
    }

    #[test]
    fn the_largest_document_is_sent_and_a_larger_one_counted() {
        let (daemon, counters) = (receiver("127.0.0.1:0"), Counters::default());
        let mut output = output_to(daemon.local_addr().unwrap());
        output.send(&vec![b'x'; MAX_DOCUMENT_BYTES + 1], &counters);
        output.send(&vec![b'x'; MAX_DOCUMENT_BYTES], &counters);
        assert_eq!(received(&daemon).len(), 65_507);
        let expected = Stats { dropped_too_large: 1, documents_sent: 1, ..Stats::default() };
        assert_eq!(counters.snapshot(), expected);
    }

    /// An output whose name leads to what `addresses` holds at the time.
    fn named(addresses: &Arc<Mutex<Vec<SocketAddr>>>, every: Duration) -> UdpOutput {
        let addresses = Arc::clone(addresses);
        let lookup: Lookup = Arc::new(move |_, _| Ok(addresses.lock().unwrap().clone()));
        let endpoint = Endpoint { host: "xray-service".to_owned(), port: 2000 };
        let now = Instant::now();
        let resolver = Resolver::with_lookup(endpoint, lookup, every, now);
        UdpOutput::with_resolver(resolver, now)
    }

    fn wait_until_ready(output: &mut UdpOutput) {
        let until = Instant::now() + Duration::from_secs(20);
        while !output.is_ready(Instant::now()) {
            assert!(Instant::now() < until, "never ready");
            thread::yield_now();
        }
    }

    #[test]
    fn a_service_that_moves_is_followed() {
        let (old, new) = (receiver("127.0.0.1:0"), receiver("127.0.0.1:0"));
        let addresses = Arc::new(Mutex::new(vec![old.local_addr().unwrap()]));
        let mut output = named(&addresses, Duration::from_millis(1));
        let counters = Counters::default();
        wait_until_ready(&mut output);
        output.send(DOCUMENT, &counters);
        assert_eq!(received(&old).len(), HEADER.len() + DOCUMENT.len());

        *addresses.lock().unwrap() = vec![new.local_addr().unwrap()];
        let until = Instant::now() + Duration::from_secs(20);
        while output.target.as_ref().map(|to| to.address) != new.local_addr().ok() {
            assert!(Instant::now() < until, "not followed");
            output.is_ready(Instant::now());
            thread::yield_now();
        }
        output.send(DOCUMENT, &counters);
        assert_eq!(received(&new).len(), HEADER.len() + DOCUMENT.len());
        assert_eq!(counters.snapshot(), Stats { documents_sent: 2, ..Stats::default() });
    }

    #[test]
    fn a_name_with_several_addresses_leads_to_the_one_that_listens() {
        let daemon = receiver("127.0.0.1:0");
        let both = vec![closed_port(), daemon.local_addr().unwrap()];
        let mut output = named(&Arc::new(Mutex::new(both)), Duration::from_secs(30));
        let counters = Counters::default();
        wait_until_ready(&mut output);
        output.send(DOCUMENT, &counters);
        assert_eq!(received(&daemon).len(), HEADER.len() + DOCUMENT.len());
        assert_eq!(counters.snapshot(), Stats { documents_sent: 1, ..Stats::default() });
    }

    #[test]
    fn a_name_without_address_keeps_documents_for_a_while_then_loses_them_counted() {
        let mut output = named(&Arc::new(Mutex::new(Vec::new())), Duration::from_secs(30));
        let start = Instant::now();
        assert!(!output.is_ready(start));
        assert!(!output.is_ready(start + FIRST_LOOKUP_PATIENCE / 2));
        assert!(output.is_ready(start + FIRST_LOOKUP_PATIENCE));
        let counters = Counters::default();
        output.send(DOCUMENT, &counters);
        assert_eq!(counters.snapshot(), Stats { dropped_unreachable: 1, ..Stats::default() });
    }
}
