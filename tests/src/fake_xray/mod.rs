//! X-Ray on this machine: an HTTPS service that answers as the API model says, and misbehaves on
//! demand.
//!
//! In: calls of whatever is pointed at it. Out: answers, and a record of each call for the test.
//! Every call must bear a valid Signature Version 4; that is computed here from the rules, not by
//! the library that the daemon signs with. A call that does not is refused as the service would.
//!
//! ```text
//! service ── TLS, connections, the record
//!   ├─ certificate   an authority of its own, for SSL_CERT_FILE
//!   ├─ signature     the check
//!   ├─ counter       instead of the record, under load
//!   ├─ fault         what goes wrong, and for how many calls
//!   └─ operations    PutTraceSegments, GetSamplingRules, SamplingTargets, TelemetryRecords
//! ```

mod call;
mod certificate;
mod counter;
mod fault;
mod operations;
mod service;
mod signature;

pub use call::Call;
pub(crate) use certificate::server_config;
pub use counter::Counted;
pub use fault::Fault;
pub use service::FakeXray;
pub(crate) use signature::verify;
pub use signature::{Refusal, Signature};

/// The one key pair that the service knows.
pub const ACCESS_KEY: &str = "AKIDXRAYTEST";
/// Secret of [`ACCESS_KEY`].
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// Region that calls must be signed for.
pub const REGION: &str = "eu-west-1";
