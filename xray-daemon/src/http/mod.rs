//! What every HTTP port of the daemon shares.
//!
//! In: a bound listener and a router. Out: answers. Owns the connections: bounded in number, in
//! the size of their headers and in the time they may take. Every server answers programs, not
//! pages: requests that a browser sends for a page of somebody else are refused.

mod origin;
mod server;

pub(crate) use origin::refuse_browsers;
pub(crate) use server::serve;
