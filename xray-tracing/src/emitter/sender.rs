//! The loop of the one thread that encodes and sends.
//!
//! In: items from the queue. Out: documents, to the output. Owns the thread, the output and
//! whatever the source needs for encoding. Ends when the queue is closed and empty.

use std::io;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Counters, Output, Queue};

/// How often the source is asked for what has been open for long.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// How much a sweep gathers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// What has been open for long.
    Old,
    /// Whatever is there: somebody waits for a flush.
    All,
}

/// Where items come from, and how they become documents.
pub(crate) trait Source: Send + 'static {
    /// What travels through the queue.
    type Item: Send + 'static;

    /// Moves what has not been queued of its own accord to the queue.
    fn sweep(&mut self, reach: Sweep);

    /// Longest sleep while there is nothing to do: how late a sweep may come.
    fn longest_sleep(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Calls `emit` for each document that `item` makes.
    fn encode(&mut self, item: Self::Item, emit: &mut dyn FnMut(&[u8]));
}

/// Starts the sender's thread.
///
/// # Errors
/// When the system has no thread left.
pub(crate) fn start<S: Source>(
    source: S,
    queue: Arc<Queue<S::Item>>,
    output: Output,
    counters: Arc<Counters>,
) -> io::Result<()> {
    let sender = Sender { source, queue, output, counters, items: Vec::new() };
    thread::Builder::new().name("xray-emitter".to_owned()).spawn(move || sender.run())?;
    Ok(())
}

struct Sender<S: Source> {
    source: S,
    queue: Arc<Queue<S::Item>>,
    output: Output,
    counters: Arc<Counters>,
    items: Vec<S::Item>,
}

impl<S: Source> Sender<S> {
    fn run(mut self) {
        self.queue.attach_sender();
        let (mut busy_at, mut swept_at) = (Instant::now(), Instant::now());
        loop {
            let now = Instant::now();
            if self.output.is_ready(now) || self.queue.is_closed() {
                let taken = self.queue.take(&mut self.items);
                if taken.flush_wanted {
                    self.send_swept();
                }
                if !self.items.is_empty() {
                    busy_at = now;
                    self.send_items();
                } else if taken.closed {
                    return;
                }
                if taken.flush_wanted {
                    self.queue.flush_done(taken.flush);
                }
            }
            if now.duration_since(swept_at) >= SWEEP_EVERY {
                self.source.sweep(Sweep::Old);
                swept_at = now;
            }
            self.queue.wait(busy_at, self.source.longest_sleep());
        }
    }

    /// Sends what was taken, then what a sweep of everything brings to the queue.
    fn send_swept(&mut self) {
        self.send_items();
        self.source.sweep(Sweep::All);
        self.queue.take(&mut self.items);
    }

    fn send_items(&mut self) {
        let mut items = mem::take(&mut self.items);
        for item in items.drain(..) {
            let (output, counters) = (&mut self.output, &*self.counters);
            self.source.encode(item, &mut |document| output.send(document, counters));
        }
        // Empty now; its room is used again.
        self.items = items;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, MemorySink, Stats};
    use super::*;

    /// Items are documents; a sweep of everything brings one more.
    struct Plain {
        queue: Arc<Queue<String>>,
    }

    impl Source for Plain {
        type Item = String;

        fn sweep(&mut self, reach: Sweep) {
            if reach == Sweep::All {
                self.queue.push("swept".to_owned(), 5).unwrap();
            }
        }

        fn encode(&mut self, item: String, emit: &mut dyn FnMut(&[u8])) {
            emit(item.as_bytes());
        }
    }

    fn started(sink: &MemorySink) -> (Arc<Queue<String>>, Arc<Counters>) {
        let queue = Arc::new(Queue::new(Limits { max_items: 10, max_bytes: 1_000 }));
        let counters = Arc::new(Counters::default());
        let source = Plain { queue: Arc::clone(&queue) };
        let output = Output::Sink(Box::new(sink.clone()));
        start(source, Arc::clone(&queue), output, Arc::clone(&counters)).unwrap();
        (queue, counters)
    }

    #[test]
    fn a_flush_sends_what_is_queued_and_what_a_sweep_finds() {
        let sink = MemorySink::new();
        let (queue, counters) = started(&sink);
        queue.push("first".to_owned(), 5).unwrap();
        queue.push("second".to_owned(), 6).unwrap();
        assert!(queue.flush(Duration::from_secs(20)));
        assert_eq!(sink.take(), [&b"first"[..], b"second", b"swept"]);
        assert_eq!(counters.snapshot(), Stats { documents_sent: 3, ..Stats::default() });
        queue.close();
    }

    #[test]
    fn the_thread_ends_when_the_queue_is_closed_and_sends_the_rest_before() {
        let sink = MemorySink::new();
        let (queue, _) = started(&sink);
        let weak = Arc::downgrade(&queue);
        queue.push("last".to_owned(), 4).unwrap();
        queue.close();
        drop(queue);
        let until = Instant::now() + Duration::from_secs(20);
        while weak.strong_count() > 0 {
            assert!(Instant::now() < until, "the sender still runs");
            thread::yield_now();
        }
        assert_eq!(sink.take(), [b"last"]);
    }

    #[test]
    fn a_sink_that_fails_is_counted() {
        struct Broken;
        impl super::super::Sink for Broken {
            fn send(&mut self, _: &[u8]) -> io::Result<()> {
                Err(io::Error::other("disk full"))
            }
        }
        let counters = Counters::default();
        Output::Sink(Box::new(Broken)).send(b"{}", &counters);
        assert_eq!(counters.snapshot(), Stats { dropped_send_failed: 1, ..Stats::default() });
    }
}
