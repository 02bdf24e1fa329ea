//! The layer's side of the sender's thread.
//!
//! In: parts from the queue, and orders to sweep. Out: documents. Owns the assembler; holds the
//! tracer weakly, so that the thread ends when nobody records any more.

use std::sync::{Arc, Weak};

use super::assembler::{Assembler, Identity};
use super::open_trace::Part;
use super::tracer::Tracer;
use crate::emitter::{Counters, Source, Sweep};

#[derive(Debug)]
pub(crate) struct Feed {
    tracer: Weak<Tracer>,
    counters: Arc<Counters>,
    assembler: Assembler,
}

impl Feed {
    pub(crate) fn new(tracer: &Arc<Tracer>, identity: Identity) -> Self {
        let counters = Arc::clone(&tracer.counters);
        Self { tracer: Arc::downgrade(tracer), counters, assembler: Assembler::new(identity) }
    }
}

impl Source for Feed {
    type Item = Part;

    fn sweep(&mut self, reach: Sweep) {
        if let Some(tracer) = self.tracer.upgrade() {
            tracer.sweep(reach == Sweep::All);
        }
    }

    fn encode(&mut self, part: Part, emit: &mut dyn FnMut(&[u8])) {
        self.assembler.write(&part, &self.counters, emit);
        if let Some(tracer) = self.tracer.upgrade() {
            tracer.recycle(part);
        }
    }
}
