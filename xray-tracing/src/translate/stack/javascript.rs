//! Stack traces of JavaScript: V8 (Node, Chrome) and the form of Firefox and Safari.
//!
//! ```text
//! TypeError: message
//!     at label (path:line:column)
//!     at path:line:column
//!   [cause]: Error: message
//!       at label (path:line:column)
//! ```
//! Firefox: `label@path:line:column`, without a title.

use super::frame::{frame, path_and_line};
use super::trace::{Trace, Traced};
use crate::document::StackFrame;

pub(super) fn read(text: &str) -> Trace {
    let mut trace = Trace::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(call) = trimmed.strip_prefix("at ") {
            let found = v8_frame(call);
            push(&mut trace, found);
        } else if let Some(header) = cause_header(trimmed) {
            let before = trace.exceptions.len();
            let cause = trace.add(Traced::headed(header));
            if before > 0 {
                trace.link(before - 1, cause);
            }
        } else if let Some(found) = firefox_frame(trimmed) {
            push(&mut trace, found);
        } else if trace.exceptions.is_empty() {
            trace.add(Traced::headed(line));
        } else if let Some(traced) = trace.last().filter(|traced| traced.stack.is_empty()) {
            traced.go_on(line);
        } else {
            // The braces around a cause say nothing.
            trace.is_whole &= matches!(trimmed, "" | "{" | "}" | "]");
        }
    }
    trace
}

fn push(trace: &mut Trace, frame: StackFrame) {
    match trace.last() {
        Some(traced) => traced.stack.push(frame),
        None => drop(trace.add(Traced { stack: vec![frame], ..Traced::default() })),
    }
}

fn cause_header(line: &str) -> Option<&str> {
    let node = line.strip_prefix("[cause]: ");
    node.or_else(|| line.strip_prefix("Caused by: "))
}

/// `label (place)` or `place`. An `eval` has places inside places: the outermost brackets count.
fn v8_frame(call: &str) -> StackFrame {
    // A frame before the braces of a cause: `at f (a.js:1:2) {`.
    let call = call.trim_end_matches([' ', '{']);
    match call.split_once(" (").filter(|_| call.ends_with(')')) {
        Some((label, place)) => {
            let (path, line) = path_and_line(place.strip_suffix(')').unwrap_or(place));
            frame(label, path, line)
        }
        None => {
            let (path, line) = path_and_line(call.strip_prefix("async ").unwrap_or(call));
            frame("", path, line)
        }
    }
}

fn firefox_frame(line: &str) -> Option<StackFrame> {
    let (label, place) = line.split_once('@')?;
    let (path, line_number) = path_and_line(place);
    let is_place = line_number.is_some() && !label.contains([' ', ':']);
    is_place.then(|| frame(label, path, line_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_place_is_read() {
        let text = "TypeError: Cannot read\n    at speedy (/home/g/file.js:6:11)\n    \
            at /home/g/anon.js:10:3\n    at Array.forEach (native)\n    \
            at async node:internal/x (file:///app/a.mjs:1:2)\n    \
            at C:\\app\\b.js:7:1\n    at Module._compile (node:internal/modules:1103:14)\n    \
            at eval (eval at run (/a.js:1:2), <anonymous>:3:4)\n    at new Cart (<anonymous>)";
        let trace = read(text);
        assert_eq!(
            trace.exceptions[0].stack,
            [
                frame("speedy", "/home/g/file.js", Some(6)),
                frame("", "/home/g/anon.js", Some(10)),
                frame("Array.forEach", "native", None),
                frame("async node:internal/x", "file:///app/a.mjs", Some(1)),
                frame("", r"C:\app\b.js", Some(7)),
                frame("Module._compile", "node:internal/modules", Some(1103)),
                frame("eval", "eval at run (/a.js:1:2), <anonymous>", Some(3)),
                frame("new Cart", "<anonymous>", None),
            ]
        );
        assert!(trace.is_whole);
    }

    #[test]
    fn causes_that_node_prints_are_linked() {
        let text = "Error: outer\n    at f (/a.js:1:2) {\n  [cause]: RangeError: inner\n      \
                    at g (/b.js:3:4)\n}";
        let trace = read(text);
        assert_eq!(trace.exceptions[0].cause, Some(1));
        assert_eq!(trace.exceptions[0].stack, [frame("f", "/a.js", Some(1))]);
        let inner = &trace.exceptions[1];
        assert_eq!((inner.type_name.as_str(), inner.message.as_str()), ("RangeError", "inner"));
        assert_eq!(inner.stack, [frame("g", "/b.js", Some(3))]);
        assert!(trace.is_whole);
    }

    #[test]
    fn firefox_has_no_title() {
        let trace = read("speedy@http://h/file.js:6:11\n@http://h/file.js:5:3\n");
        assert_eq!(
            trace.exceptions[0].stack,
            [frame("speedy", "http://h/file.js", Some(6)), frame("", "http://h/file.js", Some(5))]
        );
    }
}
