//! What comes in goes out: X-Ray's header in all its forms, and W3C's.

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use http::Request;
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;

use super::serve;
use crate::reqwest::Client;
use crate::sampling::LocalRules;
use crate::testing::Capture;
use crate::tower::ServerLayer;
use crate::{Builder, TraceHeader, builder, current_headers};

const ROOT: &str = "1-5759e988-bd862e3fe1be46a994272793";
const TRACEPARENT: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

/// What a callee gets when a service that is called with `headers` calls it.
async fn passed_on(options: Builder, headers: &[(&str, &str)]) -> HeaderMap {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let callee = Router::new().route(
        "/",
        get(move |headers: HeaderMap| {
            let sender = sender.clone();
            async move { sender.send(headers).await.unwrap() }
        }),
    );
    let url = format!("http://{}/", serve(callee).await);
    let call = || async move {
        Client::default().get(url).send().await.unwrap();
    };
    let app = Router::new().route("/", get(call)).layer(ServerLayer::new());
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let capture = Capture::with(options);
    let request = request.body(axum::body::Body::empty()).unwrap();
    let answer = app.oneshot(request).with_subscriber(capture.subscriber().clone()).await.unwrap();
    assert_eq!(answer.status(), 200);
    receiver.recv().await.unwrap()
}

fn all() -> Builder {
    builder("orders").sampler(LocalRules::record_all())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn behind_a_load_balancer_the_root_is_kept_and_self_is_not_passed_on() {
    for header in [
        format!("Root={ROOT}"),
        format!("Self=1-67891234-12456789abcdef012345678;Root={ROOT}"),
        format!("Root={ROOT};Sampled=?"),
        format!(" root = {ROOT} ; Sampled="),
    ] {
        let came = passed_on(all(), &[("x-amzn-trace-id", &header)]).await;
        let passed = text(&came, "x-amzn-trace-id");
        assert!(passed.starts_with(&format!("Root={ROOT};Parent=")), "{header}: {passed}");
        assert!(passed.ends_with(";Sampled=1") && !passed.contains("Self"), "{passed}");
        assert!(!came.contains_key("traceparent"));
    }
}

#[tokio::test]
async fn parts_of_other_names_are_passed_on() {
    let header = format!("Root={ROOT};Sampled=0;Lineage=a87bd80c:1|68fd508a:5;CalledFrom=me");
    let came = passed_on(all(), &[("x-amzn-trace-id", &header)]).await;
    let passed = text(&came, "x-amzn-trace-id");
    let end = ";Sampled=0;Lineage=a87bd80c:1|68fd508a:5;CalledFrom=me";
    assert!(passed.ends_with(end), "{passed}");
}

#[tokio::test]
async fn a_trace_that_came_in_w3cs_words_goes_out_in_both() {
    let headers = [("traceparent", TRACEPARENT), ("tracestate", "vendor=x")];
    let came = passed_on(all(), &headers).await;
    let header = TraceHeader::parse(text(&came, "x-amzn-trace-id"));
    assert_eq!(header.root.unwrap().to_string(), ROOT);
    assert_eq!(text(&came, "traceparent"), header.traceparent().unwrap());
    assert_eq!(text(&came, "tracestate"), "vendor=x");
}

#[tokio::test]
async fn x_rays_header_comes_before_w3cs() {
    let other = TRACEPARENT.replace("5759e988", "11111111");
    let header = format!("Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1");
    let came = passed_on(all(), &[("x-amzn-trace-id", &header), ("traceparent", &other)]).await;
    assert!(text(&came, "x-amzn-trace-id").starts_with(&format!("Root={ROOT};")));
    assert!(!came.contains_key("traceparent"));
}

#[tokio::test]
async fn traceparent_is_sent_where_it_is_asked_for() {
    let came = passed_on(all().send_traceparent(true), &[]).await;
    let header = TraceHeader::parse(text(&came, "x-amzn-trace-id"));
    assert_eq!(text(&came, "traceparent"), header.traceparent().unwrap());
    assert!(!came.contains_key("tracestate"));
}

#[test]
fn outside_any_trace_there_are_no_headers() {
    assert_eq!(current_headers(), []);
}
