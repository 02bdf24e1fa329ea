//! Which services take part in a trace, and who calls whom.
//!
//! In: an assembled trace. Out: nodes and calls, those of the trace's graph. Owns nothing. A callee
//! that does not report is known by the call alone ("inferred"), once the call has ended.

use std::collections::BTreeMap;

use super::callee::{Callee, CalleeKind};
use super::{Entry, EntryIndex, EntryKind, ServiceId, Trace};

/// Nodes and calls of one trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    /// By name and type.
    pub nodes: BTreeMap<ServiceId, Node>,
    /// In reading order; several of the same nodes if there were several calls.
    pub calls: Vec<Call>,
}

/// A service of the trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// The segments that it reported.
    pub segments: Vec<EntryIndex>,
    /// Finished calls to it that it did not report.
    pub inferred_from: Vec<EntryIndex>,
    /// What sort of callee it is, where it is known by calls alone.
    pub callee: Option<CalleeKind>,
    /// It reported the root of the trace.
    pub holds_root: bool,
}

/// A call, as an edge of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The caller.
    pub from: ServiceId,
    /// The callee.
    pub to: ServiceId,
    /// The subsegment that says how it went for the caller. None for the client's call, and where
    /// the caller made no call subsegment; then the callee's segment says it.
    pub subsegment: Option<EntryIndex>,
    /// The segment that the callee reported.
    pub segment: Option<EntryIndex>,
    /// How the caller calls a callee that reported.
    pub alias: Option<ServiceId>,
}

impl Topology {
    /// The nodes and calls of `trace`.
    pub fn of(trace: &Trace) -> Self {
        let mut topology = Self::default();
        for (index, entry) in trace.indexed() {
            match entry.kind {
                EntryKind::Segment => topology.add_segment(trace, index, entry),
                EntryKind::Subsegment => topology.add_subsegment(trace, index, entry),
            }
        }
        topology
    }

    fn add_segment(&mut self, trace: &Trace, index: EntryIndex, segment: &Entry) {
        let Some(to) = trace.service(index) else { return };
        let node = self.nodes.entry(to.clone()).or_default();
        node.segments.push(index);
        let starts_trace = segment.parent.is_none() && !segment.orphan;
        node.holds_root |= starts_trace;
        let call = |from| Call { from, to, subsegment: None, segment: Some(index), alias: None };
        if starts_trace {
            let client = ServiceId::new(&segment.entity.name, Some(ServiceId::CLIENT));
            self.nodes.entry(client.clone()).or_default();
            self.calls.push(call(client));
            return;
        }
        // Below a call subsegment it was counted there.
        let parent = segment.parent.and_then(|parent| Some((parent, trace.entry(parent)?)));
        if let Some((parent, caller)) = parent.filter(|(_, caller)| caller.callee().is_none())
            && let Some(from) = trace.service(parent).filter(|_| caller.segment.is_some())
        {
            self.calls.push(call(from));
        }
    }

    fn add_subsegment(&mut self, trace: &Trace, index: EntryIndex, subsegment: &Entry) {
        let Some(callee) = subsegment.callee() else { return };
        let Some(from) = trace.service(index) else { return };
        let mut reported = BTreeMap::new();
        for child in &subsegment.children {
            let is_segment = trace.entry(*child).is_some_and(Entry::is_segment);
            if let Some(service) = trace.service(*child).filter(|_| is_segment) {
                reported.entry(service).or_insert(*child);
            }
        }
        let call = |to, segment, alias| Call {
            from: from.clone(),
            to,
            subsegment: Some(index),
            segment,
            alias,
        };
        if reported.is_empty() && subsegment.end_s.is_some() {
            let node = self.nodes.entry(callee.service.clone()).or_default();
            node.inferred_from.push(index);
            node.callee = Some(callee.kind);
            self.calls.push(call(callee.service.clone(), None, None));
        }
        // A retry behind one call subsegment is one call for the caller.
        for (to, segment) in reported {
            self.calls.push(call(to, Some(segment), Some(callee.service.clone())));
        }
    }
}

impl Entry {
    /// Whom it calls; none for segments and for work inside the service.
    pub fn callee(&self) -> Option<Callee> {
        if self.is_segment() { None } else { Callee::of(&self.entity) }
    }
}

impl Trace {
    /// The service that reported the segment at `index` (or holds the subsegment there).
    pub fn service(&self, index: EntryIndex) -> Option<ServiceId> {
        let segment = &self.entry(self.entry(index)?.segment?)?.entity;
        let origin = segment.origin.as_deref().filter(|origin| !origin.is_empty());
        let account_id = segment.aws.as_ref().and_then(|aws| aws.account_id.clone());
        Some(ServiceId { account_id, ..ServiceId::new(&segment.name, origin) })
    }

    /// The callee of the subsegment at `index`, if the call has ended and the callee reported
    /// nothing.
    pub fn inferred(&self, index: EntryIndex) -> Option<Callee> {
        let entry = self.entry(index)?;
        let is_segment = |child: &EntryIndex| self.entry(*child).is_some_and(Entry::is_segment);
        if entry.end_s.is_none() || entry.children.iter().any(is_segment) {
            return None;
        }
        entry.callee()
    }
}
