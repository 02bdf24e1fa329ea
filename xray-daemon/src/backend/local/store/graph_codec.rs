//! A trace's share of the service graph as bytes.
//!
//! In: a [`Contribution`]. Out: bytes, and the contribution back: it is taken off the sums of its
//! minute before the trace's new share is put on, and answers graphs of few traces exactly.

use crate::backend::local::graph::{Contribution, EdgeKey, EdgeKind, EdgeStats, NodeStats};
use crate::backend::local::trace::ServiceId;
use crate::backend::local::trace::codec::{Reader, Writer};

/// Changes with the form below and with that of the statistics.
const VERSION: u64 = 1;

pub(super) fn encode(contribution: &Contribution) -> Vec<u8> {
    let Contribution { nodes, edges } = contribution;
    let (mut bytes, mut stats_bytes) = (Vec::with_capacity(512), Vec::new());
    let out = &mut Writer::new(&mut bytes);
    out.number(VERSION);
    out.list(nodes.iter(), |out, (service, stats)| {
        write_service(out, service);
        stats_bytes.clear();
        stats.encode(&mut stats_bytes);
        out.bytes(&stats_bytes);
    });
    out.list(edges.iter(), |out, (EdgeKey { from, to, kind }, stats)| {
        write_service(out, from);
        write_service(out, to);
        out.number(kind_to_number(*kind));
        stats_bytes.clear();
        stats.encode(&mut stats_bytes);
        out.bytes(&stats_bytes);
    });
    bytes
}

/// None for damaged bytes and for those of another version.
pub(super) fn decode(bytes: &[u8]) -> Option<Contribution> {
    let from = &mut Reader::new(bytes);
    if from.number()? != VERSION {
        return None;
    }
    let nodes = from.list(|from| Some((read_service(from)?, NodeStats::decode(from.bytes()?)?)))?;
    let edges = from.list(|from| {
        let key = EdgeKey {
            from: read_service(from)?,
            to: read_service(from)?,
            kind: kind_from_number(from.number()?)?,
        };
        Some((key, EdgeStats::decode(from.bytes()?)?))
    })?;
    from.is_done().then(|| Contribution {
        nodes: nodes.into_iter().collect(),
        edges: edges.into_iter().collect(),
    })
}

fn write_service(out: &mut Writer<'_>, service: &ServiceId) {
    let ServiceId { name, service_type, account_id } = service;
    out.text(name);
    out.option(service_type.as_deref(), Writer::text);
    out.option(account_id.as_deref(), Writer::text);
}

fn read_service(from: &mut Reader<'_>) -> Option<ServiceId> {
    Some(ServiceId {
        name: from.text()?,
        service_type: from.option(Reader::text)?,
        account_id: from.option(Reader::text)?,
    })
}

pub(super) fn kind_to_number(kind: EdgeKind) -> u64 {
    match kind {
        EdgeKind::Call => 0,
        EdgeKind::Link => 1,
    }
}

pub(super) fn kind_from_number(number: u64) -> Option<EdgeKind> {
    match number {
        0 => Some(EdgeKind::Call),
        1 => Some(EdgeKind::Link),
        _ => None,
    }
}
