//! Ids of what the document has and the span has not.
//!
//! In: the ids of a span. Out: ids that are always the same for it, so that a document made twice,
//! for two backends or sent again, is the same document. Owns nothing.

use crate::{SegmentId, TraceId};

/// Which of the ids of a span.
#[derive(Clone, Copy)]
pub(super) enum Derived {
    /// The segment that stands above a call.
    Service,
    /// The exception of this number.
    Exception(usize),
    /// The subsegment of this number, which has no id of its own.
    Child(usize),
}

/// An id that follows from the span's own.
pub(super) fn derive(trace_id: TraceId, id: SegmentId, what: Derived) -> SegmentId {
    let salt = match what {
        Derived::Service => 0,
        Derived::Exception(number) => number as u64 + 1,
        Derived::Child(number) => !(number as u64),
    };
    let bytes = trace_id.to_bytes();
    let words = bytes
        .chunks_exact(8)
        .map(|word| word.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)));
    let mixed = words.chain([id.to_u64(), salt]).fold(0, |bits, word| mix(bits ^ word));
    SegmentId::from_u64(mixed.max(1))
}

/// The finalizer of SplitMix64: every bit of the input reaches every bit of the output.
fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_repeatable_and_differ() {
        let trace = TraceId::random();
        let of = |what| derive(trace, SegmentId::from_u64(7), what);
        assert_eq!(of(Derived::Service), of(Derived::Service));
        let exceptions = (0..1000).map(|number| of(Derived::Exception(number)));
        let ids: HashSet<_> = exceptions.chain([of(Derived::Service)]).collect();
        assert_eq!(ids.len(), 1001);
        assert_ne!(of(Derived::Service), derive(trace, SegmentId::from_u64(8), Derived::Service));
    }
}
