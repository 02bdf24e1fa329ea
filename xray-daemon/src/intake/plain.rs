//! Reads one socket, one datagram a call: where the platform offers nothing better.
//!
//! In: a socket. Out: datagrams to the [`Receiver`]. Owns the socket. It looks for the order to
//! stop ten times a second.

use std::io;
use std::net::UdpSocket;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::receiver::{Datagram, Receiver};
use super::stop::StopReceiver;
use crate::log_limit::LogLimit;
use crate::segment::Segment;

/// Longest wait for a datagram before the order to stop is looked for.
const WAIT: Duration = Duration::from_millis(100);
/// Longest wait for a datagram that the kernel has already.
const DRAIN_WAIT: Duration = Duration::from_millis(1);
/// Longest that the kernel's queue is emptied at the end: senders may go on for ever.
pub(super) const MAX_DRAIN: Duration = Duration::from_secs(2);

/// Reads `socket` until told to stop and its queue is empty.
pub(super) fn read<S: FnMut(&mut Vec<Segment>)>(
    socket: &UdpSocket,
    mut receiver: Receiver<S>,
    stop: &StopReceiver,
) {
    let mut reader = PlainReader { socket, bytes: vec![0; 64 * 1024], errors: LogLimit::new() };
    reader.wait_for(WAIT);
    while !stop.is_stopped() {
        reader.read_one(&mut receiver);
    }
    let linger_until = Instant::now() + stop.linger();
    while Instant::now() < linger_until {
        reader.read_one(&mut receiver);
    }
    reader.wait_for(DRAIN_WAIT);
    let drain_until = Instant::now() + MAX_DRAIN;
    while reader.read_one(&mut receiver) && Instant::now() < drain_until {}
}

struct PlainReader<'a> {
    socket: &'a UdpSocket,
    bytes: Vec<u8>,
    errors: LogLimit,
}

impl PlainReader<'_> {
    fn wait_for(&self, timeout: Duration) {
        if let Err(error) = self.socket.set_read_timeout(Some(timeout)) {
            warn!(%error, "the time-out for reading cannot be set, shutdown may hang");
        }
    }

    /// Reads one datagram; false: there was none.
    fn read_one<S: FnMut(&mut Vec<Segment>)>(&mut self, receiver: &mut Receiver<S>) -> bool {
        match self.socket.recv_from(&mut self.bytes) {
            Ok((size_bytes, sender)) => {
                let bytes = self.bytes.get(..size_bytes).unwrap_or_default();
                receiver.receive(std::iter::once(Datagram { bytes, sender, cut: false }));
                true
            }
            Err(error) => {
                let waited =
                    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                if !waited && self.errors.report(1).is_some() {
                    warn!(%error, "reading from the UDP socket failed");
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::counters::Counters;
    use crate::intake::stop::stop_pair;

    #[test]
    fn datagrams_are_read_one_by_one_until_the_queue_is_empty() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(socket.local_addr().unwrap()).unwrap();
        let send = |document: &str| {
            let datagram = format!("{{\"format\":\"json\",\"version\":1}}\n{document}");
            sender.send(datagram.as_bytes()).unwrap();
        };
        let (taken, documents) = mpsc::channel();
        let counters = Arc::new(Counters::new([]));
        let receiver = Receiver::new(Arc::clone(&counters), move |segments: &mut Vec<Segment>| {
            for segment in segments.drain(..) {
                taken.send(String::from_utf8_lossy(segment.document()).into_owned()).unwrap();
            }
        });
        let (stop, stopped) = stop_pair().unwrap();
        let reading = thread::spawn(move || read(&socket, receiver, &stopped));

        send("first");
        let wait = Duration::from_secs(20);
        assert_eq!(documents.recv_timeout(wait).unwrap(), "first");
        for number in 0..50 {
            send(&number.to_string());
        }
        // What the kernel holds at the order to stop is read all the same.
        stop.stop(Duration::ZERO);
        reading.join().unwrap();
        let rest: Vec<_> = documents.iter().collect();
        assert_eq!(rest, (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!(counters.intake().received(), 51);
    }
}
