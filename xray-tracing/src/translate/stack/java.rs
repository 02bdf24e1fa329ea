//! Stack traces of Java and its kin, and of PHP's OpenTelemetry SDK, which prints the same.
//!
//! ```text
//! a.OuterException: message, which may
//! go on
//!     at module/a.B.method(B.java:10)
//!     Suppressed: a.CloseException: message
//!         at a.R.close(R.java:26)
//! Caused by: a.InnerException: message
//!     at a.C.method(C.java:7)
//!     ... 3 more
//! ```
//! Indentation (one tab a level) says whose cause it is. A suppressed exception stands beside the
//! others, linked to none.

use super::frame::{frame, path_and_last_number};
use super::trace::{Trace, Traced};
use crate::document::StackFrame;

pub(super) fn read(text: &str) -> Trace {
    let mut trace = Trace::new();
    // The exception that was headed last at each level of indentation.
    let mut at_level: Vec<usize> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        let level = line.len() - line.trim_start_matches('\t').len();
        if let Some(call) = trimmed.strip_prefix("at ") {
            let found = java_frame(call);
            trace.is_whole &= found.is_some() && trace.last().is_some();
            if let (Some(traced), Some(found)) = (trace.last(), found) {
                traced.stack.push(found);
            }
        } else if let Some(header) = trimmed.strip_prefix("Caused by: ") {
            let cause = trace.add(Traced::headed(header));
            if let Some(place) = at_level.get(level) {
                trace.link(*place, cause);
            }
            head(&mut at_level, level, cause);
        } else if let Some(header) = trimmed.strip_prefix("Suppressed: ") {
            let place = trace.add(Traced::headed(header));
            head(&mut at_level, level, place);
        } else if let Some(count) = left_out(trimmed) {
            if let Some(traced) = trace.last() {
                traced.left_out += count;
            }
        } else if trace.exceptions.is_empty() {
            let place = trace.add(Traced::headed(line));
            head(&mut at_level, 0, place);
        } else if let Some(traced) = trace.last().filter(|traced| traced.stack.is_empty()) {
            traced.go_on(line);
        } else {
            trace.is_whole &= trimmed.is_empty();
        }
    }
    trace
}

/// Notes that the exception at `place` was headed at `level`; deeper ones are over.
fn head(at_level: &mut Vec<usize>, level: usize, place: usize) {
    at_level.truncate(level);
    // Levels may be left out in hostile text; their number is bounded by what was headed.
    at_level.push(place);
}

/// `... 3 more`, or with the words that some libraries put between.
fn left_out(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("... ")?;
    rest.split(' ').next()?.parse().ok()
}

/// `module/a.B.method(B.java:10)`.
fn java_frame(call: &str) -> Option<StackFrame> {
    let (label, inside) = call.split_once('(')?;
    let inside = inside.split(')').next().unwrap_or_default();
    let (path, line) = path_and_last_number(inside);
    Some(frame(without_module(label), path, line))
}

/// Without class loader and module (`app//`, `java.base/`), but `Outer$$Lambda/0x1.run` is a class.
fn without_module(label: &str) -> &str {
    match label.rsplit_once('/') {
        Some((module, class)) if !module.contains('$') => class,
        _ => label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a.Outer: first\nsecond line\n\tat java.base/a.B.run(B.java:10)\n\
        \tat a.Native.x(Native Method)\n\tat a.L$$Lambda$1/0x7.run(Unknown Source)\n\
        \tSuppressed: a.Close: late\n\t\tat a.R.close(R.java:26)\n\tCaused by: a.Deep: below\n\
        \t\t... 2 more\nCaused by: a.Inner: bad\n\tat a.C.go(C.java:)\n\t... 3 more";

    fn cause(trace: &Trace, place: usize) -> Option<&str> {
        trace.exceptions[place].cause.map(|cause| trace.exceptions[cause].type_name.as_str())
    }

    #[test]
    fn exceptions_are_linked_by_their_indentation() {
        let trace = read(TEXT);
        let types: Vec<_> = trace.exceptions.iter().map(|it| it.type_name.as_str()).collect();
        assert_eq!(types, ["a.Outer", "a.Close", "a.Deep", "a.Inner"]);
        assert_eq!(cause(&trace, 0), Some("a.Inner"));
        assert_eq!(cause(&trace, 1), Some("a.Deep"));
        assert_eq!((cause(&trace, 2), cause(&trace, 3)), (None, None));
        assert_eq!(trace.exceptions[3].left_out, 3);
        assert!(trace.is_whole);
    }

    #[test]
    fn frames_have_label_path_and_line() {
        let outer = &read(TEXT).exceptions[0];
        assert_eq!(outer.message, "first\nsecond line");
        assert_eq!(
            outer.stack,
            [
                frame("a.B.run", "B.java", Some(10)),
                frame("a.Native.x", "Native Method", None),
                frame("a.L$$Lambda$1/0x7.run", "Unknown Source", None),
            ]
        );
        assert_eq!(read(TEXT).exceptions[3].stack, [frame("a.C.go", "C.java", None)]);
    }

    #[test]
    fn the_type_may_stand_alone() {
        let trace = read("java.lang.NullPointerException\n\tat x.Y.z(Y.java)");
        assert_eq!(trace.exceptions[0].type_name, "java.lang.NullPointerException");
        assert_eq!(trace.exceptions[0].message, "");
    }
}
