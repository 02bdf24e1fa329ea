//! The four parts at work in the SDK, and every defect that other exporters were seen to have.

use std::collections::HashMap;
use std::net::UdpSocket;
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use super::*;
use crate::document::{Cause, Entity, Kind, validate};
use crate::sampling::{LocalRules, Rule};
use crate::{MemorySink, TraceHeader};

const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

struct Otel {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    sink: MemorySink,
    handle: ExporterHandle,
}

impl Otel {
    fn with(rules: LocalRules) -> Self {
        let sink = MemorySink::new();
        let exporter = XrayExporter::builder().sink(sink.clone()).annotations(["tenant"]);
        let exporter = exporter.log_group("/shop").build().unwrap();
        let handle = exporter.handle();
        let resource = Resource::builder_empty().with_service_name("shop").build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(XrayProcessor::new(exporter))
            .with_sampler(XraySampler::local("shop", rules))
            .with_id_generator(XrayIdGenerator::new())
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("tests");
        Self { provider, tracer, sink, handle }
    }

    fn all() -> Self {
        Self::with(LocalRules::record_all())
    }

    /// The documents so far; each keeps the rules of X-Ray.
    fn documents(&self) -> Vec<Entity> {
        self.provider.force_flush().unwrap();
        let documents = self.sink.take();
        let parsed = documents.iter().map(|document| {
            let entity = Entity::parse(document).unwrap();
            let violations = validate(&entity, document.len());
            assert_eq!(violations, [], "{}", String::from_utf8_lossy(document));
            entity
        });
        parsed.collect()
    }

    /// The document of a span that ends at once.
    fn only(&self, name: &'static str, kind: SpanKind, attributes: Vec<KeyValue>) -> Entity {
        let builder = self.tracer.span_builder(name).with_kind(kind).with_attributes(attributes);
        builder.start(&self.tracer).end();
        let mut documents = self.documents();
        assert!(!documents.is_empty(), "{name}");
        documents.remove(0)
    }
}

fn extracted(header: &str) -> Context {
    let carrier = HashMap::from([(TraceHeader::NAME.to_owned(), header.to_owned())]);
    XrayPropagator::new().extract_with_context(&Context::new(), &carrier)
}

fn injected(cx: &Context) -> String {
    let mut carrier = HashMap::new();
    XrayPropagator::new().inject_context(cx, &mut carrier);
    carrier.remove(TraceHeader::NAME).unwrap_or_default()
}

/// Serves a request with this header; the header that a callee gets, and the documents.
fn served(otel: &Otel, header: &str) -> (String, Vec<Entity>) {
    let parent = extracted(header);
    let builder = otel.tracer.span_builder("GET /").with_kind(SpanKind::Server);
    let cx = parent.with_span(builder.start_with_context(&otel.tracer, &parent));
    let outgoing = injected(&cx);
    cx.span().end();
    drop(cx);
    (outgoing, otel.documents())
}

#[test]
fn roots_of_every_kind_are_documents() {
    let otel = Otel::all();
    for kind in [
        SpanKind::Internal,
        SpanKind::Consumer,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Server,
    ] {
        otel.tracer.span_builder("job").with_kind(kind.clone()).start(&otel.tracer).end();
        let documents = otel.documents();
        assert!(documents.iter().any(|d| d.kind == Kind::Segment && d.name == "shop"), "{kind:?}");
    }
}

#[test]
fn no_name_and_no_url_costs_a_document() {
    let otel = Otel::all();
    let long: &'static str = Box::leak("x".repeat(300).into_boxed_str());
    for name in ["SELECT * FROM t", "GET /users/{id}", "f<T>()", "a,b", long, ""] {
        otel.only(name, SpanKind::Internal, vec![]);
    }
    let url = format!("https://shop.example/{}", "p/".repeat(300));
    let attributes =
        vec![KeyValue::new("http.request.method", "GET"), KeyValue::new("url.full", url)];
    let segment = otel.only("GET", SpanKind::Server, attributes);
    assert!(segment.http.unwrap().request.url.unwrap().len() <= 250);
}

#[test]
fn every_form_of_the_daemons_address_is_followed() {
    for (bind, form) in [
        ("127.0.0.1:0", "localhost:PORT"),
        ("127.0.0.1:0", "udp:127.0.0.1:PORT"),
        ("127.0.0.1:0", "tcp:127.0.0.1:1 udp:127.0.0.1:PORT"),
        ("[::1]:0", "[::1]:PORT"),
    ] {
        let Ok(daemon) = UdpSocket::bind(bind) else {
            assert!(bind.starts_with('['), "no IPv4");
            continue;
        };
        daemon.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let port = daemon.local_addr().unwrap().port().to_string();
        let exporter = XrayExporter::builder().daemon_address(form.replace("PORT", &port));
        let provider =
            SdkTracerProvider::builder().with_simple_exporter(exporter.build().unwrap()).build();
        provider.tracer("t").start("job").end();
        let mut datagram = [0; 65_535];
        let bytes = daemon.recv(&mut datagram).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert!(datagram[..bytes].starts_with(b"{\"format\":\"json\",\"version\":1}\n{"), "{form}");
    }
}

#[test]
fn one_large_span_takes_no_other_with_it() {
    let otel = Otel::all();
    let large = vec![KeyValue::new("text", "y".repeat(200_000))];
    for (name, attributes) in [("one", vec![]), ("two", large), ("three", vec![])] {
        otel.tracer.span_builder(name).with_attributes(attributes).start(&otel.tracer).end();
    }
    assert_eq!(otel.documents().len(), 3);
    assert_eq!(otel.handle.stats().dropped(), 0);
}

#[test]
fn without_a_daemon_nothing_fails() {
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let exporter = XrayExporter::builder().daemon_address(nobody.to_string()).build().unwrap();
    let handle = exporter.handle();
    let provider =
        SdkTracerProvider::builder().with_span_processor(XrayProcessor::new(exporter)).build();
    for _ in 0..3 {
        provider.tracer("t").start("job").end();
        provider.force_flush().unwrap();
    }
    let stats = handle.stats();
    assert_eq!(stats.documents_sent + stats.dropped_unreachable, 3, "{stats:?}");
}

#[test]
fn headers_are_read_as_people_write_them_and_passed_on_as_they_came() {
    let otel = Otel::all();
    let header = format!(
        "root={ROOT}; parent=53995c3f42cd8ad8 ;SAMPLED=1;Self=1-67891234-12456789abcdef012345678;\
         CalledFrom=me"
    );
    let (outgoing, documents) = served(&otel, &header);
    assert_eq!(documents[0].parent_id.unwrap().to_string(), "53995c3f42cd8ad8");
    let id = documents[0].id.unwrap();
    assert_eq!(outgoing, format!("Root={ROOT};Parent={id};Sampled=1;CalledFrom=me"));
    for odd in ["Root=9-5759e988-bd862e3fe1be46a994272793", "Root=1-5759e988-bd", "x", ""] {
        let (outgoing, documents) = served(&otel, odd);
        assert!(outgoing.starts_with("Root=1-") && documents[0].parent_id.is_none(), "{odd}");
    }
}

#[test]
fn behind_a_load_balancer_the_trace_is_recorded_and_keeps_its_id() {
    let otel = Otel::all();
    for header in [
        format!("Root={ROOT}"),
        format!("Self=1-67891234-12456789abcdef012345678;Root={ROOT}"),
        format!("Root={ROOT};Sampled=?"),
        format!("Root={ROOT};Parent=53995c3f42cd8ad8"),
    ] {
        let (outgoing, documents) = served(&otel, &header);
        assert_eq!(documents.len(), 1, "{header}");
        let segment = &documents[0];
        assert_eq!(segment.trace_id.unwrap().to_string(), ROOT, "{header}");
        assert_eq!(segment.parent_id.is_some(), header.contains("Parent"), "{header}");
        let id = segment.id.unwrap();
        assert_eq!(outgoing, format!("Root={ROOT};Parent={id};Sampled=1"), "{header}");
    }
}

#[test]
fn a_decision_that_was_made_stays() {
    let none = Otel::with(LocalRules::record_none());
    let header = format!("Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1");
    assert_eq!(served(&none, &header).1.len(), 1);
    let all = Otel::all();
    let (outgoing, documents) = served(&all, &header.replace("Sampled=1", "Sampled=0"));
    assert!(outgoing.starts_with(&format!("Root={ROOT};Parent=")), "{outgoing}");
    assert!(outgoing.ends_with(";Sampled=0") && documents.is_empty(), "{outgoing}");
}

#[test]
fn a_context_that_is_only_handed_through_decides_nothing() {
    let header = format!("Root={ROOT};Lineage=a:1");
    assert_eq!(injected(&extracted(&header)), header);
    assert_eq!(injected(&Context::new()), "");
}

#[test]
fn a_caller_that_asks_learns_the_decision() {
    let otel = Otel::all();
    for (header, answer) in [
        (format!("Root={ROOT};Sampled=?"), Some(format!("Root={ROOT};Sampled=1"))),
        (format!("Root={ROOT};Sampled=1"), None),
    ] {
        let parent = extracted(&header);
        let span = otel.tracer.start_with_context("GET /", &parent);
        assert_eq!(XrayPropagator::response_header(&parent.with_span(span)), answer);
    }
}

#[test]
fn rules_see_the_request() {
    let rule = Rule::named("carts").priority(1).method("POST").path("/cart*").host("shop*");
    let rule = rule.reservoir_per_s(0).fixed_rate(1.0).build().unwrap();
    let otel = Otel::with(LocalRules::builder().rule(rule).fallback(0, 0.0).unwrap().build());
    let attributes = |method: &'static str, path: &'static str| {
        vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.path", path),
            KeyValue::new("server.address", "shop.example"),
        ]
    };
    for (method, path) in [("GET", "/cart/7"), ("POST", "/users"), ("POST", "/cart/7?x=1")] {
        let builder = otel.tracer.span_builder("r").with_kind(SpanKind::Server);
        builder.with_attributes(attributes(method, path)).start(&otel.tracer).end();
    }
    otel.tracer.start("no request").end();
    let documents = otel.documents();
    assert_eq!(documents.len(), 1);
    assert_eq!(documents[0].http.as_ref().unwrap().request.method.as_deref(), Some("POST"));
}

#[test]
fn log_groups_metadata_and_flags_stand_where_x_ray_looks() {
    let otel = Otel::all();
    let attributes = vec![
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("http.response.status_code", 429),
        KeyValue::new("tenant", "acme"),
        KeyValue::new("cart", "7"),
    ];
    let segment = otel.only("GET /", SpanKind::Server, attributes);
    let aws = segment.aws.as_ref().unwrap();
    assert_eq!(aws.extra["cloudwatch_logs"][0]["log_group"], "/shop");
    assert!(segment.error && segment.throttle && !segment.fault);
    assert_eq!(segment.annotations.len(), 1);
    assert_eq!(segment.metadata["default"]["cart"], "7");
    let database = vec![
        KeyValue::new("db.system.name", "postgresql"),
        KeyValue::new("db.namespace", "carts"),
        KeyValue::new("server.address", "db.example"),
        KeyValue::new("db.query.text", "SELECT 1"),
    ];
    let parent = otel.tracer.start("root");
    let cx = Context::new().with_span(parent);
    let builder = otel.tracer.span_builder("SELECT carts").with_kind(SpanKind::Client);
    let builder = builder.with_attributes(database);
    builder.start_with_context(&otel.tracer, &cx).end();
    let call = otel.documents().remove(0);
    assert_eq!((&*call.name, call.namespace.as_deref()), ("carts@db.example", Some("remote")));
    assert_eq!(call.sql.unwrap().sanitized_query.as_deref(), Some("SELECT 1"));
}

#[test]
fn an_exception_is_a_cause_and_an_error_a_fault() {
    let otel = Otel::all();
    let mut span = otel.tracer.start("job");
    span.record_error(&std::io::Error::other("the disk is full"));
    span.set_status(Status::error("broken"));
    span.end();
    let segment = otel.documents().remove(0);
    assert!(segment.fault);
    let Some(Cause::Detail(cause)) = &segment.cause else { panic!("{segment:?}") };
    assert_eq!(cause.exceptions[0].message.as_deref(), Some("the disk is full"));
}

#[test]
fn ids_begin_with_the_time() {
    use opentelemetry_sdk::trace::IdGenerator;

    let ids = XrayIdGenerator::new();
    let now_s = crate::layer::clock::epoch_s();
    let bytes = ids.new_trace_id().to_bytes();
    let epoch_s = u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    assert!((now_s - 5..=now_s + 5).contains(&epoch_s));
    assert_ne!(ids.new_span_id(), ids.new_span_id());
}

#[test]
fn after_shutdown_nothing_is_taken_any_more() {
    let otel = Otel::all();
    otel.tracer.start("one").end();
    otel.provider.shutdown().unwrap();
    assert_eq!(otel.sink.take().len(), 1);
    otel.tracer.start("two").end();
    assert!(otel.sink.take().is_empty());
}
