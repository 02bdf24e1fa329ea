//! AWS Lambda functions as tower services.
//!
//! In: events with the trace header that the runtime hands over. Out: results, unchanged; a
//! subsegment for the invocation, since the segment of a function is Lambda's own. Owns nothing
//! between invocations. Documents are flushed before a result goes out: afterwards the process may
//! be frozen. A header with a root alone means that Lambda does not trace (`PassThrough`): nothing
//! is recorded, and callees get the header as it is.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;
use tower_layer::Layer;
use tower_service::Service;

use super::job::{Job, JobFuture};
use crate::TraceHeader;
use crate::layer::current;
use crate::layer::record::Flags;
use crate::layer::root::RootKind;

/// The variable in which the runtime of one invocation at a time leaves the header.
const HEADER_VARIABLE: &str = "_X_AMZN_TRACE_ID";
/// Longest that a result waits for its documents.
const FLUSH_WITHIN: Duration = Duration::from_millis(250);

type HeaderFn<E> = fn(&E) -> Option<&str>;

/// Makes a subsegment of each invocation.
///
/// ```ignore
/// let service = tower::ServiceBuilder::new()
///     .layer(xray_tracing::lambda::InvocationLayer::new(|event: &LambdaEvent<Value>| {
///         event.context.xray_trace_id.as_deref()
///     }))
///     .service_fn(handler);
/// lambda_runtime::run(service).await
/// ```
pub struct InvocationLayer<E> {
    header_of: HeaderFn<E>,
}

impl<E> InvocationLayer<E> {
    /// `header_of` finds the trace header of an event; without one the variable
    /// `_X_AMZN_TRACE_ID` is read.
    pub fn new(header_of: fn(&E) -> Option<&str>) -> Self {
        Self { header_of }
    }
}

impl<E> Clone for InvocationLayer<E> {
    fn clone(&self) -> Self {
        Self { header_of: self.header_of }
    }
}

impl<E> fmt::Debug for InvocationLayer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvocationLayer").finish_non_exhaustive()
    }
}

impl<S, E> Layer<S> for InvocationLayer<E> {
    type Service = Invocations<S, E>;

    fn layer(&self, inner: S) -> Invocations<S, E> {
        Invocations { inner, header_of: self.header_of }
    }
}

/// The service that [`InvocationLayer`] makes.
pub struct Invocations<S, E> {
    inner: S,
    header_of: HeaderFn<E>,
}

impl<S: Clone, E> Clone for Invocations<S, E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), header_of: self.header_of }
    }
}

impl<S: fmt::Debug, E> fmt::Debug for Invocations<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocations").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S: Service<E>, E> Service<E> for Invocations<S, E> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = InvocationFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, event: E) -> InvocationFuture<S::Future> {
        let said = (self.header_of)(&event).map(TraceHeader::parse);
        let header = said.or_else(|| {
            let variable = std::env::var(HEADER_VARIABLE).ok()?;
            Some(TraceHeader::parse(&variable))
        });
        let job = Job::new("invocation").in_lambda(header);
        let result = self.inner.call(event);
        let judge = |result: &Result<S::Response, S::Error>| match result {
            Ok(_) => Flags::default(),
            Err(_) => Flags::FAULT,
        };
        InvocationFuture { running: job.run_judged(result, judge), ended: None, flushing: None }
    }
}

impl Job {
    /// A part of the segment that Lambda writes, or nothing where Lambda does not trace.
    fn in_lambda(self, header: Option<TraceHeader>) -> Self {
        let header = header.unwrap_or_default();
        let kind = match (header.root, header.parent) {
            (Some(_), Some(_)) => RootKind::Subsegment,
            _ => RootKind::PassThrough,
        };
        self.continuing(header).kind(kind)
    }
}

pin_project! {
    /// The future of [`Invocations`].
    pub struct InvocationFuture<F: Future> {
        #[pin]
        running: JobFuture<F>,
        // The result, while documents are sent.
        ended: Option<F::Output>,
        flushing: Option<JoinHandle<bool>>,
    }
}

impl<F: Future> fmt::Debug for InvocationFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvocationFuture").finish_non_exhaustive()
    }
}

impl<F: Future> Future for InvocationFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if this.ended.is_none() {
            let result = ready!(this.running.as_mut().poll(cx));
            *this.flushing = flush();
            if this.flushing.is_none() {
                return Poll::Ready(result);
            }
            *this.ended = Some(result);
        }
        if let Some(flushing) = this.flushing.as_mut() {
            // Whatever became of the flush, the result goes out.
            drop(ready!(Pin::new(flushing).poll(cx)));
            *this.flushing = None;
        }
        match this.ended.take() {
            Some(result) => Poll::Ready(result),
            None => Poll::Pending, // polled again after its end
        }
    }
}

/// Sends what is queued, on a thread that may wait.
fn flush() -> Option<JoinHandle<bool>> {
    let tracer = current::tracer()?;
    let runtime = tokio::runtime::Handle::try_current().ok()?;
    let queue = Arc::clone(&tracer.queue);
    Some(runtime.spawn_blocking(move || queue.flush(FLUSH_WITHIN)))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceBuilder, ServiceExt, service_fn};
    use tracing::instrument::WithSubscriber;

    use super::*;
    use crate::document::Entity;
    use crate::testing::Capture;
    use crate::{MemorySink, builder, current_header};

    struct Event {
        header: Option<&'static str>,
    }

    const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;\
        Sampled=1;Lineage=a87bd80c:1";

    /// Invokes a function that answers with the header it would call others with.
    async fn invoke(header: Option<&'static str>) -> (String, Vec<Entity>) {
        let capture = Capture::new();
        let header_of = |event: &Event| event.header;
        let handler = |_: Event| async {
            tracing::info_span!("load").in_scope(|| {});
            Ok::<_, Infallible>(current_header().unwrap().to_string())
        };
        let service = ServiceBuilder::new().layer(InvocationLayer::new(header_of));
        let answer = service.service(service_fn(handler)).oneshot(Event { header });
        let answer = answer.with_subscriber(capture.subscriber().clone()).await.unwrap();
        (answer, capture.documents())
    }

    #[tokio::test]
    async fn an_invocation_is_a_part_of_lambdas_segment() {
        let (answer, documents) = invoke(Some(HEADER)).await;
        let [invocation] = &documents[..] else { panic!("{documents:?}") };
        assert_eq!(invocation.kind, crate::document::Kind::Subsegment);
        assert_eq!(invocation.parent_id.unwrap().to_string(), "53995c3f42cd8ad8");
        assert_eq!(invocation.trace_id.unwrap().to_string(), "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(invocation.subsegments[0].name, "load");
        assert_eq!(invocation.aws, None);
        let answer = TraceHeader::parse(&answer);
        assert_eq!((answer.parent, &*answer.extra), (invocation.id, "Lineage=a87bd80c:1"));
    }

    #[tokio::test]
    async fn where_lambda_does_not_trace_the_header_is_passed_on_as_it_is() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a87bd80c:1";
        let (answer, documents) = invoke(Some(header)).await;
        assert_eq!((&*answer, documents.len()), (header, 0));
    }

    #[tokio::test]
    async fn a_failed_invocation_is_a_fault_and_sent_before_the_result() {
        let sink = MemorySink::new();
        let options = builder("charge").without_environment().sink(sink.clone());
        let (layer, _guard) = options.build().unwrap();
        let subscriber =
            tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), layer);
        let service = ServiceBuilder::new().layer(InvocationLayer::new(|_: &()| Some(HEADER)));
        let service = service.service(service_fn(|()| async { Err::<(), _>("no money") }));
        let result = service.oneshot(()).with_subscriber(subscriber).await;
        assert_eq!(result, Err("no money"));
        // Nobody flushed but the layer.
        let documents = sink.take();
        assert!(Entity::parse(&documents[0]).unwrap().fault);
    }
}
