//! Makes spans of the segments of a batch.
//!
//! In: a batch: documents, spans that came by OTLP, datagrams with OTLP in them. Out: the spans of
//! each segment, in protobuf; or why there are none. Owns what must be known across batches: work in
//! progress and the services of senders. Spans stay as they came, byte for byte. Hot path: 40 µs a
//! document, most of it to see what a span cannot say.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use xray_tracing::document::{Entity, Kind, RefusalCode};
use xray_tracing::translate::{Attribute, NotASpan, Spans, from_document};
use xray_tracing::{SegmentId, TraceId};

use super::holder::{Holder, Verdict, Work};
use super::services::Services;
use crate::backend::{Retry, Unprocessed};
use crate::otlp::{self, Held, SpanContext};
use crate::segment::{Payload, Segment};

/// Code of what waits.
const IN_PROGRESS: &str = "InProgress";
/// Name of a service that nobody has said. Rule: OpenTelemetry's resource conventions.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// A span, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) message: Bytes,
    pub(super) context: Arc<SpanContext>,
}

/// The spans of one segment of the batch.
#[derive(Debug)]
pub(super) struct Part {
    /// Its place in the batch.
    pub(super) place: usize,
    pub(super) spans: Vec<Span>,
}

/// What is to be done with a batch.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) parts: Vec<Part>,
    /// Segments that are not sent now.
    pub(super) unprocessed: Vec<Unprocessed>,
    /// Work in progress that leaves with this batch, by place.
    pub(super) leaving: Vec<(usize, Work)>,
}

/// What is known across batches.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) holder: Holder,
    services: Services,
}

impl Known {
    /// `max_held_bytes`: most bytes of documents that wait for their completion.
    pub(super) fn new(max_held_bytes: usize) -> Self {
        Self { holder: Holder::new(max_held_bytes), services: Services::new() }
    }

    /// What is to be done with `batch`.
    pub(super) fn outgoing(&mut self, batch: &[Segment], now: Instant) -> Outgoing {
        let mut outgoing = Outgoing::default();
        let mut documents = Vec::new();
        for (place, segment) in batch.iter().enumerate() {
            match read(segment) {
                Ok(Read::Spans(spans)) => outgoing.parts.push(Part { place, spans }),
                Ok(Read::Document(entity, work)) => {
                    self.holder.observe(&work, || ids_of(&entity), now);
                    let sender = segment.sender();
                    documents.push(Document { place, sender, entity, work });
                }
                Err(refused) => outgoing.refuse(place, refused),
            }
        }
        // Segments first: they say which service the others are of.
        documents.sort_by_key(|document| document.entity.kind == Kind::Subsegment);
        for document in documents {
            self.add(document, now, &mut outgoing);
        }
        outgoing
    }

    fn add(&mut self, document: Document, now: Instant, outgoing: &mut Outgoing) {
        let Document { place, sender, ref entity, ref work } = document;
        let verdict = match work.in_progress {
            true => self.holder.verdict(work, now),
            false => Verdict::Send,
        };
        // Also of what waits the service is learnt.
        let mut spans = match self.spans_of(entity, sender) {
            Ok(spans) => spans,
            Err(error) => return outgoing.refuse(place, not_a_span(entity, error)),
        };
        match verdict {
            Verdict::Wait(time) => {
                let message = "work in progress, which waits for its completion".to_owned();
                let (code, retry) = (IN_PROGRESS.to_owned(), Retry::Hold(time));
                outgoing.unprocessed.push(Unprocessed { index: place, code, message, retry });
                return;
            }
            Verdict::SendOthers(said) => spans.retain(|(id, _)| !said.contains(id)),
            Verdict::Send => {}
        }
        if work.in_progress {
            outgoing.leaving.push((place, work.clone()));
        }
        let spans = spans.into_iter().map(|(_, span)| span).collect();
        outgoing.parts.push(Part { place, spans });
    }

    fn spans_of(
        &mut self,
        entity: &Entity,
        sender: Option<SocketAddr>,
    ) -> Result<Vec<(SegmentId, Span)>, NotASpan> {
        let Spans { mut resource, spans } = from_document(entity)?;
        let Some(trace_id) = spans.first().map(|span| span.trace_id) else { return Ok(Vec::new()) };
        let resource = if entity.kind == Kind::Segment {
            let resource = otlp::resource(&resource).into_bytes();
            self.services.learn(sender, trace_id, resource)
        } else {
            self.services.find(sender, trace_id).unwrap_or_else(|| {
                resource.push(Attribute::new("service.name", UNKNOWN_SERVICE));
                otlp::resource(&resource).into_bytes().into()
            })
        };
        let mut contexts: Vec<Arc<SpanContext>> = Vec::new();
        let mut out = Vec::with_capacity(spans.len());
        for span in &spans {
            let scope = Bytes::from(otlp::scope(&span.scope).into_bytes());
            let known = contexts.last().filter(|context| context.scope == scope);
            let context = known.cloned().unwrap_or_else(|| {
                let resource = resource.clone();
                let context = Arc::new(SpanContext { resource, scope, ..SpanContext::default() });
                contexts.push(Arc::clone(&context));
                context
            });
            let message = otlp::span(span).into_bytes().into();
            out.push((span.id, Span { message, context }));
        }
        Ok(out)
    }
}

impl Outgoing {
    fn refuse(&mut self, place: usize, Refused { code, message }: Refused) {
        self.unprocessed.push(Unprocessed { index: place, code, message, retry: Retry::No });
    }
}

/// A document of the batch, read.
struct Document {
    place: usize,
    sender: Option<SocketAddr>,
    entity: Box<Entity>,
    work: Work,
}

enum Read {
    Spans(Vec<Span>),
    Document(Box<Entity>, Work),
}

/// Why a segment is not sent.
struct Refused {
    code: String,
    message: String,
}

impl Refused {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

fn read(segment: &Segment) -> Result<Read, Refused> {
    let document = match segment.payload() {
        Payload::Span(message, context) => {
            let (message, context) = (message.clone(), Arc::clone(context));
            return Ok(Read::Spans(vec![Span { message, context }]));
        }
        Payload::Document(document) => document,
    };
    match otlp::held(document) {
        Held::Spans(base64) => spans_in(base64, segment).map(Read::Spans),
        Held::Unsampled => Err(Refused::new("UnsampledSpans", "spans that are not sampled")),
        Held::Metrics => Err(Refused::new("Metrics", "metrics, which are no part of a trace")),
        Held::Document => {
            let mut entity = Entity::parse(document).map_err(|error| {
                Refused::new(RefusalCode::ParseError.as_str(), error.to_string())
            })?;
            give_id(&mut entity);
            let work = work_of(&entity, document)?;
            Ok(Read::Document(Box::new(entity), work))
        }
    }
}

/// The spans of a datagram with OTLP in it.
fn spans_in(base64: &[u8], segment: &Segment) -> Result<Vec<Span>, Refused> {
    let refused = |message: String| Refused::new("InvalidSpan", message);
    let request = otlp::decode(base64)
        .ok_or_else(|| refused("the datagram's spans are not valid base64".to_owned()))?;
    let split = otlp::split(&request, segment.sender()).map_err(|it| refused(it.to_string()))?;
    let span = |segment: Segment| match segment.payload() {
        Payload::Span(message, context) => {
            Some(Span { message: message.clone(), context: Arc::clone(context) })
        }
        Payload::Document(_) => None,
    };
    Ok(split.segments.into_iter().filter_map(span).collect())
}

/// X-Ray takes an id of zeros, which is none for a span: it gets one that follows from its trace.
fn give_id(entity: &mut Entity) {
    if entity.id.is_some_and(|id| id.to_u64() == 0) {
        let trace = entity.trace_id.map_or([0; 16], TraceId::to_bytes);
        let bits = trace.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        entity.id = Some(SegmentId::from_u64(bits.max(1)));
    }
}

/// What the holder needs to know; a document that X-Ray itself could not place is refused in its
/// words.
fn work_of(entity: &Entity, document: &[u8]) -> Result<Work, Refused> {
    let refused = |code: RefusalCode| {
        let what = if entity.kind == Kind::Segment { "segment" } else { "subsegment" };
        Refused::new(code.as_str(), format!("Invalid {what}. ErrorCode: {code}"))
    };
    if entity.name.is_empty() {
        return Err(refused(RefusalCode::MissingName));
    }
    if entity.start_time_s.is_none() {
        return Err(refused(RefusalCode::MissingStartTime));
    }
    let mut hasher = DefaultHasher::new();
    hasher.write(document);
    let trace_id = entity.trace_id.unwrap_or(TraceId::from_bytes([0; 16]));
    Ok(Work {
        key: (trace_id, entity.id.unwrap_or(SegmentId::from_u64(0))),
        fingerprint: hasher.finish(),
        size_bytes: document.len(),
        in_progress: entity.in_progress,
    })
}

fn not_a_span(entity: &Entity, error: NotASpan) -> Refused {
    let member = if error == NotASpan::NoTraceId { "trace_id" } else { "id" };
    let sent = entity.extra.get(member).and_then(|value| value.as_str());
    let code = match (error, sent.is_some_and(|text| !text.is_empty())) {
        (NotASpan::NoTraceId, false) => RefusalCode::MissingTraceId,
        (NotASpan::NoTraceId, true) => RefusalCode::InvalidTraceId,
        (_, true) => RefusalCode::InvalidId,
        (_, false) => RefusalCode::MissingId,
    };
    Refused::new(code.as_str(), error.to_string())
}

/// The ids of an entity and all below it.
fn ids_of(entity: &Entity) -> HashSet<SegmentId> {
    let mut ids = HashSet::new();
    let mut waiting = vec![entity];
    while let Some(entity) = waiting.pop() {
        ids.extend(entity.id);
        waiting.extend(&entity.subsegments);
    }
    ids
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use xray_tracing::translate::Options;

    use super::*;
    use crate::backend::otlp::requests::pack;
    use crate::config::Compression;
    use crate::otlp::{Datagrams, Documents};

    const TRACE: &str = "1-63ad1f0c-9b2f0a8d3c4e5f6071829304";
    const W3C: &str = "63ad1f0c9b2f0a8d3c4e5f6071829304";

    fn sender(port: u16) -> Option<SocketAddr> {
        Some(([127, 0, 0, 1], port).into())
    }

    fn segment(document: &Value) -> Segment {
        Segment::new(document.to_string().into(), sender(1))
    }

    fn document(id: u64, more: Value) -> Value {
        let mut document = json!({"id": format!("{id:016x}"), "trace_id": TRACE, "name": "shop",
                                  "start_time": 1672290060.25, "end_time": 1672290060.5});
        for (key, value) in more.as_object().unwrap() {
            document[key] = value.clone();
        }
        document
    }

    fn subsegment(id: u64, parent_id: u64) -> Value {
        let parent_id = format!("{parent_id:016x}");
        document(id, json!({"type": "subsegment", "name": "load", "parent_id": parent_id}))
    }

    /// The spans that leave, as whoever receives them sees them.
    fn received(outgoing: &Outgoing) -> Vec<Segment> {
        let requests = pack(&outgoing.parts, Compression::None);
        let split = |body| otlp::split(body, None).unwrap().segments;
        requests.iter().flat_map(|request| split(&request.body)).collect()
    }

    /// The documents that a daemon makes of them.
    fn documents(spans: &[Segment]) -> Vec<Value> {
        let made = Documents::of(spans, Datagrams::Read, &Options::default());
        made.documents.iter().map(|it| serde_json::from_slice(it.document()).unwrap()).collect()
    }

    fn codes(outgoing: &Outgoing) -> Vec<(usize, &str)> {
        outgoing.unprocessed.iter().map(|it| (it.index, it.code.as_str())).collect()
    }

    fn send(batch: &[Value]) -> Outgoing {
        let batch: Vec<_> = batch.iter().map(segment).collect();
        Known::new(1 << 20).outgoing(&batch, Instant::now())
    }

    fn resource(segment: &Segment) -> String {
        let Payload::Span(_, context) = segment.payload() else { panic!("{segment:?}") };
        String::from_utf8_lossy(&context.resource).into_owned()
    }

    #[test]
    fn a_document_comes_back_as_it_was_from_whoever_receives_it() {
        let child = json!({"id": "0000000000000002", "name": "DynamoDB", "namespace": "aws",
            "start_time": 1672290060.3, "end_time": 1672290060.4, "fault": true,
            "aws": {"operation": "GetItem", "table_names": ["a", "b"], "region": "eu-west-1"},
            "cause": {"working_directory": "/", "exceptions": [{"id": "e", "type": "Timeout",
                "stack": [{"path": "db.go", "line": 48, "label": "get"}]}]}});
        let sent = document(
            1,
            json!({"origin": "AWS::EKS::Container", "user": "ada",
            "http": {"request": {"method": "GET", "url": "https://shop.example/cart"},
                     "response": {"status": 502, "content_length": 7}},
            "annotations": {"tier": "gold"}, "metadata": {"flat": 1}, "links": [
                {"trace_id": TRACE, "id": "00000000000000aa"}], "subsegments": [child.clone()]}),
        );
        let mut parts = [sent.clone(), child];
        parts[0].as_object_mut().unwrap().remove("subsegments");
        for (key, value) in [("trace_id", TRACE), ("parent_id", "0000000000000001")] {
            parts[1][key] = value.into();
        }
        parts[1]["type"] = "subsegment".into();
        parts[0]["metadata"] = json!({"default": {"flat": 1}});
        let read = |value: &Value| Entity::parse(value.to_string().as_bytes()).unwrap();
        let back = documents(&received(&send(&[sent])));
        assert_eq!(
            back.iter().map(read).collect::<Vec<_>>(),
            parts.iter().map(read).collect::<Vec<_>>()
        );
    }

    #[test]
    fn spans_that_came_in_leave_as_they_came() {
        let first = send(&[document(1, json!({}))]);
        let came = received(&first);
        let again = Known::new(0).outgoing(&came, Instant::now());
        let pairs = |segments: &[Segment]| -> Vec<(Bytes, SpanContext)> {
            let pair = |segment: &Segment| match segment.payload() {
                Payload::Span(message, context) => (message.clone(), (**context).clone()),
                Payload::Document(_) => panic!(),
            };
            segments.iter().map(pair).collect()
        };
        assert_eq!(pairs(&received(&again)), pairs(&came));
    }

    #[test]
    fn r9_datagrams_with_otlp_in_them_are_read_and_statistics_are_not_taken_for_traces() {
        use base64::prelude::{BASE64_STANDARD, Engine};
        let first = send(&[document(1, json!({}))]);
        let request = &pack(&first.parts, Compression::None)[0].body;
        let datagram = |prefix: &str| {
            let text = format!("{prefix}{}", BASE64_STANDARD.encode(request));
            Segment::new(text.into(), None)
        };
        let batch = [datagram("T1S"), datagram("T1U"), datagram("M1")];
        let outgoing = Known::new(0).outgoing(&batch, Instant::now());
        assert_eq!(documents(&received(&outgoing)).len(), 1);
        assert_eq!(codes(&outgoing), [(1, "UnsampledSpans"), (2, "Metrics")]);
        let broken = Known::new(0).outgoing(&[Segment::new("T1S!".into(), None)], Instant::now());
        assert_eq!(codes(&broken), [(0, "InvalidSpan")]);
    }

    #[test]
    fn r12_a_trace_id_in_w3c_form_is_the_trace_of_its_spans() {
        let outgoing = send(&[document(1, json!({ "trace_id": W3C }))]);
        assert_eq!(documents(&received(&outgoing))[0]["trace_id"], TRACE);
    }

    #[test]
    fn r15_an_id_of_zeros_which_x_ray_takes_is_taken() {
        let outgoing = send(&[document(0, json!({}))]);
        assert_eq!(codes(&outgoing), []);
        assert_eq!(documents(&received(&outgoing))[0]["id"], "3c4e5f6071829304");
    }

    #[test]
    fn what_cannot_be_a_span_is_refused_in_the_services_words() {
        let batch = [
            json!("no object"),
            document(1, json!({ "name": null })),
            document(2, json!({ "start_time": "soon" })),
            document(3, json!({ "trace_id": null })),
            document(4, json!({ "trace_id": "1-2" })),
            document(5, json!({ "id": null })),
            document(6, json!({ "id": "short" })),
            document(7, json!({ "end_time": null })),
        ];
        let outgoing = send(&batch);
        assert_eq!(
            codes(&outgoing),
            [
                (0, "ParseError"),
                (1, "MissingName"),
                (2, "MissingStartTime"),
                (3, "MissingTraceId"),
                (4, "InvalidTraceId"),
                (5, "MissingId"),
                (6, "InvalidId"),
            ]
        );
        assert!(outgoing.unprocessed.iter().all(|it| it.retry == Retry::No));
        // Nobody needs an end but X-Ray.
        assert_eq!(received(&outgoing).len(), 1);
        assert_eq!(outgoing.unprocessed[1].message, "Invalid segment. ErrorCode: MissingName");
    }

    #[test]
    fn a_subsegment_on_its_own_is_of_the_service_of_its_sender() {
        let mut known = Known::new(0);
        let now = Instant::now();
        let names = |outgoing: &Outgoing| -> Vec<_> {
            received(outgoing).iter().map(|it| resource(it).contains("shop")).collect()
        };
        let alone = known.outgoing(&[segment(&subsegment(2, 1))], now);
        assert!(resource(&received(&alone)[0]).contains(UNKNOWN_SERVICE));
        // Whatever comes first in a batch.
        let batch = [segment(&subsegment(2, 1)), segment(&document(1, json!({})))];
        assert_eq!(names(&known.outgoing(&batch, now)), [true, true]);
        assert_eq!(names(&known.outgoing(&[segment(&subsegment(3, 1))], now)), [true]);
        let other = Segment::new(subsegment(4, 1).to_string().into(), sender(2));
        assert_eq!(names(&known.outgoing(&[other], now)), [false]);
    }

    #[test]
    fn work_in_progress_is_held_for_its_completion_and_its_parts_are_not_lost() {
        let mut known = Known::new(1 << 20);
        let now = Instant::now();
        let child = |id: u64| json!({"id": format!("{id:016x}"), "name": "step", "start_time": 1, "end_time": 2});
        let begun = segment(&document(
            1,
            json!({"end_time": null, "in_progress": true, "subsegments": [child(2), child(3)]}),
        ));
        let first = known.outgoing(std::slice::from_ref(&begun), now);
        assert_eq!(codes(&first), [(0, IN_PROGRESS)]);
        assert_eq!(first.unprocessed[0].retry, Retry::Hold(Duration::from_secs(1)));
        assert!(first.parts.is_empty());

        let done = segment(&document(1, json!({"subsegments": [child(3), child(4)]})));
        let ids = |outgoing: &Outgoing| -> Vec<u64> {
            let documents = documents(&received(outgoing));
            let id = |it: &Value| u64::from_str_radix(it["id"].as_str().unwrap(), 16).unwrap();
            documents.iter().map(id).collect()
        };
        let second = known.outgoing(&[done], now);
        assert_eq!((ids(&second), second.leaving.len()), (vec![1, 3, 4], 0));
        let third = known.outgoing(&[begun], now + Duration::from_secs(1));
        assert_eq!((ids(&third), third.leaving.len()), (vec![2], 1));
        assert_eq!(codes(&third), []);
    }

    #[test]
    fn r11_work_that_is_never_completed_leaves_marked() {
        let mut known = Known::new(1 << 20);
        let now = Instant::now();
        let begun = segment(&document(1, json!({"end_time": null, "in_progress": true})));
        assert_eq!(codes(&known.outgoing(std::slice::from_ref(&begun), now)), [(0, IN_PROGRESS)]);
        let last = known.outgoing(&[begun], now + Duration::from_secs(300));
        let documents = documents(&received(&last));
        assert_eq!(documents[0]["in_progress"], true);
        assert_eq!(documents[0].get("end_time"), None);
    }
}
