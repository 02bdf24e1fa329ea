//! Product-Catalog: keeps the products, and asks Product-Detail for their vendors.
//!
//! In: the workshop's HTTP calls. Out: its JSON, error bodies included. Owns: the products, in SQLite
//! or PostgreSQL.

mod answer;
mod app;
mod handlers;
mod store;
mod vendors;

#[cfg(test)]
pub(crate) use answer::Try;
pub(crate) use answer::{Failing, Problem, ProductList};
pub(crate) use app::{SEGMENT_NAME, router};
pub(crate) use store::Store;
pub(crate) use vendors::Vendors;
