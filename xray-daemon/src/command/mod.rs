//! What the program does besides running the daemon: its subcommands.
//!
//! In: arguments behind the subcommand's name; those that are not its own are the daemon's, so that
//! it finds the same ports. Out: text and an exit code. Owns nothing.

mod arguments;
mod doctor;
mod healthcheck;

pub(crate) use doctor::doctor;
pub(crate) use healthcheck::healthcheck;
