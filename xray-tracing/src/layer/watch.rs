//! Local roots whose end matters although they are not recorded: adaptive sampling.
//!
//! In: a request as it begins, and its status as it ends. Out: to the sampler, how it ended; of a
//! failed or slow request that was not sampled, its segment after all, so many a second. Owns what
//! that needs to remember. Where nobody asks for any of it, nothing is kept.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::body::Body;
use super::clock;
use super::open_trace::Place;
use super::record::{Flags, Key, Name, Record, Value};
use super::root::Root;
use super::scratch::Scratch;
use super::tracer::Tracer;
use crate::sampling::central::is_anomaly;
use crate::sampling::{AnomalyCondition, Ended, HttpTarget, Operation, Reservoir, Usage};

/// Which unsampled requests are recorded after all.
#[derive(Debug)]
pub(crate) struct AnomalyCapture {
    pub(crate) conditions: Vec<AnomalyCondition>,
    pub(crate) per_s: u32,
    pub(crate) reservoir: Reservoir,
}

/// What is remembered of a request until it ends.
#[derive(Debug)]
pub(crate) struct Watch {
    start_ns: u64,
    method: String,
    path: String,
    /// What its segment would say; only where it may be written after all.
    body: Option<Body>,
}

impl Tracer {
    /// Remembers what is needed of a request that began as `root`; `read` says what is known of it.
    pub(crate) fn watch(
        &self,
        root: &Root,
        target: HttpTarget<'_>,
        read: impl FnOnce(&mut Scratch),
    ) -> Option<Box<Watch>> {
        let may_capture = !root.sampled && !root.is_excluded && self.settings.capture.is_some();
        if !may_capture && !self.settings.sampler.wants_ended() {
            return None;
        }
        let start_ns = clock::now_ns();
        let body = may_capture.then(|| {
            let mut body = Body::default();
            let mut record = Record::new(root.segment_id.to_u64(), Name::Static(""), start_ns);
            record.flags = Flags::ROOT.with(Flags::CAPTURED);
            body.add_record(record);
            Scratch::with(|scratch| {
                read(scratch);
                body.absorb(&scratch.body, 0);
            });
            body
        });
        let (method, path) = (target.method.to_owned(), target.path.to_owned());
        Some(Box::new(Watch { start_ns, method, path, body }))
    }

    /// The request has ended.
    pub(crate) fn end_watched(&self, watch: Watch, root: &Root, status: Option<u16>, flags: Flags) {
        let now_ns = clock::now_ns();
        let operation = Operation { method: &watch.method, path: &watch.path };
        let ended = Ended {
            service_name: &root.name,
            rule: root.rule.as_ref(),
            sampled: root.sampled,
            operation: Some(operation),
            status,
            is_fault: status.map_or(flags.has(Flags::FAULT), |status| status > 499),
            took: Duration::from_nanos(now_ns.saturating_sub(watch.start_ns)),
        };
        self.settings.sampler.ended(&ended);
        let Some(capture) = &self.settings.capture else { return };
        if root.sampled || !is_anomaly(&capture.conditions, &ended, Usage::AnomalyCapture) {
            return;
        }
        let Some(body) = watch.body else { return };
        if capture.reservoir.take(capture.per_s, clock::epoch_s()) {
            self.record_after_all(body, watch.start_ns, root, status, flags);
        }
    }

    fn record_after_all(
        &self,
        body: Body,
        start_ns: u64,
        root: &Root,
        status: Option<u16>,
        flags: Flags,
    ) {
        let Some((slot, mut trace)) = self.slots.claim() else {
            self.counters.dropped_too_many_open.add(1);
            return;
        };
        let captured = Root {
            tracer: root.tracer,
            name: Arc::clone(&root.name),
            trace_id: OnceLock::from(root.trace_id()),
            segment_id: root.segment_id,
            incoming: root.incoming.clone(),
            sampled: true,
            rule: root.rule.clone(),
            rule_source: root.rule_source,
            is_excluded: false,
            kind: root.kind,
            w3c: None,
            slot: Some(slot),
        };
        let place = Place { slot, id: root.segment_id.to_u64(), index: 0 };
        trace.begin_with(Arc::new(captured), body, clock::zero_epoch_ns(start_ns));
        drop(trace);
        self.counters.anomalies_captured.add(1);
        Scratch::with(|scratch| {
            if let Some(status) = status {
                scratch.add(Key::Status, Value::Unsigned(status.into()));
            }
            scratch.add_text(Key::Field("captured"), "anomaly");
            self.end(
                place,
                scratch,
                flags.with(status.map_or_else(Flags::default, Flags::of_status)),
            );
        });
    }
}
