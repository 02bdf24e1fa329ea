//! Reads the body of a request, within bounds of size and time.
//!
//! In: the body. Out: its bytes as they came, with the share of memory that they take. Owns nothing.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::room::Share;

/// Most bytes of a request, as it comes and unpacked. Rule: X-Ray's own OTLP endpoint takes 5 MB;
/// SDKs send some hundred kB, collectors some MB.
pub(super) const MAX_BYTES: usize = 8 << 20;
/// Longest that a body may take to come.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a body that nobody wants which are read all the same, so that its sender reads the
/// answer instead of a reset connection.
const MAX_DISCARDED_BYTES: usize = 32 << 20;
/// Longest that this takes.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a request cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// Over the bound.
    #[error("the request is larger than 8 MiB, as sent or unpacked; export smaller batches")]
    TooLarge,
    /// Not packed as it says, or broken.
    #[error("the body cannot be unpacked; it must be what its encoding says")]
    Broken,
    /// Packed in another way.
    #[error("the encoding is not known here; take gzip, zstd, deflate or none")]
    UnknownEncoding,
    /// The sender did not finish.
    #[error("the body did not come within 30 s, or was cut off")]
    Cut,
    /// No room for it at present.
    #[error("too many requests at once; send again later")]
    TooMany,
}

/// Reads `body`; `share` grows with it.
pub(super) async fn read(body: &mut Body, share: &mut Share) -> Result<Vec<u8>, BodyError> {
    timeout(READ_TIMEOUT, read_all(body, share)).await.unwrap_or(Err(BodyError::Cut))
}

async fn read_all(body: &mut Body, share: &mut Share) -> Result<Vec<u8>, BodyError> {
    let said = usize::try_from(hyper::body::Body::size_hint(body).lower()).unwrap_or(usize::MAX);
    if said > MAX_BYTES {
        return Err(BodyError::TooLarge);
    }
    share.grow_to(said).await?;
    let mut bytes = Vec::with_capacity(said);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Cut)?;
        let Some(piece) = frame.data_ref() else { continue };
        if bytes.len() + piece.len() > MAX_BYTES {
            return Err(BodyError::TooLarge);
        }
        share.grow_to(bytes.len() + piece.len()).await?;
        bytes.extend_from_slice(piece);
    }
    Ok(bytes)
}

/// Reads what is left of a body and forgets it, for a while.
pub(super) async fn discard(mut body: Body) {
    let all = async {
        let mut left = MAX_DISCARDED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, bytes::Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    // Late or not, the answer follows.
    drop(timeout(DISCARD_TIMEOUT, all).await);
}
