//! Brings batches to a backend, until each segment is settled.
//!
//! In: batches of one backend's queue. Out: uploads; what fails for a time goes back to the queue.
//! Owns the uploads that run and the pace at which they start. Each backend has a delivery of its
//! own. It ends when the queue is closed and everything in it is settled, or when it is told to
//! give up: then what is left goes to the spool, or is dropped, counted.

mod backoff;
mod budget;
mod pacer;
mod settle;
#[cfg(test)]
mod tests;
mod uploader;

pub(crate) use uploader::{Delivery, DeliveryLimits};
