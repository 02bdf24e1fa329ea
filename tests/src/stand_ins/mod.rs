//! Stand-ins of what gives out credentials, and of an outbound proxy.
//!
//! In: calls of the daemon. Out: answers as the real endpoints give them, and a record of each
//! call. All of them give out the key that the fake X-Ray service knows, so that a document that
//! arrives there proves the way it came.

mod clock;
mod connect_proxy;
mod container;
mod imds;
mod server;
mod sso;
mod sts;

pub use connect_proxy::ConnectProxy;
pub use container::{ContainerEndpoint, Expiry};
pub use imds::{INSTANCE_HOSTNAME, INSTANCE_ID, imds};
pub use server::{Asked, Said, StandIn};
pub use sso::{SsoHome, sso};
pub use sts::sts;

/// Session token that all stand-ins give out.
pub const SESSION_TOKEN: &str = "FwoGZXIvYXdzEXAMPLE";
