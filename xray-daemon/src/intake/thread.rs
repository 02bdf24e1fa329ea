//! The intake thread: starts it, and stops it in order.
//!
//! In: bound sockets and a [`Receiver`]. Out: word that the last datagram was handed on. Owns the
//! thread. A thread of its own, because the runtime's may all be busy with uploads when the
//! kernel's buffers run full.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::group::SocketGroup;
use super::plain;
use super::receiver::Receiver;
use super::stop::{StopReceiver, StopSender, stop_pair};
use crate::segment::Segment;

/// The running intake; dropping it stops it without linger.
#[derive(Debug)]
pub(crate) struct Intake {
    stop: StopSender,
    /// Closed when the thread has ended.
    ended: oneshot::Receiver<()>,
}

impl Intake {
    /// Starts reading; `at_end` is called when nothing is read any more, whatever the cause.
    pub(crate) fn start<S>(
        group: SocketGroup,
        receiver: Receiver<S>,
        at_end: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self>
    where
        S: FnMut(&mut Vec<Segment>) + Send + 'static,
    {
        let (stop, stopped) = stop_pair()?;
        let (alive, ended) = oneshot::channel();
        thread::Builder::new().name("xray-intake".into()).spawn(move || {
            // Dropped at the end of the thread, after a panic too.
            let _end = AtEnd { at_end: Some(at_end), _alive: alive };
            read(group, receiver, &stopped);
        })?;
        Ok(Self { stop, ended })
    }

    /// Reads on for `linger`, empties the kernel's queues, closes the sockets.
    pub(crate) async fn stop(self, linger: Duration) {
        self.stop.stop(linger);
        // An error is the end of the thread, which is waited for.
        self.ended.await.ok();
    }
}

/// Tells about the end of the thread.
struct AtEnd<F: FnOnce()> {
    at_end: Option<F>,
    _alive: oneshot::Sender<()>,
}

impl<F: FnOnce()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        if let Some(at_end) = self.at_end.take() {
            at_end();
        }
    }
}

#[cfg(target_os = "linux")]
fn read<S: FnMut(&mut Vec<Segment>)>(
    group: SocketGroup,
    receiver: Receiver<S>,
    stop: &StopReceiver,
) {
    if !group.sockets.first().is_some_and(super::sys::knows_batches) {
        return read_plain(&group, receiver, stop);
    }
    if let Err(error) = super::paced::read(group, receiver, stop) {
        tracing::error!(%error, "intake ended, no datagram is received any more");
    }
}

#[cfg(not(target_os = "linux"))]
fn read<S: FnMut(&mut Vec<Segment>)>(
    group: SocketGroup,
    receiver: Receiver<S>,
    stop: &StopReceiver,
) {
    read_plain(&group, receiver, stop);
}

fn read_plain<S: FnMut(&mut Vec<Segment>)>(
    group: &SocketGroup,
    receiver: Receiver<S>,
    stop: &StopReceiver,
) {
    if let Some(socket) = group.sockets.first() {
        plain::read(socket, receiver, stop);
    }
}
