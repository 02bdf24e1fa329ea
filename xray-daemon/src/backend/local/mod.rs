//! An X-Ray of one's own, in the daemon: a store, the X-Ray API and a console.
//!
//! In: batches of segments from delivery, and HTTP requests on port 2002. Out: API answers and
//! pages. Owns: one SQLite file, its writer thread and a few readers. Nothing here needs a region,
//! credentials or a network, and nothing here is told apart by who asks: AWS CLI, boto3, Grafana
//! and the console read the same store through the same questions ([`Store`](store::Store)).

mod api;
mod arn;
mod config;
mod console;
mod delivery;
mod error;
pub mod filter;
pub mod graph;
pub mod sampling;
mod server;
mod service;
pub mod store;
pub mod trace;
mod view;

pub use api::TelemetryRecord;
pub use config::LocalConfig;
pub use error::LocalError;
pub use service::Local;
pub use view::DaemonView;
