//! Links between traces: who stands at the other end.
//!
//! In: a trace whose segments name others (`links`). Out: its share of the service graph, with an
//! edge for each link whose other end is in the store.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::Connection;
use xray_tracing::TraceId;

use super::documents;
use crate::backend::local::graph::{Contribution, LinkEnd};
use crate::backend::local::trace::Trace;

/// Most other traces looked at for one trace; X-Ray takes 100 links a trace.
const MAX_TRACES: usize = 100;

/// What `trace` adds to the service graph.
pub(super) fn share_of(db: &Connection, trace: &Trace) -> Contribution {
    let others: RefCell<HashMap<TraceId, Option<Trace>>> = RefCell::default();
    Contribution::of(trace, &|id, segment| {
        if id == trace.id() {
            return LinkEnd::of(trace, segment);
        }
        let mut others = others.borrow_mut();
        if others.len() >= MAX_TRACES && !others.contains_key(&id) {
            return None;
        }
        // An edge is worth no failed write: what cannot be read is left out.
        let other =
            others.entry(id).or_insert_with(|| documents::load_trace(db, id).ok().flatten());
        LinkEnd::of(other.as_ref()?, segment)
    })
}
