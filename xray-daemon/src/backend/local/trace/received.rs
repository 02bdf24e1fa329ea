//! One accepted document, as the store hands it out.

use std::net::SocketAddr;

use bytes::Bytes;
use xray_tracing::document::Entity;

/// A document that was accepted, with what is known of its arrival.
#[derive(Clone, Debug)]
pub struct Received {
    /// JSON text, byte for byte as it came.
    pub document: Bytes,
    /// What the text says.
    pub entity: Entity,
    /// Epoch seconds.
    pub received_at_s: f64,
    /// Place in the order of arrival. Documents that came in one call share it.
    pub seq: u64,
    /// Address of the process that sent it, where it is known.
    pub sender: Option<SocketAddr>,
}
