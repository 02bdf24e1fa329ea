//! Which service a subsegment on its own is of.
//!
//! In: the resources of segments, and who sent them. Out: the resource for a subsegment that came
//! without its segment. Owns what was learnt lately: the service of each trace and sender, else the
//! last service of the sender. A process that sends documents has one socket and, mostly, one
//! service; without this its subsegments would be spans of nobody.

use std::net::SocketAddr;

use bytes::Bytes;
use xray_tracing::TraceId;

use super::recent::Recent;

/// Traces and senders that are remembered.
const MAX_TRACES: usize = 4096;
const MAX_SENDERS: usize = 1024;

#[derive(Debug)]
pub(super) struct Services {
    of_trace: Recent<(Option<SocketAddr>, TraceId), Bytes>,
    of_sender: Recent<SocketAddr, Bytes>,
}

impl Services {
    pub(super) fn new() -> Self {
        Self { of_trace: Recent::of(MAX_TRACES), of_sender: Recent::of(MAX_SENDERS) }
    }

    /// Learns the resource of a segment; returns it, in the memory of the one before where they are
    /// the same.
    pub(super) fn learn(
        &mut self,
        sender: Option<SocketAddr>,
        trace_id: TraceId,
        resource: Vec<u8>,
    ) -> Bytes {
        let last = sender.and_then(|sender| self.of_sender.get(&sender));
        let resource = match last.filter(|last| ***last == *resource) {
            Some(last) => last.clone(),
            None => Bytes::from(resource),
        };
        if let Some(sender) = sender {
            self.of_sender.insert(sender, resource.clone());
        }
        self.of_trace.insert((sender, trace_id), resource.clone());
        resource
    }

    /// The resource for a subsegment.
    pub(super) fn find(&self, sender: Option<SocketAddr>, trace_id: TraceId) -> Option<Bytes> {
        let of_trace = self.of_trace.get(&(sender, trace_id));
        of_trace.or_else(|| self.of_sender.get(&sender?)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(port: u16) -> Option<SocketAddr> {
        Some(([127, 0, 0, 1], port).into())
    }

    fn trace(number: u8) -> TraceId {
        TraceId::from_bytes([number; 16])
    }

    #[test]
    fn a_subsegment_is_of_the_service_of_its_trace_and_sender() {
        let mut services = Services::new();
        services.learn(sender(1), trace(1), b"shop".to_vec());
        services.learn(sender(1), trace(2), b"cart".to_vec());
        services.learn(None, trace(3), b"own".to_vec());
        let found = |port, number| services.find(port, trace(number));
        assert_eq!(found(sender(1), 1).unwrap(), "shop");
        assert_eq!(found(sender(1), 9).unwrap(), "cart");
        assert_eq!(found(None, 3).unwrap(), "own");
        assert_eq!((found(sender(2), 1), found(None, 9)), (None, None));
    }

    #[test]
    fn the_same_resource_is_kept_once() {
        let mut services = Services::new();
        let first = services.learn(sender(1), trace(1), b"shop".to_vec());
        let second = services.learn(sender(1), trace(2), b"shop".to_vec());
        assert_eq!(first.as_ptr(), second.as_ptr());
    }
}
