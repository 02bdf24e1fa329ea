//! What goes wrong with a call, and for how many.
//!
//! In: orders of the test. Out: for each call the fault that it meets. Faults ordered for a number
//! of calls come first, in order; then the standing one.

use std::collections::VecDeque;
use std::time::Duration;

/// How the service treats a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// As it should.
    #[default]
    None,
    /// Answers an error of this status and `x-amzn-ErrorType`.
    Status {
        /// HTTP status.
        status: u16,
        /// Name of the error in the API model.
        code: &'static str,
        /// The `Retry-After` header.
        retry_after_s: Option<u32>,
    },
    /// Reads the call and never answers.
    Hang,
    /// Reads the call and resets the connection.
    Reset,
    /// Takes the documents, then resets the connection instead of an answer.
    LoseAnswer,
    /// Answers as it should, but only after this time.
    Slow(Duration),
    /// Answers 413 where the body has more bytes than this.
    Larger(usize),
    /// Keeps every document but those that contain the text; for them it answers this code.
    Unprocessed {
        /// Text in the refused documents.
        containing: String,
        /// `ErrorCode` of the answer.
        code: &'static str,
    },
}

impl Fault {
    /// An internal failure.
    pub const INTERNAL: Self =
        Self::Status { status: 500, code: "InternalFailure", retry_after_s: None };
    /// Too many calls.
    pub const THROTTLED: Self =
        Self::Status { status: 429, code: "ThrottledException", retry_after_s: None };
}

/// The faults ordered.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// One per call, first come first served.
    next: VecDeque<Fault>,
    standing: Fault,
}

impl Faults {
    pub(super) fn stand(&mut self, fault: Fault) {
        self.next.clear();
        self.standing = fault;
    }

    pub(super) fn order(&mut self, calls: usize, fault: &Fault) {
        self.next.extend(std::iter::repeat_n(fault.clone(), calls));
    }

    pub(super) fn meet(&mut self) -> Fault {
        self.next.pop_front().unwrap_or_else(|| self.standing.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordered_faults_come_before_the_standing_one() {
        let mut faults = Faults::default();
        faults.stand(Fault::Hang);
        faults.order(2, &Fault::Reset);
        faults.order(1, &Fault::INTERNAL);
        let met: Vec<_> = (0..5).map(|_| faults.meet()).collect();
        assert_eq!(met, [Fault::Reset, Fault::Reset, Fault::INTERNAL, Fault::Hang, Fault::Hang]);
    }
}
