//! Traces: what was received about one request, put together and read.
//!
//! In: the documents of one trace, in order of arrival. Out: the tree of its entities, the
//! documents read back, its summary, root causes, services and calls, and rows to draw. Pure: no
//! I/O, no clock. Documents are untrusted: ids may repeat or form rings, times may be nonsense,
//! trees may be deep; everything here runs in loops, in about linear time.

mod received;
mod service_id;
mod status;

mod assemble;
mod tree;

mod callee;
mod read_back;
mod topology;

mod root_cause;
mod summary;
mod summary_codec;
mod words;

mod critical_path;
mod timeline;
mod tries;
mod trouble;

pub(in crate::backend::local) mod codec;

#[cfg(test)]
pub(in crate::backend::local) mod tests;

pub use callee::{Callee, CalleeKind};
pub use read_back::ReadBack;
pub use received::Received;
pub use root_cause::{Cause, CauseEntity, CauseException, CauseService};
pub use service_id::ServiceId;
pub use status::{Flags, Status};
pub use summary::{AnnotationSummary, Summary, SummaryHttp, UserSummary};
pub(in crate::backend::local) use summary_codec::{read_service, write_service};
pub use timeline::{Interval, Row, RowKind, Timeline};
pub use topology::{Call, Node, Topology};
pub use tree::{Entry, EntryIndex, EntryKind, Source, Trace};
pub use trouble::Trouble;
