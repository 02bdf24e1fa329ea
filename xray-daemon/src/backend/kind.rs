//! The backends by name: one word of `--backend LIST`.
//!
//! In: text such as `aws,local` or `both`. Out: [`BackendKind`]s. Owns the list of names.

use std::fmt;
use std::str::FromStr;

/// A backend that the daemon can build by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendKind {
    /// AWS X-Ray, through `PutTraceSegments`.
    Aws,
    /// The embedded X-Ray: store, API and console.
    Local,
    /// Any OpenTelemetry backend, by OTLP.
    Otlp,
}

/// A word of `--backend` that names no backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("backend {0:?} is not known; --backend takes a list of aws, local and otlp, or both")]
pub struct UnknownBackend(String);

impl BackendKind {
    /// Its name in flags, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Local => "local",
            Self::Otlp => "otlp",
        }
    }

    /// Whether this build has it.
    pub fn is_built(self) -> bool {
        match self {
            Self::Aws => cfg!(feature = "aws"),
            Self::Local => cfg!(feature = "local"),
            Self::Otlp => cfg!(feature = "otlp-out"),
        }
    }

    /// Reads a list as `--backend` takes it: names with commas between; `both` is `aws,local`.
    ///
    /// # Errors
    /// On a word that is no backend, and on an empty list.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, UnknownBackend> {
        let mut kinds = Vec::new();
        for word in list.split(',').map(str::trim) {
            let named: &[Self] = match word {
                "both" => &[Self::Aws, Self::Local],
                word => &[word.parse()?],
            };
            for kind in named {
                if !kinds.contains(kind) {
                    kinds.push(*kind);
                }
            }
        }
        Ok(kinds)
    }
}

impl FromStr for BackendKind {
    type Err = UnknownBackend;

    fn from_str(word: &str) -> Result<Self, UnknownBackend> {
        match word {
            "aws" => Ok(Self::Aws),
            "local" => Ok(Self::Local),
            "otlp" => Ok(Self::Otlp),
            _ => Err(UnknownBackend(word.chars().take(64).collect())),
        }
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_each_backend_once_and_keeps_its_order() {
        use BackendKind::{Aws, Local, Otlp};
        assert_eq!(BackendKind::parse_list("aws"), Ok(vec![Aws]));
        assert_eq!(BackendKind::parse_list("both"), Ok(vec![Aws, Local]));
        assert_eq!(BackendKind::parse_list("local, aws,local"), Ok(vec![Local, Aws]));
        assert_eq!(BackendKind::parse_list("local,otlp"), Ok(vec![Local, Otlp]));
    }

    #[test]
    fn a_word_that_is_no_backend_is_named() {
        let refused = BackendKind::parse_list("aws,jaeger").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "backend \"jaeger\" is not known; --backend takes a list of aws, local and otlp, or both"
        );
        assert!(BackendKind::parse_list("").is_err());
        assert!(BackendKind::parse_list("aws,").is_err());
    }
}
