//! What one trace, or many together, add to the service graph.
//!
//! In: an assembled trace, other contributions, bytes. Out: numbers per node and edge that add and
//! subtract. Owns them. Of a trace that is still in progress nothing counts, except for the map of
//! that one trace.

use std::collections::BTreeMap;

use xray_tracing::{SegmentId, TraceId};

use super::stats::{EdgeStats, NodeState, NodeStats, TimesS};
use crate::backend::local::trace::codec::{Reader, Writer};
use crate::backend::local::trace::{
    Call, CalleeKind, Entry, EntryIndex, Node, ServiceId, Trace, read_service, write_service,
};

/// Most links of a trace that are followed.
const MAX_LINKS: usize = 100;
const VERSION: u64 = 1;

/// Numbers per node and edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contribution {
    /// By service.
    pub nodes: BTreeMap<ServiceId, NodeStats>,
    /// By caller, callee and kind.
    pub edges: BTreeMap<EdgeKey, EdgeStats>,
}

/// Which edge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EdgeKey {
    /// Caller, or producer of a link.
    pub from: ServiceId,
    /// Callee, or consumer of a link.
    pub to: ServiceId,
    /// Call or link.
    pub kind: EdgeKind,
}

/// What an edge stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EdgeKind {
    /// A request that somebody waits for.
    Call,
    /// A trace that led to another (`links`).
    Link,
}

/// The other end of a link: who produced it and when that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkEnd {
    /// The producer.
    pub service: ServiceId,
    /// Epoch seconds; none while it is in progress.
    pub end_s: Option<f64>,
}

impl LinkEnd {
    /// The entity of `trace` with this id, as the end of a link.
    pub fn of(trace: &Trace, id: SegmentId) -> Option<Self> {
        let index = trace.find(id)?;
        Some(Self { service: trace.service(index)?, end_s: trace.entry(index)?.end_s })
    }
}

/// What still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfinished {
    /// Counts nothing, and hides the whole trace if it is its root.
    LeftOut,
    /// Is shown.
    Shown,
}

impl Contribution {
    /// What `trace` adds to a graph of many. `link_end` finds the entity that a link speaks of, in
    /// any trace.
    pub fn of(trace: &Trace, link_end: &dyn Fn(TraceId, SegmentId) -> Option<LinkEnd>) -> Self {
        Sums::new(trace, Unfinished::LeftOut).contribution(link_end)
    }

    /// The graph of `trace` alone, with what is still in progress.
    pub fn with_unfinished(
        trace: &Trace,
        link_end: &dyn Fn(TraceId, SegmentId) -> Option<LinkEnd>,
    ) -> Self {
        Sums::new(trace, Unfinished::Shown).contribution(link_end)
    }

    /// Adds the numbers of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (service, stats) in &other.nodes {
            match self.nodes.get_mut(service) {
                Some(known) => known.merge(stats),
                None => drop(self.nodes.insert(service.clone(), stats.clone())),
            }
        }
        for (key, stats) in &other.edges {
            match self.edges.get_mut(key) {
                Some(known) => known.merge(stats),
                None => drop(self.edges.insert(key.clone(), stats.clone())),
            }
        }
    }

    /// Takes away numbers that were added before; nodes and edges of no trace vanish.
    pub fn subtract(&mut self, other: &Self) {
        for (service, stats) in &other.nodes {
            if let Some(known) = self.nodes.get_mut(service) {
                known.subtract(stats);
            }
        }
        for (key, stats) in &other.edges {
            if let Some(known) = self.edges.get_mut(key) {
                known.subtract(stats);
            }
        }
        self.nodes.retain(|_, stats| stats.traces > 0);
        self.edges.retain(|_, stats| stats.traces > 0);
    }

    /// Adds nothing.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty()
    }

    /// The numbers as bytes, for the row of a trace.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let out = &mut Writer::new(&mut bytes);
        out.number(VERSION);
        out.list(self.nodes.iter(), |out, (service, stats)| {
            write_service(out, service);
            stats.write(out);
        });
        let services: Vec<_> = self.nodes.keys().collect();
        out.list(self.edges.iter(), |out, (key, stats)| {
            for end in [&key.from, &key.to] {
                // A producer of another trace has no node here.
                let place = services.binary_search(&end).ok();
                out.option(place, |out, place| out.number(place as u64));
                if place.is_none() {
                    write_service(out, end);
                }
            }
            out.number(u64::from(key.kind == EdgeKind::Link));
            stats.write(out);
        });
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote; none if it is damaged or of another version.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let from = &mut Reader::new(bytes);
        if from.number()? != VERSION {
            return None;
        }
        let nodes = from.list(|from| Some((read_service(from)?, NodeStats::read(from)?)))?;
        let end = |from: &mut Reader<'_>| match from.option(Reader::number)? {
            Some(place) => Some(nodes.get(usize::try_from(place).ok()?)?.0.clone()),
            None => read_service(from),
        };
        let edges = from.list(|from| {
            let (caller, callee) = (end(from)?, end(from)?);
            let kind = if from.number()? == 1 { EdgeKind::Link } else { EdgeKind::Call };
            Some((EdgeKey { from: caller, to: callee, kind }, EdgeStats::read(from)?))
        })?;
        let edges = edges.into_iter().collect();
        from.is_done().then(|| Self { nodes: nodes.into_iter().collect(), edges })
    }
}

impl Trace {
    /// The entities of other traces that this one links to.
    pub fn links(&self) -> impl Iterator<Item = (EntryIndex, TraceId, SegmentId)> {
        let all = self.indexed().flat_map(|(index, entry)| {
            let links = entry.entity.links.iter();
            links.filter_map(move |link| Some((index, link.trace_id?, link.id?)))
        });
        all.take(MAX_LINKS)
    }
}

/// Sums up one trace.
struct Sums<'a> {
    trace: &'a Trace,
    unfinished: Unfinished,
    times_s: TimesS,
    /// Of each entry the last end below it, itself included.
    tails_s: Vec<f64>,
    sums: Contribution,
}

impl<'a> Sums<'a> {
    fn new(trace: &'a Trace, unfinished: Unfinished) -> Self {
        let root = trace.root().and_then(|root| trace.entry(root));
        // Between 1970 and 9999.
        let start_s = root.map_or(trace.start_time_s(), |root| root.start_s).floor() as i64;
        let times_s = Some((start_s, start_s.saturating_add(1)));
        Self { trace, unfinished, times_s, tails_s: tails(trace), sums: Contribution::default() }
    }

    fn contribution(
        mut self,
        link_end: &dyn Fn(TraceId, SegmentId) -> Option<LinkEnd>,
    ) -> Contribution {
        let topology = self.trace.topology();
        for (service, node) in &topology.nodes {
            self.add_node(service, node);
        }
        for call in &topology.calls {
            self.add_call(call);
        }
        self.add_links(link_end);
        for stats in self.sums.nodes.values_mut() {
            (stats.traces, stats.times_s) = (1, self.times_s);
        }
        for stats in self.sums.edges.values_mut() {
            (stats.traces, stats.times_s) = (1, self.times_s);
        }
        self.sums
    }

    /// The entry, if it counts at all.
    fn counted(&self, index: EntryIndex) -> Option<&'a Entry> {
        let entry = self.trace.entry(index)?;
        let shown = self.unfinished == Unfinished::Shown;
        (shown || (entry.end_s.is_some() && !self.of_open_root(index))).then_some(entry)
    }

    /// Whether it hangs under a root that is in progress.
    fn of_open_root(&self, index: EntryIndex) -> bool {
        // Tops are in order of place, and each is followed by all that hangs under it.
        let tops = self.trace.tops();
        let after = tops.partition_point(|top| *top <= index);
        let top = after.checked_sub(1).and_then(|place| self.trace.entry(*tops.get(place)?));
        top.is_some_and(|top| top.is_segment() && !top.orphan && top.end_s.is_none())
    }

    fn add_node(&mut self, service: &ServiceId, node: &Node) {
        let mut stats = NodeStats { state: state(node), ..NodeStats::default() };
        let mut counted = false;
        for index in node.segments.iter().chain(&node.inferred_from) {
            let Some(entry) = self.counted(*index) else { continue };
            counted = true;
            stats.roots += u64::from(entry.is_segment() && entry.parent.is_none() && !entry.orphan);
            let Some(time_us) = entry.duration_us() else {
                stats.pending += 1;
                continue;
            };
            let tail_s = match entry.is_segment() {
                true => self.tails_s.get(index.at()).map_or(0.0, |end_s| end_s - entry.start_s),
                false => entry.duration_s().unwrap_or(0.0),
            };
            stats.counts.add(entry.status(), time_us);
            stats.response.add(time_us, 1);
            stats.duration.add((tail_s * 1e6).round() as u64, 1);
        }
        // A client comes with its call.
        if counted {
            self.sums.nodes.insert(service.clone(), stats);
        }
    }

    fn add_call(&mut self, call: &Call) {
        let Some(says) = call.subsegment.or(call.segment).and_then(|says| self.counted(says))
        else {
            return;
        };
        // A callee may be in progress though the call has ended.
        for end in [&call.from, &call.to] {
            if !self.sums.nodes.contains_key(end) {
                let state = if end == &call.to { NodeState::Active } else { NodeState::Unknown };
                self.sums.nodes.insert(end.clone(), NodeStats { state, ..NodeStats::default() });
            }
        }
        let key = EdgeKey { from: call.from.clone(), to: call.to.clone(), kind: EdgeKind::Call };
        let stats = self.sums.edges.entry(key).or_default();
        if let Some(time_us) = says.duration_us() {
            stats.counts.add(says.status(), time_us);
            stats.response.add(time_us, 1);
        }
        if let Some(alias) = &call.alias {
            *stats.aliases.entry(alias.clone()).or_default() += 1;
        }
    }

    fn add_links(&mut self, link_end: &dyn Fn(TraceId, SegmentId) -> Option<LinkEnd>) {
        for (index, trace, id) in self.trace.links() {
            let Some(consumer) = self.counted(index) else { continue };
            let Some(to) = self.trace.service(index) else { continue };
            let Some(LinkEnd { service: from, end_s: Some(end_s) }) = link_end(trace, id) else {
                continue;
            };
            let age_s = (consumer.start_s - end_s).max(0.0);
            let key = EdgeKey { from, to, kind: EdgeKind::Link };
            let stats = self.sums.edges.entry(key).or_default();
            stats.age.add((age_s * 1e6).round() as u64, 1);
        }
    }
}

fn state(node: &Node) -> NodeState {
    match node.callee {
        _ if !node.segments.is_empty() => NodeState::Active,
        Some(CalleeKind::Remote) => NodeState::Passive,
        Some(CalleeKind::Sql | CalleeKind::Aws) | None => NodeState::Unknown,
    }
}

/// Of each entry the last end below it, itself included.
fn tails(trace: &Trace) -> Vec<f64> {
    let end_s = |entry: &Entry| entry.end_s.unwrap_or(entry.start_s);
    let mut tails: Vec<f64> = trace.entries().iter().map(end_s).collect();
    for (index, entry) in trace.indexed().rev() {
        let tail_s = tails.get(index.at()).copied().unwrap_or(0.0);
        if let Some(parent) = entry.parent.and_then(|parent| tails.get_mut(parent.at())) {
            *parent = parent.max(tail_s);
        }
    }
    tails
}
