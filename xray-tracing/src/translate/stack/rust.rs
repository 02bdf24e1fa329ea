//! Back-traces of Rust: of `std::backtrace`, of panics, and in the reports of `anyhow` and `eyre`.
//!
//! ```text
//! thread 'main' panicked at src/main.rs:4:5:
//! message
//! stack backtrace:
//!    0: core::panicking::panic_fmt
//!              at /rustc/…/library/core/src/panicking.rs:65:14
//! ```
//! A report: the message, `Caused by:` with one cause a line, `Stack backtrace:` and the same
//! frames. Full back-traces have addresses: `   0:     0x55d1 - name`.

use super::frame::{frame, path_and_line};
use super::trace::{Trace, Traced};

/// Where in the text we are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Message,
    Causes,
    Frames,
}

pub(super) fn read(text: &str) -> Trace {
    let mut reader = Reader { trace: Trace::new(), part: Part::Message };
    reader.trace.add(Traced::default());
    text.lines().for_each(|line| reader.read(line));
    reader.trace
}

struct Reader {
    /// The first exception has the frames; its causes follow, each linked to the next.
    trace: Trace,
    part: Part,
}

impl Reader {
    fn read(&mut self, line: &str) {
        let trimmed = line.trim();
        if trimmed.is_empty() || is_note(trimmed) {
            return;
        }
        match trimmed {
            "Caused by:" => self.part = Part::Causes,
            "stack backtrace:" | "Stack backtrace:" => self.part = Part::Frames,
            _ if self.part == Part::Causes => self.cause(trimmed),
            _ if self.place(trimmed) || self.frame(line) => self.part = Part::Frames,
            _ if self.part == Part::Message => self.message(trimmed),
            _ => self.trace.is_whole = false,
        }
    }

    fn message(&mut self, line: &str) {
        let Some(first) = self.trace.exceptions.first_mut() else { return };
        let Some((thread, place)) = line.split_once(" panicked at ") else {
            first.go_on(line);
            return;
        };
        if !thread.starts_with("thread ") {
            first.go_on(line);
            return;
        }
        "panic".clone_into(&mut first.type_name);
        // Before Rust 1.73 the message stood in the same line: 'message', src/main.rs:4:5
        match place.strip_prefix('\'').and_then(|rest| rest.rsplit_once("', ")) {
            Some((message, place)) => {
                first.go_on(message);
                first.go_on(&format!("at {place}"));
            }
            None => first.go_on(&format!("at {}", place.trim_end_matches(':'))),
        }
    }

    /// A line of `Caused by:`, with a number if there are several.
    fn cause(&mut self, line: &str) {
        let numbered = line.split_once(": ").filter(|(number, _)| is_number(number));
        let message = numbered.map_or(line, |(_, message)| message).to_owned();
        let before = self.trace.exceptions.len() - 1;
        let cause = self.trace.add(Traced { message, ..Traced::default() });
        self.trace.link(before, cause);
    }

    /// `   0: name`, or with an address before the name.
    fn frame(&mut self, line: &str) -> bool {
        let Some((number, name)) = line.trim().split_once(": ") else { return false };
        let is_frame = is_number(number) && (line.starts_with(' ') || self.part == Part::Frames);
        if is_frame && let Some(first) = self.trace.exceptions.first_mut() {
            let name = name.trim_start();
            let bare = name.strip_prefix("0x").and_then(|rest| rest.split_once(" - "));
            first.stack.push(frame(bare.map_or(name, |(_, name)| name), "", None));
        }
        is_frame
    }

    /// `at path:line:column`, of the frame above.
    fn place(&mut self, line: &str) -> bool {
        let Some(place) = line.strip_prefix("at ") else { return false };
        let first = self.trace.exceptions.first_mut();
        let Some(frame) = first.and_then(|traced| traced.stack.last_mut()) else { return false };
        if frame.path.is_some() {
            // An inlined call has a name of its own, without number.
            return false;
        }
        let (path, line) = path_and_line(place);
        frame.path = Some(path.to_owned());
        frame.line = line;
        true
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.trim().bytes().all(|byte| byte.is_ascii_digit())
}

/// What the runtime says about back-traces in general.
fn is_note(line: &str) -> bool {
    line.starts_with("note: ") || line.starts_with("Location:")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: &str = "   0: std::backtrace\n             at /rustc/x.rs:1:2\n   1:     0x55d1 - shop::cart\n\
                          \x20            at ./src/cart.rs:10:5\n   2: main\n";

    fn frames() -> Vec<crate::document::StackFrame> {
        vec![
            frame("std::backtrace", "/rustc/x.rs", Some(1)),
            frame("shop::cart", "./src/cart.rs", Some(10)),
            frame("main", "", None),
        ]
    }

    #[test]
    fn a_backtrace_is_frames_and_nothing_else() {
        let trace = read(FRAMES);
        assert_eq!(trace.exceptions.len(), 1);
        assert_eq!(trace.exceptions[0].stack, frames());
        assert!(trace.is_whole);
    }

    #[test]
    fn a_panic_says_where() {
        let text = format!(
            "thread 'main' panicked at src/main.rs:4:5:\nindex out of bounds\nstack backtrace:\n{FRAMES}\
             note: Some details are omitted, run with `RUST_BACKTRACE=full`"
        );
        let traced = &read(&text).exceptions[0];
        assert_eq!(traced.type_name, "panic");
        assert_eq!(traced.message, "at src/main.rs:4:5\nindex out of bounds");
        assert_eq!(traced.stack, frames());
        let old =
            read("thread 'main' panicked at 'boom', src/main.rs:4:5\nstack backtrace:\n   0: f");
        assert_eq!(old.exceptions[0].message, "boom\nat src/main.rs:4:5");
    }

    #[test]
    fn a_report_has_causes() {
        let text = format!(
            "cannot start\n\nCaused by:\n    0: cannot read shop.toml\n    1: No such file\n\nStack backtrace:\n{FRAMES}"
        );
        let trace = read(&text);
        let messages: Vec<_> = trace.exceptions.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(messages, ["cannot start", "cannot read shop.toml", "No such file"]);
        let causes: Vec<_> = trace.exceptions.iter().map(|it| it.cause).collect();
        assert_eq!(causes, [Some(1), Some(2), None]);
        assert_eq!(trace.exceptions[0].stack, frames());
        assert!(trace.is_whole);
    }
}
