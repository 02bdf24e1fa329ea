//! Numbers over all traces of a window: how many, how they ended, when, how long they took.
//!
//! In: a [`SurveyQuery`]. Out: a [`Survey`], from one walk. Without a filter that must see the traces
//! themselves, the walk stays within the index.

use std::ops::ControlFlow;
use std::time::Duration;

use rusqlite::Connection;

use super::candidates::{Candidates, End};
use super::error::StoreError;
use super::query::{Bucket, LatencyBin, StatusCounts, Survey, SurveyQuery, TimeRange};
use super::readers::Deadline;
use super::row::{ANY_FAULT, ERROR, EXCEPTION, FAULT, IN_PROGRESS, THROTTLE, seconds};
use super::selection::Selection;
use crate::backend::local::filter::Groups;

/// Longest walk; what was seen until then are the newest traces.
const MAX_WALK: Duration = Duration::from_millis(2_500);
/// Most slices and bins.
const MAX_SLICES: usize = 1_000;

pub(super) fn survey(
    db: &Connection,
    deadline: &Deadline,
    query: &SurveyQuery,
    groups: &dyn Groups,
) -> Result<Survey, StoreError> {
    let SurveyQuery { window, ref filter, buckets, bins } = *query;
    let selection = Selection::new(db, window, TimeRange::TraceId, &filter.pushdown())?;
    let deadline = deadline.within(MAX_WALK);
    let candidates = Candidates {
        db,
        selection: &selection,
        filter,
        groups,
        window,
        range: TimeRange::TraceId,
        deadline: &deadline,
    };
    let mut survey = Survey { buckets: slices(query, buckets), ..Survey::default() };
    let width_s = (window.end_s - window.start_s) / survey.buckets.len() as f64;
    let mut response_s = Vec::new();
    let end = candidates.walk(", t.flags, t.response_s", None, |found| {
        let flags: i64 = found.get(0)?;
        let took: Option<f64> = found.get(1)?;
        response_s.extend(took);
        survey.matched += 1;
        survey.in_progress += u64::from(flags & IN_PROGRESS != 0);
        survey.any_fault += u64::from(flags & ANY_FAULT != 0);
        survey.with_exception += u64::from(flags & EXCEPTION != 0);
        count(&mut survey.total, flags);
        let place = ((seconds(found.key.time_us) - window.start_s) / width_s).max(0.0) as usize;
        // The end of the window belongs to the last slice.
        let place = place.min(survey.buckets.len().saturating_sub(1));
        if let Some(bucket) = survey.buckets.get_mut(place) {
            count(&mut bucket.counts, flags);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    survey.complete = end == End::Reached;
    survey.processed = selection.count(db, None, None)?;
    response_s.sort_unstable_by(f64::total_cmp);
    survey.latency = latency(&response_s, bins);
    let quantile = |share: f64| {
        let place = (share * response_s.len() as f64).ceil() as usize;
        response_s.get(place.saturating_sub(1)).copied()
    };
    (survey.p50_s, survey.p90_s) = (quantile(0.5), quantile(0.9));
    (survey.p95_s, survey.p99_s) = (quantile(0.95), quantile(0.99));
    Ok(survey)
}

/// The empty slices of the window.
fn slices(query: &SurveyQuery, buckets: usize) -> Vec<Bucket> {
    let count = buckets.clamp(1, MAX_SLICES);
    let width_s = (query.window.end_s - query.window.start_s) / count as f64;
    (0..count)
        .map(|place| Bucket {
            start_s: query.window.start_s + place as f64 * width_s,
            counts: StatusCounts::default(),
        })
        .collect()
}

fn count(counts: &mut StatusCounts, flags: i64) {
    let counter = if flags & THROTTLE != 0 {
        &mut counts.throttle
    } else if flags & FAULT != 0 {
        &mut counts.fault
    } else if flags & ERROR != 0 {
        &mut counts.error
    } else {
        &mut counts.ok
    };
    *counter += 1;
}

/// Bins of the same width from 0 to the longest response, or none without responses.
fn latency(sorted_s: &[f64], bins: usize) -> Vec<LatencyBin> {
    let Some(longest_s) = sorted_s.last() else { return Vec::new() };
    let bins = bins.clamp(1, MAX_SLICES);
    // All at 0 s still want a bin with a width.
    let width_s = if *longest_s > 0.0 { longest_s / bins as f64 } else { 0.001 };
    let mut latency: Vec<_> = (0..bins)
        .map(|place| LatencyBin {
            from_s: place as f64 * width_s,
            to_s: (place + 1) as f64 * width_s,
            count: 0,
        })
        .collect();
    for took in sorted_s {
        let place = ((took / width_s).max(0.0) as usize).min(bins - 1);
        if let Some(bin) = latency.get_mut(place) {
            bin.count += 1;
        }
    }
    latency
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_reach_from_zero_to_the_longest_response() {
        let counts = |sorted: &[f64], bins| -> Vec<u64> {
            latency(sorted, bins).iter().map(|bin| bin.count).collect()
        };
        assert_eq!(counts(&[0.1, 0.2, 0.9, 1.0], 2), [2, 2]);
        assert_eq!(counts(&[], 2), Vec::<u64>::new());
        assert_eq!(counts(&[0.0, 0.0], 3), [2, 0, 0]);
        let bins = latency(&[2.0], 4);
        assert_eq!((bins[3].from_s, bins[3].to_s, bins[3].count), (1.5, 2.0, 1));
    }

    #[test]
    fn a_throttled_fault_counts_once() {
        let mut counts = StatusCounts::default();
        count(&mut counts, THROTTLE | FAULT | ERROR);
        count(&mut counts, FAULT);
        count(&mut counts, 0);
        assert_eq!(counts, StatusCounts { ok: 1, error: 0, fault: 1, throttle: 1 });
    }
}
