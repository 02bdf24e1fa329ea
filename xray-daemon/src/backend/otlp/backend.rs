//! OTLP as a backend of delivery.
//!
//! In: a batch. Out: one request, or several where one would be too large. Owns the client and what
//! is known across batches. Translation and compression run on threads for blocking work: a full
//! batch takes some milliseconds.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tracing::{info, warn};

use super::NAME;
use super::answer::Taken;
use super::client::Client;
use super::endpoint::{is_own, xray_region};
use super::error::OtlpError;
use super::outgoing::{Known, Outgoing};
use super::requests::{Request, pack};
use crate::backend::{Backend, BackendError, BoxFuture, Delivered, Retry, Unprocessed};
use crate::config::{Compression, DaemonConfig};
use crate::counters::BackendCounters;
use crate::log_limit::LogLimit;
use crate::segment::Segment;

/// Sends batches to any OpenTelemetry backend.
pub(crate) struct OtlpBackend {
    client: Client,
    compression: Compression,
    known: Arc<Mutex<Known>>,
    warnings: LogLimit,
}

impl fmt::Debug for OtlpBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpBackend").field("client", &self.client).finish_non_exhaustive()
    }
}

impl OtlpBackend {
    /// `max_held_bytes`: most bytes of documents that wait for their completion.
    pub(crate) async fn open(
        config: &DaemonConfig,
        counters: &Arc<BackendCounters>,
        max_held_bytes: usize,
    ) -> Result<Self, OtlpError> {
        let settings = &config.otlp;
        let endpoint = settings.endpoint.to_string();
        if is_own(&settings.endpoint, config.otlp_http) {
            return Err(OtlpError::Loop { endpoint });
        }
        let client = Client::new(settings)?;
        let client = match xray_region(&settings.endpoint) {
            Some(region) => {
                info!("Sending spans to {endpoint}, signed for {region}");
                signed(client, config, region, counters).await?
            }
            None => {
                info!("Sending spans to {endpoint}");
                client
            }
        };
        if settings.endpoint.port_u16() == Some(4317) {
            warn!("{endpoint} looks like a port for gRPC; OTLP by HTTP is mostly on port 4318");
        }
        Ok(Self {
            client,
            compression: settings.compression,
            known: Arc::new(Mutex::new(Known::new(max_held_bytes))),
            warnings: LogLimit::new(),
        })
    }

    async fn send(&self, batch: &[Segment]) -> Result<Delivered, BackendError> {
        let (outgoing, requests) = self.prepare(batch).await?;
        let mut unprocessed = outgoing.unprocessed;
        for (number, request) in requests.iter().enumerate() {
            match self.client.post(request.body.clone()).await {
                Ok(taken) => unprocessed.extend(self.not_taken(request, taken)),
                Err(error) if requests.len() == 1 => return Err(error),
                Err(error) if number == 0 && is_passing(&error) => return Err(error),
                Err(error) => {
                    let is_passing = is_passing(&error);
                    let missed = if is_passing { requests.get(number..) } else { None };
                    let missed = missed.unwrap_or(std::slice::from_ref(request));
                    unprocessed.extend(missed.iter().flat_map(|it| it.not_sent(&error)));
                    if is_passing {
                        break;
                    }
                }
            }
        }
        let again =
            |place: usize| unprocessed.iter().any(|it| it.index == place && it.retry != Retry::No);
        let mut known = lock(&self.known);
        for (_, work) in outgoing.leaving.iter().filter(|(place, _)| !again(*place)) {
            known.holder.settled(work);
        }
        Ok(Delivered { unprocessed })
    }

    /// Makes the requests of a batch.
    async fn prepare(&self, batch: &[Segment]) -> Result<(Outgoing, Vec<Request>), BackendError> {
        let (batch, known, compression) =
            (batch.to_vec(), Arc::clone(&self.known), self.compression);
        let prepared = tokio::task::spawn_blocking(move || {
            let outgoing = lock(&known).outgoing(&batch, Instant::now());
            let requests = pack(&outgoing.parts, compression);
            (Outgoing { parts: Vec::new(), ..outgoing }, requests)
        });
        prepared.await.map_err(|error| BackendError::Again {
            backend: NAME,
            status: "not translated".to_owned(),
            after: None,
            source: Some(Box::new(error)),
        })
    }

    /// Segments of a request that was taken but for some spans. Which ones is not said, so as many
    /// segments count as have that many spans between them.
    fn not_taken(&self, request: &Request, taken: Taken) -> Vec<Unprocessed> {
        let Taken { rejected, message } = taken;
        if rejected == 0 {
            if !message.is_empty()
                && let Some(requests) = self.warnings.report(1)
            {
                warn!(requests, "the OTLP endpoint took all spans and says: {message}");
            }
            return Vec::new();
        }
        let (spans, segments) = (request.spans as u64, request.places.len() as u64);
        let share = rejected.min(spans).saturating_mul(segments).div_ceil(spans.max(1));
        let message = format!(
            "the endpoint rejected {rejected} of {spans} spans in {segments} segments, and does not \
             say which: {message}"
        );
        let share = usize::try_from(share).unwrap_or(usize::MAX);
        let places = request.places.iter().take(share);
        places
            .map(|place| Unprocessed {
                index: *place,
                code: "PartialSuccess".to_owned(),
                message: message.clone(),
                retry: Retry::No,
            })
            .collect()
    }
}

impl Request {
    /// Its segments, to be sent again, in a batch of their own.
    fn not_sent(&self, error: &BackendError) -> Vec<Unprocessed> {
        let message = error.to_string();
        let unprocessed = |place: &usize| Unprocessed {
            index: *place,
            code: "NotSent".to_owned(),
            message: message.clone(),
            retry: Retry::Yes,
        };
        self.places.iter().map(unprocessed).collect()
    }
}

impl Backend for OtlpBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hold_nothing(&self) {
        lock(&self.known).holder.hold_nothing();
    }

    fn put<'a>(&'a self, batch: &'a [Segment]) -> BoxFuture<'a, Result<Delivered, BackendError>> {
        Box::pin(self.send(batch))
    }
}

/// Whether the endpoint is not well: the next request would not fare better.
fn is_passing(error: &BackendError) -> bool {
    matches!(error, BackendError::Again { .. } | BackendError::Unsure { .. })
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    // A panic half way leaves at most a count that is off.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(feature = "aws")]
async fn signed(
    client: Client,
    config: &DaemonConfig,
    region: &str,
    counters: &Arc<BackendCounters>,
) -> Result<Client, OtlpError> {
    use crate::backend::aws::Signer;
    let signer = Signer::open(&config.aws, region, Arc::clone(counters)).await?;
    Ok(client.signed_by(signer))
}

#[cfg(not(feature = "aws"))]
async fn signed(
    _client: Client,
    config: &DaemonConfig,
    _region: &str,
    _counters: &Arc<BackendCounters>,
) -> Result<Client, OtlpError> {
    Err(OtlpError::NotSigned { endpoint: config.otlp.endpoint.to_string() })
}
