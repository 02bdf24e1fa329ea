//! What this thread knows about spans, by id: the short way to "is my parent sampled, and where?"
//!
//! In: spans as they are created on this thread, or looked up. Out: the answer in ~2 ns. Owns 64
//! cells a thread; a cell that was taken by another span means only the long way, up the registry.
//!
//! An id comes back after its span has closed, so that an answer may be stale. Ids name the thread
//! that created them: for spans *of this thread* a new use of the id overwrites the cell, and the
//! answer is right. For spans *of other threads* "sampled" is checked against the record itself, and
//! "unsampled" is used only where a wrong answer costs a time stamp, see
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

/// Three arrays, so that the answer "unsampled" needs two words.
struct Cells {
    /// Registry ids are never 0.
    spans: [Cell<u64>; CELLS],
    /// The tracer (the registries of two use the same ids) and what is known.
    tags: [Cell<u64>; CELLS],
    places: [Cell<Place>; CELLS],
}

const UNSAMPLED: u64 = 1;
const UNSAMPLED_ELSEWHERE: u64 = 2;
const RECORDED: u64 = 3;
const RECORDED_ELSEWHERE: u64 = 4;

thread_local! {
    static KNOWN: Cells = const {
        Cells {
            spans: [const { Cell::new(0) }; CELLS],
            tags: [const { Cell::new(0) }; CELLS],
            places: [const { Cell::new(Place::NOWHERE) }; CELLS],
        }
    };
}

fn tag(tracer: u32, kind: u64) -> u64 {
    u64::from(tracer) << 8 | kind
}

#[inline]
pub(crate) fn get(tracer: u32, span: u64) -> Known {
    let index = span as usize % CELLS;
    let known = KNOWN.try_with(|cells| {
        if cells.spans[index].get() != span {
            return Known::Nothing;
        }
        // Another tracer's tag is none of these.
        match cells.tags[index].get() ^ tag(tracer, 0) {
            UNSAMPLED => Known::Unsampled,
            UNSAMPLED_ELSEWHERE => Known::UnsampledElsewhere,
            RECORDED => Known::Recorded(cells.places[index].get()),
            RECORDED_ELSEWHERE => Known::RecordedElsewhere(cells.places[index].get()),
            _ => Known::Nothing,
        }
    });
    known.unwrap_or(Known::Nothing)
}

#[inline]
pub(crate) fn set(tracer: u32, span: u64, known: Known) {
    let (kind, place) = match known {
        Known::Nothing => (0, None),
        Known::Unsampled => (UNSAMPLED, None),
        Known::UnsampledElsewhere => (UNSAMPLED_ELSEWHERE, None),
        Known::Recorded(place) => (RECORDED, Some(place)),
        Known::RecordedElsewhere(place) => (RECORDED_ELSEWHERE, Some(place)),
    };
    let index = span as usize % CELLS;
    let write = |cells: &Cells| {
        cells.spans[index].set(span);
        cells.tags[index].set(tag(tracer, kind));
        if let Some(place) = place {
            cells.places[index].set(place);
        }
    };
    // Without thread-locals, at the very end of a thread, everything goes the long way.
    KNOWN.try_with(write).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_answers_for_its_own_span_and_tracer_only() {
        let next = 100 + CELLS as u64;
        set(1, 100, Known::Unsampled);
        assert_eq!(get(1, 100), Known::Unsampled);
        assert_eq!(get(2, 100), Known::Nothing);
        assert_eq!(get(1, next), Known::Nothing);
        set(1, next, Known::UnsampledElsewhere);
        assert_eq!(get(1, 100), Known::Nothing);
    }

    #[test]
    fn every_answer_comes_back_as_it_was_given() {
        let place = Place { id: 7, index: 3, ..Place::default() };
        for known in [
            Known::Nothing,
            Known::Unsampled,
            Known::UnsampledElsewhere,
            Known::Recorded(place),
            Known::RecordedElsewhere(place),
        ] {
            set(3, 9, known);
            assert_eq!(get(3, 9), known);
        }
    }

    #[test]
    fn other_threads_know_nothing() {
        set(1, 5, Known::Unsampled);
        let elsewhere = std::thread::spawn(|| get(1, 5)).join().unwrap();
        assert_eq!(elsewhere, Known::Nothing);
    }
}
