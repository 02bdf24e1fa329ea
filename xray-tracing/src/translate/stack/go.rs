//! Stack traces of Go.
//!
//! ```text
//! goroutine 19 [running]:
//! pkg.function(0x0, 0x0)
//!     path/file.go:323 +0x9b
//! created by pkg.other
//!     path/other.go:12 +0x1
//! ```
//! A title may stand above. A label is followed by its place.

use super::frame::{frame, path_and_last_number};
use super::trace::{Trace, Traced};

pub(super) fn read(text: &str) -> Trace {
    let mut trace = Trace::new();
    let mut traced = Traced::default();
    let mut label: Option<&str> = None;
    for line in text.lines() {
        let is_title = line.starts_with("goroutine ") && line.ends_with("]:");
        if is_title || line.trim().is_empty() {
            continue;
        }
        match label.take() {
            Some(label) if line.starts_with([' ', '\t']) => {
                let place = line.trim();
                let place = place.rsplit_once(" +0x").map_or(place, |(place, _)| place);
                let (path, number) = path_and_last_number(place);
                traced.stack.push(frame(label, path, number));
            }
            // Two labels: the first was a title, such as "panic: message".
            Some(title) => {
                if traced.message.is_empty() && traced.stack.is_empty() {
                    traced.message = title.to_owned();
                } else {
                    trace.is_whole = false;
                }
                label = Some(line);
            }
            None => label = Some(line),
        }
    }
    trace.is_whole &= label.is_none();
    trace.add(traced);
    trace
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_and_its_place_are_a_frame() {
        let text = "panic: boom\n\ngoroutine 19 [running]:\ntrace.record(0x0, 0x0)\n\tsdk/span.go:323 +0x9b\n\
                    created by testing.(*T).Run in goroutine 1\n\t/go/testing.go:1168 +0x2b3\n";
        let trace = read(text);
        assert_eq!(trace.exceptions[0].message, "panic: boom");
        assert_eq!(
            trace.exceptions[0].stack,
            [
                frame("trace.record(0x0, 0x0)", "sdk/span.go", Some(323)),
                frame("created by testing.(*T).Run in goroutine 1", "/go/testing.go", Some(1168)),
            ]
        );
        assert!(trace.is_whole);
        assert!(!read("only a title").is_whole);
    }
}
