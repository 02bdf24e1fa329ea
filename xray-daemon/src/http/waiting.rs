//! Which connections wait for their peer, and since when.
//!
//! In: the beginnings and ends of requests. Out: when all places are taken, the connection that
//! has waited longest, told to close. Owns the list. Without it a few hundred clients that never
//! finish a request would keep everybody else out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The connections of one listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections {
    list: Arc<Mutex<List>>,
}

#[derive(Debug, Default)]
struct List {
    next_id: u64,
    /// Those that wait for their peer; one whose request is being answered is missing.
    waiting: BTreeMap<u64, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    close: CancellationToken,
}

impl Connections {
    /// A new connection, which waits for its first request.
    pub(super) fn open(&self) -> Place {
        let mut id = 0;
        if let Ok(mut list) = self.list.lock() {
            id = list.next_id;
            list.next_id += 1;
        }
        let place = Place { id, list: self.list.clone(), close: CancellationToken::new() };
        place.wait();
        place
    }

    /// Tells the connection that has waited longest to close; false if none waits.
    pub(super) fn close_longest_waiting(&self) -> bool {
        let Ok(mut list) = self.list.lock() else { return false };
        let longest = list.waiting.iter().min_by_key(|(_, waiting)| waiting.since);
        let Some(id) = longest.map(|(id, _)| *id) else { return false };
        if let Some(waiting) = list.waiting.remove(&id) {
            waiting.close.cancel();
        }
        true
    }
}

/// A connection's place in the list, gone with it.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    list: Arc<Mutex<List>>,
    close: CancellationToken,
}

impl Place {
    /// Told when another needs the place.
    pub(super) fn close(&self) -> &CancellationToken {
        &self.close
    }

    /// A request is being answered.
    pub(super) fn work(&self) {
        if let Ok(mut list) = self.list.lock() {
            list.waiting.remove(&self.id);
        }
    }

    /// The peer is waited for: for a request, or to take the answer.
    pub(super) fn wait(&self) {
        let waiting = Waiting { since: Instant::now(), close: self.close.clone() };
        if let Ok(mut list) = self.list.lock() {
            list.waiting.insert(self.id, waiting);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.work();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_waits_longest_goes_first_and_one_at_work_stays() {
        let connections = Connections::default();
        let mut places = Vec::new();
        for _ in 0..3 {
            places.push(connections.open());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        places[0].work();
        assert!(connections.close_longest_waiting());
        let closed = |places: &[Place]| -> Vec<bool> {
            places.iter().map(|place| place.close().is_cancelled()).collect()
        };
        assert_eq!(closed(&places), [false, true, false]);
        places[0].wait();
        assert!(connections.close_longest_waiting());
        assert_eq!(closed(&places), [false, true, true]);
        places.remove(0);
        assert!(!connections.close_longest_waiting(), "the last one is gone");
    }
}
