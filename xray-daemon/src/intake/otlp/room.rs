//! Bounds the memory of all requests that are being read.
//!
//! In: bytes that a request is about to need. Out: a share of the room there is, or word that there
//! is none. Owns the room. A request that finds none waits for a moment, then its sender is told to
//! come back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::body::BodyError;

/// Bytes of bodies, packed and unpacked, of all requests together.
const ROOM_BYTES: usize = 32 << 20;
/// Bytes that are taken at a time.
const STEP_BYTES: usize = 1024;
/// Longest that a request waits for room. Exporters give up after 10 s.
const WAIT: Duration = Duration::from_secs(4);

/// The room of all requests.
#[derive(Clone, Debug)]
pub(super) struct Room {
    steps: Arc<Semaphore>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { steps: Arc::new(Semaphore::new(ROOM_BYTES / STEP_BYTES)) }
    }

    /// The share of a request, nothing as yet.
    pub(super) fn share(&self) -> Share {
        Share { room: Arc::clone(&self.steps), held: None }
    }
}

/// What one request holds; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    room: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Share {
    /// Makes it `bytes` at the least.
    pub(super) async fn grow_to(&mut self, bytes: usize) -> Result<(), BodyError> {
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.div_ceil(STEP_BYTES).saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).map_err(|_| BodyError::TooLarge)?;
        let waited = timeout(WAIT, Arc::clone(&self.room).acquire_many_owned(more)).await;
        let Ok(Ok(permit)) = waited else { return Err(BodyError::TooMany) };
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_waits_for_a_moment() {
        let room = Room::new();
        let mut first = room.share();
        assert_eq!(first.grow_to(ROOM_BYTES).await, Ok(()));
        let start = tokio::time::Instant::now();
        assert_eq!(room.share().grow_to(1).await, Err(BodyError::TooMany));
        assert_eq!(start.elapsed(), WAIT);
        drop(first);
        let mut second = room.share();
        assert_eq!(second.grow_to(10).await, Ok(()));
        assert_eq!(second.grow_to(ROOM_BYTES).await, Ok(()));
    }
}
