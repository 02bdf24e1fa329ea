//! Requests to a server: names, `http` block, headers, decisions, and when the segment ends.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use http_body::Body as _;
use tokio::sync::{mpsc, oneshot};
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, info_span, instrument};
use tracing_subscriber::prelude::*;

use super::documents;
use crate::document::{Cause, Entity};
use crate::sampling::{LocalRules, Rule};
use crate::testing::Capture;
use crate::tower::ServerLayer;
use crate::{MemorySink, annotate, builder, current_header, current_trace, spawn};

const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";

#[instrument]
async fn load_products() {
    annotate("count", 3);
}

fn app(layer: ServerLayer) -> Router {
    Router::new()
        .route(
            "/products",
            get(|| async {
                load_products().await;
                "three"
            }),
        )
        .route("/products", post(|| async { StatusCode::CREATED }))
        .route("/limit", get(|| async { StatusCode::TOO_MANY_REQUESTS }))
        .route("/broken", get(|| async { StatusCode::BAD_GATEWAY }))
        .route(
            "/ping",
            get(|| async {
                load_products().await;
                "pong"
            }),
        )
        .route("/trace", get(|| async { current_header().unwrap().to_string() }))
        .layer(layer)
}

fn request(path: &str) -> Request<Body> {
    Request::get(path).header("host", "shop.example:9000").body(Body::empty()).unwrap()
}

/// Sends a request through the app and reads the whole answer.
async fn answer(app: Router, request: Request<Body>, capture: &Capture) -> (Response, String) {
    let work = async {
        let (parts, body) = app.oneshot(request).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (Response::from_parts(parts, Body::empty()), text)
    };
    work.with_subscriber(capture.subscriber().clone()).await
}

async fn segment_of(request: Request<Body>) -> Entity {
    let capture = Capture::new();
    answer(app(ServerLayer::new()), request, &capture).await;
    documents(&capture, 1).await.remove(0)
}

#[tokio::test]
async fn a_request_is_a_segment_with_what_http_says() {
    let mut request = request("/products?token=secret");
    let headers = request.headers_mut();
    headers.insert("user-agent", "curl/8".parse().unwrap());
    headers.insert("x-forwarded-for", "203.0.113.7, 10.0.0.1".parse().unwrap());
    let segment = segment_of(request).await;
    assert_eq!(segment.name, "test");
    let http = segment.http.as_ref().unwrap();
    assert_eq!(http.request.method.as_deref(), Some("GET"));
    assert_eq!(http.request.url.as_deref(), Some("http://shop.example:9000/products"));
    assert_eq!(http.request.user_agent.as_deref(), Some("curl/8"));
    assert_eq!(http.request.client_ip.as_deref(), Some("203.0.113.7"));
    assert!(http.request.x_forwarded_for);
    assert_eq!(http.response.status, Some(200));
    assert_eq!(http.response.content_length, Some(5));
    assert!(!segment.fault && !segment.error && segment.parent_id.is_none());
    assert_eq!(segment.subsegments[0].name, "load_products");
    assert_eq!(segment.subsegments[0].annotations.len(), 1);
    assert!(segment.metadata.is_empty());
}

#[tokio::test]
async fn statuses_set_the_flags() {
    for (path, status, flags) in [
        ("/nowhere", 404, (false, true, false)),
        ("/limit", 429, (false, true, true)),
        ("/broken", 502, (true, false, false)),
    ] {
        let segment = segment_of(request(path)).await;
        assert_eq!(segment.http.unwrap().response.status, Some(status));
        assert_eq!((segment.fault, segment.error, segment.throttle), flags, "{path}");
    }
}

#[tokio::test]
async fn the_callers_trace_goes_on() {
    let mut request = request("/products");
    let header = format!("Self=1-x;Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1");
    request.headers_mut().insert("X-Amzn-Trace-Id", header.parse().unwrap());
    let segment = segment_of(request).await;
    assert_eq!(segment.trace_id.unwrap().to_string(), ROOT);
    assert_eq!(segment.parent_id.unwrap().to_string(), "53995c3f42cd8ad8");
    // Nobody of ours decided.
    assert!(segment.aws.unwrap().extra["xray"].get("sampling_rule_name").is_none());
}

#[tokio::test]
async fn a_decision_of_the_caller_is_final_and_passed_on() {
    let capture = Capture::new();
    let mut request = request("/trace");
    let header = format!("Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=0;Lineage=a:1");
    request.headers_mut().insert("x-amzn-trace-id", header.parse().unwrap());
    let (response, text) = answer(app(ServerLayer::new()), request, &capture).await;
    assert!(text.starts_with(&format!("Root={ROOT};Parent=")), "{text}");
    assert!(text.ends_with(";Sampled=0;Lineage=a:1"), "{text}");
    assert!(!text.contains("53995c3f42cd8ad8"), "{text}");
    assert_eq!(response.headers().get("x-amzn-trace-id"), None);
    assert_eq!(capture.documents(), []);
    assert_eq!((capture.stats().roots_sampled, capture.stats().roots_unsampled), (0, 1));
}

#[tokio::test]
async fn who_asks_for_the_decision_is_told() {
    for (rules, sampled) in [(LocalRules::record_all(), 1), (LocalRules::record_none(), 0)] {
        let capture = Capture::with(builder("orders").sampler(rules));
        let mut request = request("/products");
        let header = format!("Root={ROOT};Sampled=?");
        request.headers_mut().insert("x-amzn-trace-id", header.parse().unwrap());
        let (response, _) = answer(app(ServerLayer::new()), request, &capture).await;
        let told = response.headers()["x-amzn-trace-id"].to_str().unwrap().to_owned();
        assert_eq!(told, format!("Root={ROOT};Sampled={sampled}"));
    }
}

#[tokio::test]
async fn rules_see_the_request() {
    let posts = Rule::named("posts").priority(1).method("POST").path("/products*").host("shop.*");
    let posts = posts.reservoir_per_s(0).fixed_rate(1.0).build().unwrap();
    let rules = LocalRules::builder().rule(posts).fallback(0, 0.0).unwrap().build();
    let capture = Capture::with(builder("orders").sampler(rules));
    let app = app(ServerLayer::new());
    answer(app.clone(), request("/products"), &capture).await;
    let mut post = request("/products");
    *post.method_mut() = http::Method::POST;
    answer(app, post, &capture).await;
    let segment = documents(&capture, 1).await.remove(0);
    assert_eq!(segment.http.unwrap().response.status, Some(201));
    // It is a rule of this process: X-Ray knows none of that name.
    assert_eq!(segment.aws.unwrap().extra["xray"].get("sampling_rule_name"), None);
}

#[tokio::test]
async fn excluded_paths_leave_nothing_even_below() {
    let capture = Capture::new();
    let app = app(ServerLayer::new().exclude_path("/ping"));
    let (_, text) = answer(app.clone(), request("/ping?deep=1"), &capture).await;
    assert_eq!(text, "pong");
    answer(app, request("/pings"), &capture).await;
    let segment = documents(&capture, 1).await.remove(0);
    assert_eq!(segment.http.unwrap().response.status, Some(404));
}

#[tokio::test]
async fn an_excluded_request_knows_why() {
    let capture = Capture::new();
    let app = Router::new()
        .route(
            "/ping",
            get(|| async {
                let trace = current_trace().unwrap();
                assert_eq!((trace.sampled, trace.rule.as_deref()), (false, Some("excluded")));
                "pong"
            }),
        )
        .layer(ServerLayer::new().exclude_path("/ping"));
    assert_eq!(answer(app, request("/ping"), &capture).await.1, "pong");
}

#[tokio::test]
async fn a_layer_can_have_a_name_of_its_own_or_of_the_host() {
    let name = async |layer: ServerLayer| {
        let capture = Capture::new();
        answer(app(layer), request("/products"), &capture).await;
        documents(&capture, 1).await.remove(0).name
    };
    assert_eq!(name(ServerLayer::new().service_name("Frontend")).await, "Frontend");
    let by_host = ServerLayer::new().service_name("Frontend");
    assert_eq!(name(by_host.clone().name_by_host("*.example:*")).await, "shop.example:9000");
    assert_eq!(name(by_host.name_by_host("*.internal")).await, "Frontend");
}

#[tokio::test]
async fn the_peers_address_is_found_where_the_server_notes_it() {
    let peer: SocketAddr = "192.0.2.9:4711".parse().unwrap();
    let mut plain = request("/products");
    plain.extensions_mut().insert(peer);
    let segment = segment_of(plain).await;
    let http = segment.http.unwrap();
    assert_eq!(http.request.client_ip.as_deref(), Some("192.0.2.9"));
    assert!(!http.request.x_forwarded_for);

    let layer = ServerLayer::new()
        .client_ip(|extensions| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip()));
    let mut noted = request("/products");
    noted.extensions_mut().insert(ConnectInfo(peer));
    let capture = Capture::new();
    answer(app(layer), noted, &capture).await;
    let http = documents(&capture, 1).await.remove(0).http.unwrap();
    assert_eq!(http.request.client_ip.as_deref(), Some("192.0.2.9"));
}

/// A body that is sent piece by piece, under the test's control.
fn streamed() -> (mpsc::Sender<Result<Bytes, &'static str>>, Body) {
    let (sender, mut receiver) = mpsc::channel::<Result<Bytes, &'static str>>(1);
    let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    (sender, Body::from_stream(stream))
}

fn streaming_app(body: Body) -> Router {
    let body = Arc::new(std::sync::Mutex::new(Some(body)));
    let handler = move || {
        let body = body.lock().unwrap().take().unwrap();
        async move { Response::new(body) }
    };
    Router::new().route("/stream", get(handler)).layer(ServerLayer::new())
}

#[tokio::test]
async fn a_segment_ends_with_the_last_byte_of_its_response() {
    let capture = Capture::new();
    let (sender, body) = streamed();
    let work = async {
        let response = streaming_app(body).oneshot(request("/stream")).await.unwrap();
        assert_eq!(response.body().size_hint().exact(), None);
        assert!(capture.documents().iter().all(|document| document.in_progress));
        sender.send(Ok(Bytes::from_static(b"abc"))).await.unwrap();
        drop(sender);
        axum::body::to_bytes(response.into_body(), 100).await.unwrap()
    };
    let bytes = work.with_subscriber(capture.subscriber().clone()).await;
    assert_eq!(bytes, "abc");
    let http = documents(&capture, 1).await.remove(0).http.unwrap();
    assert_eq!(http.response.content_length, Some(3));
}

#[tokio::test]
async fn a_body_that_fails_is_a_fault_and_one_that_is_dropped_just_ends() {
    for fails in [true, false] {
        let capture = Capture::new();
        let (sender, body) = streamed();
        let work = async {
            let response = streaming_app(body).oneshot(request("/stream")).await.unwrap();
            if fails {
                sender.send(Err("disk on fire")).await.unwrap();
                axum::body::to_bytes(response.into_body(), 100).await.unwrap_err();
            }
        };
        work.with_subscriber(capture.subscriber().clone()).await;
        let segment = documents(&capture, 1).await.remove(0);
        assert_eq!((segment.fault, segment.in_progress), (fails, false));
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_is_marked() {
    let capture = Capture::new();
    let app = Router::new()
        .route("/never", get(|| std::future::pending::<&str>().instrument(info_span!("waiting"))))
        .layer(ServerLayer::new());
    let work = async {
        let request = app.oneshot(request("/never"));
        tokio::time::timeout(std::time::Duration::from_millis(1), request).await.unwrap_err();
    };
    work.with_subscriber(capture.subscriber().clone()).await;
    let segment = documents(&capture, 1).await.remove(0);
    assert_eq!(segment.metadata["default"]["cancelled"], true);
    assert_eq!(segment.http.unwrap().response.status, None);
    assert_eq!(segment.subsegments[0].name, "waiting");
}

#[tokio::test]
async fn a_handler_that_panics_is_a_fault_with_a_cause() {
    crate::panics::install_hook();
    let capture = Capture::new();
    let app = Router::new()
        .route(
            "/panic",
            get(|| async {
                if current_trace().is_some() {
                    panic!("no such shelf");
                }
            }),
        )
        .layer(ServerLayer::new());
    let request = app.oneshot(request("/panic")).with_subscriber(capture.subscriber().clone());
    assert!(tokio::spawn(request).await.unwrap_err().is_panic());
    let segment = documents(&capture, 1).await.remove(0);
    assert!(segment.fault);
    let Some(Cause::Detail(cause)) = segment.cause else { panic!("no cause") };
    assert_eq!(cause.exceptions[0].message.as_deref(), Some("no such shelf"));
    assert!(segment.metadata.is_empty());
}

#[tokio::test]
async fn what_outlives_the_response_follows_on_its_own() {
    let capture = Capture::new();
    let (go, may_go) = oneshot::channel::<()>();
    let may_go = Arc::new(std::sync::Mutex::new(Some(may_go)));
    let handler = move || {
        let may_go = may_go.lock().unwrap().take().unwrap();
        async move {
            spawn(async { may_go.await.unwrap() }.instrument(info_span!("mail")));
            "queued"
        }
    };
    let app = Router::new().route("/order", get(handler)).layer(ServerLayer::new());
    answer(app, request("/order"), &capture).await;
    let segment = documents(&capture, 1).await.remove(0);
    assert_eq!((segment.in_progress, segment.subsegments.len()), (false, 0));
    go.send(()).unwrap();
    let mail = documents(&capture, 1).await.remove(0);
    assert_eq!(mail.name, "mail");
    assert_eq!((mail.parent_id, mail.trace_id), (segment.id, segment.trace_id));
    assert!(mail.end_time_s >= segment.end_time_s);
}

#[tokio::test]
async fn without_any_span_enabled_propagation_and_segment_still_work() {
    let sink = MemorySink::new();
    let options = builder("orders").sink(sink.clone()).sampler(LocalRules::record_all());
    let (layer, guard) = options.without_environment().build().unwrap();
    let off = tracing::level_filters::LevelFilter::OFF;
    let subscriber = tracing_subscriber::registry().with(layer).with(off);
    let (text, id) = async {
        let response = app(ServerLayer::new()).oneshot(request("/trace")).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let id = crate::TraceHeader::parse(&text).parent.unwrap();
        (text, id)
    }
    .with_subscriber(subscriber)
    .await;
    assert!(text.ends_with(";Sampled=1"), "{text}");
    assert!(guard.flush(std::time::Duration::from_secs(20)));
    let documents = sink.take();
    assert_eq!(documents.len(), 1);
    assert_eq!(Entity::parse(&documents[0]).unwrap().id, Some(id));
}

#[tokio::test]
async fn without_a_layer_requests_pass_untouched() {
    let response = app(ServerLayer::new()).oneshot(request("/products")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get("x-amzn-trace-id"), None);
}

#[tokio::test]
async fn a_service_that_fails_is_a_fault() {
    let capture = Capture::new();
    let failing =
        tower::service_fn(|_: Request<Body>| async { Err::<Response, &'static str>("no backend") });
    let service = tower_layer::Layer::layer(&ServerLayer::new(), failing);
    let work = service.oneshot(request("/")).with_subscriber(capture.subscriber().clone());
    assert_eq!(work.await.unwrap_err(), "no backend");
    assert!(documents(&capture, 1).await.remove(0).fault);
}

#[tokio::test]
async fn an_infallible_service_needs_no_conversion() {
    let service = tower::ServiceBuilder::new().layer(ServerLayer::new()).service_fn(
        |_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::from("ok"))) },
    );
    assert_eq!(service.oneshot(request("/")).await.unwrap().status(), 200);
}
