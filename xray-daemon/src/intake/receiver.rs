//! Turns datagrams in the receive buffer into segments: checks, counts, copies.
//!
//! In: datagrams of one receive call. Out: segments to the sink, refusals to the counters. Owns
//! the chunk filler and the limit on log lines. Hot path: per datagram one header comparison and
//! one copy; counters and the table of senders once a call.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tracing::warn;

use super::datagram::{document_start, oversize_reason};
use crate::buffer::ChunkFiller;
use crate::counters::{Counters, RefusedDatagram, RejectReason};
use crate::log_limit::LogLimit;
use crate::segment::Segment;

/// A datagram in the receive buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) sender: SocketAddr,
    /// Whether the receive buffer was too small for it.
    pub(crate) cut: bool,
}

/// Makes segments of datagrams.
pub(crate) struct Receiver<S> {
    counters: Arc<Counters>,
    /// Takes the segments of one call.
    sink: S,
    filler: ChunkFiller,
    /// Reused: the segments of one call.
    segments: Vec<Segment>,
    /// Reused: who sent in this call, how many were taken and refused.
    senders: Vec<(SocketAddr, u64, u64)>,
    refusals: LogLimit,
}

impl<S: FnMut(&mut Vec<Segment>)> Receiver<S> {
    pub(crate) fn new(counters: Arc<Counters>, sink: S) -> Self {
        Self {
            filler: ChunkFiller::new(Arc::clone(counters.held_bytes())),
            counters,
            sink,
            segments: Vec::new(),
            senders: Vec::new(),
            refusals: LogLimit::new(),
        }
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Takes what one receive call brought.
    pub(crate) fn receive<'a>(&mut self, datagrams: impl Iterator<Item = Datagram<'a>> + Clone) {
        let mut bytes: usize = datagrams.clone().map(|datagram| datagram.bytes.len()).sum();
        let (mut received, mut empty) = (0, 0);
        let received_bytes = bytes as u64;
        for datagram in datagrams {
            if datagram.bytes.is_empty() {
                empty += 1;
                continue;
            }
            received += 1;
            let taken = self.take(&datagram, bytes);
            bytes -= datagram.bytes.len();
            self.note_sender(datagram.sender, taken);
        }
        self.filler.finish(&mut self.segments);
        let intake = self.counters.intake();
        intake.add_received(received, received_bytes);
        intake.add_empty(empty);
        let now = SystemTime::now();
        for (sender, taken, refused) in self.senders.drain(..) {
            intake.add_sender(sender, taken, refused, now);
        }
        if !self.segments.is_empty() {
            (self.sink)(&mut self.segments);
            self.segments.clear();
        }
    }

    fn take(&mut self, datagram: &Datagram<'_>, to_come_bytes: usize) -> bool {
        let bytes = datagram.bytes;
        let start = match document_start(bytes) {
            Ok(start) if !datagram.cut => start,
            Ok(_) => {
                self.refuse(datagram, RejectReason::Oversize, oversize_reason(bytes.len()));
                return false;
            }
            Err((kind, reason)) => {
                self.refuse(datagram, kind, reason);
                return false;
            }
        };
        let document = bytes.get(start..).unwrap_or_default();
        self.filler.copy_in(
            document,
            datagram.sender,
            to_come_bytes.saturating_sub(start),
            &mut self.segments,
        );
        true
    }

    fn refuse(&self, datagram: &Datagram<'_>, kind: RejectReason, reason: String) {
        if let Some(datagrams) = self.refusals.report(1) {
            // Never its content: that is a customer's, and would let anybody fill the disk.
            warn!(
                sender = %datagram.sender,
                size_bytes = datagram.bytes.len(),
                reason,
                datagrams,
                "Datagram refused"
            );
        }
        let refused = RefusedDatagram::new(datagram.sender, datagram.bytes, kind, reason);
        self.counters.intake().reject(refused);
    }

    fn note_sender(&mut self, sender: SocketAddr, taken: bool) {
        let (taken, refused) = (u64::from(taken), u64::from(!taken));
        match self.senders.iter_mut().find(|(known, ..)| *known == sender) {
            Some(entry) => {
                entry.1 += taken;
                entry.2 += refused;
            }
            None => self.senders.push((sender, taken, refused)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "{\"format\":\"json\",\"version\":1}\n";

    fn receive(datagrams: &[(&str, u16, bool)]) -> (Vec<String>, Arc<Counters>) {
        let counters = Arc::new(Counters::new([]));
        let mut kept = Vec::new();
        let sink = |segments: &mut Vec<Segment>| kept.append(segments);
        let mut receiver = Receiver::new(Arc::clone(&counters), sink);
        receiver.receive(datagrams.iter().map(|(text, port, cut)| Datagram {
            bytes: text.as_bytes(),
            sender: ([127, 0, 0, 1], *port).into(),
            cut: *cut,
        }));
        let texts = |segment: &Segment| String::from_utf8_lossy(segment.document()).into_owned();
        let segments = kept.iter().map(texts).collect();
        (segments, counters)
    }

    #[test]
    fn good_datagrams_pass_whatever_stands_between_them() {
        let good = format!("{HEADER}{{\"id\":\"a\"}}");
        let other = format!("{HEADER}second\nline");
        let (segments, counters) = receive(&[
            (&good, 1, false),
            ("junk", 2, false),
            ("", 2, false),
            (HEADER, 2, false),
            (&good, 2, true),
            (&other, 1, false),
        ]);
        assert_eq!(segments, ["{\"id\":\"a\"}", "second\nline"]);
        let intake = counters.snapshot().intake;
        assert_eq!((intake.received, intake.empty, intake.rejected_total()), (5, 1, 3));
        assert_eq!(intake.rejected(RejectReason::NoNewline), 1);
        assert_eq!(intake.rejected(RejectReason::NoDocument), 1);
        assert_eq!(intake.rejected(RejectReason::Oversize), 1);
    }

    #[test]
    fn senders_are_told_apart() {
        let good = format!("{HEADER}{{}}");
        let (_, counters) =
            receive(&[(&good, 1, false), (&good, 2, false), ("junk", 2, false), (&good, 1, false)]);
        let mut senders = counters.intake().senders();
        senders.sort_by_key(|sender| sender.sender);
        let counts: Vec<_> = senders.iter().map(|row| (row.segments, row.refused)).collect();
        assert_eq!(counts, [(2, 0), (1, 1)]);
    }
}
