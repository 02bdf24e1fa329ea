//! A call to somebody else, from its beginning to its end.
//!
//! In: name and values of the call. Out: a remote subsegment. Owns its record and its span, and
//! ends both when dropped: a future that is given up is over as well.

#[cfg(any(feature = "reqwest", feature = "sqlx"))]
use std::error::Error;
use std::sync::Arc;

use tracing::Span;

#[cfg(any(feature = "reqwest", feature = "aws", feature = "tower"))]
use crate::SegmentId;
#[cfg(any(feature = "reqwest", feature = "sqlx"))]
use crate::layer::errors;
use crate::layer::handover::{self, Handed};
use crate::layer::open_trace::Place;
use crate::layer::record::{Flags, Key, Name, Record, Value};
use crate::layer::scratch::Scratch;
use crate::layer::{Tracer, clock};

#[derive(Debug)]
pub(in crate::capture) struct Subsegment {
    tracer: Arc<Tracer>,
    place: Place,
    /// The call's own; of a call of the AWS SDK nothing can be run inside it.
    #[cfg_attr(
        not(any(feature = "reqwest", feature = "sqlx", feature = "tower")),
        expect(dead_code, reason = "it is only kept open")
    )]
    span: Span,
    is_over: bool,
}

impl Subsegment {
    /// Begins below `parent`; `read` says what is known. `None` if the trace is over or full.
    pub(in crate::capture) fn begin(
        tracer: &Arc<Tracer>,
        parent: Place,
        name: &str,
        flags: Flags,
        read: impl FnOnce(&mut Scratch),
    ) -> Option<Self> {
        let place = Scratch::with(|scratch| {
            let name = Name::Text(scratch.body.add_text(name));
            read(scratch);
            let mut record = Record::new(fastrand::u64(1..), name, clock::now_ns());
            record.flags = flags.with(Flags::REMOTE).with(Flags::CAPTURED);
            tracer.add(parent, record, scratch)
        })?;
        // Its name is in the record; the span is only there to be a parent.
        let create = || tracing::info_span!(target: handover::TARGET, "call");
        let span = handover::with_span(tracer, Handed::Subsegment(place), create);
        Some(Self { tracer: Arc::clone(tracer), place, span, is_over: false })
    }

    /// For the `Parent` of the header that goes with the call.
    #[cfg(any(feature = "reqwest", feature = "aws", feature = "tower"))]
    pub(in crate::capture) fn id(&self) -> SegmentId {
        SegmentId::from_u64(self.place.id)
    }

    /// The span to make the call in.
    #[cfg(any(feature = "reqwest", feature = "sqlx", feature = "tower"))]
    pub(in crate::capture) fn span(&self) -> &Span {
        &self.span
    }

    /// Adds what `read` says; it goes on.
    #[cfg(feature = "tower")]
    pub(in crate::capture) fn add(&self, flags: Flags, read: impl FnOnce(&mut Scratch)) {
        Scratch::with(|scratch| {
            read(scratch);
            self.tracer.enrich(self.place, scratch, flags);
        });
    }

    /// Ends it with what `read` says.
    pub(in crate::capture) fn end(mut self, flags: Flags, read: impl FnOnce(&mut Scratch)) {
        self.is_over = true;
        Scratch::with(|scratch| {
            read(scratch);
            self.tracer.end(self.place, scratch, flags);
        });
    }

    /// Ends it with an error.
    #[cfg(any(feature = "reqwest", feature = "sqlx"))]
    pub(in crate::capture) fn fail(self, error: &(dyn Error + 'static)) {
        self.end(Flags::FAULT, |scratch| errors::add_chain(scratch, error));
    }
}

impl Drop for Subsegment {
    fn drop(&mut self) {
        if !self.is_over {
            Scratch::with(|scratch| {
                scratch.add(Key::Field("cancelled"), Value::Bool(true));
                self.tracer.end(self.place, scratch, Flags::default());
            });
        }
    }
}
