//! Where the calling code runs: in which trace, and in which span of it.
//!
//! In: the dispatcher's current span, and a context that server capture sets while it polls. Out:
//! the tracer with a [`Spot`]. Owns the context of each thread. The context stands beside the span
//! so that propagation and decision hold even where a log level switches the span off.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::Dispatch;
use tracing::dispatcher::{self, WeakDispatch};
use tracing_core::span::Id;

use super::XrayLayer;
use super::open_trace::Place;
use super::root::Root;
use super::stack;
use super::tracer::Tracer;

/// Most ancestors that are looked at for a recorded one.
const MAX_PATH: usize = 32;

thread_local! {
    static CONTEXT: RefCell<Option<Arc<Root>>> = const { RefCell::new(None) };
}

/// The way from a span up to its local root.
#[derive(Debug)]
pub(crate) struct Climb {
    pub(crate) root: Arc<Root>,
    path: [u64; MAX_PATH],
    length: usize,
}

impl Climb {
    /// Starts below `root` with no span on the way.
    pub(crate) fn from_root(root: Arc<Root>) -> Self {
        Self { root, path: [0; MAX_PATH], length: 0 }
    }

    /// Follows `spans`, each with the root that begins there if one does; `None` without any.
    pub(crate) fn along(spans: impl Iterator<Item = (u64, Option<Arc<Root>>)>) -> Option<Self> {
        let (mut path, mut length) = ([0; MAX_PATH], 0);
        for (span, root) in spans {
            // Above that many spans without a record, the root will do as parent.
            if let Some(step) = path.get_mut(length) {
                *step = span;
                length += 1;
            }
            if let Some(root) = root {
                return Some(Self { root, path, length });
            }
        }
        None
    }

    /// The spans on the way, from the bottom.
    pub(crate) fn path(&self) -> &[u64] {
        self.path.get(..self.length).unwrap_or_default()
    }
}

/// Looks a span up in a subscriber whose type only the layer knew.
pub(crate) type ClimbFn = fn(&Dispatch, &Id) -> Option<Climb>;

/// Sets the context for as long as it lives.
#[derive(Debug)]
pub(crate) struct ContextGuard {
    before: Option<Arc<Root>>,
}

impl ContextGuard {
    pub(crate) fn enter(root: Arc<Root>) -> Self {
        Self { before: replace_context(Some(root)) }
    }
}

impl Drop for ContextGuard {
    fn drop(&mut self) {
        drop(replace_context(self.before.take()));
    }
}

fn replace_context(root: Option<Arc<Root>>) -> Option<Arc<Root>> {
    let replaced = CONTEXT.try_with(|context| {
        let mut context = context.try_borrow_mut().ok()?;
        std::mem::replace(&mut *context, root)
    });
    replaced.ok().flatten()
}

/// The root whose request this thread is working on, if `tracer` began it.
pub(crate) fn context_of(tracer: &Tracer) -> Option<Arc<Root>> {
    let context = CONTEXT.try_with(|context| context.try_borrow().ok()?.clone());
    context.ok().flatten().filter(|root| root.tracer == tracer.id)
}

/// Runs `work` with the current subscriber's layer; `None` where there is none.
pub(crate) fn with_layer<R>(work: impl FnOnce(&XrayLayer, &Dispatch) -> R) -> Option<R> {
    // `get_default` calls once, but does not say so in its type.
    let mut work = Some(work);
    let mut run = |dispatch: &Dispatch| {
        let layer = dispatch.downcast_ref::<XrayLayer>().filter(|layer| layer.is_enabled())?;
        Some(work.take()?(layer, dispatch))
    };
    dispatcher::get_default(&mut run).or_else(|| run(&hidden()?))
}

/// The subscribers that have a layer of ours, by tracer.
static SUBSCRIBERS: RwLock<Vec<(u32, WeakDispatch)>> = RwLock::new(Vec::new());

/// Remembers the subscriber that a layer stands in.
pub(crate) fn register(tracer: u32, dispatch: &Dispatch) {
    let mut subscribers = SUBSCRIBERS.write().unwrap_or_else(PoisonError::into_inner);
    subscribers.retain(|(_, dispatch)| dispatch.upgrade().is_some());
    subscribers.push((tracer, dispatch.downgrade()));
}

/// The subscriber whose span this thread is in, where `tracing` hides it: inside its own callbacks,
/// such as the formatter of a log line.
#[cold]
fn hidden() -> Option<Dispatch> {
    let of_context = || {
        let context = CONTEXT.try_with(|context| Some(context.try_borrow().ok()?.as_ref()?.tracer));
        context.ok().flatten()
    };
    let tracer = stack::top_tracer().or_else(of_context)?;
    let subscribers = SUBSCRIBERS.read().unwrap_or_else(PoisonError::into_inner);
    let mut found = subscribers.iter().filter(|(of, _)| *of == tracer);
    found.find_map(|(_, dispatch)| dispatch.upgrade())
}

/// The current tracer, to keep.
pub(crate) fn tracer() -> Option<Arc<Tracer>> {
    with_layer(|layer, _| Arc::clone(layer.tracer()))
}

/// The way from the current span to its root, or the context's root; `None` outside any.
fn climb(layer: &XrayLayer, dispatch: &Dispatch) -> Option<Climb> {
    layer.climb_from_current(dispatch).or_else(|| context_of(layer.tracer()).map(Climb::from_root))
}

/// Runs `work` with the current root, and the place of the current span in it if it is recorded.
/// `None` without layer, `Some(None)` outside any trace.
pub(crate) fn with_current<R>(
    work: impl FnOnce(&Arc<Tracer>, &Arc<Root>, Option<Place>) -> R,
) -> Option<Option<R>> {
    with_layer(|layer, dispatch| {
        let climb = climb(layer, dispatch)?;
        let place = layer.tracer().place(&climb.root, climb.path());
        Some(work(layer.tracer(), &climb.root, place))
    })
}

/// Like [`with_current`], but in the short way where the current span is known: without the root.
pub(crate) fn with_spot<R>(work: impl FnOnce(&Tracer, Option<Place>) -> R) -> Option<Option<R>> {
    with_layer(|layer, dispatch| {
        let place = match layer.current_place(dispatch) {
            Some(place) => place,
            None => context_of(layer.tracer())?.place(),
        };
        Some(work(layer.tracer(), place))
    })
}

pin_project! {
    /// Keeps a future in the trace of the code that made it: sets the context whenever the future
    /// is polled, and in a capture the subscriber as well, until the future is dropped.
    #[derive(Debug)]
    pub(crate) struct InContext<F> {
        root: Option<Arc<Root>>,
        subscriber: Option<Dispatch>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _subscriber = this.subscriber.as_ref().map(dispatcher::set_default);
            this.future.set(None);
        }
    }
}

impl<F> InContext<F> {
    /// With the context of the caller.
    pub(crate) fn current(future: F) -> Self {
        let root = CONTEXT.try_with(|context| context.try_borrow().ok()?.clone());
        let subscriber =
            with_layer(|layer, dispatch| layer.is_capture().then(|| dispatch.clone())).flatten();
        Self { root: root.ok().flatten(), subscriber, future: Some(future) }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _subscriber = this.subscriber.as_ref().map(dispatcher::set_default);
        let _context = this.root.clone().map(ContextGuard::enter);
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending, // only while it is dropped
        }
    }
}
