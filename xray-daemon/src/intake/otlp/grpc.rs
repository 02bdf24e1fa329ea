//! `TraceService/Export` by gRPC.
//!
//! In: a request of HTTP/2. Out: its answer, the code in trailers. Owns nothing. Rule: "gRPC over
//! HTTP2": a message is one byte (1: packed), four of its length, and itself.
//!
//! ```text
//! content-type: application/grpc   grpc-encoding: gzip
//! 00 0000002a <42 bytes of ExportTraceServiceRequest>
//! ```

use std::net::SocketAddr;

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use http_body_util::{BodyExt, Full};

use super::answer::{Reason, Refusal, response};
use super::body::{BodyError, MAX_BYTES};
use super::http::unpacked;
use super::receiver::SpanReceiver;
use super::room::Share;
use super::unpack::Coding;

/// Path of the one method.
pub(super) const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// Bytes before a message.
const PREFIX_BYTES: usize = 5;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPTS: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// Whether a request is of gRPC.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    value.is_some_and(|value| value.starts_with(b"application/grpc"))
}

/// Takes the request of the method.
pub(super) async fn export(
    receiver: &SpanReceiver,
    sender: SocketAddr,
    request: &mut Request<Body>,
    share: &mut Share,
) -> Result<Response, Refusal> {
    let encoding = request.headers().get(ENCODING).map(HeaderValue::as_bytes);
    let coding = Coding::of(encoding)?;
    let framed = super::body::read(request.body_mut(), share).await?;
    let (packed, message) = message(framed)?;
    let coding = if packed { coding } else { Coding::Identity };
    let message = unpacked(message, coding, share).await?;
    Ok(answered(&response(receiver.receive(message, sender)?)))
}

/// The one message of a body, and whether it is packed.
fn message(mut framed: Vec<u8>) -> Result<(bool, Vec<u8>), BodyError> {
    let prefix: [u8; PREFIX_BYTES] = framed.first_chunk().copied().ok_or(BodyError::Cut)?;
    let [packed, length @ ..] = prefix;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_BYTES {
        return Err(BodyError::TooLarge);
    }
    if framed.len() != PREFIX_BYTES + length {
        return Err(BodyError::Cut);
    }
    framed.drain(..PREFIX_BYTES);
    Ok((packed != 0, framed))
}

fn answered(message: &[u8]) -> Response {
    let mut framed = Vec::with_capacity(PREFIX_BYTES + message.len());
    framed.push(0);
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    let trailers = HeaderMap::from_iter([(STATUS, HeaderValue::from_static("0"))]);
    let body = Full::new(Bytes::from(framed)).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}

/// An answer of headers only.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert(STATUS, HeaderValue::from(refusal.reason.grpc()));
    // Our own texts have nothing that would need escaping.
    if let Ok(message) = HeaderValue::from_str(&refusal.message) {
        headers.insert(MESSAGE, message);
    }
    if let Ok(details) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(refusal.status())) {
        headers.insert(DETAILS, details);
    }
    headers.insert(ACCEPTS, HeaderValue::from_static(Coding::ACCEPTED));
    response
}

/// The answer for every other method.
pub(super) fn unknown() -> Response {
    let message = "only TraceService/Export is served here: traces, no metrics and no logs";
    refused(&Refusal { reason: Reason::Unknown, message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_message() {
        let of = |framed: &[u8]| message(framed.to_vec());
        assert_eq!(of(b"\0\0\0\0\x02hi"), Ok((false, b"hi".to_vec())));
        assert_eq!(of(b"\x01\0\0\0\x02hi"), Ok((true, b"hi".to_vec())));
        assert_eq!(of(b"\0\0\0\0\0"), Ok((false, Vec::new())));
        for cut in [b"\0\0\0".as_slice(), b"\0\0\0\0\x03hi", b"\0\0\0\0\x01hi"] {
            assert_eq!(of(cut), Err(BodyError::Cut));
        }
        assert_eq!(of(b"\0\xff\0\0\0hi"), Err(BodyError::TooLarge));
    }
}
