//! Decides what becomes of a batch once its upload has ended.
//!
//! In: the batch and the backend's answer. Out: counters, and the parts that go back to the queue.
//! Owns the limits on its log lines. A document refused for good is reported once, by its ids and
//! the service's reason, never by its content.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::backend::{BackendError, Delivered, Retry, Unprocessed};
use crate::buffer::Batch;
use crate::counters::{BackendCounters, UploadResult};
use crate::log_limit::LogLimit;
use crate::segment::Segment;

/// Code under which a document is counted that is too large even alone.
const TOO_LARGE_CODE: &str = "RequestEntityTooLarge";

/// Refused documents that are named in a second; of more, some are only counted.
const REFUSED_LINES: u64 = 100;

/// What is left to do about a batch.
#[derive(Debug)]
pub(super) enum Rest {
    /// Everything is settled.
    Nothing,
    /// The service took the others; send these documents again after a back-off of their own.
    SomeAgain(Batch, Load),
    /// The backend waits for what concerns these documents, and wants them again after this time. Of
    /// the others some may have to be sent again.
    Held(Batch, Duration, Box<Rest>),
    /// The service is not well: send all of them again, and nothing else meanwhile.
    AllAgain(Batch, Option<Duration>),
    /// Send the halves at once.
    Halves(Batch, Batch),
}

/// How the service bears what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// It takes most documents.
    Bearable,
    /// It throttles half of a batch or more: the next ones should come more slowly.
    TooMuch,
}

#[derive(Debug)]
pub(super) struct Settler {
    counters: Arc<BackendCounters>,
    failures: LogLimit,
    refusals: LogLimit,
}

impl Settler {
    pub(super) fn new(counters: Arc<BackendCounters>) -> Self {
        Self { counters, failures: LogLimit::new(), refusals: LogLimit::with_burst(REFUSED_LINES) }
    }

    /// Settles what it can of `batch`; the rest stays in flight.
    pub(super) fn settle(
        &self,
        batch: Batch,
        answer: Result<Delivered, BackendError>,
        took: Duration,
    ) -> Rest {
        match answer {
            Ok(delivered) => {
                // A batch that is held back was not uploaded.
                if !delivered.unprocessed.iter().all(is_held)
                    || delivered.unprocessed.len() < batch.segments.len()
                {
                    self.counters.add_upload(UploadResult::Ok, took);
                }
                self.delivered(batch, &delivered.unprocessed, took)
            }
            Err(BackendError::TooLarge { .. }) => {
                self.counters.add_upload(UploadResult::TooLarge, took);
                let message = "the document is too large for the service, even alone";
                self.halve(batch, TOO_LARGE_CODE, message)
            }
            Err(BackendError::Refused { code, message, .. }) => {
                self.counters.add_upload(UploadResult::Refused, took);
                self.halve(batch, &code, &message)
            }
            Err(again) => {
                self.counters.add_upload(UploadResult::Retry, took);
                let after = match &again {
                    BackendError::Again { after, .. } => *after,
                    BackendError::Unsure { after, .. } => {
                        self.counters.add_possibly_repeated(batch.segments.len());
                        *after
                    }
                    _ => None,
                };
                self.failed(&batch, &again);
                Rest::AllAgain(batch.tried(), after)
            }
        }
    }

    fn delivered(&self, batch: Batch, unprocessed: &[Unprocessed], took: Duration) -> Rest {
        let documents = batch.segments.len();
        let (mut again, mut held) = (Vec::new(), Vec::new());
        let mut held_for = Duration::MAX;
        let mut refused = vec![false; documents];
        for entry in unprocessed {
            let Some(segment) = batch.segments.get(entry.index) else { continue };
            if std::mem::replace(&mut refused[entry.index], true) {
                continue;
            }
            match entry.retry {
                Retry::Yes => again.push(segment.clone()),
                Retry::No => self.refused(segment, &entry.code, &entry.message),
                Retry::Hold(time) => {
                    held_for = held_for.min(time);
                    held.push(segment.detached());
                }
            }
        }
        let not_taken = refused.into_iter().filter(|refused| *refused).count();
        self.counters.add_sent(documents - not_taken);
        self.counters.end_flight(documents - again.len() - held.len());
        self.log_delivered(documents, not_taken - held.len(), took);
        let held = (!held.is_empty()).then(|| Batch { segments: held, ..batch.clone() });
        let rest = if again.is_empty() {
            Rest::Nothing
        } else {
            debug!(documents = again.len(), "the service asks for documents to be sent again");
            let load = if 2 * again.len() >= documents { Load::TooMuch } else { Load::Bearable };
            Rest::SomeAgain(Batch { segments: again, ..batch }.tried(), load)
        };
        match held {
            Some(held) => Rest::Held(held, held_for, Box::new(rest)),
            None => rest,
        }
    }

    /// Refuses a batch of one document; a larger one is halved, so that one document at fault does
    /// not take the others with it.
    fn halve(&self, mut batch: Batch, code: &str, message: &str) -> Rest {
        if let [segment] = batch.segments.as_slice() {
            self.refused(segment, code, message);
            self.counters.end_flight(1);
            return Rest::Nothing;
        }
        warn!(documents = batch.segments.len(), code, "batch refused, its halves are sent alone");
        let second = batch.segments.split_off(batch.segments.len() / 2);
        let second = Batch { segments: second, attempts: batch.attempts };
        Rest::Halves(batch, second)
    }

    fn failed(&self, batch: &Batch, again: &BackendError) {
        let mut text = again.to_string();
        let mut cause = again.source();
        while let Some(source) = cause {
            // Writing to a string cannot fail.
            write!(text, ": {source}").ok();
            cause = source.source();
        }
        if let Some(batches) = self.failures.report(1) {
            warn!(
                backend = self.counters.name(),
                documents = batch.segments.len(),
                attempt = batch.attempts + 1,
                batches,
                "Sending segment batch failed with: {text}"
            );
        }
        self.counters.set_last_error(text);
    }

    fn refused(&self, segment: &Segment, code: &str, message: &str) {
        self.counters.add_refused(code, 1);
        self.counters.set_last_error(format!("{code}: {message}"));
        if let Some(documents) = self.refusals.report(1) {
            let ids = segment.ids();
            error!(
                backend = self.counters.name(),
                trace_id = ids.trace_id.as_deref().unwrap_or("unknown"),
                id = ids.id.as_deref().unwrap_or("unknown"),
                code,
                reason = message,
                documents,
                "Unprocessed segment, refused for good"
            );
        }
    }

    fn log_delivered(&self, documents: usize, not_taken: usize, took: Duration) {
        let seconds = took.as_secs_f64();
        // The reference's line at its level; nobody wants one a batch from an embedded store.
        if self.counters.name() != "aws" {
            debug!(
                backend = self.counters.name(),
                not_taken, "Successfully sent batch of {documents} segments ({seconds:.3} seconds)"
            );
        } else if not_taken > 0 {
            info!(
                "Sent batch of {documents} segments but had {not_taken} Unprocessed segments \
                 ({seconds:.3} seconds)"
            );
        } else {
            info!("Successfully sent batch of {documents} segments ({seconds:.3} seconds)");
        }
    }
}

fn is_held(entry: &Unprocessed) -> bool {
    matches!(entry.retry, Retry::Hold(_))
}

impl Batch {
    fn tried(self) -> Self {
        Self { attempts: self.attempts.saturating_add(1), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOK: Duration = Duration::from_millis(3);

    fn batch(documents: usize) -> Batch {
        let segments = (1..=documents).map(Segment::of_size).collect();
        Batch { segments, attempts: 0 }
    }

    fn settle(documents: usize, answer: Result<Delivered, BackendError>) -> (Rest, String) {
        let counters = Arc::new(BackendCounters::new("aws"));
        counters.add_accepted(documents);
        counters.start_flight(documents);
        let rest = Settler::new(Arc::clone(&counters)).settle(batch(documents), answer, TOOK);
        let now = counters.snapshot();
        assert_eq!(now.unaccounted(), 0);
        let refused = now.refused.iter().map(|code| format!(" {}={}", code.code, code.count));
        let refused: String = refused.collect();
        let mut counted = format!("sent={} in_flight={}{refused}", now.sent, now.in_flight);
        if now.possibly_repeated > 0 {
            write!(counted, " possibly_repeated={}", now.possibly_repeated).unwrap();
        }
        (rest, counted)
    }

    fn unprocessed(index: usize, code: &str, retry: Retry) -> Unprocessed {
        Unprocessed { index, code: code.into(), message: "why".into(), retry }
    }

    #[test]
    fn a_batch_that_was_taken_is_sent() {
        let (rest, counted) = settle(50, Ok(Delivered::default()));
        assert!(matches!(rest, Rest::Nothing));
        assert_eq!(counted, "sent=50 in_flight=0");
    }

    #[test]
    fn only_throttled_documents_go_back() {
        let delivered = Delivered {
            unprocessed: vec![
                unprocessed(1, "MissingName", Retry::No),
                unprocessed(3, "ThrottledException", Retry::Yes),
                unprocessed(3, "ThrottledException", Retry::Yes),
                unprocessed(99, "Strange", Retry::No),
            ],
        };
        let (rest, counted) = settle(5, Ok(delivered));
        let Rest::SomeAgain(again, Load::Bearable) = rest else { panic!("{rest:?}") };
        let sizes: Vec<_> = again.segments.iter().map(Segment::size_bytes).collect();
        assert_eq!((sizes, again.attempts), (vec![4], 1));
        assert_eq!(counted, "sent=3 in_flight=1 MissingName=1");
    }

    #[test]
    fn what_is_held_back_is_neither_sent_nor_tried() {
        let wait = Duration::from_secs(4);
        let delivered = Delivered {
            unprocessed: vec![
                unprocessed(0, "InProgress", Retry::Hold(2 * wait)),
                unprocessed(1, "InProgress", Retry::Hold(wait)),
                unprocessed(2, "ThrottledException", Retry::Yes),
            ],
        };
        let (rest, counted) = settle(5, Ok(delivered));
        let Rest::Held(held, held_for, rest) = rest else { panic!("{rest:?}") };
        assert_eq!((held.segments.len(), held.attempts, held_for), (2, 0, wait));
        assert!(matches!(*rest, Rest::SomeAgain(_, Load::Bearable)), "{rest:?}");
        assert_eq!(counted, "sent=2 in_flight=3");
    }

    #[test]
    fn a_batch_that_is_too_large_is_halved_down_to_the_document() {
        let (rest, counted) = settle(3, Err(BackendError::TooLarge { backend: "aws" }));
        let Rest::Halves(first, second) = rest else { panic!("{rest:?}") };
        assert_eq!((first.segments.len(), second.segments.len()), (1, 2));
        assert_eq!(counted, "sent=0 in_flight=3");
        let (rest, counted) = settle(1, Err(BackendError::TooLarge { backend: "aws" }));
        assert!(matches!(rest, Rest::Nothing));
        assert_eq!(counted, "sent=0 in_flight=0 RequestEntityTooLarge=1");
    }

    #[test]
    fn a_failed_batch_goes_back_whole_with_what_the_service_asks() {
        let after = Some(Duration::from_secs(4));
        let failure = BackendError::Again {
            backend: "aws",
            status: "status 429".into(),
            after,
            source: None,
        };
        let (rest, counted) = settle(2, Err(failure));
        let Rest::AllAgain(again, asked) = rest else { panic!("{rest:?}") };
        assert_eq!((again.segments.len(), again.attempts, asked), (2, 1, after));
        assert_eq!(counted, "sent=0 in_flight=2");
        let (status, source) = ("time-out".to_owned(), None);
        let unsure = BackendError::Unsure { backend: "aws", status, after, source };
        let (rest, counted) = settle(2, Err(unsure));
        assert!(matches!(rest, Rest::AllAgain(_, Some(asked)) if Some(asked) == after), "{rest:?}");
        assert_eq!(counted, "sent=0 in_flight=2 possibly_repeated=2");
    }

    #[test]
    fn a_refused_document_is_counted_by_the_code_of_the_service() {
        let refusal = BackendError::Refused {
            backend: "aws",
            code: "InvalidRequestException".into(),
            message: "no".into(),
        };
        let (rest, counted) = settle(1, Err(refusal));
        assert!(matches!(rest, Rest::Nothing));
        assert_eq!(counted, "sent=0 in_flight=0 InvalidRequestException=1");
    }
}
