//! Refuses what a web page of somebody else makes a browser send.
//!
//! In: any request. Out: 403 for those that a browser sends for a foreign page, or to a foreign name
//! that was pointed at our address; the others pass. Names: loopback, plain addresses (nobody can
//! point those elsewhere), and those of `--allow-host`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Names that we answer to.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    allowed: Arc<[String]>,
}

impl Hosts {
    pub(super) fn new(allowed: &[String]) -> Self {
        Self { allowed: allowed.iter().map(|host| host.to_ascii_lowercase()).collect() }
    }

    /// Whether `authority`, a name or address with or without port, is ours.
    fn includes(&self, authority: &str) -> bool {
        let host = without_port(authority).to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        host == "localhost"
            || host.ends_with(".localhost")
            || address(host).is_some()
            || self.allowed.iter().any(|allowed| allowed == host)
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        // An IPv6 address stands in brackets: what follows the last colon in them is no port.
        Some((host, port))
            if port.bytes().all(|digit| digit.is_ascii_digit()) && !is_bare_v6(host) =>
        {
            host
        }
        _ => authority,
    }
}

fn is_bare_v6(host: &str) -> bool {
    host.contains(':') && !host.starts_with('[')
}

fn address(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    inner.unwrap_or(host).parse().ok()
}

/// Passes requests on that were sent to one of our names, and not for a foreign page.
pub(super) async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match refusal(&hosts, &request) {
        None => next.run(request).await,
        Some(why) => (StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
    }
}

fn refusal(hosts: &Hosts, request: &Request) -> Option<&'static str> {
    let headers = request.headers();
    let host = text(headers, header::HOST).or_else(|| Some(request.uri().authority()?.as_str()));
    let Some(host) = host.filter(|host| hosts.includes(host)) else {
        return Some(
            "this name is not one of ours; use the address, or start the daemon with --allow-host",
        );
    };
    if headers.contains_key(header::ORIGIN) {
        let origin = text(headers, header::ORIGIN).unwrap_or_default();
        let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if !from.is_some_and(|from| from.eq_ignore_ascii_case(host)) {
            return Some("requests for pages of other origins are not answered");
        }
    }
    // Browsers that hide the origin still say that it is another.
    let is_foreign = text(headers, "sec-fetch-site").is_some_and(|site| site == "cross-site");
    if is_foreign && !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Some("requests for pages of other sites are not answered");
    }
    None
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn is_refused(headers: &[(&str, &str)]) -> bool {
        let hosts = Hosts::new(&["Xray.Team.example".to_owned()]);
        let mut request = Request::post("/TraceSummaries");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        refusal(&hosts, &request.body(Body::empty()).unwrap()).is_some()
    }

    #[test]
    fn only_names_of_our_own_are_answered() {
        for host in [
            "localhost",
            "LOCALHOST:2002",
            "localhost.",
            "console.localhost:1",
            "127.0.0.1:2002",
            "10.0.0.7",
            "[::1]:2002",
            "[::1]",
            "xray.team.example",
            "XRAY.team.example:80",
        ] {
            assert!(!is_refused(&[("host", host)]), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:2002",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "xlocalhost",
            "team.example",
            "127.0.0.1:2002.evil.example",
        ] {
            assert!(is_refused(&[("host", host)]), "{host:?}");
        }
        assert!(is_refused(&[]));
    }

    #[test]
    fn only_pages_of_our_own_are_answered() {
        let from = |origin| is_refused(&[("host", "127.0.0.1:2002"), ("origin", origin)]);
        assert!(!from("http://127.0.0.1:2002"));
        for origin in [
            "null",
            "",
            "http://evil.example",
            "http://127.0.0.1:9000",
            "http://localhost:2002",
            "http://127.0.0.1:2002.evil.example",
            "file://",
        ] {
            assert!(from(origin), "{origin:?}");
        }
        let site = |site| is_refused(&[("host", "localhost"), ("sec-fetch-site", site)]);
        assert!(site("cross-site") && !site("same-origin") && !site("none"));
    }
}
