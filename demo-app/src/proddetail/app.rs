//! `GET /catalogDetail`, and what the shared layers add.

use std::net::SocketAddr;
use std::str::FromStr;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use opentelemetry::trace::get_active_span;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde::{Deserialize, Serialize};

use crate::service::server::{Common, Health};
use crate::service::topology::Topology;
use crate::service::trace::Dialect;

/// Which version of the service a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Version {
    #[default]
    One,
    Two,
}

impl Version {
    /// The name of its segments, and its node on the map.
    pub(crate) const fn segment_name(self) -> &'static str {
        match self {
            Self::One => "Product-Detail",
            Self::Two => "Product-Detail-V2",
        }
    }

    fn detail(self) -> CatalogDetail {
        let (version, vendors): (_, &[&str]) = match self {
            Self::One => ("1", &["ABC.com"]),
            Self::Two => ("2", &["ABC.com", "XYZ.com"]),
        };
        let vendors = vendors.iter().map(|&vendor| vendor.to_owned()).collect();
        CatalogDetail { version: version.to_owned(), vendors }
    }
}

impl FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1" => Ok(Self::One),
            "2" => Ok(Self::Two),
            _ => Err("a version is 1 or 2"),
        }
    }
}

/// The answer of `GET /catalogDetail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CatalogDetail {
    pub(crate) version: String,
    pub(crate) vendors: Vec<String>,
}

#[derive(Clone, Debug)]
struct App {
    version: Version,
    listen: SocketAddr,
    common: Common,
}

/// The service, listening on `listen`.
pub(crate) fn router(version: Version, listen: SocketAddr, common: &Common) -> Router {
    let app = App { version, listen, common: common.clone() };
    let work = Router::new().route("/catalogDetail", get(catalog_detail)).with_state(app.clone());
    let plain = Router::new().route("/topology", get(topology)).with_state(app);
    common.wrap(common.faulty(work).merge(plain), Health { path: "/ping", healthy: "Healthy" })
}

async fn catalog_detail(State(app): State<App>) -> Json<CatalogDetail> {
    let detail = app.version.detail();
    match app.common.dialect {
        Dialect::Native => {
            xray_tracing::annotate("version", &detail.version);
            xray_tracing::metadata("vendors", &detail.vendors);
        }
        Dialect::OpenTelemetry(_) => {
            get_active_span(|span| span.set_attributes(attributes(&detail)))
        }
    }
    Json(detail)
}

/// What the answer says, as attributes of its span. The last is a convention of the AWS
/// distributions: which of them can be searched for.
fn attributes(detail: &CatalogDetail) -> [KeyValue; 3] {
    let vendors = detail.vendors.iter().cloned().map(StringValue::from).collect();
    [
        KeyValue::new("version", detail.version.clone()),
        KeyValue::new("vendors", Value::Array(Array::String(vendors))),
        KeyValue::new("aws.xray.annotations", Value::Array(Array::String(vec!["version".into()]))),
    ]
}

async fn topology(State(app): State<App>) -> Json<Topology> {
    Json(Topology {
        service: app.common.name.to_owned(),
        listen: app.listen.to_string(),
        instrumentation: app.common.dialect.words().to_owned(),
        faults: app.common.chaos.faults(),
        hops: Vec::new(),
        rows: None,
    })
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::service::trace::{TraceHealth, Untraced};

    fn service(version: Version) -> Router {
        let listen = "127.0.0.1:3000".parse().unwrap();
        let untraced = Untraced::health(TraceHealth::No);
        router(version, listen, &Common::new(version.segment_name(), listen, &[], untraced))
    }

    async fn get(service: &Router, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert!(response.headers().contains_key("x-amzn-trace-id"), "{path}");
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 64 * 1024).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_two_versions_name_their_vendors() {
        assert_eq!(
            get(&service(Version::One), "/catalogDetail").await,
            (200, r#"{"version":"1","vendors":["ABC.com"]}"#.to_owned())
        );
        assert_eq!(
            get(&service(Version::Two), "/catalogDetail").await,
            (200, r#"{"version":"2","vendors":["ABC.com","XYZ.com"]}"#.to_owned())
        );
    }

    #[tokio::test]
    async fn the_health_check_stays_healthy_under_an_injected_fault() {
        let service = service(Version::One);
        assert_eq!(get(&service, "/injectFault").await.0, 500);
        assert_eq!(get(&service, "/catalogDetail").await, (500, "\"Error\"".to_owned()));
        assert_eq!(get(&service, "/ping").await, (200, "\"Healthy\"".to_owned()));
        assert_eq!(get(&service, "/resetFault").await.0, 200);
        assert_eq!(get(&service, "/catalogDetail").await.0, 200);
    }

    #[tokio::test]
    async fn topology_tells_what_is_broken() {
        let service = service(Version::Two);
        get(&service, "/injectFault").await;
        let (_, body) = get(&service, "/topology").await;
        let topology: Topology = serde_json::from_str(&body).unwrap();
        assert_eq!(topology.service, "Product-Detail-V2");
        assert_eq!(topology.faults.status.map(|fault| fault.value), Some(500));
    }

    #[tokio::test]
    async fn metrics_count_by_route() {
        let service = service(Version::One);
        get(&service, "/catalogDetail").await;
        let (_, body) = get(&service, "/metrics").await;
        let line = "http_requests_total{service=\"Product-Detail\",method=\"GET\",\
                    route=\"/catalogDetail\",status=\"200\"} 1";
        assert!(body.contains(line), "{body}");
    }
}
