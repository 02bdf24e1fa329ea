//! Reads a group of sockets in rounds, many datagrams a call.
//!
//! In: the group. Out: datagrams to the [`Receiver`]. Owns the sockets and the receive buffer.
//! A wake-up costs 9–15 µs of CPU, so after the first datagram the thread sleeps before it reads:
//! what came meanwhile is read by few calls. The group's buffers must hold it, so the sleep is as
//! long as they allow. It blocks again after a round that found nothing. Hot path: 2 µs a datagram
//! (`benches/intake.rs`).

use std::io;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::group::SocketGroup;
use super::plain::MAX_DRAIN;
use super::receiver::Receiver;
use super::stop::StopReceiver;
use super::sys::{self, Poller, ReceiveBuffer, SLOTS};
use crate::log_limit::LogLimit;
use crate::segment::Segment;

/// Kernel memory that a datagram of 1 kB is charged. Measured on Linux 6.18.
const DATAGRAM_CHARGE_BYTES: usize = 2304;
/// What a sender at full speed sends in a millisecond, and a reserve for a busy machine.
const BURST_PER_MS: usize = 200 * 4;
/// Sleep between rounds while much arrives, and while little does.
const BUSY_PACE: Duration = Duration::from_millis(2);
const CALM_PACE: Duration = Duration::from_millis(5);
/// Datagrams in a round from which on it is busy: 20,000 a second.
const BUSY_ROUND: usize = 100;
/// How often the kernel is asked what it has thrown away, while datagrams come.
const DROPS_EVERY: Duration = Duration::from_secs(1);
/// Most datagrams in a round, so that the order to stop is seen.
const MAX_ROUND: usize = 64 * SLOTS;

/// Reads `group` until told to stop and the kernel's queues are empty.
pub(super) fn read<S: FnMut(&mut Vec<Segment>)>(
    group: SocketGroup,
    receiver: Receiver<S>,
    stop: &StopReceiver,
) -> io::Result<()> {
    let mut reader = PacedReader::new(group, receiver, stop);
    while !stop.is_stopped() {
        reader.wait()?;
        reader.read_until_quiet(|| stop.is_stopped())?;
    }
    reader.poller.ignore(reader.stop_place);
    let linger_until = Instant::now() + stop.linger();
    while let Some(left) = linger_until.checked_duration_since(Instant::now())
        && !left.is_zero()
    {
        reader.poller.wait(Some(left))?;
        reader.read_until_quiet(|| Instant::now() >= linger_until)?;
    }
    let drain_until = Instant::now() + MAX_DRAIN;
    reader.pace = None;
    reader.read_until_quiet(|| Instant::now() >= drain_until)?;
    reader.ask_for_drops();
    Ok(())
}

struct PacedReader<S> {
    group: SocketGroup,
    receiver: Receiver<S>,
    poller: Poller,
    /// Where the order to stop stands among the files of `poller`: behind the sockets.
    stop_place: usize,
    buffer: ReceiveBuffer,
    /// Longest sleep that the kernel's buffers allow.
    pace: Option<Duration>,
    /// What each socket had thrown away when last asked.
    drops: Vec<u32>,
    dropped_total: u64,
    /// When datagrams came that drops were not asked for since.
    drops_due: Option<Instant>,
    errors: LogLimit,
}

impl<S: FnMut(&mut Vec<Segment>)> PacedReader<S> {
    fn new(group: SocketGroup, receiver: Receiver<S>, stop: &StopReceiver) -> Self {
        let sockets = group.sockets.iter().map(AsRawFd::as_raw_fd);
        Self {
            poller: Poller::new(sockets.chain([stop.raw_fd()])),
            stop_place: group.len(),
            buffer: ReceiveBuffer::new(),
            pace: longest_pace(group.total_buffer_bytes()),
            drops: vec![0; group.len()],
            dropped_total: 0,
            drops_due: None,
            errors: LogLimit::new(),
            group,
            receiver,
        }
    }

    /// Blocks until there is something to read, or the order to stop.
    fn wait(&mut self) -> io::Result<()> {
        // After the last datagram the drops are asked for once more, then nothing wakes up.
        let timeout = self.drops_due.map(|due| due.saturating_duration_since(Instant::now()));
        self.poller.wait(timeout)?;
        self.ask_for_drops_if_due();
        Ok(())
    }

    /// Reads in rounds until one finds nothing, or `stop`.
    fn read_until_quiet(&mut self, stop: impl Fn() -> bool) -> io::Result<()> {
        let mut last_round = 0;
        loop {
            self.sleep(last_round);
            last_round = self.read_round()?;
            self.ask_for_drops_if_due();
            if last_round == 0 || stop() {
                return Ok(());
            }
        }
    }

    fn sleep(&self, last_round: usize) {
        let pace = if last_round >= BUSY_ROUND { BUSY_PACE } else { CALM_PACE };
        // A round that read to its limit goes on at once.
        if let Some(longest) = self.pace
            && last_round < MAX_ROUND
        {
            thread::park_timeout(pace.min(longest));
        }
    }

    /// Reads what all sockets have; returns how many datagrams that were.
    fn read_round(&mut self) -> io::Result<usize> {
        self.poller.wait(Some(Duration::ZERO))?;
        let mut read = 0;
        for place in 0..self.group.len() {
            let mut more = self.poller.is_ready(place);
            while more && read < MAX_ROUND {
                more = self.read_socket(place);
                if self.buffer.is_full() {
                    read += self.hand_over();
                }
            }
        }
        Ok(read + self.hand_over())
    }

    fn read_socket(&mut self, place: usize) -> bool {
        let Some(socket) = self.group.sockets.get(place) else { return false };
        self.buffer.read(socket).unwrap_or_else(|error| {
            if self.errors.report(1).is_some() {
                warn!(%error, "reading from the UDP socket failed");
            }
            false
        })
    }

    fn hand_over(&mut self) -> usize {
        let read = self.buffer.datagrams().count();
        if read > 0 {
            self.receiver.receive(self.buffer.datagrams());
            self.buffer.clear();
            self.drops_due.get_or_insert_with(|| Instant::now() + DROPS_EVERY);
        }
        read
    }

    fn ask_for_drops_if_due(&mut self) {
        if self.drops_due.is_some_and(|due| due <= Instant::now()) {
            self.drops_due = None;
            self.ask_for_drops();
        }
    }

    fn ask_for_drops(&mut self) {
        let mut lost = 0;
        for (socket, before) in self.group.sockets.iter().zip(&mut self.drops) {
            if let Ok(now) = sys::kernel_drops(socket) {
                lost += u64::from(now.wrapping_sub(*before));
                *before = now;
            }
        }
        if lost > 0 {
            self.dropped_total += lost;
            self.receiver.counters().intake().set_kernel_drops(self.dropped_total);
            warn!(
                datagrams = lost,
                "the kernel dropped datagrams before they were read; raise net.core.rmem_max"
            );
        }
    }
}

/// How long the thread may sleep while a sender at full speed fills buffers of that size together;
/// `None`: not at all.
fn longest_pace(total_buffer_bytes: usize) -> Option<Duration> {
    let millis = total_buffer_bytes / DATAGRAM_CHARGE_BYTES / BURST_PER_MS;
    (millis > 0).then(|| Duration::from_millis(millis as u64).min(CALM_PACE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sleep_is_as_long_as_the_buffers_allow() {
        let one_socket = 425_984;
        assert_eq!(longest_pace(one_socket), None);
        assert_eq!(longest_pace(16 * one_socket), Some(Duration::from_millis(3)));
        assert_eq!(longest_pace(64 * one_socket), Some(CALM_PACE));
    }
}
