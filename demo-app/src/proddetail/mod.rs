//! Product-Detail: which version of the catalogue detail is live, and which vendors it has.
//!
//! The smallest service of the three, and the one that the workshop breaks. Version 2 is the canary:
//! another segment name and one vendor more. Where an OTLP endpoint is named it is traced by plain
//! OpenTelemetry, as a service that was written for another backend.

mod app;

pub(crate) use app::{CatalogDetail, Version, router};
