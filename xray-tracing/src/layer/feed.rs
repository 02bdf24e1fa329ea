//! The layer's side of the sender's thread.
//!
//! In: parts from the queue, and orders to sweep. Out: documents. Owns the assembler; holds the
//! tracer weakly, so that the thread ends when nobody records any more.

use std::sync::{Arc, Weak};

use super::assembler::{Assembler, Identity};
use super::open_trace::Part;
use super::record::Body;
use super::tracer::Tracer;
use crate::emitter::{Counters, Source, Sweep};

#[derive(Debug)]
pub(crate) struct Feed {
    tracer: Weak<Tracer>,
    counters: Arc<Counters>,
    assembler: Assembler,
    /// Bodies to be given back, in few goes: those who record take them under the same lock.
    emptied: Vec<Body>,
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
        }
    }
}

impl Source for Feed {
    type Item = Part;

    fn sweep(&mut self, reach: Sweep) {
        if let Some(tracer) = self.tracer.upgrade() {
            tracer.sweep(reach == Sweep::All);
        }
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
