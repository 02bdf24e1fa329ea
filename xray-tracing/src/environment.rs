//! What the environment says: variables that beat the code, named as in the X-Ray SDKs.
//!
//! In: variables. Out: options, unchecked. Owns nothing.

use crate::layer::ContextMissing;

/// Options from the environment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    /// `AWS_XRAY_DAEMON_ADDRESS`.
    pub(crate) daemon_address: Option<String>,
    /// `AWS_XRAY_TRACING_NAME`.
    pub(crate) service_name: Option<String>,
    /// `AWS_XRAY_SDK_ENABLED` (as the Python SDK) and `AWS_XRAY_SDK_DISABLED` (as the one for Go).
    pub(crate) is_disabled: bool,
    /// `AWS_XRAY_CONTEXT_MISSING`.
    pub(crate) context_missing: ContextMissing,
    /// `AWS_XRAY_COLLECT_SQL_QUERIES`: texts of queries, without literals, are recorded.
    pub(crate) collects_sql: bool,
    /// `LAMBDA_TASK_ROOT` is set.
    pub(crate) is_lambda: bool,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            daemon_address: None,
            service_name: None,
            is_disabled: false,
            context_missing: ContextMissing::default(),
            collects_sql: true,
            is_lambda: false,
        }
    }
}

impl Environment {
    /// Reads the process's environment.
    pub(crate) fn of_process() -> Self {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| variable(name).filter(|value| !value.trim().is_empty());
        let is = |name, expected| text(name).as_deref().and_then(truth) == Some(expected);
        let ignores = text("AWS_XRAY_CONTEXT_MISSING")
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("IGNORE_ERROR"));
        Self {
            daemon_address: text("AWS_XRAY_DAEMON_ADDRESS"),
            service_name: text("AWS_XRAY_TRACING_NAME"),
            is_disabled: is("AWS_XRAY_SDK_ENABLED", false) || is("AWS_XRAY_SDK_DISABLED", true),
            // RUNTIME_ERROR as well: tracing never stops a service.
            context_missing: if ignores { ContextMissing::Ignore } else { ContextMissing::Log },
            collects_sql: !is("AWS_XRAY_COLLECT_SQL_QUERIES", false),
            is_lambda: text("LAMBDA_TASK_ROOT").is_some(),
        }
    }
}

/// Rule: `strtobool` of the Python SDK.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "on" | "1" => Some(true),
        "n" | "no" | "f" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_set_means_the_defaults() {
        assert_eq!(read(&[]), Environment::default());
        assert_eq!(read(&[("AWS_XRAY_DAEMON_ADDRESS", " ")]), Environment::default());
    }

    #[test]
    fn each_variable_is_read() {
        let environment = read(&[
            ("AWS_XRAY_DAEMON_ADDRESS", "xray:2000"),
            ("AWS_XRAY_TRACING_NAME", "orders"),
            ("AWS_XRAY_CONTEXT_MISSING", "ignore_error"),
            ("AWS_XRAY_COLLECT_SQL_QUERIES", "no"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
        ]);
        assert!(!environment.collects_sql && environment.is_lambda);
        assert_eq!(environment.daemon_address.as_deref(), Some("xray:2000"));
        assert_eq!(environment.service_name.as_deref(), Some("orders"));
        assert_eq!(environment.context_missing, ContextMissing::Ignore);
    }

    #[test]
    fn only_a_clear_no_switches_tracing_off() {
        for (name, value, is_disabled) in [
            ("AWS_XRAY_SDK_ENABLED", "false", true),
            ("AWS_XRAY_SDK_ENABLED", "OFF", true),
            ("AWS_XRAY_SDK_ENABLED", "true", false),
            ("AWS_XRAY_SDK_ENABLED", "perhaps", false),
            ("AWS_XRAY_SDK_DISABLED", "TRUE", true),
            ("AWS_XRAY_SDK_DISABLED", "0", false),
        ] {
            assert_eq!(read(&[(name, value)]).is_disabled, is_disabled, "{name}={value}");
        }
    }
}
