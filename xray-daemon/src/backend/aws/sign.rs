//! Signs a call: Signature Version 4 over the headers and the body.
//!
//! In: a request without signature, the identity, the time. Out: the same with `x-amz-date`,
//! `authorization` and the session's token. Owns nothing.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::Request;

/// Name of the service in signatures.
const SERVICE: &str = "xray";

/// A request that cannot be signed.
#[derive(Debug, thiserror::Error)]
#[error("the call cannot be signed")]
pub(crate) struct NotSigned(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Signs `request`.
pub(super) fn sign_request(
    request: &mut Request<Bytes>,
    identity: &Identity,
    region: &str,
    now: SystemTime,
) -> Result<(), NotSigned> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| NotSigned(error);
    let params = v4::SigningParams::builder()
        .identity(identity)
        .region(region)
        .name(SERVICE)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| failed(error.into()))?;
    let uri = request.uri().to_string();
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(request.body());
    let signable = SignableRequest::new(request.method().as_str(), uri, headers, body)
        .map_err(|error| failed(error.into()))?;
    let signed = sign(signable, &params.into()).map_err(|error| failed(error.into()))?;
    let (instructions, _signature) = signed.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}
