//! A response body that ends its request's segment.
//!
//! In: frames of the inner body. Out: the same. Owns the segment, and ends it with the last frame,
//! or when it is dropped: so long a client had to wait.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::grpc::GrpcStatus;
use super::tower::RequestTrace;
use crate::layer::record::Flags;

pin_project! {
    /// The body of a traced response.
    #[derive(Debug)]
    pub struct TracedBody<B> {
        #[pin]
        inner: B,
        // `None` without tracing, and after the end.
        trace: Option<RequestTrace>,
        // Bytes so far, where the response did not say how many there will be.
        counted_bytes: Option<u64>,
    }
}

impl<B> TracedBody<B> {
    pub(super) fn new(inner: B, trace: Option<RequestTrace>, is_measured: bool) -> Self {
        Self { inner, trace, counted_bytes: (!is_measured).then_some(0) }
    }
}

impl<B: Body> Body for TracedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let running = this.trace.as_ref().map(RequestTrace::enter);
        let frame = this.inner.as_mut().poll_frame(cx);
        drop(running);
        let frame = ready!(frame);
        let mut grpc = None;
        let (is_over, flags) = match &frame {
            Some(Ok(frame)) => {
                if let (Some(bytes), Some(data)) = (this.counted_bytes.as_mut(), frame.data_ref()) {
                    *bytes += data.remaining() as u64;
                }
                grpc = frame.trailers_ref().and_then(GrpcStatus::of);
                (grpc.is_some() || this.inner.is_end_stream(), Flags::default())
            }
            // The client got a part of what it should have.
            Some(Err(_)) => (true, Flags::FAULT),
            None => (true, Flags::default()),
        };
        if is_over && let Some(trace) = this.trace.take() {
            trace.end(flags, this.counted_bytes.take(), grpc);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
