//! Product-Detail: which version of the catalogue detail is live, and which vendors it has.
//!
//! The smallest service of the three, and the one that the workshop breaks. Version 2 is the canary:
//! another segment name and one vendor more.

mod app;

pub(crate) use app::{CatalogDetail, Version, router};
