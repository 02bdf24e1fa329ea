//! The store as the backend `local` of delivery.
//!
//! In: batches of segments. Out: what the store did not take, with the service's codes.

use xray_tracing::translate::Options;

use crate::Segment;
use crate::backend::{Backend, BackendError, BoxFuture, Delivered, Retry, Unprocessed};
use crate::otlp::{Datagrams, Documents};

use super::store::{Incoming, Store, StoreError, Unstored};

/// Name of the backend.
const NAME: &str = "local";

/// Puts batches into the store.
#[derive(Clone, Debug)]
pub(super) struct LocalBackend {
    store: Store,
}

impl LocalBackend {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    async fn store(&self, batch: &[Segment]) -> Result<Delivered, BackendError> {
        let made = Documents::of(batch, Datagrams::Read, &Options::default());
        let documents: Vec<_> = made
            .documents
            .iter()
            .map(|segment| Incoming {
                document: segment.document().clone(),
                sender: segment.sender(),
            })
            .collect();
        let unstored = self.store.put(&documents).await.map_err(again)?;
        let unprocessed = unstored.into_iter().map(unprocessed).collect();
        Ok(made.of_segments(Delivered { unprocessed }))
    }
}

impl Backend for LocalBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn put<'a>(&'a self, batch: &'a [Segment]) -> BoxFuture<'a, Result<Delivered, BackendError>> {
        Box::pin(self.store(batch))
    }
}

/// Whatever the store's trouble is, the documents are not at fault.
fn again(err: StoreError) -> BackendError {
    let status = match &err {
        StoreError::Full => "disk full",
        StoreError::Closed => "closed",
        _ => "failed",
    };
    BackendError::Again {
        backend: NAME,
        status: status.to_owned(),
        after: None,
        source: Some(Box::new(err)),
    }
}

fn unprocessed(Unstored { index, id: _, code, message }: Unstored) -> Unprocessed {
    Unprocessed { index, code, message, retry: Retry::No }
}
