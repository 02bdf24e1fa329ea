//! What a stack trace says.

use crate::document::StackFrame;

/// The exceptions of one stack trace.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Trace {
    /// The outermost first.
    pub(in super::super) exceptions: Vec<Traced>,
    /// Nothing of the text was skipped that says something.
    pub(in super::super) is_whole: bool,
}

/// One exception of a stack trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) struct Traced {
    /// Its type; empty if the text does not say it.
    pub(in super::super) type_name: String,
    /// What went wrong; empty if the text does not say it.
    pub(in super::super) message: String,
    /// Innermost frame first.
    pub(in super::super) stack: Vec<StackFrame>,
    /// Frames that the language left out.
    pub(in super::super) left_out: u64,
    /// The exception that led to this one, by its place in the list.
    pub(in super::super) cause: Option<usize>,
}

impl Trace {
    pub(super) fn new() -> Self {
        Self { exceptions: Vec::new(), is_whole: true }
    }

    /// Adds an exception; returns its place.
    pub(super) fn add(&mut self, traced: Traced) -> usize {
        self.exceptions.push(traced);
        self.exceptions.len() - 1
    }

    /// Says that the exception at `place` was caused by the one at `cause`.
    pub(super) fn link(&mut self, place: usize, cause: usize) {
        if let Some(traced) = self.exceptions.get_mut(place) {
            traced.cause = Some(cause);
        }
    }

    pub(super) fn last(&mut self) -> Option<&mut Traced> {
        self.exceptions.last_mut()
    }

    /// Whether any frame was found.
    pub(in super::super) fn has_frames(&self) -> bool {
        self.exceptions.iter().any(|traced| !traced.stack.is_empty())
    }
}

impl Traced {
    /// From `Type: message`; a text without colon is a type.
    pub(super) fn headed(header: &str) -> Self {
        let (type_name, message) = header.split_once(": ").unwrap_or((header, ""));
        Self {
            type_name: type_name.trim().trim_end_matches(':').to_owned(),
            message: message.to_owned(),
            ..Self::default()
        }
    }

    /// Adds a line to the message.
    pub(super) fn go_on(&mut self, line: &str) {
        if !self.message.is_empty() {
            self.message.push('\n');
        }
        self.message.push_str(line);
    }
}
