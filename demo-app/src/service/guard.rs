//! Refuses what a foreign web page makes a browser send: to a shop on somebody's laptop any page
//! they visit can post.
//!
//! In: the `Host`, `Origin` and `Sec-Fetch-Site` headers. Out: 403 that says why, or the request as
//! it was. A service on loopback answers to loopback names alone (DNS rebinding), more with
//! `--allow-host`. Programs send none of these headers but `Host`, and pass.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Which names a service answers to.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Set where the service listens on loopback: the names beside loopback's own.
    allowed_hosts: Option<Vec<String>>,
}

impl Guard {
    /// For a service bound to `listen`; `allowed_hosts` are names beside its own.
    pub(crate) fn new(listen: SocketAddr, allowed_hosts: &[String]) -> Self {
        let lower = || allowed_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Self { allowed_hosts: listen.ip().is_loopback().then(lower) }
    }

    /// Why a request is refused, if it is.
    fn objection(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<String> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).unwrap_or_default();
        if let Some(allowed) = &self.allowed_hosts
            && !host.is_empty()
            && !is_loopback_name(host)
            && !allowed.iter().any(|name| *name == host_name(host))
        {
            return Some(format!(
                "this service is bound to loopback and not known as {host:?}; \
                 start it with --allow-host {}",
                host_name(host)
            ));
        }
        let changes = !method.is_safe() || matches!(path, "/injectFault" | "/resetFault");
        if !changes {
            return None;
        }
        if let Some(origin) = text(header::ORIGIN)
            && authority(origin) != Some(host)
        {
            return Some(format!("a page from {origin:?} may not change anything here"));
        }
        if text(header::HeaderName::from_static("sec-fetch-site")) == Some("cross-site") {
            return Some("a page from another site may not change anything here".to_owned());
        }
        None
    }
}

/// Middleware: answers 403 where [`Guard`] objects.
pub(crate) async fn apply(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    match guard.objection(request.method(), request.uri().path(), request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, why + "\n").into_response(),
        None => next.run(request).await,
    }
}

/// `host:port` of an origin; `null` and the like have none.
fn authority(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

/// The name in a `Host` header, lower-case, without port and brackets.
fn host_name(host: &str) -> String {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.to_ascii_lowercase()
}

fn is_loopback_name(host: &str) -> bool {
    let name = host_name(host);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "127.0.0.1:9000";

    fn verdict(listen: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Option<String> {
        let guard = Guard::new(listen.parse().unwrap(), &["Shop.test".to_owned()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        guard.objection(&method.parse().unwrap(), path, &map)
    }

    #[test]
    fn programs_and_the_shops_own_pages_pass() {
        assert_eq!(verdict(HERE, "POST", "/products", &[]), None);
        for host in ["127.0.0.1:9000", "localhost:9000", "[::1]:9000", "a.localhost", "shop.test"] {
            let origin = format!("http://{host}");
            let headers = [("host", host), ("origin", &origin), ("sec-fetch-site", "same-origin")];
            assert_eq!(verdict(HERE, "POST", "/products", &headers), None, "{host}");
        }
    }

    #[test]
    fn a_foreign_page_may_read_nothing_by_name_and_change_nothing() {
        let rebound = [("host", "evil.example:9000")];
        assert!(verdict(HERE, "GET", "/", &rebound).unwrap().contains("--allow-host evil.example"));
        let posted = [("host", "127.0.0.1:9000"), ("origin", "http://evil.example")];
        assert!(verdict(HERE, "POST", "/products", &posted).is_some());
        assert_eq!(verdict(HERE, "GET", "/", &posted), None);
        let sandboxed = [("host", "127.0.0.1:9000"), ("origin", "null")];
        assert!(verdict(HERE, "DELETE", "/chaos", &sandboxed).is_some());
        let image = [("host", "127.0.0.1:3000"), ("sec-fetch-site", "cross-site")];
        assert!(verdict("127.0.0.1:3000", "GET", "/injectFault", &image).is_some());
        let other_port = [("host", "127.0.0.1:9000"), ("origin", "http://127.0.0.1:8080")];
        assert!(verdict(HERE, "POST", "/products", &other_port).is_some());
    }

    #[test]
    fn off_loopback_any_name_will_do_but_the_origin_must_be_it() {
        let load_balancer = [("host", "shop.example"), ("origin", "https://shop.example")];
        assert_eq!(verdict("0.0.0.0:9000", "POST", "/products", &load_balancer), None);
        let foreign = [("host", "shop.example"), ("origin", "https://evil.example")];
        assert!(verdict("0.0.0.0:9000", "POST", "/products", &foreign).is_some());
    }
}
