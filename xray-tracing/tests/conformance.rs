//! One scenario through the native layer and through `tracing-opentelemetry`: the same documents.
//!
//! In: a request that reads a database, calls another service and fails. Out: what X-Ray shows of
//! it. What a way cannot say (who made the document, in which pieces it came) is left aside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::body::Body;
use http::{Request, Response};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tracing::field::Empty;
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::prelude::*;
use xray_tracing::document::{Cause, Entity, Kind, validate};
use xray_tracing::otel::{
    XrayExporter, XrayIdGenerator, XrayProcessor, XrayPropagator, XraySampler,
};
use xray_tracing::sampling::LocalRules;
use xray_tracing::sqlx::Database;
use xray_tracing::tower::{ClientLayer, ServerLayer};
use xray_tracing::{MemorySink, SegmentId};

const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const SQL: &str = "SELECT name FROM products";

/// What X-Ray shows of a segment or subsegment.
#[derive(Debug, PartialEq)]
struct Shown {
    name: String,
    namespace: Option<String>,
    /// Fault, error, throttle.
    flags: (bool, bool, bool),
    /// Method, path, status.
    http: Option<(Option<String>, Option<String>, Option<u64>)>,
    /// Database type, query.
    sql: Option<(Option<String>, Option<String>)>,
    annotations: Vec<String>,
    message: Option<String>,
    children: Vec<Shown>,
}

/// Puts documents together to a tree, as X-Ray does.
fn tree(documents: Vec<Vec<u8>>) -> (Entity, Shown) {
    let mut below: BTreeMap<u64, Vec<Entity>> = BTreeMap::new();
    let mut segments = Vec::new();
    for document in documents {
        let entity = Entity::parse(&document).unwrap();
        assert_eq!(validate(&entity, document.len()), [], "{}", entity.to_json());
        match entity.kind {
            Kind::Segment => segments.push(entity),
            Kind::Subsegment => {
                let parent = entity.parent_id.map(SegmentId::to_u64).unwrap();
                below.entry(parent).or_default().push(entity);
            }
        }
    }
    let [segment] = segments.try_into().unwrap();
    let shown = shown(&segment, &mut below);
    assert!(below.is_empty(), "without parent: {below:?}");
    (segment, shown)
}

fn shown(entity: &Entity, below: &mut BTreeMap<u64, Vec<Entity>>) -> Shown {
    let mut children = entity.subsegments.clone();
    children.extend(below.remove(&entity.id.unwrap().to_u64()).unwrap_or_default());
    children.sort_by(|a, b| a.start_time_s.unwrap().total_cmp(&b.start_time_s.unwrap()));
    let http = entity.http.as_ref().map(|http| {
        let url = http.request.url.as_deref();
        let path = url.map(|url| url.split_once("://").map_or(url, |(_, rest)| rest));
        let path = path.and_then(|rest| rest.find('/').map(|at| rest.split_at(at).1.to_owned()));
        (http.request.method.clone(), path, http.response.status.map(u64::from))
    });
    let message = match &entity.cause {
        Some(Cause::Detail(detail)) => detail.exceptions[0].message.clone(),
        _ => None,
    };
    Shown {
        name: entity.name.clone(),
        namespace: entity.namespace.clone(),
        flags: (entity.fault, entity.error, entity.throttle),
        http,
        sql: entity.sql.as_ref().map(|sql| {
            let kind = sql.database_type.as_ref().map(|kind| kind.to_ascii_lowercase());
            (kind, sql.sanitized_query.clone())
        }),
        annotations: entity.annotations.iter().map(|pair| format!("{pair:?}")).collect(),
        message,
        children: children.iter().map(|child| shown(child, below)).collect(),
    }
}

async fn native() -> (Entity, Shown) {
    let sink = MemorySink::new();
    let options = xray_tracing::builder("shop").sampler(LocalRules::record_none());
    let (layer, guard) = options.sink(sink.clone()).build().unwrap();
    let subscriber = tracing_subscriber::registry().with(layer);

    let callee = service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::builder().status(503).body(Body::empty()).unwrap())
    });
    let handler = move |_: Request<Body>| async move {
        async {
            xray_tracing::annotate("tenant", "acme");
            let database = Database::from_url("postgres://db.example/products");
            database.call(SQL, async { Ok::<_, std::io::Error>(()) }).await.unwrap();
            let client = ServiceBuilder::new().layer(ClientLayer::new()).service(callee);
            let call = Request::get("http://stock.example/7?key=secret").body(Body::empty());
            client.oneshot(call.unwrap()).await.unwrap();
            tracing::error!(error = "the stock is closed");
        }
        .instrument(info_span!("load"))
        .await;
        Ok::<_, Infallible>(Response::builder().status(502).body(Body::empty()).unwrap())
    };
    let server = ServiceBuilder::new().layer(ServerLayer::new()).service(service_fn(handler));
    let request = Request::get("/orders/7").header("host", "shop.example");
    let request = request.header("x-amzn-trace-id", HEADER).body(Body::empty()).unwrap();
    drop(server.oneshot(request).with_subscriber(subscriber).await.unwrap());
    drop(guard);
    tree(sink.take())
}

fn opentelemetry() -> (Entity, Shown) {
    let sink = MemorySink::new();
    let exporter = XrayExporter::builder().sink(sink.clone()).annotations(["tenant"]);
    let provider = SdkTracerProvider::builder()
        .with_span_processor(XrayProcessor::new(exporter.build().unwrap()))
        .with_sampler(XraySampler::local("shop", LocalRules::record_none()))
        .with_id_generator(XrayIdGenerator::new())
        .with_resource(Resource::builder_empty().with_service_name("shop").build())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("tests"));
    let subscriber = tracing_subscriber::registry().with(layer);
    let came = std::collections::HashMap::from([("x-amzn-trace-id".to_owned(), HEADER.to_owned())]);
    tracing::subscriber::with_default(subscriber, || {
        let request = info_span!(
            "GET /orders/{id}",
            otel.kind = "server",
            http.request.method = "GET",
            url.scheme = "http",
            server.address = "shop.example",
            url.path = "/orders/7",
            http.response.status_code = Empty,
        );
        use opentelemetry::propagation::TextMapPropagator;
        request.set_parent(XrayPropagator::new().extract(&came)).unwrap();
        let _request = request.enter();
        let load = info_span!("load", tenant = "acme").entered();
        info_span!(
            "SELECT",
            otel.kind = "client",
            db.system.name = "postgresql",
            db.namespace = "products",
            server.address = "db.example",
            db.query.text = SQL,
        )
        .in_scope(|| {});
        info_span!(
            "GET",
            otel.kind = "client",
            http.request.method = "GET",
            url.full = "http://stock.example/7?key=secret",
            server.address = "stock.example",
            http.response.status_code = 503,
        )
        .in_scope(|| {});
        tracing::error!(exception.message = "the stock is closed", "exception");
        drop(load);
        request.record("http.response.status_code", 502);
    });
    provider.shutdown().unwrap();
    tree(sink.take())
}

#[tokio::test]
async fn both_ways_show_the_same() {
    let (native, by_native) = native().await;
    let (otel, by_otel) = opentelemetry();
    assert_eq!(by_native.children.len(), 1, "{by_native:#?}");
    assert_eq!(native.trace_id, otel.trace_id);
    assert_eq!(native.parent_id, otel.parent_id);
    assert_eq!(by_native, by_otel);
}
