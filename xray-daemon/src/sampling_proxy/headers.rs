//! Which headers of a caller go on, with `--proxy-allow-all`.
//!
//! In: the headers of a request. Out: those that are signed and sent. Owns the list of the others:
//! what concerns one hop only, what meshes and load balancers add on the way and may change after
//! us, and what a signature is made of. To sign one of them is to break the signature.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers of one hop, of the signature, and of the way here.
const DROPPED: [&str; 40] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "host",
    "content-length",
    "authorization",
    "cookie",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "x-original-host",
    "x-request-id",
    "x-request-start",
    "x-correlation-id",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "x-ot-span-context",
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "grpc-trace-bin",
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-forwarded",
    "cdn-loop",
    "x-cluster-client-ip",
];
/// Beginnings of what Envoy, Istio, Linkerd, load balancers and tracers add.
const DROPPED_BEGINNINGS: [&str; 6] =
    ["x-forwarded-", "x-envoy-", "x-b3-", "x-istio-", "l5d-", "sec-"];

/// The headers that go on.
pub(super) fn to_send(received: &HeaderMap) -> HeaderMap {
    let connection = named_by_connection(received);
    let kept = received.iter().filter(|(name, value)| {
        let name = name.as_str();
        let dropped = DROPPED.contains(&name)
            || DROPPED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
            || connection.iter().any(|named| named.eq_ignore_ascii_case(name));
        // What cannot be signed is not sent.
        !dropped && value.to_str().is_ok()
    });
    let mut headers = HeaderMap::new();
    for (name, value) in kept {
        headers.append(name.clone(), value.clone());
    }
    headers
}

/// The headers of an answer that go back.
pub(super) fn to_return(received: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let hop: [HeaderName; 6] = [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::CONTENT_LENGTH,
        header::UPGRADE,
        header::TRAILER,
        HeaderName::from_static("keep-alive"),
    ];
    let kept = received.iter().filter(|(name, _)| !hop.contains(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Headers that a sender says are for this hop only.
fn named_by_connection(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(header::CONNECTION).iter();
    let names = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    names.map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_meshes_and_hops_add_does_not_go_on() {
        let mut received = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            ("accept", "*/*"),
            ("user-agent", "aws-sdk-go"),
            ("x-amz-target", "XRay.GetGroups"),
            ("host", "127.0.0.1:2000"),
            ("connection", "keep-alive, X-Mine"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("x-forwarded-for", "9.9.9.9"),
            ("x-forwarded-client-cert", "By=spiffe://x"),
            ("x-envoy-attempt-count", "1"),
            ("x-envoy-peer-metadata", "ChoKCkNMVVNURVJfSUQ"),
            ("x-b3-traceid", "80f198ee56343ba864fe8b2a57d3eff7"),
            ("x-request-id", "6b46b5d9"),
            ("traceparent", "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01"),
            ("l5d-dst-canonical", "xray"),
            ("authorization", "AWS4-HMAC-SHA256 not ours"),
            ("x-amz-date", "20241124T021717Z"),
        ] {
            received.append(name, HeaderValue::from_static(value));
        }
        received.append("x-bytes", HeaderValue::from_bytes(&[0xff]).unwrap());
        let sent = to_send(&received);
        let mut names: Vec<_> = sent.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "content-type", "user-agent", "x-amz-target"]);
    }

    #[test]
    fn an_answer_goes_back_without_what_concerned_one_hop() {
        let mut received = HeaderMap::new();
        for name in ["content-type", "x-amzn-requestid", "connection", "transfer-encoding"] {
            received.insert(name, HeaderValue::from_static("x"));
        }
        let returned = to_return(&received);
        let mut names: Vec<_> = returned.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "x-amzn-requestid"]);
    }
}
