//! The `http` block.
//!
//! In: the attributes of a span, of old and new conventions. Out: the block, and ticks on what it
//! says. Owns nothing. Without a sign of HTTP there is no block and nothing is ticked off: the
//! addresses of database and RPC calls stay. Rule: the Collector's `awsxray` exporter; beyond it:
//! the server's port, the size of the body, a status in quotes, credentials taken out of URLs.

use std::net::IpAddr;

use super::attributes::Attributes;
use super::keys::Key;
use super::role::Role;
use super::url::{UrlParts, default_port, host_and_port, split, without_credentials};
use super::view::{Event, SpanKind, SpanView, Value};
use crate::document::limits::MAX_HTTP_TEXT_CHARS;
use crate::document::{Http, HttpRequest, HttpResponse, cut_chars};

/// What only HTTP spans have.
const SIGNS: [Key; 16] = [
    Key::HttpMethod,
    Key::HttpRequestMethod,
    Key::HttpClientIp,
    Key::HttpUserAgent,
    Key::UserAgentOriginal,
    Key::HttpStatusCode,
    Key::HttpResponseStatusCode,
    Key::HttpUrl,
    Key::UrlFull,
    Key::HttpScheme,
    Key::UrlScheme,
    Key::HttpHost,
    Key::HttpTarget,
    Key::UrlPath,
    Key::UrlQuery,
    Key::HttpServerName,
];
const METHOD: [Key; 2] = [Key::HttpMethod, Key::HttpRequestMethod];
const USER_AGENT: [Key; 2] = [Key::HttpUserAgent, Key::UserAgentOriginal];
const FULL_URL: [Key; 2] = [Key::HttpUrl, Key::UrlFull];
const SCHEME: [Key; 2] = [Key::HttpScheme, Key::UrlScheme];
const STATUS: [Key; 2] = [Key::HttpStatusCode, Key::HttpResponseStatusCode];
const CLIENT: [Key; 2] = [Key::HttpClientIp, Key::ClientAddress];
/// The other end of the connection.
const PEER: [Key; 3] = [Key::NetPeerIp, Key::NetSockPeerAddr, Key::NetworkPeerAddress];
/// The host that a server answers for, and its port.
const SERVER_HOST: [Key; 4] =
    [Key::HttpServerName, Key::NetHostName, Key::HostName, Key::ServerAddress];
const SERVER_PORT: [Key; 2] = [Key::NetHostPort, Key::ServerPort];
/// The host that a client asks, and its port.
const CLIENT_HOST: [Key; 3] = [Key::NetPeerName, Key::NetPeerIp, Key::ServerAddress];
const CLIENT_PORT: [Key; 2] = [Key::NetPeerPort, Key::ServerPort];

/// The HTTP status of a span, if it has one.
pub(super) fn status(attributes: &Attributes<'_>) -> Option<i64> {
    attributes.first_integer(&STATUS)
}

/// Makes the block.
pub(super) fn http(
    attributes: &mut Attributes<'_>,
    span: &SpanView<'_>,
    role: Role,
) -> Option<Http> {
    if !attributes.has_any(&SIGNS) {
        return None;
    }
    let client_ip = client_ip(attributes, span.kind);
    let is_forwarded = role == Role::Segment
        && client_ip.as_deref().is_some_and(|ip| attributes.first_text(&PEER) != Some(ip));
    if let Some(ip) = &client_ip {
        attributes.tick_same(&CLIENT, ip);
        attributes.tick_same(&PEER, ip);
    }
    let request = HttpRequest {
        method: attributes.take_text_of(&METHOD, MAX_HTTP_TEXT_CHARS),
        url: url(attributes, span.kind),
        user_agent: attributes.take_text_of(&USER_AGENT, MAX_HTTP_TEXT_CHARS),
        client_ip,
        x_forwarded_for: is_forwarded,
        ..HttpRequest::default()
    };
    let response = HttpResponse {
        status: take_status(attributes),
        content_length: content_length(attributes, &span.events),
        ..HttpResponse::default()
    };
    let http = Http { request, response, ..Http::default() };
    (http != Http::default()).then_some(http)
}

/// The address of the client: as said, or where a server's connection comes from.
fn client_ip(attributes: &Attributes<'_>, kind: SpanKind) -> Option<String> {
    let said = attributes.text(Key::HttpClientIp);
    let address = || attributes.text(Key::ClientAddress).filter(|text| is_ip(text));
    let peer = || match kind {
        // A client's peer is the server.
        SpanKind::Client | SpanKind::Producer => None,
        _ => PEER.iter().find_map(|key| attributes.text(*key).filter(|text| is_ip(text))),
    };
    let ip = said.or_else(address).or_else(peer)?;
    (ip.len() <= MAX_HTTP_TEXT_CHARS).then(|| ip.to_owned())
}

fn is_ip(text: &str) -> bool {
    text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// The URL as said, or put together; what it says is ticked off.
fn url(attributes: &mut Attributes<'_>, kind: SpanKind) -> Option<String> {
    let full = attributes.first_text(&FULL_URL).map(without_credentials);
    let url = match full {
        Some(url) => url,
        None => composed(attributes, kind)?,
    };
    let cut = cut_chars(&url, MAX_HTTP_TEXT_CHARS);
    if cut.len() < url.len() {
        // Its parts stay in metadata, in full.
        return Some(cut.to_owned());
    }
    for key in FULL_URL {
        // Without its credentials it is the same.
        if attributes.text(key).is_some_and(|text| without_credentials(text) == url) {
            attributes.tick(key);
        }
    }
    tick_parts(attributes, &url);
    Some(url)
}

/// A URL of its parts; only the path where no host is known.
fn composed(attributes: &Attributes<'_>, kind: SpanKind) -> Option<String> {
    let is_client = matches!(kind, SpanKind::Client | SpanKind::Producer);
    let (hosts, ports): (&[Key], &[Key]) = match kind {
        _ if is_client => (&CLIENT_HOST, &CLIENT_PORT),
        _ => (&SERVER_HOST, &SERVER_PORT),
    };
    let path = path(attributes);
    let said_host = attributes.text(Key::HttpHost);
    let Some(host) = said_host.or_else(|| attributes.first_text(hosts)) else {
        return path;
    };
    let scheme = attributes.first_text(&SCHEME).unwrap_or("http");
    let port = attributes.first_integer(ports).filter(|_| said_host.is_none());
    let port = port.map(|port| port.to_string()).filter(|port| port != default_port(scheme));
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    let path = path.unwrap_or_else(|| "/".to_owned());
    // An IPv6 address stands in brackets.
    Some(match host.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("{scheme}://[{address}]{port}{path}"),
        Err(_) => format!("{scheme}://{host}{port}{path}"),
    })
}

fn path(attributes: &Attributes<'_>) -> Option<String> {
    if let Some(target) = attributes.text(Key::HttpTarget) {
        return Some(target.to_owned());
    }
    let path = attributes.text(Key::UrlPath);
    let query = attributes.text(Key::UrlQuery);
    match (path, query.map(|query| query.strip_prefix('?').unwrap_or(query))) {
        (None, None) => None,
        (path, None) => path.map(str::to_owned),
        (path, Some(query)) => Some(format!("{}?{query}", path.unwrap_or("/"))),
    }
}

/// Ticks off the attributes that `url` says already.
fn tick_parts(attributes: &mut Attributes<'_>, url: &str) {
    let parts = split(url).unwrap_or(UrlParts { rest: url, ..UrlParts::default() });
    attributes.tick_same(&SCHEME, parts.scheme);
    let hosts = SERVER_HOST.iter().chain(&CLIENT_HOST).chain(&[Key::HttpHost]);
    for key in hosts {
        let says_host = |text: &str| {
            let (host, port) = host_and_port(text);
            same_host(host, parts.host) && (port.is_empty() || is_port_of(&parts, port))
        };
        if attributes.text(*key).is_some_and(says_host) {
            attributes.tick(*key);
        }
    }
    for key in SERVER_PORT.iter().chain(&CLIENT_PORT) {
        let port = attributes.get(*key).and_then(Value::as_integer);
        if port.is_some_and(|port| is_port_of(&parts, &port.to_string())) {
            attributes.tick(*key);
        }
    }
    let (path, query) = parts.rest.split_once('?').unwrap_or((parts.rest, ""));
    let path = if path.is_empty() { "/" } else { path };
    attributes.tick_same(&[Key::HttpTarget], parts.rest);
    attributes.tick_same(&[Key::UrlPath], path);
    let says_query = |text: &str| text.strip_prefix('?').unwrap_or(text) == query;
    if attributes.text(Key::UrlQuery).is_some_and(says_query) {
        attributes.tick(Key::UrlQuery);
    }
}

fn same_host(said: &str, host: &str) -> bool {
    let bare = |host: &str| host.trim_matches(['[', ']']).to_ascii_lowercase();
    !host.is_empty() && bare(said) == bare(host)
}

fn is_port_of(parts: &UrlParts<'_>, port: &str) -> bool {
    if parts.port.is_empty() { default_port(parts.scheme) == port } else { parts.port == port }
}

fn take_status(attributes: &mut Attributes<'_>) -> Option<u16> {
    let status = status(attributes)?;
    let valid = u16::try_from(status).ok().filter(|status| (100..=599).contains(status))?;
    for key in STATUS {
        if attributes.get(key).and_then(Value::as_integer) == Some(status) {
            attributes.tick(key);
        }
    }
    Some(valid)
}

/// Bytes of the response's body, by whichever attribute says it.
fn content_length(attributes: &mut Attributes<'_>, events: &[Event<'_>]) -> Option<u64> {
    const NUMBERS: [Key; 3] =
        [Key::HttpResponseBodySize, Key::HttpResponseContentLength, Key::MessagingPayloadSize];
    for key in NUMBERS {
        if let Some(bytes) = attributes.get(key).and_then(unsigned) {
            attributes.tick(key);
            return Some(bytes);
        }
    }
    let header = Key::HttpResponseContentLengthHeader;
    let first = attributes.get(header).and_then(|value| match value {
        Value::List(values) => values.first().and_then(unsigned),
        value => unsigned(value),
    });
    if first.is_some() {
        attributes.tick(header);
    }
    first.or_else(|| events.iter().find_map(received_bytes))
}

/// The size that the first event of a received message says. Rule: OpenCensus.
fn received_bytes(event: &Event<'_>) -> Option<u64> {
    let of = |key: &str| event.attributes.iter().find(|it| it.key == key).map(|it| &it.value);
    let received = of("message.type")?.as_text() == Some("RECEIVED");
    let size = of(Key::MessagingPayloadSize.text())?;
    received.then(|| unsigned(size))?
}

fn unsigned(value: &Value<'_>) -> Option<u64> {
    value.as_integer().and_then(|value| u64::try_from(value).ok())
}
