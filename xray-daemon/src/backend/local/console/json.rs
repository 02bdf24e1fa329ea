//! JSON as coloured pieces, for reading.
//!
//! In: a value, or text that is JSON. Out: pieces with a class each; joined they are the text,
//! indented. Owns nothing. Depth is bounded, so that no document exhausts the stack.

use serde_json::Value;

/// Deepest level that is printed; what lies below is an ellipsis.
const MAX_DEPTH: usize = 40;
/// Most pieces; a larger value ends in an ellipsis.
const MAX_PIECES: usize = 20_000;
/// Longest list that stays on one line.
const LINE_CHARS: usize = 60;

/// A piece of text. Classes: `tk` keys and constants, `ts` strings, `tn` numbers, `tc` remarks;
/// empty for punctuation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) class: &'static str,
    pub(crate) text: String,
}

/// The pieces of `value`, two blanks a level.
pub(crate) fn pieces(value: &Value) -> Vec<Piece> {
    let mut printer = Printer { pieces: Vec::new(), plain: String::new() };
    printer.value(value, 0);
    printer.flush();
    printer.pieces
}

struct Printer {
    pieces: Vec<Piece>,
    /// Punctuation that waits for the next piece.
    plain: String,
}

impl Printer {
    fn value(&mut self, value: &Value, depth: usize) {
        if self.pieces.len() > MAX_PIECES || depth > MAX_DEPTH {
            return self.piece("tc", "…");
        }
        match value {
            Value::Null => self.piece("tk", "null"),
            Value::Bool(yes) => self.piece("tk", if *yes { "true" } else { "false" }),
            Value::Number(number) => self.piece("tn", &number.to_string()),
            Value::String(text) => self.piece("ts", &quoted(text)),
            Value::Array(items) if items.is_empty() => self.plain.push_str("[]"),
            Value::Array(items) if fits_a_line(items) => self.line(items, depth),
            Value::Array(items) => {
                self.block('[', ']', items, depth, |it, item| it.value(item, depth + 1));
            }
            Value::Object(members) if members.is_empty() => self.plain.push_str("{}"),
            Value::Object(members) => {
                self.block('{', '}', members, depth, |it, (name, member)| {
                    it.piece("tk", &quoted(name));
                    it.plain.push_str(": ");
                    it.value(member, depth + 1);
                });
            }
        }
    }

    /// Short lists of plain values: `[1, 2]`.
    fn line(&mut self, items: &[Value], depth: usize) {
        self.plain.push('[');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.plain.push_str(", ");
            }
            self.value(item, depth + 1);
        }
        self.plain.push(']');
    }

    /// One item a line.
    fn block<T>(
        &mut self,
        open: char,
        close: char,
        items: impl IntoIterator<Item = T>,
        depth: usize,
        print: impl Fn(&mut Self, T),
    ) {
        self.plain.push(open);
        for (i, item) in items.into_iter().enumerate() {
            self.plain.push_str(if i > 0 { ",\n" } else { "\n" });
            self.indent(depth + 1);
            print(self, item);
        }
        self.plain.push('\n');
        self.indent(depth);
        self.plain.push(close);
    }

    fn indent(&mut self, depth: usize) {
        self.plain.extend(std::iter::repeat_n("  ", depth));
    }

    fn piece(&mut self, class: &'static str, text: &str) {
        self.flush();
        self.pieces.push(Piece { class, text: text.to_owned() });
    }

    fn flush(&mut self) {
        if !self.plain.is_empty() {
            let text = std::mem::take(&mut self.plain);
            self.pieces.push(Piece { class: "", text });
        }
    }
}

fn fits_a_line(items: &[Value]) -> bool {
    let plain = |item: &Value| !item.is_array() && !item.is_object();
    let length = |item: &Value| match item {
        Value::String(text) => text.len() + 4,
        _ => 8,
    };
    items.iter().all(plain) && items.iter().map(length).sum::<usize>() <= LINE_CHARS
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &Value) -> String {
        pieces(value).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn pieces_joined_are_the_value_again() {
        let value = serde_json::json!({
            "name": "a\"b", "n": [1, 2.5], "none": null, "empty": {}, "list": [],
            "deep": { "far": [{ "x": "<script>" }] }
        });
        let text = text(&value);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(text.contains("\"n\": [1, 2.5],\n"), "{text}");
        assert!(text.contains("  \"deep\": {\n    \"far\": [\n      {"), "{text}");
    }

    #[test]
    fn keys_strings_and_numbers_have_a_class() {
        let pieces = pieces(&serde_json::json!({ "a": "b", "c": 1 }));
        let classes: Vec<_> =
            pieces.iter().map(|piece| (piece.class, piece.text.as_str())).collect();
        assert_eq!(
            classes,
            [
                ("", "{\n  "),
                ("tk", "\"a\""),
                ("", ": "),
                ("ts", "\"b\""),
                ("", ",\n  "),
                ("tk", "\"c\""),
                ("", ": "),
                ("tn", "1"),
                ("", "\n}"),
            ]
        );
    }

    #[test]
    fn a_bottomless_value_ends_in_an_ellipsis() {
        let mut value = Value::from(1);
        for _ in 0..100 {
            value = Value::Array(vec![value]);
        }
        assert!(text(&value).contains('…'));
    }
}
