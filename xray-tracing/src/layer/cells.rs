//! What this thread knows about spans, by id: the short way to "is my parent sampled, and where?"
//!
//! In: spans as they are created on this thread, or looked up. Out: the answer in ~2 ns. Owns 64
//! cells a thread; a cell that was taken by another span means only the long way, up the registry.
//!
//! An id comes back after its span has closed, so that an answer may be stale. Ids name the thread
//! that created them: for spans *of this thread* a new use of the id overwrites the cell, and the
//! answer is right. (Unless a filter kept that new span from the layer: where that can be, the
//! callsite is compared as well.) For spans *of other threads* "sampled" is checked against the record
//! itself, and "unsampled" is used only where a wrong answer costs a time stamp, see
//! [`Known::UnsampledElsewhere`].

use std::cell::Cell;

use tracing_core::Metadata;

use super::open_trace::Place;

const CELLS: usize = 64;

/// What is known of a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Known {
    Nothing,
    Unsampled,
    /// Looked up here, created on another thread.
    UnsampledElsewhere,
    Recorded(Place),
    /// Looked up here, created on another thread; to be checked against the record.
    RecordedElsewhere(Place),
}

#[derive(Clone, Copy)]
struct Entry {
    /// Registry ids are never 0.
    span: u64,
    /// Which of the process's tracers: their registries use the same ids.
    tracer: u32,
    /// Address of the span's metadata.
    callsite: usize,
    known: Known,
}

/// Who asks about, or tells of, which span.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) tracer: u32,
    pub(crate) span: u64,
    /// 0 where the span is known to be the layer's.
    pub(crate) callsite: usize,
}

pub(crate) fn callsite_of(metadata: &'static Metadata<'static>) -> usize {
    std::ptr::from_ref(metadata).addr()
}

thread_local! {
    static KNOWN: [Cell<Entry>; CELLS] = const {
        [const { Cell::new(NOTHING) }; CELLS]
    };
}

const NOTHING: Entry = Entry { span: 0, tracer: 0, callsite: 0, known: Known::Nothing };

fn cell_of(span: u64) -> usize {
    span as usize % CELLS
}

pub(crate) fn get(of: Subject) -> Known {
    let entry = KNOWN.try_with(|known| known[cell_of(of.span)].get());
    match entry {
        Ok(entry)
            if entry.span == of.span
                && entry.tracer == of.tracer
                && (of.callsite == 0 || entry.callsite == of.callsite) =>
        {
            entry.known
        }
        _ => Known::Nothing,
    }
}

pub(crate) fn set(of: Subject, known: Known) {
    let Subject { tracer, span, callsite } = of;
    // Without thread-locals, at the very end of a thread, everything goes the long way.
    KNOWN.try_with(|cells| cells[cell_of(span)].set(Entry { span, tracer, callsite, known })).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tracer: u32, span: u64) -> Subject {
        Subject { tracer, span, callsite: 0 }
    }

    #[test]
    fn a_cell_answers_for_its_own_span_and_tracer_only() {
        let next = 100 + CELLS as u64;
        set(of(1, 100), Known::Unsampled);
        assert_eq!(get(of(1, 100)), Known::Unsampled);
        assert_eq!(get(of(2, 100)), Known::Nothing);
        assert_eq!(get(of(1, next)), Known::Nothing);
        set(of(1, next), Known::UnsampledElsewhere);
        assert_eq!(get(of(1, 100)), Known::Nothing);
    }

    #[test]
    fn where_it_is_asked_for_the_callsite_must_be_the_same() {
        set(Subject { callsite: 8, ..of(1, 7) }, Known::Unsampled);
        assert_eq!(get(Subject { callsite: 8, ..of(1, 7) }), Known::Unsampled);
        assert_eq!(get(Subject { callsite: 9, ..of(1, 7) }), Known::Nothing);
        assert_eq!(get(of(1, 7)), Known::Unsampled);
    }

    #[test]
    fn other_threads_know_nothing() {
        set(of(1, 5), Known::Unsampled);
        let elsewhere = std::thread::spawn(|| get(of(1, 5))).join().unwrap();
        assert_eq!(elsewhere, Known::Nothing);
    }
}
