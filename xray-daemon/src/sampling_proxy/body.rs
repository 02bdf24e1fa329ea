//! Reads the body of a request, within bounds of size, time and memory.
//!
//! In: a body, from whoever reaches the port. Out: its bytes, or why not. Owns the budget that the
//! larger bodies of all requests share. A body that is too large is read to its end and thrown
//! away, within reason: a client that is cut off while it sends would not see the answer.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Longest that a caller may take for its body.
const LONGEST: Duration = Duration::from_secs(10);
/// Bodies up to this size are not counted against the budget. Statistics of 25 rules take 5 kB.
const SMALL_BYTES: usize = 16 * 1024;
/// Most bytes of larger bodies in memory at once.
const BUDGET_BYTES: usize = 32 << 20;
/// Most bytes that are read to be thrown away.
const MAX_DISCARDED_BYTES: usize = 64 << 20;
/// The budget is kept in pieces of this size.
const PIECE_BYTES: usize = 1024;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoBody {
    TooLarge,
    TooSlow,
    /// The caller went away, or does not speak HTTP.
    Broken,
}

/// Reads bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    budget: Semaphore,
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self { budget: Semaphore::new(BUDGET_BYTES / PIECE_BYTES) }
    }

    /// The bytes of `body`, at most `max_bytes`.
    pub(super) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        max_bytes: usize,
    ) -> Result<Bytes, NoBody> {
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let length: Option<usize> = length.and_then(|length| length.parse().ok());
        let read = async {
            if length.is_some_and(|length| length > max_bytes) {
                return self.discard(headers, body).await;
            }
            if length.is_some_and(|length| length <= SMALL_BYTES) {
                return self.collect(headers, body, max_bytes).await;
            }
            let pieces = length.unwrap_or(max_bytes).div_ceil(PIECE_BYTES);
            let pieces = u32::try_from(pieces).map_err(|_| NoBody::TooLarge)?;
            let _share = self.budget.acquire_many(pieces).await.map_err(|_| NoBody::Broken)?;
            self.collect(headers, body, max_bytes).await
        };
        timeout(LONGEST, read).await.unwrap_or(Err(NoBody::TooSlow))
    }

    async fn collect(
        &self,
        headers: &HeaderMap,
        mut body: Body,
        max_bytes: usize,
    ) -> Result<Bytes, NoBody> {
        let mut first = Bytes::new();
        let mut all: Option<BytesMut> = None;
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame.map_err(|_| NoBody::Broken)?.into_data() else { continue };
            let read = all.as_ref().map_or(first.len(), BytesMut::len);
            if read + bytes.len() > max_bytes {
                return self.discard(headers, body).await;
            }
            match &mut all {
                Some(all) => all.extend_from_slice(&bytes),
                // Nearly always the only one: no copy.
                None if first.is_empty() => first = bytes,
                None => {
                    let mut joined = BytesMut::from(&first[..]);
                    joined.extend_from_slice(&bytes);
                    all = Some(joined);
                }
            }
        }
        Ok(all.map_or(first, BytesMut::freeze))
    }

    async fn discard(&self, headers: &HeaderMap, mut body: Body) -> Result<Bytes, NoBody> {
        // Who asks first has not sent anything yet, and is answered instead.
        if headers.contains_key(header::EXPECT) {
            return Err(NoBody::TooLarge);
        }
        let mut discarded = 0;
        while discarded <= MAX_DISCARDED_BYTES
            && let Some(Ok(frame)) = body.frame().await
        {
            discarded += frame.data_ref().map_or(0, Bytes::len);
        }
        Err(NoBody::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::http::HeaderValue;
    use http_body_util::Full;
    use hyper::body::Frame;
    use tokio::time::Instant;

    use super::*;

    /// Gives its parts one by one, and then either ends or never does.
    struct Parts {
        parts: Vec<&'static [u8]>,
        ends: bool,
    }

    impl hyper::body::Body for Parts {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match (self.parts.pop(), self.ends) {
                (Some(part), _) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(part))))),
                (None, true) => Poll::Ready(None),
                (None, false) => Poll::Pending,
            }
        }
    }

    async fn read(
        length: Option<usize>,
        parts: &[&'static [u8]],
        ends: bool,
    ) -> Result<Bytes, NoBody> {
        let mut headers = HeaderMap::new();
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        let parts = parts.iter().rev().copied().collect();
        Bodies::new().read(&headers, Body::new(Parts { parts, ends }), 8).await
    }

    #[tokio::test]
    async fn a_body_is_read_whole_in_one_piece_or_several() {
        assert_eq!(read(Some(5), &[b"whole"], true).await.unwrap(), "whole");
        assert_eq!(read(None, &[b"in", b"", b"pie", b"ces"], true).await.unwrap(), "inpieces");
        assert_eq!(read(None, &[], true).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused_whatever_it_says_of_itself() {
        assert_eq!(read(Some(9), &[b"123456789"], true).await, Err(NoBody::TooLarge));
        assert_eq!(read(None, &[b"12345678", b"9"], true).await, Err(NoBody::TooLarge));
        assert_eq!(read(Some(3), &[b"12345678", b"9"], true).await, Err(NoBody::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_waited_for_for_ten_seconds() {
        let start = Instant::now();
        assert_eq!(read(Some(8), &[b"1234"], false).await, Err(NoBody::TooSlow));
        assert_eq!(start.elapsed(), LONGEST);
        assert_eq!(read(Some(800), &[b"1234"], false).await, Err(NoBody::TooSlow));
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_share_a_budget_and_small_ones_need_none() {
        let bodies = Bodies::new();
        let all = bodies.budget.acquire_many((BUDGET_BYTES / PIECE_BYTES) as u32).await.unwrap();
        let mut headers = HeaderMap::new();
        let full = |bytes: usize| Body::new(Full::new(Bytes::from(vec![0; bytes])));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(SMALL_BYTES));
        assert!(bodies.read(&headers, full(SMALL_BYTES), 1 << 20).await.is_ok());
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(SMALL_BYTES + 1));
        let large = bodies.read(&headers, full(SMALL_BYTES + 1), 1 << 20).await;
        assert_eq!(large, Err(NoBody::TooSlow));
        drop(all);
        assert!(bodies.read(&headers, full(SMALL_BYTES + 1), 1 << 20).await.is_ok());
    }
}
