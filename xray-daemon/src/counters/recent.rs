//! The last refused datagrams, for the console.
//!
//! In: the sender's address, bytes and reason of a refused datagram. Out: the last few, newest
//! first. Owns at most [`KEPT`] beginnings of 80 characters; what they say comes from strangers
//! and must be escaped where it is shown.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::SystemTime;

use super::RejectReason;

/// Datagrams kept; the console shows fewer.
const KEPT: usize = 32;
/// Characters kept of each.
const BEGINNING_CHARS: usize = 80;

/// One datagram that was not taken.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedDatagram {
    /// When it was read.
    pub at: SystemTime,
    /// Who sent it.
    pub sender: SocketAddr,
    /// Its length.
    pub size_bytes: usize,
    /// The kind of fault.
    pub kind: RejectReason,
    /// The fault in words: `header version 2, 1 is known`.
    pub reason: String,
    /// Its first 80 characters; bytes that are not UTF-8 are replaced. Untrusted.
    pub begins_with: String,
}

impl RefusedDatagram {
    /// Keeps the beginning of `datagram`.
    pub(crate) fn new(
        sender: SocketAddr,
        datagram: &[u8],
        kind: RejectReason,
        reason: String,
    ) -> Self {
        // A character has at most four bytes; one broken at the end becomes a replacement.
        let beginning = datagram.get(..BEGINNING_CHARS * 4).unwrap_or(datagram);
        let begins_with =
            String::from_utf8_lossy(beginning).chars().take(BEGINNING_CHARS).collect();
        let at = SystemTime::now();
        Self { at, sender, size_bytes: datagram.len(), kind, reason, begins_with }
    }
}

#[derive(Debug, Default)]
pub(super) struct RecentRefused {
    newest_last: VecDeque<RefusedDatagram>,
}

impl RecentRefused {
    pub(super) fn push(&mut self, refused: RefusedDatagram) {
        if self.newest_last.len() == KEPT {
            self.newest_last.pop_front();
        }
        self.newest_last.push_back(refused);
    }

    pub(super) fn newest_first(&self) -> Vec<RefusedDatagram> {
        self.newest_last.iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(datagram: &[u8]) -> RefusedDatagram {
        let sender = "127.0.0.1:9".parse().unwrap();
        RefusedDatagram::new(sender, datagram, RejectReason::NoNewline, "no line break".into())
    }

    #[test]
    fn eighty_characters_are_kept_whatever_their_bytes() {
        assert_eq!(refused("é".repeat(200).as_bytes()).begins_with, "é".repeat(80));
        assert_eq!(refused(&[0xff; 4]).begins_with, "\u{fffd}".repeat(4));
        assert_eq!(refused(&[b'a'; 90]).size_bytes, 90);
    }

    #[test]
    fn the_ring_keeps_the_newest() {
        let mut recent = RecentRefused::default();
        for number in 0..40 {
            recent.push(refused(format!("{number}").as_bytes()));
        }
        let kept = recent.newest_first();
        assert_eq!(kept.len(), 32);
        assert_eq!((kept[0].begins_with.as_str(), kept[31].begins_with.as_str()), ("39", "8"));
    }
}
