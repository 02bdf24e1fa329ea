//! The bounded queue between the threads that record and the one that sends.
//!
//! In: items with their size, from any thread. Out: all of them at once, to the sender. Owns the
//! items in between. Full means the newest is refused: the caller never waits. Waking a thread
//! costs its waker 1–5 µs, so the sender polls every 2 ms while there is traffic, and only after
//! 100 ms without any lets itself be woken.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How often the sender looks while there is traffic.
const POLL: Duration = Duration::from_millis(2);
/// How long without traffic until it sleeps.
const LINGER: Duration = Duration::from_millis(100);

/// Bounds of the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_items: usize,
    pub(crate) max_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Queue<T> {
    limits: Limits,
    state: Mutex<State<T>>,
    /// The sender sleeps until it is unparked.
    asleep: AtomicBool,
    sender: OnceLock<Thread>,
    flushed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    items: Vec<T>,
    bytes: usize,
    closed: bool,
    /// Flushes asked for, and the last one that is done.
    flush_asked: u64,
    flush_done: u64,
}

/// Why an item was not taken; it is given back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<T> {
    Full(T),
    Closed(T),
}

/// What the sender shall do with what it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Nothing will come any more.
    pub(crate) closed: bool,
    /// To be handed to [`Queue::flush_done`] once all is sent.
    pub(crate) flush: u64,
    /// Somebody waits for `flush`.
    pub(crate) flush_wanted: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(limits: Limits) -> Self {
        let state =
            State { items: Vec::new(), bytes: 0, closed: false, flush_asked: 0, flush_done: 0 };
        Self {
            limits,
            state: Mutex::new(state),
            asleep: AtomicBool::new(false),
            sender: OnceLock::new(),
            flushed: Condvar::new(),
        }
    }

    /// Adds an item of about `bytes`.
    ///
    /// # Errors
    /// Gives the item back when the queue is full or closed.
    pub(crate) fn push(&self, item: T, bytes: usize) -> Result<(), Refused<T>> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed(item));
        }
        let full = state.items.len() >= self.limits.max_items
            || state.bytes.saturating_add(bytes) > self.limits.max_bytes;
        if full {
            return Err(Refused::Full(item));
        }
        state.bytes += bytes;
        state.items.push(item);
        drop(state);
        self.wake();
        Ok(())
    }

    /// Makes the calling thread the one that is woken.
    pub(crate) fn attach_sender(&self) {
        self.sender.get_or_init(thread::current);
    }

    /// Moves all items to `into` (which is empty), in the order they came.
    pub(crate) fn take(&self, into: &mut Vec<T>) -> Taken {
        let mut state = self.lock();
        state.bytes = 0;
        mem::swap(&mut state.items, into);
        Taken {
            closed: state.closed,
            flush: state.flush_asked,
            flush_wanted: state.flush_asked > state.flush_done,
        }
    }

    /// Waits, on the sender's thread, until there may be something to take, or for `longest`.
    /// `idle_since` is when it last had something to do.
    pub(crate) fn wait(&self, idle_since: Instant, longest: Duration) {
        if idle_since.elapsed() < LINGER {
            thread::park_timeout(POLL.min(longest));
            return;
        }
        self.asleep.store(true, Ordering::SeqCst);
        // What was pushed before the line above did not wake us.
        if self.is_quiet() {
            thread::park_timeout(longest);
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// Asks the sender to send everything queued now, and waits until it has, or for `deadline`.
    pub(crate) fn flush(&self, deadline: Duration) -> bool {
        let until = Instant::now() + deadline;
        let mut state = self.lock();
        if state.closed {
            return state.items.is_empty();
        }
        state.flush_asked += 1;
        let asked = state.flush_asked;
        drop(state);
        self.unpark();
        let mut state = self.lock();
        while state.flush_done < asked {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.flushed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// All that was queued when `flush` was read is sent.
    pub(crate) fn flush_done(&self, flush: u64) {
        let mut state = self.lock();
        state.flush_done = state.flush_done.max(flush);
        drop(state);
        self.flushed.notify_all();
    }

    /// Lets nothing more in; the sender ends when it has taken the rest.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.unpark();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn is_quiet(&self) -> bool {
        let state = self.lock();
        state.items.is_empty() && !state.closed && state.flush_asked == state.flush_done
    }

    fn wake(&self) {
        if self.asleep.load(Ordering::SeqCst) && self.asleep.swap(false, Ordering::SeqCst) {
            self.unpark();
        }
    }

    fn unpark(&self) {
        if let Some(sender) = self.sender.get() {
            sender.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing in here panics; were it to, the state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_items: 3, max_bytes: 100 };

    #[test]
    fn items_come_out_in_order_and_make_room() {
        let queue = Queue::new(LIMITS);
        for item in 1..=3 {
            assert_eq!(queue.push(item, 10), Ok(()));
        }
        assert_eq!(queue.push(4, 10), Err(Refused::Full(4)));
        let mut taken = Vec::new();
        queue.take(&mut taken);
        assert_eq!(taken, [1, 2, 3]);
        assert_eq!(queue.push(5, 10), Ok(()));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let queue = Queue::new(LIMITS);
        assert_eq!(queue.push("large", 60), Ok(()));
        assert_eq!(queue.push("too much", 41), Err(Refused::Full("too much")));
        assert_eq!(queue.push("fits", 40), Ok(()));
        assert_eq!(queue.push("huge", usize::MAX), Err(Refused::Full("huge")));
    }

    #[test]
    fn a_closed_queue_gives_out_the_rest_and_takes_nothing() {
        let queue = Queue::new(LIMITS);
        assert_eq!(queue.push(1, 1), Ok(()));
        queue.close();
        assert_eq!(queue.push(2, 1), Err(Refused::Closed(2)));
        let mut taken = Vec::new();
        assert!(queue.take(&mut taken).closed);
        assert_eq!(taken, [1]);
    }

    #[test]
    fn a_flush_waits_for_the_sender_and_no_longer_than_its_deadline() {
        let queue = Queue::<u8>::new(LIMITS);
        assert!(!queue.flush(Duration::ZERO));
        thread::scope(|scope| {
            let sender = scope.spawn(|| {
                queue.attach_sender();
                let mut items = Vec::new();
                loop {
                    let taken = queue.take(&mut items);
                    if items.contains(&9) {
                        queue.flush_done(taken.flush);
                        return;
                    }
                    queue.wait(Instant::now(), Duration::from_secs(5));
                }
            });
            assert_eq!(queue.push(9, 1), Ok(()));
            assert!(queue.flush(Duration::from_secs(10)));
            sender.join().unwrap();
        });
    }

    #[test]
    fn a_sleeping_sender_is_woken_by_a_push() {
        let queue = Queue::<u8>::new(LIMITS);
        let long_ago = Instant::now().checked_sub(LINGER).unwrap();
        thread::scope(|scope| {
            let sender = scope.spawn(|| {
                queue.attach_sender();
                let (start, mut items) = (Instant::now(), Vec::new());
                while items.is_empty() {
                    queue.wait(long_ago, Duration::from_secs(60));
                    queue.take(&mut items);
                }
                start.elapsed()
            });
            assert_eq!(queue.push(1, 1), Ok(()));
            assert!(sender.join().unwrap() < Duration::from_secs(30));
        });
    }
}
