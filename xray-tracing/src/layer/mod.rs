//! Records spans and turns them into segment documents.
//!
//! In: the callbacks of `tracing_subscriber`, and what capture layers and free functions say. Out:
//! parts of traces to the emitter's queue, and their documents on the sender's thread. Owns all
//! traces that are open in this process.
//!
//! ```text
//! span_layer ─┐ cells: is my parent recorded, and where?
//! capture/ ───┼▶ tracer: decides at the root ─▶ slots ─▶ open_trace: records, fields, text
//! context ────┘                                              │ Part, through the queue
//!                                                            ▼
//!                                      feed ─▶ assembler ─▶ documents
//! ```
//!
//! An unsampled root costs one extension on its span and nothing per descendant but a cell of this
//! thread. Nothing of a user's runs while a trace is locked.

pub(crate) mod body;
pub(crate) mod clock;
pub(crate) mod current;
pub(crate) mod errors;
pub(crate) mod handover;
pub(crate) mod open_trace;
pub(crate) mod record;
pub(crate) mod root;
pub(crate) mod scratch;
pub(crate) mod span_layer;
pub(crate) mod tracer;
pub(crate) mod watch;

mod assembler;
mod cells;
mod feed;
mod libraries;
mod slots;
mod sql_event;
mod stack;
mod values;

#[cfg(all(test, feature = "init", feature = "tokio"))]
mod tests;

pub(crate) use assembler::Identity;
pub(crate) use feed::Feed;
pub use span_layer::XrayLayer;
pub(crate) use tracer::{ContextMissing, Settings, Tracer};
