//! Which calls are further tries of a call that failed.
//!
//! In: an assembled trace. Out: the number of the try, for calls that were tried again. Owns
//! nothing. A call counts as a further try if the one before it, to the same callee for the same
//! thing, failed and had ended.

use std::collections::HashMap;

use super::words::Words;
use super::{Entry, EntryIndex, Status, Trace};

/// The number of the try, from 1. Calls that were made once, or again after success, have none.
pub(super) fn tries(trace: &Trace) -> HashMap<EntryIndex, u32> {
    let mut tries = HashMap::new();
    for parent in trace.entries().iter().filter(|entry| entry.children.len() > 1) {
        let mut last: HashMap<(String, String), (EntryIndex, u32)> = HashMap::new();
        for child in &parent.children {
            let Some(call) = trace.entry(*child) else { continue };
            let Some(callee) = call.callee() else { continue };
            let words = Words::subsegment(&call.entity, Some(&callee));
            let same = last.entry((words.name, words.detail)).or_insert((*child, 1));
            let before = trace.entry(same.0).filter(|_| same.0 != *child);
            if before.is_some_and(|before| failed_before(before, call)) {
                tries.insert(same.0, same.1);
                *same = (*child, same.1.saturating_add(1));
                tries.insert(*child, same.1);
            } else {
                *same = (*child, 1);
            }
        }
    }
    tries
}

fn failed_before(before: &Entry, call: &Entry) -> bool {
    let failed = matches!(before.status(), Status::Fault | Status::Error | Status::Throttle);
    failed && before.end_s.is_some_and(|end_s| end_s <= call.start_s)
}
