//! A console over a store with known traces.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::backend::local::LocalConfig;
use crate::backend::local::console::state::now_s;
use crate::backend::local::console::{ConsoleState, router};
use crate::backend::local::sampling::Sampling;
use crate::backend::local::store::{Incoming, Store};

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// A console that answers without a network.
pub(super) struct Console {
    router: Router,
    store: Store,
}

impl Console {
    pub(super) async fn open() -> Self {
        Self::with(LocalConfig::default()).await
    }

    pub(super) async fn with(config: LocalConfig) -> Self {
        let store = Store::open(&config).await.unwrap();
        let sampling = Sampling::open(store.clone(), Vec::new()).await.unwrap();
        let stop = CancellationToken::new();
        let state = ConsoleState::new(store.clone(), sampling, Arc::new(config), None, stop);
        Self { router: router(state), store }
    }

    pub(super) async fn put(&self, documents: &[Value]) {
        let incoming = |document: &Value| Incoming {
            document: Bytes::from(document.to_string()),
            sender: Some(([127, 0, 0, 1], 51_833).into()),
        };
        let incoming: Vec<_> = documents.iter().map(incoming).collect();
        let unstored = self.store.put(&incoming).await.unwrap();
        assert!(unstored.is_empty(), "{unstored:?}");
    }

    pub(super) async fn get(&self, address: &str) -> Answer {
        self.send(Request::get(address).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, address: &str, form: &str) -> Answer {
        let request = Request::post(address)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()));
        self.send(request.unwrap()).await
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 32 << 20).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// The trace of [`shop`], as text.
pub(super) const TRACE: &str = "1-67891233-abcdef012345678912345678";

/// A request that was answered with a fault two calls deep, asked twice, and goes on in a worker.
/// `start_s` is when it began.
pub(super) fn shop(start_s: f64) -> Vec<Value> {
    let at = |ms: f64| start_s + ms / 1e3;
    let call = |id: &str, from: f64, to: f64, child: &str| {
        let call = json!({
            "id": id, "name": "Product-Detail", "namespace": "remote", "fault": true,
            "start_time": at(from), "end_time": at(to),
            "http": { "request": { "method": "GET", "url": "http://detail:3000/catalogDetail" },
                      "response": { "status": 500 } }
        });
        let detail = json!({
            "trace_id": TRACE, "id": child, "parent_id": id, "name": "Product-Detail",
            "start_time": at(from + 3.0), "end_time": at(to - 3.0), "fault": true,
            "http": { "response": { "status": 500 } },
            "subsegments": [{
                "id": child.replace('d', "f"), "name": "load_vendors",
                "start_time": at(from + 5.0), "end_time": at(to - 4.0), "fault": true,
                "annotations": { "product_id": 14, "injected": true },
                "metadata": { "default": { "vendors_wanted": ["ABC.com", "XYZ.com"] } },
                "cause": { "working_directory": "/srv", "exceptions": [{
                    "id": "1111111111111111", "type": "InjectedFault",
                    "message": "vendor lookup failed", "cause": "2222222222222222",
                    "stack": [
                        { "path": "src/vendors.rs", "line": 41, "label": "vendors::load" },
                        { "path": "/.cargo/tower/oneshot.rs", "line": 97, "label": "call" }
                    ]
                }, { "id": "2222222222222222", "type": "io::Error", "message": "reset by peer" }] }
            }]
        });
        (call, detail)
    };
    let (first, first_detail) = call("00000000000000c1", 63.0, 215.0, "00000000000000d1");
    let (second, second_detail) = call("00000000000000c2", 232.0, 388.0, "00000000000000d2");
    let front = json!({
        "trace_id": TRACE, "id": "00000000000000a1", "name": "Frontend", "user": "workshop-07",
        "origin": "AWS::EKS::Container", "start_time": at(0.0), "end_time": at(402.0), "fault": true,
        "http": { "request": { "method": "POST", "url": "http://shop:9000/products/14",
                               "client_ip": "198.51.100.7" },
                  "response": { "status": 502 } },
        "aws": { "eks": { "cluster_name": "workshop", "pod": "front-1" },
                 "xray": { "sdk": "xray-tracing", "sdk_version": "0.1.0",
                           "sampling_rule_name": "workshop-actions" } },
        "annotations": { "product_id": 14 },
        "subsegments": [
            { "id": "00000000000000a2", "name": "validate", "start_time": at(1.0),
              "end_time": at(4.0) },
            { "id": "00000000000000a3", "name": "Product-Catalog", "namespace": "remote",
              "start_time": at(6.0), "end_time": at(396.0), "fault": true,
              "http": { "request": { "method": "POST", "url": "http://catalog:5000/products/14" },
                        "response": { "status": 500 } } }
        ]
    });
    let catalog = json!({
        "trace_id": TRACE, "id": "00000000000000b1", "parent_id": "00000000000000a3",
        "name": "Product-Catalog", "start_time": at(9.0), "end_time": at(392.0), "fault": true,
        "http": { "response": { "status": 500 } },
        "subsegments": [
            { "id": "00000000000000b2", "name": "products@db", "namespace": "remote",
              "start_time": at(15.0), "end_time": at(38.0),
              "sql": { "database_type": "SQLite", "database_version": "3.51",
                       "sanitized_query": "INSERT INTO products (id, name) VALUES (?1, ?2)" } },
            { "id": "00000000000000b3", "name": "SQS", "namespace": "aws",
              "start_time": at(44.0), "end_time": at(59.0),
              "aws": { "operation": "SendMessage",
                       "queue_url": "https://sqs.eu-west-1.amazonaws.com/111122223333/restock" },
              "http": { "response": { "status": 200 } } },
            first, second
        ]
    });
    let worker = json!({
        "trace_id": TRACE, "id": "00000000000000e1", "parent_id": "00000000000000b3",
        "name": "Restock-Worker", "start_time": at(96.0), "in_progress": true,
        "subsegments": [
            { "id": "00000000000000e2", "name": "DynamoDB", "namespace": "aws",
              "start_time": at(104.0), "end_time": at(118.0), "throttle": true, "error": true,
              "aws": { "operation": "UpdateItem", "table_name": "stock" },
              "http": { "response": { "status": 400 } } }
        ]
    });
    vec![front, catalog, first_detail, second_detail, worker]
}

/// A request that went well, `seconds_ago`.
pub(super) fn plain(number: u64, seconds_ago: f64) -> Value {
    let start_s = now_s() - seconds_ago;
    json!({
        "trace_id": format!("1-67891233-{number:024x}"), "id": format!("{number:016x}"),
        "name": "Frontend", "start_time": start_s, "end_time": start_s + 0.02,
        "http": { "request": { "method": "GET", "url": "http://shop:9000/" },
                  "response": { "status": 200 } }
    })
}
