//! Room for the traces that are open, found by a number instead of a pointer.
//!
//! In: traces that begin. Out: each under its own lock, by key. Owns the traces and the buffers
//! that wait for reuse. A key that outlives its trace finds nothing: it names a generation of the
//! slot. So a span may remember where it is recorded without keeping anything alive.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::body::Body;
use super::open_trace::OpenTrace;

/// Traces in the first chunk; each further chunk has twice as many.
const FIRST_CHUNK: u32 = 64;
const CHUNKS: usize = 9;
/// Most traces open at once: all chunks together.
const MAX_OPEN: u32 = FIRST_CHUNK * ((1 << CHUNKS) - 1);
/// Buffers kept for reuse: what a busy service has under way, in numbers and in all their bytes.
const MAX_IDLE_BODIES: usize = 1_024;
const MAX_IDLE_BYTES: usize = 4 << 20;
/// The largest buffer that is kept.
const MAX_IDLE_BODY_BYTES: usize = 64 * 1024;

/// Names a trace that is, or was, open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SlotKey {
    index: u32,
    generation: u32,
}

impl SlotKey {
    /// No trace: slots in use have odd generations.
    pub(crate) const NONE: Self = Self { index: 0, generation: 0 };
}

/// Its own cache lines: neighbours are used by other threads.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Slot(Mutex<Generation>);

#[derive(Debug, Default)]
struct Generation {
    /// Odd while the slot is in use.
    number: u32,
    trace: OpenTrace,
}

#[derive(Debug, Default)]
pub(crate) struct Slots {
    chunks: [OnceLock<Box<[Slot]>>; CHUNKS],
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    free: Vec<u32>,
    /// The first slot that was never used.
    unused: u32,
    bodies: Vec<Body>,
    bodies_bytes: usize,
}

impl Idle {
    fn take_body(&mut self) -> Body {
        let Some(body) = self.bodies.pop() else { return Body::with_room() };
        self.bodies_bytes = self.bodies_bytes.saturating_sub(body.capacity_bytes());
        body
    }

    fn keep(&mut self, body: Body) {
        let bytes = body.capacity_bytes();
        if (1..=MAX_IDLE_BODY_BYTES).contains(&bytes)
            && self.bodies.len() < MAX_IDLE_BODIES
            && self.bodies_bytes + bytes <= MAX_IDLE_BYTES
        {
            self.bodies_bytes += bytes;
            self.bodies.push(body);
        }
    }
}

/// A trace, locked.
pub(crate) struct Locked<'a>(MutexGuard<'a, Generation>);

impl std::ops::Deref for Locked<'_> {
    type Target = OpenTrace;

    fn deref(&self) -> &OpenTrace {
        &self.0.trace
    }
}

impl std::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut OpenTrace {
        &mut self.0.trace
    }
}

impl Slots {
    /// Takes a slot, with an empty body in it; `None` when too many are open.
    pub(crate) fn claim(&self) -> Option<(SlotKey, Locked<'_>)> {
        let mut idle = self.idle();
        let index = match idle.free.pop() {
            Some(index) => index,
            None if idle.unused < MAX_OPEN => {
                idle.unused += 1;
                idle.unused - 1
            }
            None => return None,
        };
        let body = idle.take_body();
        drop(idle);
        let mut slot = self.slot(index)?;
        slot.number = slot.number.wrapping_add(1) | 1;
        slot.trace.body = body;
        Some((SlotKey { index, generation: slot.number }, Locked(slot)))
    }

    /// The trace, unless it has ended.
    pub(crate) fn lock(&self, key: SlotKey) -> Option<Locked<'_>> {
        let slot = self.slot(key.index)?;
        (slot.number == key.generation).then_some(Locked(slot))
    }

    /// Ends the trace; its key finds nothing from now on.
    pub(crate) fn release(&self, key: SlotKey, mut locked: Locked<'_>) {
        locked.0.number = locked.0.number.wrapping_add(1);
        let trace = std::mem::take(&mut locked.0.trace);
        drop(locked);
        let mut idle = self.idle();
        idle.free.push(key.index);
        idle.keep(trace.body);
    }

    /// A body for a trace that goes on.
    pub(crate) fn take_body(&self) -> Body {
        self.idle().take_body()
    }

    /// Takes bodies back whose documents are written; they are empty.
    pub(crate) fn give_bodies(&self, bodies: impl Iterator<Item = Body>) {
        let mut idle = self.idle();
        bodies.for_each(|body| idle.keep(body));
    }

    /// Frees half of the buffers that wait for reuse: called now and then, so that a burst does not
    /// hold its memory for ever.
    pub(crate) fn trim(&self) {
        let mut idle = self.idle();
        let kept = idle.bodies.len() / 2;
        let freed = idle.bodies.split_off(kept);
        idle.bodies_bytes = idle.bodies.iter().map(Body::capacity_bytes).sum();
        drop(idle);
        drop(freed);
    }

    /// Visits every open trace.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(SlotKey, Locked<'_>)) {
        let used = self.idle().unused;
        for index in 0..used {
            let Some(slot) = self.slot(index) else { continue };
            let key = SlotKey { index, generation: slot.number };
            if slot.number % 2 == 1 {
                visit(key, Locked(slot));
            }
        }
    }

    fn slot(&self, index: u32) -> Option<MutexGuard<'_, Generation>> {
        // Chunk k begins at FIRST_CHUNK * (2^k - 1).
        let shifted = index + FIRST_CHUNK;
        let chunk = (shifted / FIRST_CHUNK).ilog2();
        let size = FIRST_CHUNK << chunk;
        let slots = self
            .chunks
            .get(chunk as usize)?
            .get_or_init(|| (0..size).map(|_| Slot::default()).collect());
        let slot = slots.get((shifted - size) as usize)?;
        // Were a thread to panic in here, the worst is a value that is missing.
        Some(slot.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_slot_is_a_place_of_its_own() {
        let slots = Slots::default();
        let keys: Vec<_> = (0..1_000).map(|_| slots.claim().unwrap().0).collect();
        let addresses: HashSet<_> = keys
            .iter()
            .map(|key| std::ptr::from_ref::<OpenTrace>(&slots.lock(*key).unwrap()))
            .collect();
        assert_eq!(addresses.len(), 1_000);
        let mut visited = 0;
        slots.for_each(|_, _| visited += 1);
        assert_eq!(visited, 1_000);
    }

    #[test]
    fn a_key_finds_nothing_once_its_trace_has_ended() {
        let slots = Slots::default();
        let (first, locked) = slots.claim().unwrap();
        slots.release(first, locked);
        assert!(slots.lock(first).is_none());
        let (second, locked) = slots.claim().unwrap();
        drop(locked);
        assert_eq!(second.index, first.index);
        assert!(slots.lock(first).is_none());
        assert!(slots.lock(second).is_some());
    }

    #[test]
    fn the_number_of_open_traces_is_bounded() {
        let slots = Slots::default();
        for _ in 0..MAX_OPEN {
            assert!(slots.claim().is_some());
        }
        assert!(slots.claim().is_none());
    }
}
