//! Stack traces of Python.
//!
//! ```text
//! Traceback (most recent call last):
//!   File "inner.py", line 10, in f
//!     raise Inner("x")
//! pkg.Inner: message, which may
//! go on
//!
//! The above exception was the direct cause of the following exception:
//!
//! Traceback (most recent call last):
//!   …
//! Outer: message
//! ```
//! What is printed last is the outermost; each was caused by the one above it.

use super::frame::frame;
use super::trace::{Trace, Traced};
use crate::document::StackFrame;

/// Between an exception and what came of it.
const LINKS: [&str; 2] = [
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
];

pub(super) fn read(text: &str) -> Trace {
    let mut blocks = vec![Block::default()];
    for line in text.lines() {
        if LINKS.contains(&line.trim()) {
            blocks.push(Block::default());
        } else if let Some(block) = blocks.last_mut() {
            block.read(line);
        }
    }
    let mut trace = Trace::new();
    // Groups nest several exceptions in one; only the outermost's frames are read.
    trace.is_whole = !text.contains("Exception Group Traceback");
    for block in blocks.into_iter().rev() {
        let place = trace.add(block.finish());
        if place > 0 {
            trace.link(place - 1, place);
        }
    }
    trace
}

#[derive(Default)]
struct Block {
    traced: Traced,
    has_header: bool,
}

impl Block {
    fn read(&mut self, line: &str) {
        if self.has_header {
            self.traced.go_on(line);
        } else if let Some(found) = python_frame(line) {
            self.traced.stack.push(found);
        } else if let Some(count) = repeated(line) {
            self.traced.left_out += count;
        } else if !line.is_empty() && !line.starts_with([' ', '\t']) && !is_title(line) {
            let traced = Traced::headed(line);
            self.traced.type_name = traced.type_name;
            self.traced.message = traced.message;
            self.has_header = true;
        }
    }

    fn finish(mut self) -> Traced {
        self.traced.stack.reverse();
        let message = self.traced.message.trim_end().len();
        self.traced.message.truncate(message);
        self.traced
    }
}

fn is_title(line: &str) -> bool {
    line.starts_with("Traceback (most recent call last)")
}

/// `  File "path", line 10, in label`; the path may have commas and quotes.
fn python_frame(line: &str) -> Option<StackFrame> {
    let rest = line.trim_start_matches([' ', '|', '+']).strip_prefix("File \"")?;
    let (path, place) = rest.rsplit_once("\", line ")?;
    let (number, label) = place.split_once(", in ").unwrap_or((place, ""));
    Some(frame(label, path, number.trim().parse().ok()))
}

/// `  [Previous line repeated 996 more times]`.
fn repeated(line: &str) -> Option<u64> {
    let rest = line.trim_start().strip_prefix("[Previous line repeated ")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(link: &str) -> String {
        format!(
            "Traceback (most recent call last):\n  File \"x, y.py\", line 10, in <module>\n    \
             raise Remote(\"root\")\n    ^^^^^^\nx.Remote: root\nmore root\n\n{link}\n\n\
             Traceback (most recent call last):\n  File \"main.py\", line 14, in <module>\n    \
             greet()\n  File \"greet.py\", line 12, in greet\n    print(x)\n  \
             [Previous line repeated 996 more times]\nTypeError: must be str\n"
        )
    }

    #[test]
    fn both_kinds_of_chain_link_the_last_to_the_first() {
        for link in LINKS {
            let trace = read(&chain(link));
            let [outer, inner] = trace.exceptions.as_slice() else { panic!("{trace:?}") };
            assert_eq!(
                (outer.type_name.as_str(), outer.message.as_str()),
                ("TypeError", "must be str")
            );
            assert_eq!(outer.cause, Some(1));
            assert_eq!(outer.left_out, 996);
            assert_eq!(
                outer.stack,
                [frame("greet", "greet.py", Some(12)), frame("<module>", "main.py", Some(14))]
            );
            assert_eq!(
                (inner.type_name.as_str(), inner.message.as_str()),
                ("x.Remote", "root\nmore root")
            );
            assert_eq!(inner.stack, [frame("<module>", "x, y.py", Some(10))]);
        }
    }

    #[test]
    fn a_group_is_not_read_as_a_whole() {
        let text = "  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 1, \
                    in f\n  | ExceptionGroup: g (1 sub-exception)\n";
        let trace = read(text);
        assert!(!trace.is_whole);
        assert_eq!(trace.exceptions[0].stack, [frame("f", "a.py", Some(1))]);
    }
}
