//! Finds the daemon's addresses by name, again and again, on a thread of its own.
//!
//! In: a host and a port. Out: their addresses, each time they are asked for anew. Owns at most one
//! short-lived thread: a name server that hangs holds up nobody. An IP address is its own answer.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use super::Endpoint;

/// How long an answer is good for. A Service that moves is followed within this time.
pub(crate) const RESOLVE_EVERY: Duration = Duration::from_secs(30);
/// How long after a failure until the next try.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Most addresses of one name that are kept.
const MAX_ADDRESSES: usize = 16;

/// Looks a host and port up; blocks.
pub(crate) type Lookup = Arc<dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

type Answer = io::Result<Vec<SocketAddr>>;

pub(crate) struct Resolver {
    endpoint: Endpoint,
    lookup: Lookup,
    every: Duration,
    /// The lookup under way, and when it began.
    pending: Option<(Receiver<Answer>, Instant)>,
    /// Next lookup; `None` never again.
    due: Option<Instant>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// What [`Resolver::poll`] found out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// The addresses, at least one.
    Addresses(Vec<SocketAddr>),
    /// The name has no address, for this reason.
    Failed(String),
}

impl Resolver {
    pub(crate) fn new(endpoint: Endpoint, now: Instant) -> Self {
        let lookup: Lookup = Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect()));
        Self::with_lookup(endpoint, lookup, RESOLVE_EVERY, now)
    }

    pub(crate) fn with_lookup(
        endpoint: Endpoint,
        lookup: Lookup,
        every: Duration,
        now: Instant,
    ) -> Self {
        Self { endpoint, lookup, every, pending: None, due: Some(now) }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// When the lookup under way began.
    pub(crate) fn pending_since(&self) -> Option<Instant> {
        self.pending.as_ref().map(|(_, since)| *since)
    }

    /// Starts a lookup if one is due, and gives out the answer once it is there.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Resolved> {
        if let Ok(ip) = self.endpoint.host.parse::<IpAddr>() {
            self.due.take()?;
            return Some(Resolved::Addresses(vec![SocketAddr::new(ip, self.endpoint.port)]));
        }
        let answer = match &self.pending {
            Some((answer, _)) => match answer.try_recv() {
                Ok(answer) => answer,
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => Err(io::Error::other("the lookup ended early")),
            },
            None if self.due.is_some_and(|due| due <= now) => self.start(now).err().map(Err)?,
            None => return None,
        };
        self.pending = None;
        let (resolved, after) = match answer {
            Ok(addresses) if addresses.is_empty() => {
                (Resolved::Failed("it has no address".to_owned()), RETRY_AFTER)
            }
            Ok(mut addresses) => {
                addresses.truncate(MAX_ADDRESSES);
                (Resolved::Addresses(addresses), self.every)
            }
            Err(error) => (Resolved::Failed(error.to_string()), RETRY_AFTER),
        };
        self.due = Some(now + after);
        Some(resolved)
    }

    fn start(&mut self, now: Instant) -> io::Result<()> {
        let (sender, answer) = mpsc::sync_channel(1);
        let (lookup, endpoint) = (Arc::clone(&self.lookup), self.endpoint.clone());
        thread::Builder::new().name("xray-resolver".to_owned()).spawn(move || {
            // Nobody may want the answer any more.
            drop(sender.send(lookup(&endpoint.host, endpoint.port)));
        })?;
        self.pending = Some((answer, now));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: &str) -> Endpoint {
        Endpoint { host: host.to_owned(), port: 2000 }
    }

    /// Polls until the lookup under way has its answer.
    fn answer(resolver: &mut Resolver, now: Instant) -> Resolved {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(resolved) = resolver.poll(now) {
                return resolved;
            }
            assert!(Instant::now() < until, "no answer");
            thread::yield_now();
        }
    }

    #[test]
    fn an_ip_address_is_its_own_answer_once() {
        let now = Instant::now();
        let mut resolver = Resolver::new(endpoint("::1"), now);
        let address = "[::1]:2000".parse().unwrap();
        assert_eq!(resolver.poll(now), Some(Resolved::Addresses(vec![address])));
        assert_eq!(resolver.poll(now + RESOLVE_EVERY * 2), None);
    }

    #[test]
    fn a_name_is_looked_up_again_when_its_answer_is_old() {
        let now = Instant::now();
        let lookup: Lookup = Arc::new(|host, port| {
            assert_eq!((host, port), ("xray", 2000));
            Ok(vec![SocketAddr::from(([10, 0, 0, 1], port))])
        });
        let mut resolver = Resolver::with_lookup(endpoint("xray"), lookup, RESOLVE_EVERY, now);
        let expected = Resolved::Addresses(vec![SocketAddr::from(([10, 0, 0, 1], 2000))]);
        assert_eq!(answer(&mut resolver, now), expected);
        assert_eq!(resolver.poll(now + RESOLVE_EVERY - Duration::from_millis(1)), None);
        assert_eq!(resolver.pending_since(), None);
        assert_eq!(answer(&mut resolver, now + RESOLVE_EVERY), expected);
    }

    #[test]
    fn a_failure_is_tried_again_after_a_second() {
        let now = Instant::now();
        let lookup: Lookup = Arc::new(|_, _| Err(io::Error::other("no such host")));
        let mut resolver = Resolver::with_lookup(endpoint("nowhere"), lookup, RESOLVE_EVERY, now);
        assert_eq!(answer(&mut resolver, now), Resolved::Failed("no such host".to_owned()));
        assert_eq!(resolver.poll(now + RETRY_AFTER / 2), None);
        assert_eq!(resolver.pending_since(), None);
        let failed = answer(&mut resolver, now + RETRY_AFTER);
        assert_eq!(failed, Resolved::Failed("no such host".to_owned()));
    }
}
