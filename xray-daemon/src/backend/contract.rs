//! What delivery asks of a backend, and what a backend may answer.
//!
//! In: a batch. Out: [`Delivered`] with the documents that were not taken, or a [`BackendError`]
//! for the batch as a whole. Owns the types only.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::Segment;

/// A future in a box: one allocation a batch.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where batches go: X-Ray, the local store, or a fake with faults.
///
/// A backend of one's own gets documents byte for byte as they came:
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
/// use tokio::net::UdpSocket;
/// use xray_daemon::backend::{Backend, BackendError, BoxFuture, Delivered};
/// use xray_daemon::{Daemon, Segment};
///
/// #[derive(Debug, Default)]
/// struct Keep(Mutex<Vec<String>>);
///
/// impl Backend for Keep {
///     fn name(&self) -> &'static str {
///         "keep"
///     }
///
///     fn put<'a>(&'a self, batch: &'a [Segment]) -> BoxFuture<'a, Result<Delivered, BackendError>> {
///         let documents = batch.iter().map(|segment| segment.document());
///         let documents = documents.map(|text| String::from_utf8_lossy(text).into_owned());
///         self.0.lock().expect("no thread panicked").extend(documents);
///         Box::pin(async { Ok(Delivered::default()) })
///     }
/// }
///
/// let kept = Arc::new(Keep::default());
/// let free_port = "127.0.0.1:0".parse()?;
/// let daemon = Daemon::builder()
///     .backends([])
///     .backend(kept.clone())
///     .udp(free_port)
///     .tcp(free_port)
///     .admin(free_port)
///     .start()
///     .await?;
/// // What any X-Ray SDK does, with this address in AWS_XRAY_DAEMON_ADDRESS.
/// let socket = UdpSocket::bind(free_port).await?;
/// let datagram = b"{\"format\": \"json\", \"version\": 1}\n{\"name\": \"shop\"}";
/// socket.send_to(datagram, daemon.udp_addr()).await?;
/// // What is on its way is still delivered.
/// let stopped = daemon.stop(Duration::from_secs(5)).await;
/// assert_eq!(stopped.stats.backend("keep").map(|keep| keep.sent), Some(1));
/// assert_eq!(*kept.0.lock().expect("no thread panicked"), [r#"{"name": "shop"}"#]);
/// # Ok(())
/// # }
/// ```
pub trait Backend: Send + Sync + fmt::Debug {
    /// Name in flags, logs and metrics: `aws`, `local`, `otlp`.
    fn name(&self) -> &'static str;

    /// Most calls of [`put`](Self::put) that may run at once.
    fn max_uploads(&self) -> usize {
        256
    }

    /// No segment will follow: documents are no longer to be [held back](Retry::Hold).
    fn hold_nothing(&self) {}

    /// Stores `batch`, or says which documents to send again, and when.
    fn put<'a>(&'a self, batch: &'a [Segment]) -> BoxFuture<'a, Result<Delivered, BackendError>>;
}

/// The batch arrived; documents listed here were not taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivered {
    /// Documents that were not taken, by their place in the batch.
    pub unprocessed: Vec<Unprocessed>,
}

/// A document that the backend did not take.
#[derive(Clone, Debug, PartialEq)]
pub struct Unprocessed {
    /// Place in the batch.
    pub index: usize,
    /// Error code, such as `ThrottledException` or `MissingName`.
    pub code: String,
    /// What the backend says about it.
    pub message: String,
    /// Whether sending it again can help.
    pub retry: Retry,
}

/// Whether sending again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Throttled, or the backend failed.
    Yes,
    /// The document itself is at fault.
    No,
    /// Nothing is wrong: the backend waits for another document that concerns this one, and asks to
    /// be given it again after this time.
    Hold(Duration),
}

/// The batch as a whole was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// Nothing was taken; sending the same batch again can help.
    #[error("{backend} did not take the batch ({status}); it goes back to the queue")]
    Again {
        /// Name of the backend.
        backend: &'static str,
        /// What happened: a status code, a time-out…
        status: String,
        /// What the backend asks to wait, from `Retry-After`.
        after: Option<Duration>,
        /// The cause, where there is one.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The service may have taken the batch, but did not say so: an answer that is late, broken, or
    /// an error of its own. It is sent again, counted as a possible repeat.
    #[error("{backend} may have taken the batch ({status}); it goes back to the queue")]
    Unsure {
        /// Name of the backend.
        backend: &'static str,
        /// What happened: a status code, a time-out…
        status: String,
        /// What the backend asks to wait, from `Retry-After`.
        after: Option<Duration>,
        /// The cause, where there is one.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The batch is too large (413): halve it.
    #[error("{backend} says the batch is too large; it is halved")]
    TooLarge {
        /// Name of the backend.
        backend: &'static str,
    },
    /// Sending again cannot help.
    #[error("{backend} refused the batch: {code}: {message}")]
    Refused {
        /// Name of the backend.
        backend: &'static str,
        /// Error code, such as `AccessDeniedException`.
        code: String,
        /// What the backend says.
        message: String,
    },
}
