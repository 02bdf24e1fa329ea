//! AWS X-Ray for services that use [`tracing`](https://docs.rs/tracing): segments, propagation,
//! sampling and capture.

pub mod document;
mod header;
pub mod sampling;
mod trace_id;
#[cfg(feature = "translate")]
pub mod translate;

#[cfg(feature = "layer")]
mod builder;
#[cfg(feature = "layer")]
pub mod capture;
#[cfg(feature = "layer")]
mod context;
#[cfg(feature = "layer")]
mod emitter;
#[cfg(feature = "layer")]
mod environment;
#[cfg(feature = "init")]
mod fmt_gate;
#[cfg(feature = "layer")]
mod guard;
#[cfg(feature = "layer")]
#[cfg_attr(
    not(all(feature = "init", feature = "tower", feature = "reqwest", feature = "sqlx")),
    expect(dead_code, reason = "some of it serves only one of these features")
)]
mod layer;
#[cfg(feature = "init")]
mod panics;
#[cfg(feature = "layer")]
pub mod testing;

pub use header::{Sampled, TraceHeader};
pub use trace_id::{IdError, SegmentId, TraceId};

#[cfg(feature = "init")]
pub use builder::init;
#[cfg(feature = "layer")]
pub use builder::{Builder, InitError, builder};
#[cfg(feature = "reqwest")]
pub use capture::reqwest;
#[cfg(feature = "sqlx")]
pub use capture::sqlx;
#[cfg(feature = "tower")]
pub use capture::tower;
#[cfg(feature = "tokio")]
pub use context::spawn;
#[cfg(feature = "layer")]
pub use context::{
    Annotation, CurrentTrace, annotate, current_header, current_trace, keep_trace, metadata,
    set_user,
};
#[cfg(feature = "layer")]
pub use emitter::{AddressError, DaemonAddress, Endpoint, MemorySink, Sink, Stats};
#[cfg(feature = "layer")]
pub use guard::Guard;
#[cfg(feature = "layer")]
pub use layer::XrayLayer;
