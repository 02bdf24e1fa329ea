//! What gRPC says of a call that HTTP calls a success: its status, in headers or trailers.
//!
//! In: headers or trailers of a response. Out: the code and the flags that it means. Owns nothing.
//! Works for tonic and every other gRPC library: all that is needed is on the wire.

use http::HeaderMap;

use crate::layer::record::{Flags, Key, Value};
use crate::layer::scratch::Scratch;

/// A status of gRPC, 0 to 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GrpcStatus(u16);

impl GrpcStatus {
    /// The status, if these headers or trailers have one.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let code = headers.get("grpc-status")?.to_str().ok()?.trim().parse().ok()?;
        Some(Self(code))
    }

    /// Rule: as HTTP's statuses in which gateways translate them. What the server is to blame for is
    /// a fault, what the caller is, an error.
    pub(super) fn flags(self) -> Flags {
        match self.0 {
            0 => Flags::default(),
            // resource exhausted
            8 => Flags::ERROR.with(Flags::THROTTLE),
            // unknown, deadline exceeded, unimplemented, internal, unavailable, data loss
            2 | 4 | 12..=15 => Flags::FAULT,
            _ => Flags::ERROR,
        }
    }

    pub(super) fn write(self, scratch: &mut Scratch) {
        scratch.add(Key::Field("grpc_status"), Value::Unsigned(self.0.into()));
    }
}

/// Whether a response is one of gRPC, which ends with its trailers.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_whose_fault_it_is() {
        let throttle = Flags::ERROR.with(Flags::THROTTLE);
        for (text, flags) in [
            ("0", Some(Flags::default())),
            (" 5 ", Some(Flags::ERROR)),
            ("8", Some(throttle)),
            ("13", Some(Flags::FAULT)),
            ("16", Some(Flags::ERROR)),
            ("x", None),
            ("99999999", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-status", text.parse().unwrap());
            assert_eq!(GrpcStatus::of(&headers).map(GrpcStatus::flags), flags, "{text}");
        }
        assert_eq!(GrpcStatus::of(&HeaderMap::new()), None);
    }
}
