//! Makes frames of their parts.

use crate::document::StackFrame;

/// A frame; what is empty is left out, and so is line 0.
pub(super) fn frame(label: &str, path: &str, line: Option<u64>) -> StackFrame {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    StackFrame {
        label: said(label.trim()),
        path: said(path.trim()),
        line: line.filter(|line| *line > 0),
        ..StackFrame::default()
    }
}

/// Splits `path:line`, `path:line:column` and `path`, from the right: paths have colons of their
/// own (`C:\`, `file://`, `node:`).
pub(super) fn path_and_line(place: &str) -> (&str, Option<u64>) {
    let Some((before, last)) = split_number(place) else {
        return (place.strip_suffix(':').unwrap_or(place), None);
    };
    match split_number(before) {
        Some((path, line)) if !path.is_empty() => (path, Some(line)),
        _ => (before, Some(last)),
    }
}

/// The same without columns.
pub(super) fn path_and_last_number(place: &str) -> (&str, Option<u64>) {
    match split_number(place) {
        Some((path, line)) => (path, Some(line)),
        None => (place.strip_suffix(':').unwrap_or(place), None),
    }
}

fn split_number(text: &str) -> Option<(&str, u64)> {
    let (before, number) = text.rsplit_once(':')?;
    Some((before, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_split_from_the_right() {
        assert_eq!(path_and_line("/app/a.js:10:3"), ("/app/a.js", Some(10)));
        assert_eq!(path_and_line("file:///app/a.mjs:1:2"), ("file:///app/a.mjs", Some(1)));
        assert_eq!(path_and_line(r"C:\app\a.js:7:1"), (r"C:\app\a.js", Some(7)));
        assert_eq!(path_and_line("node:internal/x:5"), ("node:internal/x", Some(5)));
        assert_eq!(path_and_line("native"), ("native", None));
        assert_eq!(path_and_line("A.java:"), ("A.java", None));
        assert_eq!(path_and_line(""), ("", None));
    }
}
