//! Pages of traces.
//!
//! In: a [`TraceQuery`]. Out: a [`Page`] of summaries, newest first. A page is cut short rather than
//! late: when a filter finds little, it ends after [`MAX_SEARCH`] and says where to go on.

use std::ops::ControlFlow;
use std::time::Duration;

use rusqlite::Connection;

use super::candidates::{Candidates, End};
use super::error::StoreError;
use super::query::{Page, TraceQuery};
use super::readers::Deadline;
use super::selection::Selection;
use crate::backend::local::filter::Groups;
use crate::backend::local::trace::Summary;
use xray_tracing::TraceId;

/// Longest search for one page.
const MAX_SEARCH: Duration = Duration::from_millis(1_500);
/// Most traces in a page, whatever is asked for.
const MAX_PAGE: usize = 1_000;
/// Bytes of summaries after which a page ends. Most have some hundred; one of a hostile trace may
/// have millions.
const MAX_PAGE_BYTES: usize = 8 << 20;

pub(super) fn traces(
    db: &Connection,
    deadline: &Deadline,
    query: &TraceQuery,
    groups: &dyn Groups,
) -> Result<Page<Summary>, StoreError> {
    let TraceQuery { window, range, ref filter, rate, after, limit } = *query;
    let selection = Selection::new(db, window, range, &filter.pushdown())?;
    let deadline = deadline.within(MAX_SEARCH);
    let candidates = Candidates {
        db,
        selection: &selection,
        filter,
        groups,
        window,
        range,
        deadline: &deadline,
    };
    let limit = limit.clamp(1, MAX_PAGE);
    let mut items = Vec::new();
    let (mut last, mut page_bytes) = (after, 0_usize);
    let end = candidates.walk(", length(t.summary)", after, |found| {
        if items.len() == limit || page_bytes > MAX_PAGE_BYTES {
            // One more: so the page is not the last.
            return Ok(ControlFlow::Break(()));
        }
        last = Some(found.key);
        page_bytes += found.get::<usize>(0)?;
        let summary = found.summary()?;
        if is_chosen(summary.id, rate) {
            items.push(summary);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let next = match end {
        End::Reached => None,
        End::StoppedAfter(_) if items.len() == limit || page_bytes > MAX_PAGE_BYTES => last,
        End::StoppedAfter(key) => Some(key),
    };
    let processed = selection.count(db, after, next)?;
    Ok(Page { items, next, processed })
}

/// Chooses a share of all traces by their ids: the same ones whoever asks, and when.
fn is_chosen(id: TraceId, rate: f64) -> bool {
    if rate >= 1.0 {
        return true;
    }
    // Ids that other tracers make may carry a counter or a time anywhere: mix all bits.
    let bits = u128::from_be_bytes(id.to_bytes());
    let mut hash = (bits >> 64) as u64 ^ bits as u64;
    for _ in 0..2 {
        hash = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    ((hash >> 11) as f64 / (1_u64 << 53) as f64) < rate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_chooses_about_that_share_and_always_the_same() {
        let ids: Vec<_> = (0..10_000_u128)
            .map(|number| TraceId::from_bytes((number << 40).to_be_bytes()))
            .collect();
        let chosen = |rate| ids.iter().filter(|id| is_chosen(**id, rate)).count();
        assert_eq!(chosen(1.0), 10_000);
        assert_eq!(chosen(0.0), 0);
        assert!((2_300..2_700).contains(&chosen(0.25)), "{}", chosen(0.25));
        assert!(ids.iter().all(|id| !is_chosen(*id, 0.1) || is_chosen(*id, 0.2)));
    }
}
