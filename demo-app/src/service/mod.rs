//! What the three services share: how they listen and stop, which requests they refuse, what they
//! measure, and how they tell each other about it.
//!
//! A service is a router of its own plus [`server::Common::wrap`]: tracing, metrics, guard and
//! faults in a fixed order. Nothing here knows products.

pub(crate) mod clock;
pub(crate) mod guard;
pub(crate) mod hops;
pub(crate) mod http;
pub(crate) mod listen;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod otel;
pub(crate) mod sampling;
pub(crate) mod server;
pub(crate) mod stop;
pub(crate) mod topology;
pub(crate) mod trace;
