//! What this thread knows about spans, by id: the short way to "is my parent sampled, and where?"
//!
//! In: spans as they are created on this thread, or looked up. Out: the answer in ~2 ns. Owns 64
//! cells a thread; a cell that was taken by another span means only the long way, up the registry.
//!
//! An id comes back after its span has closed, so that an answer may be stale. Ids name the thread
//! that created them: for spans *of this thread* a new use of the id overwrites the cell, and the
//! answer is always right. For spans *of other threads* "sampled" is checked against the record
//! itself, and "unsampled" is used only where a wrong answer costs a time stamp, see
//! [`Known::UnsampledElsewhere`].

use std::cell::Cell;

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
    known: Known,
}

thread_local! {
    static KNOWN: [Cell<Entry>; CELLS] = const {
        [const { Cell::new(Entry { span: 0, tracer: 0, known: Known::Nothing }) }; CELLS]
    };
}

fn cell_of(span: u64) -> usize {
    span as usize % CELLS
}

pub(crate) fn get(tracer: u32, span: u64) -> Known {
    let entry = KNOWN.try_with(|known| known[cell_of(span)].get());
    match entry {
        Ok(entry) if entry.span == span && entry.tracer == tracer => entry.known,
        _ => Known::Nothing,
    }
}

pub(crate) fn set(tracer: u32, span: u64, known: Known) {
    // Without thread-locals, at the very end of a thread, everything goes the long way.
    KNOWN.try_with(|cells| cells[cell_of(span)].set(Entry { span, tracer, known })).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_answers_for_its_own_span_and_tracer_only() {
        set(1, 100, Known::Unsampled);
        assert_eq!(get(1, 100), Known::Unsampled);
        assert_eq!(get(2, 100), Known::Nothing);
        assert_eq!(get(1, 100 + CELLS as u64), Known::Nothing);
        set(1, 100 + CELLS as u64, Known::UnsampledElsewhere);
        assert_eq!(get(1, 100), Known::Nothing);
    }

    #[test]
    fn other_threads_know_nothing() {
        set(1, 5, Known::Unsampled);
        let elsewhere = std::thread::spawn(|| get(1, 5)).join().unwrap();
        assert_eq!(elsewhere, Known::Nothing);
    }
}
