//! Checks documents before they go to the writer.
//!
//! In: documents as bytes, on the caller's thread, so that reading them costs the writer nothing.
//! Out: documents with what they say; for the others why not. Owns the last refused ones, for a
//! person who wonders why nothing appears.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use xray_tracing::document::{RefusalCode, accept};

use super::query::{RefusedDocument, Unstored};
use crate::backend::local::trace::Received;

/// Refused documents kept.
const MAX_KEPT: usize = 50;
/// Characters kept of each.
const MAX_EXCERPT_CHARS: usize = 200;

/// A document on its way in.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// JSON text.
    pub document: Bytes,
    /// Who sent it, where that is known.
    pub sender: Option<SocketAddr>,
}

/// The refused documents since the start.
#[derive(Debug, Default)]
pub(super) struct Refused {
    count: AtomicU64,
    kept: Mutex<VecDeque<RefusedDocument>>,
}

impl Refused {
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The last ones, newest first.
    pub(super) fn newest(&self) -> Vec<RefusedDocument> {
        // The list is whole whatever a panicking holder did.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(super) fn forget(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn add(&self, document: &[u8], unstored: &Unstored) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let start = document.get(..4 * MAX_EXCERPT_CHARS).unwrap_or(document);
        let refused = RefusedDocument {
            at: SystemTime::now(),
            code: unstored.code.clone(),
            message: unstored.message.clone(),
            bytes: document.len(),
            excerpt: String::from_utf8_lossy(start).chars().take(MAX_EXCERPT_CHARS).collect(),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(MAX_KEPT - 1);
        kept.push_front(refused);
    }
}

/// Documents that passed, with their places in the call, and those that did not.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) places: Vec<usize>,
    pub(super) accepted: Vec<Received>,
    pub(super) unstored: Vec<Unstored>,
}

pub(super) fn check(documents: &[Incoming], refused: &Refused) -> Checked {
    let mut checked = Checked::default();
    for (index, Incoming { document, sender }) in documents.iter().enumerate() {
        match accept(document) {
            Ok(entity) => {
                checked.places.push(index);
                // The writer says when it came, and in which call.
                checked.accepted.push(Received {
                    document: document.clone(),
                    entity,
                    received_at_s: 0.0,
                    seq: 0,
                    sender: *sender,
                });
            }
            Err(refusal) => {
                let code = refusal.code.to_string();
                let unstored = Unstored { index, id: refusal.id, code, message: refusal.message };
                refused.add(document, &unstored);
                checked.unstored.push(unstored);
            }
        }
    }
    checked
}

/// Says that a trace has no room for a document.
pub(super) fn trace_full(index: usize, incoming: &Incoming, max_bytes: u64) -> Unstored {
    let id = accept(&incoming.document).ok().and_then(|entity| entity.id);
    let code = RefusalCode::InvalidSegment.to_string();
    let message = format!(
        "Invalid segment. ErrorCode: {code}, Cause: Segment size exceeded, \
         a trace holds up to {max_bytes} bytes"
    );
    Unstored { index, id: id.map(|id| id.to_string()), code, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(text: &str) -> Incoming {
        Incoming { document: Bytes::copy_from_slice(text.as_bytes()), sender: None }
    }

    #[test]
    fn a_bad_document_is_named_and_kept_and_the_rest_passes() {
        let good = r#"{"trace_id":"1-5f29ab21-d4ebf299219a65bd5c31d6da","id":"70de5b6f19ff9a0a",
            "name":"cart","start_time":1,"end_time":2}"#;
        let refused = Refused::default();
        let checked = check(&[incoming("junk"), incoming(good)], &refused);
        assert_eq!(checked.places, [1]);
        assert_eq!(checked.unstored.len(), 1);
        assert_eq!(checked.unstored[0].code, "ParseError");
        assert_eq!(checked.unstored[0].message, "Invalid entity. ErrorCode: ParseError");
        assert_eq!(refused.count(), 1);
        assert_eq!(refused.newest()[0].excerpt, "junk");
    }

    #[test]
    fn few_refused_documents_are_kept_and_little_of_each() {
        let refused = Refused::default();
        let long = format!("{}last", "é".repeat(70_000));
        let documents: Vec<_> = (0..200).map(|_| incoming(&long)).collect();
        check(&documents, &refused);
        assert_eq!(refused.count(), 200);
        assert_eq!(refused.newest().len(), MAX_KEPT);
        assert_eq!(refused.newest()[0].excerpt.chars().count(), MAX_EXCERPT_CHARS);
        assert_eq!(refused.newest()[0].bytes, long.len());
    }
}
