//! The layer's side of the sender's thread.
//!
//! In: parts from the queue, and orders to sweep. Out: documents. Owns the assembler; holds the
//! tracer weakly, so that the thread ends when nobody records any more.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::assembler::{Assembler, Identity};
use super::body::Body;
use super::open_trace::Part;
use super::tracer::Tracer;
use crate::emitter::{Counters, Source, Sweep};

#[derive(Debug)]
pub(crate) struct Feed {
    tracer: Weak<Tracer>,
    counters: Arc<Counters>,
    assembler: Assembler,
    /// Bodies to be given back, in few goes: those who record take them under the same lock.
    emptied: Vec<Body>,
    longest_sleep: Duration,
}

/// Bodies that are given back in one go.
const RETURNED_TOGETHER: usize = 32;

impl Feed {
    pub(crate) fn new(tracer: &Arc<Tracer>, identity: Identity) -> Self {
        let counters = Arc::clone(&tracer.counters);
        Self {
            tracer: Arc::downgrade(tracer),
            counters,
            assembler: Assembler::new(identity),
            emptied: Vec::new(),
            longest_sleep: longest_sleep(tracer.settings.announces_after_ns),
        }
    }
}

/// Open segments must be looked at about as often as they are to be announced.
fn longest_sleep(announces_after_ns: Option<u64>) -> Duration {
    let after = announces_after_ns.map_or(Duration::MAX, Duration::from_nanos);
    after.clamp(Duration::from_millis(100), Duration::from_secs(10))
}

impl Source for Feed {
    type Item = Part;

    fn sweep(&mut self, reach: Sweep) {
        if let Some(tracer) = self.tracer.upgrade() {
            tracer.sweep(reach == Sweep::All);
        }
    }

    fn longest_sleep(&self) -> Duration {
        self.longest_sleep
    }

    fn encode(&mut self, mut part: Part, emit: &mut dyn FnMut(&[u8])) {
        self.assembler.write(&part, &self.counters, emit);
        part.body.clear();
        self.emptied.push(part.body);
        if self.emptied.len() >= RETURNED_TOGETHER
            && let Some(tracer) = self.tracer.upgrade()
        {
            tracer.recycle(self.emptied.drain(..));
        }
    }
}
