//! The numbers of a node and of an edge: they add, subtract, and turn into bytes.
//!
//! In: requests, other numbers, bytes. Out: sums, bytes. Owns the numbers.

use std::collections::BTreeMap;

use super::{Counts, Histogram};
use crate::backend::local::trace::codec::{Reader, Writer};
use crate::backend::local::trace::{ServiceId, read_service, write_service};

/// How a node came into the graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeState {
    /// It reported segments.
    Active,
    /// A `remote` callee that did not report.
    Passive,
    /// A client, a database or an AWS resource.
    #[default]
    Unknown,
}

impl NodeState {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::Unknown => "unknown",
        }
    }
}

/// Epoch seconds: floor of the first and floor + 1 of the last root start.
pub type TimesS = Option<(i64, i64)>;

/// Numbers of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeStats {
    /// How it came into the graph.
    pub state: NodeState,
    /// Traces in which it takes part.
    pub traces: u64,
    /// Traces that start here.
    pub roots: u64,
    /// Segments in progress; only in the graph of one trace.
    pub pending: u64,
    /// When those traces started.
    pub times_s: TimesS,
    /// Finished requests.
    pub counts: Counts,
    /// Own time of each.
    pub response: Histogram,
    /// Time of each with its asynchronous tails.
    pub duration: Histogram,
}

/// Numbers of an edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EdgeStats {
    /// Traces in which it occurs.
    pub traces: u64,
    /// As of the node it starts from.
    pub times_s: TimesS,
    /// Finished calls; all 0 for a link.
    pub counts: Counts,
    /// Time of each call, seen by the caller.
    pub response: Histogram,
    /// From the end of the producer to the start of the consumer (links).
    pub age: Histogram,
    /// Names that callers use for a callee that reported, with how often.
    pub aliases: BTreeMap<ServiceId, u64>,
}

impl NodeStats {
    /// Adds the numbers of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.state = self.state.min(other.state);
        self.traces = self.traces.saturating_add(other.traces);
        self.roots = self.roots.saturating_add(other.roots);
        self.pending = self.pending.saturating_add(other.pending);
        self.times_s = union(self.times_s, other.times_s);
        self.counts.merge(&other.counts);
        self.response.merge(&other.response);
        self.duration.merge(&other.duration);
    }

    /// Takes away numbers that were added before. Times stay as wide as they were.
    pub fn subtract(&mut self, other: &Self) {
        self.traces = self.traces.saturating_sub(other.traces);
        self.roots = self.roots.saturating_sub(other.roots);
        self.pending = self.pending.saturating_sub(other.pending);
        self.counts.subtract(&other.counts);
        self.response.subtract(&other.response);
        self.duration.subtract(&other.duration);
    }

    /// Appends a compact form to `bytes`.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        self.write(&mut Writer::new(bytes));
    }

    /// Reads what [`encode`](Self::encode) wrote; none if it is damaged.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let from = &mut Reader::new(bytes);
        Self::read(from).filter(|_| from.is_done())
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        out.number(match self.state {
            NodeState::Active => 0,
            NodeState::Passive => 1,
            NodeState::Unknown => 2,
        });
        out.number(self.traces);
        out.number(self.roots);
        out.number(self.pending);
        write_times(out, self.times_s);
        self.counts.write(out);
        self.response.write(out);
        self.duration.write(out);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let state = match from.number()? {
            0 => NodeState::Active,
            1 => NodeState::Passive,
            2 => NodeState::Unknown,
            _ => return None,
        };
        Some(Self {
            state,
            traces: from.number()?,
            roots: from.number()?,
            pending: from.number()?,
            times_s: read_times(from)?,
            counts: Counts::read(from)?,
            response: Histogram::read(from)?,
            duration: Histogram::read(from)?,
        })
    }
}

impl EdgeStats {
    /// Adds the numbers of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.traces = self.traces.saturating_add(other.traces);
        self.times_s = union(self.times_s, other.times_s);
        self.counts.merge(&other.counts);
        self.response.merge(&other.response);
        self.age.merge(&other.age);
        for (alias, count) in &other.aliases {
            let known = self.aliases.entry(alias.clone()).or_default();
            *known = known.saturating_add(*count);
        }
    }

    /// Takes away numbers that were added before. Times stay as wide as they were.
    pub fn subtract(&mut self, other: &Self) {
        self.traces = self.traces.saturating_sub(other.traces);
        self.counts.subtract(&other.counts);
        self.response.subtract(&other.response);
        self.age.subtract(&other.age);
        self.aliases.retain(|alias, count| {
            *count = count.saturating_sub(other.aliases.get(alias).copied().unwrap_or(0));
            *count > 0
        });
    }

    /// Appends a compact form to `bytes`.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        self.write(&mut Writer::new(bytes));
    }

    /// Reads what [`encode`](Self::encode) wrote; none if it is damaged.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let from = &mut Reader::new(bytes);
        Self::read(from).filter(|_| from.is_done())
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        out.number(self.traces);
        write_times(out, self.times_s);
        self.counts.write(out);
        self.response.write(out);
        self.age.write(out);
        out.list(self.aliases.iter(), |out, (alias, count)| {
            write_service(out, alias);
            out.number(*count);
        });
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            traces: from.number()?,
            times_s: read_times(from)?,
            counts: Counts::read(from)?,
            response: Histogram::read(from)?,
            age: Histogram::read(from)?,
            aliases: from
                .list(|from| Some((read_service(from)?, from.number()?)))?
                .into_iter()
                .collect(),
        })
    }
}

/// The times that cover both.
pub(super) fn union(one: TimesS, other: TimesS) -> TimesS {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}

fn write_times(out: &mut Writer<'_>, times_s: TimesS) {
    out.option(times_s, |out, (from_s, to_s)| {
        out.signed(from_s);
        out.signed(to_s.saturating_sub(from_s));
    });
}

fn read_times(from: &mut Reader<'_>) -> Option<TimesS> {
    from.option(|from| {
        let from_s = from.signed()?;
        Some((from_s, from_s.checked_add(from.signed()?)?))
    })
}
