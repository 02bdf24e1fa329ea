//! Looks whether a daemon can do its work here, and says what to do where it cannot.
//!
//! In: a configuration. Out: a [`Report`]: one finding a check, each with a verdict and, where it
//! is not well, an advice. Owns nothing afterwards. Where a daemon runs already, that one is
//! looked at; where none does, one is started on free ports for as long as the test segment takes.
//!
//! ```text
//! examine ─▶ machine   kernel buffers, memory, folders, addresses in a container
//!         ─▶ ports     free, or held by a daemon of ours
//!         ─▶ aws       region, endpoint, name, connection, credentials, a signed call, the clock
//!         ─▶ otlp      name, connection
//!         ─▶ segment   a test segment, by UDP, to every backend
//! ```

mod examine;
mod report;

#[cfg(feature = "aws")]
mod aws;
mod machine;
mod ports;
#[cfg(any(feature = "aws", feature = "otlp-out"))]
mod reach;
mod segment;

pub use examine::{TestSegment, examine};
pub use report::{Finding, Report, Verdict};
