//! Records that wait to be sent, the newest 30.
//!
//! In: records. Out: at most ten at a time, oldest first, which stay until they were taken. Owns
//! them. Rule for the numbers: the reference daemon 3.6.6.

use std::collections::VecDeque;

use super::record::Record;

const KEPT: usize = 30;
/// Most records of a call.
const PER_CALL: usize = 10;

/// The records that wait.
#[derive(Debug, Default)]
pub(super) struct Ring {
    oldest_first: VecDeque<Record>,
}

impl Ring {
    /// Adds a record; the oldest makes room.
    pub(super) fn push(&mut self, record: Record) {
        if self.oldest_first.len() == KEPT {
            self.oldest_first.pop_front();
        }
        self.oldest_first.push_back(record);
    }

    /// The records of the next call; none: all are sent.
    pub(super) fn next(&self) -> Vec<Record> {
        self.oldest_first.iter().take(PER_CALL).cloned().collect()
    }

    /// The oldest `count` were taken.
    pub(super) fn sent(&mut self, count: usize) {
        self.oldest_first.drain(..count.min(self.oldest_first.len()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::record::Totals;
    use super::*;

    fn record(number: u64) -> Record {
        let totals = Totals::default();
        Record::between(&totals, &totals, UNIX_EPOCH + Duration::from_secs(number))
    }

    #[test]
    fn the_newest_thirty_wait_and_leave_ten_at_a_time_in_order() {
        let mut ring = Ring::default();
        (0..35).for_each(|number| ring.push(record(number)));
        for first in [5, 15, 25] {
            let expected: Vec<_> = (first..first + 10).map(record).collect();
            assert_eq!(ring.next(), expected);
            assert_eq!(ring.next(), expected, "they wait until they were taken");
            ring.sent(10);
        }
        assert!(ring.next().is_empty());
    }
}
