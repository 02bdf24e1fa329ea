//! The critical path: what the response waited for, moment by moment.
//!
//! In: an assembled trace. Out: for each entity on the path the stretches in which the response
//! waited for that entity itself, not for something below it. Owns nothing. Walked backwards from
//! the end of the root: what ended last was waited for, then what had ended before that began.

use std::collections::HashMap;

use super::{Entry, EntryIndex, Trace};

/// Clocks of two hosts differ: a child may seem to end this much later than its parent (a share of
/// the parent's time, but at least [`MIN_SKEW_S`]) and still have been waited for.
const MAX_SKEW: f64 = 0.05;
/// See [`MAX_SKEW`].
const MIN_SKEW_S: f64 = 0.001;

/// A stretch of time, in epoch seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) start_s: f64,
    pub(super) end_s: f64,
}

/// Empty while the root is in progress. Stretches of an entity are in order of time.
pub(super) fn critical_path(trace: &Trace) -> HashMap<EntryIndex, Vec<Stretch>> {
    let mut path = HashMap::new();
    let root = trace.root().and_then(|root| Some((root, trace.entry(root)?)));
    let Some((root, end_s)) = root.and_then(|(root, entry)| Some((root, entry.end_s?))) else {
        return path;
    };
    let start_s = trace.entry(root).map_or(end_s, |entry| entry.start_s);
    let mut waiting = vec![(root, Stretch { start_s, end_s })];
    while let Some((index, within)) = waiting.pop() {
        let Some(entry) = trace.entry(index) else { continue };
        let mut own = Vec::new();
        // Until when the response had waited for what came later.
        let mut until_s = within.end_s;
        for (child, stretch) in waited_for(trace, entry, within) {
            let end_s = stretch.end_s.min(until_s);
            if stretch.start_s >= end_s {
                continue;
            }
            own.push(Stretch { start_s: end_s, end_s: until_s });
            waiting.push((child, Stretch { start_s: stretch.start_s, end_s }));
            until_s = stretch.start_s;
        }
        own.push(Stretch { start_s: within.start_s, end_s: until_s });
        own.reverse();
        path.insert(index, own);
    }
    path
}

/// The children that `entry` can have waited for within a time, last end first; cut to that time.
fn waited_for(trace: &Trace, entry: &Entry, within: Stretch) -> Vec<(EntryIndex, Stretch)> {
    let parent_end_s = entry.end_s.unwrap_or(within.end_s);
    let skew_s = ((parent_end_s - entry.start_s) * MAX_SKEW).max(MIN_SKEW_S);
    let stretch = |index: &EntryIndex| {
        let child = trace.entry(*index)?;
        let end_s = child.end_s.filter(|end_s| *end_s <= parent_end_s + skew_s)?;
        let start_s = child.start_s.max(within.start_s);
        Some((*index, Stretch { start_s, end_s: end_s.min(within.end_s) }))
    };
    let mut children: Vec<_> = entry.children.iter().filter_map(stretch).collect();
    children.sort_by(|(_, one), (_, other)| other.end_s.total_cmp(&one.end_s));
    children
}
