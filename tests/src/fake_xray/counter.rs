//! Counts numbered documents in the bodies of calls, without reading them as JSON.
//!
//! In: bodies of PutTraceSegments. Out: how many different documents came, and how many of them
//! more than once. Cheap, since under load it shares the machine with what is measured.

use memchr::memmem;

use crate::segments::Numbered;

/// What came so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Calls that brought documents.
    pub calls: u64,
    /// Different documents.
    pub documents: u64,
    /// Documents that came again.
    pub repeats: u64,
}

#[derive(Debug)]
pub(super) struct Counter {
    /// Stands before a document's number, once a document.
    mark: memmem::Finder<'static>,
    /// By number.
    seen: Vec<bool>,
    counted: Counted,
}

impl Counter {
    pub(super) fn new(run: &Numbered, documents: u64) -> Self {
        let mark = memmem::Finder::new(run.trace_id_start().as_bytes()).into_owned();
        let seen = vec![false; usize::try_from(documents).unwrap_or_default()];
        Self { mark, seen, counted: Counted::default() }
    }

    pub(super) fn count(&mut self, body: &[u8]) {
        self.counted.calls += 1;
        let mark_bytes = self.mark.needle().len();
        for at in self.mark.find_iter(body) {
            let digits = body.get(at + mark_bytes..at + mark_bytes + 16);
            let number = digits
                .and_then(|digits| str::from_utf8(digits).ok())
                .and_then(|digits| usize::from_str_radix(digits, 16).ok());
            match number.and_then(|number| self.seen.get_mut(number)) {
                Some(true) => self.counted.repeats += 1,
                Some(seen) => {
                    *seen = true;
                    self.counted.documents += 1;
                }
                None => {}
            }
        }
    }

    pub(super) fn counted(&self) -> Counted {
        self.counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_in_a_body_are_counted_once_and_again() {
        let run = Numbered::new();
        let body = |numbers: &[u64]| {
            let documents: Vec<_> = numbers.iter().map(|&number| run.document(number)).collect();
            serde_json::json!({ "TraceSegmentDocuments": documents }).to_string()
        };
        let mut counter = Counter::new(&run, 40);
        counter.count(body(&[0, 17, 39]).as_bytes());
        counter.count(body(&[17, 1, 40]).as_bytes());
        let expected = Counted { calls: 2, documents: 4, repeats: 1 };
        assert_eq!(counter.counted(), expected);
    }
}
