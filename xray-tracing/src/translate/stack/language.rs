//! Chooses how to read a stack trace.
//!
//! In: `telemetry.sdk.language` and the text. Out: the [`Trace`]. Owns nothing. Where the language is
//! not said, the text shows it.

use super::{Trace, cpp, dotnet, go, java, javascript, python, ruby, rust};

/// Reads `text`, which `language` printed.
pub(in super::super) fn read(text: &str, language: Option<&str>) -> Trace {
    let parse = language.and_then(parser).unwrap_or_else(|| guess(text));
    parse(text)
}

type Parser = fn(&str) -> Trace;

/// The parser of a language. Rule: semantic conventions, `telemetry.sdk.language`.
fn parser(language: &str) -> Option<Parser> {
    Some(match language {
        "java" | "php" => java::read,
        "python" => python::read,
        "javascript" | "nodejs" | "webjs" => javascript::read,
        "dotnet" => dotnet::read,
        "go" => go::read,
        "rust" => rust::read,
        "ruby" => ruby::read,
        "cpp" => cpp::read,
        _ => return None,
    })
}

/// By the marks that each way of printing has alone.
fn guess(text: &str) -> Parser {
    let starts = |mark: &str| text.lines().any(|line| line.starts_with(mark));
    if text.contains("Traceback (most recent call last)") {
        python::read
    } else if starts("goroutine ") {
        go::read
    } else if text.contains("stack backtrace:") || text.contains("\n             at ") {
        rust::read
    } else if starts("\tfrom ") {
        ruby::read
    } else if starts("    at ") {
        javascript::read
    } else if starts("   at ") {
        dotnet::read
    } else if starts(" 0# ") || starts("#0 ") {
        cpp::read
    } else {
        java::read
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LANGUAGES: [&str; 10] =
        ["java", "php", "python", "nodejs", "dotnet", "go", "rust", "ruby", "cpp", "erlang"];

    #[test]
    fn an_unsaid_language_is_seen_in_the_text() {
        let frames = |text: &str| read(text, None).exceptions[0].stack.len();
        assert_eq!(
            frames("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nE: m"),
            1
        );
        assert_eq!(frames("E: m\n    at f (a.js:1:2)\n"), 1);
        assert_eq!(frames("E: m\n\tat a.B.c(B.java:1)\n"), 1);
        assert_eq!(frames("a.rb:1:in `f': m (E)\n\tfrom a.rb:2:in `g'"), 2);
        assert_eq!(frames("goroutine 1 [running]:\nmain.f()\n\t/a.go:1 +0x1"), 1);
        assert_eq!(frames("E: m\n   at A.B() in a.cs:line 1"), 1);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[a-z0-9 :()/\\\\\n\tF\"I#`'.|+@-]{0,200}", language in 0..LANGUAGES.len()) {
            let trace = read(&text, Some(LANGUAGES[language]));
            for (place, traced) in trace.exceptions.iter().enumerate() {
                prop_assert!(traced.cause.is_none_or(|cause| cause > place));
                prop_assert!(traced.cause.is_none_or(|cause| cause < trace.exceptions.len()));
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text: String) {
            for language in LANGUAGES {
                read(&text, Some(language));
            }
        }
    }
}
