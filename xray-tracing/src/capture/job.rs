//! A segment around work that no server layer sees: a message of a queue, a nightly job.
//!
//! In: what the sender of a message said of its trace; the work. Out: the work's result, unchanged;
//! a segment. Owns the segment until the work is over or dropped. A plain span opens a segment, too:
//! this is for work that goes on somebody's trace, or that needs a name of its own.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tracing::Span;

use crate::TraceHeader;
use crate::layer::current::{self, ContextGuard};
use crate::layer::handover::{self, Handed};
use crate::layer::record::{Flags, Key, Value};
use crate::layer::root::{Root, RootKind};
use crate::layer::scratch::Scratch;
use crate::layer::tracer::{RootStart, Tracer};

/// Work that becomes a segment.
///
/// ```
/// use xray_tracing::{Job, TraceHeader};
///
/// // What SQS calls `AWSTraceHeader`, a system attribute that `receive_message` must ask for.
/// let attribute = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
/// let documents = xray_tracing::testing::capture(|| {
///     let job = Job::new("charge").continuing(TraceHeader::parse(attribute));
///     job.run(|| xray_tracing::annotate("order_id", 7));
/// });
/// assert_eq!(documents[0].trace_id.unwrap().to_string(), "1-5759e988-bd862e3fe1be46a994272793");
/// assert_eq!(documents[0].parent_id.unwrap().to_string(), "53995c3f42cd8ad8");
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is recorded before it runs"]
pub struct Job {
    /// What it does; the segment is named after the service.
    operation: String,
    service_name: Option<Arc<str>>,
    incoming: Option<TraceHeader>,
    links: Vec<TraceHeader>,
    kind: RootKind,
}

impl Job {
    /// Work called `operation`, in a trace of its own.
    pub fn new(operation: impl Into<String>) -> Self {
        Self {
            operation: operation.into(),
            service_name: None,
            incoming: None,
            links: Vec::new(),
            kind: RootKind::Segment,
        }
    }

    /// Goes on with the trace of whoever asked for the work, and with the decision made there.
    pub fn continuing(mut self, header: TraceHeader) -> Self {
        self.incoming = Some(header);
        self
    }

    /// Links the segment to another trace: to each message of a batch that is worked on at once.
    pub fn linked_to(mut self, header: &TraceHeader) -> Self {
        self.links.push(header.clone());
        self
    }

    /// Names the segment otherwise than the service.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into().into());
        self
    }

    #[cfg(feature = "lambda")]
    pub(super) fn kind(mut self, kind: RootKind) -> Self {
        self.kind = kind;
        self
    }

    /// Runs `work` inside the segment.
    pub fn run<T>(self, work: impl FnOnce() -> T) -> T {
        let trace = self.begin();
        let running = trace.as_ref().map(JobTrace::enter);
        let result = work();
        drop(running);
        if let Some(trace) = trace {
            trace.end(Flags::default());
        }
        result
    }

    /// Runs `future` inside the segment.
    pub fn run_async<F: Future>(self, future: F) -> JobFuture<F> {
        self.run_judged(future, |_| Flags::default())
    }

    /// The same, and `judge` says by the result whether it failed.
    pub(super) fn run_judged<F: Future>(
        self,
        future: F,
        judge: fn(&F::Output) -> Flags,
    ) -> JobFuture<F> {
        JobFuture { inner: future, trace: None, job: Some(self), judge }
    }

    fn begin(self) -> Option<JobTrace> {
        let tracer = current::tracer()?;
        let start = RootStart {
            name: self.service_name.as_ref(),
            incoming: self.incoming,
            kind: self.kind,
            ..RootStart::default()
        };
        let root = tracer.begin_root(start, 0, "", Flags::CAPTURED, |scratch| {
            scratch.add_text(Key::Field("operation"), &self.operation);
            for link in &self.links {
                scratch.add_link(link);
            }
        });
        let create = || {
            let operation = self.operation.as_str();
            tracing::info_span!(target: handover::TARGET, "job", operation)
        };
        let span = handover::with_span(&tracer, Handed::Root(Arc::clone(&root)), create);
        Some(JobTrace { tracer, root, span, is_over: false })
    }
}

/// The segment of work under way.
#[derive(Debug)]
pub(super) struct JobTrace {
    tracer: Arc<Tracer>,
    root: Arc<Root>,
    span: Span,
    is_over: bool,
}

impl JobTrace {
    fn enter(&self) -> impl Drop + '_ {
        let context = ContextGuard::enter(Arc::clone(&self.root));
        Running { _span: self.span.enter(), _context: context }
    }

    fn end(mut self, flags: Flags) {
        self.finish(flags, |_| {});
    }

    fn finish(&mut self, flags: Flags, read: impl FnOnce(&mut Scratch)) {
        self.is_over = true;
        if let Some(place) = self.root.place() {
            Scratch::with(|scratch| {
                read(scratch);
                self.tracer.end(place, scratch, flags);
            });
        }
    }
}

/// Says that this thread does the work, for as long as it lives.
struct Running<'a> {
    _span: tracing::span::Entered<'a>,
    _context: ContextGuard,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {}
}

impl Drop for JobTrace {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if std::thread::panicking() {
            return self.finish(Flags::FAULT, |_| {});
        }
        self.finish(Flags::default(), |scratch| {
            scratch.add(Key::Field("cancelled"), Value::Bool(true));
        });
    }
}

pin_project! {
    /// The future of [`Job::run_async`].
    pub struct JobFuture<F: Future> {
        #[pin]
        inner: F,
        trace: Option<JobTrace>,
        // The work begins when it is polled first.
        job: Option<Job>,
        judge: fn(&F::Output) -> Flags,
    }
}

impl<F: Future> fmt::Debug for JobFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobFuture").field("job", &self.job).finish_non_exhaustive()
    }
}

impl<F: Future> Future for JobFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(job) = this.job.take() {
            *this.trace = job.begin();
        }
        let running = this.trace.as_ref().map(JobTrace::enter);
        let polled = this.inner.poll(cx);
        drop(running);
        let result = ready!(polled);
        if let Some(trace) = this.trace.take() {
            trace.end((this.judge)(&result));
        }
        Poll::Ready(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Entity;
    use crate::testing::{capture, capture_async};
    use crate::{current_header, current_trace};

    const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1|b:2";

    fn only(documents: Vec<Entity>) -> Entity {
        let [document] = documents.try_into().unwrap();
        document
    }

    #[test]
    fn a_message_goes_on_with_its_senders_trace() {
        let mut outgoing = None;
        let document = only(capture(|| {
            let job = Job::new("charge").continuing(TraceHeader::parse(HEADER));
            job.run(|| {
                tracing::info_span!("inner").in_scope(|| outgoing = current_header());
            });
        }));
        assert_eq!(document.name, "test");
        assert_eq!(document.parent_id.unwrap().to_string(), "53995c3f42cd8ad8");
        assert_eq!(document.metadata["default"]["operation"], "charge");
        assert_eq!(document.subsegments[0].name, "inner");
        let outgoing = outgoing.unwrap();
        assert_eq!(outgoing.parent, document.subsegments[0].id);
        assert_eq!(outgoing.extra, "Lineage=a:1|b:2");
    }

    #[test]
    fn an_unsampled_message_stays_unsampled() {
        let documents = capture(|| {
            let header = TraceHeader::parse(&HEADER.replace("Sampled=1", "Sampled=0"));
            Job::new("charge").continuing(header).run(|| {
                let trace = current_trace().unwrap();
                assert!(!trace.sampled);
                assert_eq!(trace.trace_id.to_string(), "1-5759e988-bd862e3fe1be46a994272793");
            });
        });
        assert_eq!(documents, []);
    }

    #[test]
    fn a_batch_is_linked_to_the_traces_of_its_messages() {
        let document = only(capture(|| {
            Job::new("batch").linked_to(&TraceHeader::parse(HEADER)).run(|| {});
        }));
        let link = &document.links[0];
        assert_eq!(link.trace_id.unwrap().to_string(), "1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(link.id.unwrap().to_string(), "53995c3f42cd8ad8");
    }

    #[tokio::test]
    async fn a_future_is_the_segment_for_as_long_as_it_runs() {
        let documents = capture_async(|| {
            Job::new("nightly").service_name("reports").run_async(async {
                tokio::task::yield_now().await;
                crate::annotate("rows", 7);
            })
        });
        let document = only(documents.await);
        assert_eq!(document.name, "reports");
        assert_eq!(document.annotations.len(), 1);
        assert!(document.metadata["default"].get("cancelled").is_none());
    }

    #[tokio::test]
    async fn work_that_is_given_up_ends_and_says_so() {
        let documents = capture_async(|| async {
            let job = Job::new("slow").run_async(std::future::pending::<()>());
            tokio::select! { () = job => {}, () = tokio::task::yield_now() => {} }
        });
        let document = only(documents.await);
        assert_eq!(document.metadata["default"]["cancelled"], true);
    }
}
