//! Calls to other services: subsegments, headers, errors.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;

use super::{documents, serve, traced};
use crate::document::{Cause, Entity};
use crate::reqwest::Client;
use crate::sampling::LocalRules;
use crate::testing::Capture;
use crate::{TraceHeader, builder};

fn downstream() -> Router {
    let header = |headers: HeaderMap| async move {
        headers.get("x-amzn-trace-id").map_or(String::new(), |h| h.to_str().unwrap().to_owned())
    };
    Router::new()
        .route("/header", get(header))
        .route("/limit", get(|| async { StatusCode::TOO_MANY_REQUESTS }))
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
}

async fn call_of(capture: &Capture) -> Entity {
    documents(capture, 1).await.remove(0).subsegments.remove(0)
}

#[tokio::test]
async fn a_call_is_a_remote_subsegment_and_carries_its_header() {
    let capture = Capture::new();
    let address = serve(downstream()).await;
    let client = Client::from(reqwest::Client::new());
    let url = format!("http://user:pass@{address}/header?token=secret#top");
    let text = traced(&capture, async { client.get(url).send().await.unwrap().text().await })
        .await
        .unwrap();
    let segment = documents(&capture, 1).await.remove(0);
    let call = &segment.subsegments[0];
    assert_eq!((&*call.name, call.namespace.as_deref()), ("127.0.0.1", Some("remote")));
    let http = call.http.as_ref().unwrap();
    assert_eq!(http.request.method.as_deref(), Some("GET"));
    assert_eq!(http.request.url.as_deref(), Some(&*format!("http://{address}/header")));
    assert!(!segment.to_json().contains("pass") && !segment.to_json().contains("secret"));
    assert_eq!(http.response.status, Some(200));
    assert_eq!(http.response.content_length, Some(text.len() as u64));
    let header = TraceHeader::parse(&text);
    assert_eq!((header.root, header.parent), (segment.trace_id, call.id));
    assert!(text.ends_with(";Sampled=1"), "{text}");
    assert!(!call.fault && !call.error);
}

#[tokio::test]
async fn statuses_of_callees_set_the_flags_of_the_call() {
    let capture = Capture::new();
    let address = serve(downstream()).await;
    let client = Client::from(reqwest::Client::new());
    for (path, flags) in [
        ("limit", (false, true, true)),
        ("broken", (true, false, false)),
        ("no", (false, true, false)),
    ] {
        let url = format!("http://{address}/{path}");
        traced(&capture, client.get(url).send()).await.unwrap();
        let call = call_of(&capture).await;
        assert_eq!((call.fault, call.error, call.throttle), flags, "{path}");
    }
}

#[tokio::test]
async fn a_call_that_fails_is_a_fault_with_its_causes_but_without_its_query() {
    let capture = Capture::new();
    let client = Client::from(reqwest::Client::new());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/cart?token=secret");
    let error = traced(&capture, client.get(&url).send()).await.unwrap_err();
    assert_eq!(error.url().map(reqwest::Url::as_str), Some(&*url));
    let call = call_of(&capture).await;
    assert!(call.fault);
    let Some(Cause::Detail(cause)) = &call.cause else { panic!("{call:?}") };
    assert!(cause.exceptions.len() >= 2, "{cause:?}");
    assert!(!call.to_json().contains("secret"), "{}", call.to_json());
}

#[tokio::test]
async fn an_unsampled_trace_is_passed_on_and_not_recorded() {
    let capture = Capture::with(builder("orders").sampler(LocalRules::record_none()));
    let address = serve(downstream()).await;
    let client = Client::from(reqwest::Client::new());
    let url = format!("http://{address}/header");
    let text = traced(&capture, async { client.get(url).send().await.unwrap().text().await })
        .await
        .unwrap();
    assert!(text.ends_with(";Sampled=0"), "{text}");
    assert!(TraceHeader::parse(&text).parent.is_some());
    assert_eq!(capture.documents(), []);
}

#[tokio::test]
async fn outside_any_trace_nothing_is_added() {
    let address = serve(downstream()).await;
    let client = Client::from(reqwest::Client::new());
    let answer = client.get(format!("http://{address}/header")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "");
}

#[tokio::test]
async fn a_call_that_is_given_up_ends() {
    let capture = Capture::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let client = Client::from(reqwest::Client::new());
    traced(&capture, async {
        let call = client.get(url).send();
        tokio::time::timeout(std::time::Duration::from_millis(5), call).await.unwrap_err();
    })
    .await;
    let call = call_of(&capture).await;
    assert_eq!(call.metadata["default"]["cancelled"], true);
    assert!(!call.fault && call.end_time_s.is_some());
}
