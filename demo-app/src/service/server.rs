//! Puts the shared layers around a service's routes, and serves them until the process is to end.
//!
//! Order, outermost first: segment, trace id in the response, metrics, guard, body limit; faults only
//! around the service's own work, so that health check, metrics and the switches stay reachable.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::guard::{self, Guard};
use super::metrics::{self, Metrics};
use super::otel;
use super::trace::{self, Dialect, Untraced};
use crate::chaos::{self, Chaos};

/// Most bytes of a request body: a form with two fields.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// How long requests that run when the process is told to end may take.
const GRACE: Duration = Duration::from_secs(3);

/// What the shared layers need to know about a service.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    /// Segment name.
    pub(crate) name: &'static str,
    pub(crate) chaos: Arc<Chaos>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) untraced: Untraced,
    pub(crate) dialect: Dialect,
}

/// What a health check says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Health {
    pub(crate) path: &'static str,
    pub(crate) healthy: &'static str,
}

impl Common {
    pub(crate) fn new(
        name: &'static str,
        listen: SocketAddr,
        allowed_hosts: &[String],
        untraced: Untraced,
    ) -> Self {
        let guard = Arc::new(Guard::new(listen, allowed_hosts));
        Self { name, chaos: Arc::default(), guard, untraced, dialect: Dialect::Native }
    }

    /// Traced by somebody else.
    pub(crate) fn in_dialect(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// The service's own work, which faults apply to.
    pub(crate) fn faulty(&self, work: Router) -> Router {
        work.layer(from_fn_with_state(Arc::clone(&self.chaos), chaos::apply))
    }

    /// The whole service: `routes`, and those that all services have.
    pub(crate) fn wrap(&self, routes: Router, health: Health) -> Router {
        let metrics = Arc::new(Metrics::new(self.name));
        let routes = routes
            .merge(chaos::routes(Arc::clone(&self.chaos)))
            .merge(health_route(health, Arc::clone(&self.chaos)))
            .route("/metrics", get(metrics::show).with_state(Arc::clone(&metrics)))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(from_fn_with_state(Arc::clone(&self.guard), guard::apply))
            .layer(from_fn_with_state(metrics, metrics::apply));
        match &self.dialect {
            Dialect::Native => routes
                .layer(from_fn(trace::show_in_response))
                .layer(self.untraced.server_layer(self.name)),
            Dialect::OpenTelemetry(otel) => {
                routes.layer(from_fn_with_state(Arc::clone(otel), otel::trace))
            }
        }
    }
}

fn health_route(health: Health, chaos: Arc<Chaos>) -> Router {
    let answer = async move |State(chaos): State<Arc<Chaos>>| -> Response {
        if chaos.health_fails() {
            (StatusCode::INTERNAL_SERVER_ERROR, Json("UnHealthy")).into_response()
        } else {
            Json(health.healthy).into_response()
        }
    };
    Router::new().route(health.path, get(answer)).with_state(chaos)
}

/// Serves `router` until `stop` completes, then lets running requests end for up to [`GRACE`].
///
/// # Errors
/// When the listener fails, or `stop` does.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let stopping = CancellationToken::new();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    // Small answers in several writes wait for Nagle's algorithm otherwise; a socket that refuses
    // the option works, only slower.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(stopping.clone().cancelled_owned())
        .into_future();
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        asked = stop => asked?,
    }
    stopping.cancel();
    tokio::time::timeout(GRACE, serving).await.unwrap_or(Ok(()))
}
