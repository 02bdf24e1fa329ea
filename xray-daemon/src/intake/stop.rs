//! Tells the intake thread to stop, even while it waits in the kernel.
//!
//! In: the order to stop. Out: a flag, and on Linux a file that becomes readable then, to wait on
//! beside the sockets. Owns both; dropping the sender is the order, so it cannot be forgotten.

use std::io;
#[cfg(target_os = "linux")]
use std::os::{fd::AsRawFd, unix::net::UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Stops intake when asked, or when dropped.
#[derive(Debug)]
pub(super) struct StopSender {
    shared: Arc<Shared>,
    #[cfg(target_os = "linux")]
    _writer: UnixStream,
}

/// What the intake thread waits on.
#[derive(Debug)]
pub(super) struct StopReceiver {
    shared: Arc<Shared>,
    #[cfg(target_os = "linux")]
    reader: UnixStream,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    linger_ms: AtomicU64,
}

/// A connected pair.
pub(super) fn stop_pair() -> io::Result<(StopSender, StopReceiver)> {
    let shared = Arc::<Shared>::default();
    #[cfg(target_os = "linux")]
    let (_writer, reader) = UnixStream::pair()?;
    let sender = StopSender {
        shared: Arc::clone(&shared),
        #[cfg(target_os = "linux")]
        _writer,
    };
    let receiver = StopReceiver {
        shared,
        #[cfg(target_os = "linux")]
        reader,
    };
    Ok((sender, receiver))
}

impl StopSender {
    /// Lets intake read on for `linger`, then empty the kernel's queues and end.
    pub(super) fn stop(self, linger: Duration) {
        let millis = u64::try_from(linger.as_millis()).unwrap_or(u64::MAX);
        self.shared.linger_ms.store(millis, Ordering::Relaxed);
        // The drop gives the order.
    }
}

impl Drop for StopSender {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
    }
}

impl StopReceiver {
    pub(super) fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Acquire)
    }

    /// How long to read on; valid once stopped.
    pub(super) fn linger(&self) -> Duration {
        Duration::from_millis(self.shared.linger_ms.load(Ordering::Relaxed))
    }

    /// A file that becomes readable when intake is to stop.
    #[cfg(target_os = "linux")]
    pub(super) fn raw_fd(&self) -> std::os::fd::RawFd {
        self.reader.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_carries_the_linger_and_a_drop_is_an_order_too() {
        let (sender, receiver) = stop_pair().unwrap();
        assert!(!receiver.is_stopped());
        sender.stop(Duration::from_secs(3));
        assert!(receiver.is_stopped());
        assert_eq!(receiver.linger(), Duration::from_secs(3));

        let (sender, receiver) = stop_pair().unwrap();
        drop(sender);
        assert!(receiver.is_stopped());
        assert_eq!(receiver.linger(), Duration::ZERO);
    }
}
