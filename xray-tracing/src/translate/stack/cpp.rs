//! Stack traces of C++ (Boost, `std::stacktrace`, debuggers) and of PHP's own exceptions: lines
//! that begin with a number.
//!
//! ```text
//!  0# cart(int) at /src/cart.cpp:21
//!  1# main in /app/shop
//! #0 /src/cart.php(12): Cart->add()
//! ```

use super::frame::{frame, path_and_line};
use super::trace::{Trace, Traced};
use crate::document::StackFrame;

pub(super) fn read(text: &str) -> Trace {
    let mut trace = Trace::new();
    let mut traced = Traced::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(found) = numbered(line.trim()).and_then(call) {
            traced.stack.push(found);
        } else if traced.stack.is_empty() {
            traced.go_on(line);
        } else {
            trace.is_whole = false;
        }
    }
    trace.add(traced);
    trace
}

/// What stands behind `0#` or `#0`.
fn numbered(line: &str) -> Option<&str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (number, rest) = line.split_once(' ')?;
    let number = number.strip_suffix(['#', '>']).or_else(|| number.strip_prefix('#'))?;
    digits(number).then_some(rest)
}

fn call(text: &str) -> Option<StackFrame> {
    let text = text.trim();
    // PHP: path(12): label
    if let Some((place, label)) = text.split_once("): ")
        && let Some((path, line)) = place.rsplit_once('(')
        && let Ok(line) = line.parse()
    {
        return Some(frame(label, path, Some(line)));
    }
    let at = text.rsplit_once(" at ").or_else(|| text.rsplit_once(" in "));
    Some(match at {
        Some((label, place)) => {
            let (path, line) = path_and_line(place);
            frame(label, path, line)
        }
        None => frame(text, "", None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_lines_are_frames() {
        let trace =
            read("out of stock\n 0# cart(int) at /src/cart.cpp:21\n 1# main in /app/shop\n");
        assert_eq!(trace.exceptions[0].message, "out of stock");
        assert_eq!(
            trace.exceptions[0].stack,
            [frame("cart(int)", "/src/cart.cpp", Some(21)), frame("main", "/app/shop", None)]
        );
        let php = read("#0 /src/cart.php(12): Cart->add()\n#1 {main}");
        assert_eq!(
            php.exceptions[0].stack,
            [frame("Cart->add()", "/src/cart.php", Some(12)), frame("{main}", "", None)]
        );
    }
}
