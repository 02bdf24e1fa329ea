//! Stack traces of Ruby.
//!
//! ```text
//! app.rb:3:in `cart': message (RuntimeError)
//!     from app.rb:7:in `block in main'
//! app.rb:1:in `stock': inner message (ArgumentError)
//!     from app.rb:2:in `cart'
//! ```
//! A line without `from` heads an exception, which caused the one above. Since Ruby 3.4 labels stand
//! between two straight quotes.

use super::frame::frame;
use super::trace::{Trace, Traced};
use crate::document::StackFrame;

pub(super) fn read(text: &str) -> Trace {
    let mut trace = Trace::new();
    for line in text.lines() {
        let trimmed = line.trim();
        let from = trimmed.strip_prefix("from ");
        if let Some((found, rest)) = ruby_frame(from.unwrap_or(trimmed)) {
            match trace.last() {
                Some(traced) if from.is_some() || rest.is_empty() => traced.stack.push(found),
                _ => head(&mut trace, found, rest),
            }
        } else if let Some(traced) = trace.last().filter(|traced| traced.stack.len() < 2) {
            if !trimmed.is_empty() {
                traced.go_on(line);
            }
        } else {
            trace.is_whole &= trimmed.is_empty();
        }
    }
    trace.exceptions.iter_mut().for_each(take_type);
    trace
}

fn head(trace: &mut Trace, found: StackFrame, message: &str) {
    let before = trace.exceptions.len();
    let traced = Traced { message: message.to_owned(), stack: vec![found], ..Traced::default() };
    let place = trace.add(traced);
    if before > 0 {
        trace.link(before - 1, place);
    }
}

/// The type stands in brackets behind the first line of the message.
fn take_type(traced: &mut Traced) {
    let (first, more) = traced.message.split_once('\n').unwrap_or((&traced.message, ""));
    let Some((message, type_name)) =
        first.strip_suffix(')').and_then(|first| first.rsplit_once('('))
    else {
        return;
    };
    type_name.clone_into(&mut traced.type_name);
    let message = message.trim_end();
    traced.message =
        if more.is_empty() { message.to_owned() } else { format!("{message}\n{more}") };
}

/// ``path:3:in `label'`` and what follows it after a colon.
fn ruby_frame(line: &str) -> Option<(StackFrame, &str)> {
    let (place, rest) = line.split_once(":in ")?;
    let (path, number) = place.rsplit_once(':')?;
    let number = number.parse().ok()?;
    let rest = rest.strip_prefix(['`', '\''])?;
    let (label, rest) = rest.split_once('\'')?;
    let rest = rest.strip_prefix(": ").unwrap_or(rest);
    Some((frame(label, path, Some(number)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_from_heads_a_cause() {
        let text = "app.rb:3:in `cart': out of stock (RuntimeError)\nsecond line\n\
                    \tfrom C:/app.rb:7:in 'Shop#main'\napp.rb:1:in `stock': bad (key) (ArgumentError)\n\
                    \tfrom app.rb:2:in `cart'\n";
        let trace = read(text);
        let [outer, inner] = trace.exceptions.as_slice() else { panic!("{trace:?}") };
        assert_eq!((outer.type_name.as_str(), outer.cause), ("RuntimeError", Some(1)));
        assert_eq!(outer.message, "out of stock\nsecond line");
        assert_eq!(
            outer.stack,
            [frame("cart", "app.rb", Some(3)), frame("Shop#main", "C:/app.rb", Some(7))]
        );
        assert_eq!(
            (inner.type_name.as_str(), inner.message.as_str()),
            ("ArgumentError", "bad (key)")
        );
        assert!(trace.is_whole);
    }

    #[test]
    fn a_plain_backtrace_is_one_stack() {
        let trace = read("a.rb:1:in `f'\na.rb:2:in `g'");
        assert_eq!(trace.exceptions.len(), 1);
        assert_eq!(trace.exceptions[0].stack.len(), 2);
    }
}
