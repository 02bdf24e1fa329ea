//! Reads the input of an operation, and checks it against the API's model.
//!
//! In: a body. Out: a typed input, or the error of the service's framework. Members that nobody
//! knows are ignored; numbers must be numbers; what is required may not be null.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::ApiError;

/// Largest body: a call of the daemon holds 1 MiB of documents, which escaping enlarges.
pub(in crate::backend::local) const MAX_BODY_BYTES: usize = 5 << 20;

/// The input of an operation.
#[derive(Clone, Debug)]
pub(super) struct Input<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                return ApiError::TooLarge { most_bytes: MAX_BODY_BYTES };
            }
            ApiError::Serialization("the body ended early".to_owned())
        })?;
        let body = if body.trim_ascii().is_empty() { &b"{}"[..] } else { &body };
        serde_json::from_slice(body)
            .map(Self)
            .map_err(|err| ApiError::Serialization(err.to_string()))
    }
}

/// Collects what is wrong with an input, in the words of the service's framework.
#[derive(Debug, Default)]
pub(super) struct Checks {
    failed: Vec<String>,
}

impl Checks {
    /// A member that must be there.
    pub(super) fn required<T>(&mut self, place: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.fail(place, "null", "must not be null");
        }
        value
    }

    /// A number between `least` and `most`.
    pub(super) fn range<T: PartialOrd + std::fmt::Display>(
        &mut self,
        place: &str,
        value: Option<T>,
        least: T,
        most: T,
    ) -> Option<T> {
        let given = value?;
        if given < least {
            let rule = format!("must have value greater than or equal to {least}");
            self.fail(place, &format!("'{given}'"), &rule);
        } else if given > most {
            let rule = format!("must have value less than or equal to {most}");
            self.fail(place, &format!("'{given}'"), &rule);
        }
        Some(given)
    }

    /// A text of `least` to `most` characters.
    pub(super) fn length(
        &mut self,
        place: &str,
        value: Option<String>,
        least: usize,
        most: usize,
    ) -> Option<String> {
        let given = value?;
        self.count(place, given.chars().count(), &given, least, most);
        Some(given)
    }

    /// A list of `least` to `most` members.
    pub(super) fn members<T>(
        &mut self,
        place: &str,
        value: Option<Vec<T>>,
        least: usize,
        most: usize,
    ) -> Option<Vec<T>> {
        let given = value?;
        self.count(place, given.len(), "[...]", least, most);
        Some(given)
    }

    pub(super) fn count(
        &mut self,
        place: &str,
        count: usize,
        shown: &str,
        least: usize,
        most: usize,
    ) {
        let shown = format!("'{}'", excerpt(shown));
        if count < least {
            self.fail(place, &shown, &format!("must have length greater than or equal to {least}"));
        } else if count > most {
            self.fail(place, &shown, &format!("must have length less than or equal to {most}"));
        }
    }

    pub(super) fn fail(&mut self, place: &str, shown: &str, rule: &str) {
        let rule = format!("failed to satisfy constraint: Member {rule}");
        self.failed.push(format!("Value {shown} at '{place}' {rule}"));
    }

    /// All that is wrong, as one error.
    pub(super) fn done(self) -> Result<(), ApiError> {
        let count = self.failed.len();
        if count == 0 {
            return Ok(());
        }
        let errors = if count == 1 { "error" } else { "errors" };
        let failed = self.failed.join("; ");
        Err(ApiError::Validation(format!("{count} validation {errors} detected: {failed}")))
    }
}

/// A member that must be there, where nothing else is checked.
pub(super) fn required<T>(place: &str, value: Option<T>) -> Result<T, ApiError> {
    let mut checks = Checks::default();
    match checks.required(place, value) {
        Some(value) => Ok(value),
        None => Err(match checks.done() {
            Err(err) => err,
            Ok(()) => ApiError::Validation(place.to_owned()),
        }),
    }
}

/// The start of a text of a stranger, for a message that goes back to them.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_reads_as_the_service_words_it() {
        let mut checks = Checks::default();
        checks.range("samplingRule.priority", Some(0), 1, 9_999);
        assert_eq!(
            checks.done(),
            Err(ApiError::Validation(
                "1 validation error detected: Value '0' at 'samplingRule.priority' failed to \
                 satisfy constraint: Member must have value greater than or equal to 1"
                    .to_owned()
            ))
        );
    }

    #[test]
    fn several_failures_are_told_together() {
        let mut checks = Checks::default();
        checks.range("a", Some(1.5), 0.0, 1.0);
        checks.required::<u32>("b", None);
        checks.members("c", Some(vec![(); 6]), 0, 5);
        checks.length("d", Some(String::new()), 1, 32);
        let Err(ApiError::Validation(message)) = checks.done() else { panic!("accepted") };
        assert!(message.starts_with("4 validation errors detected: Value '1.5' at 'a' failed"));
        assert!(
            message.contains("Value null at 'b' failed to satisfy constraint: Member must not")
        );
        assert!(message.contains("'c' failed to satisfy constraint: Member must have length less"));
        assert!(message.ends_with("Member must have length greater than or equal to 1"));
    }
}
