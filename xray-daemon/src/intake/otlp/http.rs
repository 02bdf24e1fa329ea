//! `POST /v1/traces`, in protobuf and in JSON.
//!
//! In: a request. Out: its answer, in the form of the request. Owns nothing.

use std::net::SocketAddr;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use tokio::task::spawn_blocking;

use super::answer::{RETRY_AFTER_S, Reason, Refusal, response, response_json};
use super::body::{BodyError, MAX_BYTES};
use super::json;
use super::receiver::{SpanReceiver, Taken};
use super::room::Share;
use super::unpack::{Coding, unpack};

/// Path of the call.
pub(super) const TRACES: &str = "/v1/traces";
/// Bytes from which on a body is unpacked and read beside the other tasks: it may take milliseconds.
const LONG_BYTES: usize = 32 * 1024;

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Protobuf,
    Json,
}

impl Form {
    /// By the header's value; `None` if it is another.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        match value.split(';').next().unwrap_or_default().trim() {
            "application/x-protobuf" | "application/protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        })
    }
}

/// Takes the spans of a call.
pub(super) async fn export(
    receiver: &SpanReceiver,
    sender: SocketAddr,
    request: &mut Request<Body>,
    form: Form,
    share: &mut Share,
) -> Result<Response, Refusal> {
    let encoding = request.headers().get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
    let coding = Coding::of(encoding)?;
    let packed = super::body::read(request.body_mut(), share).await?;
    let body = unpacked(packed, coding, share).await?;
    let protobuf = match form {
        Form::Protobuf => body,
        Form::Json => from_json(body, share).await?,
    };
    Ok(answered(receiver.receive(protobuf, sender)?, form))
}

/// Unpacks a body within its share.
pub(super) async fn unpacked(
    packed: Vec<u8>,
    coding: Coding,
    share: &mut Share,
) -> Result<Vec<u8>, BodyError> {
    if coding == Coding::Identity {
        return Ok(packed);
    }
    share.grow_to(packed.len() + MAX_BYTES).await?;
    if packed.len() < LONG_BYTES {
        return unpack(packed, coding);
    }
    spawn_blocking(move || unpack(packed, coding)).await.unwrap_or(Err(BodyError::Broken))
}

/// The same request in protobuf, which is shorter.
async fn from_json(text: Vec<u8>, share: &mut Share) -> Result<Vec<u8>, Refusal> {
    share.grow_to(2 * text.len()).await?;
    let read = if text.len() < LONG_BYTES {
        json::to_protobuf(&text)
    } else {
        let read = spawn_blocking(move || json::to_protobuf(&text)).await;
        read.unwrap_or_else(|_| Err("the body cannot be read".to_owned()))
    };
    read.map_err(|message| Refusal { reason: Reason::Invalid, message })
}

fn answered(taken: Taken, form: Form) -> Response {
    let body = match form {
        Form::Protobuf => response(taken),
        Form::Json => response_json(taken),
    };
    ([(header::CONTENT_TYPE, form.content_type())], body).into_response()
}

/// The answer to a request that was refused.
pub(super) fn refused(refusal: &Refusal, form: Form) -> Response {
    let body = match form {
        Form::Protobuf => refusal.status(),
        Form::Json => refusal.status_json(),
    };
    let content_type = [(header::CONTENT_TYPE, form.content_type())];
    let mut response = (status_of(refusal.reason), content_type, body).into_response();
    let headers = response.headers_mut();
    if refusal.reason.is_passing() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    }
    if refusal.reason == Reason::Unknown {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(Coding::ACCEPTED));
    }
    response
}

/// The answer to a content type that is not taken.
pub(super) fn unknown_form() -> Response {
    let text = "traces are taken as application/x-protobuf or application/json\n";
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response()
}

/// A full buffer is the daemon's state, which every SDK takes as a reason to send again; 429 is for
/// those who send too much at once.
fn status_of(reason: Reason) -> StatusCode {
    match reason {
        Reason::Invalid => StatusCode::BAD_REQUEST,
        Reason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::Unknown => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Reason::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Reason::Full => StatusCode::SERVICE_UNAVAILABLE,
    }
}
