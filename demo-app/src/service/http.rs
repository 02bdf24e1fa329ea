//! Reads what another service answers, without trusting its size.

use serde::de::DeserializeOwned;

/// Most bytes that an answer may have. A full catalogue of 10,000 products has 1 MB.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Why an answer could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("the answer broke off")]
    BrokenOff(#[source] reqwest::Error),
    #[error("the answer is over 4 MiB")]
    TooLarge,
    #[error("the answer is not the JSON that was expected")]
    Unexpected(#[source] serde_json::Error),
}

/// Reads the body of `response`, up to 4 MiB.
///
/// # Errors
/// When it breaks off or is too large.
pub(crate) async fn bytes(mut response: reqwest::Response) -> Result<Vec<u8>, AnswerError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(AnswerError::BrokenOff)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(AnswerError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads the body of `response` as JSON.
///
/// # Errors
/// As [`bytes`], and when it is something else.
pub(crate) async fn json<T: DeserializeOwned>(
    response: reqwest::Response,
) -> Result<T, AnswerError> {
    serde_json::from_slice(&bytes(response).await?).map_err(AnswerError::Unexpected)
}
