//! Exceptions of an entity: chains of causes, frames, and where else one is described.

use xray_tracing::document::{Cause, CauseDetail, Entity, Exception, StackFrame};

use super::trace_detail::{DetailInput, RowLink};
use crate::backend::local::console::text::fill;

/// Where package managers put what is not the application's own.
const LIBRARIES: [&str; 9] = [
    "/.cargo/",
    "/rustc/",
    "/site-packages/",
    "/dist-packages/",
    "node_modules/",
    "node:",
    "/pkg/mod/",
    "/lib/python",
    "/usr/lib/",
];
/// Exceptions shown; documents are bounded in bytes, not in number.
const MAX_EXCEPTIONS: usize = 50;
/// Frames shown of each.
const MAX_FRAMES: usize = 100;

/// An exception with its frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ShownException {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) message: String,
    /// `raised by the callee`, `12 frames left out`.
    pub(crate) notes: Vec<String>,
    pub(crate) frames: Vec<StackLine>,
    /// Another row describes it.
    pub(crate) elsewhere: Option<RowLink>,
    /// It was caused by the one below it.
    pub(crate) caused_by_next: bool,
}

/// A frame of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StackLine {
    pub(crate) function: String,
    pub(crate) place: String,
    pub(crate) library: bool,
}

/// The exceptions of `entity`, each before the one that caused it.
pub(super) fn exceptions(input: &DetailInput<'_>, entity: &Entity) -> Vec<ShownException> {
    match &entity.cause {
        None => Vec::new(),
        Some(Cause::ExceptionId(id)) => vec![elsewhere(input, id)],
        Some(Cause::Detail(detail)) => described(input, detail),
    }
}

fn described(input: &DetailInput<'_>, detail: &CauseDetail) -> Vec<ShownException> {
    let exceptions: Vec<_> = detail.exceptions.iter().take(MAX_EXCEPTIONS).collect();
    let next_id = |i: usize| exceptions.get(i + 1).and_then(|next| next.id.as_deref());
    let shown = exceptions.iter().enumerate().map(|(i, exception)| {
        let caused_by = exception.cause.as_deref();
        ShownException {
            caused_by_next: caused_by.is_some() && caused_by == next_id(i),
            ..shown(input, exception)
        }
    });
    shown.collect()
}

fn shown(input: &DetailInput<'_>, exception: &Exception) -> ShownException {
    let t = &input.frame.t.trace;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let left_out = exception.truncated.filter(|n| *n > 0);
    let notes = [
        exception.remote.then(|| t.raised_remotely.to_owned()),
        left_out.map(|n| fill(t.frames_left_out_of, &[&n.to_string()])),
    ];
    ShownException {
        kind: exception.exception_type.clone().unwrap_or_else(|| "Exception".to_owned()),
        id: text(&exception.id),
        message: text(&exception.message),
        notes: notes.into_iter().flatten().collect(),
        frames: exception.stack.iter().take(MAX_FRAMES).map(stack_line).collect(),
        ..ShownException::default()
    }
}

fn stack_line(frame: &StackFrame) -> StackLine {
    let path = frame.path.as_deref().unwrap_or_default();
    let line = frame.line.map(|line| format!(":{line}")).unwrap_or_default();
    let place = format!("{path}{line}");
    let function = frame.label.clone().filter(|label| !label.is_empty());
    StackLine {
        function: function.unwrap_or_else(|| place.clone()),
        library: LIBRARIES.iter().any(|library| path.contains(library)),
        place,
    }
}

/// An exception that another entity of the trace describes.
fn elsewhere(input: &DetailInput<'_>, id: &str) -> ShownException {
    let describes = |entity: &Entity| match &entity.cause {
        Some(Cause::Detail(detail)) => {
            detail.exceptions.iter().find(|exception| exception.id.as_deref() == Some(id)).cloned()
        }
        _ => None,
    };
    let found =
        input.trace.indexed().find_map(|(index, entry)| Some((index, describes(&entry.entity)?)));
    match found {
        Some((index, exception)) => {
            let elsewhere = input.row_link(index);
            ShownException { elsewhere, frames: Vec::new(), ..shown(input, &exception) }
        }
        None => ShownException { kind: id.to_owned(), ..ShownException::default() },
    }
}
