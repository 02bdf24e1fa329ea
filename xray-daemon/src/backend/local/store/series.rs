//! The numbers of one part of the service graph in the course of time.
//!
//! In: a window, a filter, and a node, an edge or the requests from outside. Out: a point for each
//! period in which traces were received, newest first. As for the graph: few traces are added up one
//! by one, many come from the sums of whole minutes.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::graph::{matches, share_of, summed_sorts};
use super::names::read_node;
use super::query::{Period, SeriesPart, SeriesPoint, SeriesQuery};
use super::readers::{Deadline, MAX_QUESTION};
use super::row::{Sort, microseconds, minute};
use super::sums::{kind_from_number, sort_to_number};
use crate::backend::local::filter::Groups;
use crate::backend::local::graph::{
    Contribution, Counts, EdgeKey, EdgeKind, EdgeStats, Histogram, NodeStats,
};

/// Up to so many traces are added up one by one.
const MAX_EXACT: usize = 2_000;
/// Most traces looked at for a filter, newest first.
const MAX_FILTERED: usize = 20_000;

/// Points by the end of their period, in epoch seconds.
type Points = BTreeMap<i64, (Counts, Histogram)>;

pub(super) fn series(
    db: &Connection,
    deadline: &Deadline,
    query: &SeriesQuery,
    groups: &dyn Groups,
) -> Result<Vec<SeriesPoint>, StoreError> {
    let all = query.filter.is_empty();
    let summed = summed_sorts(&query.filter);
    let most = if summed.is_some() { MAX_EXACT } else { MAX_FILTERED };
    let traces = received_in(db, query, most + 1)?;
    let points = if let Some(sorts) = summed
        && traces.len() > most
    {
        from_minutes(db, query, sorts)?
    } else {
        let mut points = Points::new();
        for (trace, received_us) in traces {
            if deadline.passed() {
                return Err(StoreError::TimedOut(MAX_QUESTION));
            }
            if all || matches(db, trace, &query.filter, groups)? {
                add_trace(&mut points, query, &share_of(db, trace)?, received_us);
            }
        }
        points
    };
    let point = |(end_s, (counts, response))| SeriesPoint { end_s, counts, response };
    Ok(points.into_iter().rev().map(point).collect())
}

/// Keys of the traces that were received in the window, with when, newest first.
fn received_in(
    db: &Connection,
    query: &SeriesQuery,
    most: usize,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT key, updated_us FROM trace INDEXED BY trace_updated
         WHERE updated_us BETWEEN ? AND ? ORDER BY updated_us DESC LIMIT ?",
    )?;
    let (start, end) = (microseconds(query.window.start_s), microseconds(query.window.end_s));
    let rows =
        statement.query_map(params![start, end, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn add_trace(points: &mut Points, query: &SeriesQuery, share: &Contribution, received_us: i64) {
    // The moment itself ends its period; a whole second does not begin the next.
    let second = received_us.div_euclid(1_000_000) + i64::from(received_us % 1_000_000 != 0);
    let end_s = query.period.end_of(second);
    let mut add = |counts: &Counts, response: &Histogram| add_to(points, end_s, counts, response);
    match &query.part {
        SeriesPart::Service(wanted) => {
            for (_, stats) in share.nodes.iter().filter(|(service, _)| wanted.matches(service)) {
                add(&stats.counts, &stats.response);
            }
        }
        part => {
            for (_, stats) in share.edges.iter().filter(|(edge, _)| part.has_edge(edge)) {
                add(&stats.counts, &stats.response);
            }
        }
    }
}

fn add_to(points: &mut Points, end_s: i64, counts: &Counts, response: &Histogram) {
    if counts.total() == 0 {
        return;
    }
    let (sum, all) = points.entry(end_s).or_default();
    sum.merge(counts);
    all.merge(response);
}

fn from_minutes(
    db: &Connection,
    query: &SeriesQuery,
    last_sort: Sort,
) -> Result<Points, StoreError> {
    let last_sort = sort_to_number(last_sort);
    let first = minute(microseconds(query.window.start_s));
    let last = minute(microseconds(query.window.end_s));
    let mut points = Points::new();
    let end_of = |minute: i64| query.period.end_of(minute.saturating_add(1).saturating_mul(60));
    if let SeriesPart::Service(wanted) = &query.part {
        let mut nodes = db.prepare_cached(
            "SELECT n.name, n.type, n.account, m.last_minute, m.stats
             FROM node_minute m JOIN node n ON n.id = m.node
             WHERE m.first_minute <= ?2 AND m.last_minute BETWEEN ?1 AND ?2
               AND m.sort <= ?3",
        )?;
        let mut rows = nodes.query([first, last, last_sort])?;
        while let Some(row) = rows.next()? {
            if wanted.matches(&read_node(row, 0)?) {
                let stats = row.get_ref(4)?.as_blob().ok().and_then(NodeStats::decode);
                let stats = stats.ok_or(StoreError::Damaged("sum of a node"))?;
                add_to(&mut points, end_of(row.get(3)?), &stats.counts, &stats.response);
            }
        }
        return Ok(points);
    }
    let mut edges = db.prepare_cached(
        "SELECT s.name, s.type, s.account, t.name, t.type, t.account, m.kind, m.last_minute, m.stats
         FROM edge_minute m JOIN node s ON s.id = m.source JOIN node t ON t.id = m.target
         WHERE m.first_minute <= ?2 AND m.last_minute BETWEEN ?1 AND ?2
               AND m.sort <= ?3",
    )?;
    let mut rows = edges.query([first, last, last_sort])?;
    while let Some(row) = rows.next()? {
        let kind = kind_from_number(row.get(6)?).ok_or(StoreError::Damaged("kind of an edge"))?;
        if query.part.has_edge(&EdgeKey { from: read_node(row, 0)?, to: read_node(row, 3)?, kind })
        {
            let stats = row.get_ref(8)?.as_blob().ok().and_then(EdgeStats::decode);
            let stats = stats.ok_or(StoreError::Damaged("sum of an edge"))?;
            add_to(&mut points, end_of(row.get(7)?), &stats.counts, &stats.response);
        }
    }
    Ok(points)
}

impl SeriesPart {
    fn has_edge(&self, edge: &EdgeKey) -> bool {
        match self {
            Self::Incoming => edge.from.is_client(),
            Self::Edge(from, to) => {
                edge.kind == EdgeKind::Call && from.matches(&edge.from) && to.matches(&edge.to)
            }
            Self::Service(_) => false,
        }
    }
}

impl Period {
    /// The end of the period that `second` ends or lies in.
    fn end_of(self, second: i64) -> i64 {
        let length = i64::from(self.seconds());
        second.saturating_add(length - 1).div_euclid(length).saturating_mul(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_at_a_whole_multiple() {
        assert_eq!(Period::Minute.end_of(60), 60);
        assert_eq!(Period::Minute.end_of(61), 120);
        assert_eq!(Period::FiveMinutes.end_of(61), 300);
    }
}
