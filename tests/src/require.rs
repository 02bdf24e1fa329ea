//! The one gate for tests that need a real component: another SDK, a browser, the AWS CLI.
//!
//! In: what was looked for. Out: the thing, or a line `SKIPPED test: reason` where a person sees
//! it. With `XRAY_TESTS=all` in the environment a missing component fails the test instead.

use std::env;
use std::io::{self, Write};
use std::thread;

/// A component that is not on this machine: what it is, and what brings it.
#[derive(Debug)]
pub struct Missing(pub String);

/// Unwraps a real component, or has the calling test skipped.
///
/// ```no_run
/// # use e2e::{Python, require};
/// # fn test() {
/// let Some(python) = require(Python::with(&["aws_xray_sdk"])) else { return };
/// # }
/// ```
///
/// # Panics
/// When the component is missing and `XRAY_TESTS=all` asks for every test.
pub fn require<T>(component: Result<T, Missing>) -> Option<T> {
    match component {
        Ok(found) => Some(found),
        Err(Missing(reason)) => {
            let line = skipped(&reason);
            assert!(env::var_os("XRAY_TESTS").is_none_or(|tests| tests != "all"), "{line}");
            // Straight to the descriptor: the test harness hides what a passing test prints. A
            // closed stderr is no reason to fail.
            io::stderr().write_all(format!("{line}\n").as_bytes()).ok();
            None
        }
    }
}

/// The harness names each test's thread after the test.
fn skipped(reason: &str) -> String {
    let thread = thread::current();
    format!("SKIPPED {}: {reason}", thread.name().unwrap_or("(a test)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_test_and_reason() {
        let line = thread::Builder::new()
            .name("sdk_python::sends".to_owned())
            .spawn(|| skipped("no flask; run .ci/run once"))
            .and_then(|thread| thread.join().map_err(|_| io::Error::other("panicked")))
            .unwrap();
        assert_eq!(line, "SKIPPED sdk_python::sends: no flask; run .ci/run once");
    }

    #[test]
    fn what_is_there_is_handed_on() {
        assert_eq!(require(Ok(7)), Some(7));
    }
}
