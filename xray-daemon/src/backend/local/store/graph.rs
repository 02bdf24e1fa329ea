//! The service graph of a window.
//!
//! In: a window and a filter. Out: a [`ServiceGraph`]. A trace belongs to the window if it was
//! received in it or its root ended in it. Few traces are added up one by one, exactly; many come
//! from the sums of whole minutes, so that an hour costs as much as its minutes have nodes.

use rusqlite::{Connection, params};
use xray_tracing::TraceId;

use super::candidates::load_summary;
use super::error::StoreError;
use super::names::read_node;
use super::query::Window;
use super::readers::{Deadline, MAX_QUESTION};
use super::row::{Sort, microseconds, minute};
use super::sums::{kind_from_number, sort_to_number};
use super::{documents, links};
use crate::backend::local::filter::{Filter, Groups, TraceView};
use crate::backend::local::graph::{
    Contribution, EdgeKey, EdgeStats, LinkEnd, NodeStats, ServiceGraph,
};
use crate::backend::local::trace::Trace;

/// Up to so many traces are added up one by one.
const MAX_EXACT: usize = 500;
/// Most traces looked at for a filter, newest first.
const MAX_FILTERED: usize = 20_000;

/// The graph of the traces of `window` that `filter` lets through.
pub(super) fn of_window(
    db: &Connection,
    deadline: &Deadline,
    window: Window,
    filter: &Filter,
    groups: &dyn Groups,
) -> Result<ServiceGraph, StoreError> {
    let all = filter.is_empty();
    let summed = summed_sorts(filter);
    let most = if summed.is_some() { MAX_EXACT } else { MAX_FILTERED };
    let traces = traces_of(db, window, most + 1)?;
    if let Some(sorts) = summed
        && traces.len() > most
    {
        return from_minutes(db, window, sorts).map(ServiceGraph::build);
    }
    let mut sum = Contribution::default();
    for trace in traces.into_iter().take(most) {
        if deadline.passed() {
            return Err(StoreError::TimedOut(MAX_QUESTION));
        }
        if all || matches(db, trace, filter, groups)? {
            sum.merge(&share_of(db, trace)?);
        }
    }
    Ok(ServiceGraph::build(sum))
}

/// The graph of these traces, with links between them alone.
pub(super) fn of_traces(traces: &[Trace]) -> ServiceGraph {
    let mut sum = Contribution::default();
    for trace in traces {
        sum.merge(&Contribution::with_unfinished(trace, &|id, segment| {
            LinkEnd::of(traces.iter().find(|other| other.id() == id)?, segment)
        }));
    }
    ServiceGraph::build(sum)
}

/// Keys of at most `most` traces that belong to `window`, the newest of each sort.
fn traces_of(db: &Connection, window: Window, most: usize) -> Result<Vec<i64>, StoreError> {
    let (start, end) = (microseconds(window.start_s), microseconds(window.end_s));
    // No trace is in two parts. First those that were received in the window. Then those that were
    // received around it, and whose root ended in it. Then imported ones: their root ended in it, and
    // they were received at another time altogether.
    const PARTS: [&str; 4] = [
        "SELECT key FROM trace INDEXED BY trace_updated
         WHERE updated_us BETWEEN ?1 AND ?2 ORDER BY updated_us DESC LIMIT ?5",
        "SELECT key FROM trace INDEXED BY trace_updated
         WHERE updated_us BETWEEN ?1 - 120000000 AND ?2 + 120000000
           AND updated_us NOT BETWEEN ?1 AND ?2 AND first_minute = last_minute
           AND root_end_us BETWEEN ?1 AND ?2 LIMIT ?5",
        "SELECT key FROM trace INDEXED BY trace_first_minute
         WHERE first_minute <> last_minute AND first_minute BETWEEN ?3 AND ?4
           AND updated_us NOT BETWEEN ?1 AND ?2 AND root_end_us BETWEEN ?1 AND ?2 LIMIT ?5",
        "SELECT key FROM trace INDEXED BY trace_last_minute
         WHERE first_minute <> last_minute AND last_minute BETWEEN ?3 AND ?4
           AND NOT first_minute BETWEEN ?3 AND ?4
           AND updated_us NOT BETWEEN ?1 AND ?2 AND root_end_us BETWEEN ?1 AND ?2 LIMIT ?5",
    ];
    let mut keys = Vec::new();
    for part in PARTS {
        let left = most.saturating_sub(keys.len());
        if left == 0 {
            break;
        }
        let mut statement = db.prepare_cached(part)?;
        // The first part has no use for the minutes.
        let minutes = (minute(start), minute(end));
        let rows = statement
            .query_map(params![start, end, minutes.0, minutes.1, left], |row| row.get(0))?;
        for key in rows {
            keys.push(key?);
        }
    }
    Ok(keys)
}

/// What a trace adds, as it was kept, or made from its documents.
pub(super) fn share_of(db: &Connection, trace: i64) -> Result<Contribution, StoreError> {
    let mut statement = db.prepare_cached("SELECT graph, id FROM trace WHERE key = ?")?;
    let mut rows = statement.query([trace])?;
    let row = rows.next()?.ok_or(StoreError::Damaged("row of a trace"))?;
    let kept = row.get_ref(0)?.as_blob().ok().and_then(Contribution::decode);
    if let Some(share) = kept {
        return Ok(share);
    }
    let id = TraceId::from_bytes(row.get(1)?);
    Ok(links::share_of(db, &Trace::assemble(id, documents::load(db, trace)?)))
}

/// Whether `filter` lets a trace through.
pub(super) fn matches(
    db: &Connection,
    trace: i64,
    filter: &Filter,
    groups: &dyn Groups,
) -> Result<bool, StoreError> {
    let summary = load_summary(db, trace)?;
    let assembled = if filter.needs_segments(groups) {
        Some(Trace::assemble(summary.id, documents::load(db, trace)?))
    } else {
        None
    };
    Ok(filter.matches(&TraceView { summary: &summary, trace: assembled.as_ref(), groups }))
}

/// The sorts of sums that are the answer to `filter`, as their highest number; none where traces
/// must be looked at.
pub(super) fn summed_sorts(filter: &Filter) -> Option<Sort> {
    if filter.is_empty() {
        Some(Sort::HealthCheck)
    } else if filter.only_hides_health_checks() {
        Some(Sort::Request)
    } else {
        None
    }
}

/// The sums of the minutes that `window` touches, of sorts up to `last_sort`.
fn from_minutes(
    db: &Connection,
    window: Window,
    last_sort: Sort,
) -> Result<Contribution, StoreError> {
    let last_sort = sort_to_number(last_sort);
    let (first, last) = (minute(microseconds(window.start_s)), minute(microseconds(window.end_s)));
    let mut sum = Contribution::default();
    let mut nodes = db.prepare_cached(
        "SELECT n.name, n.type, n.account, m.stats FROM (
           SELECT node, stats FROM node_minute
             WHERE first_minute BETWEEN ?1 AND ?2 AND sort <= ?3
           UNION ALL SELECT node, stats FROM node_minute INDEXED BY node_last_minute
             WHERE first_minute <> last_minute AND last_minute BETWEEN ?1 AND ?2
               AND first_minute < ?1 AND sort <= ?3) m
         JOIN node n ON n.id = m.node",
    )?;
    let mut rows = nodes.query([first, last, last_sort])?;
    while let Some(row) = rows.next()? {
        let stats = row.get_ref(3)?.as_blob().ok().and_then(NodeStats::decode);
        let stats = stats.ok_or(StoreError::Damaged("sum of a node"))?;
        sum.merge(&Contribution {
            nodes: [(read_node(row, 0)?, stats)].into(),
            ..Contribution::default()
        });
    }
    let mut edges = db.prepare_cached(
        "SELECT s.name, s.type, s.account, t.name, t.type, t.account, m.kind, m.stats FROM (
           SELECT source, target, kind, stats FROM edge_minute
             WHERE first_minute BETWEEN ?1 AND ?2 AND sort <= ?3
           UNION ALL SELECT source, target, kind, stats
             FROM edge_minute INDEXED BY edge_last_minute
             WHERE first_minute <> last_minute AND last_minute BETWEEN ?1 AND ?2
               AND first_minute < ?1 AND sort <= ?3) m
         JOIN node s ON s.id = m.source JOIN node t ON t.id = m.target",
    )?;
    let mut rows = edges.query([first, last, last_sort])?;
    while let Some(row) = rows.next()? {
        let kind = kind_from_number(row.get(6)?).ok_or(StoreError::Damaged("kind of an edge"))?;
        let key = EdgeKey { from: read_node(row, 0)?, to: read_node(row, 3)?, kind };
        let stats = row.get_ref(7)?.as_blob().ok().and_then(EdgeStats::decode);
        let stats = stats.ok_or(StoreError::Damaged("sum of an edge"))?;
        sum.merge(&Contribution { edges: [(key, stats)].into(), ..Contribution::default() });
    }
    Ok(sum)
}
