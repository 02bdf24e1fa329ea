//! The spans that this thread is in, as far as the layer has seen them.
//!
//! In: spans entered and left. Out: the current one. Owns a stack a thread. It says what the
//! registry says (below a per-layer filter: the current span that the filter lets through), without
//! the registry's look-up: 10 ns a span less.

use std::cell::{Cell, RefCell};

/// Deeper spans are kept in a vector. Few threads ever get there, and the array needs no clean-up at
/// the end of the thread, which would have to be looked at with every access.
const SHALLOW: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entered {
    tracer: u32,
    span: u64,
}

struct Shallow {
    /// How many spans are entered; those above [`SHALLOW`] are in `DEEP`.
    depth: Cell<usize>,
    spans: [Cell<Entered>; SHALLOW],
}

const NOTHING: Entered = Entered { tracer: 0, span: 0 };

thread_local! {
    static STACK: Shallow = const {
        Shallow { depth: Cell::new(0), spans: [const { Cell::new(NOTHING) }; SHALLOW] }
    };
    static DEEP: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

#[inline]
pub(crate) fn enter(tracer: u32, span: u64) {
    let entered = Entered { tracer, span };
    // Without thread-locals, at the very end of a thread, there is no current span.
    STACK
        .try_with(|stack| {
            let depth = stack.depth.get();
            stack.depth.set(depth + 1);
            match stack.spans.get(depth) {
                Some(top) => top.set(entered),
                None => with_deep(|deep| deep.push(entered)),
            }
        })
        .ok();
}

#[inline]
pub(crate) fn exit(tracer: u32, span: u64) {
    let left = Entered { tracer, span };
    STACK
        .try_with(|stack| {
            let top = stack.depth.get().wrapping_sub(1);
            match stack.spans.get(top) {
                Some(entered) if entered.get() == left => stack.depth.set(top),
                _ => stack.remove(left),
            }
        })
        .ok();
}

/// The registry's id of the current span of `tracer`.
#[inline]
pub(crate) fn current(tracer: u32) -> Option<u64> {
    STACK.try_with(|stack| stack.current(tracer)).ok().flatten()
}

/// The tracer of the span entered last, whichever it is.
pub(crate) fn top_tracer() -> Option<u32> {
    let top = |stack: &Shallow| {
        let below = stack.depth.get().min(SHALLOW).checked_sub(1)?;
        Some(stack.spans.get(below)?.get().tracer)
    };
    STACK.try_with(top).ok().flatten()
}

impl Shallow {
    /// Removes what does not stand on top of the array: guards were kept, futures swapped spans, or
    /// the stack is deep.
    #[cold]
    fn remove(&self, left: Entered) {
        let depth = self.depth.get();
        let was_deep = with_deep(|deep| {
            let found = deep.iter().rposition(|entered| *entered == left);
            found.map(|at| deep.remove(at)).is_some()
        });
        if was_deep {
            return self.depth.set(depth - 1);
        }
        let filled = self.spans.get(..depth.min(SHALLOW)).unwrap_or_default();
        let Some(at) = filled.iter().rposition(|entered| entered.get() == left) else { return };
        for (to, from) in filled.iter().skip(at).zip(filled.iter().skip(at + 1)) {
            to.set(from.get());
        }
        // The lowest of the deep ones moves up into the array.
        if let (Some(last), true) = (filled.last(), depth > SHALLOW) {
            with_deep(|deep| last.set(deep.remove(0)));
        }
        self.depth.set(depth - 1);
    }

    fn current(&self, tracer: u32) -> Option<u64> {
        let depth = self.depth.get();
        if depth > SHALLOW {
            return self.current_of_deep(tracer);
        }
        let mut below = self.spans.get(..depth)?;
        while let Some((top, rest)) = below.split_last() {
            let top = top.get();
            // A span entered again is still where it was entered first.
            if top.tracer == tracer && !rest.iter().any(|entered| entered.get() == top) {
                return Some(top.span);
            }
            below = rest;
        }
        None
    }

    #[cold]
    fn current_of_deep(&self, tracer: u32) -> Option<u64> {
        let mut all: Vec<_> = self.spans.iter().map(Cell::get).collect();
        with_deep(|deep| all.extend_from_slice(deep));
        let is_first = |at: usize| !all.iter().take(at).any(|below| Some(below) == all.get(at));
        let of_tracer = all.iter().enumerate().rev().filter(|(_, top)| top.tracer == tracer);
        of_tracer.filter(|(at, _)| is_first(*at)).map(|(_, top)| top.span).next()
    }
}

fn with_deep<R: Default>(work: impl FnOnce(&mut Vec<Entered>) -> R) -> R {
    let ran = DEEP.try_with(|deep| deep.try_borrow_mut().ok().map(|mut deep| work(&mut deep)));
    ran.ok().flatten().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_span_entered_is_current_for_its_tracer() {
        assert_eq!(current(1), None);
        enter(1, 10);
        enter(2, 10);
        enter(1, 11);
        assert_eq!((current(1), current(2), current(3)), (Some(11), Some(10), None));
        exit(1, 11);
        exit(2, 10);
        assert_eq!((current(1), current(2)), (Some(10), None));
        exit(1, 10);
        assert_eq!(current(1), None);
    }

    #[test]
    fn spans_may_be_left_in_any_order() {
        for span in 1..=3 {
            enter(1, span);
        }
        exit(1, 2);
        assert_eq!(current(1), Some(3));
        exit(1, 3);
        assert_eq!(current(1), Some(1));
        exit(1, 9); // never entered
        exit(1, 1);
        assert_eq!(current(1), None);
    }

    #[test]
    fn a_deep_stack_is_left_in_any_order_as_well() {
        for span in 1..=50 {
            enter(1, span);
        }
        assert_eq!(current(1), Some(50));
        exit(1, 40);
        exit(1, 5);
        exit(1, 50);
        enter(2, 7);
        assert_eq!((current(1), current(2)), (Some(49), Some(7)));
        exit(2, 7);
        let mut left = Vec::new();
        while let Some(span) = current(1) {
            left.push(span);
            exit(1, span);
        }
        let expected: Vec<_> = (1..50).rev().filter(|span| *span != 40 && *span != 5).collect();
        assert_eq!(left, expected);
    }

    #[test]
    fn a_span_entered_again_does_not_become_current_as_in_the_registry() {
        for span in [1, 2, 1] {
            enter(1, span);
        }
        assert_eq!(current(1), Some(2));
        exit(1, 1);
        assert_eq!(current(1), Some(2));
    }
}
