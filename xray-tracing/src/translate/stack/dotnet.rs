//! Stack traces of .NET.
//!
//! ```text
//! System.Outer: message
//!  ---> System.Inner: message
//!    at A.B() in C:\a.cs:line 7
//!    --- End of inner exception stack trace ---
//!    at A.C(String name)
//! ```
//! The inner exception's frames stand between its title and the mark of its end.

use super::frame::frame;
use super::trace::{Trace, Traced};
use crate::document::StackFrame;

pub(super) fn read(text: &str) -> Trace {
    let mut trace = Trace::new();
    // Exceptions whose frames are still to come, the innermost last.
    let mut open: Vec<usize> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(call) = trimmed.strip_prefix("at ") {
            let place = open.last().and_then(|place| trace.exceptions.get_mut(*place));
            match place {
                Some(traced) => traced.stack.push(dotnet_frame(call)),
                None => {
                    let stack = vec![dotnet_frame(call)];
                    open.push(trace.add(Traced { stack, ..Traced::default() }));
                }
            }
        } else if let Some(header) = trimmed.strip_prefix("---> ") {
            let header = header.split_once(") ").filter(|_| header.starts_with('('));
            let header = header.map_or(trimmed.trim_start_matches("---> "), |(_, rest)| rest);
            let cause = trace.add(Traced::headed(header));
            if let Some(place) = open.last() {
                trace.link(*place, cause);
            }
            open.push(cause);
        } else if trimmed == "--- End of inner exception stack trace ---" {
            if open.len() > 1 {
                open.pop();
            }
        } else if trimmed.starts_with("--- End of stack trace from previous location") {
            // Rethrown: the frames go on.
        } else if trace.exceptions.is_empty() {
            open.push(trace.add(Traced::headed(line)));
        } else if let Some(traced) = trace.last().filter(|traced| traced.stack.is_empty()) {
            traced.go_on(line);
        } else {
            trace.is_whole &= trimmed.is_empty();
        }
    }
    trace
}

/// `label in path:line 7`, or the label alone.
fn dotnet_frame(call: &str) -> StackFrame {
    match call.rsplit_once(" in ") {
        Some((label, place)) => {
            let (path, line) = place.rsplit_once(":line ").unwrap_or((place, ""));
            frame(label, path, line.trim().parse().ok())
        }
        None => frame(call, "", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_exceptions_end_where_the_mark_says() {
        let text = "System.Outer: out\n ---> System.Inner: in\n   at A.B() in C:\\a b\\a.cs:line 7\n   \
            --- End of inner exception stack trace ---\n   at A.C(String name)\n   \
            at A.D() in /src/d.cs:line 9";
        let trace = read(text);
        let [outer, inner] = trace.exceptions.as_slice() else { panic!("{trace:?}") };
        assert_eq!(outer.cause, Some(1));
        assert_eq!(
            outer.stack,
            [frame("A.C(String name)", "", None), frame("A.D()", "/src/d.cs", Some(9))]
        );
        assert_eq!((inner.type_name.as_str(), inner.message.as_str()), ("System.Inner", "in"));
        assert_eq!(inner.stack, [frame("A.B()", r"C:\a b\a.cs", Some(7))]);
        assert!(trace.is_whole);
    }

    #[test]
    fn exceptions_of_an_aggregate_have_numbers() {
        let trace = read(
            "System.AggregateException: many\n ---> (Inner Exception #0) System.A: a\n   at F()",
        );
        assert_eq!(trace.exceptions[1].type_name, "System.A");
    }
}
