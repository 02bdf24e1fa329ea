//! Who sends: address, counts and the rate of the last five minutes.
//!
//! In: per batch of datagrams and sender, how many were taken and refused. Out: one row for each
//! sender. Owns a table of at most [`MAX_SENDERS`] rows; the one silent for longest makes room.
//! No clock: callers pass `at`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Rows kept. Short-lived processes each come from a port of their own.
const MAX_SENDERS: usize = 256;
/// What one point of [`SenderSnapshot::history`] sums up.
pub const SENDER_BUCKET: Duration = Duration::from_secs(10);
/// Points of history: five minutes.
const BUCKETS: usize = 30;

/// One sender, as the console shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SenderSnapshot {
    /// Where the datagrams come from.
    pub sender: SocketAddr,
    /// Datagrams taken since it was first seen.
    pub segments: u64,
    /// Datagrams refused since it was first seen.
    pub refused: u64,
    /// Segments per second, over the last whole bucket.
    pub per_second: f64,
    /// Segments in each [`SENDER_BUCKET`] of the last five minutes, oldest first; the last one is
    /// still being filled.
    pub history: Vec<u32>,
    /// First datagram.
    pub first_seen: SystemTime,
    /// Latest datagram.
    pub last_seen: SystemTime,
}

#[derive(Debug, Default)]
pub(super) struct Senders {
    rows: HashMap<SocketAddr, Row>,
}

#[derive(Debug)]
struct Row {
    segments: u64,
    refused: u64,
    first_seen: SystemTime,
    last_seen: SystemTime,
    /// A ring: bucket `n` of the epoch stands at `n % BUCKETS`.
    buckets: [u32; BUCKETS],
    /// The epoch's bucket up to which `buckets` is current.
    current: u64,
}

impl Senders {
    pub(super) fn add(&mut self, sender: SocketAddr, taken: u64, refused: u64, at: SystemTime) {
        if self.rows.len() >= MAX_SENDERS && !self.rows.contains_key(&sender) {
            self.forget_the_most_silent();
        }
        let row = self.rows.entry(sender).or_insert_with(|| Row::new(at));
        row.advance(at);
        row.segments += taken;
        row.refused += refused;
        row.last_seen = row.last_seen.max(at);
        let bucket = &mut row.buckets[slot(row.current)];
        *bucket = bucket.saturating_add(u32::try_from(taken).unwrap_or(u32::MAX));
    }

    pub(super) fn snapshot(&mut self, now: SystemTime) -> Vec<SenderSnapshot> {
        let mut rows: Vec<_> = self
            .rows
            .iter_mut()
            .map(|(sender, row)| {
                row.advance(now);
                row.snapshot(*sender)
            })
            .collect();
        rows.sort_by(|a, b| {
            b.per_second.total_cmp(&a.per_second).then(b.last_seen.cmp(&a.last_seen))
        });
        rows
    }

    fn forget_the_most_silent(&mut self) {
        let silent = self.rows.iter().min_by_key(|(_, row)| row.last_seen).map(|(key, _)| *key);
        if let Some(sender) = silent {
            self.rows.remove(&sender);
        }
    }
}

impl Row {
    fn new(at: SystemTime) -> Self {
        let buckets = [0; BUCKETS];
        Self {
            segments: 0,
            refused: 0,
            first_seen: at,
            last_seen: at,
            buckets,
            current: bucket(at),
        }
    }

    /// Empties the buckets between the last datagram and `now`.
    fn advance(&mut self, now: SystemTime) {
        let now = bucket(now);
        let behind = now.saturating_sub(self.current).min(BUCKETS as u64);
        for step in 0..behind {
            self.buckets[slot(now - step)] = 0;
        }
        self.current = self.current.max(now);
    }

    fn snapshot(&self, sender: SocketAddr) -> SenderSnapshot {
        let oldest = self.current + 1;
        let history: Vec<_> =
            (0..BUCKETS as u64).map(|step| self.buckets[slot(oldest + step)]).collect();
        let whole = history.get(BUCKETS - 2).copied().unwrap_or_default();
        SenderSnapshot {
            sender,
            segments: self.segments,
            refused: self.refused,
            per_second: f64::from(whole) / SENDER_BUCKET.as_secs_f64(),
            history,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
        }
    }
}

fn bucket(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / SENDER_BUCKET.as_secs()
}

fn slot(bucket: u64) -> usize {
    (bucket % BUCKETS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000 + second)
    }

    fn sender(port: u16) -> SocketAddr {
        ([10, 0, 3, 17], port).into()
    }

    #[test]
    fn the_rate_is_that_of_the_last_whole_bucket() {
        let mut senders = Senders::default();
        senders.add(sender(1), 710, 0, at(1));
        senders.add(sender(1), 5, 1, at(11));
        let rows = senders.snapshot(at(12));
        assert_eq!(rows[0].per_second, 71.0);
        assert_eq!(rows[0].history[28..], [710, 5]);
        assert_eq!((rows[0].segments, rows[0].refused), (715, 1));
    }

    #[test]
    fn silence_empties_the_history() {
        let mut senders = Senders::default();
        senders.add(sender(1), 9, 0, at(0));
        assert_eq!(senders.snapshot(at(20))[0].history[27], 9);
        assert_eq!(senders.snapshot(at(400))[0].history, [0; 30]);
        assert_eq!(senders.snapshot(at(400))[0].last_seen, at(0));
    }

    #[test]
    fn a_clock_that_steps_back_loses_nothing() {
        let mut senders = Senders::default();
        senders.add(sender(1), 1, 0, at(100));
        senders.add(sender(1), 1, 0, at(50));
        assert_eq!(senders.snapshot(at(100))[0].history[29], 2);
    }

    #[test]
    fn the_sender_silent_for_longest_makes_room() {
        let mut senders = Senders::default();
        for port in 0..=MAX_SENDERS as u16 {
            senders.add(sender(port), 1, 0, at(u64::from(port)));
        }
        let rows = senders.snapshot(at(300));
        assert_eq!(rows.len(), 256);
        assert!(rows.iter().all(|row| row.sender != sender(0)));
    }
}
