//! Everything on one machine: the daemon in this process, the services as its children, a load.
//!
//! In: options. Out: a table of links, then exit code 0 on Ctrl-C. Owns the ports, the children and
//! the folder with the data. Start: ports, daemon, services from the last callee to the first, load.
//! End: the same backwards, so that the last segments find the daemon.

mod child;
mod daemon;
mod holder;
mod ports;
mod run;
mod table;

pub(crate) use child::LISTENING;
pub(crate) use run::run;
